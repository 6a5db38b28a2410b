"""What is asked of every program that paces cells: S1-S2 restitution, and steady states under block.

The answer of a task is when S2, or a beat at the steady state, rises and falls through a potential [ms after its
onset]. Only numpy is needed here, since each program runs in a process of its own.
"""

from dataclasses import dataclass

import numpy as np

PERIOD_MS, PREBEATS = 1000.0, 20  # of S1
LONGEST_MS, AFTER_MS = 1000.0, 500.0  # from S1 to S2 at most; after S2, until its action potential is over
LEVEL_MV = -70.0
TOLERANCE = 1e-6  # of the change of the state over a beat at a steady state, its 1-norm in the model's units
MOST_BEATS = 10_000
TIMED = 3  # values of each conductance for which Myokit is timed: it takes cells one after the other
LEAST_LEFT = 0.55  # of a conductance, at the end of the grid of blocks


@dataclass(frozen=True)
class Cell:
    """A model of the catalogue, and what is done to it.

    amplitude, width : of the pulses, in the units of the model
    shortest         : interval from S1 to S2 [ms]
    blocked          : the parameters that are scaled, in the place of conductances of two channels
    """

    amplitude: float
    width: float
    shortest: float
    blocked: tuple[str, str]


CELLS = {
    "luo_rudy_1991": Cell(80.0, 0.5, 380.0, ("potassium.g", "calcium.g")),
    "ten_tusscher_panfilov_2006": Cell(52.0, 1.0, 345.0, ("ikr.g", "ical.P")),
}


@dataclass(frozen=True)
class Task:
    """What one run of a program is to do.

    kind     : `s1s2`, or `block`: steady states
    model    : one of CELLS
    cells    : s1s2: cells with the second conductance between 100 % and LEAST_LEFT; block: values of each conductance
    intervals: of each cell, s1s2 alone
    """

    kind: str
    model: str
    cells: int
    intervals: int = 0

    @property
    def cell(self) -> Cell:
        """The model's own numbers."""
        return CELLS[self.model]

    @property
    def left(self) -> np.ndarray:
        """Shares that are left of a conductance, float64 (cells,)."""
        return np.linspace(1.0, LEAST_LEFT, self.cells)

    @property
    def between(self) -> np.ndarray:
        """Intervals from S1 to S2, decreasing, float64 (intervals,) [ms]."""
        return np.linspace(LONGEST_MS, self.cell.shortest, self.intervals)


@dataclass(frozen=True)
class Answer:
    """What a program has found.

    times   : float64 (n, 2), upward and downward crossing of LEVEL_MV after the onset [ms]; cells one after the other
    seconds : of one core
    beats   : how many a cell was paced, in the mean
    """

    times: np.ndarray
    seconds: float
    beats: float


def worst(times: np.ndarray, exact: np.ndarray) -> float:
    """Largest difference [us]; infinite where one is missing."""
    apart = 1000.0 * np.abs(times - exact)
    return float(np.where(np.isfinite(apart), apart, np.inf).max())
