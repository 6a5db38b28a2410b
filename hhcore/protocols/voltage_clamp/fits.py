"""What electrophysiologists fit to clamped currents: Boltzmann functions and sums of exponentials.

Data that hold no answer, such as a flat line, have a status and no numbers.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from math import inf, nan

import numpy as np

from hhcore.protocols.voltage_clamp.separable import Fit, fits

FLAT = 1e-6  # of the largest value: a smaller range is a flat line
STARTS = 12  # midpoints, or time constants, to start from
ONE_IS_ENOUGH = 1e-4  # rms of what one exponential leaves, as a share of the range: below it there is no second one
POOR = 0.01  # the same of the chosen ones: above it they do not describe the course, unless what is left is noise
NOISE = 1.0  # Durbin and Watson's number, which is 2 of noise (1950, doi:10.1093/biomet/37.3-4.409): above it, noise
PAYS = 10.0  # by so much the second exponential must lower Akaike's criterion
LONGEST = 30.0  # of the time seen: a slower course is a straight line
DISTINCT = 1.2  # ratio of two time constants

FITTED = "fitted"
STATUS = {
    FITTED: "fitted",
    "few": "too few points",
    "flat": "a flat line",
    "rising": "it does not fall",
    "falling": "it does not rise",
    "outside": "the midpoint lies outside of the potentials",
    "unresolved": "the points do not determine the numbers",
    "poor": "one or two exponentials do not describe the course",
}
FIT_STATUS = "fitted, or why there is no fit: " + "; ".join(f"{word}: {why}" for word, why in [*STATUS.items()][1:])


@dataclass(frozen=True)
class Boltzmann:
    """y = bottom + (top - bottom) / (1 + exp(-(V - half) / slope))^power; it falls with V if `slope` is below 0.

    status : a word of STATUS; the numbers of a fit that is not `fitted` are NaN
    half   : V where the base of the power is 1/2; slope : width k, in the unit of V
    top, bottom : for V up to infinity and down to minus infinity if slope is above 0, else the other way round
    half_error, slope_error, top_error, bottom_error : standard errors; bottom_error is 0 where bottom is held at 0
    midpoint : V where y is half way from bottom to top; it is `half` if the power is 1
    rms    : root of the mean square of what is left
    """

    status: str
    half: float = nan
    slope: float = nan
    top: float = nan
    bottom: float = nan
    half_error: float = nan
    slope_error: float = nan
    top_error: float = nan
    bottom_error: float = nan
    rms: float = nan
    power: float = 1.0

    @property
    def midpoint(self) -> float:
        return self.half - self.slope * np.log(2.0 ** (1.0 / self.power) - 1.0)

    def __call__(self, V: np.ndarray) -> np.ndarray:
        """The fitted curve."""
        return self.bottom + (self.top - self.bottom) * boltzmann_curve(
            np.asarray(V), self.half, self.slope, self.power
        )


def boltzmann(
    V: np.ndarray, y: np.ndarray, *, rises: bool = True, power: float = 1.0, bottom: bool = False
) -> Boltzmann:
    """Fit a Boltzmann function to n points, float64 (n,) each; points that are NaN do not count.

    rises  : whether y rises with V, as activation does, or falls, as inactivation does
    power  : 3 for m^3 if half and slope are to be those of m
    bottom : whether the curve may end at another value than 0, as where inactivation is incomplete
    """
    known = np.isfinite(V) & np.isfinite(y)
    V, y = V[known], y[known]
    if len(np.unique(V)) <= 3 + bottom:
        return Boltzmann("few")
    if _is_flat(y):
        return Boltzmann("flat")
    sign, low, high = (1.0 if rises else -1.0), float(V.min()), float(V.max())
    span = high - low
    shortest = np.diff(np.unique(V)).min()

    def basis(shape: np.ndarray) -> np.ndarray:
        rise = boltzmann_curve(V, shape[0], sign * np.exp(shape[1]), power)
        return np.column_stack([rise, np.ones_like(rise)] if bottom else [rise])

    starts = itertools.product(np.linspace(low, high, STARTS), np.log(span * np.array([0.02, 0.06, 0.2])))
    bounds = (low - span, np.log(shortest / 100.0)), (high + span, np.log(10.0 * span))
    found = fits(basis, y, starts, *bounds)[0]
    half, slope = found.shape[0], sign * float(np.exp(found.shape[1]))
    errors = found.shape_errors[0], abs(slope) * found.shape_errors[1]
    base, base_error = (found.amplitudes[1], found.amplitude_errors[1]) if bottom else (0.0, 0.0)
    curve = Boltzmann(
        *(FITTED, float(half), slope, float(base + found.amplitudes[0]), float(base), *map(float, errors)),
        *(float(np.hypot(found.amplitude_errors[0], base_error)), float(base_error), found.rms, power),
    )
    resolved = errors[0] < span and errors[1] < abs(slope)
    inside = low <= curve.midpoint <= high
    if resolved and inside and abs(curve.top) > abs(curve.bottom):
        return curve
    if sign * np.sum((V - V.mean()) * np.abs(y)) <= 0:
        return Boltzmann("falling" if rises else "rising", power=power)
    return Boltzmann("unresolved" if inside else "outside", power=power)


def boltzmann_curve(V: np.ndarray, half: complex, slope: complex, power: float = 1.0) -> np.ndarray:
    """1 / (1 + exp(-(V - half) / slope))^power without overflow, for complex numbers too: float64 or complex like V."""
    x = (V - half) / slope
    e = np.exp(np.where(x.real > 0, -x, x))
    return np.where(x.real > 0, 1.0, e) ** power / (1.0 + e) ** power


@dataclass(frozen=True)
class Exponentials:
    """y = end + sum of amplitude exp(-t / tau), of two that with the larger amplitude first; or the rise to a power.

    A rise is y = end (1 - b exp(-t / tau))^power, which has the amplitude y - end at t = 0.

    status     : a word of STATUS; without a fit, the lists are empty and the numbers NaN
    tau, tau_errors, amplitude, amplitude_errors : one or two numbers each, with standard errors
    end, end_error : what the course tends to
    rms        : root of the mean square of what is left
    power      : of a rise, as n^4 has it; 1 of sums
    """

    status: str
    tau: tuple[float, ...] = ()
    tau_errors: tuple[float, ...] = ()
    amplitude: tuple[float, ...] = ()
    amplitude_errors: tuple[float, ...] = ()
    end: float = nan
    end_error: float = nan
    rms: float = nan
    power: float = 1.0

    def __call__(self, t: np.ndarray) -> np.ndarray:
        """The fitted course."""
        t = np.asarray(t, dtype=np.float64)
        if self.power != 1.0:
            b = 1.0 - (1.0 + self.amplitude[0] / self.end) ** (1.0 / self.power)
            return self.end * (1.0 - b * np.exp(-t / self.tau[0])) ** self.power
        return self.end + sum(a * np.exp(-t / tau) for a, tau in zip(self.amplitude, self.tau, strict=True))


def exponentials(t: np.ndarray, y: np.ndarray, most: int = 2) -> Exponentials:
    """Fit one exponential to n points, float64 (n,) each, or two where Akaike's criterion asks for them.

    t    : times from 0 on, in any spacing
    most : the most exponentials
    """
    return _described(t, y, lambda t, y: _one_or_two(t, y, most))


def rise(t: np.ndarray, y: np.ndarray, power: float) -> Exponentials:
    """Fit end (1 - b exp(-t / tau))^power, 0 <= b <= 1, to n points, float64 (n,) each: m^3 or n^4 that open.

    t : times from 0 on, in any spacing
    """
    return _described(t, y, lambda t, y: _rise(t, y, power))


def _described(t: np.ndarray, y: np.ndarray, fitted: Callable[[np.ndarray, np.ndarray], Exponentials]) -> Exponentials:
    """What is fitted to the points that are known, if they hold an answer and it describes them."""
    known = np.isfinite(t) & np.isfinite(y)
    t, y = t[known], y[known]
    if len(t) < 2 * 1 + 2:
        return Exponentials("few")
    if _is_flat(y):
        return Exponentials("flat")
    found = fitted(t, y)
    if found.status != FITTED:
        return found
    poor = found.rms > POOR * np.ptp(y) and _durbin_watson(y - found(t)) < NOISE
    return Exponentials("poor") if poor else found


def _rise(t: np.ndarray, y: np.ndarray, power: float) -> Exponentials:
    def basis(shape: np.ndarray) -> np.ndarray:
        return (1.0 - shape[1] * np.exp(-t[:, None] / np.exp(shape[0]))) ** power

    shortest, longest, starts = _time_constants(t)
    begins = itertools.product(starts, (0.2, 0.6, 0.9))
    found = fits(basis, y, begins, [shortest, 0.0], [longest, 1.0])[0]
    (tau, b), (end,) = (np.exp(found.shape[0]), found.shape[1]), found.amplitudes
    error = tau * found.shape_errors[0]
    if not error < tau or tau > LONGEST * np.ptp(t):
        return Exponentials("unresolved")
    fraction, end_error = (1.0 - b) ** power - 1.0, found.amplitude_errors[0]
    slope = power * (1.0 - b) ** (power - 1.0)
    amplitude_error = np.hypot(fraction * end_error, end * slope * found.shape_errors[1])
    lists = ((float(x),) for x in (tau, error, end * fraction, amplitude_error))
    return Exponentials(FITTED, *lists, float(end), float(end_error), found.rms, power)


def _one_or_two(t: np.ndarray, y: np.ndarray, most: int) -> Exponentials:
    """Two exponentials if Akaike's criterion says so and the points tell them apart, else one."""
    one = _exponentials(t, y, 1)[0]
    if most < 2 or len(t) < 2 * 2 + 2 or one.rms < ONE_IS_ENOUGH * np.ptp(y):
        return _resolved(one, t)
    enough = _akaike(one.rms, len(t), 3) - PAYS
    better = (_resolved(two, t) for two in _exponentials(t, y, 2) if _akaike(two.rms, len(t), 5) < enough)
    return next((two for two in better if two.status == FITTED), _resolved(one, t))


