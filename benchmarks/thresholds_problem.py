"""What every program is asked that searches thresholds: the cells, the accuracy, the answer, and the error of it.

Rheobase of the axon of Hodgkin and Huxley (1952) at 6.3 °C, with other conductances of sodium and potassium: the least
current with which a cell that rests fires once within a second. Only numpy is needed here, since each program runs in a
process of its own.
"""

import json
import os
import resource
import sys
from collections.abc import Callable

import numpy as np

DURATION_MS, SETTLE_MS = 1000.0, 500.0  # of a trial; of the rest before, for programs that look for it by waiting
SODIUM, POTASSIUM = (96.0, 144.0), (28.8, 43.2)  # mS/cm^2: 20 % around the paper's
BRACKET = 0.0, 10.0  # uA/cm^2: silent, fires; given to the programs that need one
WITHIN = 1e-6  # of a threshold: the width of the bracket at the end, and the largest error


def cells(side: int) -> np.ndarray:
    """Conductances of sodium and potassium, float64 (side * side, 2) [mS/cm^2]."""
    grid = np.meshgrid(np.linspace(*SODIUM, side), np.linspace(*POTASSIUM, side), indexing="ij")
    return np.column_stack([axis.ravel() for axis in grid])


def bisected(fires: Callable[[float], bool]) -> float:
    """The threshold of one cell: the middle of a bracket that is narrower than WITHIN of it."""
    silent, firing = BRACKET
    while firing - silent > WITHIN * firing:
        middle = (silent + firing) / 2
        silent, firing = (silent, middle) if fires(middle) else (middle, firing)
    return (silent + firing) / 2


def worst(found: np.ndarray, exact: np.ndarray) -> float:
    """Largest relative error of a threshold; infinite where one is missing."""
    return float(np.where(np.isfinite(found), np.abs(found / exact - 1), np.inf).max())


def core_seconds() -> float:
    """Time of a processor that this process and those it has started have taken, which have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def serve(search: Callable[[int, float], tuple[np.ndarray, float]]) -> None:
    """Answer tasks, JSON lines of a side of the grid and an accuracy, until the input ends.

    search : (side of the grid, accuracy) -> thresholds of `cells` [uA/cm^2], core seconds without compiling
    """
    report = os.dup(1)
    os.dup2(2, 1)  # what programs print
    for line in sys.stdin:
        found, seconds = search(*json.loads(line))
        os.write(report, (json.dumps({"thresholds": found.tolist(), "seconds": seconds}) + "\n").encode())
