"""Strength–duration: the threshold of pulses of several widths, rheobase, chronaxie, charge, and two laws."""

from hhcore.protocols.strength_duration.analysis import Curves
from hhcore.protocols.strength_duration.protocol import StrengthDuration

__all__ = ["Curves", "StrengthDuration"]
