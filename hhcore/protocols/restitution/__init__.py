"""Restitution: how the action potential depends on the time since the one before, by S1-S2 and by dynamic pacing."""

from hhcore.protocols.restitution.analysis import Curves
from hhcore.protocols.restitution.dynamic import DynamicRestitution
from hhcore.protocols.restitution.s1s2 import S1S2

__all__ = ["S1S2", "Curves", "DynamicRestitution"]
