"""Families of curves: a column against one axis, coloured by a second axis, in panels by a third."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hhcore.figures import style
from hhcore.figures.context import FigureContext, Variable, numbers, select, some_of
from hhcore.figures.limits import MAX_COLOURS, MAX_FACETS

MARKED = 30  # longer curves have no markers
DOT = {"linestyle": "none", "marker": ".", "markersize": 2}  # of a longer curve, a point that no line reaches
ALONE = "one amplitude between gaps"
MANY = 6  # curves in a panel; of more, sparse lines are drawn for three alone


@dataclass(frozen=True)
class Line:
    """A column to draw, its label in the legend, and its style.

    sparse : of many curves, draw it for three alone
    jumps  : do not join what is 0 to what is not, such as silence to firing
    needed : mark points without a value of this line; of none, the first one is
    """

    column: str
    label: str
    style: dict[str, object] = field(default_factory=dict)
    sparse: bool = False
    jumps: bool = False
    needed: bool = False


def family(
    table: pd.DataFrame,
    context: FigureContext,
    axes: list[Variable],
    lines: Sequence[Line],
    y: str,
    gap: str,
    zero: bool = True,
) -> Figure:
    """`lines` against axes[0], coloured by axes[1], in panels by axes[2]; further axes at their middle values.

    gap  : the label for points without a value of the line that is `needed`; crosses at the foot of the panel mark them
    zero : whether the scale begins at 0, or at the smallest value
    """
    x, colour, facet = (*axes[:3], None, None)[:3]
    table, notes = context.hold(table, axes[:3])
    for axis, most in ((colour, MAX_COLOURS), (facet, MAX_FACETS)):
        notes += axis.few(most) if axis else []
    facets = facet.spread(MAX_FACETS) if facet else [None]
    titles = [facet.marked(value, facet.at(value)) for value in facets] if facet else [""]
    figure, grid = style.panels(context.title, notes, titles, x.label, y)
    levels = colour.spread(MAX_COLOURS) if colour else np.zeros(1)
    colours = style.level_colours(levels)
    sparse_levels = levels if levels.size <= MANY else levels[[0, levels.size // 2, -1]]
    missing, shown = 0, []
    for panel, value in zip(grid, facets, strict=True):
        part = select(table, facet, value)
        for level in levels:
            curve = select(part, colour, level).sort_values(x.column)
            shown.append(curve)
            shade = colours.mappable.to_rgba(level) if colour else style.BLUE
            drawn = [line for line in lines if level in sparse_levels or not line.sparse]
            missing += _draw(panel, numbers(curve, x.column), curve, drawn, shade)
    style.scale_axis(grid[0], "x", x)
    y_limits(grid[0], np.concatenate([numbers(curve, line.column) for curve in shown for line in lines]), zero)
    if colour:
        colours.bar(figure, colour)
    handles = _handles(lines, levels.size, gap if missing else "")
    jumping = [line.column for line in lines if line.jumps]
    if any(_has_dots(numbers(curve, column)) for curve in shown for column in jumping):
        handles.append(Line2D([], [], color=handles[0].get_color() if handles else style.GREY, **DOT, label=ALONE))
    style.legend_below(figure, handles)
    return figure


def points(
    table: pd.DataFrame,
    context: FigureContext,
    x: Variable,
    y: Variable,
    colour: Variable,
    gap: str = style.DIVERGED,
    continuous: bool = False,
) -> Figure:
    """The points of zipped axes: `y` against `x`, coloured by `colour`; crosses, labelled `gap`, without a value.

    continuous : see value_colours
    """
    figure, [panel] = style.panels(
        context.title, some_of(len(table), context.neurons, "neurons"), [""], x.label, y.label
    )
    along, up, values = (numbers(table, variable.column) for variable in (x, y, colour))
    colours = style.value_colours(values, continuous=continuous)
    valid = np.isfinite(up) & np.isfinite(values)
    panel.scatter(along[valid], up[valid], c=colours.mappable.to_rgba(values[valid]), s=12, linewidth=0)
    style.scale_axis(panel, "x", x)
    style.scale_axis(panel, "y", y) if y.values.size else y_limits(panel, up)
    handles = colours.bar(figure, colour)
    if not valid.all():
        up = np.where(np.isfinite(up), up, panel.get_ylim()[0])
        panel.plot(along[~valid], up[~valid], linestyle="none", clip_on=False, **style.FAILED)
        handles.append(Line2D([], [], linestyle="none", label=gap, **style.FAILED))
    style.legend_below(figure, handles)
    return figure


def _draw(panel: Axes, x: np.ndarray, curve: pd.DataFrame, lines: Sequence[Line], shade: object) -> int:
    """Draw one curve; returns the number of points without a value of the line that is needed."""
    for line in lines:
        marker = "o" if x.size <= MARKED else ""
        plot = plot_with_jumps if line.jumps else Axes.plot
        plot(panel, x, numbers(curve, line.column), **{"color": shade, "marker": marker, **line.style})
    needed = max(lines, key=lambda line: line.needed)  # the first one if none is
    return style.mark_gaps(panel, x, numbers(curve, needed.column), shade)


def with_gaps(state: np.ndarray, *columns: np.ndarray) -> list[np.ndarray]:
    """The columns, float64 (n,) each, with a row of NaN between neighbours of different `state`, (n,)."""
    jumps = np.flatnonzero(state[1:] != state[:-1]) + 1
    return [np.insert(column, jumps, np.nan) for column in columns]


def plot_with_jumps(panel: Axes, x: np.ndarray, y: np.ndarray, **look: object) -> None:
    """Plot y against increasing x, float64 (n,) each, with a gap between 0 and other values; lone points as dots."""
    panel.plot(*with_gaps(y == 0, x, y), **look)
    lone = alone(y == 0, np.isfinite(y))
    if lone.any() and not look.get("marker"):
        panel.plot(x[lone], y[lone], **{**look, **DOT})


def alone(state: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Which points no line reaches, bool (n,): those without a known neighbour of the same state, (n,) each."""
    joined = known[1:] & known[:-1] & (state[1:] == state[:-1])
    return known & ~np.r_[False, joined] & ~np.r_[joined, False]


def _has_dots(y: np.ndarray) -> bool:
    return y.size > MARKED and bool(alone(y == 0, np.isfinite(y)).any())


def y_limits(panel: Axes, values: np.ndarray, zero: bool = True) -> None:
    """Set y from a little below 0, so that a curve at 0 shows, or the smallest value, to a little above the largest."""
    known = values[np.isfinite(values)]
    known = np.append(known, 0.0) if zero or not known.size else known
    low, high = known.min(), known.max()
    space = 0.05 * (high - low or 1.0)
    panel.set_ylim(low - space, (high if high > low else low + 1.0) + space)


def _handles(lines: Sequence[Line], curves: int, gap: str) -> list[Line2D]:
    shade = style.GREY if curves > 1 else style.BLUE
    suffixes = [f" (3 of {curves} curves)" if line.sparse and curves > MANY else "" for line in lines]
    handles = [
        Line2D([], [], **{"color": shade, **line.style}, label=line.label + suffix)
        for line, suffix in zip(lines, suffixes, strict=True)
    ]
    if gap:
        handles.append(Line2D([], [], color=shade, marker="x", linestyle="none", label=gap))
    return handles if len(handles) > 1 else []
