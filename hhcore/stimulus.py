"""Stimulus protocols: the injected current as a function of time."""

from dataclasses import dataclass
from math import inf

import numpy as np

FIELDS = ("amplitude", "start", "stop")


@dataclass(frozen=True)
class Step:
    """A current step: `amplitude` while start <= t < stop, zero otherwise.

    amplitude : float or float64 (n,), in the unit of the model's injected current (uA/cm^2)
    start, stop : float or float64 (n,), in the model's unit of time (ms); stop defaults to the end of the run

    Times need not lie on the integration grid: steps of the integration end exactly at the edges.
    """

    amplitude: float | np.ndarray
    start: float | np.ndarray = 0.0
    stop: float | np.ndarray = inf


def segments(edges: tuple[float, ...], duration: float, dt: float) -> list[tuple[float, float, int]]:
    """(start, step size, number of steps) of the stretches between `edges` inside [0, duration].

    Each stretch is cut into equal steps of at most `dt`, so that every edge is met exactly.
    """
    marks = sorted({0.0, duration, *(e for e in edges if 0.0 < e < duration)})
    stretches = []
    for begin, end in zip(marks[:-1], marks[1:], strict=True):
        steps = max(1, int(np.ceil((end - begin) / dt * (1.0 - 1e-12))))
        stretches.append((begin, (end - begin) / steps, steps))
    return stretches
