"""Rheobase: the least amplitude with which each neuron fires, searched."""

from hhcore.protocols.rheobase.analysis import ThresholdMap, Thresholds
from hhcore.protocols.rheobase.protocol import Rheobase

__all__ = ["Rheobase", "ThresholdMap", "Thresholds"]
