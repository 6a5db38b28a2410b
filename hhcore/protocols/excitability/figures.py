"""Figures of classes, thresholds and rates."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hhcore.base.units import column_name, pretty_unit
from hhcore.figures import style
from hhcore.figures.context import FigureContext, Variable, numbers
from hhcore.figures.family import Line, family, points
from hhcore.figures.maps import Apart, value_map
from hhcore.protocols.excitability.analysis import CLASSES
from hhcore.simulation.features import FAILED

NONE = "no class: fires without a current, or never"
LOOKS = ((style.BLUE, ""), (style.ORANGE, "...."), (style.PURPLE, "////////"))
RATES = (Line("onset_rate_Hz", "0.1 % above the threshold"), Line("further_rate_Hz", "10 % above it", style.DASHED))


@style.styled
def classes(table: pd.DataFrame, context: FigureContext) -> Figure:
    """Classes over the first two axes, in panels by the third.

    table : features: a row per neuron with the axes' columns, excitability_class and status
    """
    table = table.assign(failed=table["status"].isin(FAILED).to_numpy(dtype=bool))
    apart = [
        Apart(number, colour, words, hatch)
        for (number, words), (colour, hatch) in zip(CLASSES.items(), LOOKS, strict=True)
    ]
    value = Variable("excitability_class", "Hodgkin's class", "1")
    return value_map(table, context, context.free, [value], style.DIVERGED, NONE, apart)


@style.styled
def currents(table: pd.DataFrame, context: FigureContext, unit: str) -> Figure:
    """The thresholds against the first axis; colours and panels by others. `table` : as for `classes`"""
    lines = [
        Line(column_name("rheobase", unit), "a spike"),
        Line(column_name("sustained_from", unit), "fires on from", style.DASHED),
        Line(column_name("sustained_to", unit), "fires on up to", style.DOTTED),
    ]
    return _along(table, context, lines, f"Current ({pretty_unit(unit)})", "no spike")


@style.styled
def onset_rates(table: pd.DataFrame, context: FigureContext, unit: str) -> Figure:
    """The rates above the threshold against the first axis, as `currents`."""
    return _along(table, context, RATES, "Firing rate (Hz)", "does not fire on, or without a current too")


def _along(table: pd.DataFrame, context: FigureContext, lines: tuple[Line, ...], y: str, gap: str) -> Figure:
    if not context.free:
        values = [(line.label, numbers(table, line.column)[0]) for line in lines]
        texts = [f"{label}: {value:.5g}" if np.isfinite(value) else f"{label}: none" for label, value in values]
        return style.text_figure(context.title, [y, *texts])
    if context.zipped:
        x, colour = (*context.free, context.free[0])[:2]
        first = lines[0]
        return points(table, context, x, Variable(first.column, first.label, ""), colour, gap)
    return family(table, context, context.free, lines, y, gap)
