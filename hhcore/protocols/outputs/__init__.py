"""The outputs that a config names, drawn over the grid."""

from hhcore.protocols.outputs.analysis import OutputFigures

__all__ = ["OutputFigures"]
