"""Figures of sampled designs: a feature against each sampled quantity, Sobol indices."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from hhcore.figures import style
from hhcore.figures.context import FigureContext, balanced, numbers, some_of
from hhcore.figures.style import BLUE, ORANGE

NO_LABELS: Mapping[str, str] = MappingProxyType({})
SHARE = "Share of the variance"
MOST_QUANTITIES = 12  # with bars
MOST_PANELS = 9  # of a scatter
SHOWN = (-0.25, 1.25)  # what lies outside is cut off, with an arrow: only estimates from too few points lie there
CUT = {"linestyle": "none", "color": style.BLACK, "markersize": 3, "markeredgewidth": 0, "clip_on": False}
BARS = (("first_order", BLUE, "first order", 0.2), ("total", ORANGE, "total", -0.2))


@style.styled
def sample_scatter(table: pd.DataFrame, context: FigureContext) -> Figure:
    """The feature that matters most against each sampled quantity: a point for each point of the design.

    table : features: one row per neuron with the columns of what varies and that of `context.headline`

    Axes are held at their middle values; the heading says so. Crosses mark neurons without a value.
    """
    y = context.headline
    table, notes = _hold(table, context)
    notes += some_of(len(table), context.points, "points of the design")
    shown = context.sampled[:MOST_PANELS]
    if len(shown) < len(context.sampled):
        notes.append(f"the first {len(shown)} of {len(context.sampled)} sampled quantities")
    columns = min(3, len(shown))
    rows = -(-len(shown) // columns)
    width = style.ONE_COLUMN if columns == 1 else style.TWO_COLUMNS
    figure = style.new_figure(width, 2.2 * rows + 0.3, context.title, notes)
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
    for empty in grid[len(shown) :]:
        empty.remove()
    up, gaps = numbers(table, y.column), 0
    for i, (panel, x) in enumerate(zip(grid, shown, strict=False)):
        along = numbers(table, x.column)
        size = 10.0 if len(along) < 300 else 4.0
        panel.scatter(along, up, s=size, color=BLUE, alpha=0.6, linewidth=0, rasterized=True)
        gaps = style.mark_gaps(panel, along, up, style.VERMILLION)
        panel.set_xlabel(x.label)
        if i % columns == 0:
            panel.set_ylabel(y.label)
    if np.isfinite(up).any():
        low, high = np.nanmin(up), np.nanmax(up)
        space = 0.06 * (high - low) or 0.5
        grid[0].set_ylim(low - (2 if gaps else 1) * space, high + space)  # crosses lie at the foot
    style.letter(grid[: len(shown)])
    look = {"marker": "x", "linestyle": "none", "color": style.VERMILLION}
    style.legend_below(figure, [Line2D([], [], label=f"no value ({gaps:,})", **look)] if gaps else [])
    return figure


@style.styled
def sobol_indices(table: pd.DataFrame, context: FigureContext, labels: Mapping[str, str] = NO_LABELS) -> Figure:
    """First-order and total indices of every feature as bars with their 95 % confidence intervals, a panel for each.

    table  : sobol_indices: one row per values of the axes, feature and sampled quantity
    labels : what a feature is called in the figure, if not by its column

    Features of single neurons are those at the middle values of the axes; the heading says so, and names the features
    without indices. Of many quantities, those with the largest total index are shown.
    """
    own, notes = _hold(table, context)
    if context.along in table:
        whole = table[table[context.along].isna()]
        for axis in context.axes:
            whole = whole[(whole[axis.column] == axis.middle) | (axis.column == context.along)]
        own = pd.concat([whole, own])
        notes = [f"features of single neurons {note}" for note in notes]
    defined = own[own["total"].notna()]
    notes += _without(own[own["total"].isna()], labels)
    features = defined["feature"].unique()
    if not len(features):
        return style.text_figure(context.title, ["No feature has Sobol indices.", *notes])
    largest = defined.groupby("parameter")["total"].max().sort_values(ascending=False, kind="stable")
    shown = [q.name for q in context.sampled if q.name in largest.index[:MOST_QUANTITIES]]
    if len(shown) < len(largest):
        notes.append(f"the {len(shown)} of {len(largest)} quantities with the largest total index")
    figure, grid = style.panels(context.title, notes, [_words(name, labels) for name in features], SHARE, "")
    ends = [(defined[name] + side * defined[f"{name}_ci95"]) for name, *_ in BARS for side in (-1, 1)]
    least, most = min(0.0, *(end.min() for end in ends)), max(1.0, *(end.max() for end in ends))
    words = {q.name: balanced(f"{q.words} {q.name}", 24) for q in context.sampled}
    grid[0].set(yticks=range(len(shown)), yticklabels=[words[name] for name in shown], ylim=(len(shown) - 0.5, -0.5))
    limits = max(SHOWN[0], least - 0.02), min(SHOWN[1], most + 0.02)
    grid[0].set_xlim(limits)
    parts = [defined[defined["feature"] == feature].set_index("parameter").loc[shown] for feature in features]
    cut = [_bars(panel, part, limits) for panel, part in zip(grid, parts, strict=True)]
    handles = [Patch(color=colour, linewidth=0, label=label) for _, colour, label, _ in BARS]
    handles.append(Line2D([], [], color=style.BLACK, linewidth=0.7, label="95 % confidence interval"))
    handles += [Line2D([], [], **CUT, marker=">", label="goes on outside")] if any(cut) else []
    style.legend_below(figure, handles)
    return figure


@style.styled
def main_effects(table: pd.DataFrame, context: FigureContext) -> Figure:
    """The share of the headline feature's variance that lies between the values of each axis, the largest first.

    table : main_effects: one row per axis
    """
    known = table[table["share"].notna()].sort_values("share", kind="stable")
    if known.empty:
        return style.text_figure(context.title, [f"{context.headline.name} is the same everywhere, or undefined."])
    undefined = int(known["undefined"].iloc[0])
    notes = [f"without {undefined:,} of {context.neurons:,} neurons, which have no value"] if undefined else []
    figure = style.new_figure(style.ONE_COLUMN, 0.6 + 0.32 * len(known), context.title, notes)
    panel = figure.subplots()
    words = {axis.name: balanced(f"{axis.words} {axis.name}", 24) for axis in context.axes}
    panel.barh(range(len(known)), known["share"], height=0.6, color=BLUE)
    panel.set(yticks=range(len(known)), yticklabels=[words[name] for name in known["axis"]])
    panel.set(xlim=(0, 1.02), xlabel=f"{SHARE} of the {context.headline.name[:1].lower()}{context.headline.name[1:]}")
    unit = "" if context.headline.unit == "1" else f" {context.headline.unit}"
    for place, (share, low, high) in enumerate(zip(known["share"], known["low"], known["high"], strict=True)):
        at, colour = (0.02, "white") if share > 0.5 else (share + 0.02, "0.25")  # in a long bar, else after it
        panel.text(at, place, f"{low:.3g} to {high:.3g}{unit}", va="center", fontsize=6, color=colour)
    return figure


def _bars(panel: Axes, part: pd.DataFrame, limits: tuple[float, float]) -> bool:
    """Bars with intervals, and arrows where these leave the limits; returns whether one does."""
    cut = False
    position = np.arange(len(part))
    whiskers = {"ecolor": style.BLACK, "elinewidth": 0.7, "capsize": 1.5, "capthick": 0.7}
    for name, colour, _, shift in BARS:
        values, error = numbers(part, name), numbers(part, f"{name}_ci95")
        panel.barh(position - shift, values, height=0.38, color=colour, xerr=error, error_kw=whiskers)
        for beyond, at, marker in zip(
            (values - error < limits[0], values + error > limits[1]), limits, "<>", strict=True
        ):
            if beyond.any():
                panel.plot(np.full(beyond.sum(), at), (position - shift)[beyond], marker=marker, **CUT)
                cut = True
    panel.axvline(0.0, color=style.BLACK, linewidth=0.5)
    return cut


def _words(feature: str, labels: Mapping[str, str]) -> str:
    """What a feature is called, without its unit: a share of the variance has none."""
    return labels.get(feature, feature).partition(" (")[0]


def _without(features: pd.DataFrame, labels: Mapping[str, str]) -> list[str]:
    """A note that names features without indices, and why."""
    words = [
        f"{', '.join(_words(name, labels) for name in part['feature'].unique())} ({reason})"
        for reason, part in features.groupby("no_indices", sort=False)
    ]
    return [f"no indices: {'; '.join(words)}"] if words else []


def _hold(table: pd.DataFrame, context: FigureContext) -> tuple[pd.DataFrame, list[str]]:
    """The rows in which all axes have their middle values (zipped axes, those of the middle point); and notes."""
    if not context.zipped:
        return context.hold(table, [])
    middle = context.middle(context.axes)
    for axis, value in middle:
        table = table[table[axis.column] == value]
    return table, [f"at {', '.join(axis.at(value) for axis, value in middle)}"]
