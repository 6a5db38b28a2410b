"""Families of currents: the time courses of neurons that differ in the clamped potential."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from hhcore.base import tables
from hhcore.base.units import column_name
from hhcore.experiments.analysis import Analysis, FigureFile, RowBlock, TableFile
from hhcore.experiments.experiment import Experiment
from hhcore.protocols.voltage_clamp.curves import Curves, Fields, potential_axis
from hhcore.protocols.voltage_clamp.protocol import VoltageClamp
from hhcore.simulation.observers import COURSE


class Families(Analysis):
    """currents.parquet: the time courses of one family of neurons, and a figure of it."""

    name = "currents"
    order = 25

    def __init__(self, experiment: Experiment):
        super().__init__(experiment)
        self.protocol: VoltageClamp = experiment.protocol
        self.curves = Curves(experiment, potential_axis(experiment))

    @classmethod
    def applies(cls, experiment: Experiment) -> bool:
        return isinstance(experiment.protocol, VoltageClamp) and experiment.protocol.named

    @property
    def tables(self) -> tuple[TableFile, ...]:
        return (TableFile("currents", 0, "A family of currents", self.caption("currents_table")),)

    @property
    def figures(self) -> tuple[FigureFile, ...]:
        return (FigureFile("currents", "Family of currents", self.caption("currents")),)

    @property
    def fields(self) -> Fields:
        """Unit and definition of the columns, without the axes."""
        p, e = self.protocol, self.experiment
        words = {name: q.description or name for name, q in e.model.currents.items()}
        words[p.currents[-1]] = "sum of all membrane currents, without the one that charges the membrane"
        return {
            "neuron": ("1", "row of the neuron in features.parquet, from 0"),
            "segment": ("1", "segment of the clamp"),
            "time_ms": ("ms", "time in the run"),
            "segment_time_ms": ("ms", "time in the segment"),
            "potential_mV": ("mV", "membrane potential, as clamped"),
            **{column_name(name, p.unit): (p.unit, words[name]) for name in p.currents},
        }

    def block(self, block: RowBlock) -> dict[str, pa.Table]:
        p, model = self.protocol, self.experiment.model
        chosen = np.flatnonzero(self._family(block))
        recorded = p.recorded(block.result)
        values = p.courses(block.result)[chosen]
        n, segments, _, samples = values.shape
        begins, lengths = recorded.begins[chosen] * model.ms, recorded.lengths[chosen] * model.ms
        inside = lengths[:, :, None] * COURSE
        each = segments * samples
        numbers = np.moveaxis(values, 2, -1).reshape(-1, len(p.followed)).T
        columns = {
            "neuron": np.repeat((block.rows.start + chosen).astype(np.int32), each),
            **{name: np.repeat(axis[chosen], each) for name, axis in block.axes.items()},
            "segment": np.tile(np.repeat(np.array(p.segments, dtype=object), samples), n),
            "time_ms": (begins[:, :, None] + inside).ravel(),
            "segment_time_ms": inside.ravel(),
            "potential_mV": numbers[0] * model.mV,
            **{column_name(name, p.unit): course for name, course in zip(p.currents, numbers[1:], strict=True)},
        }
        return {"currents": tables.table(columns, self.experiment.axis_fields | self.fields)}

    def _family(self, block: RowBlock) -> np.ndarray:
        """The neurons of one curve, bool (n,): other axes at middle values, a sampled design at its first point."""
        e = self.experiment
        chosen = np.ones(len(block.rows), dtype=bool)
        for axis in (axis for axis in e.axes if axis.name not in self.curves.shared):
            middle = np.sort(axis.values)[axis.values.size // 2]
            chosen &= block.axes[e.column(axis.name)] == middle
        if e.sample is not None:
            rows = np.arange(block.rows.start, block.rows.stop)
            chosen &= rows < e.n_points // len(e.sample.points)
        return chosen

    def draw(self, tables: Mapping[str, object], context: object) -> dict[str, object]:
        from hhcore.protocols.voltage_clamp import figures

        return {"currents": figures.family_of_currents(tables["currents"], context, self)}
