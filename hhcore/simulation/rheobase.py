"""The rheobase of neurons, of which currents may be shares: the least step of current that makes a spike.

The step lasts as long as the run, and nothing else flows. The solver is always the same, and finer than those of runs:
so the current that `150 %` stands for depends on the neuron alone.
"""

from collections.abc import Callable

import numpy as np

from hhcore.model.model import Model
from hhcore.simulation.default_scheme import STIFF_SCHEME, default_scheme
from hhcore.simulation.engine import engine
from hhcore.simulation.initial import Start
from hhcore.simulation.population import Population
from hhcore.simulation.rest import distinct, initial_states
from hhcore.simulation.result import NO_STABLE_REST
from hhcore.simulation.search.firing import Spiking
from hhcore.simulation.search.thresholds import search
from hhcore.simulation.search.trials import Tested
from hhcore.simulation.stimuli.step import Step

WITHIN = 1e-9  # of its value
SOLVER, STIFF_SOLVER = ("dop853", 1e-11), (STIFF_SCHEME, 1e-10)  # scheme and local error


def rheobases(
    model: Model,
    parameters: np.ndarray,
    start: Start,
    duration: float,
    spike: tuple[float, float],
    *,
    threads: int = 1,
    progress: Callable[[int], None] = lambda neurons: None,
) -> np.ndarray:
    """The rheobase of n neurons, float64 (n,), in the model's unit of current.

    parameters : float64 (n, p), of the model; start : where they begin
    spike      : the potential that it crosses upwards, and the one below which the next one counts
    progress   : called with the number of neurons whose rheobase has just been found

    It is 0 of a neuron that fires without a stimulus, and NaN of others without one. Each distinct neuron is searched
    once.
    """
    firing = Spiking(*spike)
    stimulus = Step(0.0).columns(model, duration)
    method, accuracy = STIFF_SOLVER if default_scheme(model, Step) == STIFF_SCHEME else SOLVER
    searcher = engine(model, method, Step, firing.observers(Step, model.ms, model.mV))
    points = np.column_stack([parameters, np.tile([float(x) for x in stimulus.values()], (len(parameters), 1))])
    states, status = initial_states(searcher, searcher.arguments(points, duration), start)
    rows, group = distinct(np.column_stack([parameters, states]))
    neurons = Population(searcher, points[rows], accuracy, threads)
    tested = Tested(neurons, states[rows], duration, Step.axis, firing, status[rows] == NO_STABLE_REST)
    return search(tested, WITHIN, progress=_of_groups(group, progress)).value[group]


def current(share: np.ndarray, rheobase: np.ndarray) -> np.ndarray:
    """The current that is so many percent of a rheobase, float64 (n,); NaN where there is none."""
    return share * np.where(rheobase > 0, rheobase, np.nan) / 100.0


def _of_groups(group: np.ndarray, progress: Callable[[int], None]) -> Callable[[int], None]:
    """From how many more distinct neurons are finished, in order, to how many neurons that is."""
    sizes = iter(np.bincount(group).tolist())
    return lambda finished: progress(sum(next(sizes) for _ in range(finished)))
