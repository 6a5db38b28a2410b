"""How long calibration will take, before anything is compiled."""

import math
from functools import lru_cache

import numpy as np

from hhcore.certify.calibration import LADDERS, SMOOTH, TOUGH
from hhcore.certify.sample import CORNERS, EDGES, RANDOM, SEARCHED, SENSITIVE
from hhcore.certify.stiffness import LONGEST_MS
from hhcore.experiments.experiment import Experiment
from hhcore.model.model import Model
from hhcore.schemes.solver import Solver
from hhcore.simulation.equations import equations
from hhcore.simulation.stiffness import EXPLICIT, held_back
from hhcore.sweep.estimate import expected_solver, seconds, steps_of

REACH = 3.3  # of the fastest rate times the step: there an explicit scheme becomes unstable
LANES = 8  # neurons in a vector register: fewer take as long
SCIPY_S = 0.3  # for one neuron and 1 s simulated, measured on the squid axon; two neurons are checked
CHECKED_MS = 300.0  # of them, at most


def calibration_s(experiment: Experiment) -> float:
    """About how many seconds calibration takes on one core, without the compiler.

    Whether the model is stiff is guessed from its rates in the state of the file.
    """
    e = experiment
    candidates = TOUGH if held_back(*(steps_of(e, solver, least=_stable(e, solver)) for solver in EXPLICIT)) else SMOOTH
    largest = CORNERS + RANDOM + EDGES + SENSITIVE
    at_corners = sum(_seconds(e, solver, min(CORNERS, e.n_points), LONGEST_MS) for solver in EXPLICIT)
    runs = [(solver, min(SEARCHED, e.n_points)) for solver in candidates.screen if e.n_points > largest]
    tried = (candidates.reference, candidates.rival, *_tried(e, candidates.methods[0]))
    runs += [(solver, min(e.n_points, largest)) for solver in tried]
    checked_ms = min(e.protocol.simulated_ms(e), CHECKED_MS)
    return at_corners + sum(_seconds(e, *run) for run in runs) + 2 * SCIPY_S * checked_ms / 1000.0


def _tried(e: Experiment, method: str) -> list[Solver]:
    """The solvers that are judged: that of the config, or the rungs of a ladder until two meet the tolerance."""
    if e.solver is not None:
        return [e.solver, e.solver.finer]
    method = e.methods[0] if len(e.methods) == 1 else method
    expected, unit = expected_solver(e, method), 1.0 if method != "rk4" else 1.0 / e.model.ms
    return [Solver(method, rung * unit) for rung in LADDERS[method] if rung * unit > expected.accuracy / 4]


def _seconds(e: Experiment, solver: Solver, neurons: int, longest_ms: float = math.inf) -> float:
    """Seconds for so many neurons, and so many ms at most."""
    lanes = LANES * math.ceil(neurons / LANES)
    return seconds(e, solver.method, lanes, steps_of(e, solver, longest_ms, _stable(e, solver)))


def _stable(e: Experiment, solver: Solver) -> float:
    """Steps in 1 ms that stability demands: of an adaptive explicit scheme, since a fixed step is as it is."""
    return 0.0 if solver.method in ("rodas5p", "rk4") else _fastest_rate(e.model) / REACH


@lru_cache(maxsize=64)
def _fastest_rate(model: Model) -> float:
    """The largest eigenvalue of the Jacobian in the state of the file [1/ms], by forward differences; 0 without one."""
    written, n = equations(model), len(model.states)
    values = {name: q.value for name, q in (model.states | model.parameters).items()}
    start = np.array([values.get(name, 0.0) for name in written.inputs])  # no current, time 0
    state = start[:n]
    steps = 1e-7 * np.maximum(np.abs(state), 1e-3)
    try:
        points = [np.r_[y, start[n:]].tolist() for y in [state, *(state + np.diag(steps))]]
        at, *moved = (np.array(written.run(math, *point)[:n]) for point in points)
    except (ArithmeticError, ValueError):
        return 0.0
    jacobian = (np.array(moved) - at).T / steps
    return float(np.abs(np.linalg.eigvals(jacobian)).max()) / model.ms if np.isfinite(jacobian).all() else 0.0
