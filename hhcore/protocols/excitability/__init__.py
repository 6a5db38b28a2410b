"""Excitability: Hodgkin's class of each neuron, from its thresholds and its firing rate just above them."""

from hhcore.protocols.excitability.analysis import Classes, ClassMap
from hhcore.protocols.excitability.protocol import Excitability

__all__ = ["ClassMap", "Classes", "Excitability"]
