"""Hill curves of an effect: a feature against the dose of a treatment, fitted by least squares."""

import itertools
from dataclasses import dataclass
from math import nan

import numpy as np

from hhcore.protocols.voltage_clamp.fits import FITTED, boltzmann_curve
from hhcore.protocols.voltage_clamp.separable import Fit, fits

MARGIN = 10.0  # an effect has so many times the spread of the feature's error
POOR = 0.05  # of the range: a Hill curve that leaves more as its rms does not describe the effect
SLOPES = (0.5, 1.0, 2.0, 5.0)  # Hill coefficients to start from
STEEPEST = 100.0  # Hill coefficient: what is steeper is a jump

STATUS = {
    FITTED: "fitted",
    "few": "fewer doses above 0 have a value than a fit needs: four, or five without a control",
    "flat": "no effect beyond the error of the feature",
    "outside": "half of the effect lies outside of the doses",
    "unresolved": "the points do not determine the numbers",
    "poor": "a Hill curve does not describe the effect: it jumps or turns back",
}
SHORT = {  # for legends
    "few": "fewer than four doses",
    "few without a control": "fewer than five doses",
    "flat": "no effect",
    "outside": "half of the effect is outside of the doses",
    "unresolved": "the points leave it open",
    "poor": "the effect jumps or turns back",
}
FIT_STATUS = "fitted, or why there is no fit: " + "; ".join(f"{word}: {why}" for word, why in [*STATUS.items()][1:])


@dataclass(frozen=True)
class Hill:
    """y = at_zero + (at_infinity - at_zero) / (1 + (half / dose)^slope).

    status : a word of STATUS; the numbers of a fit that is not `fitted` are NaN
    half   : the dose of half the effect, its IC50; slope : Hill coefficient
    ..._error : standard errors, of the fit and of the errors of the points; that of at_zero is 0 where it is a control
    rms    : root of the mean square of what the fit leaves
    """

    status: str
    half: float = nan
    half_error: float = nan
    slope: float = nan
    slope_error: float = nan
    at_zero: float = nan
    at_zero_error: float = nan
    at_infinity: float = nan
    at_infinity_error: float = nan
    rms: float = nan

    def __call__(self, dose: np.ndarray) -> np.ndarray:
        """The curve at doses from 0 on, float64 (n,)."""
        with np.errstate(divide="ignore"):
            log = np.log(np.asarray(dose, dtype=np.float64))
        rise = boltzmann_curve(log, np.log(self.half), 1.0 / self.slope)
        return self.at_zero + (self.at_infinity - self.at_zero) * rise


def hill(dose: np.ndarray, y: np.ndarray, error: np.ndarray | float = 0.0) -> Hill:
    """Fit a Hill curve to n points, float64 (n,) each; points that are NaN do not count.

    dose  : from 0 on; a value at 0 is the control, which the curve goes through; without one its start is fitted too
    error : of each point, such as the certified one of a feature; one that is not known counts as 0
    """
    known = np.isfinite(dose) & np.isfinite(y)
    error = np.nan_to_num(np.broadcast_to(error, y.shape)[known])
    dose, y = dose[known], y[known]
    above, controls = dose > 0, y[dose == 0]
    if len(np.unique(dose[above])) < (4 if controls.size else 5):
        return Hill("few")
    spread = float(np.sqrt(np.mean(error**2)))
    if np.ptp(y) <= max(MARGIN * spread, 1e-12 * np.abs(y).max()):
        return Hill("flat")
    control = float(controls.mean()) if controls.size else None
    return _judged(np.log(dose[above]), y[above], control, spread)


def _judged(log: np.ndarray, y: np.ndarray, control: float | None, spread: float) -> Hill:
    """The fit of y at the logarithms of doses, if the points determine it and it describes them."""
    fit = _fit(log, y, control)
    free = control is None
    if fit.rms > POOR * np.ptp(y if free else np.append(y, control)):
        return Hill("poor")
    if not fit.shape_errors.max() < 1.0:  # a factor of e
        return Hill("unresolved")
    if not log.min() <= fit.shape[0] <= log.max():
        return Hill("outside")
    larger = _larger(fit, len(y), spread if free else np.sqrt(2.0) * spread)
    (half, slope), errors = np.exp(fit.shape), larger * fit.shape_errors
    ends, end_errors = fit.amplitudes, larger * fit.amplitude_errors
    begin = (ends[1], end_errors[1]) if free else (control, 0.0)
    end = ends[0] if free else control + ends[0]
    numbers = (half, half * errors[0], slope, slope * errors[1], *begin, end, end_errors[0], fit.rms)
    return Hill(FITTED, *map(float, numbers))


def _fit(log: np.ndarray, y: np.ndarray, control: float | None) -> Fit:
    """Shapes are the logarithms of half and slope, amplitudes the plateaus, or the one at infinity over the control."""

    def basis(shape: np.ndarray) -> np.ndarray:
        rise = boltzmann_curve(log, shape[0], np.exp(-shape[1]))
        return np.column_stack([rise, 1.0 - rise] if control is None else [rise])

    low, high = float(log.min()), float(log.max())
    begin = y[log.argmin()] if control is None else control
    nearest = float(log[np.abs(y - (begin + y[log.argmax()]) / 2.0).argmin()])  # to half of the effect
    starts = itertools.product({nearest, (low + high) / 2.0}, np.log(SLOPES))
    bounds = (low - (high - low), -np.log(STEEPEST)), (high + (high - low), np.log(STEEPEST))
    return fits(basis, y - (control or 0.0), starts, *bounds)[0]


def _larger(fit: Fit, n: int, spread: float) -> float:
    """How much larger standard errors are that know the errors of the n points besides what the fit leaves.

    With residuals of the variance s^2, errors of the variance e^2 make them sqrt(1 + e^2 / s^2) as large.
    """
    left = fit.rms * np.sqrt(n / (n - len(fit.shape) - len(fit.amplitudes)))
    return float(np.hypot(1.0, spread / left)) if left > 0 else 1.0
