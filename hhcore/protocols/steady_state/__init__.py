"""Steady state: pace each cell until its state repeats from beat to beat, then keep some beats."""

from hhcore.protocols.steady_state.analysis import Responses
from hhcore.protocols.steady_state.protocol import SteadyState

__all__ = ["Responses", "SteadyState"]
