"""Curves of a grid: neurons that differ in one quantity alone, such as the potential of a segment."""

from math import prod

import numpy as np

from hhcore.compile.parts import HOLDING
from hhcore.experiments.analysis import RowBlock
from hhcore.experiments.experiment import Experiment
from hhcore.protocols.voltage_clamp.protocol import potential_of

Fields = dict[str, tuple[str, str]]  # unit and definition of columns


class Curves:
    """The curves along a quantity of an experiment; of one that is not swept, each neuron is a curve.

    Zipped axes vary together, so a curve goes along all of them.

    length    : neurons of a curve
    alignment : no curve crosses a multiple of this number of rows
    count     : curves in the grid
    """

    def __init__(self, experiment: Experiment, quantity: str):
        e = self.experiment = experiment
        self.quantity = quantity
        at = [i for i, factor in enumerate(e.factors) if quantity in factor.names and not factor.scattered]
        self.length = e.shape[at[0]] if at else 1
        self.inner = prod(e.shape[at[0] + 1 :]) if at else 1
        self.alignment, self.count = self.length * self.inner, e.n_points // self.length
        self.shared = e.factors[at[0]].names if at else ()

    def rows(self, values: np.ndarray) -> np.ndarray:
        """Values (n, ...) of successive neurons, from a multiple of `alignment` on, as (curves, length, ...)."""
        parts = values.reshape(-1, self.length, self.inner, *values.shape[1:])
        return np.moveaxis(parts, 2, 1).reshape(-1, self.length, *values.shape[1:])

    def first(self, rows: range) -> int:
        """The number of the first curve in rows of the grid."""
        return rows.start // self.length

    @property
    def column(self) -> str:
        """The column of the quantity."""
        return self.experiment.column(self.quantity)

    def along(self, block: RowBlock) -> np.ndarray:
        """The quantity of each neuron, float64 (n,), also if it is not swept."""
        return block.axes.get(self.column, np.full(len(block.rows), self.experiment.defaults[self.quantity]))

    def varied(self, block: RowBlock) -> dict[str, np.ndarray]:
        """What varies along curves, (curves, length) by column: the quantity, then axes that are zipped with it."""
        zipped = [self.experiment.column(name) for name in self.shared]
        own = {self.column: self.rows(self.along(block))}
        return own | {name: self.rows(block.axes[name]) for name in zipped if name != self.column}

    def others(self, block: RowBlock) -> dict[str, np.ndarray]:
        """What is swept besides, (curves,) by column."""
        shared = [self.experiment.column(name) for name in self.shared]
        return {name: self.rows(values)[:, 0] for name, values in block.axes.items() if name not in shared}

    def numbers(self, block: RowBlock) -> np.ndarray:
        """The number of each curve, in the order of the grid, int64 (curves,)."""
        first = self.first(block.rows)
        return np.arange(first, first + len(block.rows) // self.length)

    @property
    def fields(self) -> Fields:
        """Unit and definition of the columns that say which curve and which point of it a row is about."""
        e = self.experiment
        own = {"curve": ("1", "number of the curve, in the order of the grid")}
        return own | e.axis_fields | {self.column: (e.unit(self.quantity), e.description(self.quantity))}


def potential_axis(experiment: Experiment) -> str:
    """The quantity that current-voltage curves go along: the potential of the test segment if it is swept.

    Else the first swept potential of the clamp, or one that is not swept.
    """
    e = experiment
    unit = e.model.states[e.model.potential].unit
    names = [name for name in e.stimulus.fields if e.unit(name) == unit and name != HOLDING] + [HOLDING]
    test = potential_of(e.stimulus, e.protocol.test)
    wanted = [name for name in (test, *names) if name in e.swept] + [test, *names]
    return next(name for name in wanted if name in e.stimulus.fields)
