"""Whether a model is stiff: stability, not accuracy, limits the steps of an explicit scheme."""

import numpy as np

from hhcore.schemes.solver import Solver
from hhcore.simulation.engine import Engine
from hhcore.simulation.integration import integrate

EXPLICIT = (Solver("tsit5", 1e-4), Solver("tsit5", 1e-6))
RATIO = 1.5  # a hundredth of the local error takes less than 1.5 times the steps if stability limits them
SHORT = 15.0  # steps in 1 ms: more than a neuron that is not stiff takes, most of all in a spike
WATCHED = 10.0  # ms


def held_back(coarse: float, fine: float) -> bool:
    """Whether stability limits the steps, from their numbers with the two solvers EXPLICIT."""
    return bool(fine < RATIO * coarse)


def model_is_stiff(engine: Engine) -> bool:
    """Whether a model is stiff at its own parameters, by its first 10 ms from its own state without stimulus.

    Steps at rest are always limited by stability, so they must be short too. engine : of the scheme EXPLICIT
    """
    model = engine.model
    parameters = engine.undisturbed(np.array([[q.value for q in model.parameters.values()]]))
    state, stops = np.array([[q.value for q in model.states.values()]]), np.array([WATCHED / model.ms])
    coarse, fine = (
        integrate(engine, parameters, state, stops, accuracy=solver.accuracy).record["steps"][0] for solver in EXPLICIT
    )
    return held_back(coarse, fine) and coarse > SHORT * WATCHED
