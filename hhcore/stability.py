"""Whether a fixed step is short enough for a model: the fastest time constant that its neurons meet."""

import numpy as np

from hhcore.compile.module import load_kernel
from hhcore.errors import UserError
from hhcore.experiment import Experiment
from hhcore.integration import integrate, pack
from hhcore.rest import initial_states
from hhcore.stimulus import protocol

VISITED_MS = 200.0  # of each neuron, from its start
SAMPLES = 800
TIGHT = ("tsit5", 1e-6)


def check_step(experiment: Experiment, points: np.ndarray) -> None:
    """Raise UserError if the experiment's fixed step is unstable for one of `points`, float64 (n, quantities)."""
    e, solver = experiment, experiment.solver
    interval = solver.scheme.stable
    if solver.scheme.adaptive or interval == np.inf:
        return
    rate, potential = fastest_rate(e, points)
    longest = interval / rate
    if solver.accuracy > longest:
        unit = e.model.time_unit
        raise UserError(
            f"experiments.{e.name}.solver.dt: {solver.accuracy:g} {unit} is unstable: the fastest time constant of "
            f"{e.model.name!r} in this grid is {1 / rate:.3g} {unit}, at {potential:.3g} "
            f"{e.model.states[e.model.potential].unit}, and {solver.method} is stable up to {interval:.3g} times that; "
            f"give dt below {_rounded_down(longest)} {unit}, an adaptive method, or a tolerance"
        )


def fastest_rate(experiment: Experiment, points: np.ndarray) -> tuple[float, float]:
    """The largest |eigenvalue| of the Jacobian [1 / time unit] along the neurons' way, and the potential there."""
    e, model = experiment, experiment.model
    kernel = load_kernel(model, TIGHT[0])
    parameters, stimuli = points[:, : len(model.parameters)], points[:, len(model.parameters) :]
    start, _ = initial_states(model, kernel, parameters, e.initial_state)
    duration = min(e.duration, VISITED_MS / model.ms)
    stretches = protocol(e.stimulus, stimuli, duration, (0.0, duration), np.linspace(0, duration, SAMPLES + 1)[1:])
    visited = integrate(kernel, parameters, start, stretches, accuracy=TIGHT[1], most_steps=1e5, keep=True).kept
    rows, columns = np.nonzero(np.isfinite(visited).all(axis=2))
    states, parameters = visited[rows, columns], parameters[rows]
    fastest, where = 0.0, 0.0
    for first in range(0, len(states), kernel.W):
        lanes = np.minimum(np.arange(first, first + kernel.W), len(states) - 1)
        jacobian = np.zeros((kernel.W, kernel.N, kernel.N))
        kernel.jacobians(pack(kernel, parameters[lanes], states[lanes]), jacobian)
        rates = np.abs(np.linalg.eigvals(jacobian)).max(axis=1)
        if rates.max() > fastest:
            fastest = float(rates.max())
            where = float(states[lanes][rates.argmax()][list(model.states).index(model.potential)])
    return fastest, where


def _rounded_down(x: float) -> str:
    digits = 10.0 ** (np.floor(np.log10(x)) - 1)
    return f"{np.floor(x / digits) * digits:g}"
