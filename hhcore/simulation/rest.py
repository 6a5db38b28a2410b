"""The states in which neurons start: the stable equilibrium of each, the state in the model file, or values."""

import numpy as np

from hhcore.compile.parts import HOLDING
from hhcore.model.model import Model
from hhcore.simulation.engine import Engine
from hhcore.simulation.initial import Start, check_rest
from hhcore.simulation.integration import integrate, pack

RELAXATION = 1000.0  # time for a neuron to settle if Newton's method does not find its rest (ms)
RELAXATION_STEP = 0.01
RELAXATION_ERROR = 1e-6
WATCHED = 500.0  # time in which a neuron that fires is watched (ms)
WATCHED_SAMPLES = 128
WATCHED_NEURONS = 256  # at a time, for little memory
NEAR = 1e-3  # of the size of each state: so close to a stable equilibrium a neuron stays


def initial_states(engine: Engine, parameters: np.ndarray, start: Start) -> tuple[np.ndarray, np.ndarray]:
    """States (n, N) and status int8 (n,: 0 ok, 1 no stable rest) of neurons, from what a kernel takes, (n, p + f).

    Raises UserError as `check_rest` does where states start at rest.
    """
    model = engine.model
    if start.word == "rest":
        check_rest(model, "initial_state")
        states, status = _rest(engine, parameters)
    else:
        states = np.tile(_model_state(model), (len(parameters), 1))
        status = np.zeros(len(parameters), dtype=np.int8)
    for i, name in enumerate(model.states):
        states[:, i] = start.stated.get(name, states[:, i])
    return states, status


def _model_state(model: Model) -> np.ndarray:
    return np.array([q.value for q in model.states.values()])


