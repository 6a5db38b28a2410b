"""Figures of thresholds, and what they come down to."""

from collections.abc import Iterable, Mapping

import numpy as np

from hhcore.experiments.analysis import Analysis, FigureFile, Rows
from hhcore.experiments.answers import Answer, Results
from hhcore.experiments.experiment import Experiment
from hhcore.simulation.search.thresholds import OUTCOMES

LATE = 0.9  # of the duration: a first spike after it comes as late as the run allows


class RheobaseFigures(Analysis):
    """Thresholds against an axis, and over two of them."""

    name = "rheobase"
    order = 22
    implied = True
    source = None

    @classmethod
    def applies(cls, experiment: Experiment) -> bool:
        return experiment.protocol.kind == "rheobase"

    @property
    def figures(self) -> tuple[FigureFile, ...]:
        """A map needs two axes."""
        e = self.experiment
        curves = FigureFile("thresholds", "Thresholds", self.caption("thresholds"))
        if e.sample is not None or len(e.factors) < 2:
            return (curves,)
        return curves, FigureFile("threshold_map", "Map of thresholds", self.caption("threshold_map"))

    @property
    def drawn(self) -> dict[str, Rows]:
        return {"features": "grid"}

    def answers(self, results: Results) -> Iterable[Answer]:
        """From the lowest to the highest threshold, and what became of the searches that found none."""
        column, label, _ = self.experiment.protocol.headline
        yield from results.span(label, "features", column)
        words, counts = np.unique(results.column("features", "search").astype(str), return_counts=True)
        for word, count in zip(words.tolist(), counts.tolist(), strict=True):
            if word != "found":
                yield Answer(f"{count:,} of {counts.sum():,} neurons", OUTCOMES[word], "features", "search")
        e = self.experiment
        late = int((results.column("features", "latency_ms") > LATE * e.duration * e.model.ms).sum())
        if late:
            words = "first spike in the last tenth of the run: a longer one would find lower thresholds"
            yield Answer(f"{late:,} of {counts.sum():,} neurons", words, "features", "latency_ms")

    def draw(self, tables: Mapping[str, object], context: object) -> dict[str, object]:
        from hhcore.protocols.rheobase import figures

        drawn = {"thresholds": figures.thresholds, "threshold_map": figures.threshold_map}
        searched = self.experiment.protocol
        return {f.name: drawn[f.name](tables["features"], context, searched) for f in self.figures}
