"""Restitution: how long an action potential lasts after how long a rest."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hhcore.figures import style
from hhcore.figures.context import MAX_COLOURS, MAX_FACETS, Plan, Variable, numbers, select, some_of

APD = "apd90_ms"
INTERVAL = "diastolic_interval_ms"
NOTHING = "No beat has both a diastolic interval and an action potential that ends within it."


@style.styled
def restitution(table: pd.DataFrame, beats: pd.DataFrame, plan: Plan) -> Figure:
    """APD90 against the diastolic interval before, coloured by one further axis, in panels by the next one.

    table : features: one row per neuron with the axes' columns and those of its last whole beat
    beats : beats: one row per neuron and beat

    Where the period is swept, a curve is the last whole beats of the neurons that differ in the period alone; else it
    is all beats of a neuron. Axes beyond these are held at their middle values; the heading says so.
    """
    along = [axis for axis in plan.free if axis.column == plan.along]
    thinned = some_of(len(table), plan.neurons, "neurons") if plan.zipped else []
    if not along:
        table = beats.join(table[[axis.column for axis in plan.axes]], on="neuron")
    drawn = "last whole beat at each period" if along else "every beat"
    colour, facet = (None, None) if plan.zipped else (*plan.others[:2], None, None)[:2]
    table, notes = plan.hold(table, [*along, colour, facet], whole=len(along))
    for axis, most in ((colour, MAX_COLOURS), (facet, MAX_FACETS)):
        table = table if axis is None else table[table[axis.column].isin(axis.spread(most))]
    valid = np.isfinite(numbers(table, APD)) & np.isfinite(numbers(table, INTERVAL))
    if not valid.any():
        return style.text_figure(plan.title, [NOTHING])
    notes = [drawn if valid.all() else f"{drawn}; {np.sum(~valid):,} of {len(table):,} have no value", *thinned, *notes]
    facets = facet.spread(MAX_FACETS) if facet else [None]
    titles = [facet.at(value) for value in facets] if facet else [""]
    figure, grid = style.panels(plan.title, notes, titles, "Diastolic interval (ms)", "APD90 (ms)")
    for panel, value in zip(grid, facets, strict=True):
        _draw(panel, select(table[valid], facet, value), colour, plan)
    if colour:
        style.level_colours(colour.spread(MAX_COLOURS)).bar(figure, grid, colour.label)
    return figure


def _draw(panel: Axes, table: pd.DataFrame, colour: Variable | None, plan: Plan) -> None:
    """A line with markers for each curve; markers alone for zipped axes, whose neurons are on no curve."""
    levels = colour.spread(MAX_COLOURS) if colour else np.zeros(1)
    shades = style.level_colours(levels).mappable
    for level in levels:
        curve = select(table, colour, level).sort_values(INTERVAL)
        look = {"color": shades.to_rgba(level) if colour else style.BLUE, "linewidth": 0.8}
        line = "none" if plan.zipped else "-"
        panel.plot(numbers(curve, INTERVAL), numbers(curve, APD), marker="o", linestyle=line, **look)
