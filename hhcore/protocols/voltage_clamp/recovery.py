"""Recovery from inactivation: what a second pulse evokes, against the gap after the first."""

from collections.abc import Mapping

import numpy as np

from hhcore.figures.titles import with_error
from hhcore.protocols.voltage_clamp.curves import Fields
from hhcore.protocols.voltage_clamp.fits import FIT_STATUS, FITTED, STATUS, Exponentials, exponentials
from hhcore.protocols.voltage_clamp.fitted import Fitted
from hhcore.protocols.voltage_clamp.protocol import VoltageClamp
from hhcore.protocols.voltage_clamp.recorded import Recorded

EXPONENTIAL: Fields = {
    "tau_ms": ("ms", "time constant of recovery: end - amplitude exp(-gap / tau) is fitted"),
    "tau_error_ms": ("ms", "standard error of the time constant"),
    "end": ("1", "fraction after an infinite gap"),
    "end_error": ("1", "standard error of the end"),
    "amplitude": ("1", "fraction that recovers"),
    "amplitude_error": ("1", "standard error of the amplitude"),
    "rms": ("1", "root of the mean square of what the fit leaves"),
    "fit_status": ("1", FIT_STATUS),
}


class Recovery(Fitted):
    """Peak in a second segment over that in the first, against the gap between."""

    name = "recovery"
    title = "Recovery from inactivation"
    fits = EXPONENTIAL
    fitted = "fraction"
    from_zero = False

    @staticmethod
    def segments(protocol: VoltageClamp) -> tuple[str, ...]:
        return protocol.recovery

    @property
    def quantity(self) -> str:
        return f"{self.protocol.recovery[1]}.duration"

    def points(self, recorded: Recorded, x: np.ndarray) -> dict[str, np.ndarray]:
        p = self.protocol
        first, second = (self.curves.rows(recorded.peak(p.index(p.recovery[i]), p.current)[0]) for i in (0, 2))
        with np.errstate(all="ignore"):
            return {"fraction": np.where(first != 0.0, second / first, np.nan)}

    @property
    def fields(self) -> Fields:
        first, _, second = self.protocol.recovery
        return {
            "fraction": ("1", f"peak of {self.protocol.current} in {second!r} over that in {first!r}"),
            "fitted": ("1", "the fitted function there; null without a fit"),
        }

    @property
    def label(self) -> str:
        return f"Fraction recovered of {self.protocol.current}"

    def words(self, fit: Mapping[str, object]) -> str:
        if fit["fit_status"] != FITTED:
            return f"no fit: {STATUS[fit['fit_status']]}"
        return f"time constant {with_error(fit['tau_ms'], fit['tau_error_ms'])} ms"

    def fit(self, x: np.ndarray, y: np.ndarray) -> Exponentials:
        return exponentials(x, y, most=1)

    def numbers(self, fit: Exponentials) -> dict[str, object]:
        ms, nothing = self.experiment.model.ms, (np.nan,)
        return {
            "tau_ms": (fit.tau or nothing)[0] * ms,
            "tau_error_ms": (fit.tau_errors or nothing)[0] * ms,
            "end": fit.end,
            "end_error": fit.end_error,
            "amplitude": -(fit.amplitude or nothing)[0],
            "amplitude_error": (fit.amplitude_errors or nothing)[0],
            "rms": fit.rms,
            "fit_status": fit.status,
        }

    def function(self, fit: Mapping[str, float], x: np.ndarray) -> np.ndarray:
        course = Exponentials(FITTED, (fit["tau_ms"],), amplitude=(-fit["amplitude"],), end=fit["end"])
        return course(x * self.experiment.model.ms)
