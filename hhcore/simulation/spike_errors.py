"""How far spike times lie from exact ones. Apart from the features, since the store keeps what is found here."""

from functools import lru_cache
from importlib import resources
from types import SimpleNamespace

import numpy as np

from hhcore.compile.language.machine import compiled, load


def spike_time_errors(
    times: np.ndarray, offsets: np.ndarray, exact: np.ndarray, bounds: np.ndarray, duration: float
) -> np.ndarray:
    """Largest difference of the spike times of each neuron from the exact ones.

    A spike that either lacks counts as if it came at the end of the run: one that is lost or added just before the end
    is a small error, one in the middle a large one.

    times, offsets : as in `hhcore.features.features`; exact, bounds : likewise
    duration : of the run, in the same unit
    Returns float64 (n,), NaN where neither has a spike.
    """
    errors = np.empty(len(offsets) - 1)
    _compiled().largest_differences(times, offsets, exact, bounds, duration, errors)
    return errors


@lru_cache
def _compiled() -> SimpleNamespace:
    """The functions of spike_errors.py.in."""
    return load(compiled((resources.files("hhcore") / "simulation" / "spike_errors.py.in").read_text(encoding="utf-8")))