def _rest(engine: Engine, parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the equilibria of all distinct parameter sets, starting from that of the model's own at the holding level.

    A neuron without one has that of the model's own parameters, and without that too, the state in the file.
    """
    quiet = engine.undisturbed(parameters)
    representatives, group = distinct(quiet)
    quiet = quiet[representatives]
    unchanged = quiet.copy()
    unchanged[:, : len(engine.model.parameters)] = [q.value for q in engine.model.parameters.values()]
    levels, level = distinct(unchanged)
    start = _settled_or(engine, unchanged[levels], np.tile(_model_state(engine.model), (len(levels), 1)))[0]
    states, settled = _settled_or(engine, quiet, start[level])
    return states[group], (~settled[group]).astype(np.int8)


def _settled_or(engine: Engine, parameters: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The equilibria (n, N) found from `start` (n, N), which stays where there is none; and whether there is one."""
    states, settled = _settle(engine, parameters, start)
    return np.where(settled[:, None], states, start), settled


def distinct(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Index of one row of each group of equal rows, int64 (d,), and the group of each row, int64 (n,).

    np.unique sorts whole rows: ten times as slow where few columns vary.
    """
    varied = rows[:, (rows != rows[:1]).any(axis=0)]
    order = np.lexsort(varied.T) if varied.size else np.arange(len(rows))
    new = np.r_[True, (varied[order[1:]] != varied[order[:-1]]).any(axis=1)][: len(rows)]
    group = np.empty(len(rows), dtype=np.int64)
    group[order] = np.cumsum(new) - 1
    return order[new], group


def _settle(engine: Engine, parameters: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(states (n, N), stable): by Newton's method; where that fails, again after the neuron has settled.

    A neuron that fires on may have a stable equilibrium too. Newton's method looks for it from the highest and from the
    lowest potential on the neuron's way: from outside, where the current grows with the potential.
    """
    begun = _begun(engine, parameters, start)
    states, stable = equilibria(engine, parameters, begun)
    unsettled = np.flatnonzero(~stable)
    relaxed = _relax(engine, parameters[unsettled], begun[unsettled])
    states[unsettled], stable[unsettled] = equilibria(engine, parameters[unsettled], relaxed)
    firing = np.flatnonzero(~stable)
    for guess in _extremes(engine, parameters[firing], relaxed[~stable[unsettled]]):
        found, settled = equilibria(engine, parameters[firing], guess)
        settled &= ~stable[firing]
        states[firing[settled]], stable[firing[settled]] = found[settled], True
    return states, stable


def _begun(engine: Engine, parameters: np.ndarray, start: np.ndarray) -> np.ndarray:
    """The states (n, N) to start from: `start` (n, N), and under a clamp the holding potential."""
    states = start.copy()
    if engine.kernel.CLAMPED:
        states[:, list(engine.model.states).index(engine.model.potential)] = engine.values(parameters)[HOLDING]
    return states


def equilibria(engine: Engine, parameters: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Roots of dy/dt at the holding level, (n, N), by Newton's method from `start`, (n, N), and whether each is stable.

    A stable one has converged, and all eigenvalues of its Jacobian have a negative real part.
    """
    states, jacobians, converged = linearised(engine, parameters, start)
    stable = np.zeros(len(parameters), dtype=bool)
    stable[converged] = np.linalg.eigvals(jacobians[converged]).real.max(axis=1) < 0.0
    return states, stable


def linearised(engine: Engine, parameters: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The roots of `equilibria`, stable or not; their Jacobians, (n, N, N); and which have converged, bool (n,)."""
    kernel = engine.kernel
    n = len(parameters)
    states = np.empty_like(start)
    jacobians = np.empty((n, kernel.N, kernel.N))
    residual = np.empty(n)
    for first in range(0, n, kernel.W):
        lanes = np.minimum(np.arange(first, first + kernel.W), n - 1)
        Z = pack(kernel, parameters[lanes], start[lanes])
        jacobian = np.zeros((kernel.W, kernel.N, kernel.N))
        kernel.equilibrium(Z, jacobian)
        rows = Z.reshape(kernel.ROWS, kernel.W)
        y = rows[kernel.STATE // kernel.W :][: kernel.N].T
        f = rows[kernel.SLOPE // kernel.W :][: kernel.N].T
        scale = np.abs(np.einsum("jik,jk->ji", np.abs(jacobian), np.abs(y))) + 1e-12
        states[lanes], jacobians[lanes] = y, jacobian
        residual[lanes] = np.max(np.abs(f) / scale, axis=1)
    converged = residual < 1e-12
    converged &= np.isfinite(jacobians).all(axis=(1, 2)) & np.isfinite(states).all(axis=1)
    return states, jacobians, converged


def near_rest(engine: Engine, parameters: np.ndarray, held: np.ndarray, states: np.ndarray) -> np.ndarray:
    """Whether neurons have come so close to a stable equilibrium that they stay there, bool (n,).

    parameters : what a kernel takes, (n, p + f); held : float64 (n,), the current that flows; states : float64 (n, N)
    """
    quiet = engine.undisturbed(parameters)
    quiet[:, len(engine.model.parameters) + engine.kind.numbers().index(HOLDING)] = held
    found, stable = equilibria(engine, quiet, states)
    return stable & (np.abs(found - states) * np.array(engine.kernel.INVERSE_SCALE) < NEAR).all(axis=1)


def _relax(engine: Engine, parameters: np.ndarray, start: np.ndarray) -> np.ndarray:
    """States after RELAXATION without stimulus."""
    stops = np.array([RELAXATION / engine.model.ms])
    return integrate(engine, parameters, start, stops, accuracy=_accuracy(engine)).record["final"]


def _extremes(engine: Engine, parameters: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """States (n, N) with the highest and with the lowest potential, of samples over WATCHED without stimulus."""
    stops = np.linspace(0.0, WATCHED / engine.model.ms, WATCHED_SAMPLES + 1)[1:]
    potential = list(engine.model.states).index(engine.model.potential)
    highest, lowest = start.copy(), start.copy()
    for first in range(0, len(start), WATCHED_NEURONS):
        rows = slice(first, first + WATCHED_NEURONS)
        settings = {"accuracy": _accuracy(engine), "samples": len(stops)}
        samples = integrate(engine, parameters[rows], start[rows], stops, **settings).samples.states
        samples = np.where(np.isfinite(samples), samples, start[rows, None])  # after the end of one that failed
        each = np.arange(len(samples))
        highest[rows] = samples[each, samples[:, :, potential].argmax(axis=1)]
        lowest[rows] = samples[each, samples[:, :, potential].argmin(axis=1)]
    return highest, lowest


def _accuracy(engine: Engine) -> float:
    return RELAXATION_ERROR if engine.kernel.ADAPTIVE else RELAXATION_STEP / engine.model.ms
