"""Activation and inactivation: conductance and current against a potential, by Boltzmann functions."""

from collections.abc import Mapping

import numpy as np

from hhcore.base.units import column_name
from hhcore.figures.titles import with_error
from hhcore.protocols.voltage_clamp.current_voltage import chord_conductance, reversal_potential
from hhcore.protocols.voltage_clamp.curves import Fields
from hhcore.protocols.voltage_clamp.fits import FIT_STATUS, FITTED, STATUS, Boltzmann, boltzmann
from hhcore.protocols.voltage_clamp.fitted import Fitted
from hhcore.protocols.voltage_clamp.protocol import VoltageClamp, potential_of
from hhcore.protocols.voltage_clamp.recorded import Recorded

BOLTZMANN: Fields = {
    "half_mV": ("mV", "V₁/₂ of the Boltzmann function bottom + (top - bottom) / (1 + exp(-(V - V₁/₂) / k))^power"),
    "half_error_mV": ("mV", "standard error of V₁/₂"),
    "slope_mV": ("mV", "k of the Boltzmann function, below 0 if it falls"),
    "slope_error_mV": ("mV", "standard error of k"),
    "top": ("1", "its upper end, over the largest value of the curve"),
    "top_error": ("1", "standard error of the upper end"),
    "bottom": ("1", "its lower end, likewise; 0 of activation"),
    "bottom_error": ("1", "standard error of the lower end"),
    "power": ("1", "power of the Boltzmann function, as the config gives it"),
    "midpoint_mV": ("mV", "potential half way from bottom to top; V₁/₂ if the power is 1"),
    "rms": ("1", "root of the mean square of what the fit leaves"),
    "fit_status": ("1", FIT_STATUS),
}


