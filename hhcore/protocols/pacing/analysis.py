"""Every beat as a table; restitution and the duration of the action potential as figures."""

from collections.abc import Iterable, Mapping
from math import ceil

import numpy as np
import pyarrow as pa

from hhcore.base import tables
from hhcore.experiments.analysis import Analysis, FigureFile, RowBlock, Rows, TableFile
from hhcore.experiments.answers import Answer, Results
from hhcore.experiments.experiment import Experiment
from hhcore.protocols.pacing.protocol import most_beats
from hhcore.protocols.pacing.pulse_alone import pulse_alone, rise
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
        beats, e = block.result.beat_columns, self.experiment
        first = block.result.beat_values[block.result.beat_offsets[:-1], BEAT.index("rest")]
        self.crossed += int((first + rise(e, np.array(block.rows), block.result.rheobase) >= e.threshold).sum())
        columns = beats | {"neuron": beats["neuron"] + np.int32(block.rows.start)}
        columns |= beat_output_columns(e.protocol.outputs, block.result)
        fields = beat_definitions(e.protocol.measured, e.model.mV) | beat_output_definitions(e.protocol.outputs)
        return {"beats": tables.table(columns, fields)}

    def answers(self, results: Results) -> Iterable[Answer]:
        """The range of the main feature."""
        column, label, _ = self.experiment.protocol.headline
        return results.span(label, "features", column)

    def facts(self) -> Iterable[tuple[str, str]]:
        if self.crossed:
            yield pulse_alone(self.experiment, self.crossed, "the first onset")

    def draw(self, tables: Mapping[str, object], context: object) -> dict[str, object]:
        from hhcore.protocols.pacing import figures

        features, beats = tables["features"], tables["beats"]
        drawn = {file.name for file in self.figures}
        found = {"restitution": figures.restitution(features, beats, context)} if "restitution" in drawn else {}
        return found | {
            "apd_map": figures.apd_map(figures.longest(features, beats), context),
        }
