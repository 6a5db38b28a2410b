"""Check that a fixed step is short enough for a model: find the fastest time constant that its neurons meet."""

import numpy as np

from hhcore.base.errors import UserError
from hhcore.experiments.experiment import Experiment
from hhcore.simulation.engine import Engine
from hhcore.simulation.initial import read_start
from hhcore.simulation.integration import integrate, most_samples, pack
from hhcore.simulation.rest import initial_states

INTERVAL_MS = 0.05  # between two samples of a neuron; longer if these would be too many
MOST_SAMPLED = 8_000_000  # numbers: states times neurons times samples; as many more at edges and jumps
MOVED = 0.01  # of the range of a state: a sample as close to the one before is skipped
COMPUTED = 4_000_000  # entries of Jacobians
BATCH = 1000  # Jacobians whose eigenvalues are computed at a time
TIGHT = ("tsit5", 1e-6)


def check_step(experiment: Experiment, points: np.ndarray) -> None:
    """Raise UserError if the experiment's fixed step is unstable for one of `points`, float64 (n, quantities)."""
    e, solver = experiment, experiment.solver
    if solver.scheme.adaptive:
        return
    interval = solver.scheme.stable
    rate, potential = fastest_rate(e, points)
    longest = interval / rate if rate else np.inf
    if solver.accuracy > longest:
        unit = e.model.time_unit
        raise UserError(
            f"experiments.{e.name}.solver.dt: {solver.accuracy:g} {unit} is unstable: the fastest time constant of "
            f"{e.model.name!r} in this grid is {1 / rate:.3g} {unit}, at {potential:.3g} "
            f"{e.model.states[e.model.potential].unit}, and {solver.method} is stable up to {interval:.3g} times that; "
            f"give dt below {_rounded_down(longest)} {unit}, an adaptive method, or a tolerance"
        )


def fastest_rate(experiment: Experiment, points: np.ndarray) -> tuple[float, float]:
    """The largest |eigenvalue| of the Jacobian [1 / time unit] along the trajectories, and the potential there.

    It is that of the states that a scheme integrates; 0 if there are none, as under a clamp of gates alone.

    points : float64 (n, quantities)
    """
    model = experiment.model
    engine = experiment.engine(TIGHT[0])
    parameters, states = _visited(experiment, points)
    integrated = np.delete(np.arange(len(model.states)), engine.kernel.EXACT)
    jacobians = _jacobians(engine, parameters, states)[:, integrated[:, None], integrated]
    # The Frobenius norm bounds all eigenvalues, so few Jacobians need theirs; states in units of their size tighten it.
    scale = np.maximum(np.abs(states[:, integrated]).max(axis=0), 1e-12)
    bounds = np.linalg.norm(jacobians * scale / scale[:, None], axis=(1, 2))
    fastest, where = 0.0, 0.0
    for rows in np.split(np.argsort(-bounds), range(BATCH, len(bounds), BATCH)):
        if bounds[rows[0]] <= fastest:
            break
        rates = np.abs(np.linalg.eigvals(jacobians[rows])).max(axis=1)
        if rates.max() > fastest:
            fastest = float(rates.max())
            where = float(states[rows[rates.argmax()], list(model.states).index(model.potential)])
    return fastest, where


def _visited(e: Experiment, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The parameters, float64 (k, p), and states, float64 (k, N), along the trajectories of the neurons."""
    engine = e.engine(TIGHT[0])
    neurons, start = e.parts(points)
    table = engine.arguments(neurons, e.duration)
    start, _ = initial_states(engine, table, read_start(e.model, start))
    count = min(e.duration * e.model.ms / INTERVAL_MS, MOST_SAMPLED / start.size)
    times = np.linspace(0, e.duration, 2 + int(count))[1:]
    kept = min(most_samples(engine, table, times), len(times) + MOST_SAMPLED // start.size)
    sampled = integrate(engine, table, start, times, accuracy=TIGHT[1], samples=kept).samples.states
    neurons, samples = _moved(start, sampled)
    most = max(BATCH, COMPUTED // start.shape[1] ** 2)
    chosen = np.unique(np.linspace(0, len(neurons) - 1, min(len(neurons), most)).astype(np.int64))
    states = np.concatenate([start, sampled[neurons[chosen], samples[chosen]]])
    return np.concatenate([table, table[neurons[chosen]]]), states


def _moved(start: np.ndarray, sampled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Neurons and samples in which a state has left the cell, of size MOVED, of the sample before.

    start : float64 (n, N), sampled : float64 (n, samples, N)
    """
    visited = np.concatenate([start[:, None], sampled], axis=1)
    finite = np.isfinite(visited).all(axis=2)
    sizes = MOVED * np.ptp(visited[finite], axis=0)
    cells = np.floor(np.where(finite[:, :, None], visited, 0.0) / np.where(sizes > 0, sizes, 1.0))
    return np.nonzero((np.diff(cells, axis=1) != 0).any(axis=2) & finite[:, 1:])


def _jacobians(engine: Engine, parameters: np.ndarray, states: np.ndarray) -> np.ndarray:
    """The Jacobian at each of the states, float64 (k, N, N); zero if an entry is infinite or not a number."""
    kernel, parameters = engine.kernel, engine.undisturbed(parameters)
    jacobians = np.zeros((-(-len(states) // kernel.W) * kernel.W, kernel.N, kernel.N))
    for first in range(0, len(states), kernel.W):
        lanes = np.minimum(np.arange(first, first + kernel.W), len(states) - 1)
        kernel.jacobians(pack(kernel, parameters[lanes], states[lanes]), jacobians[first : first + kernel.W])
    return np.where(np.isfinite(jacobians).all(axis=(1, 2))[:, None, None], jacobians, 0.0)[: len(states)]


def _rounded_down(x: float) -> str:
    digits = 10.0 ** (np.floor(np.log10(x)) - 1)
    return f"{np.floor(x / digits) * digits:g}"
