"""The figure of every sampled design: a feature against each sampled quantity."""

from collections.abc import Iterable, Mapping

from hhcore.experiments.analysis import Analysis, FigureFile, Rows
from hhcore.experiments.answers import Answer, Results
from hhcore.experiments.experiment import Experiment


class Sampling(Analysis):
    """The scatter of a design."""

    name = "sampling"
    order = 30
    source = None

    @classmethod
    def applies(cls, experiment: Experiment) -> bool:
        return experiment.sample is not None

    @property
    def figures(self) -> tuple[FigureFile, ...]:
        return (
            FigureFile("sample_scatter", "A feature against each sampled quantity", self.caption("sample_scatter")),
        )

    @property
    def drawn(self) -> dict[str, Rows]:
        return {"features": "grid"}

    def answers(self, results: Results) -> Iterable[Answer]:
        """How the main feature spreads."""
        column, label, _ = self.experiment.protocol.headline
        return results.spread(f"{label} over the sample", "features", column)

    def draw(self, tables: Mapping[str, object], context: object) -> dict[str, object]:
        from hhcore.protocols.sensitivity import figures

        return {"sample_scatter": figures.sample_scatter(tables["features"], context)}
