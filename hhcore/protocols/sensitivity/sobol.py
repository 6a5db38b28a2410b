"""Sobol indices of a Saltelli design."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from hhcore.experiments.analysis import Analysis, FigureFile, TableFile
from hhcore.experiments.answers import Answer, Results
from hhcore.experiments.experiment import Experiment
from hhcore.protocols.fi.analysis import FI


class Sobol(Analysis):
    """sobol_indices.parquet and its figure."""

    name = "sobol"
    order = 40
    source = "tables"
    needs = {"SALib": "hhcore[sensitivity]"}

    @classmethod
    def applies(cls, experiment: Experiment) -> bool:
        return experiment.sample is not None and experiment.sample.kind == "saltelli"

    @property
    def curves(self) -> FI | None:
        """The F-I curves of the experiment, whose features have indices too."""
        return FI(self.experiment) if FI.applies(self.experiment) else None

    @property
    def reads(self) -> tuple[str, ...]:
        """Features of neurons, and of curves if the experiment has any."""
        return ("features", *(["fi_summary"] if self.curves else []))

    @property
    def features(self) -> dict[str, tuple[str, str]]:
        """Unit and definition of every feature: of neurons, and of curves if the experiment has any."""
        e = self.experiment
        return e.protocol.definitions | (self.curves.summary_definitions if self.curves else {})

    @property
    def tables(self) -> tuple[TableFile, ...]:
        return (TableFile("sobol_indices", 0, "Sobol indices", self.caption("sobol_indices_table")),)

    @property
    def figures(self) -> tuple[FigureFile, ...]:
        return (FigureFile("sobol_indices", "Sobol indices", self.caption("sobol_indices")),)

    def write(self, folder: Path, metadata: Mapping[str, str]) -> None:
        from hhcore.protocols.sensitivity.features import write_indices

        write_indices(self.experiment, self.curves, folder, metadata)

    def answers(self, results: Results) -> Iterable[Answer]:
        """What shapes each feature most."""
        from hhcore.protocols.sensitivity.answers import shares

        return shares(results, "sobol_indices", "total", "parameter", "total index")

    def minutes(self) -> int:
        """A hundred resamples of each feature take 30 us a neuron; four times that to be safe."""
        return max(20, round(4 * 3e-5 * self.experiment.n_points / 60 + 0.5))

    def megabytes(self) -> int:
        """Tables are read column by column: 0.2 kB a neuron."""
        return 1500 + self.experiment.n_points // 5000

    @classmethod
    def code(cls) -> tuple[Path | str, ...]:
        """Features of curves come from F-I."""
        return (*super().code(), *FI.code(), "sweep/gather.py")

    def draw(self, tables: Mapping[str, object], context: object) -> dict[str, object]:
        from hhcore.figures.context import column_label
        from hhcore.protocols.sensitivity import figures

        labels = {name: column_label(name, unit) for name, (unit, _) in self.features.items()}
        return {"sobol_indices": figures.sobol_indices(tables["sobol_indices"], context, labels)}
