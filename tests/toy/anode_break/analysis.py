"""How far the rebound of each neuron lies above the spike threshold, and a figure of the rebound."""

import numpy as np

from hhcore.base import tables
from hhcore.experiments.analysis import Analysis, FigureFile, TableFile

FIELDS = {
    "neuron": ("1", "row of the neuron in features.parquet, from 0"),
    "overshoot_mV": ("mV", "rebound above the spike threshold; null for a neuron that failed"),
}


class Rebound(Analysis):
    """overshoot.parquet and a figure of the rebound."""

    name = "rebound"
    implied = True

    @classmethod
    def applies(cls, experiment):
        """To the protocol of this room."""
        return experiment.protocol.kind == "anode_break"

    @property
    def tables(self):
        """A row per neuron."""
        rows = self.experiment.n_points
        return (TableFile("overshoot", rows, "Overshoot after the release", self.caption("overshoot")),)

    @property
    def figures(self):
        """One."""
        return (FigureFile("rebound", "Rebound", self.caption("rebound")),)

    @property
    def drawn(self):
        """The rebound is a feature."""
        return {"features": "grid"}

    def block(self, block):
        """The rows of a row block."""
        neuron = np.arange(block.rows.start, block.rows.stop, dtype=np.int32)
        overshoot = block.columns["rebound_mV"] - self.experiment.threshold * self.experiment.model.mV
        return {"overshoot": tables.table({"neuron": neuron, "overshoot_mV": overshoot}, FIELDS)}

    def facts(self):
        """A line of summary.html."""
        yield "watched", f"for {self.experiment.protocol.watched:g} {self.experiment.model.time_unit} after the release"

    def draw(self, tables, context):
        """The rebound against the amplitude."""
        from .figures import rebound

        return {"rebound": rebound(tables["features"], context)}
