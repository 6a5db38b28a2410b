"""Figures of strength and duration: the threshold, and the charge of a pulse at threshold, against the width."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hhcore.base.units import column_name, pretty_unit
from hhcore.figures import style
from hhcore.figures.context import FigureContext, numbers, select, some_of
from hhcore.figures.family import MANY
from hhcore.figures.limits import MAX_COLOURS, MAX_FACETS
from hhcore.simulation.outputs import integral_unit

if TYPE_CHECKING:
    from hhcore.protocols.strength_duration.protocol import StrengthDuration

NOTHING = "No width has a threshold other than 0."
NONE = "no threshold above 0"
MOST = 200  # curves of a sampled design, or of zipped axes
FINE = 200  # points of a law
MARKER = {"marker": "o", "linestyle": "none", "markersize": 3}
DIAMOND = {"marker": "D", "linestyle": "none", "markersize": 4, "markerfacecolor": "white"}
LAPICQUE, WEISS = {"linewidth": 0.8}, {"linewidth": 0.8, **style.DASHED}
LEVEL = {"linewidth": 0.7, **style.DOTTED}
BY_LAPICQUE, BY_WEISS = "Lapicque's law", "Weiss's law"
RHEOBASE, CHRONAXIE, INSTANT = "rheobase", "chronaxie, at twice the rheobase", "an instant pulse"
LOOKS = {BY_LAPICQUE: LAPICQUE, BY_WEISS: WEISS, RHEOBASE: LEVEL, CHRONAXIE: DIAMOND, INSTANT: LEVEL}
Draw = Callable[[Axes, pd.DataFrame, Sequence[object], bool], set[str]]  # returns which of LOOKS it has drawn


@style.styled
def strength_duration(
    features: pd.DataFrame, curves: pd.DataFrame, context: FigureContext, protocol: "StrengthDuration"
) -> Figure:
    """Thresholds against the width on logarithmic scales, coloured by the first axis, in panels by the second.

    features : one row per neuron with the axes' columns, rheobase, chronaxie and the numbers of both laws
    curves   : strength_duration.parquet: one row per neuron and width

    With both laws, the rheobase, and the chronaxie where it meets twice the rheobase. Of more than six curves in a
    panel, three alone have these. Further axes are held at their middle values; the heading says so.
    """
    unit = protocol.unit
    threshold, rheobase = column_name("threshold", unit), column_name("rheobase", unit)

    def draw(panel: Axes, curve: pd.DataFrame, shades: Sequence[object], whole: bool) -> set[str]:
        _searched(panel, curve, threshold, shades[0], joined=not (whole and _has_laws(curve)))
        if not whole:
            return set()
        drawn = _laws(panel, curve, shades, unit, charge=False)
        at, half = numbers(curve, "chronaxie_ms")[0], _sizes(curve, rheobase)[0]
        if np.isfinite(half):
            panel.axhline(half, color=shades[0], zorder=1, **LEVEL)
            drawn.add(RHEOBASE)
        if np.isfinite(at * half):
            panel.plot([at], [2.0 * half], color=shades[0], zorder=4, **DIAMOND)
            drawn.add(CHRONAXIE)
        return drawn

    return _panels(features, curves, context, protocol, threshold, f"Threshold ({pretty_unit(unit)})", draw)


@style.styled
def charge_duration(
    features: pd.DataFrame, curves: pd.DataFrame, context: FigureContext, protocol: "StrengthDuration"
) -> Figure:
    """The charge of a pulse at threshold against its width, and that of an instant pulse; as `strength_duration`."""
    unit = integral_unit(protocol.unit)
    charge, instant = column_name("charge", unit), column_name("instant_charge", unit)

    def draw(panel: Axes, curve: pd.DataFrame, shades: Sequence[object], whole: bool) -> set[str]:
        _searched(panel, curve, charge, shades[0], joined=not (whole and _has_laws(curve)))
        if not whole:
            return set()
        drawn = _laws(panel, curve, shades, protocol.unit, charge=True)
        size = _sizes(curve, instant)[0]
        if np.isfinite(size):
            panel.axhline(size, color=shades[0], zorder=1, **LEVEL)
            drawn.add(INSTANT)
        return drawn

    return _panels(features, curves, context, protocol, charge, f"Charge ({pretty_unit(unit)})", draw)


def _panels(
    features: pd.DataFrame,
    curves: pd.DataFrame,
    context: FigureContext,
    protocol: "StrengthDuration",
    column: str,
    label: str,
    draw: Draw,
) -> Figure:
    """Panels of curves that `draw` draws, a neuron each. `label` : of the y axis"""
    scattered = context.zipped or bool(context.sampled)
    colour, facet = (None, None) if scattered else (*context.free[:2], None, None)[:2]
    own = [name for name in features.columns if name not in curves.columns]
    table = curves.join(features[own], on="neuron", how="inner")
    table, notes = context.hold(table, [colour, facet], whole=0)
    for axis, most in ((colour, MAX_COLOURS), (facet, MAX_FACETS)):
        table = table if axis is None else table[table[axis.column].isin(axis.spread(most))]
        notes += axis.few(most) if axis else []
    if scattered:
        shown = table["neuron"].unique()[:MOST]
        table = table[table["neuron"].isin(shown)]
        notes += some_of(len(shown), context.neurons, "neurons")
    if not np.isfinite(_sizes(table, column)).any():
        return style.text_figure(context.title, [NOTHING])
    facets = facet.spread(MAX_FACETS) if facet else [None]
    titles = [facet.marked(value, facet.at(value)) for value in facets] if facet else [""]
    y = label if protocol.sign > 0 else f"Hyperpolarising {label[0].lower()}{label[1:]}"
    figure, grid = style.panels(context.title, notes, titles, protocol.width_words, y)
    levels = colour.spread(MAX_COLOURS) if colour else np.zeros(1)
    colours = style.level_colours(levels) if colour else None
    sparse = levels if levels.size <= MANY else levels[[0, levels.size // 2, -1]]
    grid[0].set(xscale="log", yscale="log")
    drawn, missing = set(), 0
    for panel, value in zip(grid, facets, strict=True):
        for _, curve in select(table, facet, value).groupby("neuron"):
            level = curve[colour.column].iloc[0] if colour else 0.0
            shade = colours.mappable.to_rgba(level) if colour else style.BLUE
            several = colour is not None or scattered
            shades = [shade] * 3 if several else [style.BLUE, style.VERMILLION, style.GREEN]
            drawn |= draw(panel, curve, shades, level in sparse and not scattered)
            missing += style.mark_gaps(panel, numbers(curve, "width_ms"), _sizes(curve, column), shade)
    if colour:
        colours.bar(figure, colour)
    some = f" (3 of {levels.size} curves)" if levels.size > MANY else ""
    style.legend_below(figure, _legend(drawn, colour is None, some, missing))
    return figure


def _legend(drawn: set[str], alone: bool, some: str, missing: int) -> list[Line2D]:
    """Entries for thresholds, and for what is drawn of LOOKS. `some` : of how many curves that is"""
    shades = [style.BLUE, style.VERMILLION, style.GREEN] if alone else [style.GREY] * 3
    own = {BY_LAPICQUE: shades[1], BY_WEISS: shades[2]}
    looks = [("searched", MARKER, shades[0])]
    looks += [(label + some, look, own.get(label, shades[0])) for label, look in LOOKS.items() if label in drawn]
    if missing:
        looks.append((NONE, {"marker": "x", "linestyle": "none"}, shades[0]))
    entries = [Line2D([], [], color=shade, label=label, **look) for label, look, shade in looks]
    return entries if len(entries) > 1 else []


def _searched(panel: Axes, curve: pd.DataFrame, column: str, shade: object, joined: bool) -> None:
    """The values that were searched; `joined` : by a line, where no law is drawn through them"""
    line = {"linestyle": "-", "linewidth": 0.6} if joined else {}
    panel.plot(numbers(curve, "width_ms"), _sizes(curve, column), color=shade, **(MARKER | line))


def _has_laws(table: pd.DataFrame) -> bool:
    """Whether the thresholds of a curve determine one of the laws."""
    return bool(np.isfinite(table[["lapicque_tau_ms", "weiss_chronaxie_ms"]].to_numpy(dtype=np.float64)).any())


def _laws(panel: Axes, curve: pd.DataFrame, shades: Sequence[object], unit: str, charge: bool) -> set[str]:
    """Those laws over the widths that the thresholds determine, or what they say of the charge; returns their labels"""
    width = numbers(curve, "width_ms")
    fine = np.geomspace(width.min(), width.max(), FINE)
    ends = {name: numbers(curve, name)[0] for name in ("lapicque_tau_ms", "weiss_chronaxie_ms")}
    laws = {
        BY_LAPICQUE: ("lapicque_rheobase", -1.0 / np.expm1(-fine / ends["lapicque_tau_ms"])),
        BY_WEISS: ("weiss_rheobase", 1.0 + ends["weiss_chronaxie_ms"] / fine),
    }
    drawn = set()
    for (label, (rheobase, law)), shade in zip(laws.items(), shades[1:], strict=True):
        size = _sizes(curve, column_name(rheobase, unit))[0] * law
        if np.isfinite(size).all():
            panel.plot(fine, size * fine if charge else size, color=shade, zorder=1.5, **LOOKS[label])
            drawn.add(label)
    return drawn


def _sizes(table: pd.DataFrame, column: str) -> np.ndarray:
    """The sizes of a column, NaN for 0 too, which has no place on a logarithmic axis."""
    size = np.abs(numbers(table, column))
    return np.where(size > 0, size, np.nan)
