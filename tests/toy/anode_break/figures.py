"""The figure of anode break."""

from hhcore.figures import style
from hhcore.figures.family import Line, family


@style.styled
def rebound(table, context):
    """Highest potential after the release against the amplitude, coloured by a further axis."""
    lines = [Line("rebound_mV", "after the release")]
    return family(table, context, context.free, lines, "Highest potential after the release (mV)", style.DIVERGED)
