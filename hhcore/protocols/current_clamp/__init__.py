"""Current clamp: inject a current, keep spikes and the range of the potential."""

from hhcore.protocols.current_clamp.protocol import CurrentClamp
from hhcore.protocols.current_clamp.spikes import Spikes

__all__ = ["CurrentClamp", "Spikes"]
