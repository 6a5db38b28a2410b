"""Maps: a value over two axes, in panels by a third."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from hhcore.figures import style
from hhcore.figures.context import FigureContext, Variable, numbers, select
from hhcore.figures.limits import MAX_FACETS


def value_map(
    table: pd.DataFrame, context: FigureContext, axes: list[Variable], value: Variable, failed: str, none: str
) -> Figure:
    """`value` over axes[:2], in panels by axes[2]. `failed` and `none` label the crosses and the hatches."""
    x, y, facet = (*axes[:3], None)[:3]
    table, notes = context.hold(table, axes[:3], whole=2)
    facets = facet.spread(MAX_FACETS) if facet else [None]
    titles = [facet.at(v) for v in facets] if facet else [""]
    figure, grid = style.panels(context.title, notes, titles, x.label, y.label)
    parts = [select(table, facet, v) for v in facets]
    shown = pd.concat(parts)
    colours = style.value_colours(numbers(shown, value.column))
    for panel, part in zip(grid, parts, strict=True):
        _draw(panel, part, x, y, value, colours)
    colours.bar(figure, value.label)
    handles = []
    if none and np.isnan(numbers(shown, value.column)).any():
        handles.append(Patch(**style.NO_VALUE, label=none))
    if shown["failed"].any():
        handles.append(Line2D([], [], linestyle="none", label=failed, **style.FAILED))
    style.legend_below(figure, handles)
    return figure


def _draw(panel: Axes, part: pd.DataFrame, x: Variable, y: Variable, value: Variable, colours: style.Colours) -> None:
    columns, rows = np.sort(x.values), np.sort(y.values)
    cells = np.full((rows.size, columns.size), np.nan)
    cells[np.searchsorted(rows, part[y.column]), np.searchsorted(columns, part[x.column])] = numbers(part, value.column)
    borders = style.edges(columns, x.is_logarithmic), style.edges(rows, y.is_logarithmic)
    panel.patch.set(**style.NO_VALUE)
    mappable = colours.mappable
    # Rasterised: drawn as shapes, cells have hairlines between them in many viewers, and take megabytes.
    panel.pcolormesh(*borders, np.ma.masked_invalid(cells), norm=mappable.norm, cmap=mappable.cmap, rasterized=True)
    panel.set(xscale="log" if x.is_logarithmic else "linear", yscale="log" if y.is_logarithmic else "linear")
    style.value_ticks(panel, "x", x)
    style.value_ticks(panel, "y", y)
    failed = part[part["failed"]]
    panel.plot(failed[x.column], failed[y.column], linestyle="none", **style.FAILED)
