"""Sampled designs: how a feature depends on each sampled quantity."""

from hhcore.protocols.sensitivity.sampling import Sampling
from hhcore.protocols.sensitivity.sobol import Sobol

__all__ = ["Sampling", "Sobol"]
