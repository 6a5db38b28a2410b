"""How accurate a solver is on an experiment's own grid, and the cheapest one that meets a tolerance.

A sample of the grid is simulated by the candidate solvers, ever finer, and by a much tighter reference. Costs are
counted operations, not seconds, so that every machine chooses the same. A second, independent program (SciPy, straight
from the model's equations) checks the reference.
"""

import itertools
import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from hhcore.base.errors import UserError
from hhcore.base.hashing import mix64
from hhcore.certify.stability import check_step
from hhcore.compile.cost import cost
from hhcore.config.experiment import Experiment, Factor
from hhcore.schemes.solver import SCHEMES, Solver
from hhcore.simulation.engine import engine
from hhcore.simulation.result import DIVERGED, Result
from hhcore.simulation.spike_errors import spike_time_errors
from hhcore.sweep.store import estimated_errors, run_points

CORNERS, RANDOM, EDGES, SENSITIVE = 16, 32, 32, 32  # points of a sample: up to so many of each kind
LINES = 16  # through the grid, on which those of the last two kinds are looked for
LINE_POINTS = 400
STIFF = 1.5  # a model is stiff if a hundredfold smaller local error of an explicit scheme takes less than so many steps
CHECKED_MS = 300.0
UNJUDGED = 6  # where in a ladder to stand if no neuron of the sample fires: a local error of 1e-6
WORTHLESS = 2.0  # a solver this many times as expensive as one that meets the tolerance is not refined further

LADDERS = {
    "tsit5": [10.0 ** (-k / 2) for k in range(6, 23)],
    "dop853": [10.0 ** (-k / 2) for k in range(6, 23)],
    "rodas5p": [10.0 ** (-k / 2) for k in range(6, 23)],
    "rk4": [0.1 * 2.0**-k for k in range(10)],  # ms
}


@dataclass(frozen=True)
class Plan:
    """What suits a model: schemes to choose from, cheapest first, and how the reference is computed.

    screen    : a coarse and a fine solver that tell where spike counts change
    check     : SciPy's method and tolerance
    """

    methods: tuple[str, ...]
    screen: tuple[Solver, Solver]
    reference: Solver
    check: tuple[str, float]


SMOOTH = Plan(
    ("tsit5", "dop853"), (Solver("tsit5", 1e-4), Solver("tsit5", 1e-6)), Solver("dop853", 1e-12), ("DOP853", 1e-12)
)
TOUGH = Plan(
    ("rodas5p", "tsit5"), (Solver("rodas5p", 1e-4), Solver("rodas5p", 1e-6)), Solver("rodas5p", 1e-11), ("LSODA", 1e-11)
)


@dataclass(frozen=True)
class Trial:
    """One solver on the sample of k neurons.

    cost            : weighted operations of a neuron in 1 ms, the mean over the sample
    error           : float64 (k,), largest error of a spike time [ms], see hhcore.sweep.store.estimated_errors
    count           : int64 (k,), spikes
    differs         : bool (k,), whether the number of spikes is not that of the reference
    failed          : bool (k,), whether the neuron failed though that of the reference did not
    """

    solver: Solver
    cost: float
    error: np.ndarray
    count: np.ndarray
    differs: np.ndarray
    failed: np.ndarray

    @property
    def worst(self) -> float:
        """Largest error in the sample [ms]: 0 if no neuron fires, infinite if one fails."""
        return np.inf if self.failed.any() else float(np.nanmax(self.error, initial=0.0))

    @property
    def median(self) -> float:
        """Median over the neurons that fire [ms], NaN if none does."""
        fired = self.error[~np.isnan(self.error)]
        return float(np.median(fired)) if fired.size else np.nan


