"""What the Web Lab measures of a sampled potential, as its CardiacLibrary.txt defines it."""

import numpy as np

UPSTROKE = 10.0  # V/s that an upstroke exceeds
WINDOW = 50  # samples before and after in which it is the fastest


def action_potentials(time: np.ndarray, potential: np.ndarray, percent: float = 90.0) -> tuple[np.ndarray, np.ndarray]:
    """Starts and ends of the action potentials in a sampled potential: `ApStartAndEnd`.

    Both are where straight lines between samples meet the level of `percent` repolarisation from the peak to the lowest
    potential of all: the last time before the peak, the first one after it; or the first and the last sample, where the
    potential does not meet it. The peak is the first local maximum after an upstroke.

    time, potential : float64 (n,), in ms and mV
    """
    slope = np.diff(potential) / np.diff(time)
    fastest = np.array([slope[max(0, i - WINDOW) : i + WINDOW + 1].max() for i in range(len(slope))])
    extended = np.r_[potential[0], potential, potential[-1]]
    peaks = np.flatnonzero((potential >= extended[:-2]) & (potential >= extended[2:]))
    found = []
    for upstroke in np.flatnonzero((slope == fastest) & (slope > UPSTROKE)):
        peak = peaks[peaks > upstroke][0]
        level = potential.min() + (1 - percent / 100) * (potential[peak] - potential.min())
        below = np.flatnonzero(potential <= level)
        before, after = below[below <= peak], below[below >= peak]
        start = _meets(time, potential, level, before[-1]) if len(before) else time[0]
        end = _meets(time, potential, level, after[0] - 1) if len(after) else time[-1]
        found.append((start, end))
    starts, ends = np.array(found).reshape(-1, 2).T
    return starts, ends


def _meets(time: np.ndarray, potential: np.ndarray, level: float, i: int) -> float:
    """Where the line from sample i to the next one meets a level."""
    share = (level - potential[i]) / (potential[i + 1] - potential[i])
    return time[i] + share * (time[i + 1] - time[i])


def slope(intervals: np.ndarray, durations: np.ndarray) -> np.ndarray:
    """The slope of a restitution curve from each point to the next: `Grad`."""
    return np.diff(durations) / np.diff(intervals)
