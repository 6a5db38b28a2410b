"""Currents and conductances of every segment, and current-voltage curves."""

from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa

from hhcore.base import tables
from hhcore.base.units import column_name
from hhcore.experiments.analysis import Analysis, FigureFile, RowBlock, Rows, TableFile
from hhcore.experiments.answers import Answer, Results
from hhcore.experiments.experiment import Experiment
from hhcore.model.variables import TOTAL
from hhcore.protocols.voltage_clamp.current_voltage import reversal_potential
from hhcore.protocols.voltage_clamp.curves import Curves, Fields, potential_axis
from hhcore.protocols.voltage_clamp.protocol import VoltageClamp
from hhcore.protocols.voltage_clamp.recorded import Recorded
from hhcore.simulation.outputs import integral_unit


class CurrentVoltage(Analysis):
    """iv.parquet, a row for each neuron, segment and current; iv_summary.parquet, one for each curve of these."""

    name = "iv"
    order = 20
    implied = True

    def __init__(self, experiment: Experiment):
        super().__init__(experiment)
        self.protocol: VoltageClamp = experiment.protocol
        self.curves = Curves(experiment, potential_axis(experiment))

    @classmethod
    def applies(cls, experiment: Experiment) -> bool:
        return isinstance(experiment.protocol, VoltageClamp)

    @property
    def tables(self) -> tuple[TableFile, ...]:
        p, e = self.protocol, self.experiment
        rows = len(p.segments) * len(p.currents)
        table = TableFile("iv", e.n_points * rows, "Currents of every segment", self.caption("iv_table"))
        rows = self.curves.count * len(p.steady) * len(p.currents)
        summary = TableFile("iv_summary", rows, "Reversal potentials", self.caption("iv_summary"))
        return (table, summary) if p.steady else (table,)

    @property
    def figures(self) -> tuple[FigureFile, ...]:
        """None if no segment holds its potential."""
        return (FigureFile("iv", "Current-voltage curves", self.caption("iv")),) if self.protocol.steady else ()

    @property
    def drawn(self) -> dict[str, Rows]:
        return {"iv": "grid", "iv_summary": "grid"} if self.protocol.steady else {}

    @property
    def alignment(self) -> int:
        return self.curves.alignment

    @property
    def fields(self) -> Fields:
        """Unit and definition of the columns of iv, without the axes."""
        p = self.protocol
        charge = integral_unit(p.unit)
        return {
            "neuron": ("1", "row of the neuron in features.parquet, from 0"),
            "segment": ("1", "segment of the clamp"),
            "current": ("1", "membrane current; total: the sum of all, without the one that charges the membrane"),
            "potential_mV": ("mV", "potential of the segment; null if it moves there, as in a ramp"),
            column_name("peak", p.unit): (p.unit, "extreme of the current in the segment that is farther from 0"),
            "peak_ms": ("ms", "time from the start of the segment to the peak"),
            "both_ways": ("1", "whether it flows inward and outward in the segment"),
            column_name("first", p.unit): (p.unit, "current at the start of the segment, after the jump"),
            column_name("last", p.unit): (p.unit, "current at the end of the segment"),
            column_name("charge", charge): (charge, "integral of the current over the segment"),
            column_name("peak_conductance", p.conductance_unit): (
                p.conductance_unit,
                "largest conductance, dI/dV at fixed gates; null for a current that is not linear in the potential, "
                "and for a total with such a one",
            ),
            column_name("last_conductance", p.conductance_unit): (p.conductance_unit, "conductance at the end"),
        }

    @property
    def summary_fields(self) -> Fields:
        """Unit and definition of the columns of iv_summary, without the axes."""
        unit = self.protocol.unit
        crossing = (
            "where the curve of {} against the potential crosses 0; of several crossings the steepest; null if there "
            "is none, or a straight line between the points and a cubic one differ by a tenth of their distance or more"
        )
        return {
            "curve": ("1", "number of the curve, in the order of the grid"),
            "segment": ("1", "segment of the clamp, one whose potential varies along the curve"),
            "current": ("1", "membrane current"),
            "reversal_mV": (
                "mV",
                "reversal potential from the conductance: V - current / conductance where it is largest at the end of "
                "the segment; null for the total, and for a current without a conductance",
            ),
            "peak_reversal_mV": (
                "mV",
                crossing.format("peak currents") + "; null where the peak jumps from inward to outward, the current "
                "flowing both ways",
            ),
            "first_reversal_mV": ("mV", crossing.format("currents at the start of the segment, as of tail currents,")),
            "last_reversal_mV": ("mV", crossing.format("currents at the end of the segment")),
            column_name("most_inward", unit): (unit, "lowest peak current of the curve"),
            "most_inward_at_mV": ("mV", "its potential"),
            column_name("most_outward", unit): (unit, "highest peak current of the curve"),
            "most_outward_at_mV": ("mV", "its potential"),
            "failed_neurons": ("1", "neurons of the curve that failed"),
        }

    def block(self, block: RowBlock) -> dict[str, pa.Table]:
        recorded = self.protocol.recorded(block.result)
        found = {"iv": self._table(block, recorded)}
        return found | ({"iv_summary": self._summary(block, recorded)} if self.protocol.steady else {})

    def _table(self, block: RowBlock, recorded: Recorded) -> pa.Table:
        p, n = self.protocol, len(block.rows)
        pairs = [(i, current) for i in range(len(p.segments)) for current in p.currents]
        rows = [self._row(recorded, *pair) for pair in pairs]
        numbers = {name: np.column_stack([row[name] for row in rows]).ravel() for name in rows[0]}
        repeated = {name: np.repeat(values, len(pairs)) for name, values in block.axes.items()}
        columns = {
            "neuron": np.repeat(np.arange(block.rows.start, block.rows.stop, dtype=np.int32), len(pairs)),
            **repeated,
            "segment": np.tile([p.segments[i] for i, _ in pairs], n),
            "current": np.tile([current for _, current in pairs], n),
        }
        return tables.table(columns | numbers, self.experiment.axis_fields | self.fields)

    def _row(self, recorded: Recorded, segment: int, current: str) -> dict[str, np.ndarray]:
        """The columns of numbers of one current in one segment, float64 (n,) each."""
        p, model = self.protocol, self.experiment.model
        peak, time = recorded.peak(segment, current)
        known, none = current in p.linear, np.full(len(peak), np.nan)
        conductance = p.conductance(current)
        numbers = [
            recorded.held(segment, model.potential) * model.mV,
            peak,
            time * model.ms,
            recorded.both_ways(segment, current),
            recorded("first", segment, current),
            recorded("last", segment, current),
            recorded("integral", segment, current) * model.ms,
            recorded.peak(segment, conductance)[0] if known else none,
            recorded("last", segment, conductance) if known else none,
        ]
        return dict(zip([*self.fields][3:], numbers, strict=True))

    def _summary(self, block: RowBlock, recorded: Recorded) -> pa.Table:
        p, curves, model = self.protocol, self.curves, self.experiment.model
        failed = curves.rows(block.result.failed).sum(axis=1)
        rows: list[list[object]] = []
        for i, segment in enumerate(p.segments):
            V = model.mV * curves.rows(recorded.held(i, model.potential))
            varying = np.flatnonzero(np.ptp(np.nan_to_num(V), axis=1) > 0)
            for current in p.currents:
                kept = [curves.rows(values) for values in self._of_curves(recorded, i, current)]
                for curve in varying:
                    numbers = _numbers(V[curve], *(values[curve] for values in kept))
                    rows.append([curve, segment, current, *numbers, failed[curve]])
        rows.sort(key=lambda row: row[0])
        columns = [np.array(column) for column in zip(*rows, strict=True)] or [np.empty(0)] * len(self.summary_fields)
        named = dict(zip(self.summary_fields, columns, strict=True))
        which = named.pop("curve").astype(int)
        others = {name: values[which] for name, values in curves.others(block).items()}
        columns = {"curve": curves.numbers(block)[which], **others, **named}
        return tables.table(columns, self.experiment.axis_fields | self.summary_fields)

    def _of_curves(self, recorded: Recorded, segment: int, current: str) -> list[np.ndarray]:
        """Peak, whether it flows both ways, first and last current, last conductance in a segment, (n,) each."""
        last = recorded("last", segment, current)
        conductance = self.protocol.conductance(current)
        known = current in self.protocol.linear and current != TOTAL
        conductances = recorded("last", segment, conductance) if known else np.full(len(last), np.nan)
        peak, both_ways = recorded.peak(segment, current)[0], recorded.both_ways(segment, current)
        return [peak, both_ways, recorded("first", segment, current), last, conductances]

    def answers(self, results: Results) -> Iterable[Answer]:
        """The main feature, and reversal potentials."""
        from hhcore.protocols.voltage_clamp.answers import reversals

        column, label, _ = self.experiment.protocol.headline
        yield from results.span(label, "features", column)
        if self.protocol.steady:
            yield from reversals(results)

    def draw(self, tables: Mapping[str, object], context: object) -> dict[str, object]:
        from hhcore.protocols.voltage_clamp import figures

        return {"iv": figures.current_voltage(tables["iv"], tables["iv_summary"], context, self)}


def _numbers(
    V: np.ndarray, peak: np.ndarray, both_ways: np.ndarray, first: np.ndarray, last: np.ndarray, conductance: np.ndarray
) -> list[float]:
    """Reversal potentials and extremes of one curve, (length,) each."""
    size = np.nan_to_num(np.abs(conductance))
    most = int(size.argmax())
    reversal = V[most] - last[most] / conductance[most] if size[most] > 0 else np.nan
    crossings = [reversal_potential(V, peak, both_ways), *(reversal_potential(V, current) for current in (first, last))]
    if not np.isfinite(peak).any():
        return [reversal, *crossings, *[np.nan] * 4]
    low, high = np.nanargmin(peak), np.nanargmax(peak)
    return [reversal, *crossings, peak[low], V[low], peak[high], V[high]]
