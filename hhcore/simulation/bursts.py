"""Bursts in trains of spikes, as eFEL finds them: their definitions as data, computed for all neurons at once."""

from functools import lru_cache
from importlib import resources
from types import SimpleNamespace

import numpy as np

from hhcore.compile.language.machine import compiled, load

DEFINITIONS = {
    "burst_number": (
        "1",
        "bursts that long intervals between peaks part: 1.5 times the median of the intervals since the last such "
        "one, and 1.5 times the next; 0 without such an interval. The first interval is left out. burst_number of eFEL",
    ),
    "mean_burst_frequency_Hz": (
        "Hz",
        "mean over these bursts of two spikes or more of spikes over the time from the first peak to the last: "
        "burst_mean_freq of eFEL",
    ),
    "strict_burst_number": (
        "1",
        "bursts besides which there may be single spikes: one begins with an interval below half of the one before, "
        "and ends with one of twice the median since its beginning; a regular train is one burst. The first interval "
        "is left out: strict_burst_number of eFEL",
    ),
    "mean_strict_burst_frequency_Hz": (
        "Hz",
        "the same mean over the strict bursts: strict_burst_mean_freq of eFEL",
    ),
}


def burst_columns(times: np.ndarray, offsets: np.ndarray) -> dict[str, np.ndarray]:
    """Compute all of DEFINITIONS for n neurons: float64 (n,) frequencies, NaN without a burst, int32 (n,) numbers.

    times   : float64 (k,) [ms], of the peaks, increasing inside each neuron
    offsets : int64 (n + 1,), those of neuron i are times[offsets[i]:offsets[i + 1]]
    """
    found, room = np.empty((4, len(offsets) - 1)), np.empty(max(1, np.diff(offsets).max(initial=1)))
    _bursts().bursts(np.ascontiguousarray(times), offsets, room, found)
    number, total, strict_number, strict_total = found
    with np.errstate(invalid="ignore"):
        means = 1000.0 * total / number, 1000.0 * strict_total / strict_number
    columns = (number.astype(np.int32), means[0], strict_number.astype(np.int32), means[1])
    return dict(zip(DEFINITIONS, columns, strict=True))


@lru_cache
def _bursts() -> SimpleNamespace:
    """The functions of bursts.py.in."""
    return load(compiled((resources.files("hhcore") / "simulation" / "bursts.py.in").read_text(encoding="utf-8")))
