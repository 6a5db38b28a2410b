"""Currents over time with the command below, and currents against the command of a ramp."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hhcore.base.units import column_name
from hhcore.figures import style
from hhcore.figures.context import FigureContext, Variable, numbers, some_of, with_unit

if TYPE_CHECKING:
    from hhcore.protocols.command.analysis import MovingCommand

MAX_CURRENTS = 4  # panels, besides the command
ZERO = {"color": style.GREY, "linewidth": 0.4, "zorder": 0}


@style.styled
def over_time(table: pd.DataFrame, context: FigureContext, analysis: "MovingCommand") -> Figure:
    """A panel for each current, the largest ones, and the command below; coloured by what varies.

    table : command
    """
    unit, shown = analysis.protocol.unit, _shown(table, analysis)
    notes = _notes(table, context, analysis, shown)
    heights = [*[1.2] * len(shown), 0.8]
    figure = style.new_figure(style.TWO_COLUMNS, 0.85 * sum(heights) + 0.5, context.title, notes)
    panels = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
    colours, axis = _colours(table, context, analysis)
    for _, course in table.groupby("neuron", sort=False):
        look = {
            "color": colours.mappable.to_rgba(course[axis.column].iloc[0]) if axis else style.BLUE,
            "linewidth": 0.7,
        }
        for panel, name in zip(panels, shown, strict=False):
            panel.plot(course["time_ms"], course[column_name(name, unit)], **look)
        panels[-1].plot(course["time_ms"], course["potential_mV"], **look)
    for panel, name in zip(panels, shown, strict=False):
        panel.axhline(0.0, **ZERO)
        panel.set_ylabel(with_unit(name, unit).replace(" (", "\n("))
    panels[-1].set_ylabel("Potential\n(mV)")
    panels[-1].set_xlabel("Time (ms)")
    style.legend_below(figure, colours.bar(figure, axis) if axis else [])
    return figure


@style.styled
def along_ramps(table: pd.DataFrame, context: FigureContext, analysis: "MovingCommand") -> Figure:
    """The current that is asked for against the command, in a panel for each ramp; coloured by what varies.

    table : command
    """
    p = analysis.protocol
    notes = _notes(table, context, analysis, p.currents)
    titles = [f"segment {name}" for name in p.ramps]
    figure, grid = style.panels(
        context.title, notes, titles, "Membrane potential (mV)", with_unit(p.current, p.unit), alike=False
    )
    colours, axis = _colours(table, context, analysis)
    for panel, segment in zip(grid, p.ramps, strict=False):
        for _, course in table[table["segment"] == segment].groupby("neuron", sort=False):
            shade = colours.mappable.to_rgba(course[axis.column].iloc[0]) if axis else style.BLUE
            panel.plot(course["potential_mV"], course[column_name(p.current, p.unit)], color=shade, linewidth=0.9)
        panel.axhline(0.0, **ZERO)
    style.legend_below(figure, colours.bar(figure, axis) if axis else [])
    return figure


def _shown(table: pd.DataFrame, analysis: "MovingCommand") -> list[str]:
    """The current that is asked for, then the largest ones."""
    p = analysis.protocol
    size = {name: np.nanmax(np.abs(numbers(table, column_name(name, p.unit))), initial=0.0) for name in p.currents}
    return sorted(p.currents, key=lambda name: (name != p.current, -size[name]))[:MAX_CURRENTS]


def _notes(table: pd.DataFrame, context: FigureContext, analysis: "MovingCommand", shown: Sequence[str]) -> list[str]:
    _, held = context.hold(table, [_axis(context, analysis)])
    return [*held, *some_of(len(shown), len(analysis.protocol.currents), "currents")]


def _axis(context: FigureContext, analysis: "MovingCommand") -> Variable | None:
    """The axis that neurons differ in, None if it is not swept."""
    return next((axis for axis in context.free if axis.column == analysis.curves.column), None)


def _colours(
    table: pd.DataFrame, context: FigureContext, analysis: "MovingCommand"
) -> tuple[style.Colours, Variable | None]:
    axis = _axis(context, analysis)
    values = table.groupby("neuron", sort=False)[axis.column].first().to_numpy() if axis else np.zeros(1)
    return style.value_colours(values, continuous=True), axis
