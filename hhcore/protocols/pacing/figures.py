"""Figures of paced cells: restitution, and the duration of the action potential over the grid."""

import itertools
import re

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hhcore.figures import style
from hhcore.figures.context import FigureContext, Variable, numbers, select, some_of
from hhcore.figures.family import Line, family, points, with_gaps
from hhcore.figures.limits import MAX_COLOURS, MAX_FACETS
from hhcore.figures.maps import Apart, value_map
from hhcore.simulation.beats import LATE, OK
from hhcore.simulation.features import FAILED

APD = "apd90_ms"
INTERVAL = "diastolic_interval_ms"
DURATION = Variable(APD, "APD90", "ms")
NO_APD = "no action potential that ends before the next one"
NOT_EACH = Apart(np.nan, "none", "not 1:1: the longest until the state repeats", "////")
NOTHING = "No beat has both a diastolic interval and an action potential that ends within it."


@style.styled
def restitution(table: pd.DataFrame, beats: pd.DataFrame, context: FigureContext) -> Figure:
    """APD90 against the diastolic interval before, coloured by one further axis, in panels by the next one.

    table : features: one row per neuron with the axes' columns and those of its last beat
    beats : beats: one row per neuron and beat

    If the period is swept, or the interval of paired pulses, a curve is the last beats of neurons that differ in
    it alone, with the beats before them as open circles: beside the curve where beats alternate, or alone where the
    last one is blocked. Else a curve is all beats of a neuron. Further axes are held at their middle values; the
    heading says so.
    """
    along = [axis for axis in context.free if axis.column == context.along]
    thinned = some_of(len(table), context.neurons, "neurons") if context.zipped else []
    table = _last_two(table, beats, context) if along else _every(table, beats, context)
    last = [f"last beat at each {axis.name}, the one before as open circles" for axis in along]
    drawn = next(iter(last), "every beat")
    colour, facet = (None, None) if context.zipped else (*context.others[:2], None, None)[:2]
    table, notes = context.hold(table, [*along, colour, facet], whole=len(along))
    for axis, most in ((colour, MAX_COLOURS), (facet, MAX_FACETS)):
        table = table if axis is None else table[table[axis.column].isin(axis.spread(most))]
        notes += axis.few(most) if axis else []
    valid = np.isfinite(numbers(table, APD)) & np.isfinite(numbers(table, INTERVAL))
    if not valid.any():
        return style.text_figure(context.title, [NOTHING])
    filled = ~table["earlier"].to_numpy(dtype=bool)
    missing = np.sum(filled & ~valid)
    drawn += f"; {missing:,} of {np.sum(filled):,} have no value" if missing else ""
    notes = [drawn, *thinned, *notes]
    facets = facet.spread(MAX_FACETS) if facet else [None]
    titles = [facet.marked(value, facet.at(value)) for value in facets] if facet else [""]
    figure, grid = style.panels(context.title, notes, titles, "Diastolic interval (ms)", "APD90 (ms)")
    for panel, value in zip(grid, facets, strict=True):
        _draw(panel, select(table[valid], facet, value), colour, context)
    if colour:
        style.level_colours(colour.spread(MAX_COLOURS)).bar(figure, colour)
    return figure


@style.styled
def apd_map(table: pd.DataFrame, context: FigureContext) -> Figure:
    """APD90 of the last beat over the first two axes, the period before others, in panels by the third.

    table : features: one row per neuron with the axes' columns, apd90_ms, other durations, and status; of a steady
            state, with `response` and as `longest` makes it

    Hatched are other responses than 1:1. With one axis, the durations at all percentages are plotted against it; with
    none, written. Further axes are held at their middle values; the heading says so. Neurons without an APD90 are
    marked, and those that failed.
    """
    table = table.assign(failed=table["status"].isin(FAILED).to_numpy(dtype=bool))
    if not context.free:
        durations = {name: numbers(table, column)[0] for column, name in _percentages(table).items()}
        lines = [f"{name}: {'none' if np.isnan(x) else f'{x:.6g} ms'}" for name, x in durations.items()]
        return style.text_figure(context.title, ["One neuron, no axis to plot its last beat against.", *lines])
    if len(context.free) == 1:
        dashes = itertools.cycle([(0, (3, 1.5)), (0, (1, 1)), (0, (6, 1.5, 1, 1.5))])
        lines = [
            Line(column, name, {} if column == APD else {"linestyle": next(dashes)}, needed=column == APD)
            for column, name in _percentages(table).items()
        ]
        return family(table, context, context.free, lines, "Action potential duration (ms)", NO_APD, zero=False)
    if context.zipped:
        return points(table, context, *context.free[:2], DURATION, NO_APD, continuous=True)
    hatched = None
    if "response" in table:
        others = (table["response"] != "1:1").to_numpy(dtype=bool) & np.isfinite(numbers(table, APD))
        table, hatched = table.assign(hatched=others), ("hatched", NOT_EACH)
    return value_map(table, context, context.free, [DURATION], style.DIVERGED, NO_APD, (), True, hatched)


