"""Whether a model is stiff in a grid: whether stability, not accuracy, limits the steps of an explicit scheme."""

import numpy as np

from hhcore.certify.sample import corners
from hhcore.compile.cost import cost
from hhcore.experiments.experiment import Experiment
from hhcore.experiments.relative import with_currents
from hhcore.schemes.solver import Solver
from hhcore.simulation.initial import read_start
from hhcore.simulation.integration import integrate
from hhcore.simulation.rest import initial_states
from hhcore.simulation.stiffness import EXPLICIT, held_back, model_is_stiff

LONGEST_MS = 2000.0  # simulated, at most: an explicit scheme is dear in a model that is stiff


def is_stiff(experiment: Experiment) -> tuple[bool, float]:
    """Whether the model is stiff at the corners of the grid, and what the explicit scheme costs there.

    The cost is that of `run_cost`; in a stiff model it hardly depends on the accuracy. Where none of the corners fires,
    the model itself is judged: at rest stability limits the steps of any model, but they are few.
    """
    e, coarse = experiment, EXPLICIT[0]
    engine = e.engine(coarse.method)
    neurons, start = e.parts(with_currents(e, e.points(corners(e))))
    table = engine.arguments(neurons, e.duration)
    start, _ = initial_states(engine, table, read_start(e.model, start))
    stops = np.array([min(e.duration, LONGEST_MS / e.model.ms)])
    runs = [integrate(engine, table, start, stops, accuracy=solver.accuracy).record for solver in EXPLICIT]
    few, many = (run["steps"] for run in runs)
    silent = "spikes" in runs[0] and not runs[0]["spikes"].counts.any()
    stiff = model_is_stiff(engine) if silent else held_back(few.sum(), many.sum())
    return stiff, run_cost(e, coarse, few, runs[0]["ended"])


def run_cost(experiment: Experiment, solver: Solver, steps: np.ndarray, ended: np.ndarray) -> float:
    """Weighted operations per neuron and ms of a run, from steps and simulated time [time unit] of neurons, (n,)."""
    per_step = cost(experiment.engine(solver.method).kernel.path.read_text(encoding="utf-8"))
    return float(per_step * steps.sum() / (np.maximum(ended, 1e-300).sum() * experiment.model.ms))
