"""Restitution as a table, and as figures: APD90 against the diastolic interval, and against the interval of pulses."""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from hhcore.base import tables
from hhcore.experiments.analysis import Analysis, FigureFile, RowBlock, Rows, TableFile
from hhcore.experiments.answers import Answer, Results
from hhcore.experiments.experiment import Experiment
from hhcore.protocols.pacing.pulse_alone import pulse_alone, rise
from hhcore.protocols.restitution.points import Columns
from hhcore.protocols.restitution.protocol import Restitution


class Curves(Analysis):
    """restitution.parquet, its figures, and the number of neurons that a pulse alone makes fire."""

    name = "restitution"
    order = 20
    implied = True
    crossed = 0

    @classmethod
    def applies(cls, experiment: Experiment) -> bool:
        return isinstance(experiment.protocol, Restitution)

    @property
    def tables(self) -> tuple[TableFile, ...]:
        e = self.experiment
        rows, label = e.n_points * e.protocol.run_count, "Restitution, one row per beat"
        return (TableFile("restitution", rows, label, self.caption("restitution_table")),)

    @property
    def figures(self) -> tuple[FigureFile, ...]:
        """Figures of a grid; a sampled design has its own."""
        if self.experiment.sample is not None:
            return ()
        return (
            FigureFile("restitution", "Restitution", self.caption("restitution")),
            FigureFile("apd_interval", "Action potential duration", self.caption("apd_interval")),
        )

    @property
    def drawn(self) -> dict[str, Rows]:
        return {"features": "grid", "restitution": "neurons"}

    def block(self, block: RowBlock) -> dict[str, pa.Table]:
        protocol = self.experiment.protocol
        points = protocol.points(block.result)
        neuron = points["neuron"] + np.int32(block.rows.start)
        self.crossed += self._crossed(block, points)
        return {"restitution": tables.table(points | {"neuron": neuron}, protocol.fields)}

    def _crossed(self, block: RowBlock, points: Columns) -> int:
        """In how many neurons the charge of a pulse reaches the spike threshold in a beat that counts as captured."""
        e = self.experiment
        rises = rise(e, np.array(block.rows), block.result.rheobase)
        peak = points["resting_potential_mV"] / e.model.mV + rises[points["neuron"]]
        return len(np.unique(points["neuron"][points["captured"] & (peak >= e.threshold)]))

    def answers(self, results: Results) -> Iterable[Answer]:
        """The main feature, and how steep restitution becomes."""
        column, label, _ = self.experiment.protocol.headline
        yield from results.span(label, "features", column)
        yield from results.span("Largest slope of restitution", "features", "max_slope")

    def facts(self) -> Iterable[tuple[str, str]]:
        if self.crossed:
            yield pulse_alone(self.experiment, self.crossed, "the onset of a beat that counts as captured")

    @classmethod
    def code(cls) -> tuple[Path, ...]:
        """What a pulse alone does is told as in pacing."""
        return *super().code(), Path(sys.modules[rise.__module__].__file__)

    def draw(self, tables: Mapping[str, object], context: object) -> dict[str, object]:
        from hhcore.protocols.restitution import figures

        features, points, words = tables["features"], tables["restitution"], self.experiment.protocol.axis_label
        return {
            "restitution": figures.restitution(features, points, context),
            "apd_interval": figures.apd_interval(features, points, words, context),
        }
