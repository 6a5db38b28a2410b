"""The factors of a grid: a sampled design, axes, or zipped axes; checks of its size and of its values."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hhcore.base.errors import UserError
from hhcore.grid.axes import Axis, AxisSpec
from hhcore.grid.designs import Sample, SampleSpec
from hhcore.simulation.stimuli.stimulus import Stimulus

MAX_POINTS = 10**9
MAX_AXES = 16


@dataclass(frozen=True, eq=False)
class Factor:
    """Quantities that vary together; the grid combines every row of each factor with every row of the others.

    names     : k quantities
    values    : float64 (m, k), a row for each point
    scattered : whether the rows are a sampled design, where successive rows are not neighbours
    """

    names: tuple[str, ...]
    values: np.ndarray
    scattered: bool = False


def factors(sample: Sample | None, axes: tuple[Axis, ...], combine: str, fastest: str) -> tuple[Factor, ...]:
    """The sample, if any, then a factor for each axis, or one for all zipped axes.

    fastest : the axis that comes last, so that a curve along it, such as an F-I curve, has successive rows in tables
    """
    axes = tuple(sorted(axes, key=lambda axis: axis.name == fastest))
    groups = [axes] if combine == "zip" and axes else [(axis,) for axis in axes]
    swept = [Factor(tuple(a.name for a in group), np.column_stack([a.values for a in group])) for group in groups]
    return tuple([Factor(sample.names, sample.points, True), *swept] if sample else swept)


def check_size(design: SampleSpec | None, specs: list[AxisSpec], combine: str, where: str) -> None:
    """Raise UserError for a grid of too many axes or points, or zipped axes of different lengths."""
    lengths = ", ".join(f"{spec.name} {spec.length}" for spec in specs)
    if len(specs) > MAX_AXES:
        raise UserError(f"{where}: {len(specs)} axes are given, at most {MAX_AXES} are legal; their lengths: {lengths}")
    if combine == "zip" and len({spec.length for spec in specs}) > 1:
        raise UserError(
            f"{where}.combine: zipped axes must be equally long, given {lengths}; make them so, or use combine: product"
        )
    sizes = [spec.length for spec in specs]
    n_points = math.prod(sizes[:1] if combine == "zip" else sizes) * (design.length if design else 1)
    if n_points > MAX_POINTS:
        lengths = ", ".join(filter(None, [f"sample {design.length}" if design else "", lengths]))
        raise UserError(
            f"{where}: the grid has {n_points:.6g} points ({lengths}), at most {MAX_POINTS:.0e} are legal; "
            f"shorten an axis, or use combine: zip"
        )


def check_values(
    stimulus: type[Stimulus],
    fixed: Mapping[str, float],
    factors: tuple[Factor, ...],
    duration: float,
    where: str,
) -> None:
    """Raise UserError unless the stimulus of every neuron is legal.

    fixed : a value for every field; factors override it

    Of a field that varies alone, only the smallest and the largest value are checked, and whether all that should be
    whole numbers are.
    """
    columns = {name: np.atleast_1d(fixed[name]) for name in stimulus.fields}
    for factor in factors:
        names = [name for name in factor.names if name in stimulus.fields]
        rows = factor.values[:, [factor.names.index(name) for name in names]]
        if len(names) == 1:
            broken = rows[rows != np.floor(rows)][:1] if stimulus.fields[names[0]].whole else []
            rows = np.unique([rows.min(), rows.max(), *broken])[:, None]
        if names:
            n = len(next(iter(columns.values())))
            columns = {name: np.repeat(column, len(rows)) for name, column in columns.items()}
            columns |= {name: np.tile(rows[:, i], n) for i, name in enumerate(names)}
    stimulus.check(columns, duration, where)
