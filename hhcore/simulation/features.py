"""Features of spike trains: their definitions as data, computed for all neurons at once.

Every feature depends on the spikes of its own neuron alone, to the last bit: sums run inside a neuron, in order.
"""

from functools import lru_cache
from importlib import resources
from types import SimpleNamespace

import numpy as np

from hhcore.compile.language.machine import compiled, load
from hhcore.simulation.observers.extremes import OSCILLATION_MV

FAILED = ("diverged", "stalled", "no_rheobase")

# name: (unit, definition). A spike at the very end of the analysis window lies outside it.
DEFINITIONS = {
    "spike_count": ("1", "spikes in the whole run"),
    "firing_rate_Hz": (
        "Hz",
        "1 over the mean interval between spikes in the analysis window; 0 without a spike there, null with just one",
    ),
    "spike_count_rate_Hz": ("Hz", "spikes in the analysis window, start <= t < stop, over the length of the window"),
    "first_spike_ms": ("ms", "time of the first spike of the run"),
    "last_spike_ms": ("ms", "time of the last spike of the run"),
    "mean_isi_ms": ("ms", "mean of the intervals between consecutive spikes that both lie in the analysis window"),
    "cv_isi": ("1", "population standard deviation of these intervals over their mean; needs two intervals"),
    "adaptation_index": (
        "1",
        "mean of (b - a) / (b + a) over consecutive intervals a, b in the analysis window: positive where firing "
        "slows down; needs two intervals. So defined in AllenSDK; adaptation_index2 of eFEL leaves out the first spike",
    ),
    "peak_mV": ("mV", "highest membrane potential in the analysis window"),
    "trough_mV": ("mV", "lowest membrane potential in the analysis window"),
    "turning_points": (
        "1",
        f"maxima and minima of the potential in the analysis window, in turn, each more than {OSCILLATION_MV:g} mV "
        "from the one before, counted up to 2; a corner where the stimulus jumps is none",
    ),
    "status": (
        "1",
        "ok; no_stable_rest: no stable equilibrium without stimulus, started from the model's own rest; "
        "diverged: a state became infinite or not a number; stalled: ever shorter steps were needed; "
        "features of both are null",
    ),
    "failed_ms": ("ms", "time at which a neuron diverged or stalled"),
    "spike_time_error_us": (
        "us",
        "estimated largest error of the neuron's spike times, a lost or added spike as if it came at the end of the "
        "run; null without spikes, where it was not estimated, or cannot be certified",
    ),
    "fragile": (
        "1",
        "whether the spike count depends on the accuracy of the solver, or the neuron cannot be certified; null where "
        "neither was tested",
    ),
}


def features(
    times: np.ndarray,
    offsets: np.ndarray,
    window: tuple[float, float],
    peak: np.ndarray,
    trough: np.ndarray,
    turning_points: np.ndarray,
    status: np.ndarray,
    ended: np.ndarray,
    error: np.ndarray,
    fragile: np.ndarray,
) -> dict[str, np.ndarray]:
    """Compute all of DEFINITIONS for n neurons, in order.

    times   : float64 (k,) [ms], increasing inside each neuron
    offsets : int64 (n + 1,), spikes of neuron i are times[offsets[i]:offsets[i + 1]]
    window  : (start, stop) of the analysis window [ms]
    peak, trough, turning_points : float64 (n,) [mV, mV, 1]
    status  : (n,) of words; no feature is defined where it is one of FAILED
    ended   : float64 (n,), time reached [ms]
    error   : float64 (n,), estimated largest error of the spike times [ms], NaN where there is none
    fragile : float64 (n,), 1 where the spike count depends on the accuracy, 0 where not, NaN where not tested
    Returns float64 (n,) with NaN where a feature is not defined; counts as masked int32 (n,), since integers have no
    NaN; and `status` itself.
    """
    columns = _train_features(times, offsets, window) | {"peak_mV": peak, "trough_mV": trough}
    failed = np.isin(status, FAILED)
    count = np.ma.masked_array(np.diff(offsets).astype(np.int32), failed)
    defined = {name: np.where(failed, np.nan, column) for name, column in columns.items()}
    numerics = {"spike_time_error_us": error * 1000.0, "fragile": np.ma.masked_array(fragile == 1, np.isnan(fragile))}
    return {
        "spike_count": count,
        **defined,
        "turning_points": np.ma.masked_array(turning_points.astype(np.int32), failed),
        "status": status,
        "failed_ms": np.where(failed, ended, np.nan),
        **numerics,
    }


def first_intervals(times: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Interval between the first two spikes of the run of each neuron, float64 (n,) [ms]; NaN below two spikes."""
    intervals = np.full(len(offsets) - 1, np.nan)
    two = np.diff(offsets) >= 2
    start = offsets[:-1][two]
    intervals[two] = times[start + 1] - times[start]
    return intervals


@lru_cache
def _spike_trains() -> SimpleNamespace:
    """The functions of spike_trains.py.in."""
    return load(compiled((resources.files("hhcore") / "simulation" / "spike_trains.py.in").read_text(encoding="utf-8")))


def _train_features(times: np.ndarray, offsets: np.ndarray, window: tuple[float, float]) -> dict[str, np.ndarray]:
    """The features that spike times alone determine."""
    table = np.empty((6, len(offsets) - 1))
    _spike_trains().train_features(times, offsets, *window, table)
    count, first, last, mean, variation, adaptation = table
    return {
        "firing_rate_Hz": np.where(count == 0, 0.0, 1000.0 / mean),
        "spike_count_rate_Hz": count * 1000.0 / (window[1] - window[0]),
        "first_spike_ms": first,
        "last_spike_ms": last,
        "mean_isi_ms": mean,
        "cv_isi": variation,
        "adaptation_index": adaptation,
    }
