"""The results of calibration: the table that hhcore.certify writes, and figures of it."""

from collections.abc import Iterable, Mapping

from hhcore.experiments.analysis import Analysis, FigureFile, Rows, TableFile
from hhcore.experiments.answers import Answer, Results
from hhcore.experiments.experiment import Experiment


class Certification(Analysis):
    """Work against precision, and the errors over the grid."""

    name = "certification"
    order = 60
    implied = True
    source = "sample"

    @classmethod
    def applies(cls, experiment: Experiment) -> bool:
        return True

    @property
    def tables(self) -> tuple[TableFile, ...]:
        return (TableFile("numerics", 0, "Numerics: solvers tried on a sample", self.caption("numerics")),)

    @property
    def figures(self) -> tuple[FigureFile, ...]:
        return (
            FigureFile("work_precision", "Work and precision", self.caption("work_precision")),
            FigureFile("accuracy_map", self.experiment.protocol.accuracy.label, self.caption("accuracy_map")),
        )

    @property
    def drawn(self) -> dict[str, Rows]:
        return {"features": "grid", "numerics": "all"}

    def answers(self, results: Results) -> Iterable[Answer]:
        """The largest error beside what was asked for, and how many neurons depend on the accuracy."""
        from hhcore.protocols.certification.answers import certificate

        return certificate(self.experiment, results)

    def draw(self, tables: Mapping[str, object], context: object) -> dict[str, object]:
        from hhcore.protocols.certification import figures

        tested = context.tested(tables["features"])
        return {
            "work_precision": figures.work_precision(tables["numerics"], context),
            "accuracy_map": figures.accuracy_map(tested, context.scattered),
        }
