"""Pacing: a train of pulses, the action potential of each beat, and restitution."""

from hhcore.protocols.pacing.analysis import Beats
from hhcore.protocols.pacing.protocol import Pacing

__all__ = ["Beats", "Pacing"]
