"""Experiments: a config checked from end to end, and turned into points."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from hhcore.base.checks import choice, fields, items, mapping, present, quoted, text
from hhcore.base.errors import UserError, closest
from hhcore.base.units import column_name, to_unit
from hhcore.config.solver import check_solver, read_solver, read_tolerance
from hhcore.grid.axes import Axis, AxisSpec, read_axis
from hhcore.grid.designs import Distribution, Sample, is_distribution, read_distribution, read_sample
from hhcore.grid.factors import Factor, check_size, check_values, factors
from hhcore.model.model import NOTHING, Model, load_model, models, split_name
from hhcore.schemes.solver import Solver
from hhcore.simulation.stimuli import kinds
from hhcore.simulation.stimuli.stimulus import Stimulus

REQUIRED = {
    "model": "model: hodgkin_huxley_1952",
    "stimulus": f"stimulus: {kinds()['step'].example}",
    "initial_state": "initial_state: rest",
    "duration": "duration: 1000",
    "solver": "solver: {tolerance: 1 us}",
}
CANDIDATES = ("tsit5", "dop853", "rodas5p")  # the others cost more at every accuracy: docs/benchmarks.md
CERTIFYING = ("tsit5", "dop853")  # tell whether a model is stiff; the reference where it is not
OPTIONAL = ("parameters", "sample", "combine", "analysis_window", "spikes", "traces", "potential", "current")
OPTIONAL += ("failed_neurons",)


@dataclass(frozen=True, eq=False)
class Experiment:
    """One experiment of a config: a grid of neurons of one model, and what is done with each.

    stimulus        : its kind
    sample          : the sampled design, None without one
    axes            : as written, those of the stimulus before those of the parameters
    combine         : "product" (every value with every other) or "zip" (first with first, second with second, ...)
    defaults        : a value for every parameter of the model, then for every field of the stimulus; where an axis or
                      the sample sets the value, the model's own one, or NaN for the stimulus
    initial_state   : "rest", "model", or a value for every state
    duration        : simulated time of each neuron; times are in the time unit of the model
    analysis_window : (start, stop) of the time in which spikes count
    threshold       : potential that a spike crosses upwards [unit of the potential]
    rearm           : potential to fall below before the next spike counts, at most `threshold`
    solver          : scheme and how finely it steps; None where a tolerance asks for a choice
    tolerance       : largest error of a spike time [ms], None where the solver is given
    methods         : schemes to choose from
    certify         : "sample" or "all": the neurons whose error is estimated
    failed_neurons  : "keep" or "fail": whether a neuron that diverged or stalled fails the run
    traces          : the points whose time courses are kept, each with a value for everything that `defaults` names
    """

    name: str
    model: Model
    stimulus: type[Stimulus]
    sample: Sample | None
    axes: tuple[Axis, ...]
    combine: str
    defaults: dict[str, float]
    initial_state: str | dict[str, float]
    duration: float
    analysis_window: tuple[float, float]
    threshold: float
    rearm: float
    solver: Solver | None
    tolerance: float | None
    methods: tuple[str, ...]
    certify: str
    failed_neurons: str
    traces: tuple[dict[str, float], ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of the sample, if there is one, then of the axes; zipped axes have one in common; () without any."""
        return tuple(len(factor.values) for factor in self.factors)

    @cached_property
    def factors(self) -> tuple[Factor, ...]:
        """What the grid is the product of: the sample, if there is one, then each axis, or the zipped ones as one.

        The stimulus' own axis (the amplitude of steps) is the last of them.
        """
        return factors(self.sample, self.axes, self.combine, self.stimulus.axis)

    @property
    def swept(self) -> tuple[str, ...]:
        """The quantities that differ from neuron to neuron: the sampled ones, then the axes as written."""
        return (*(self.sample.names if self.sample else ()), *(axis.name for axis in self.axes))

    @property
    def protocol(self) -> str:
        """What says which tables there are: the kind of the stimulus, or `sampled_step` where no F-I curves are.

        Sampled neurons have them if the amplitude is an axis.
        """
        alone = [factor.names for factor in self.factors if not factor.scattered]
        lacks = self.sample is not None and self.stimulus.kind == "step" and ("amplitude",) not in alone
        return "sampled_step" if lacks else self.stimulus.kind

    @property
    def n_points(self) -> int:
        """Number of neurons in the grid, 1 without axes."""
        return math.prod(self.shape)

    @property
    def curve(self) -> int:
        """Number of rows after which an F-I curve is surely complete: no curve crosses a multiple of it."""
        if self.protocol != "step" or not any("amplitude" in factor.names for factor in self.factors):
            return 1
        last = self.factors[-1]
        return len(last.values) if last.names == ("amplitude",) else self.n_points

    @property
    def simulated_ms(self) -> float:
        """Simulated time of all neurons together [ms]."""
        return self.n_points * self.duration * self.model.ms

    @property
    def quantities(self) -> tuple[str, ...]:
        """What a point has a value for: the parameters of the model, then the stimulus."""
        return tuple(self.defaults)

    def unit(self, quantity: str) -> str:
        """Unit of one of the `quantities`."""
        return _units(self.model, self.stimulus)[quantity]

    def column(self, quantity: str) -> str:
        """Name of the column that holds one of the `quantities`."""
        return column_name(quantity, self.unit(quantity))

    def points(self, index: np.ndarray) -> np.ndarray:
        """Rows of the grid by their flat index: that of the last factor varies fastest.

        index : int64 (k,), each in [0, n_points)
        returns float64 (k, len(quantities)); only these rows are ever in memory
        Raises IndexError for an index outside the grid.
        """
        index = np.asarray(index, dtype=np.int64)
        if index.size and not 0 <= index.min() <= index.max() < self.n_points:
            raise IndexError(f"indices {index.min()} to {index.max()} are not all in a grid of {self.n_points} points")
        rows = np.tile(np.array(list(self.defaults.values())), (index.size, 1))
        along = np.unravel_index(index, self.shape or (1,))
        for factor, i in zip(self.factors, along, strict=False):  # without factors, `along` has one dummy
            rows[:, [self.quantities.index(name) for name in factor.names]] = factor.values[i]
        return rows

    def stimuli(self, points: Mapping[str, float | np.ndarray]) -> Stimulus:
        """The stimulus of points that have a value, or float64 (k,), for every one of the `quantities`."""
        return self.stimulus(**{name: points[name] for name in self.stimulus.fields})

    def trace_points(self) -> np.ndarray:
        """The trace points as rows like those of `points`: float64 (len(traces), len(quantities))."""
        rows = [[trace[name] for name in self.quantities] for trace in self.traces]
        return np.array(rows, dtype=np.float64).reshape(len(rows), len(self.quantities))


