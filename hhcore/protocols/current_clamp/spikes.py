"""The spikes of all neurons as a table."""

from collections.abc import Iterable

import pyarrow as pa

from hhcore.base import tables
from hhcore.experiments.analysis import Analysis, RowBlock, TableFile
from hhcore.experiments.answers import Answer, Results
from hhcore.experiments.experiment import Experiment
from hhcore.protocols.current_clamp.oscillation import undetected
from hhcore.simulation.observers.extremes import OSCILLATION_MV


class Spikes(Analysis):
    """spikes.parquet, and the number of neurons that oscillate without a spike."""

    name = "spikes"
    order = 90  # the last table of all
    implied = True
    undetected = 0

    @classmethod
    def applies(cls, experiment: Experiment) -> bool:
        return "spikes" in experiment.protocol.schema.names

    @property
    def tables(self) -> tuple[TableFile, ...]:
        return (TableFile("spikes", rows=0),)

    def block(self, block: RowBlock) -> dict[str, pa.Table]:
        self.undetected += int(undetected(block.columns).sum())
        result = block.result
        return {"spikes": tables.spikes(result.spike_times * result.ms, result.offsets, block.rows.start)}

    def answers(self, results: Results) -> Iterable[Answer]:
        """How fast neurons fire; F-I curves say that of steps, and a sample has an answer of its own."""
        e, (column, label, _) = self.experiment, self.experiment.protocol.headline
        if e.stimulus.kind != "step" and e.sample is None and column == "firing_rate_Hz":
            yield from results.span(label, "features", column)

    def facts(self) -> Iterable[tuple[str, str]]:
        e = self.experiment
        unit = e.model.states[e.model.potential].unit
        yield (
            "undetected",
            f"{self.undetected:,} oscillate by more than {OSCILLATION_MV:g} mV inside the analysis window "
            f"without crossing {e.threshold:g} {unit}: the definition of a spike does not count them",
        )
