"""Measure how accurate solvers are on an experiment's own grid, and choose the cheapest that meets a tolerance.

The candidates simulate a sample of the grid with ever finer settings, and so does a much tighter reference. Costs are
counted operations, not seconds, so that every machine makes the same choice. An independent program (SciPy, straight
from the model's equations) checks the reference.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from hhcore.base.errors import UserError
from hhcore.certify.evidence import MOST, Evidence, Trial
from hhcore.certify.sample import sample
from hhcore.certify.stability import check_step
from hhcore.certify.stiffness import EXPLICIT, is_stiff, run_cost
from hhcore.experiments.experiment import Experiment
from hhcore.experiments.relative import with_currents
from hhcore.schemes.solver import SCHEMES, Solver
from hhcore.simulation.result import Result

FINE = 1e-8  # a local error below it wants a reference of order 8
UNJUDGED = 6  # rung of a ladder if no neuron of the sample has an error: a local error of 1e-6
AGREED = 0.1  # of the tolerance: so well must two references agree, or a neuron cannot be certified
ORDER_PAYS = 3e-4  # of the largest legal tolerance: below it a scheme of order 8 can be cheaper than one of order 5
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
    rival     : the same at ten times the local error: where the two differ, nothing can be certified
    check     : SciPy's method and tolerance
    least     : the cost of a scheme at its coarsest, where it is known
    """

    methods: tuple[str, ...]
    screen: tuple[Solver, Solver]
    reference: Solver
    rival: Solver
    check: tuple[str, float]
    least: Mapping[str, float] = field(default_factory=dict)


SMOOTH = Candidates(("tsit5",), EXPLICIT, Solver("tsit5", 1e-12), Solver("tsit5", 1e-11), ("DOP853", 1e-12))
PRECISE = Candidates(("tsit5", "dop853"), EXPLICIT, Solver("dop853", 1e-12), Solver("dop853", 1e-11), ("DOP853", 1e-12))
TOUGH = Candidates(
    ("rodas5p", "tsit5"),
    (Solver("rodas5p", 1e-4), Solver("rodas5p", 1e-6)),
    Solver("rodas5p", 1e-11),
    Solver("rodas5p", 1e-10),
    ("LSODA", 1e-11),
)


def calibrate(experiment: Experiment, *, threads: int = 1, progress: Callable[[int, int], None]) -> Evidence:
    """Try solvers on a sample of the grid and choose: that of the config, or the cheapest that meets the tolerance.

    progress : called with the number of solvers tried so far, and how many there will be at most

    Neurons that cannot be certified are left out of the judgement and marked. Raises UserError if no candidate meets
    the tolerance, or if the config's fixed step is too long for the model.
    """
    e = experiment
    candidates = candidates_for(e)
    neurons = sample(e, candidates.screen, threads)
    points = with_currents(e, e.points(neurons), threads)
    exact, rival = _references(e, candidates, points, threads)
    if candidates is SMOOTH and (exact.failed & ~rival.failed).any():  # it needs more steps than a neuron may take
        candidates = PRECISE
        exact, rival = _references(e, candidates, points, threads)
    sure = certain(e, rival, exact)
    trials: list[Trial] = []

    def attempt(solver: Solver) -> Trial:
        trial = _trial(e, solver, e.protocol.measure(e, solver, points, threads=threads), exact, sure)
        trials.append(trial)
        progress(len(trials), most)
        return trial

    methods = e.methods if len(e.methods) == 1 else candidates.methods
    if e.solver is not None:
        check_step(e, points)
        most = 2
        chosen = attempt(e.solver)
        attempt(e.solver.finer)
    elif not (sure & (e.protocol.outcome(exact) != 0)).any():
        most = 1
        chosen = attempt(Solver(methods[0], LADDERS[methods[0]][UNJUDGED]))
    else:
        most = sum(len(LADDERS[method]) for method in methods)
        chosen = _cheapest(e, methods, candidates.least, attempt)
    checked, agreement = _check(e, neurons, points, exact, chosen, candidates.check)
    outcome = e.protocol.outcome(exact)
    return Evidence(neurons, trials, chosen, candidates.reference, outcome, ~sure, checked, agreement)


def candidates_for(experiment: Experiment) -> Candidates:
    """The solvers that suit an experiment. A kernel costs more than many a sweep, so `dop853` is used where it pays."""
    e = experiment
    stiff, least = is_stiff(e)
    if stiff:
        return replace(TOUGH, least={EXPLICIT[0].method: least})
    _, _, largest, _ = e.protocol.accuracy.tolerance
    if e.solver is None:
        fine = e.tolerance < ORDER_PAYS * largest
    else:
        fine = e.solver.scheme.adaptive and e.solver.accuracy < FINE
    return PRECISE if fine or e.methods == ("dop853",) else SMOOTH


