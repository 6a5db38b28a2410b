"""The map from the state at the onset of one pulse to that at the next, and its fixed points, by Newton's method.

Cells whose concentrations drift settle over thousands of beats; Newton's method takes a few tens. The derivatives of
the map are differences, each of a run of its own, which run side by side.
"""

from dataclasses import dataclass, replace

import numpy as np

from hhcore.simulation.linear import one_norm, solve_conserving
from hhcore.simulation.settle import MOST_REPEAT, Paced, Settled, Settling, settle

DISTURBED = 1e-5  # of the size of a state, for differences
SINGULAR = 1e-5  # of the largest pivot: a smaller one is that of a conserved charge
AT_ONCE = 1024  # cells whose derivatives are in memory
WARM_UP = 24  # beats before Newton's method
MUCH = 10.0  # times the change over several beats: if one beat changes states more, they seem to repeat after several
MOST_STEPS = 24  # of Newton's method
SMALLEST_SHARE = 0.05  # of a step
LONGEST = 0.5  # of the size of a state, at most, in one step
CONSERVED = 1e-5  # an eigenvalue so near 1 is that of a conserved charge
DIGITS = 4  # of a multiplier: the last digits of eigenvalues depend on the CPU


@dataclass(frozen=True)
class FixedPoints:
    """Where Newton's method has led n cells.

    states     : float64 (n, N), NaN of a cell that has failed on the way
    residual   : float64 (n,), 1-norm of the change of the state over the beats of the map
    multiplier : float64 (n,), the share of a small disturbance that is left after these beats, at most: the largest
                 size of an eigenvalue of the map's derivative, without those of conserved charges; NaN if not known
    beats      : int64 (n,), how many each cell has gone through, one after the other
    """

    states: np.ndarray
    residual: np.ndarray
    multiplier: np.ndarray
    beats: np.ndarray


def settled_cells(cells: Paced, states: np.ndarray, settling: Settling) -> Settled:
    """Pace cells from `states`, float64 (n, N), until they have settled, by Newton's method where that is asked for.

    Newton's method begins after WARM_UP beats. What it finds counts if it is stable and repeats in the beats after it;
    other cells are paced on from where they were.
    """
    if not settling.newton or settling.beats is not None:
        return settle(cells, states, settling)
    found = settle(cells, states, replace(settling, most=min(WARM_UP, settling.most)))
    open_ = np.flatnonzero((found.repeat == 0) & (found.outcome == 0))
    if not len(open_) or settling.most <= WARM_UP:
        return found
    rest, begun = cells.of(open_).with_fields(start=0.0), found.states[open_]
    guess = fixed_points(rest, begun, _seeming(rest, begun), settling.tolerance)
    good = (guess.residual < settling.tolerance) & (guess.multiplier < 1.0)
    confirmed = settle(rest.of(good), guess.states[good], replace(settling, most=MOST_REPEAT))
    confirmed = replace(confirmed, beats=confirmed.beats + WARM_UP + guess.beats[good])
    found.put(open_[good], confirmed)
    left = open_[found.repeat[open_] == 0]
    if len(left):
        onwards = replace(settling, most=settling.most - WARM_UP)
        paced = settle(cells.of(left).with_fields(start=0.0), begun[found.repeat[open_] == 0], onwards)
        found.put(left, replace(paced, beats=paced.beats + WARM_UP))
    return found


def _seeming(cells: Paced, states: np.ndarray) -> np.ndarray:
    """After how many beats the states nearly repeat, int64 (n,): several, if one changes them MUCH more."""
    onsets = cells.onsets(states, MOST_REPEAT)[0]
    changes = np.array([one_norm(onsets[:, k] - onsets[:, 0]) for k in range(1, MOST_REPEAT + 1)])
    repeat = np.ones(len(states), np.int64)
    for k in range(2, MOST_REPEAT + 1):
        repeat = np.where(MUCH * changes[k - 1] < changes[repeat - 1, np.arange(len(states))], k, repeat)
    return repeat


def fixed_points(cells: Paced, states: np.ndarray, repeat: np.ndarray, tolerance: float) -> FixedPoints:
    """Look for states that repeat after `repeat` beats, int64 (n,), from `states`, float64 (n, N), at an onset.

    It ends for a cell where the residual is below the tolerance, or stops falling.
    """
    n = len(states)
    found = FixedPoints(np.array(states), np.full(n, np.inf), np.full(n, np.nan), np.zeros(n, np.int64))
    for beats in np.unique(repeat):
        rows = np.flatnonzero(repeat == beats)
        for first in range(0, len(rows), AT_ONCE):
            _newton(cells, found, rows[first : first + AT_ONCE], int(beats), tolerance)
    return found


def _newton(cells: Paced, found: FixedPoints, going: np.ndarray, beats: int, tolerance: float) -> None:
    """Newton's method for the cells `going`, int64 (k,); what it comes to is put into `found`."""
    scale = 1.0 / np.array(cells.engine.kernel.INVERSE_SCALE)
    states, steps, shares = found.states[going], np.zeros((len(going), len(scale))), np.ones(len(going))
    for _ in range(MOST_STEPS):
        changes, derivatives = _linearised(cells.of(going), states, beats, DISTURBED * scale)
        found.beats[going] += beats
        residual = one_norm(changes)
        better = residual < found.residual[going]
        rows = going[better]
        found.states[rows], found.residual[rows] = states[better], residual[better]
        found.multiplier[rows] = [_multiplier(d) for d in derivatives[better]]
        for i in np.flatnonzero(better):
            steps[i] = _step(changes[i], derivatives[i], scale)
        shares = np.where(better, 1.0, 0.5 * shares)  # a step after which the state changes more was too long
        left = (found.residual[going] >= tolerance) & (shares > SMALLEST_SHARE)
        going, steps, shares = going[left], steps[left], shares[left]
        if not len(going):
            return
        states = found.states[going] + shares[:, None] * steps


def _linearised(cells: Paced, states: np.ndarray, beats: int, disturbed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How states change over so many beats, float64 (n, N), and the derivative of the states after them, (n, N, N)."""
    n, length = states.shape
    around = np.repeat(states[:, None], length + 1, axis=1)
    around[:, 1:] += np.diag(disturbed)
    runs = cells.of(np.repeat(np.arange(n), length + 1)).with_fields(start=0.0)
    after = runs.onsets(around.reshape(-1, length), beats)[0][:, -1].reshape(n, length + 1, length)
    derivatives = (after[:, 1:] - after[:, :1]) / disturbed[:, None]
    return after[:, 0] - states, np.moveaxis(derivatives, 1, 2)


def _step(change: np.ndarray, derivative: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """A step to where the state repeats, float64 (N,), at most so long; NaN if the cell has failed."""
    if not np.isfinite(derivative).all():
        return np.full(len(change), np.nan)
    scaled = (np.eye(len(change)) - derivative) * scale / scale[:, None]
    step = solve_conserving(scaled, change / scale, SINGULAR)
    return scale * step / max(1.0, np.abs(step).max() / LONGEST)


def _multiplier(derivative: np.ndarray) -> float:
    """See FixedPoints."""
    if not np.isfinite(derivative).all():
        return np.nan
    values = np.linalg.eigvals(derivative)
    return round(float(np.abs(values[np.abs(values - 1.0) > CONSERVED]).max(initial=0.0)), DIGITS)
