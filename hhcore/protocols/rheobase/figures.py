"""Figures of thresholds."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hhcore.base.units import column_name
from hhcore.figures import style
from hhcore.figures.context import FigureContext, Variable, numbers
from hhcore.figures.family import Line, family, points
from hhcore.figures.maps import value_map
from hhcore.figures.titles import after_number
from hhcore.protocols.rheobase.searching import Searching
from hhcore.simulation.features import FAILED

NONE = "no threshold"
BLOCK = {"linestyle": (0, (3, 1.5)), "linewidth": 0.7}


@style.styled
def thresholds(table: pd.DataFrame, context: FigureContext, searched: Searching) -> Figure:
    """Thresholds against the first axis, coloured by the second, in panels by the third; and where firing ends.

    table : features: a row per neuron with the axes' columns, threshold, block and search
    """
    value = _value(searched)
    if not context.free:
        threshold = numbers(table, value.column)[0]
        words = f"{threshold:.7g}{after_number(value.unit)}" if np.isfinite(threshold) else table["search"].iloc[0]
        return style.text_figure(context.title, [f"{value.name}: {words}"])
    if context.zipped:
        x, colour = (*context.free, None)[:2]
        return points(table, context, x, value, colour)
    block = column_name("block", searched.unit)
    lines = [Line(value.column, "threshold")]
    if np.isfinite(numbers(table, block)).any():
        lines.append(Line(block, "firing ends", BLOCK, sparse=True))
    return family(table, context, context.free, lines, value.label, NONE, zero=False)


@style.styled
def threshold_map(table: pd.DataFrame, context: FigureContext, searched: Searching) -> Figure:
    """Thresholds over the first two axes, in panels by the third. `table` : as for `thresholds`, with status"""
    table = table.assign(failed=table["status"].isin(FAILED).to_numpy(dtype=bool))
    return value_map(table, context, context.free, [_value(searched)], style.DIVERGED, NONE, continuous=True)


def _value(searched: Searching) -> Variable:
    column, name, unit = searched.headline
    return Variable(column, name, unit)
