"""How long calibration will take, before anything is compiled."""

from functools import lru_cache
from math import ceil

import myokit
import numpy as np

from hhcore.certify.calibration import LADDERS, SMOOTH, TOUGH
from hhcore.certify.sample import CORNERS, EDGES, RANDOM, SEARCHED, SENSITIVE
from hhcore.certify.stiffness import LONGEST_MS
from hhcore.experiments.experiment import Experiment
from hhcore.model.model import Model
from hhcore.schemes.solver import Solver
from hhcore.simulation.stiffness import EXPLICIT, held_back
from hhcore.sweep.estimate import expected_solver, steps_per_ms
from hhcore.sweep.speed import kernel_speed

REACH = 3.3  # of the fastest rate times the step: there an explicit scheme becomes unstable
LANES = 8  # neurons in a vector register: fewer take as long
SCIPY_S = 0.3  # for one neuron and 1 s simulated, measured on the squid axon; two neurons are checked
CHECKED_MS = 300.0  # of them, at most


def calibration_s(experiment: Experiment) -> float:
    """About how many seconds calibration takes on one core, without the compiler.

    Whether the model is stiff is guessed from its rates in the state of the file.
    """
    e, ms = experiment, experiment.protocol.simulated_ms(experiment)
    candidates = TOUGH if held_back(*(_explicit(e, solver) for solver in EXPLICIT)) else SMOOTH
    largest = CORNERS + RANDOM + EDGES + SENSITIVE
    at_corners = sum(_seconds_per_ms(e, solver, min(CORNERS, e.n_points)) for solver in EXPLICIT)
    runs = [(solver, SEARCHED) for solver in candidates.screen] if e.n_points > largest else []
    tried = (candidates.reference, candidates.rival, *_tried(e, candidates.methods[0]))
    runs += [(solver, min(e.n_points, largest)) for solver in tried]
    each_ms = sum(_seconds_per_ms(e, *run) for run in runs)
    return min(ms, LONGEST_MS) * at_corners + ms * each_ms + 2 * SCIPY_S * min(ms, CHECKED_MS) / 1000.0


def _tried(e: Experiment, method: str) -> list[Solver]:
    """The solvers that are judged: that of the config, or the rungs of a ladder until two meet the tolerance."""
    if e.solver is not None:
        return [e.solver, e.solver.finer]
    method = e.methods[0] if len(e.methods) == 1 else method
    expected, unit = expected_solver(e, method), 1.0 if method != "rk4" else 1.0 / e.model.ms
    return [Solver(method, rung * unit) for rung in LADDERS[method] if rung * unit > expected.accuracy / 4]


def _seconds_per_ms(e: Experiment, solver: Solver, neurons: int) -> float:
    """Seconds for 1 ms of so many neurons."""
    steps = steps_per_ms(solver, e.model.ms) if solver.method in ("rodas5p", "rk4") else _explicit(e, solver)
    return LANES * ceil(neurons / LANES) * steps / kernel_speed(e, solver.method)


def _explicit(e: Experiment, solver: Solver) -> float:
    """Steps in 1 ms of an explicit scheme: as its accuracy demands, or stability."""
    return max(steps_per_ms(solver, e.model.ms), _fastest_rate(e.model) / REACH)


@lru_cache(maxsize=64)
def _fastest_rate(model: Model) -> float:
    """The largest eigenvalue of the Jacobian in the state of the file [1/ms], by forward differences; 0 without one."""
    state = np.array([quantity.value for quantity in model.states.values()])
    steps = 1e-7 * np.maximum(np.abs(state), 1e-3)
    try:
        at, *moved = (np.array(model.myokit.evaluate_derivatives(y)) for y in [state, *(state + np.diag(steps))])
    except (ArithmeticError, ValueError, myokit.NumericalError):
        return 0.0
    jacobian = (np.array(moved) - at).T / steps
    return float(np.abs(np.linalg.eigvals(jacobian)).max()) / model.ms if np.isfinite(jacobian).all() else 0.0
