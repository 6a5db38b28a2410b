"""Shapes: current clamp that keeps the shape of every action potential, and the response to the stimulus."""

from hhcore.protocols.shapes.analysis import ShapesOfSpikes
from hhcore.protocols.shapes.protocol import Shapes

__all__ = ["Shapes", "ShapesOfSpikes"]
