"""Hysteresis: the current goes up and down with the state carried over; where rest ends, and where firing does."""

from hhcore.protocols.hysteresis.analysis import BistableMap, BistableRange, UpAndDown
from hhcore.protocols.hysteresis.protocol import Hysteresis
from hhcore.protocols.hysteresis.ramps import Ramps

__all__ = ["BistableMap", "BistableRange", "Hysteresis", "Ramps", "UpAndDown"]
