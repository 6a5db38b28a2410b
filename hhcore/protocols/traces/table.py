"""The time courses of single neurons as a table."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from hhcore.base import tables
from hhcore.base.units import column_name
from hhcore.experiments.experiment import Experiment
from hhcore.simulation.simulate import trace

STATUS = "how the neuron ended: as in features.parquet; if it diverged or stalled, the last row is before that"


def write_traces(experiment: Experiment, metadata: Mapping[str, str], path: Path) -> None:
    """Write every step of the requested points: trace, time, states, currents, stimulus, status."""
    e, parts = experiment, []
    fields = {"trace": ("1", "number of the trace in the config, from 0"), "time_ms": ("ms", "time")}
    fields |= {column_name(n, q.unit): (q.unit, q.description) for n, q in e.model.states.items()}
    fields |= {column_name(n, q.unit): (q.unit, q.description) for n, q in e.model.currents.items()}
    fields |= {column_name("stimulus", e.model.current.unit): (e.model.current.unit, "injected current")}
    fields |= {"status": ("1", STATUS)}
    for number, point in enumerate(e.traces):
        parameters = {name: point[name] for name in e.model.parameters}
        settings = {"duration": e.duration, "initial_state": e.initial_state}
        solver = {"method": e.solver.method, e.solver.setting: e.solver.accuracy}
        course = trace(e.model, parameters, e.stimuli(point), **settings, **solver)
        samples = len(course["time"])
        columns = {"trace": np.full(samples, number), **course.columns}
        columns["status"] = np.full(samples, course.status, dtype=object)
        parts.append(tables.table(columns, fields))
    tables.write(path, pa.concat_tables(parts), metadata)
