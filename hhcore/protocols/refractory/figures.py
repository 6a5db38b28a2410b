"""Recovery curves: the threshold of a second stimulus against the interval since the first."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from hhcore.figures import style
from hhcore.figures.context import FigureContext, numbers, select, some_of
from hhcore.figures.limits import MAX_COLOURS, MAX_FACETS
from hhcore.figures.ticks import log_ticks, number

INTERVAL, RATIO = "interval_ms", "threshold_ratio"
LABELS = "Interval from the first stimulus (ms)", "Threshold / resting threshold"
RESTING = {"color": style.GREY, "linewidth": 0.7, "linestyle": (0, (4, 2))}
ENDS = ("absolute_refractory_ms", "relative_refractory_ms", "supernormal_begin_ms", "supernormal_end_ms")
NOTHING = "No threshold after a spike: the columns first_spikes and search say why."


@style.styled
def recovery(features: pd.DataFrame, curves: pd.DataFrame, context: FigureContext) -> Figure:
    """Thresholds as multiples of the resting one, coloured by the first axis, in panels by the second.

    features : one row per neuron with the axes' columns and the ends of phases
    curves   : refractory.parquet: one row per neuron and interval

    Phases of a neuron alone are shaded. Crosses mark intervals without a threshold.
    """
    colour, facet = (None, None) if context.zipped else (*context.free[:2], None, None)[:2]
    notes = some_of(len(features), context.neurons, "neurons") if context.zipped else []
    columns = list(dict.fromkeys([*(axis.column for axis in context.axes), *ENDS]))
    table, held = context.hold(curves.join(features[columns], on="neuron", how="inner"), [colour, facet], whole=0)
    for axis, most in ((colour, MAX_COLOURS), (facet, MAX_FACETS)):
        notes += axis.few(most) if axis else []
    if not np.isfinite(numbers(table, RATIO)).any():
        return style.text_figure(context.title, [NOTHING])
    facets = facet.spread(MAX_FACETS) if facet else [None]
    titles = [facet.marked(value, facet.at(value)) for value in facets] if facet else [""]
    figure, grid = style.panels(context.title, [*held, *notes], titles, *LABELS)
    levels = colour.spread(MAX_COLOURS) if colour else [None]
    colours = style.level_colours(np.asarray(levels)) if colour else None
    shown = [
        (panel, curve.sort_values(INTERVAL), colours.mappable.to_rgba(level) if colours else style.BLUE)
        for panel, value in zip(grid, facets, strict=True)
        for level in levels
        for _, curve in select(select(table, facet, value), colour, level).groupby("neuron")
    ]
    _scale(grid[0], [curve for _, curve, _ in shown])
    handles = _phases(grid[0], shown[0][1]) if len(shown) == 1 else []
    gaps = sum(_curve(panel, curve, shade) for panel, curve, shade in shown)
    for panel in grid:
        panel.axhline(1.0, zorder=1.5, **RESTING)
    if colours:
        colours.bar(figure, colour)
    handles.append(Line2D([], [], label="resting threshold", **RESTING))
    if gaps:
        shade = style.GREY if len(shown) > 1 else style.BLUE
        handles.append(Line2D([], [], marker="x", linestyle="none", color=shade, label="no threshold"))
    style.legend_below(figure, handles)
    return figure


def _scale(panel: Axes, curves: list[pd.DataFrame]) -> None:
    """Logarithmic, from below the smallest ratio to above the largest; all intervals."""
    table = pd.concat(curves)
    ratios, times = numbers(table, RATIO), numbers(table, INTERVAL)
    known = ratios[np.isfinite(ratios) & (ratios > 0)]
    low, high = min(known.min(initial=1.0), 1.0) / 1.25, max(known.max(initial=1.0), 1.0) * 1.25
    panel.set(yscale="log", ylim=(low, high), xlim=(0.0, 1.03 * times.max()))
    major, _ = log_ticks(low, high)
    panel.set_yticks(major, labels=[number(value) for value in major])
    panel.set_yticks([], minor=True)


def _curve(panel: Axes, curve: pd.DataFrame, shade: object) -> int:
    """One curve; returns the number of intervals without a threshold."""
    x, y = numbers(curve, INTERVAL), numbers(curve, RATIO)
    panel.plot(x, y, color=shade, marker="o" if x.size <= 40 else "", markersize=2.2, linewidth=0.8)
    return style.mark_gaps(panel, x, y, shade)


def _phases(panel: Axes, curve: pd.DataFrame) -> list[Patch]:
    """Shade the phases of a neuron; returns entries of the legend."""
    absolute, relative, begin, end = (numbers(curve, name)[0] for name in ENDS)
    last = panel.get_xlim()[1]
    end = last if np.isnan(end) else end
    spans = (
        (0.0, absolute, style.GREY, 0.35, "absolutely refractory"),
        (absolute, relative, style.GREY, 0.15, "relatively refractory"),
        (begin, end, style.ORANGE, 0.2, "supernormal"),
    )
    handles = []
    for left, right, shade, alpha, label in spans:
        if np.isfinite(left) and np.isfinite(right):
            handles.append(panel.axvspan(left, right, facecolor=shade, alpha=alpha, linewidth=0, label=label))
    return handles
