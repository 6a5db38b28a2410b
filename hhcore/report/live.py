"""What a page needs to simulate the neurons of an experiment as the run did, on its grid and off it; static/neuron.js.

The kernel is that of the run for one lane. What it takes of a point is a program (hhcore.report.tracing), where it
starts is found by static/rest.js, and steps end where those of the run did. So the spikes have the same bits.
"""

from collections.abc import Mapping, MutableMapping
from pathlib import Path

import numpy as np

from hhcore.base import tables
from hhcore.base.units import column_name, pretty_unit
from hhcore.certify.origin import check_origin
from hhcore.compile.parts import HOLDING
from hhcore.experiments.answers import Results
from hhcore.experiments.experiment import Experiment
from hhcore.experiments.protocol import Protocol
from hhcore.figures.context import quantity
from hhcore.grid.factors import Factor
from hhcore.model.model import NOTHING, Quantity
from hhcore.model.roles import converts
from hhcore.report.explorer import middle
from hhcore.report.kernels import kernel
from hhcore.report.legality import legality
from hhcore.report.payload import Payload
from hhcore.report.ranges import is_gate, slider, swept_values
from hhcore.report.stored import stored_spikes
from hhcore.report.tracing import DURATION, kernel_program
from hhcore.schemes.solver import Solver
from hhcore.simulation import rest
from hhcore.simulation.initial import initial_value
from hhcore.simulation.simulate import run_stops

MOST_VALUES = 500_000  # of axes and samples in a page: 4 MB
TOO_LARGE = "The sample is too large to be in this page, so that its neurons cannot be chosen one by one."
NOT_SEARCHED = (
    "This page simulates no neuron of this experiment: its stimulus is a share of each neuron's rheobase, which is "
    "searched in the run and not here."
)
Point = Mapping[str, float]


def live(
    experiment: Experiment,
    solver: Solver,
    folder: Path | None,
    payload: Payload,
    kernels: MutableMapping[str, object],
) -> dict[str, object] | str:
    """The data of an experiment for static/neuron.js; a sentence why where a page cannot know what the kernel took.

    solver : that of the run, which may have been chosen: see `resolved` of hhcore.certify.certificate
    folder : of its results, whose spikes are kept for comparison; None without a run
    Columns go into `payload`, the kernel into `kernels`. The answer:

    kernel, accuracy, stops, threshold, rearm, table : what the kernel runs with, in the model's units
    quantities : of a point, in its order, with their sliders; infinite where as many pulses flow as fit into the run
    program    : from the quantities and the duration to the kernel's arguments
    checks     : which values of the stimulus are legal, see `legality`
    start      : for static/rest.js
    grid       : the factors of the grid, from which comes the point of neuron i; None if there are too many values
    shown      : quantities that the run searched, and what it found for each neuron; NaN where it found nothing
    middle     : the row of a neuron, whose values the quantities have: see `middle` of hhcore.report.explorer
    begins     : a sentence where the run had done something to a neuron before, so that spikes may differ; else ""
    notes      : sentences: what this page does not do as the run did
    stored     : see `stored_spikes`

    Raises UserError if the results were made for another experiment.
    """
    e = experiment
    if e.stimulus.shares:
        return NOT_SEARCHED
    index, point = opening(e)
    shown = _shown(e, folder)
    point |= {name: float(column[index]) for name, column in shown.items() if np.isfinite(column[index])}
    program, fixed = kernel_program(e, point)
    for name in e.swept:
        if name in fixed:
            return f"This page simulates no neuron of this experiment. {_fixed(e, name, fixed[name], 'swept')}"
    name, described = kernel(e.model, solver.method, e.stimulus, payload)
    kernels[name] = described
    traced = _traced(e, folder)
    begins = _begins(e, bool(traced))
    kept = sum(factor.values.size for factor in e.factors) <= MOST_VALUES
    return {
        "kernel": name,
        "accuracy": solver.accuracy,
        "stops": run_stops(e.duration, e.protocol.observers(e)).tolist(),
        "threshold": e.threshold,
        "rearm": e.rearm,
        "ms": e.model.ms,
        "mV": e.model.mV,
        "duration": e.duration,
        "time_unit": pretty_unit(e.model.time_unit),
        "window": list(e.analysis_window),
        "quantities": [_quantity(e, q, point, fixed) for q in e.quantities],
        "program": program.as_json(),
        "checks": legality(e, point),
        "table": payload.column(e.stimulus.data.ravel()) if len(e.stimulus.data) else None,
        "states": [{**_described(q), "role": _role(e, q)} for q in e.model.states.values()],
        "currents": [_described(q) for q in e.model.currents.values()],
        "stimulus": {
            "label": "Command potential" if e.clamped else "Injected current",
            "unit": pretty_unit(e.driven.unit),
        },
        "axis": _amplitude(e),
        "clamp": e.clamped,
        "start": {**_start(e, solver), "traced": traced},
        "grid": [_factor(e, factor, payload) for factor in e.factors] if kept else None,
        "shown": [
            {"quantity": e.quantities.index(name), "column": payload.column(column)} for name, column in shown.items()
        ],
        "middle": index,
        "begins": begins,
        "notes": [*filter(None, (begins, "" if kept else TOO_LARGE)), *(_fixed(e, q, why) for q, why in fixed.items())],
        "stored": stored_spikes(e, folder, payload) if kept else None,
    }


def opening(e: Experiment) -> tuple[int, Point]:
    """The neuron with which a page opens: its row, and a value for each of the `quantities`."""
    index = middle(e)
    return index, dict(zip(e.quantities, e.points(np.array([index]))[0].tolist(), strict=True))


