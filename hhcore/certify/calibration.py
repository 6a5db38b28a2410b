"""Measure how accurate solvers are on an experiment's own grid, and choose the cheapest that meets a tolerance.

The candidates simulate a sample of the grid with ever finer settings, and so does a much tighter reference. Costs are
counted operations, not seconds, so that every machine makes the same choice. An independent program (SciPy, straight
from the model's equations) checks the reference.
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hhcore.base.errors import UserError
from hhcore.base.hashing import mix64
from hhcore.certify.stability import check_step
from hhcore.compile.cost import cost
from hhcore.experiments.experiment import Experiment
from hhcore.grid.factors import Factor
from hhcore.schemes.solver import SCHEMES, Solver
from hhcore.simulation.result import Result

CORNERS, RANDOM, EDGES, SENSITIVE = 16, 32, 32, 32  # points of a sample, at most, of each kind
LINES = 16  # through the grid: the search for edges and sensitive points
LINE_POINTS = 400
STIFF = 1.5  # a model is stiff if a hundredth of the local error takes an explicit scheme less than 1.5 times the steps
UNJUDGED = 6  # rung of a ladder if no neuron of the sample has an error: a local error of 1e-6
WORTHLESS = 2.0  # a scheme this many times as expensive as a solver that meets the tolerance is not refined further

LADDERS = {
    "tsit5": [10.0 ** (-k / 2) for k in range(6, 23)],
    "dop853": [10.0 ** (-k / 2) for k in range(6, 23)],
    "rodas5p": [10.0 ** (-k / 2) for k in range(6, 23)],
    "rk4": [0.1 * 2.0**-k for k in range(10)],  # ms
}


@dataclass(frozen=True)
class Candidates:
    """The solvers that suit a model.

    methods   : schemes to choose from, cheapest first
    screen    : a coarse and a fine solver that show where spike counts change
    reference : the solver of the reference
    check     : SciPy's method and tolerance
    """

    methods: tuple[str, ...]
    screen: tuple[Solver, Solver]
    reference: Solver
    check: tuple[str, float]


SMOOTH = Candidates(
    ("tsit5", "dop853"), (Solver("tsit5", 1e-4), Solver("tsit5", 1e-6)), Solver("dop853", 1e-12), ("DOP853", 1e-12)
)
TOUGH = Candidates(
    ("rodas5p", "tsit5"), (Solver("rodas5p", 1e-4), Solver("rodas5p", 1e-6)), Solver("rodas5p", 1e-11), ("LSODA", 1e-11)
)


@dataclass(frozen=True)
class Trial:
    """One solver on the sample of k neurons.

    cost    : weighted operations per neuron and ms, the mean over the sample
    error   : float64 (k,), largest error, as `Protocol.errors` defines it
    outcome : int64 (k,), the number that must not depend on the solver, such as the spike count
    differs : bool (k,), whether the outcome is not that of the reference
    failed  : bool (k,), whether the neuron failed although that of the reference did not
    """

    solver: Solver
    cost: float
    error: np.ndarray
    outcome: np.ndarray
    differs: np.ndarray
    failed: np.ndarray

    @property
    def worst(self) -> float:
        """Largest error in the sample: 0 if no neuron has one, infinite if one fails."""
        return np.inf if self.failed.any() else float(np.nanmax(self.error, initial=0.0))

    @property
    def median(self) -> float:
        """Median error of the neurons that have one, NaN if none does."""
        known = self.error[~np.isnan(self.error)]
        return float(np.median(known)) if known.size else np.nan


@dataclass(frozen=True)
class Evidence:
    """The evidence for a choice of solver.

    neurons   : int64 (k,), the sample: rows of the grid
    trials    : all trials, in their order
    trial     : that of the chosen solver
    exact     : the solver of the reference
    reference : the outcome of each neuron of the sample by the reference, int64 (k,)
    checked   : rows of the grid that an independent program simulated too
    agreement : largest difference between it and the reference, in the unit of `Protocol.errors`
    """

    neurons: np.ndarray
    trials: list[Trial]
    trial: Trial
    exact: Solver
    reference: np.ndarray
    checked: list[int]
    agreement: float

    @property
    def chosen(self) -> Solver:
        """The chosen solver."""
        return self.trial.solver

    @property
    def fragile(self) -> np.ndarray:
        """bool (k,): the outcome of the chosen solver, or of a finer setting of its scheme, is not the reference's."""
        same = [t for t in self.trials if t.solver.method == self.chosen.method]
        finer = [t for t in same if t.solver.accuracy <= self.chosen.accuracy]
        return np.any([t.differs for t in finer], axis=0)