def longest(table: pd.DataFrame, beats: pd.DataFrame) -> pd.DataFrame:
    """Features of cells at a steady state, with the longest APD90 of the beats after which their state repeats.

    table, beats : features and beats, as for `restitution`; other features are as they were

    It is NaN if one of them is not repolarised before the next one.
    """
    if "repeat_beats" not in table:
        return table
    beats = beats.join(table[["last_beat", "repeat_beats"]], on="neuron", how="inner")
    ago = beats["last_beat"] - beats["beat"]
    inside = (ago >= 0) & (ago < beats["repeat_beats"].fillna(1)) & beats["beat_status"].isin((OK, LATE))
    lasting = beats[inside].fillna({APD: np.inf}).groupby("neuron")[APD].max()
    return table.assign(**{APD: lasting.replace(np.inf, np.nan)})


def _percentages(table: pd.DataFrame) -> dict[str, str]:
    """The columns of durations at a percentage of repolarisation, with their names: apd50_ms is APD50."""
    found = {column: re.fullmatch(r"apd(\d+)_ms", column) for column in table.columns}
    return {column: f"APD{match[1]}" for column, match in found.items() if match}


def _every(table: pd.DataFrame, beats: pd.DataFrame, context: FigureContext) -> pd.DataFrame:
    """All beats, with the columns of the axes."""
    return beats.join(table[[axis.column for axis in context.axes]], on="neuron").assign(earlier=False)


def _last_two(table: pd.DataFrame, beats: pd.DataFrame, context: FigureContext) -> pd.DataFrame:
    """The last beat of each neuron, and the one before, which is `earlier`."""
    axes = [axis.column for axis in context.axes]
    before = beats.join(table[[*axes, "last_beat"]], on="neuron", how="inner")
    before = before[before["beat"] == before["last_beat"] - 1]
    parts = [before[[*axes, APD, INTERVAL]], table[[*axes, APD, INTERVAL, *({"response"} & {*table})]]]
    return pd.concat(parts, ignore_index=True).assign(earlier=np.arange(len(before) + len(table)) < len(before))


def _draw(panel: Axes, table: pd.DataFrame, colour: Variable | None, context: FigureContext) -> None:
    """A line with markers for each curve, in the order of the periods or, of single beats, of the intervals.

    It has a gap where the response changes, as from 1:1 to 2:1. Markers alone for zipped axes, whose neurons are on no
    curve; open ones, below, for earlier beats.
    """
    levels = colour.spread(MAX_COLOURS) if colour else np.zeros(1)
    shades = style.level_colours(levels).mappable
    for level in levels:
        curve = select(table, colour, level)
        curve = curve.sort_values(context.along if context.along in curve else INTERVAL)
        shade = shades.to_rgba(level) if colour else style.BLUE
        line = "none" if context.zipped else "-"
        for earlier, look in ((True, {"linestyle": "none", "markerfacecolor": "white"}), (False, {"linestyle": line})):
            beats = curve[curve["earlier"] == earlier]
            if len(beats):
                places = numbers(beats, INTERVAL), numbers(beats, APD)
                if "response" in beats and not earlier:
                    places = with_gaps(beats["response"].to_numpy(), *places)
                panel.plot(*places, marker="o", color=shade, linewidth=0.8, **look)
