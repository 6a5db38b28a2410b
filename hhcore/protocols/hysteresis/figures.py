"""Figures of hysteresis: firing rate up and down, and where rest and firing end."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from hhcore.base.units import column_name
from hhcore.experiments.answers import between
from hhcore.figures import style
from hhcore.figures.context import FigureContext, Variable, numbers, select, some_of, with_unit
from hhcore.figures.family import Line, family, points
from hhcore.figures.limits import MAX_COLOURS, MAX_FACETS
from hhcore.figures.maps import value_map
from hhcore.figures.titles import after_number
from hhcore.simulation.features import FAILED

LOOKS = {
    "up": {"linestyle": "-", "marker": "^", "markersize": 2.6},
    "down": {"linestyle": (0, (3, 1.5)), "marker": "v", "markersize": 2.6, "markerfacecolor": "white"},
}
ENDS = {"linestyle": (0, (3, 1.5))}
NONE = "no edge"


@style.styled
def hysteresis(features: pd.DataFrame, levels: pd.DataFrame, unit: str, context: FigureContext) -> Figure:
    """Firing rate against the current, up and down, coloured by the first axis, in panels by the second.

    features : a row per neuron with the axes' columns and both edges
    levels   : hysteresis.parquet, a row per neuron and level; unit : of the current

    Of a neuron alone, the bistable range is shaded. Further axes are held at their middle values.
    """
    colour, facet = (None, None) if context.zipped else (*context.free[:2], None, None)[:2]
    notes = some_of(len(features), context.neurons, "neurons") if context.zipped else []
    edges = [column_name(name, unit) for name in ("firing_from", "rest_until", "bistable_width")]
    table = levels.join(features[[*(axis.column for axis in context.axes), *edges]], on="neuron", how="inner")
    table, held = context.hold(table, [colour, facet], whole=0)
    notes += held
    for axis, most in ((colour, MAX_COLOURS), (facet, MAX_FACETS)):
        table = table if axis is None else table[table[axis.column].isin(axis.spread(most))]
        notes += axis.few(most) if axis else []
    facets = facet.spread(MAX_FACETS) if facet else [None]
    titles = [facet.marked(value, facet.at(value)) for value in facets] if facet else [""]
    label = with_unit("Injected current", unit)
    figure, grid = style.panels(context.title, notes, titles, label, "Firing rate (Hz)")
    colours = style.level_colours(colour.spread(MAX_COLOURS)) if colour else None
    shaded = False
    for panel, value in zip(grid, facets, strict=True):
        for _, curve in select(table, facet, value).groupby("neuron"):
            shade = colours.mappable.to_rgba(curve[colour.column].iloc[0]) if colour else style.BLUE
            _curve(panel, curve, column_name("amplitude", unit), shade)
            if table["neuron"].nunique() == 1:
                shaded |= _shade(panel, curve, edges)
    if colour:
        colours.bar(figure, colour)
    grey = style.GREY if colour else style.BLUE
    entries = [Line2D([], [], color=grey, label=f"on the way {word}", **look) for word, look in LOOKS.items()]
    range_ = [Patch(facecolor=style.GREY, alpha=0.25, linewidth=0, label="rests or fires")]
    style.legend_below(figure, entries + (range_ if shaded else []))
    return figure


def _curve(panel: Axes, curve: pd.DataFrame, x: str, colour: object) -> None:
    for word, look in LOOKS.items():
        part = curve[curve["direction"] == word]
        panel.plot(numbers(part, x), numbers(part, "firing_rate_Hz"), color=colour, linewidth=0.8, **look)


def _shade(panel: Axes, curve: pd.DataFrame, edges: list[str]) -> bool:
    """Shade the bistable range, if there is one."""
    low, high, width = (numbers(curve, name)[0] for name in edges)
    if not width > 0:
        return False
    panel.axvspan(low, high, color=style.GREY, alpha=0.25, linewidth=0, zorder=0)
    return True


@style.styled
def bistable_range(features: pd.DataFrame, unit: str, context: FigureContext) -> Figure:
    """Where rest ends and where firing ends, against the first axis, coloured by the second, in panels by the third."""
    rest, firing = (column_name(name, unit) for name in ("rest_until", "firing_from"))
    if context.zipped:
        x, colour = (*context.free, None)[:2]
        return points(features, context, x, _width(unit), colour or _width(unit), NONE)
    lines = [Line(rest, "rest ends"), Line(firing, "firing ends", ENDS)]
    return family(features, context, context.free, lines, with_unit("Injected current", unit), NONE, zero=False)


@style.styled
def bistable_map(features: pd.DataFrame, unit: str, context: FigureContext) -> Figure:
    """The width of the bistable range over the first two axes, in panels by the third."""
    table = features.assign(failed=features["status"].isin(FAILED).to_numpy(dtype=bool))
    return value_map(table, context, context.free, [_width(unit)], style.DIVERGED, "not bistable", continuous=True)


def _width(unit: str) -> Variable:
    return Variable(column_name("bistable_width", unit), "Width of the bistable range", unit)


def _span(values: np.ndarray, unit: str) -> str:
    known = values[np.isfinite(values)]
    return f"{between(known.min(), known.max())}{after_number(unit)}" if known.size else NONE


@style.styled
def ramps(features: pd.DataFrame, table: pd.DataFrame, unit: str, context: FigureContext) -> Figure:
    """The currents at which firing begins and ends on a slow ramp, against the first axis, coloured by the second.

    features : a row per neuron with the axes' columns; table : ramps.parquet
    """
    onset, end = (column_name(name, unit) for name in ("ramp_onset", "ramp_end"))
    if not context.free:
        found = (("begins, rising", numbers(table, onset)), ("ends, falling", numbers(table, end)))
        return style.text_figure(context.title, [f"Firing {what}: {_span(values, unit)}" for what, values in found])
    joined = features.join(table.set_index("neuron"), how="left")
    if context.zipped:
        x, colour = (*context.free, None)[:2]
        value = Variable(onset, "Current where firing begins", unit)
        return points(joined, context, x, value, colour or value, NONE)
    lines = [Line(onset, "firing begins, rising"), Line(end, "firing ends, falling", ENDS)]
    return family(joined, context, context.free, lines, with_unit("Injected current", unit), "no spike", zero=False)
