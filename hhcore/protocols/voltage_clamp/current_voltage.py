"""Numbers of current-voltage curves: where they cross zero, and what conductance they show; and the window current."""

from math import nan

import numpy as np

from hhcore.protocols.voltage_clamp.fits import Boltzmann

NEAR = 2  # points on either side of a crossing that the curve through it goes by
AGREE = 0.1  # of their distance: so well must a straight line agree with this curve
BESIDE = 1.0  # mV around the reversal potential, where a quotient says nothing of a conductance
SAMPLES = 200  # of a window current


def reversal_potential(V: np.ndarray, current: np.ndarray, both_ways: np.ndarray | None = None) -> float:
    """Where a current-voltage curve, float64 (n,) each, changes its sign; NaN if it never does, or is unclear.

    both_ways : bool (n,), where a current flows inward and outward, and `current` is the larger of its peaks: a change
                of sign beside such a point is a jump from one peak to the other, and no reversal

    Of several crossings the steepest counts: below its activation a current is so small that rounding decides its sign.
    Between the points goes a polynomial through up to four of them; so a straight line is met exactly. Where current
    rises steeply, it is far from the straight line between the two points, and neither is to be trusted.
    """
    from scipy.optimize import brentq  # here, since every job finds this room

    known = np.flatnonzero(np.isfinite(V) & np.isfinite(current))
    order = known[np.argsort(V[known])]
    jumps = jumping(current[order], (np.zeros(len(V), bool) if both_ways is None else both_ways)[order])
    V, current = V[order], current[order]
    crossings = np.flatnonzero((np.sign(current[1:]) * np.sign(current[:-1]) <= 0) & ~jumps)
    crossings = crossings[current[crossings] != current[crossings + 1]]
    if not crossings.size:
        return nan
    i = int(max(crossings, key=lambda i: abs(current[i + 1] - current[i]) / (V[i + 1] - V[i])))
    near = slice(max(0, i + 1 - NEAR), i + 1 + NEAR)
    if 0.0 in (current[i], current[i + 1]):
        return float(V[i] if current[i] == 0.0 else V[i + 1])
    width = float(V[i + 1] - V[i])
    curve = np.polynomial.Polynomial.fit(V[near] - V[i], current[near], len(V[near]) - 1)
    if curve(0.0) * curve(width) >= 0:
        return nan
    at, straight = brentq(curve, 0.0, width, xtol=1e-12 * width), width * current[i] / (current[i] - current[i + 1])
    return float(V[i] + at) if abs(at - straight) < AGREE * width else nan


def jumping(peak: np.ndarray, both_ways: np.ndarray) -> np.ndarray:
    """Whether a curve of peaks, (n,) each, jumps between two points from inward to outward or back, bool (n - 1,).

    both_ways : bool, where the current flows inward and outward
    """
    return (peak[1:] * peak[:-1] < 0) & (both_ways[1:] | both_ways[:-1])


def chord_conductance(V: np.ndarray, current: np.ndarray, reversal: float, mV: float = 1.0) -> np.ndarray:
    """current / (V - reversal), float64 (n,); NaN near the reversal potential, where both are small.

    mV : millivolts in the unit of V
    """
    driving = V - reversal
    with np.errstate(all="ignore"):
        return np.where(np.abs(driving) * mV > BESIDE, current / driving, np.nan)


def window(activation: Boltzmann, inactivation: Boltzmann) -> tuple[np.ndarray, np.ndarray]:
    """(V, gates) of the window: potentials, float64 (k,), and both curves there, float64 (2, k), each from 0 to 1.

    Their product is the open probability. V goes from ten slopes below both midpoints to ten slopes above.
    """
    low, high = _range(activation, inactivation)
    V = np.linspace(low, high, SAMPLES)
    return V, _gates(activation, inactivation, V)


def _gates(activation: Boltzmann, inactivation: Boltzmann, V: np.ndarray) -> np.ndarray:
    """Both curves at potentials V, float64 (2, k), each from 0 to 1.

    The lower end of inactivation is left out: what never inactivates flows at all potentials, not in a window.
    """
    available = (inactivation(V) - inactivation.bottom) / (inactivation.top - inactivation.bottom)
    return np.array([activation(V) / activation.top, available])


def window_peak(activation: Boltzmann, inactivation: Boltzmann) -> tuple[float, float]:
    """(potential, height) of the highest point of the window."""
    from scipy.optimize import minimize_scalar  # here, since every job finds this room

    V, gates = window(activation, inactivation)
    i = int(np.clip(gates.prod(axis=0).argmax(), 1, len(V) - 2))
    settings = {"bounds": (V[i - 1], V[i + 1]), "method": "bounded", "options": {"xatol": 1e-10}}
    found = minimize_scalar(lambda v: -_gates(activation, inactivation, v).prod(), **settings)
    return float(found.x), float(-found.fun)


def _range(*curves: Boltzmann) -> tuple[float, float]:
    halves, width = [curve.half for curve in curves], 10.0 * max(abs(curve.slope) for curve in curves)
    return min(halves) - width, max(halves) + width
