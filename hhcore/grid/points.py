"""The points of a grid: a value for every quantity, row by row."""

from collections.abc import Mapping
from math import prod

import numpy as np

from hhcore.grid.factors import Factor


def grid_points(defaults: Mapping[str, float], factors: tuple[Factor, ...], index: np.ndarray) -> np.ndarray:
    """Rows of the grid by their flat index; the last factor varies fastest.

    defaults : a value for every quantity; factors override it
    index    : int64 (k,), each in [0, number of points)
    Returns float64 (k, len(defaults)); no other rows are ever in memory.
    Raises IndexError for an index outside the grid.
    """
    n_points = prod(len(factor.values) for factor in factors)
    if index.size and not 0 <= index.min() <= index.max() < n_points:
        raise IndexError(f"indices {index.min()} to {index.max()} are not all in a grid of {n_points} points")
    rows, columns = np.tile(np.array(list(defaults.values())), (index.size, 1)), list(defaults)
    for name, values in grid_coordinates(factors, index).items():
        rows[:, columns.index(name)] = values
    return rows


def grid_coordinates(factors: tuple[Factor, ...], index: np.ndarray) -> dict[str, np.ndarray]:
    """The value of each quantity that a factor sets, float64 (k,) by name, for flat indices int64 (k,)."""
    shape = tuple(len(factor.values) for factor in factors)
    along = np.unravel_index(index, shape or (1,))
    return {
        name: factor.values[i, k]
        for factor, i in zip(factors, along, strict=False)  # without factors, `along` has one dummy
        for k, name in enumerate(factor.names)
    }
