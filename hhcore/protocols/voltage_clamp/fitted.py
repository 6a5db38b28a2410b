"""What activation, inactivation and recovery have in common: curves of the grid, and a function fitted to each."""

from collections.abc import Iterable, Mapping
from typing import ClassVar

import numpy as np
import pyarrow as pa

from hhcore.base import tables
from hhcore.experiments.analysis import Analysis, FigureFile, RowBlock, Rows, TableFile
from hhcore.experiments.answers import Answer, Results
from hhcore.experiments.experiment import Experiment
from hhcore.protocols.voltage_clamp.curves import FIT_S, Curves, Fields
from hhcore.protocols.voltage_clamp.fits import (
    FITTED,
    Boltzmann,
    Exponentials,
)
from hhcore.protocols.voltage_clamp.protocol import VoltageClamp
from hhcore.protocols.voltage_clamp.recorded import Recorded


class Fitted(Analysis):
    """NAME.parquet, a row for each point of each curve; NAME_fits.parquet, a row for each curve; a figure.

    The contract of its kinds: `points` makes the columns of the points, of which the last one is fitted by `fit`.
    """

    order = 30
    source = "neurons"
    title: ClassVar[str]
    fits: ClassVar[Fields]
    fitted: ClassVar[str]  # the column to which the function is fitted
    from_zero: ClassVar[bool] = True  # whether its axis in figures begins at 0

    def __init__(self, experiment: Experiment):
        super().__init__(experiment)
        self.protocol: VoltageClamp = experiment.protocol
        self.curves = Curves(experiment, self.quantity)

    @classmethod
    def applies(cls, experiment: Experiment) -> bool:
        return isinstance(experiment.protocol, VoltageClamp) and bool(cls.segments(experiment.protocol))

    @staticmethod
    def segments(protocol: VoltageClamp) -> tuple[str, ...]:
        """The segments that the config names for it, () without it."""
        raise NotImplementedError

    @property
    def quantity(self) -> str:
        """What curves go along."""
        raise NotImplementedError

    @property
    def tables(self) -> tuple[TableFile, ...]:
        e, name = self.experiment, self.name
        return (
            TableFile(name, e.n_points, self.title, self.caption(f"{name}_table")),
            TableFile(f"{name}_fits", self.curves.count, f"{self.title}, fits", self.caption(f"{name}_fits")),
        )

    @property
    def figures(self) -> tuple[FigureFile, ...]:
        return (FigureFile(self.name, self.title, self.caption(self.name)),)

    @property
    def drawn(self) -> dict[str, Rows]:
        return {self.name: "grid", f"{self.name}_fits": "grid"}

    @property
    def alignment(self) -> int:
        return self.curves.alignment

    @property
    def block_s(self) -> float:
        return FIT_S * self.curves.count

    def block(self, block: RowBlock) -> dict[str, pa.Table]:
        curves, protocol = self.curves, self.protocol
        recorded = protocol.recorded(block.result)
        x = curves.rows(curves.along(block))
        points = self.points(recorded, x)
        fits = [self.fit(*point) for point in zip(x, points[self.fitted], strict=True)]
        points["fitted"] = np.array([self.curve(fit, at) for fit, at in zip(fits, x, strict=True)])
        order = np.argsort(x, axis=1, kind="stable")
        numbers, others = curves.numbers(block), curves.others(block)
        each = {name: np.repeat(values, curves.length) for name, values in {"curve": numbers, **others}.items()}
        sorted_points = {
            name: np.take_along_axis(values, order, axis=1).ravel()
            for name, values in {**curves.varied(block), **points}.items()
        }
        own = {name: np.array([row[name] for row in map(self.numbers, fits)]) for name in self.fits}
        own |= self.of_curves(points)
        return {
            self.name: tables.table(each | sorted_points, curves.fields | self.fields),
            f"{self.name}_fits": tables.table({"curve": numbers, **others, **own}, curves.fields | self.fit_fields),
        }

    def points(self, recorded: Recorded, x: np.ndarray) -> dict[str, np.ndarray]:
        """Columns of the points, float64 (curves, length) each; x: where on the curve each lies."""
        raise NotImplementedError

    @property
    def fields(self) -> Fields:
        """Unit and definition of the columns of the points."""
        raise NotImplementedError

    def of_curves(self, points: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Columns of the fits that come from the points, (curves,) each."""
        return {}

    @property
    def fit_fields(self) -> Fields:
        """Unit and definition of the columns of the fits."""
        return self.fits

    def fit(self, x: np.ndarray, y: np.ndarray) -> Boltzmann | Exponentials:
        """The function of one curve, float64 (length,) each."""
        raise NotImplementedError

    def curve(self, fit: Boltzmann | Exponentials, x: np.ndarray) -> np.ndarray:
        """The fitted function, NaN without a fit."""
        return fit(x) if fit.status == FITTED else np.full(len(x), np.nan)

    def numbers(self, fit: Boltzmann | Exponentials) -> dict[str, object]:
        """The columns of a fit."""
        raise NotImplementedError

    def function(self, fit: Mapping[str, float], x: np.ndarray) -> np.ndarray:
        """The fitted function at x, float64 (k,) as on the axis, from the columns of a fit."""
        raise NotImplementedError

    @property
    def label(self) -> str:
        """What figures write beside the fitted column."""
        raise NotImplementedError

    def words(self, fit: Mapping[str, object]) -> str:
        """The columns of a fit in a line of a figure."""
        raise NotImplementedError

    def answers(self, results: Results) -> Iterable[Answer]:
        """What is fitted: in full for one curve, or over several from least to most."""
        from hhcore.protocols.voltage_clamp.answers import fits

        return fits(self, results)

    def draw(self, tables: Mapping[str, object], context: object) -> dict[str, object]:
        from hhcore.protocols.voltage_clamp import figures

        return {self.name: figures.fitted_curves(tables[self.name], tables[f"{self.name}_fits"], context, self)}