def _references(e: Experiment, candidates: Candidates, points: np.ndarray, threads: int) -> tuple[Result, Result]:
    """What the reference and its rival give."""
    solvers = candidates.reference, candidates.rival
    exact, rival = (e.protocol.measure(e, solver, points, threads=threads) for solver in solvers)
    return exact, rival


def certain(e: Experiment, rival: Result, exact: Result) -> np.ndarray:
    """The neurons that can be certified, bool (k,): two references agree to the AGREED part of the tolerance.

    Without a tolerance it is the largest legal one. In an irregular neuron rounding grows to the size of an interval
    within the run. Raises UserError if the tolerance, and not the neurons, is to blame: half of them are regular, but
    the references differ by more than its AGREED part.
    """
    accuracy = e.protocol.accuracy
    _, _, largest, _ = accuracy.tolerance
    tolerance = largest if e.tolerance is None else e.tolerance
    difference = e.protocol.errors(rival, exact, e) * accuracy.scale(e.model)
    blamed = difference[(difference > AGREED * tolerance) & (difference <= AGREED * largest)]
    if 2 * len(blamed) > np.isfinite(difference).sum():
        raise UserError(
            f"experiments.{e.name}.solver.tolerance: two references differ by "
            f"{np.median(blamed) * accuracy.factor:.2g} {accuracy.unit} in half of the neurons, so that "
            f"{tolerance * accuracy.factor:g} {accuracy.unit} cannot be certified; ask for less"
        )
    return ~(difference > AGREED * tolerance) & (rival.failed == exact.failed)


def _cheapest(
    e: Experiment, methods: tuple[str, ...], least: Mapping[str, float], attempt: Callable[[Solver], Trial]
) -> Trial:
    """Refine each scheme until two settings in a row meet the tolerance, or until it costs too much.

    least : the cost of a scheme at its coarsest, where it is known
    """
    best: Trial | None = None
    accuracy = e.protocol.accuracy
    tolerance = e.tolerance / accuracy.scale(e.model)
    for method in methods:
        if best is not None and least.get(method, 0.0) > WORTHLESS * best.cost:
            continue
        unit = 1.0 if SCHEMES[method].adaptive else 1.0 / e.model.ms
        previous = None
        for setting in LADDERS[method]:
            trial = attempt(Solver(method, setting * unit))
            if best is not None and trial.cost > WORTHLESS * best.cost:
                break
            if trial.keeps(tolerance, accuracy.heights):
                if previous is not None:
                    best = previous if best is None or previous.cost < best.cost else best
                    break
                previous = trial
            else:
                previous = None
    if best is None:
        raise UserError(
            f"experiments.{e.name}.solver.tolerance: no solver keeps the {accuracy.label.lower()} of {MOST} of "
            f"the sample below {e.tolerance * accuracy.factor:g} {accuracy.unit}; "
            "ask for less, or give a method and its accuracy"
        )
    return best


def _trial(e: Experiment, solver: Solver, run: Result, exact: Result, certain: np.ndarray) -> Trial:
    outcome = e.protocol.outcome(run)
    return Trial(
        solver=solver,
        cost=run_cost(e, solver, run.steps, run.ended),
        error=e.protocol.errors(run, exact, e),
        heights=e.protocol.heights(run, exact, e),
        outcome=outcome,
        differs=outcome != e.protocol.outcome(exact),
        failed=run.failed & ~exact.failed,
        certain=certain,
    )


def _check(
    e: Experiment, neurons: np.ndarray, points: np.ndarray, exact: Result, trial: Trial, scipy: tuple[str, float]
) -> tuple[list[int], float]:
    """(rows, largest difference) of the neurons that SciPy simulates too: the worst, and the one of median error."""
    order = np.argsort(np.where(np.isnan(trial.error), -1.0, trial.error))
    known = order[~np.isnan(trial.error[order]) & trial.certain[order]]
    differences: dict[int, float] = {}
    for i in sorted({int(known[-1]), int(known[len(known) // 2])}) if len(known) else []:
        difference = e.protocol.check(e, points[i], exact, i, scipy)
        if difference is not None:
            differences[int(neurons[i])] = difference
    return list(differences), max(differences.values(), default=0.0)
