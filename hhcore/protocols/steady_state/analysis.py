"""Which cells follow every stimulus, and which do not: a map over the grid."""

from collections.abc import Mapping

from hhcore.experiments.analysis import Analysis, FigureFile, Rows
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

    def draw(self, tables: Mapping[str, object], context: object) -> dict[str, object]:
        from hhcore.protocols.steady_state import figures

        return {"responses": figures.responses(tables["features"], context)}
