"""A figure of the outputs that a config names; their columns are in features.parquet."""

from collections.abc import Iterable, Mapping

from hhcore.experiments.analysis import Analysis, FigureFile, Rows
from hhcore.experiments.answers import Answer, Results
from hhcore.experiments.experiment import Experiment


class OutputFigures(Analysis):
    """Each output over the grid. A sampled design has figures of its own."""

    name = "outputs"
    order = 40
    source = None

    @classmethod
    def applies(cls, experiment: Experiment) -> bool:
        return bool(getattr(experiment.protocol, "outputs", ())) and experiment.sample is None

    @property
    def figures(self) -> tuple[FigureFile, ...]:
        return (FigureFile("outputs", "Outputs", self.caption("outputs")),)

    @property
    def drawn(self) -> dict[str, Rows]:
        return {"features": "grid"}

    def answers(self, results: Results) -> Iterable[Answer]:
        """The range of each output."""
        for output in self.experiment.protocol.outputs:
            yield from results.span(output.column, "features", output.column)

    def draw(self, tables: Mapping[str, object], context: object) -> dict[str, object]:
        from hhcore.protocols.outputs import figures

        return {"outputs": figures.outputs(tables["features"], self.experiment.protocol.outputs, context)}