class Gating(Fitted):
    """What is normalised to the largest value of its curve, against a potential, by a Boltzmann function."""

    fits = BOLTZMANN

    @property
    def quantity(self) -> str:
        return potential_of(self.experiment.stimulus, self.segments(self.protocol)[0])

    @property
    def whole(self) -> str:
        """The column that is normalised."""
        raise NotImplementedError

    def of_curves(self, points: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {f"largest_{self.whole}": _largest(points[self.whole])[:, 0]}

    @property
    def fit_fields(self) -> Fields:
        unit, _ = self.fields[self.whole]
        return self.fits | {f"largest_{self.whole}": (unit, "value of the curve that is farthest from 0")}

    def numbers(self, fit: Boltzmann) -> dict[str, object]:
        mV = self.experiment.model.mV
        numbers = {name: getattr(fit, name) for name in ("top", "top_error", "bottom", "bottom_error", "power", "rms")}
        potentials = {
            f"{name}_mV": mV * getattr(fit, name) for name in ("half", "half_error", "slope", "slope_error", "midpoint")
        }
        return numbers | potentials | {"fit_status": fit.status}

    def function(self, fit: Mapping[str, float], x: np.ndarray) -> np.ndarray:
        numbers = (fit[name] for name in ("half_mV", "slope_mV", "top", "bottom"))
        return Boltzmann(FITTED, *numbers, power=fit["power"])(x * self.experiment.model.mV)

    def words(self, fit: Mapping[str, object]) -> str:
        if fit["fit_status"] != FITTED:
            return f"no fit: {STATUS[fit['fit_status']]}"
        half, slope = (with_error(fit[f"{name}_mV"], fit[f"{name}_error_mV"]) for name in ("half", "slope"))
        return f"V₁/₂ = {half} mV, k = {slope} mV" + (f", power {fit['power']:g}" if fit["power"] != 1 else "")


class Activation(Gating):
    """Peak conductance in the test segment against its potential."""

    name = "activation"
    title = "Activation"
    fitted = "normalised_conductance"

    @staticmethod
    def segments(protocol: VoltageClamp) -> tuple[str, ...]:
        return protocol.activation

    def points(self, recorded: Recorded, x: np.ndarray) -> dict[str, np.ndarray]:
        p, (segment,) = self.protocol, map(self.protocol.index, self.protocol.activation)
        peak = self.curves.rows(recorded.peak(segment, p.current)[0])
        if p.current in p.linear:
            conductance = self.curves.rows(recorded.peak(segment, p.conductance(p.current))[0])
        else:
            both_ways = self.curves.rows(recorded.both_ways(segment, p.current))
            conductance = np.array([self._chord(*curve) for curve in zip(x, peak, both_ways, strict=True)])
        return {self.peak: peak, self.whole: conductance, self.fitted: _normalised(conductance)}

    def _chord(self, V: np.ndarray, current: np.ndarray, both_ways: np.ndarray) -> np.ndarray:
        """The conductance of one curve, float64 (length,) each, from its reversal potential."""
        known = self.protocol.reversal
        reversal = reversal_potential(V, current, both_ways) if known is None else known
        return chord_conductance(V, current, reversal, self.experiment.model.mV)

    @property
    def peak(self) -> str:
        """The column of the peak current."""
        return column_name("peak_current", self.protocol.unit)

    @property
    def whole(self) -> str:
        return column_name("peak_conductance", self.protocol.conductance_unit)

    @property
    def fields(self) -> Fields:
        p = self.protocol
        chord = "peak current / (V - reversal potential), the current being no straight line of the potential"
        how = "largest conductance in the segment" if p.current in p.linear else chord
        return {
            self.peak: (p.unit, f"peak of {p.current} in the segment: its extreme that is farther from 0"),
            self.whole: (p.conductance_unit, how),
            self.fitted: ("1", "conductance over the largest one of the curve, g/g_max"),
            "fitted": ("1", "the fitted function there; null without a fit"),
        }

    @property
    def label(self) -> str:
        return f"Normalised conductance g/gₘₐₓ of {self.protocol.current}"

    def fit(self, x: np.ndarray, y: np.ndarray) -> Boltzmann:
        return boltzmann(x, y, power=self.protocol.power)


class Inactivation(Gating):
    """Peak current in the test segment against the conditioning potential."""

    name = "inactivation"
    title = "Inactivation"
    fitted = "normalised_peak_current"

    @staticmethod
    def segments(protocol: VoltageClamp) -> tuple[str, ...]:
        return protocol.inactivation

    def points(self, recorded: Recorded, x: np.ndarray) -> dict[str, np.ndarray]:
        p = self.protocol
        peak = self.curves.rows(recorded.peak(p.index(p.inactivation[1]), p.current)[0])
        return {self.whole: peak, self.fitted: _normalised(peak)}

    @property
    def whole(self) -> str:
        return column_name("peak_current", self.protocol.unit)

    @property
    def fields(self) -> Fields:
        p = self.protocol
        words = f"peak of {p.current} in the segment {p.inactivation[1]!r}: its extreme that is farther from 0"
        return {
            self.whole: (p.unit, words),
            self.fitted: ("1", "peak current over the largest one of the curve"),
            "fitted": ("1", "the fitted function there; null without a fit"),
        }

    @property
    def label(self) -> str:
        return f"Normalised peak current of {self.protocol.current}"

    def fit(self, x: np.ndarray, y: np.ndarray) -> Boltzmann:
        return boltzmann(x, y, rises=False, bottom=True)


def _largest(values: np.ndarray) -> np.ndarray:
    """The value of each curve that is farthest from 0, float64 (curves, 1), of values (curves, length)."""
    size = np.where(np.isfinite(values), np.abs(values), -1.0)
    return np.take_along_axis(values, size.argmax(axis=1)[:, None], axis=1)


def _normalised(values: np.ndarray) -> np.ndarray:
    """Each value, float64 (curves, length), over the one of its curve that is farthest from 0."""
    largest = _largest(values)
    with np.errstate(all="ignore"):
        return np.where(largest != 0.0, values / largest, 0.0 * values)
