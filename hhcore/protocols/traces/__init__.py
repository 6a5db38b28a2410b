"""Traces: the full time course of single neurons."""

from hhcore.protocols.traces.analysis import Traces

__all__ = ["Traces"]