def solvers_needed(experiment: Experiment) -> tuple[str, ...]:
    """The schemes that are compiled beforehand: a given one, and those that certify. A stiff model needs one more."""
    given = experiment.methods if len(experiment.methods) == 1 else ()
    return tuple(dict.fromkeys([*given, *CERTIFYING]))


def read_experiments(config: Mapping[str, object], base: str | Path = ".") -> dict[str, Experiment]:
    """All experiments of a config, by name, checked to the last value.

    base : the folder from which paths of model files count
    Raises UserError at the first mistake. Mistakes of form are found before a model is loaded, and a grid that is too
    large before any of it is in memory.
    """
    experiments = mapping(fields(config, "config", {"experiments": "experiments: {...}"})["experiments"], "experiments")
    if not experiments:
        raise UserError("experiments: there is none; give at least one, `experiments: {name: {model: ...}}`")
    for name, body in experiments.items():
        _check_form(name, body, f"experiments.{name}")
    return {name: _read(name, body, Path(base), f"experiments.{name}") for name, body in experiments.items()}


def _check_form(name: str, body: object, where: str) -> None:
    """All that can be said without the model."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", name):
        raise UserError(
            f"experiments: the name {quoted(name)} becomes a folder; use up to 100 letters, digits, _ and -"
        )
    fields(body, where, REQUIRED, OPTIONAL)
    for key in ("model", "potential", "current"):
        if key in body:
            text(body[key], f"{where}.{key}", {**REQUIRED, "potential": "membrane.V", "current": "stimulus.i"}[key])
    _check_stimulus(body["stimulus"], f"{where}.stimulus")
    mapping(body.get("parameters", {}), f"{where}.parameters")
    choice(body.get("combine", "product"), ["product", "zip"], f"{where}.combine")
    choice(body.get("failed_neurons", "keep"), ["keep", "fail"], f"{where}.failed_neurons")
    state = body["initial_state"]
    if not isinstance(state, dict) and state not in ("rest", "model"):
        legal = closest(state if isinstance(state, str) else "", ["rest", "model", "{membrane.V: -65, ...}"])
        raise UserError(f"{where}.initial_state: {quoted(state)} is not a choice here; {legal}")
    fields(body.get("spikes", {}), f"{where}.spikes", optional=["threshold", "rearm"])
    check_solver(body["solver"], f"{where}.solver")


def _check_stimulus(body: object, where: str) -> None:
    """Known keys alone, and those that its kind needs."""
    given = mapping(body, where)
    kind = kinds()[choice(present(given, "kind", where, "kind: step"), kinds(), f"{where}.kind")]
    fields(body, where, {"kind": "", **dict.fromkeys(kind.required(), kind.example)}, kind.fields)
    for name, field in kind.fields.items():
        if not field.swept and isinstance(given.get(name), dict):
            raise UserError(f"{where}.{name}: {quoted(given[name])} is an axis; give one number for all neurons")


def _read(name: str, body: dict, base: Path, where: str) -> Experiment:
    """Everything else; `body` has passed `_check_form`."""
    model = _model(body, base, where)
    duration = _duration(body, model.time_unit, where)
    stimulus = kinds()[body["stimulus"]["kind"]]
    defaults, specs, spread = _sweep(body, model, stimulus, duration, where)
    design = read_sample(body, spread, where)
    combine = body.get("combine", "product")
    check_size(design, specs, combine, where)
    sample, axes = design and design.expand(), tuple(spec.expand() for spec in specs)
    grid = factors(sample, axes, combine, stimulus.axis)
    check_values(stimulus, defaults, grid, duration, f"{where}.stimulus")
    amplitudes = [f.values[:, f.names.index("amplitude")] for f in grid if "amplitude" in f.names]
    if model.current.name == NOTHING and np.any(amplitudes or defaults["amplitude"]):
        raise UserError(
            f"{where}.stimulus.amplitude: nothing is injected into {model.name!r}; give 0, or name a current"
        )
    swept = [name for factor in grid for name in factor.names]
    traces = items(body.get("traces", []), f"{where}.traces", "[{amplitude: 10, ...}, ...], a list of points")
    threshold, rearm = _spikes(body.get("spikes", {}), model.states[model.potential].unit, f"{where}.spikes")
    return Experiment(
        name=name,
        model=model,
        stimulus=stimulus,
        sample=sample,
        axes=axes,
        combine=combine,
        defaults=defaults,
        initial_state=_initial_state(body["initial_state"], model, f"{where}.initial_state"),
        duration=duration,
        analysis_window=_window(body.get("analysis_window", [0, duration]), model.time_unit, duration, where),
        threshold=threshold,
        rearm=rearm,
        solver=read_solver(body["solver"], model.time_unit, duration, f"{where}.solver"),
        tolerance=read_tolerance(body["solver"], f"{where}.solver"),
        methods=(body["solver"]["method"],) if "method" in body["solver"] else CANDIDATES,
        certify=body["solver"].get("certify", "sample"),
        failed_neurons=body.get("failed_neurons", "keep"),
        traces=tuple(
            _trace(point, model, stimulus, swept, defaults, duration, f"{where}.traces[{i}]")
            for i, point in enumerate(traces)
        ),
    )


def _model(body: dict, base: Path, where: str) -> Model:
    name, _ = split_name(body["model"])
    is_file = name not in models() and name.endswith((".mmt", ".cellml"))
    found = base / body["model"] if is_file else body["model"]
    try:
        model = load_model(found, potential=body.get("potential"), current=body.get("current"))
        _ = model.ms  # raises UserError for a unit that is none of time
    except UserError as error:
        raise UserError(f"{where}.model: {error}") from error
    return model


def _duration(body: dict, unit: str, where: str) -> float:
    duration = to_unit(body["duration"], unit, f"{where}.duration")
    if duration <= 0:
        raise UserError(
            f"{where}.duration: {quoted(body['duration'])} is not longer than 0 {unit}; give a time above 0"
        )
    return duration


def _sweep(
    body: dict, model: Model, stimulus: type[Stimulus], duration: float, where: str
) -> tuple[dict[str, float], list[AxisSpec], dict[str, Distribution]]:
    """The value of everything that is fixed, the axes, and the distributions."""
    parameters = body.get("parameters", {})
    for name in parameters:
        if name not in model.parameters:
            raise UserError(
                f"{where}.parameters: model {model.name!r} has no parameter {name!r}; {closest(name, model.parameters)}"
            )
    written = {name: (value, f"{where}.stimulus.{name}") for name, value in body["stimulus"].items() if name != "kind"}
    written |= {name: (value, f"{where}.parameters.{name}") for name, value in parameters.items()}
    defaults = {name: quantity.value for name, quantity in model.parameters.items()}
    defaults |= stimulus.defaults(duration)
    specs, spread = [], {}
    for name, (value, place) in written.items():
        unit = _units(model, stimulus)[name]
        if isinstance(value, list):
            raise UserError(f"{place}: {quoted(value)} is a list; write an axis as {{values: [...]}}")
        if isinstance(value, dict):
            defaults[name] = model.parameters[name].value if name in parameters else math.nan
            if is_distribution(value):
                spread[name] = read_distribution(value, name, unit, defaults[name], place)
            else:
                specs.append(read_axis(value, name, unit, defaults[name], place))
        else:
            defaults[name] = to_unit(value, unit, place)
    return defaults, specs, spread


def _window(body: object, unit: str, duration: float, where: str) -> tuple[float, float]:
    where = f"{where}.analysis_window"
    start, stop = (to_unit(t, unit, f"{where}[{i}]") for i, t in enumerate(items(body, where, "[start, stop]", 2)))
    if not 0 <= start < stop <= duration:
        raise UserError(
            f"{where}: {quoted(body)} does not lie, start before stop, in the duration [0, {duration!r}]; "
            "give two times in it, or leave it out for all of the run"
        )
    return start, stop


def _spikes(body: dict, unit: str, where: str) -> tuple[float, float]:
    """Threshold (0 if not given) and re-arm level (the threshold if not given)."""
    threshold = to_unit(body.get("threshold", 0), unit, f"{where}.threshold")
    rearm = to_unit(body.get("rearm", threshold), unit, f"{where}.rearm")
    if rearm > threshold:
        raise UserError(
            f"{where}.rearm: {quoted(body['rearm'])} is above the threshold, {threshold!r} {unit}; lower it"
        )
    return threshold, rearm


def _initial_state(body: object, model: Model, where: str) -> str | dict[str, float]:
    if isinstance(body, str):
        return body
    given = mapping(body, where)
    for name in given:
        if name not in model.states:
            raise UserError(f"{where}: model {model.name!r} has no state {name!r}; {closest(name, model.states)}")
    missing = [name for name in model.states if name not in given]
    if missing:
        raise UserError(
            f"{where}: {quoted(given)} leaves out {', '.join(missing)}; "
            f"give a value for every state, or take initial_state: model"
        )
    return {name: to_unit(given[name], state.unit, f"{where}.{name}") for name, state in model.states.items()}


def _trace(
    body: object,
    model: Model,
    stimulus: type[Stimulus],
    swept: list[str],
    defaults: dict[str, float],
    duration: float,
    where: str,
) -> dict[str, float]:
    """A full point: the trace's own values over those of the experiment. It need not lie on the grid."""
    given = mapping(body, where)
    for name in given:
        if name not in defaults:
            legal = closest(name, [*stimulus.fields, *model.parameters])
            raise UserError(f"{where}: model {model.name!r} and its stimulus have no quantity {name!r}; {legal}")
    missing = [name for name in swept if name not in given]
    if missing:
        raise UserError(
            f"{where}: {quoted(given)} has no value for {', '.join(missing)}; "
            f"a trace is one neuron, so give a value for every axis and every distribution"
        )
    units = _units(model, stimulus)
    point = defaults | {name: to_unit(value, units[name], f"{where}.{name}") for name, value in given.items()}
    check_values(stimulus, point, (), duration, where)
    return point


def _units(model: Model, stimulus: type[Stimulus]) -> dict[str, str]:
    """Unit of everything that a point has a value for."""
    parameters = {name: quantity.unit for name, quantity in model.parameters.items()}
    return parameters | stimulus.units(model.current.unit, model.time_unit)
