"""Courses of currents under a command that moves: ramps, action potentials, any stimulus as a clamp."""

from hhcore.protocols.command.analysis import MovingCommand

__all__ = ["MovingCommand"]
