"""Hodgkin and Huxley's axon (1952) under voltage clamp in closed form: no solver, no compiler.

At a constant potential each gate is x_inf + (x_0 - x_inf) exp(-t / tau). Potentials in mV, times in ms, currents in
uA/cm^2, conductances in mS/cm^2.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.integrate import quad
from scipy.optimize import minimize_scalar

G = {"sodium": 120.0, "potassium": 36.0, "leak": 0.3}
E = {"sodium": 50.0, "potassium": -77.0, "leak": -54.387}


def rates(V: float) -> dict[str, tuple[float, float]]:
    """(alpha, beta) of each gate at a potential, from equations 12, 13, 20, 21, 23, 24 of the paper."""
    return {
        "m": (0.1 * _ratio(V + 40.0, 10.0), 4.0 * np.exp(-(V + 65.0) / 18.0)),
        "h": (0.07 * np.exp(-(V + 65.0) / 20.0), 1.0 / (1.0 + np.exp(-(V + 35.0) / 10.0))),
        "n": (0.01 * _ratio(V + 55.0, 10.0), 0.125 * np.exp(-(V + 65.0) / 80.0)),
    }


def _ratio(x: float, k: float) -> float:
    """x / (1 - exp(-x / k)), which is k at 0."""
    return k if x == 0.0 else x / -np.expm1(-x / k)


def steady(V: float) -> dict[str, float]:
    """The steady state of each gate."""
    return {gate: alpha / (alpha + beta) for gate, (alpha, beta) in rates(V).items()}


@dataclass(frozen=True)
class Segment:
    """One segment: its potential, its length, and the gates at its start."""

    V: float
    length: float
    gates: dict[str, float]

    def gate(self, name: str, t: float | np.ndarray) -> float | np.ndarray:
        """A gate at a time after the start."""
        alpha, beta = rates(self.V)[name]
        end = alpha / (alpha + beta)
        return end + (self.gates[name] - end) * np.exp(-(alpha + beta) * t)

    def conductance(self, channel: str) -> Callable:
        """Conductance of a channel as a function of the time after the start."""
        if channel == "sodium":
            return lambda t: G[channel] * self.gate("m", t) ** 3 * self.gate("h", t)
        if channel == "potassium":
            return lambda t: G[channel] * self.gate("n", t) ** 4
        return lambda t: G[channel] + 0.0 * t

    def current(self, channel: str) -> Callable:
        """Current of a channel as a function of the time after the start."""
        return lambda t: self.conductance(channel)(t) * (self.V - E[channel])

    def course(self, name: str) -> Callable:
        """What hhcore calls `name`: membrane.V, sodium.i, total, conductance(sodium.i)."""
        if name == "membrane.V":
            return lambda t: self.V + 0.0 * t
        one = self.conductance if name.startswith("conductance") else self.current
        channel = name.removeprefix("conductance(").rstrip(")").partition(".")[0]
        return (lambda t: sum(one(channel)(t) for channel in G)) if channel == "total" else one(channel)

    def extreme(self, course: Callable, sign: float) -> tuple[float, float]:
        """(value, time) of the highest point of a course, or of the lowest one for a sign of -1."""
        t = np.unique(self.length * np.r_[0.0, np.logspace(-6, 0, 2000), np.linspace(0.0, 1.0, 2000)])
        values = sign * (course(t) + 0.0 * t)
        i = int(values.argmax())
        if i in (0, len(t) - 1):
            return float(sign * values[i]), float(t[i])
        bounds = {"bounds": (t[i - 1], t[i + 1]), "method": "bounded", "options": {"xatol": 1e-12}}
        found = minimize_scalar(lambda x: -sign * course(x), **bounds)
        return float(course(found.x)), float(found.x)

    def outputs(self, name: str, begin: float) -> list[float]:
        """The row of hhcore.simulation.observers.outputs for a name."""
        course = self.course(name)
        high, low = self.extreme(course, 1.0), self.extreme(course, -1.0)
        pieces = itertools.pairwise(self.length * np.r_[0.0, np.logspace(-5, 0, 20)])  # gates change early in long ones
        area = sum(quad(course, *piece, epsabs=0.0, epsrel=1e-11)[0] for piece in pieces)
        ends = [float(course(0.0)), float(course(self.length))]
        return [begin, begin + self.length, *ends, high[0], begin + high[1], low[0], begin + low[1], area]


def clamped(holding: float, *segments: tuple[float, float]) -> list[Segment]:
    """The segments (potential, length) one after the other, from the steady state at the holding potential."""
    gates, found = steady(holding), []
    for V, length in segments:
        found.append(Segment(V, length, gates))
        gates = {name: float(found[-1].gate(name, length)) for name in gates}
    return found
