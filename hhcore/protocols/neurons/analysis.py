"""Features of every neuron, and the last states of those that failed."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from hhcore.base import tables
from hhcore.base.units import column_name
from hhcore.base.words import share
from hhcore.experiments import relative
from hhcore.experiments.analysis import Analysis, RowBlock, TableFile
from hhcore.experiments.answers import Answer, Results
from hhcore.experiments.experiment import Experiment
from hhcore.simulation.features import FAILED
from hhcore.simulation.result import NO_RHEOBASE, NO_STABLE_REST, STATUSES

FAILURE_FIELDS = {
    "neuron": ("1", "row of the neuron in features.parquet, from 0"),
    "failed_ms": ("ms", "time at which it diverged or stalled"),
}


class Neurons(Analysis):
    """features.parquet and failures.parquet."""

    name = "neurons"
    order = 10
    implied = True

    @classmethod
    def applies(cls, experiment: Experiment) -> bool:
        return True

    @property
    def tables(self) -> tuple[TableFile, ...]:
        """The caption is the protocol's, if its room has one."""
        e = self.experiment
        own = e.protocol.code()[0].parent / "captions" / "features.rst"
        caption = own if own.exists() else self.caption("features")
        return (TableFile("features", e.n_points, "Features, one row per neuron", caption), TableFile("failures", 0))

    def block(self, block: RowBlock) -> dict[str, pa.Table]:
        e = self.experiment
        fields = e.axis_fields | relative.definitions(e) | e.protocol.definitions
        currents = relative.columns(e, block.axes, block.result.rheobase)
        features = tables.table({**block.axes, **currents, **block.columns}, fields)
        return {"features": features, "failures": self._failures(block)}

    def answers(self, results: Results) -> Iterable[Answer]:
        """How many neurons, how many of them failed, and how many fire."""
        status = results.column("features", "status")
        failed = int(np.isin(status, FAILED).sum())
        unsettled, without = (int((status == STATUSES[i]).sum()) for i in (NO_STABLE_REST, NO_RHEOBASE))
        yield Answer("Neurons", f"{len(status):,}", "features", "status")
        yield Answer("Failures", share(failed - without, len(status)), "features", "status")
        if unsettled:
            yield Answer("Without a stable rest", share(unsettled, len(status)), "features", "status")
        if without:
            yield Answer("Without a rheobase", share(without, len(status)), "features", "status")
        if "spike_count" in self.experiment.protocol.definitions:
            words = share(int((results.column("features", "spike_count") > 0).sum()), len(status))
            if len(status) > 1 and "firing_rate_Hz" in self.experiment.protocol.definitions:
                steadily = int((results.column("features", "firing_rate_Hz") > 0).sum())
                words += f"; repetitively in the analysis window {share(steadily, len(status))}"
            yield Answer("Neurons that fire", words, "features", "spike_count")

    def _failures(self, block: RowBlock) -> pa.Table:
        """The time of each failure, and the neuron's last states before it."""
        states, result = self.experiment.model.states, block.result
        rows = np.flatnonzero(result.failed & (result.status != NO_RHEOBASE))
        columns = {"neuron": (block.rows.start + rows).astype(np.int32), "failed_ms": result.ended[rows] * result.ms}
        columns |= {column_name(n, q.unit): result.final[rows, i] for i, (n, q) in enumerate(states.items())}
        fields = FAILURE_FIELDS | {column_name(n, q.unit): (q.unit, q.description) for n, q in states.items()}
        return tables.table(columns, fields)
