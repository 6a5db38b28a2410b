"""The potential in pieces of a run of SciPy: when it crosses a level, its peaks, its spikes."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.integrate import OdeSolution
from scipy.optimize import brentq

EPS = np.finfo(float).eps


@dataclass(frozen=True)
class Piece:
    """The states from one edge to the next, by the integrator's dense output; what is commanded, by the command.

    potential : the number of that state; command : the potential under a clamp as a function of time, else None
    """

    solution: OdeSolution
    potential: int
    command: Callable[[float], float] | None

    def __call__(self, time: float) -> np.ndarray:
        """The states at a time: float64 (states,)."""
        y = self.solution(time)
        if self.command is not None:
            y[self.potential] = self.command(time)
        return y

    def above(self, level: float) -> Callable[[float, np.ndarray], float]:
        """By how much the potential exceeds a level: a function of time and the states."""
        command = self.command
        return (lambda t, y: y[self.potential] - level) if command is None else (lambda t, y: command(t) - level)


def state_at(pieces: list[Piece], time: float) -> np.ndarray:
    """The states at a time, float64 (states,)."""
    return next((piece for piece in pieces if time <= piece.solution.t_max), pieces[-1])(time)


def crossings(run, function: Callable[[float, np.ndarray], float], sign: int) -> list[float]:
    """When a function of time and state passes 0, upwards or downwards, in the steps of a run of solve_ivp.

    As with SciPy's own events, the states at the ends of a step tell whether it does, and the dense output when. SciPy
    gives up where that has no change of sign, since rounding made them differ; then it happens at one of the ends.
    """
    values = [sign * function(t, y) for t, y in zip(run.t, run.y.T, strict=True)]
    found = []
    for i, curve in enumerate(run.sol.interpolants):
        if values[i] <= 0 <= values[i + 1] and values[i] < values[i + 1]:
            ends = run.t[i], run.t[i + 1]
            inside = [sign * function(t, curve(t)) for t in ends]
            if inside[0] * inside[1] < 0:
                found.append(brentq(lambda t, curve=curve: function(t, curve(t)), *ends, xtol=4 * EPS, rtol=4 * EPS))
            else:
                found.append(min(zip(map(abs, inside), ends, strict=True))[1])
    # At the start it is the starting value, not a crossing.
    return [float(t) for t in found if t > run.t[0]]


def is_peak(pieces: list[Piece], time: float, potential: int, beside: float) -> bool:
    """Whether the potential is lower a little before and after, by more than rounding: a flat line has no peaks."""
    before, at, after = (state_at(pieces, time + side)[potential] for side in (-beside, 0.0, beside))
    return at > max(before, after) + 1e-12


def spikes(ups: list[float], downs: list[float], armed: bool) -> list[float]:
    """The upward crossings that follow a re-arming. `armed`: whether the neuron starts below the threshold."""
    spikes, since = [], -2.0
    for up in ups:
        if any(since < down < up for down in ([-1.0] if armed else []) + downs):
            spikes.append(up)
            since = up
    return spikes
