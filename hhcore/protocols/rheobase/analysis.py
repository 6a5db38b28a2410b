"""Figures of thresholds, and what they come down to."""

from collections.abc import Iterable, Mapping

import numpy as np

from hhcore.experiments.analysis import Analysis, FigureFile, Rows
from hhcore.experiments.answers import Answer, Results
from hhcore.experiments.experiment import Experiment
from hhcore.simulation.search.thresholds import OUTCOMES


class Thresholds(Analysis):
    """Thresholds against an axis."""

    name = "thresholds"
    order = 22
    implied = True
    source = None

    @classmethod
    def applies(cls, experiment: Experiment) -> bool:
        return experiment.protocol.kind == "rheobase"

    @property
    def figures(self) -> tuple[FigureFile, ...]:
        return (FigureFile("thresholds", "Thresholds", self.caption("thresholds")),)

    @property
    def drawn(self) -> dict[str, Rows]:
        return {"features": "grid"}

    def answers(self, results: Results) -> Iterable[Answer]:
        """From the lowest to the highest threshold, and what became of the searches that found none."""
        column, label, _ = self.experiment.protocol.headline
        yield from results.span(label, "features", column)
        words, counts = np.unique(results.column("features", "search").astype(str), return_counts=True)
        total = f"of {counts.sum():,} neurons"
        for word, count in zip(words.tolist(), counts.tolist(), strict=True):
            if word != "found":
                yield Answer(f"{count:,} {total}", OUTCOMES[word], "features", "search")

    def draw(self, tables: Mapping[str, object], context: object) -> dict[str, object]:
        from hhcore.protocols.rheobase import figures

        return {"thresholds": figures.thresholds(tables["features"], context, self.experiment.protocol)}


class ThresholdMap(Analysis):
    """Thresholds over two axes."""

    name = "threshold_map"
    order = 22
    source = None

    @classmethod
    def applies(cls, experiment: Experiment) -> bool:
        """To grids that have a map."""
        mapped = experiment.sample is None and len(experiment.factors) > 1
        return mapped and experiment.protocol.kind == "rheobase"

    @property
    def figures(self) -> tuple[FigureFile, ...]:
        return (FigureFile("threshold_map", "Map of thresholds", self.caption("threshold_map")),)

    @property
    def drawn(self) -> dict[str, Rows]:
        return {"features": "grid"}

    def draw(self, tables: Mapping[str, object], context: object) -> dict[str, object]:
        from hhcore.protocols.rheobase import figures

        return {"threshold_map": figures.threshold_map(tables["features"], context, self.experiment.protocol)}
