"""Certification: the accuracy of the solver, as a table and two figures."""

from hhcore.protocols.certification.analysis import Certification

__all__ = ["Certification"]
