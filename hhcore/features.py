"""Features of spike trains: their definitions as data, and their computation for all neurons at once.

Every number depends on its own neuron's spikes alone, to the last bit: sums run inside a neuron, in order.
"""

import numpy as np

# name: (unit, definition). The window is the analysis window, closed at its start and open at its end.
DEFINITIONS = {
    "spike_count": ("1", "spikes in the whole run"),
    "firing_rate_Hz": ("Hz", "spikes in the analysis window over the length of the window"),
    "first_spike_ms": ("ms", "time of the first spike of the run"),
    "last_spike_ms": ("ms", "time of the last spike of the run"),
    "mean_isi_ms": ("ms", "mean of the intervals between consecutive spikes that both lie in the analysis window"),
    "cv_isi": ("1", "population standard deviation of these intervals over their mean; needs two intervals"),
    "adaptation_index": (
        "1",
        "mean of (b - a) / (b + a) over consecutive intervals a, b in the analysis window: positive where firing "
        "slows down; needs two intervals (adaptation_index2 of eFEL, without skipped spikes)",
    ),
    "peak_mV": ("mV", "highest membrane potential in the analysis window"),
    "trough_mV": ("mV", "lowest membrane potential in the analysis window"),
    "status": (
        "1",
        "ok; no_stable_rest: no stable equilibrium without stimulus, started from the model's own rest; "
        "diverged: a state became infinite or not a number, features are null",
    ),
}


def features(
    times: np.ndarray,
    offsets: np.ndarray,
    window: tuple[float, float],
    peak: np.ndarray,
    trough: np.ndarray,
    status: np.ndarray,
) -> dict[str, np.ndarray]:
    """All of DEFINITIONS for n neurons, in order.

    times   : float64 (k,) [ms], increasing inside each neuron
    offsets : int64 (n + 1,), spikes of neuron i are times[offsets[i]:offsets[i + 1]]
    window  : (start, stop) of the analysis window [ms]
    peak, trough : float64 (n,) [mV]
    status  : (n,) of words; neurons that are `diverged` get NaN in every feature
    Returns float64 (n,) with NaN where a feature is not defined, and the status as given.
    """
    n = len(offsets) - 1
    neuron = np.repeat(np.arange(n), np.diff(offsets))
    count = np.diff(offsets)
    inside = (times >= window[0]) & (times < window[1])
    number_inside = np.bincount(neuron[inside], minlength=n)
    rate = number_inside / (window[1] - window[0]) * 1000.0
    fired = count > 0
    first, last = np.full(n, np.nan), np.full(n, np.nan)
    first[fired], last[fired] = times[offsets[:-1][fired]], times[offsets[1:][fired] - 1]
    owner, interval = _intervals(neuron[inside], times[inside])
    mean = _mean(owner, interval, n)
    several = np.bincount(owner, minlength=n) >= 2
    deviation = _mean(owner, (interval - mean[owner]) ** 2, n)
    columns = {
        "spike_count": count.astype(np.float64),
        "firing_rate_Hz": rate,
        "first_spike_ms": first,
        "last_spike_ms": last,
        "mean_isi_ms": mean,
        "cv_isi": np.where(several, np.sqrt(deviation) / mean, np.nan),
        "adaptation_index": _adaptation(owner, interval, n),
        "peak_mV": peak,
        "trough_mV": trough,
    }
    failed = status == "diverged"
    return {name: np.where(failed, np.nan, column) for name, column in columns.items()} | {"status": status}


def first_intervals(times: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Interval between the first two spikes of the run of each neuron, float64 (n,) [ms]; NaN below two spikes."""
    intervals = np.full(len(offsets) - 1, np.nan)
    two = np.diff(offsets) >= 2
    start = offsets[:-1][two]
    intervals[two] = times[start + 1] - times[start]
    return intervals


def _intervals(neuron: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(neuron, interval) for each pair of consecutive spikes of one neuron."""
    same = neuron[1:] == neuron[:-1]
    return neuron[1:][same], np.diff(times)[same]


def _adaptation(owner: np.ndarray, interval: np.ndarray, n: int) -> np.ndarray:
    same = owner[1:] == owner[:-1]
    a, b = interval[:-1][same], interval[1:][same]
    return _mean(owner[1:][same], (b - a) / (b + a), n)


def _mean(owner: np.ndarray, values: np.ndarray, n: int) -> np.ndarray:
    """Mean of the values of each owner, NaN without any. bincount adds in order, so neighbours do not matter."""
    number = np.bincount(owner, minlength=n)
    total = np.bincount(owner, weights=values, minlength=n)
    return np.divide(total, number, out=np.full(n, np.nan), where=number > 0)
