"""What every peer is asked: the grid, the start, the spike times of the reference, and the error against them.

Hodgkin-Huxley 1952, constant current from t = 0. A second, stiff problem is for our own schemes alone: one beat of the
ventricular cell of ten Tusscher and Panfilov 2006. Only numpy is needed here, since each peer runs in a process of its
own.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

DURATION_MS = 1000.0
AMPLITUDES = np.array([7.0, 8.5, 10.0, 15.0, 20.0, 30.0, 40.0])  # uA/cm^2, where the error is measured
TARGETS_US = (100.0, 10.0, 1.0)
FINER_US = (*TARGETS_US, 0.1)  # of peers that come there within the time of a search
FINEST_US = (*FINER_US, 0.01, 0.001)  # of our own schemes
PULSES, WIDTH_MS = np.array([45.0, 52.0, 60.0, 70.0]), 1.0  # A/F at t = 0: one beat of the ventricular cell each
PROBLEMS = {"textbook": AMPLITUDES, "resting": AMPLITUDES, "beat": PULSES}
V, M, H, N = START = (-65.0, 0.05, 0.6, 0.32)  # as textbooks start: mV, gates m, h, n
STATES = ("membrane.V", "sodium.m", "sodium.h", "potassium.n")
STENCIL = np.arange(-2, 4)  # samples around a crossing; the error of their polynomial is far below that of any step


@dataclass(frozen=True)
class Method:
    """One way of a peer's to integrate.

    label    : its name in the table
    how      : how it is run, for the reader
    setting  : what is varied, `dt` [ms] or a tolerance
    ladder   : its values, from the coarsest to the finest, for the search of the largest that meets a target
    batches  : numbers of neurons in one run; the fastest counts
    spikes   : (setting, amplitudes (n,) [uA/cm^2]) -> n spike trains of DURATION_MS [ms]
    seconds  : (setting, amplitudes (n,)) -> wall time of such a run, without setup, compiling and recording [s]
    problem  : `textbook` (from START), `resting` (from the gates at their steady state for -65 mV), or `beat`: a pulse
               to the ventricular cell, `spikes` are the times of its upstroke and of its repolarisation
    targets  : errors to find the largest setting for [us]
    """

    label: str
    how: str
    setting: str
    ladder: tuple[float, ...]
    batches: tuple[int, ...]
    spikes: Callable[[float, np.ndarray], list[np.ndarray]]
    seconds: Callable[[float, np.ndarray], float]
    problem: str = "textbook"
    targets: tuple[float, ...] = TARGETS_US

    def grid(self, n: int) -> np.ndarray:
        """Amplitudes of a batch of n neurons, between those of the problem."""
        amplitudes = PROBLEMS[self.problem]
        return np.linspace(amplitudes[0], amplitudes[-1], n)


def rates(v: float) -> tuple[float, ...]:
    """alpha and beta of m, h and n at a potential [mV], in 1/ms."""
    return (
        0.1 * (v + 40) / (1 - np.exp(-(v + 40) / 10)),
        4 * np.exp(-(v + 65) / 18),
        0.07 * np.exp(-(v + 65) / 20),
        1 / (1 + np.exp(-(v + 35) / 10)),
        0.01 * (v + 55) / (1 - np.exp(-(v + 55) / 10)),
        0.125 * np.exp(-(v + 65) / 80),
    )


def slope(state, t, current, sodium=120.0, potassium=36.0):
    """dV/dt and the derivatives of the gates, as a textbook writes them; conductances in mS/cm^2."""
    v, m, h, n = state
    alpha_m, beta_m, alpha_h, beta_h, alpha_n, beta_n = rates(v)
    ionic = sodium * m**3 * h * (v - 50) + potassium * n**4 * (v + 77) + 0.3 * (v + 54.387)
    gates = [alpha_m * (1 - m) - beta_m * m, alpha_h * (1 - h) - beta_h * h, alpha_n * (1 - n) - beta_n * n]
    return [current - ionic, *gates]


def resting() -> tuple[float, ...]:
    """-65 mV with every gate at its steady state: where simulators start that offer no other state."""
    alpha_m, beta_m, alpha_h, beta_h, alpha_n, beta_n = rates(V)
    return V, alpha_m / (alpha_m + beta_m), alpha_h / (alpha_h + beta_h), alpha_n / (alpha_n + beta_n)


def crossings(potential: np.ndarray, dt: float) -> np.ndarray:
    """Upward crossings of 0 mV by samples every `dt` from t = 0, by a polynomial through six of them [ms]."""
    at = np.flatnonzero((potential[:-1] < 0) & (potential[1:] >= 0))
    at = at[(at >= 2) & (at + 3 < len(potential))]
    window = potential[at[:, None] + STENCIL]
    coefficients = np.linalg.solve(np.vander(STENCIL.astype(float)), window.T)
    x = -window[:, 2] / (window[:, 3] - window[:, 2])
    for _ in range(20):
        x -= np.polyval(coefficients, x) / np.polyval(np.arange(5, 0, -1)[:, None] * coefficients[:-1], x)
    return (at + x) * dt


def worst(trains: list[np.ndarray], exact: list[np.ndarray]) -> float:
    """Largest spike-time error, infinite where the number of spikes differs [us]."""
    if any(len(a) != len(b) for a, b in zip(trains, exact, strict=True)):
        return np.inf
    return 1000 * max(float(np.abs(a - b).max()) for a, b in zip(trains, exact, strict=True))
