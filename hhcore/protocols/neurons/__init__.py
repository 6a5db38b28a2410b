"""What every experiment has: a row for each neuron, and what is known of those that failed."""

from hhcore.protocols.neurons.analysis import Neurons

__all__ = ["Neurons"]