def calibrate(experiment: Experiment, *, threads: int = 1, progress: Callable[[int, int], None]) -> Evidence:
    """Try solvers on a sample of the grid and choose: that of the config, or the cheapest that meets the tolerance.

    Raises UserError if no candidate meets it, or if the config's fixed step is too long for the model.
    """
    e = experiment
    candidates = TOUGH if is_stiff(e, threads) else SMOOTH
    neurons = sample(e, candidates.screen, threads)
    points = e.points(neurons)
    exact = e.protocol.measure(e, candidates.reference, points, threads=threads)
    trials: list[Trial] = []

    def attempt(solver: Solver) -> Trial:
        trial = _trial(e, solver, e.protocol.measure(e, solver, points, threads=threads), exact)
        trials.append(trial)
        progress(len(trials), len(trials) + 1)
        return trial

    methods = e.methods if len(e.methods) == 1 else candidates.methods
    if e.solver is not None:
        check_step(e, points)
        chosen = attempt(e.solver)
        attempt(e.solver.finer)
    elif not e.protocol.outcome(exact).any():
        chosen = attempt(Solver(methods[0], LADDERS[methods[0]][UNJUDGED]))
    else:
        chosen = _cheapest(e, methods, attempt)
    checked, agreement = _check(e, neurons, points, exact, chosen, candidates.check)
    return Evidence(neurons, trials, chosen, candidates.reference, e.protocol.outcome(exact), checked, agreement)


def is_stiff(experiment: Experiment, threads: int = 1) -> bool:
    """Whether stability, not accuracy, limits the steps of an explicit scheme at the corners of the grid."""
    corners = experiment.points(_corners(_Ranked(experiment)))
    coarse, fine = (
        experiment.protocol.measure(experiment, s, corners, threads=threads).steps.sum() for s in SMOOTH.screen
    )
    return bool(fine < STIFF * coarse)


def _cheapest(e: Experiment, methods: tuple[str, ...], attempt: Callable[[Solver], Trial]) -> Trial:
    """Refine each scheme until two settings in a row meet the tolerance, or until it costs too much."""
    best: Trial | None = None
    accuracy = e.protocol.accuracy
    scale = accuracy.scale(e.model)
    for method in methods:
        unit = 1.0 if SCHEMES[method].adaptive else 1.0 / e.model.ms
        previous = None
        for setting in LADDERS[method]:
            trial = attempt(Solver(method, setting * unit))
            if best is not None and trial.cost > WORTHLESS * best.cost:
                break
            if trial.worst * scale <= e.tolerance:
                if previous is not None:
                    best = previous if best is None or previous.cost < best.cost else best
                    break
                previous = trial
            else:
                previous = None
    if best is None:
        raise UserError(
            f"experiments.{e.name}.solver.tolerance: no solver keeps each {accuracy.label.lower()} of the sample below "
            f"{e.tolerance * accuracy.factor:g} {accuracy.unit}; ask for less, or give a method and its accuracy"
        )
    return best


def sample(experiment: Experiment, screen: tuple[Solver, Solver] = SMOOTH.screen, threads: int = 1) -> np.ndarray:
    """Rows of the grid, sorted: its corners, random points, both sides of changes of the spike count, sensitive points.

    The order of the axes and of their values does not matter. `screen` shows where the count changes. The corners of a
    sampled design are the points with the smallest and the largest value of a quantity.
    """
    n = experiment.n_points
    if n <= CORNERS + RANDOM + EDGES + SENSITIVE:
        return np.arange(n)
    grid = _Ranked(experiment)
    random = grid.rows(grid.random(RANDOM, seed=1))
    return np.unique(np.concatenate([_corners(grid), random, _critical(experiment, grid, screen, threads)]))


def _corners(grid: "_Ranked") -> np.ndarray:
    """Rows of the grid at its corners, at most CORNERS of them."""
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
    coarse, fine = (experiment.protocol.measure(experiment, solver, points, threads=threads) for solver in screen)
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
    count = LINES * LINE_POINTS // len(along) if is_sampled else LINES
    lines = np.repeat(grid.random(count, seed=2)[:, :, None], len(along), axis=2)
    lines[longest] = along
    rows = grid.rows(lines.reshape(len(grid.shape), -1)).reshape(count, -1)
    return np.unique(rows, axis=0) if is_sampled else rows


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


def _trial(e: Experiment, solver: Solver, run: Result, exact: Result) -> Trial:
    outcome = e.protocol.outcome(run)
    per_step = cost(e.engine(solver.method).kernel.path.read_text(encoding="utf-8"))
    simulated = np.maximum(run.ended, 1e-300).sum() * e.model.ms
    return Trial(
        solver=solver,
        cost=float(per_step * run.steps.sum() / simulated),
        error=e.protocol.errors(run, exact, e),
        outcome=outcome,
        differs=outcome != e.protocol.outcome(exact),
        failed=run.failed & ~exact.failed,
    )


def _check(
    e: Experiment, neurons: np.ndarray, points: np.ndarray, exact: Result, trial: Trial, scipy: tuple[str, float]
) -> tuple[list[int], float]:
    """(rows, largest difference) of the neurons that SciPy simulates too: the worst, and the one of median error."""
    order = np.argsort(np.where(np.isnan(trial.error), -1.0, trial.error))
    known = order[~np.isnan(trial.error[order]) & ~exact.failed[order]]
    differences: dict[int, float] = {}
    for i in sorted({int(known[-1]), int(known[len(known) // 2])}) if len(known) else []:
        difference = e.protocol.check(e, points[i], exact, i, scipy)
        if difference is not None:
            differences[int(neurons[i])] = difference
    return list(differences), max(differences.values(), default=0.0)