def _exponentials(t: np.ndarray, y: np.ndarray, count: int) -> list[Fit]:
    """Fits of so many exponentials and a constant, the best first; their shapes are logarithms of time constants."""

    def basis(shape: np.ndarray) -> np.ndarray:
        decays = np.exp(-t[:, None] / np.exp(shape)[None, :])
        return np.column_stack([decays, np.ones(len(t))])

    shortest, longest, starts = _time_constants(t)
    return fits(basis, y, itertools.combinations(starts, count), [shortest] * count, [longest] * count)


def _time_constants(t: np.ndarray) -> tuple[float, float, np.ndarray]:
    """Logarithms of the shortest and the longest time constant, and of those to start from, float64 (STARTS,)."""
    step, span = float(np.diff(np.unique(t)).min()), float(np.ptp(t))
    starts = np.linspace(np.log(max(step, 1e-4 * span)), np.log(2.0 * span), STARTS)
    return np.log(max(step, 1e-6 * span) / 10.0), np.log(100.0 * span), starts


def _resolved(found: Fit, t: np.ndarray) -> Exponentials:
    """The fit in words, if the points determine it."""
    order, tau = np.argsort(-np.abs(found.amplitudes[:-1])), np.exp(found.shape)
    errors = tau * found.shape_errors
    unclear = not np.isfinite(errors).all() or (errors > tau).any() or tau.max() > LONGEST * np.ptp(t)
    if unclear or (len(tau) > 1 and tau.max() < DISTINCT * tau.min()):
        return Exponentials("unresolved")
    columns = (tau, errors, found.amplitudes[:-1], found.amplitude_errors[:-1])
    lists = (tuple(column[order].tolist()) for column in columns)
    return Exponentials(FITTED, *lists, float(found.amplitudes[-1]), float(found.amplitude_errors[-1]), found.rms)


def _durbin_watson(rest: np.ndarray) -> float:
    """Mean square of the steps from point to point over that of the points: near 0 if what is left is a curve."""
    return float(np.sum(np.diff(rest) ** 2) / np.sum(rest**2))


def _akaike(rms: float, n: int, numbers: int) -> float:
    """Akaike's criterion for n points, corrected for few of them."""
    if n <= numbers + 2:
        return inf
    p = numbers + 1  # the size of the errors is one more
    return 2 * n * np.log(max(rms, 1e-300)) + 2 * p * n / (n - p - 1)


def _is_flat(y: np.ndarray) -> bool:
    return bool(np.ptp(y) <= FLAT * np.abs(y).max())
