"""Currents under a command that moves, such as a ramp or an action potential: their courses over the whole run."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from hhcore.base import tables
from hhcore.base.units import column_name
from hhcore.experiments.analysis import Analysis, FigureFile, TableFile
from hhcore.experiments.experiment import Experiment
from hhcore.protocols.voltage_clamp.curves import Curves, potential_axis
from hhcore.protocols.voltage_clamp.families import Families
from hhcore.protocols.voltage_clamp.protocol import VoltageClamp
from hhcore.simulation.simulate import TRACE_INTERVAL_MS, trace

MOST = 6  # neurons of the family
SAMPLES = 20_000  # of a neuron, at most


class MovingCommand(Analysis):
    """command.parquet: courses of one family of neurons, finely sampled, and figures of it."""

    name = "command"
    order = 26
    source = "model"

    def __init__(self, experiment: Experiment):
        super().__init__(experiment)
        self.protocol: VoltageClamp = experiment.protocol
        self.curves = Curves(experiment, potential_axis(experiment))

    @classmethod
    def applies(cls, experiment: Experiment) -> bool:
        """Where a segment does not hold its potential, or segments have no names."""
        p = experiment.protocol
        return isinstance(p, VoltageClamp) and (p.steady != p.segments or not p.named)

    @classmethod
    def code(cls) -> tuple[Path | str, ...]:
        """Its curves are those of the other analyses of a clamp."""
        return (*super().code(), *Families.code())

    @property
    def interval_ms(self) -> float:
        """Between two samples."""
        e = self.experiment
        return max(TRACE_INTERVAL_MS, e.duration * e.model.ms / SAMPLES)

    @property
    def tables(self) -> tuple[TableFile, ...]:
        rows = round(MOST * self.experiment.duration * self.experiment.model.ms / self.interval_ms)
        return (TableFile("command", rows, "Currents under the command", self.caption("command_table")),)

    @property
    def figures(self) -> tuple[FigureFile, ...]:
        """Currents over time; against the command if there is a ramp."""
        over_time = FigureFile("command", "Currents under the command", self.caption("command"))
        ramps = FigureFile("ramps", "Currents along ramps", self.caption("ramps"))
        return (over_time, ramps) if self.protocol.ramps else (over_time,)

    @property
    def fields(self) -> dict[str, tuple[str, str]]:
        """Unit and definition of the columns, without the axes."""
        p, e = self.protocol, self.experiment
        words = {name: q.description or name for name, q in e.model.currents.items()}
        words[p.currents[-1]] = "sum of all membrane currents, without the one that charges the membrane"
        return {
            "neuron": ("1", "row of the neuron in features.parquet, from 0"),
            "segment": ("1", "segment of the clamp; the last one also holds what comes after it"),
            "time_ms": ("ms", "time in the run"),
            "potential_mV": ("mV", "membrane potential, as clamped"),
            **{column_name(name, p.unit): (p.unit, words[name]) for name in p.currents},
        }

    @property
    def settings(self) -> str:
        return f"{self.protocol.segments} {self.protocol.test}"

    def write(self, folder: Path, metadata: Mapping[str, str]) -> None:
        e, rows = self.experiment, self.curves.family(MOST)
        parts = [self._course(row, point) for row, point in zip(rows.tolist(), e.points(rows), strict=True)]
        tables.write(folder / "command.parquet", pa.concat_tables(parts), dict(metadata))

    def _course(self, row: int, point: np.ndarray) -> pa.Table:
        """The rows of one neuron."""
        e, p, ms = self.experiment, self.protocol, self.experiment.model.ms
        values = dict(zip(e.quantities, point.tolist(), strict=True))
        settings = {"duration": e.duration, "initial_state": e.start(values), "interval": self.interval_ms / ms}
        solver = {"method": e.solver.method, e.solver.setting: e.solver.accuracy}
        course = trace(e.model, e.parameters(values), e.stimuli(values), **settings, **solver)
        columns = course.columns
        currents = [columns[column_name(name, p.unit)] for name in p.currents[:-1]]
        time = columns["time_ms"]
        edges = e.stimulus.twin(values, e.duration, ms)[0][: len(p.segments) - 1] if p.named else []
        axes = {name: np.full(len(time), axis[0]) for name, axis in e.coordinates(range(row, row + 1)).items()}
        found = {
            "neuron": np.full(len(time), row, dtype=np.int32),
            **axes,
            "segment": np.array(p.segments, dtype=object)[np.searchsorted(ms * np.array(edges), time, side="right")],
            "time_ms": time,
            "potential_mV": columns[column_name(e.model.potential, e.model.states[e.model.potential].unit)]
            * e.model.mV,
            **dict(
                zip([column_name(n, p.unit) for n in p.currents], [*currents, np.sum(currents, axis=0)], strict=True)
            ),
        }
        return tables.table(found, e.axis_fields | self.fields)

    def draw(self, tables: Mapping[str, object], context: object) -> dict[str, object]:
        from hhcore.protocols.command import figures

        found = {"command": figures.over_time(tables["command"], context, self)}
        ramps = {"ramps": figures.along_ramps(tables["command"], context, self)} if self.protocol.ramps else {}
        return found | ramps
