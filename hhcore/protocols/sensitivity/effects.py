"""Which axes of a large grid matter: the share of a feature's variance that lies between the values of each axis."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from hhcore.base import tables
from hhcore.experiments.analysis import Analysis, FigureFile, TableFile
from hhcore.experiments.answers import Answer, Results
from hhcore.experiments.experiment import Experiment
from hhcore.protocols.fi.analysis import FI

FEWEST_AXES = 4  # other figures show three whole
ROWS = 100_000  # read at once
DEFINITIONS = {
    "axis": ("1", "axis of the grid"),
    "feature": ("1", "column of features.parquet"),
    "share": (
        "1",
        "main effect, eta squared: variance of the feature's means at the values of the axis, over its variance",
    ),
    "low": ("1", "smallest of these means [unit of the feature]"),
    "high": ("1", "largest of these means [unit of the feature]"),
    "undefined": ("1", "neurons without the feature, which are left out"),
}


class Effects(Analysis):
    """main_effects.parquet and its figure, for grids of four axes or more."""

    name = "effects"
    order = 40
    source = "tables"
    reads = ("features",)

    @classmethod
    def applies(cls, experiment: Experiment) -> bool:
        """It applies to full grids: with zipped axes or a sample, axes do not vary by themselves."""
        swept = sum(axis.values.size > 1 for axis in experiment.axes)
        return experiment.sample is None and experiment.combine == "product" and swept >= FEWEST_AXES

    @property
    def tables(self) -> tuple[TableFile, ...]:
        return (
            TableFile("main_effects", len(self.experiment.axes), "Main effects", self.caption("main_effects_table")),
        )

    @property
    def figures(self) -> tuple[FigureFile, ...]:
        return (FigureFile("main_effects", "Main effects of the axes", self.caption("main_effects")),)

    def answers(self, results: Results) -> Iterable[Answer]:
        """Which axes matter most."""
        from hhcore.protocols.sensitivity.answers import shares

        return shares(results, "main_effects", "share", "axis", "main effect")

    def write(self, folder: Path, metadata: Mapping[str, str]) -> None:
        feature, axes = self.experiment.protocol.headline[0], [a for a in self.experiment.axes if a.values.size > 1]
        groups = {axis.name: MeansOfGroups(axis.values) for axis in axes}
        undefined = 0
        for part in tables.batches(folder / "features.parquet", ROWS):
            values = pc.cast(part[feature], "float64").to_numpy(zero_copy_only=False)
            known = np.isfinite(values)
            undefined += int(np.sum(~known))
            for axis in axes:
                groups[axis.name].add(part[self.experiment.column(axis.name)].to_numpy()[known], values[known])
        columns = {
            "axis": np.array(list(groups), dtype=object),
            "feature": np.full(len(groups), feature, dtype=object),
            "share": np.array([group.share for group in groups.values()]),
            "low": np.array([group.ends[0] for group in groups.values()]),
            "high": np.array([group.ends[1] for group in groups.values()]),
            "undefined": np.full(len(groups), undefined),
        }
        tables.write(folder / "main_effects.parquet", tables.table(columns, DEFINITIONS), metadata)

    def minutes(self) -> int:
        return 10

    def megabytes(self) -> int:
        return 1000

    @classmethod
    def code(cls) -> tuple[Path | str, ...]:
        """The room's other files use those of F-I."""
        return (*super().code(), *FI.code(), "sweep/gather.py")

    def draw(self, tables: Mapping[str, object], context: object) -> dict[str, object]:
        from hhcore.protocols.sensitivity import figures

        return {"main_effects": figures.main_effects(tables["main_effects"], context)}


class MeansOfGroups:
    """Count and sum of a feature at each value of an axis; sums and squares about a value near its mean."""

    def __init__(self, levels: np.ndarray):
        self.levels = np.sort(levels)
        self.count, self.total, self.sum, self.squares = np.zeros((4, levels.size))
        self.origin: float | None = None

    def add(self, at: np.ndarray, values: np.ndarray) -> None:
        """Values of the feature, float64 (n,), where the axis has the values `at`."""
        if not values.size:
            return
        self.origin = float(values.mean()) if self.origin is None else self.origin
        level, away = np.searchsorted(self.levels, at), values - self.origin
        self.count += np.bincount(level, minlength=self.levels.size)
        self.total += np.bincount(level, values, self.levels.size)
        self.sum += np.bincount(level, away, self.levels.size)
        self.squares += np.bincount(level, away * away, self.levels.size)

    @property
    def share(self) -> float:
        """Eta squared (Pearson 1905), from 0 to 1; NaN if the feature does not vary.

        On a full grid it is the first-order Sobol index of the axis, its values taken as equally likely.
        """
        n, known = self.count.sum(), self.count > 0
        if not n:
            return np.nan
        mean = self.sum.sum() / n
        whole = self.squares.sum() / n - mean**2
        between = np.sum(self.sum[known] ** 2 / self.count[known]) / n - mean**2
        return between / whole if whole > 0 else np.nan

    @property
    def ends(self) -> tuple[float, float]:
        """The smallest and the largest mean; NaN without values."""
        known = self.count > 0
        if not known.any():
            return np.nan, np.nan
        means = self.total[known] / self.count[known]
        return float(means.min()), float(means.max())
