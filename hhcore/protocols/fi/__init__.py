"""F-I curves: firing rate against the amplitude of a current step."""

from hhcore.protocols.fi.analysis import FI

__all__ = ["FI"]
