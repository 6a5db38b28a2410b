"""Where rest ends: the equilibrium of each neuron, followed over the current, up to where it is no longer stable.

It is decided by the eigenvalues of the Jacobian. Those of LAPACK differ in their last digits from CPU to CPU,
which matters to no bracket as wide as these.
"""

from dataclasses import dataclass

import numpy as np

from hhcore.compile.parts import HOLDING
from hhcore.simulation.integration import pack
from hhcore.simulation.population import Population
from hhcore.simulation.rest import linearised

STEPS = 64  # of the range of currents, in which rest is followed before bisection
HALVINGS = 31  # of such a step, so that a bracket is 1e-11 of the range, or can no longer be halved
SAME = 1e-6  # of the size of each state: so close to where it began is an equilibrium that is followed there and back
APART = 2.0**-12  # of the size of a state, for differences
DIGITS = 6  # of a frequency: the last digits of eigenvalues depend on the CPU

ENDS = ("throughout", "hopf", "saddle_node", "none")
THROUGHOUT, HOPF, SADDLE_NODE, NONE = range(4)


@dataclass(frozen=True)
class Rest:
    """How rest goes along, of n neurons; NaN where there is nothing.

    ends      : int8 (n,), an index into ENDS
    until     : float64 (n,), the largest current up to which rest is stable
    frequency : float64 (n,), of the oscillation that begins there, in 1 over the model's unit of time; 0 of none
    again     : float64 (n,), the current from which the same equilibrium is stable again
    """

    ends: np.ndarray
    until: np.ndarray
    frequency: np.ndarray
    again: np.ndarray


@dataclass(frozen=True)
class _Branch:
    """The equilibria of k neurons, each at a current of its own."""

    current: np.ndarray
    states: np.ndarray
    stable: np.ndarray
    frequency: np.ndarray


def follow(neurons: Population, states: np.ndarray, lowest: float, highest: float) -> Rest:
    """Follow rest from the lowest to the highest current. `states` : float64 (n, N), near rest at the lowest one"""
    n, step = len(states), (highest - lowest) / STEPS
    currents = np.full(n, lowest)
    held = _held(neurons, currents)
    begun, _, converged = linearised(neurons.engine, held, states)
    now = _judged(neurons, currents, held, begun, converged)
    going = now.stable.copy()
    until, again, frequency = np.full((3, n), np.nan)
    ends = np.where(going, THROUGHOUT, NONE).astype(np.int8)
    for number in range(1, STEPS + 1):
        rows = np.flatnonzero(going)
        if not len(rows):
            break
        here = _of(now, rows)
        ahead, there = _followed(neurons.of(rows), here, np.full(len(rows), lowest + number * step))
        lost = here.stable & ~(there & ahead.stable)
        if lost.any():
            at = rows[lost]
            last, until[at] = _bisected(neurons.of(at), _of(here, lost), ahead.current[lost], True)
            frequency[at] = last.frequency
            ends[at] = np.where(last.frequency > 0, HOPF, SADDLE_NODE)
        found = ~here.stable & there & ahead.stable
        if found.any():
            at = rows[found]
            again[at] = _bisected(neurons.of(at), _of(here, found), ahead.current[found], False)[1]
        for name in ("current", "states", "stable", "frequency"):
            getattr(now, name)[rows] = getattr(ahead, name)
        going[rows] = there & ~found
    return Rest(ends, until, np.round(frequency, DIGITS), again)


def _bisected(neurons: Population, low: _Branch, high: np.ndarray, stable: bool) -> tuple[_Branch, np.ndarray]:
    """The last equilibria that are followed and as `stable` as those at `low`; and the current where that ends."""
    for _ in range(HALVINGS):
        middle, there = _followed(neurons, low, (low.current + high) / 2)
        same = there & (middle.stable == stable)
        high = np.where(same, high, middle.current)
        low = _Branch(
            np.where(same, middle.current, low.current),
            np.where(same[:, None], middle.states, low.states),
            np.where(same, middle.stable, low.stable),
            np.where(same, middle.frequency, low.frequency),
        )
    return low, (low.current + high) / 2


def _followed(neurons: Population, here: _Branch, current: np.ndarray) -> tuple[_Branch, np.ndarray]:
    """The equilibria at other currents; and whether each is the same one: the way back leads to where it began."""
    held = _held(neurons, current)
    there, _, converged = linearised(neurons.engine, held, here.states)
    back, _, returned = linearised(neurons.engine, _held(neurons, here.current), there)
    same = (np.abs(back - here.states) < SAME * _sizes(neurons)).all(axis=1)
    return _judged(neurons, current, held, there, converged), converged & returned & same


def _held(neurons: Population, current: np.ndarray) -> np.ndarray:
    """What a kernel takes of neurons under constant currents, float64 (k,)."""
    e = neurons.engine
    held = e.undisturbed(e.arguments(neurons.points, 1.0))
    held[:, len(e.model.parameters) + e.kind.numbers().index(HOLDING)] = current
    return held


def _sizes(neurons: Population) -> np.ndarray:
    """The size of each state, float64 (N,)."""
    return 1.0 / np.array(neurons.engine.kernel.INVERSE_SCALE)


def _judged(
    neurons: Population, current: np.ndarray, held: np.ndarray, states: np.ndarray, converged: np.ndarray
) -> _Branch:
    """Equilibria with the eigenvalue of each that decides on its stability."""
    stable, frequency = np.zeros(len(states), bool), np.full(len(states), np.nan)
    if converged.any():
        values = np.linalg.eigvals(_derivatives(neurons, held[converged], states[converged]))
        first = values[np.arange(len(values)), values.real.argmax(axis=1)]
        stable[converged], frequency[converged] = first.real < 0, np.abs(first.imag) / (2 * np.pi)
    return _Branch(np.array(current, dtype=float), states, stable, frequency)


def _derivatives(neurons: Population, held: np.ndarray, states: np.ndarray) -> np.ndarray:
    """The Jacobians of dy/dt, float64 (k, N, N), by differences of fourth order; those of kernels are coarse."""
    moved = APART * _sizes(neurons)
    columns = []
    for i, size in enumerate(moved):
        near, far = (_difference(neurons, held, states, i, distance * size) for distance in (1, 2))
        columns.append((8 * near - far) / (12 * size))
    return np.stack(columns, axis=2)


def _difference(neurons: Population, held: np.ndarray, states: np.ndarray, state: int, distance: float) -> np.ndarray:
    """dy/dt so far above minus that so far below, along one state, float64 (k, N)."""
    above, below = states.copy(), states.copy()
    above[:, state] += distance
    below[:, state] -= distance
    return _slopes(neurons, held, above) - _slopes(neurons, held, below)


def _slopes(neurons: Population, held: np.ndarray, states: np.ndarray) -> np.ndarray:
    """dy/dt, float64 (k, N)."""
    kernel, slopes = neurons.engine.kernel, np.empty_like(states)
    for first in range(0, len(states), kernel.W):
        lanes = np.minimum(np.arange(first, first + kernel.W), len(states) - 1)
        Z, count = pack(kernel, held[lanes], states[lanes]), min(kernel.W, len(states) - first)
        for lane in range(count):
            kernel.stage(Z, 0.0, lane)
        table = Z.reshape(kernel.ROWS, kernel.W)[kernel.SLOPE // kernel.W :][: kernel.N]
        slopes[first : first + count] = table.T[:count]
    return slopes


def _of(branch: _Branch, rows: np.ndarray) -> _Branch:
    return _Branch(branch.current[rows], branch.states[rows], branch.stable[rows], branch.frequency[rows])