def _amplitude(e: Experiment) -> str | None:
    """The field against which a firing rate is drawn: a lasting current; None of pulses, a clamp, and no current."""
    field = e.stimulus.fields.get(e.stimulus.axis)
    lasting = field and field.unit == "current" and not e.stimulus.beat
    return e.stimulus.axis if lasting and e.model.current.name != NOTHING else None


def _quantity(e: Experiment, name: str, point: Point, fixed: Mapping[str, str]) -> dict[str, object]:
    low, high = (point[name], point[name]) if name in fixed else slider(e, name, point)
    field = e.stimulus.fields.get(name)
    return {
        "name": name,
        "label": _label(e, name),
        "unit": pretty_unit(e.unit(name)),
        "kind": _kind(e, name),
        "value": point[name],
        "low": low,
        "high": high,
        "whole": bool(field and field.whole),
        "lasting": bool(field and field.unit == "time" and field.default == np.inf),
        "swept": swept_values(e, name).size > 0,
        "description": e.description(name),
    }


def _label(e: Experiment, name: str) -> str:
    """A quantity in a few words: `Injected current`, `Step start`."""
    words, field = quantity(e, name).words, e.stimulus.fields.get(name)
    named = field and not field.spelled and field.unit not in ("current", "potential")
    return f"{words} {name.replace('_', ' ')}" if named and name not in words.lower() else words or name


def _kind(e: Experiment, name: str) -> str:
    if name in e.model.parameters:
        return "parameter"
    if name in e.stimulus.fields:
        return "stimulus"
    return "initial" if name in map(initial_value, e.stated) else "treatment"


def _described(q: Quantity) -> dict[str, object]:
    words = q.description.partition(",")[0].partition("(")[0].strip()
    return {"name": q.name, "label": words or q.name, "unit": pretty_unit(q.unit)}


def _role(e: Experiment, q: Quantity) -> str:
    """What a state is, as far as its unit tells."""
    if q.name == e.model.potential or converts(q.unit, "mV"):
        return "potential"
    if converts(q.unit, "mM"):
        return "concentration"
    return "gate" if is_gate(q) else "other"


def _start(e: Experiment, solver: Solver) -> dict[str, object]:
    """Where neurons start, and what static/rest.js must know to find rest as hhcore.simulation.rest does."""
    states, numbers = [*e.model.states], e.stimulus.numbers()
    absolute = e.stimulus.fields.items() if e.stimulus.absolute else ()
    return {
        "word": e.initial_state if len(e.stated) < len(states) else "model",
        "states": [q.value for q in e.model.states.values()],
        "stated": {states.index(name): e.quantities.index(initial_value(name)) for name in e.stated},
        "own": [q.value for q in e.model.parameters.values()],
        "potential": states.index(e.model.potential),
        "holding": numbers.index(HOLDING),
        "held": [numbers.index(name) for name, field in absolute if field.unit == "potential"],
        "relaxation": rest.RELAXATION / e.model.ms,
        "watched": rest.WATCHED / e.model.ms,
        "samples": rest.WATCHED_SAMPLES,
        "accuracy": rest.RELAXATION_ERROR if solver.scheme.adaptive else rest.RELAXATION_STEP / e.model.ms,
    }


def _factor(e: Experiment, factor: Factor, payload: Payload) -> dict[str, object]:
    """A factor of the grid: which quantities it sets, by their number, and their values in its rows."""
    columns = [payload.column(column) for column in np.ascontiguousarray(factor.values.T)]
    return {
        "quantities": [e.quantities.index(name) for name in factor.names],
        "rows": len(factor.values),
        "columns": columns,
    }


def _shown(e: Experiment, folder: Path | None) -> dict[str, np.ndarray]:
    """What a search has found for fields of the stimulus, float64 (n,) each."""
    if folder is None:
        return {}
    return {field: Results(folder).column("features", column) for field, column in e.protocol.supplied_from.items()}


def _traced(e: Experiment, folder: Path | None) -> list[dict[str, object]]:
    """Where the traces of a run begin that did something to neurons before: their points, and the states at time 0."""
    if folder is None or not e.traces or not _prepares(e):
        return []
    path = folder / "traces.parquet"
    check_origin(e, path)
    columns = [column_name(name, q.unit) for name, q in e.model.states.items()]
    table = tables.read(path, ["trace", *columns])
    _, first = np.unique(table["trace"].to_numpy(), return_index=True)
    states = np.column_stack([table[column].to_numpy()[first] for column in columns])
    pairs = zip(e.trace_points().tolist(), states.tolist(), strict=True)
    return [{"values": values, "states": own} for values, own in pairs]


def _prepares(e: Experiment) -> bool:
    return type(e.protocol).begun is not Protocol.begun and not e.protocol.searches


def _begins(e: Experiment, traced: bool) -> str:
    """A sentence where the run had done something to a neuron before; "" if it began as a page does."""
    if not _prepares(e):
        return ""
    begins = "at rest" if e.initial_state == "rest" else "in the state of the model file"
    if traced:
        begins = "where that has led the traced cell that is most like it"
    return (
        f"The run is {e.protocol.title}: it brought each cell into another state first. Here a cell starts {begins}, "
        "so that it may begin otherwise than in the run."
    )


def _fixed(e: Experiment, name: str, why: str, state: str = "fixed here") -> str:
    what = "The duration" if name == DURATION else e.description(name).partition(",")[0]
    return f"{what} is {state}: how the stimulus or a treatment depends on it cannot be carried over ({why})."
