"""Sampled designs: how a feature depends on each sampled quantity."""

from hhcore.protocols.sensitivity.analysis import Sampling, Sobol

__all__ = ["Sampling", "Sobol"]