@dataclass(frozen=True)
class Evidence:
    """What a choice of solver rests on.

    neurons   : int64 (k,), the sample: rows of the grid
    trials    : what was tried, in the order of trying
    trial     : that of the solver taken
    exact     : the solver of the reference
    reference : spikes of each neuron of the sample by the reference, int64 (k,)
    checked   : rows of the grid that SciPy simulated too, as far as it could
    agreement : largest difference between the reference and SciPy [ms]
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
        """The solver taken."""
        return self.trial.solver

    @property
    def fragile(self) -> np.ndarray:
        """bool (k,): the number of spikes is not that of the reference, or changes as the chosen scheme gets finer."""
        same = [t for t in self.trials if t.solver.method == self.chosen.method]
        finer = [t for t in same if t.solver.accuracy <= self.chosen.accuracy]
        return np.any([t.differs for t in finer], axis=0)


def calibrate(experiment: Experiment, *, threads: int = 1, progress: Callable[[int, int], None]) -> Evidence:
    """Try solvers on a sample of the grid and choose: the one given, or the cheapest that meets the tolerance.

    Raises UserError if no candidate meets it, or if a given fixed step is too long for the model.
    """
    e = experiment
    plan = TOUGH if is_stiff(e, threads) else SMOOTH
    neurons = sample(e, plan.screen, threads)
    points = e.points(neurons)
    exact = run_points(e, plan.reference, points, threads=threads)
    trials: list[Trial] = []

    def attempt(solver: Solver) -> Trial:
        trial = _trial(e, solver, run_points(e, solver, points, threads=threads), exact)
        trials.append(trial)
        progress(len(trials), len(trials) + 1)
        return trial

    methods = e.methods if len(e.methods) == 1 else plan.methods
    if e.solver is not None:
        check_step(e, points)
        chosen = attempt(e.solver)
        attempt(e.solver.finer)
    elif not exact.spike_times.size:
        chosen = attempt(Solver(methods[0], LADDERS[methods[0]][UNJUDGED]))
    else:
        chosen = _cheapest(e, methods, attempt)
    checked, agreement = _check(e, neurons, points, exact, chosen, plan.check)
    return Evidence(neurons, trials, chosen, plan.reference, np.diff(exact.offsets), checked, agreement)


def is_stiff(experiment: Experiment, threads: int = 1) -> bool:
    """Whether stability, not accuracy, sets the steps of an explicit scheme, at the corners of the grid."""
    corners = experiment.points(_corners(_Ranked(experiment)))
    coarse, fine = (run_points(experiment, s, corners, threads=threads).steps.sum() for s in SMOOTH.screen)
    return bool(fine < STIFF * coarse)


def _cheapest(e: Experiment, methods: tuple[str, ...], attempt: Callable[[Solver], Trial]) -> Trial:
    """Each scheme gets finer until two settings in a row meet the tolerance, or until it costs too much."""
    best: Trial | None = None
    ms = e.model.ms
    for method in methods:
        scale = 1.0 if SCHEMES[method].adaptive else 1.0 / ms
        previous = None
        for accuracy in LADDERS[method]:
            trial = attempt(Solver(method, accuracy * scale))
            if best is not None and trial.cost > WORTHLESS * best.cost:
                break
            if trial.worst * ms <= e.tolerance:
                if previous is not None:
                    best = previous if best is None or previous.cost < best.cost else best
                    break
                previous = trial
            else:
                previous = None
    if best is None:
        raise UserError(
            f"experiments.{e.name}.solver.tolerance: no solver keeps all spikes of the sample within "
            f"{e.tolerance * 1000:g} us; ask for less, or give a method and its accuracy"
        )
    return best


def sample(experiment: Experiment, screen: tuple[Solver, Solver] = SMOOTH.screen, threads: int = 1) -> np.ndarray:
    """Rows of the grid, sorted: its corners, random points, neighbours of changes of the spike count, sensitive points.

    The same points whatever the order of the axes and of their values. `screen` tells where the count changes. The
    corners of a sampled design are the points with the least and the largest value of a quantity.
    """
    n = experiment.n_points
    if n <= CORNERS + RANDOM + EDGES + SENSITIVE:
        return np.arange(n)
    grid = _Ranked(experiment)
    random = grid.rows(grid.random(RANDOM, seed=1))
    return np.unique(np.concatenate([_corners(grid), random, _telling(experiment, grid, screen, threads)]))


def _corners(grid: "_Ranked") -> np.ndarray:
    """Rows of the grid at its corners, the first of them if there are many."""
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
        self.shape = tuple(len(places) for places in self.sorted)
        self.own_shape = experiment.shape
        self.regular = [rank for rank, i in enumerate(self.order) if not factors[i].scattered]
        self.ends = [self._ends(rank, factors[i]) for rank, i in enumerate(self.order)]

    def _ends(self, rank: int, factor: Factor) -> list[int]:
        if not factor.scattered:
            return [0, self.shape[rank] - 1]
        values = factor.values[self.sorted[rank]]
        return list(dict.fromkeys(np.column_stack([values.argmin(axis=0), values.argmax(axis=0)]).ravel().tolist()))

    def rows(self, ranks: np.ndarray) -> np.ndarray:
        """Rows of the grid, int64 (k,), of the ranks of their values along each axis, (axes, k)."""
        own = [np.zeros(0, dtype=np.int64)] * len(self.order)
        for i, places, rank in zip(self.order, self.sorted, ranks, strict=True):
            own[i] = places[rank]
        return np.ravel_multi_index(own, self.own_shape)

    def random(self, count: int, seed: int) -> np.ndarray:
        """Ranks of random points, (axes, count)."""
        numbers = mix64(np.arange(count, dtype=np.uint64) + np.uint64(seed << 32))
        flat = (numbers % np.uint64(math.prod(self.shape))).astype(np.int64)
        return np.array(np.unravel_index(flat, self.shape))


def _telling(experiment: Experiment, grid: _Ranked, screen: tuple[Solver, Solver], threads: int) -> np.ndarray:
    """Both sides of changes of the spike count, and the points that differ most between a coarse and a fine run."""
    rows = _lines(grid)
    points = experiment.points(rows.ravel())
    coarse, fine = (run_points(experiment, solver, points, threads=threads) for solver in screen)
    moved = estimated_errors(coarse, fine, experiment)
    moved[(coarse.status >= DIVERGED) & (fine.status < DIVERGED)] = np.inf
    sensitive = np.argsort(-np.nan_to_num(moved, posinf=np.inf), kind="stable")[:SENSITIVE]
    if experiment.sample is None:
        place = np.arange(rows.size).reshape(rows.shape)
        pairs = np.column_stack([place[:, :-1].ravel(), place[:, 1:].ravel()])
    else:
        pairs = _nearest(points[:, [experiment.quantities.index(name) for name in sorted(experiment.swept)]])
    counts = np.diff(fine.offsets)
    differ = pairs[counts[pairs[:, 0]] != counts[pairs[:, 1]]]
    if experiment.sample is None:  # from all lines; of a sampled design, the closest
        differ = differ[np.unique(np.linspace(0, len(differ) - 1, min(len(differ), EDGES // 2)).round().astype(int))]
    return rows.ravel()[np.concatenate([differ[: EDGES // 2].ravel(), sensitive])]


def _lines(grid: _Ranked) -> np.ndarray:
    """Rows of the grid on lines through random points in the direction of most values, int64 (lines, places).

    Where there is a sampled design, so many lines as make LINES times LINE_POINTS rows; without an axis, lone points.
    """
    if not grid.regular:
        return np.unique(grid.rows(grid.random(LINES * LINE_POINTS, seed=2)))[:, None]
    longest = max(grid.regular, key=lambda i: grid.shape[i])
    length = grid.shape[longest]
    places = np.unique(np.linspace(0, length - 1, min(length, LINE_POINTS)).round().astype(np.int64))
    is_sampled = len(grid.regular) < len(grid.shape)
    count = LINES * LINE_POINTS // len(places) if is_sampled else LINES
    lines = np.repeat(grid.random(count, seed=2)[:, :, None], len(places), axis=2)
    lines[longest] = places
    rows = grid.rows(lines.reshape(len(grid.shape), -1)).reshape(count, -1)
    return np.unique(rows, axis=0) if is_sampled else rows


def _nearest(points: np.ndarray) -> np.ndarray:
    """Each of the points, float64 (n, d), with the one nearest to it, the closest pairs first: int64 (k, 2), k <= n."""
    from scipy.spatial import cKDTree  # here, since most configs have grids

    spans = np.ptp(points, axis=0)
    near = points / np.where(spans > 0, spans, 1.0)
    distance, neighbour = cKDTree(near).query(near, k=2)
    own = np.arange(len(points))
    other = np.where(neighbour[:, 0] == own, neighbour[:, 1], neighbour[:, 0])
    twice = (other[other] == own) & (other < own)
    order = np.argsort(distance[:, 1], kind="stable")
    return np.column_stack([own, other])[order[~twice[order]]]


def _trial(e: Experiment, solver: Solver, run: Result, exact: Result) -> Trial:
    count, expected = np.diff(run.offsets), np.diff(exact.offsets)
    per_step = cost(engine(e.model, solver.method, e.stimulus).kernel.path.read_text(encoding="utf-8"))
    simulated = np.maximum(run.ended, 1e-300).sum() * e.model.ms
    return Trial(
        solver=solver,
        cost=float(per_step * run.steps.sum() / simulated),
        error=estimated_errors(run, exact, e),
        count=count,
        differs=count != expected,
        failed=(run.status >= DIVERGED) & (exact.status < DIVERGED),
    )


def _check(
    e: Experiment, neurons: np.ndarray, points: np.ndarray, exact: Result, trial: Trial, scipy: tuple[str, float]
) -> tuple[list[int], float]:
    """(rows, largest difference) of the neurons that SciPy simulates too: the worst one and one in the middle."""
    order = np.argsort(np.where(np.isnan(trial.error), -1.0, trial.error))
    fired = order[~np.isnan(trial.error[order]) & (exact.status[order] < DIVERGED)]
    duration, found = min(e.duration, CHECKED_MS / e.model.ms), {}
    for i in sorted({int(fired[-1]), int(fired[len(fired) // 2])}) if len(fired) else []:
        theirs = _by_scipy(e, points[i], duration, scipy)
        if theirs is not None:
            ours = exact.spike_times[exact.offsets[i] : exact.offsets[i + 1]]
            ours = ours[ours <= duration]
            ends = np.array([0, len(ours)]), np.array([0, len(theirs)])
            difference = float(spike_time_errors(ours, ends[0], theirs, ends[1], duration)[0])
            if not np.isnan(difference):  # neither has a spike so early
                found[int(neurons[i])] = difference
    return list(found), max(found.values(), default=0.0)


def _by_scipy(e: Experiment, point: np.ndarray, duration: float, scipy: tuple[str, float]) -> np.ndarray | None:
    """Spike times of one neuron, straight from the model's equations; None where SciPy fails, as it may far off."""
    from hhcore.simulation.reference import reference  # here, since jobs that only read what was found need no SciPy

    method, tolerance = scipy
    with suppress(ArithmeticError, ValueError):  # LinAlgError is a ValueError
        return reference(
            e.model,
            dict(zip(e.quantities, point.tolist(), strict=True)),
            duration=duration,
            stimulus=e.stimulus,
            initial_state=e.initial_state,
            threshold=e.threshold,
            rearm=e.rearm,
            method=method,
            rtol=tolerance,
            atol=tolerance,
        ).spike_times
    return None
