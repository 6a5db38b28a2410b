"""Every spike's shape as a table; figures of width, potentials and response over the grid."""

from collections.abc import Iterable, Mapping
from math import ceil

import numpy as np
import pyarrow as pa

from hhcore.base import tables
from hhcore.experiments.analysis import Analysis, FigureFile, RowBlock, Rows, TableFile
from hhcore.experiments.answers import Answer, Results
from hhcore.experiments.experiment import Experiment
from hhcore.protocols.current_clamp.protocol import SPIKES_HZ
from hhcore.simulation.shapes import DEFINITIONS


class ShapesOfSpikes(Analysis):
    """shapes.parquet, and figures of its columns."""

    name = "shapes"
    order = 30
    implied = True

    @classmethod
    def applies(cls, experiment: Experiment) -> bool:
        return "shapes" in experiment.protocol.schema.names

    @property
    def tables(self) -> tuple[TableFile, ...]:
        e = self.experiment
        rows = ceil(e.n_points * SPIKES_HZ * e.duration * e.model.ms / 1000.0)
        return (TableFile("shapes", rows, "Action potentials, one row per spike", self.caption("shapes")),)

    @property
    def figures(self) -> tuple[FigureFile, ...]:
        """Figures of a grid; a sampled design has its own."""
        if self.experiment.sample is not None:
            return ()
        return (
            FigureFile("half_widths", "Half-width of action potentials", self.caption("half_widths")),
            FigureFile("ap_potentials", "Potentials of action potentials", self.caption("ap_potentials")),
            FigureFile("response", "Response to the stimulus", self.caption("response")),
        )

    @property
    def drawn(self) -> dict[str, Rows]:
        """All that is drawn is a feature."""
        return {"features": "grid"}

    def block(self, block: RowBlock) -> dict[str, pa.Table]:
        shapes = block.result.shape_columns
        return {"shapes": tables.table(shapes | {"neuron": shapes["neuron"] + np.int32(block.rows.start)}, DEFINITIONS)}

    def answers(self, results: Results) -> Iterable[Answer]:
        """The range of the main feature."""
        column, label, _ = self.experiment.protocol.headline
        return results.span(label, "features", column)

    def draw(self, tables: Mapping[str, object], context: object) -> dict[str, object]:
        from hhcore.protocols.shapes import figures

        return {
            "half_widths": figures.half_widths(tables["features"], context),
            "ap_potentials": figures.potentials(tables["features"], context),
            "response": figures.response(tables["features"], context),
        }
