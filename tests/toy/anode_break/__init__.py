"""Anode break: a neuron is held below rest by a current, then released; it may fire without a stimulus."""

from anode_break.analysis import Rebound
from anode_break.protocol import AnodeBreak

__all__ = ["AnodeBreak", "Rebound"]
