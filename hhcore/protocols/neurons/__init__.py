"""The tables of every experiment: a row for each neuron, and the last states of those that failed."""

from hhcore.protocols.neurons.analysis import Neurons

__all__ = ["Neurons"]
