"""Errors of spike times. Apart from the features, since the store keeps these errors."""

from functools import lru_cache
from importlib import resources
from types import SimpleNamespace

import numpy as np

from hhcore.compile.language.machine import compiled, load


def spike_time_errors(
    times: np.ndarray, offsets: np.ndarray, exact: np.ndarray, bounds: np.ndarray, duration: float
) -> np.ndarray:
    """Largest difference of the spike times of each neuron from the exact ones.

    A spike that is lost or added counts as if it came at the end of the run: a small error near the end, a large one in
    the middle.

    times, offsets : as in `hhcore.simulation.features.features`; exact, bounds : the same of the exact spikes
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
