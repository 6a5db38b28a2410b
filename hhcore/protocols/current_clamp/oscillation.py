"""Oscillations that the definition of a spike misses."""

from collections.abc import Mapping

import numpy as np

OSCILLATION_MV = 5.0  # a larger swing of the potential inside the window without a spike counts as undetected


def undetected(features: Mapping[str, np.ndarray]) -> np.ndarray:
    """Which neurons oscillate inside the analysis window without a spike there, bool (n,)."""
    swing = features["peak_mV"] - features["trough_mV"]
    return (features["spike_count_rate_Hz"] == 0.0) & (swing > OSCILLATION_MV)
