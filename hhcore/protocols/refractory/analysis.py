"""Recovery after a spike as a table and a figure, and what it comes down to."""

from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa

from hhcore.base import tables
from hhcore.experiments.analysis import Analysis, FigureFile, RowBlock, Rows, TableFile
from hhcore.experiments.answers import Answer, Results
from hhcore.experiments.experiment import Experiment


class Recovery(Analysis):
    """refractory.parquet and the recovery curves."""

    name = "refractory"
    order = 22
    implied = True

    @classmethod
    def applies(cls, experiment: Experiment) -> bool:
        return experiment.protocol.kind == "refractory"

    @property
    def tables(self) -> tuple[TableFile, ...]:
        rows = self.experiment.n_points * len(self.experiment.protocol.intervals)
        label = "Thresholds, one row per interval"
        return (TableFile("refractory", rows, label, self.caption("refractory_table")),)

    @property
    def figures(self) -> tuple[FigureFile, ...]:
        """Curves of the neurons of a grid."""
        if self.experiment.sample is not None:
            return ()
        return (FigureFile("recovery", "Recovery after a spike", self.caption("recovery")),)

    @property
    def drawn(self) -> dict[str, Rows]:
        return {"features": "grid", "refractory": "neurons"}

    def block(self, block: RowBlock) -> dict[str, pa.Table]:
        protocol = self.experiment.protocol
        found = protocol.recovery(block.result)
        return {
            "refractory": tables.table(
                found | {"neuron": found["neuron"] + np.int32(block.rows.start)}, protocol.fields
            )
        }

    def answers(self, results: Results) -> Iterable[Answer]:
        """The phases, and neurons whose first stimulus does not make one spike."""
        yield from results.span("Absolute refractory period", "features", "absolute_refractory_ms")
        yield from results.span("Relative refractory period, until", "features", "relative_refractory_ms")
        yield from results.span("Smallest threshold, as a share of the resting one", "features", "least_ratio")
        spikes = results.column("features", "first_spikes")
        for wrong, words in (
            (spikes == 0, "the first stimulus makes no spike"),
            (spikes > 1, "more than one spike after the first stimulus alone"),
        ):
            if count := int(wrong.sum()):
                yield Answer(f"{count:,} of {len(spikes):,} neurons", words, "features", "first_spikes")

    def draw(self, tables: Mapping[str, object], context: object) -> dict[str, object]:
        from hhcore.protocols.refractory import figures

        return {f.name: figures.recovery(tables["features"], tables["refractory"], context) for f in self.figures}
