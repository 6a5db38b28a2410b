"""Figures of restitution: APD90 against the diastolic interval before, and against the interval of the pulses."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hhcore.figures import style
from hhcore.figures.context import FigureContext, numbers, select, some_of
from hhcore.figures.limits import MAX_COLOURS, MAX_FACETS
from hhcore.protocols.restitution.points import alike

APD, DIASTOLIC, INTERVAL = "apd90_ms", "diastolic_interval_ms", "interval_ms"
NOTHING = "No pulse has an action potential that ends, after another one."
TANGENT = 0.06  # of the width of the panel: half of a line of slope 1
SLOPE_1 = {"color": style.GREY, "linewidth": 0.8, "linestyle": (0, (4, 2)), "label": "slope 1"}
MARKER = {"marker": "o", "markersize": 2.2}
EARLIER = {**MARKER, "linestyle": "none", "markerfacecolor": "white"}


@style.styled
def restitution(features: pd.DataFrame, points: pd.DataFrame, context: FigureContext) -> Figure:
    """APD90 against the diastolic interval before, coloured by the first axis, in panels by the second.

    features : one row per neuron with the axes' columns and unit_slope_ms
    points   : restitution.parquet: one row per neuron and beat

    Where beats alternate, the earlier ones are open circles. A line of slope 1 touches each curve whose slope crosses
    1. Further axes are held at their middle values; the heading says so.
    """

    def draw(panel: Axes, curve: pd.DataFrame, colour: object) -> list[Line2D]:
        return [*_curve(panel, curve, DIASTOLIC, colour), *_tangents(panel, curve)]

    return _panels(features, points, context, "Diastolic interval (ms)", draw)


@style.styled
def apd_interval(features: pd.DataFrame, points: pd.DataFrame, label: str, context: FigureContext) -> Figure:
    """APD90 against the interval from pulse to pulse, as `restitution`; crosses where a pulse has no action potential.

    label : of that interval
    """

    def draw(panel: Axes, curve: pd.DataFrame, colour: object) -> list[Line2D]:
        blocked = curve[~curve["captured"].to_numpy(dtype=bool)]
        none = np.full(len(blocked), np.nan)
        count = style.mark_gaps(panel, numbers(blocked, INTERVAL), none, colour)
        cross = Line2D([], [], marker="x", linestyle="none", color=style.GREY, label="no action potential")
        return [*_curve(panel, curve, INTERVAL, colour), *([cross] if count else [])]

    return _panels(features, points, context, label, draw)


def _panels(
    features: pd.DataFrame,
    points: pd.DataFrame,
    context: FigureContext,
    label: str,
    draw: Callable[[Axes, pd.DataFrame, object], Sequence[Line2D]],
) -> Figure:
    """Panels of curves that `draw` draws, a neuron each; it returns entries of the legend."""
    colour, facet = (None, None) if context.zipped else (*context.free[:2], None, None)[:2]
    notes = some_of(len(features), context.neurons, "neurons") if context.zipped else []
    columns = [*(axis.column for axis in context.axes), "unit_slope_ms"]
    table = points.join(features[columns], on="neuron", how="inner")
    table, held = context.hold(table, [colour, facet], whole=0)
    notes += held
    for axis, most in ((colour, MAX_COLOURS), (facet, MAX_FACETS)):
        table = table if axis is None else table[table[axis.column].isin(axis.spread(most))]
        notes += axis.few(most) if axis else []
    if not np.isfinite(numbers(table, APD)).any():
        return style.text_figure(context.title, [NOTHING])
    facets = facet.spread(MAX_FACETS) if facet else [None]
    titles = [facet.marked(value, facet.at(value)) for value in facets] if facet else [""]
    figure, grid = style.panels(context.title, notes, titles, label, "APD90 (ms)")
    colours = style.level_colours(colour.spread(MAX_COLOURS)) if colour else None
    entries: dict[str, Line2D] = {}
    for panel, value in zip(grid, facets, strict=True):
        for _, curve in select(table, facet, value).groupby("neuron"):
            shade = colours.mappable.to_rgba(curve[colour.column].iloc[0]) if colour else style.BLUE
            entries |= {entry.get_label(): entry for entry in draw(panel, curve, shade)}
    if colour:
        colours.bar(figure, colour)
    style.legend_below(figure, list(entries.values()))
    return figure


def _curve(panel: Axes, curve: pd.DataFrame, x: str, colour: object) -> list[Line2D]:
    """A line through points whose beats are alike; of others the last beat, and those before as open circles.

    Returns an entry of the legend for these.
    """
    last, same = ~curve.duplicated(["point"], keep="last"), alike(curve)
    drawn = np.isfinite(numbers(curve, APD)) & np.isfinite(numbers(curve, x))
    earlier = drawn & ~same & ~last
    for rows, look in (
        (drawn & same & last, {"linewidth": 0.8}),
        (drawn & ~same & last, {"linestyle": "none"}),
        (earlier, {**EARLIER, "zorder": 1.9}),
    ):
        panel.plot(numbers(curve[rows], x), numbers(curve[rows], APD), color=colour, **(MARKER | look))
    return (
        [Line2D([], [], color=style.GREY, label="beats before, where beats differ", **EARLIER)] if earlier.any() else []
    )


def _tangents(panel: Axes, curve: pd.DataFrame) -> list[Line2D]:
    """A line of slope 1 where the slope of the curve crosses 1."""
    at = numbers(curve, "unit_slope_ms")[0]
    if np.isnan(at):
        return []
    points = curve[np.isfinite(numbers(curve, APD)) & np.isfinite(numbers(curve, DIASTOLIC))].sort_values(DIASTOLIC)
    height = np.interp(at, numbers(points, DIASTOLIC), numbers(points, APD))
    half = TANGENT * np.ptp(numbers(points, DIASTOLIC))
    return panel.plot([at - half, at + half], [height - half, height + half], zorder=3, **SLOPE_1)
