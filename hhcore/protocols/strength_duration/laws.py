"""Two laws of strength and duration, fitted to thresholds.

Weiss (1901): the charge at threshold is a straight line of the width w, so that I = rheobase (1 + chronaxie / w).
Lapicque (1907), as a membrane of one time constant has it: I = rheobase / (1 - exp(-w / tau)).
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import log

import numpy as np

LEAST = 3  # thresholds: two numbers are fitted
STARTS = 241  # times that are tried first, evenly spaced in their logarithm
BEYOND = log(1e3)  # so far beyond the widths they go
ROUNDS = 40  # of Gauss and Newton; a few are enough
Curve = Callable[[np.ndarray], np.ndarray]  # the logarithm of I / rheobase, as a function of log(w / time)


@dataclass(frozen=True)
class Fit:
    """A law fitted to the thresholds of n neurons; NaN where these do not determine it.

    They do not where there are fewer than three, and where the best time is beyond all widths, as with a charge that is
    the same at all of them.

    rheobase : float64 (n,), in the unit of the thresholds
    time     : float64 (n,), chronaxie of Weiss, tau of Lapicque, in the unit of the widths
    fitted   : float64 (n, w), the law at the widths
    rms, worst : float64 (n,), of what the law is off, as a share of the threshold
    """

    rheobase: np.ndarray
    time: np.ndarray
    fitted: np.ndarray
    rms: np.ndarray
    worst: np.ndarray


def _weiss(x: np.ndarray) -> np.ndarray:
    return np.log1p(np.exp(-x))


def _weiss_slope(x: np.ndarray) -> np.ndarray:
    return -1.0 / (1.0 + np.exp(x))


def _lapicque(x: np.ndarray) -> np.ndarray:
    return -np.log(-np.expm1(-np.exp(x)))


def _lapicque_slope(x: np.ndarray) -> np.ndarray:
    ratio = np.exp(np.minimum(x, 6.0))  # beyond it the slope is 0 in all digits
    return -ratio / np.expm1(ratio)


def weiss(widths: np.ndarray, thresholds: np.ndarray) -> Fit:
    """Fit Weiss's law. widths : float64 (w,); thresholds : float64 (n, w) of one sign, or NaN"""
    return _fit(_weiss, _weiss_slope, widths, thresholds)


def lapicque(widths: np.ndarray, thresholds: np.ndarray) -> Fit:
    """Fit Lapicque's law, as `weiss`."""
    return _fit(_lapicque, _lapicque_slope, widths, thresholds)


def _fit(curve: Curve, slope: Curve, widths: np.ndarray, thresholds: np.ndarray) -> Fit:
    """Least squares of the logarithms, so that all widths count alike.

    The logarithm of the rheobase is linear: its best value is a mean. So one number is searched, the time.
    """
    sizes = np.where((thresholds != 0) & np.isfinite(thresholds), np.abs(thresholds), np.nan)
    known = np.isfinite(sizes)
    y, w = np.log(np.where(known, sizes, 1.0)), np.log(widths)
    weight = known / np.maximum(known.sum(axis=1), 1)[:, None]

    def left(time: np.ndarray) -> np.ndarray:
        """What the law leaves at a time for each neuron, centred, float64 (n, w)."""
        rest = np.where(known, y - curve(w - time[:, None]), 0.0)
        return np.where(known, rest - (weight * rest).sum(axis=1)[:, None], 0.0)

    times = np.linspace(w.min() - BEYOND, w.max() + BEYOND, STARTS)
    squares = np.array([(left(np.full(len(y), time)) ** 2).sum(axis=1) for time in times])
    best, step = squares.argmin(axis=0), times[1] - times[0]
    time = times[best]
    for _ in range(ROUNDS):
        by_time = np.where(known, slope(w - time[:, None]), 0.0)  # the residual grows by it as the time does
        by_time = np.where(known, by_time - (weight * by_time).sum(axis=1)[:, None], 0.0)
        steep = (by_time**2).sum(axis=1)
        change = (by_time * left(time)).sum(axis=1) / np.where(steep > 0, steep, np.inf)
        time = np.clip(time - change, times[best] - step, times[best] + step)
    scale = np.exp((weight * np.where(known, y - curve(w - time[:, None]), 0.0)).sum(axis=1))
    determined = (known.sum(axis=1) >= LEAST) & (best > 0) & (best < STARTS - 1)
    scale, time = np.where(determined, scale, np.nan), np.where(determined, np.exp(time), np.nan)
    fitted = scale[:, None] * np.exp(curve(w - np.log(time)[:, None]))
    off = np.where(known, fitted / np.where(known, sizes, 1.0) - 1.0, 0.0)
    sign = np.where((thresholds < 0).any(axis=1), -1.0, 1.0)
    rms, worst = np.sqrt((weight * off**2).sum(axis=1)), np.abs(off).max(axis=1)
    missing = np.where(determined, 0.0, np.nan)
    return Fit(sign * scale, time, sign[:, None] * fitted, rms + missing, worst + missing)
