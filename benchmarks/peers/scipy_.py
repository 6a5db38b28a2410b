"""SciPy: the script that everybody writes first, and LSODA with tolerances."""

import time

import numpy as np
from scipy.integrate import odeint, solve_ivp

from benchmarks.problem import DURATION_MS, START, Method, crossings, slope

SAMPLE_MS = 0.01


def textbook_spikes(_: float, amplitudes: np.ndarray) -> list[np.ndarray]:
    """odeint at its default tolerances, sampled every 0.01 ms."""
    times = np.arange(0, DURATION_MS + SAMPLE_MS / 2, SAMPLE_MS)
    return [crossings(odeint(slope, START, times, args=(current,))[:, 0], SAMPLE_MS) for current in amplitudes]


def lsoda_spikes(rtol: float, amplitudes: np.ndarray) -> list[np.ndarray]:
    """Spikes are events, located on the dense output."""
    return [solve(rtol, current).t_events[0] for current in amplitudes]


def solve(rtol: float, current: float):
    """One neuron, one second."""

    def spike(t, y):
        return y[0]

    spike.direction = 1
    span = (0.0, DURATION_MS)
    return solve_ivp(lambda t, y: slope(y, t, current), span, START, method="LSODA", rtol=rtol, atol=rtol, events=spike)


def timed(spikes):
    """Wall time of a function that needs no setup."""

    def seconds(setting: float, amplitudes: np.ndarray) -> float:
        started = time.perf_counter()
        spikes(setting, amplitudes)
        return time.perf_counter() - started

    return seconds


METHODS = {
    "odeint": Method(
        "SciPy odeint, textbook script",
        "right-hand side in Python, default tolerances, one neuron after the other, sampled every 0.01 ms",
        "rtol",
        (1.5e-8,),
        (3,),
        textbook_spikes,
        timed(textbook_spikes),
    ),
    "lsoda": Method(
        "SciPy LSODA",
        "`solve_ivp`, right-hand side in Python, atol = rtol, spikes as events, one neuron after the other",
        "rtol",
        (1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10),
        (2,),
        lsoda_spikes,
        timed(lsoda_spikes),
    ),
}
