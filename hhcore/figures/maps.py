"""Maps: values over two axes, in panels by a third."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path

from hhcore.figures import style
from hhcore.figures.context import FigureContext, Variable, numbers, select, some_of
from hhcore.figures.limits import MAX_FACETS

SHARED = "Amplitude"  # in the colour bar of several values


@dataclass(frozen=True)
class Apart:
    """A number with a look of its own, outside the colour bar, and its label in the legend.

    hatch : tells it from numbers of the colour bar that are as light
    """

    number: float
    colour: str
    label: str
    hatch: str = ""

    @property
    def look(self) -> dict[str, object]:
        """That of a patch."""
        return {"facecolor": self.colour, "edgecolor": style.BLACK, "hatch": self.hatch, "linewidth": 0}


def value_map(
    table: pd.DataFrame,
    context: FigureContext,
    axes: list[Variable],
    values: Sequence[Variable],
    failed: str,
    none: str,
    apart: Sequence[Apart] = (),
    continuous: bool = False,
    hatched: tuple[str, Apart] | None = None,
) -> Figure:
    """`values` over axes[:2], in panels by value and by axes[2]. All are in one unit and share the colours.

    failed, none : labels of the crosses and the hatches
    apart        : numbers with colours of their own; panels with nothing but the first of them are left out
    continuous   : see value_colours
    hatched      : a column, bool, of cells with a hatch over their colour, and its look
    """
    x, y, facet = (*axes[:3], None)[:3]
    table, notes = context.hold(table, axes[:3], whole=2)
    facets = facet.spread(MAX_FACETS) if facet else [None]
    facets = facets[np.linspace(0, len(facets) - 1, MAX_FACETS // len(values)).round().astype(int)] if facet else facets
    facets = list(dict.fromkeys(facets))
    notes += some_of(len(facets), facet.values.size + facet.left_out, f"values of {facet.name}") if facet else []
    empty = [at for at in facets if apart and _is_only(select(table, facet, at), values, apart[0].number)]
    if facet and 0 < len(empty) < len(facets):
        notes.append(f"{apart[0].label} at {', '.join(facet.at(at) for at in empty)}")
        facets = [at for at in facets if at not in empty]
    panels = [(value, at, select(table, facet, at)) for value in values for at in facets]
    titles = [_title(value if len(values) > 1 else None, facet, at) for value, at, _ in panels]
    figure, grid = style.panels(context.title, notes, titles, x.label, y.label)
    drawn = np.concatenate([numbers(part, value.column) for value, _, part in panels])
    within = drawn[~np.isin(drawn, [a.number for a in apart])]
    colours = style.value_colours(within, logarithmic=len(values) > 1, continuous=continuous)
    for panel, (value, _, part) in zip(grid, panels, strict=True):
        _draw(panel, part, x, y, value, colours, apart)
        if hatched:
            _hatch(panel, part, x, y, hatched)
    single = colours.bar(figure, values[0] if len(values) == 1 else replace(values[0], name=SHARED))
    handles = [*(Patch(**a.look, label=a.label) for a in apart if a.number in drawn), *single]
    if hatched and any(part[hatched[0]].any() for _, _, part in panels):
        handles.append(Patch(**hatched[1].look, label=hatched[1].label))
    if none and np.isnan(drawn).any():
        handles.append(Patch(**style.NO_VALUE, label=none))
    if any(part["failed"].any() for _, _, part in panels):
        handles.append(Line2D([], [], linestyle="none", label=failed, **style.FAILED))
    style.legend_below(figure, handles)
    return figure


def _is_only(part: pd.DataFrame, values: Sequence[Variable], number: float) -> bool:
    return all((numbers(part, value.column) == number).all() for value in values)


def _title(value: Variable | None, facet: Variable | None, at: float) -> str:
    words = [value.name] if value else []
    return ", ".join([*words, *([facet.marked(at, facet.at(at))] if facet else [])])


def _draw(
    panel: Axes,
    part: pd.DataFrame,
    x: Variable,
    y: Variable,
    value: Variable,
    colours: style.Colours,
    apart: Sequence[Apart],
) -> None:
    columns, rows = np.sort(x.values), np.sort(y.values)
    cells = _cells(part, x, y, numbers(part, value.column))
    borders = style.edges(columns, x.is_logarithmic), style.edges(rows, y.is_logarithmic)
    panel.patch.set(**style.NO_VALUE)
    mappable = colours.mappable
    own = np.isin(cells, [a.number for a in apart])
    # Rasterised: drawn as shapes, cells have hairlines between them in many viewers, and take megabytes.
    shown = np.ma.masked_where(~np.isfinite(cells) | own, cells)
    panel.pcolormesh(*borders, shown, norm=mappable.norm, cmap=mappable.cmap, rasterized=True)
    for a in apart:
        if (cells == a.number).any():
            same = np.ma.masked_where(cells != a.number, cells)
            panel.pcolormesh(*borders, same, cmap=ListedColormap([a.colour]), rasterized=True)
        if a.hatch:
            panel.add_patch(_hatched(*borders, cells == a.number, a))
    panel.set(xscale="log" if x.is_logarithmic else "linear", yscale="log" if y.is_logarithmic else "linear")
    style.value_ticks(panel, "x", x)
    style.value_ticks(panel, "y", y)
    failed = part[part["failed"]]
    panel.plot(failed[x.column], failed[y.column], linestyle="none", **style.FAILED)


def _hatch(panel: Axes, part: pd.DataFrame, x: Variable, y: Variable, hatched: tuple[str, Apart]) -> None:
    """Hatch cells over their colours; see `value_map`."""
    cells = _cells(part, x, y, part[hatched[0]].to_numpy(dtype=float)) == 1.0
    borders = style.edges(np.sort(x.values), x.is_logarithmic), style.edges(np.sort(y.values), y.is_logarithmic)
    panel.add_patch(_hatched(*borders, cells, hatched[1]))


def _cells(part: pd.DataFrame, x: Variable, y: Variable, values: np.ndarray) -> np.ndarray:
    """Values of the rows of a table, (n,), on the grid of two axes: float64 (y, x), NaN elsewhere."""
    columns, rows = np.sort(x.values), np.sort(y.values)
    cells = np.full((rows.size, columns.size), np.nan)
    cells[np.searchsorted(rows, part[y.column]), np.searchsorted(columns, part[x.column])] = values
    return cells


def _hatched(x: np.ndarray, y: np.ndarray, cells: np.ndarray, a: Apart) -> PathPatch:
    """The hatch of cells, bool (rows, columns), between borders x and y, as one shape; neighbours in a row are one."""
    change = np.diff(cells, axis=1, prepend=False, append=False)
    row, border = np.nonzero(change)
    left, right, below, above = x[border[::2]], x[border[1::2]], y[row[::2]], y[row[::2] + 1]
    corners = [(left, below), (right, below), (right, above), (left, above), (left, below)]
    vertices = np.array(corners).transpose(2, 0, 1).reshape(-1, 2)
    codes = np.tile([Path.MOVETO, *[Path.LINETO] * 3, Path.CLOSEPOLY], len(left))
    return PathPatch(Path(vertices, codes), **{**a.look, "facecolor": "none"}, rasterized=True)
