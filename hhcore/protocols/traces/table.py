"""The time courses of single neurons as a table.

A cardiac cell rests, or is on its plateau, for most of a second, so that few of its samples say more than a straight
line does.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from hhcore.base import tables
from hhcore.base.units import column_name
from hhcore.experiments.experiment import Experiment
from hhcore.experiments.relative import injected, rheobases
from hhcore.protocols.traces.thinning import kept
from hhcore.simulation.result import DIVERGED, NO_RHEOBASE, STATUSES, Trace
from hhcore.simulation.simulate import TRACE_INTERVAL_MS, trace

BOUND = 1e-4  # of the range of a column: 0.01 mV of an action potential
STATUS = "how the neuron ended: as in features.parquet; if it diverged or stalled, the last row is before that"


def write_traces(experiment: Experiment, metadata: Mapping[str, str], path: Path) -> None:
    """Write the time courses of the requested points: trace, time, states, currents, stimulus, status.

    Straight lines between rows leave no column by more than BOUND of its range in the trace.
    """
    e, parts = experiment, []
    fields = {"trace": ("1", "number of the trace in the config, from 0"), "time_ms": ("ms", "time")}
    fields |= {column_name(n, q.unit): (q.unit, q.description) for n, q in e.model.states.items()}
    fields |= {column_name(n, q.unit): (q.unit, q.description) for n, q in e.model.currents.items()}
    words = "command of the clamp" if e.clamped else "injected current"
    fields |= {column_name("stimulus", e.driven.unit): (e.driven.unit, words)}
    fields |= {"status": ("1", STATUS)}
    rheobase = rheobases(e, e.trace_points())
    points = injected(e, e.trace_points(), rheobase)
    for number, point in enumerate(e.traces):
        begun = e.protocol.begun(e, e.solver, points[[number]])
        settings = {"duration": e.duration, "initial_state": begun.start}
        solver = {"method": e.solver.method, e.solver.setting: e.solver.accuracy}
        course = trace(e.model, e.parameters(point), begun.stimulus, **settings, **solver)
        if e.stimulus.shares and not rheobase[number] > 0:
            course.status = STATUSES[NO_RHEOBASE]
        columns = _thinned(course)
        rows = len(columns["time_ms"])
        columns = {"trace": np.full(rows, number), **columns, "status": np.full(rows, course.status, dtype=object)}
        parts.append(tables.table(columns, fields))
    tables.write(path, pa.concat_tables(parts), {**metadata, "interval": _interval(e)})


def _thinned(course: Trace) -> dict[str, np.ndarray]:
    """The columns of a time course at the samples that a table keeps: all, if the neuron failed on its way to inf."""
    columns = course.columns
    if course.status in STATUSES[DIVERGED:]:
        return columns
    values = np.column_stack([column for name, column in columns.items() if name != "time_ms"])
    rows = kept(columns["time_ms"], values, BOUND)
    return {name: column[rows] for name, column in columns.items()}


def _interval(e: Experiment) -> str:
    """What the metadata of the table says of its rows."""
    solver = e.solver
    interval = TRACE_INTERVAL_MS if solver is None or solver.scheme.adaptive else solver.accuracy * e.model.ms
    return (
        f"sampled every {interval:g} ms; of a neuron that did not fail, rows that a straight line replaces to "
        f"{BOUND:g} of the range of each column are left out"
    )
