"""Current clamp: a current is injected, spikes and the range of the potential are kept."""

from hhcore.protocols.current_clamp.protocol import CurrentClamp
from hhcore.protocols.current_clamp.spikes import Spikes

__all__ = ["CurrentClamp", "Spikes"]
