"""Slow ramps: the current at which firing begins while a triangle rises, and at which it ends while it falls."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from hhcore.base import tables
from hhcore.base.units import column_name
from hhcore.experiments.analysis import Analysis, FigureFile, RowBlock, Rows, TableFile
from hhcore.experiments.answers import Answer, Results
from hhcore.experiments.experiment import Experiment
from hhcore.experiments.relative import injected
from hhcore.simulation.result import Result


class Ramps(Analysis):
    """ramps.parquet, and its figure."""

    name = "ramps"
    order = 26

    @classmethod
    def applies(cls, experiment: Experiment) -> bool:
        return experiment.stimulus.kind == "triangle" and "spikes" in experiment.protocol.schema.names

    @property
    def tables(self) -> tuple[TableFile, ...]:
        return (TableFile("ramps", self.experiment.n_points, "Onset and end of firing", self.caption("ramps_table")),)

    @property
    def figures(self) -> tuple[FigureFile, ...]:
        """One."""
        return (FigureFile("ramps", "Onset and end of firing", self.caption("ramps")),)

    @property
    def drawn(self) -> dict[str, Rows]:
        return {"features": "grid", "ramps": "all"}

    @property
    def fields(self) -> dict[str, tuple[str, str]]:
        """Unit and definition of each column."""
        return ramp_definitions(self.experiment.model.current.unit)

    def block(self, block: RowBlock) -> dict[str, pa.Table]:
        e = self.experiment
        points = e.points(np.arange(block.rows.start, block.rows.stop))
        points = injected(e, points, block.result.rheobase)
        values = dict(zip(e.quantities, points.T, strict=True))
        neuron = np.arange(block.rows.start, block.rows.stop, dtype=np.int32)
        columns = [neuron, *onset_and_end(block.result, values, e.duration)]
        return {"ramps": tables.table(dict(zip(self.fields, columns, strict=True)), self.fields)}

    def answers(self, results: Results) -> Iterable[Answer]:
        """Where firing begins and ends."""
        unit = self.experiment.model.current.unit
        for name, label in (("ramp_onset", "Firing begins, rising"), ("ramp_end", "Firing ends, falling")):
            yield from results.span(label, "ramps", column_name(name, unit))

    def draw(self, tables: Mapping[str, object], context: object) -> dict[str, object]:
        from hhcore.protocols.hysteresis.figures import ramps

        return {"ramps": ramps(tables["features"], tables["ramps"], self.experiment.model.current.unit, context)}

    @classmethod
    def code(cls) -> tuple[Path, ...]:
        """This file alone: its tables are made of spikes."""
        return (Path(__file__),)


def ramp_definitions(unit: str) -> dict[str, tuple[str, str]]:
    """Unit and definition of each column of ramps.parquet. `unit` : of the current"""
    return {
        "neuron": ("1", "row of the neuron in features.parquet, from 0"),
        column_name("ramp_onset", unit): (unit, "current at the first spike while it rises; null without one"),
        column_name("ramp_end", unit): (unit, "current at the last spike while it falls; null without one"),
    }


def onset_and_end(result: Result, values: Mapping[str, np.ndarray], duration: float) -> tuple[np.ndarray, np.ndarray]:
    """The currents at the first spike on the way up, and at the last one on the way down, float64 (n,) each.

    values : fields of the triangle, float64 (n,) by name
    """
    n = len(result.status)
    start, stop = values["start"], np.minimum(values["stop"], duration)
    peak = start + values["symmetry"] * (stop - start)
    owner = np.repeat(np.arange(n), np.diff(result.offsets))
    time, first, last = result.spike_times, np.full(n, np.nan), np.full(n, np.nan)
    up = (time >= start[owner]) & (time <= peak[owner])
    down = (time > peak[owner]) & (time <= stop[owner])
    np.fmin.at(first, owner[up], time[up])
    np.fmax.at(last, owner[down], time[down])
    height, base = values["amplitude"], values.get("holding", 0.0)
    rising, falling = (first - start) / (peak - start), (stop - last) / (stop - peak)
    found = base + height * rising, base + height * falling
    return tuple(np.where(result.failed, np.nan, column) for column in found)
