"""Anode break: a neuron is held below rest by a current, then released; it may fire without a stimulus."""

from .analysis import Rebound
from .protocol import AnodeBreak

__all__ = ["AnodeBreak", "Rebound"]
