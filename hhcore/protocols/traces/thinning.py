"""Which samples of a time course a table keeps: few where every curve is straight, all where one bends."""

import itertools

import numpy as np

STILL = 1e-6  # of the size of a curve: a smaller range is rounding
FIRST_BLOCK = 64  # samples looked at together, four times as many where they all may go


def kept(time: np.ndarray, values: np.ndarray, bound: float) -> np.ndarray:
    """The samples to keep, increasing int64 (m,), with the first and the last one.

    time   : float64 (n,), increasing; where curves jump, twice the same, and both samples are kept
    values : float64 (n, k), k curves
    bound  : straight lines between kept samples leave no curve by more than this share of its range

    From each kept sample, the next one is the farthest that a straight line reaches, so far as all before it are
    reached too: the slopes that pass all samples between form an interval, which only shrinks: the
    cone intersection of Sklansky and Gonzalez (1980), doi:10.1016/0031-3203(80)90031-X.
    """
    off = bound * np.maximum(np.ptp(values, axis=0), STILL * np.abs(values).max(axis=0))
    starts = np.r_[0, np.flatnonzero(np.diff(time) <= 0) + 1, len(time)]
    pieces = [slice(*ends) for ends in itertools.pairwise(starts)]
    return np.concatenate([piece.start + _kept(time[piece], values[piece], off) for piece in pieces])


def _kept(time: np.ndarray, values: np.ndarray, off: np.ndarray) -> np.ndarray:
    """As `kept`, of curves without a jump, which straight lines may leave by `off`, float64 (k,)."""
    found, block = [0], FIRST_BLOCK
    while found[-1] < len(time) - 1:
        reached = _reach(time, values, off, found[-1], block)
        found.append(found[-1] + reached)
        block = max(FIRST_BLOCK, 2 * reached)
    return np.array(found)


def _reach(time: np.ndarray, values: np.ndarray, off: np.ndarray, first: int, block: int) -> int:
    """How many samples after `first` the next kept one comes; looks at a block of them, and at ever larger ones."""
    while True:
        later = slice(first + 1, first + 1 + block)
        span, rise = (time[later] - time[first])[:, None], values[later] - values[first]
        lowest = np.maximum.accumulate((rise - off) / span)
        highest = np.minimum.accumulate((rise + off) / span)
        missed = ((rise / span < lowest) | (rise / span > highest)).any(axis=1)
        if missed.any():
            return int(missed.argmax())
        if first + 1 + block >= len(time):
            return len(span)
        block *= 4
