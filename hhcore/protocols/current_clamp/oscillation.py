"""Oscillations that the definition of a spike misses."""

from collections.abc import Mapping

import numpy as np


def undetected(features: Mapping[str, np.ndarray]) -> np.ndarray:
    """Which neurons oscillate inside the analysis window without a spike there, bool (n,).

    An oscillation has a maximum and a minimum at least, in any order; charging of the membrane has one of them or none.
    """
    turning_points = np.ma.filled(features["turning_points"], 0)
    return (features["spike_count_rate_Hz"] == 0.0) & (turning_points >= 2)
