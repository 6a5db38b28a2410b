"""Dose-response curves: a feature of neurons against the concentration of a drug, or against a block."""

from hhcore.protocols.dose_response.analysis import DoseResponse

__all__ = ["DoseResponse"]
