"""The key of a point, and the shard it belongs to."""

import re
from collections.abc import Iterator

import numpy as np

from hhcore.base.hashing import mix64
from hhcore.experiments.experiment import Experiment

BATCH = 1 << 15  # points hashed at a time: they stay in the cache
SHARD = re.compile("all|[01]+")  # the name of a shard: the first bits of its keys


def point_keys(points: np.ndarray) -> np.ndarray:
    """128-bit hash of each row of `points`, float64 (n, q): uint64 (n, 2). Equal rows have equal keys everywhere."""
    return mix64(_terms(points, np.arange(points.shape[1])))


def grid_keys(experiment: Experiment, shard: str = "all") -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows of the grid that belong to a shard, int64 (k,), and their `point_keys`, uint64 (k, 2), a batch at a time.

    It makes no points: each value of a factor adds the same to the key of every row, and only rows of the shard get the
    second half of the key. 0.03 us per row of the grid.
    """
    e = experiment
    number = {name: i for i, name in enumerate(e.quantities)}
    fixed = [name for name in e.quantities if name not in e.swept]
    base = _terms(np.array([[e.defaults[name] for name in fixed]]), np.array([number[name] for name in fixed], int))
    parts = [_terms(factor.values, np.array([number[name] for name in factor.names])) for factor in e.factors]

    def half(which: int, along: tuple[np.ndarray, ...]) -> np.ndarray:
        return mix64(sum((part[i, which] for part, i in zip(parts, along, strict=False)), start=base[:, which]))

    for first in range(0, e.n_points, BATCH):
        rows = np.arange(first, min(first + BATCH, e.n_points))
        along = np.unravel_index(rows, e.shape or (1,))
        high = half(0, along)
        ours = in_shard(high, shard)
        yield rows[ours], np.column_stack([high[ours], half(1, tuple(i[ours] for i in along))])


def _terms(values: np.ndarray, quantities: np.ndarray) -> np.ndarray:
    """What the values, float64 (n, k), of quantities number int64 (k,) add to the keys: uint64 (n, 2)."""
    bits = (values + 0.0).view(np.uint64)  # + 0.0: -0.0 and 0.0 are one value
    own = [mix64(quantities.astype(np.uint64) + np.uint64(seed)) for seed in (0x9E3779B97F4A7C15, 0xD1B54A32D192ED03)]
    return np.column_stack([mix64(bits ^ seeds).sum(axis=1, dtype=np.uint64) for seeds in own])


def in_shard(high: np.ndarray, shard: str) -> np.ndarray:
    """Which points belong to a shard: those whose key begins with the bits of its name.

    high : uint64 (n,), first halves of keys. Returns bool (n,)
    """
    if shard == "all":
        return np.ones(len(high), dtype=bool)
    return high >> np.uint64(64 - len(shard)) == np.uint64(int(shard, 2))


def shard_points(experiment: Experiment, shard: str) -> tuple[np.ndarray, np.ndarray]:
    """The points of the grid that belong to a shard, float64 (k, q), and their keys, uint64 (k, 2), sorted by key."""
    rows, keys = (np.concatenate(parts) for parts in zip(*grid_keys(experiment, shard), strict=True))
    order = np.lexsort(keys.T[::-1])
    return experiment.points(rows[order]), keys[order]
