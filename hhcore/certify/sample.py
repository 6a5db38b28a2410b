"""The sample of a grid on which solvers are judged: representative neurons, and those that are hard to get right."""

import itertools
import math

import numpy as np

from hhcore.base.hashing import mix64
from hhcore.experiments.experiment import Experiment
from hhcore.experiments.relative import with_currents
from hhcore.grid.factors import Factor
from hhcore.schemes.solver import Solver
from hhcore.simulation.stiffness import EXPLICIT

CORNERS, RANDOM, EDGES, SENSITIVE = 16, 32, 32, 32  # points of a sample, at most, of each kind
LINES = 16  # through the grid, at least: the search for edges and sensitive points
LINE_POINTS = 400
SEARCHED = 2000  # points on lines, at least, if the grid has so many
SCREEN = EXPLICIT  # of a model that is not stiff


def sample(experiment: Experiment, screen: tuple[Solver, Solver] = SCREEN, threads: int = 1) -> np.ndarray:
    """Rows of the grid, sorted: its corners, random points, both sides of changes of the spike count, sensitive points.

    The order of the axes and of their values does not matter. `screen` shows where the count changes. The corners of a
    sampled design are the points with the smallest and the largest value of a quantity.
    """
    n = experiment.n_points
    if n <= CORNERS + RANDOM + EDGES + SENSITIVE:
        return np.arange(n)
    grid = _Ranked(experiment)
    random = grid.rows(grid.random(RANDOM, seed=1))
    return np.unique(np.concatenate([_outermost(grid), random, _critical(experiment, grid, screen, threads)]))


def corners(experiment: Experiment) -> np.ndarray:
    """Rows of the grid at its corners, at most CORNERS of them."""
    return _outermost(_Ranked(experiment))


def _outermost(grid: "_Ranked") -> np.ndarray:
    ends = itertools.product(*grid.ends)
    return np.unique(grid.rows(np.array(list(itertools.islice(ends, CORNERS))).T))


class _Ranked:
    """The grid with its factors in the order of their names, each sorted by the values of its first quantity.

    regular : the factors that are axes, along which neighbours lie side by side
    ends    : ranks of the outermost values of each factor
    """

    def __init__(self, experiment: Experiment):
        factors = experiment.factors
        self.order = sorted(range(len(factors)), key=lambda i: factors[i].names[0])
        self.sorted = [np.argsort(factors[i].values[:, 0], kind="stable") for i in self.order]
        self.shape = tuple(len(indices) for indices in self.sorted)
        self.own_shape = experiment.shape
        self.regular = [rank for rank, i in enumerate(self.order) if not factors[i].scattered]
        self.ends = [self._ends(rank, factors[i]) for rank, i in enumerate(self.order)]

    def _ends(self, rank: int, factor: Factor) -> list[int]:
        if not factor.scattered:
            return [0, self.shape[rank] - 1]
        values = factor.values[self.sorted[rank]]
        return list(dict.fromkeys(np.column_stack([values.argmin(axis=0), values.argmax(axis=0)]).ravel().tolist()))

    def rows(self, ranks: np.ndarray) -> np.ndarray:
        """Rows of the grid, int64 (k,), from the ranks of their values along each factor, (factors, k)."""
        own = [np.zeros(0, dtype=np.int64)] * len(self.order)
        for i, indices, rank in zip(self.order, self.sorted, ranks, strict=True):
            own[i] = indices[rank]
        return np.ravel_multi_index(own, self.own_shape)

    def random(self, count: int, seed: int) -> np.ndarray:
        """Ranks of random points, (factors, count)."""
        numbers = mix64(np.arange(count, dtype=np.uint64) + np.uint64(seed << 32))
        flat = (numbers % np.uint64(math.prod(self.shape))).astype(np.int64)
        return np.array(np.unravel_index(flat, self.shape))


def _critical(experiment: Experiment, grid: _Ranked, screen: tuple[Solver, Solver], threads: int) -> np.ndarray:
    """Both sides of changes of the spike count, and the points that differ most between a coarse and a fine run."""
    rows = _lines(grid)
    points = experiment.points(rows.ravel())
    currents = with_currents(experiment, points, threads)
    coarse, fine = (experiment.protocol.measure(experiment, solver, currents, threads=threads) for solver in screen)
    moved = experiment.protocol.errors(coarse, fine, experiment)
    moved[coarse.failed & ~fine.failed] = np.inf
    sensitive = np.argsort(-np.nan_to_num(moved, posinf=np.inf), kind="stable")[:SENSITIVE]
    if experiment.sample is None:
        index = np.arange(rows.size).reshape(rows.shape)
        pairs = np.column_stack([index[:, :-1].ravel(), index[:, 1:].ravel()])
    else:
        pairs = _nearest(points[:, [experiment.quantities.index(name) for name in sorted(experiment.swept)]])
    counts = experiment.protocol.outcome(fine)
    differ = pairs[counts[pairs[:, 0]] != counts[pairs[:, 1]]]
    if experiment.sample is None:  # spread over all lines; of a sampled design, the closest pairs
        differ = differ[np.unique(np.linspace(0, len(differ) - 1, min(len(differ), EDGES // 2)).round().astype(int))]
    return rows.ravel()[np.concatenate([differ[: EDGES // 2].ravel(), sensitive])]


def _lines(grid: _Ranked) -> np.ndarray:
    """Rows of the grid on lines through random points, along the longest axis, int64 (lines, points).

    With a sampled design, as many lines as make LINES times LINE_POINTS rows; without an axis, single points.
    """
    if not grid.regular:
        return np.unique(grid.rows(grid.random(LINES * LINE_POINTS, seed=2)))[:, None]
    longest = max(grid.regular, key=lambda i: grid.shape[i])
    length = grid.shape[longest]
    along = np.unique(np.linspace(0, length - 1, min(length, LINE_POINTS)).round().astype(np.int64))
    is_sampled = len(grid.regular) < len(grid.shape)
    count = LINES * LINE_POINTS // len(along) if is_sampled else max(LINES, SEARCHED // len(along))
    lines = np.repeat(grid.random(count, seed=2)[:, :, None], len(along), axis=2)
    lines[longest] = along
    return np.unique(grid.rows(lines.reshape(len(grid.shape), -1)).reshape(count, -1), axis=0)


def _nearest(points: np.ndarray) -> np.ndarray:
    """Pairs of each point, float64 (n, d), and its nearest neighbour, closest pairs first: int64 (k, 2), k <= n."""
    from scipy.spatial import cKDTree  # here, since most configs have no sample

    spans = np.ptp(points, axis=0)
    scaled = points / np.where(spans > 0, spans, 1.0)
    distance, neighbour = cKDTree(scaled).query(scaled, k=2)
    own = np.arange(len(points))
    other = np.where(neighbour[:, 0] == own, neighbour[:, 1], neighbour[:, 0])
    twice = (other[other] == own) & (other < own)
    order = np.argsort(distance[:, 1], kind="stable")
    return np.column_stack([own, other])[order[~twice[order]]]
