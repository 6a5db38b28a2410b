"""Phase response: how a kick at each phase of a periodic neuron's cycle shifts its spikes."""

from hhcore.protocols.phase_response.analysis import PhaseCurves, ResponseExtremes, ResponseMap
from hhcore.protocols.phase_response.protocol import PhaseResponse

__all__ = ["PhaseCurves", "PhaseResponse", "ResponseExtremes", "ResponseMap"]
