"""Where a search begins: how large a current, a displacement or a time has to be to matter to a neuron.

All are powers of two, so that no rounding of theirs decides which values a search tries.
"""

import numpy as np

from hhcore.compile.parts import HOLDING
from hhcore.simulation.integration import pack
from hhcore.simulation.linear import one_norm
from hhcore.simulation.population import Population
from hhcore.simulation.rest import equilibria

NUDGE = 1e-3  # of the currents that flow at rest: so much more finds the input resistance


def scales(population: Population, states: np.ndarray, duration: float, field: str, threshold: float) -> np.ndarray:
    """About the value of a field of the stimulus that takes each neuron from `states` to the threshold: float64 (n,).

    Of a current, that which does so at last by the input resistance; of a displacement, the displacement; of a time,
    the duration of a run.
    """
    kind, n = population.engine.kind, len(states)
    potential = states[:, list(population.engine.model.states).index(population.engine.model.potential)]
    rise = np.maximum(threshold - potential, 2.0**-20 / population.engine.model.mV)
    sizes = {
        "current": lambda: rise / input_resistances(population, states),
        "potential": lambda: rise,
        "time": lambda: np.full(n, duration),
    }
    return np.ldexp(0.5, np.frexp(sizes.get(kind.fields[field].unit, lambda: np.ones(n))())[1])


def input_resistances(population: Population, states: np.ndarray) -> np.ndarray:
    """Change of the resting potential over a small change of the current, float64 (n,), from `states`, (n, N).

    Where there is no rest, that of a membrane in which the currents of the present states grow by e-fold in 25 mV. A
    model that has no currents by name counts as one in which 1 flows.
    """
    engine = population.engine
    quiet = engine.undisturbed(engine.arguments(population.points, 1.0))
    flowing = flowing_currents(population, quiet, states)
    holding = len(engine.model.parameters) + engine.kind.numbers().index(HOLDING)
    potential = list(engine.model.states).index(engine.model.potential)
    nudged = quiet.copy()
    nudged[:, holding] += NUDGE * flowing
    (before, stable), (after, still) = equilibria(engine, quiet, states), equilibria(engine, nudged, states)
    slope = (after - before)[:, potential] / (NUDGE * flowing)
    return np.where(stable & still & (slope > 0), slope, 25.0 / engine.model.mV / flowing)


def flowing_currents(population: Population, quiet: np.ndarray, states: np.ndarray) -> np.ndarray:
    """The sum of the sizes of the membrane currents, float64 (n,); 1 where there are none."""
    kernel, flowing = population.engine.kernel, np.empty(len(states))
    for first in range(0, len(states), kernel.W):
        lanes = np.minimum(np.arange(first, first + kernel.W), len(states) - 1)
        Z = pack(kernel, quiet[lanes], states[lanes])
        kernel.evaluate_currents(Z)
        table = Z.reshape(kernel.ROWS, kernel.W)[kernel.MEMBRANE_CURRENT // kernel.W :][: kernel.CURRENTS]
        flowing[lanes] = one_norm(table.T)
    return np.where(flowing > 0, flowing, 1.0)
