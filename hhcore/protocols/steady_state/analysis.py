"""Which cells follow every stimulus, and which do not: a map over the grid."""

from collections.abc import Iterable, Mapping

import numpy as np

from hhcore.base.words import counted
from hhcore.experiments.analysis import Analysis, FigureFile, Rows
from hhcore.experiments.answers import Answer, Results
from hhcore.experiments.experiment import Experiment


class Responses(Analysis):
    """The map of responses, and of alternans."""

    name = "steady_state"
    order = 25
    implied = True
    source = None

    @classmethod
    def applies(cls, experiment: Experiment) -> bool:
        return "settling_error" in experiment.protocol.schema.names

    @property
    def figures(self) -> tuple[FigureFile, ...]:
        """A map needs two axes."""
        e = self.experiment
        if e.sample is not None or len(e.factors) < 2:
            return ()
        return (FigureFile("responses", "Responses and alternans", self.caption("responses")),)

    @property
    def drawn(self) -> dict[str, Rows]:
        return {"features": "grid"}

    def answers(self, results: Results) -> Iterable[Answer]:
        """How many cells respond how to the stimuli."""
        words, counts = np.unique(results.column("features", "response").astype(str), return_counts=True)
        order = np.argsort(-counts, kind="stable")
        total = f" of {counts.sum():,} cells" if len(words) > 1 else f" in {counted(int(counts.sum()), 'cell')}"
        listed = ", ".join(f"{words[i]} in {counts[i]:,}" if len(words) > 1 else words[i] for i in order)
        yield Answer("Action potentials to stimuli", listed + total, "features", "response")

    def draw(self, tables: Mapping[str, object], context: object) -> dict[str, object]:
        from hhcore.protocols.steady_state import figures

        return {"responses": figures.responses(tables["features"], context)}
