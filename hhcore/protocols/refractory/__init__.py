"""Refractory period: the threshold of a second stimulus, against the time since the first."""

from hhcore.protocols.refractory.analysis import Recovery
from hhcore.protocols.refractory.protocol import Refractory

__all__ = ["Recovery", "Refractory"]
