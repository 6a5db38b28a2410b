"""Every beat as a table; restitution and the duration of the action potential as figures."""

from collections.abc import Iterable, Mapping
from math import ceil

import numpy as np
import pyarrow as pa

from hhcore.base import tables
from hhcore.experiments.analysis import Analysis, FigureFile, RowBlock, Rows, TableFile
from hhcore.experiments.experiment import Experiment
from hhcore.model.model import Model
from hhcore.protocols.pacing.protocol import most_beats
from hhcore.simulation.action_potentials import BEAT
from hhcore.simulation.beats import beat_definitions
from hhcore.simulation.outputs import beat_output_columns, beat_output_definitions


class Beats(Analysis):
    """beats.parquet, restitution, a map of APD90, and the number of neurons that a pulse alone makes fire."""

    name = "pacing"
    order = 20
    implied = True
    crossed = 0

    @classmethod
    def applies(cls, experiment: Experiment) -> bool:
        return "beats" in experiment.protocol.schema.names

    @property
    def tables(self) -> tuple[TableFile, ...]:
        e = self.experiment
        rows, label = ceil(e.n_points * most_beats(e)), "Action potentials, one row per beat"
        return (TableFile("beats", rows, label, self.caption("beats")),)

    @property
    def figures(self) -> tuple[FigureFile, ...]:
        """Figures of a grid; a sampled design has its own. Beats that repeat are no curve of restitution."""
        e = self.experiment
        if e.sample is not None:
            return ()
        durations = FigureFile("apd_map", "Action potential duration", self.caption("apd_map"))
        if self._repeats and not e.protocol.along(e):
            return (durations,)
        return FigureFile("restitution", "Restitution", self.caption("restitution")), durations

    @property
    def _repeats(self) -> bool:
        """Whether cells have settled before their beats are kept."""
        return "repeat" in self.experiment.protocol.schema.names

    @property
    def drawn(self) -> dict[str, Rows]:
        """Features have the last beat of each neuron."""
        return {"features": "grid", "beats": "neurons"}

    def block(self, block: RowBlock) -> dict[str, pa.Table]:
        self.crossed += int(self._crosses(block).sum())
        beats, e = block.result.beat_columns, self.experiment
        columns = beats | {"neuron": beats["neuron"] + np.int32(block.rows.start)}
        columns |= beat_output_columns(e.protocol.outputs, block.result)
        fields = beat_definitions(e.protocol.measured, e.model.mV) | beat_output_definitions(e.protocol.outputs)
        return {"beats": tables.table(columns, fields)}

    def facts(self) -> Iterable[tuple[str, str]]:
        e = self.experiment
        unit = e.model.states[e.model.potential].unit
        if self.crossed:
            yield (
                "pulse alone",
                f"{self.crossed:,} are taken from the potential at the first onset to {e.threshold:g} {unit} by the "
                "charge of a pulse on the membrane capacitance: a spike there does not show that the cell is excited. "
                "Give a smaller amplitude, or spikes: {threshold: ..., rearm: ...} above the response to the pulse",
            )

    def _crosses(self, block: RowBlock) -> np.ndarray:
        """Whether the charge of a pulse takes each neuron to the spike threshold, bool (n,), with no channel's help."""
        e, record = self.experiment, block.result
        rows = np.arange(block.rows.start, block.rows.stop)
        points = dict(zip(e.quantities, e.points(rows).T, strict=True))
        if not {"amplitude", "width"} <= points.keys():
            return np.zeros(len(rows), dtype=bool)
        onset = record.beat_values[record.beat_offsets[:-1], BEAT.index("rest")]
        given = e.parameters(points)
        alike = {name: float(x[0]) for name, x in given.items() if np.ptp(x) == 0}  # conditions on them have one answer
        per_charge = _per_charge(e.model, points | given | alike)
        return onset + points["amplitude"] * points["width"] * per_charge >= e.threshold

    def draw(self, tables: Mapping[str, object], context: object) -> dict[str, object]:
        from hhcore.protocols.pacing import figures

        features, beats = tables["features"], tables["beats"]
        drawn = {file.name for file in self.figures}
        found = {"restitution": figures.restitution(features, beats, context)} if "restitution" in drawn else {}
        return found | {
            "apd_map": figures.apd_map(figures.longest(features, beats), context),
        }


def _per_charge(model: Model, points: Mapping[str, np.ndarray]) -> np.ndarray:
    """The potential that a unit of injected charge adds, 1 / capacitance in most models: float64 (n,) or ()."""
    from hhcore.simulation.reference import evaluate_with

    states = {name: state.value for name, state in model.states.items()}
    values = {**states, **points, model.myokit.time().qname(): 0.0}

    def slope(current: float) -> np.ndarray:
        return evaluate_with(np, model, values | {model.current.name: current})[f"dot({model.potential})"]

    with np.errstate(all="ignore"):
        return slope(1.0) - slope(0.0)
