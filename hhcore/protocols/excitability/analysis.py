"""The map of Hodgkin's classes, and thresholds and onset rates against an axis."""

from collections.abc import Iterable, Mapping

import numpy as np

from hhcore.base.words import share
from hhcore.experiments.analysis import Analysis, FigureFile, Rows
from hhcore.experiments.answers import Answer, Results
from hhcore.experiments.experiment import Experiment

CLASSES = {1: "class 1: any rate", 2: "class 2: a definite rate", 3: "class 3: does not fire on"}


class Classes(Analysis):
    """Thresholds and rates against an axis; the table is features."""

    name = "excitability"
    order = 22
    implied = True
    source = None

    @classmethod
    def applies(cls, experiment: Experiment) -> bool:
        return experiment.protocol.kind == "excitability"

    @property
    def figures(self) -> tuple[FigureFile, ...]:
        return (
            FigureFile("currents", "Thresholds", self.caption("currents")),
            FigureFile("onset_rates", "Rates at onset", self.caption("onset_rates")),
        )

    @property
    def drawn(self) -> dict[str, Rows]:
        return {"features": "grid"}

    def answers(self, results: Results) -> Iterable[Answer]:
        """How many neurons are in which class."""
        found = results.column("features", "excitability_class")
        for number, words in CLASSES.items():
            count = int((found == number).sum())
            if count:
                yield Answer(words.capitalize(), share(count, len(found)), "features", "excitability_class")
        if lacking := int(np.isnan(found).sum()):
            yield Answer("Without a class", share(lacking, len(found)), "features", "rheobase_search")

    def draw(self, tables: Mapping[str, object], context: object) -> dict[str, object]:
        from hhcore.protocols.excitability import figures

        drawn = {"currents": figures.currents, "onset_rates": figures.onset_rates}
        unit = self.experiment.protocol.unit
        return {name: draw(tables["features"], context, unit) for name, draw in drawn.items()}


class ClassMap(Analysis):
    """The map of classes."""

    name = "class_map"
    order = 21
    source = None

    @classmethod
    def applies(cls, experiment: Experiment) -> bool:
        """To grids that have a map."""
        mapped = experiment.sample is None and len(experiment.factors) > 1
        return mapped and experiment.protocol.kind == "excitability"

    @property
    def figures(self) -> tuple[FigureFile, ...]:
        return (FigureFile("classes", "Hodgkin's classes", self.caption("classes")),)

    @property
    def drawn(self) -> dict[str, Rows]:
        return {"features": "grid"}

    def draw(self, tables: Mapping[str, object], context: object) -> dict[str, object]:
        from hhcore.protocols.excitability import figures

        return {"classes": figures.classes(tables["features"], context)}
