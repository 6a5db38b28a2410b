"""Whether a model is stiff in a grid: whether stability, not accuracy, limits the steps of an explicit scheme."""

import numpy as np

from hhcore.certify.sample import SCREEN, corners
from hhcore.compile.cost import cost
from hhcore.experiments.experiment import Experiment
from hhcore.schemes.solver import Solver
from hhcore.simulation.integration import integrate
from hhcore.simulation.rest import initial_states

EXPLICIT = SCREEN  # a coarse and a fine solver of one scheme
STIFF = 1.5  # a model is stiff if a hundredth of the local error takes an explicit scheme less than 1.5 times the steps
LONGEST_MS = 2000.0  # simulated, at most: an explicit scheme is dear in a model that is stiff


def is_stiff(experiment: Experiment) -> tuple[bool, float]:
    """Whether the model is stiff at the corners of the grid, and what the explicit scheme costs there.

    The cost is that of `run_cost`; in a stiff model it hardly depends on the accuracy.
    """
    e, coarse = experiment, EXPLICIT[0]
    engine, points = e.engine(coarse.method), e.points(corners(e))
    parameters, stimuli = np.split(points, [len(e.model.parameters)], axis=1)
    start, _ = initial_states(engine, parameters, e.initial_state)
    table = np.column_stack([parameters, e.stimulus.table(stimuli, e.duration)])
    stops = np.array([min(e.duration, LONGEST_MS / e.model.ms)])
    runs = [integrate(engine, table, start, stops, accuracy=solver.accuracy).record for solver in EXPLICIT]
    few, many = (run["steps"] for run in runs)
    return bool(many.sum() < STIFF * few.sum()), run_cost(e, coarse, few, runs[0]["ended"])


def run_cost(experiment: Experiment, solver: Solver, steps: np.ndarray, ended: np.ndarray) -> float:
    """Weighted operations per neuron and ms of a run, from steps and simulated time [time unit] of neurons, (n,)."""
    per_step = cost(experiment.engine(solver.method).kernel.path.read_text(encoding="utf-8"))
    return float(per_step * steps.sum() / (np.maximum(ended, 1e-300).sum() * experiment.model.ms))
