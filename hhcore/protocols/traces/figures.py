"""Example traces: potential, gates, currents and stimulus, one below the other."""

import textwrap
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hhcore.figures import style
from hhcore.figures.context import FigureContext, Variable, numbers, with_unit
from hhcore.simulation.features import FAILED

MAX_TRACES = 4
MAX_LINES = 12  # in one panel
MAX_SPIKES, SHOWN_SPIKES = 12, 10  # more than 12 merge into a comb; then 10 are shown
LARGEST = 1e9  # larger values are on their way to infinity, and would flatten the rest of the trace
DASHES = ("-", (0, (4, 1.5)), (0, (1, 1)))


@style.styled
def trace_panel(table: pd.DataFrame, context: FigureContext) -> Figure:
    """The time courses of up to four traces, a column each: potential, gates, currents, stimulus.

    table : traces: one row per (trace, time): trace, time_ms and the columns of the context's variables

    Of a trace with more than 12 spikes, only the time up to the tenth is drawn; its title says so.
    """
    traces = list(table["trace"].unique())
    if not traces:
        return style.text_figure(context.title, ["No trace was asked for."])
    counts = [(len(traces), MAX_TRACES, "traces")]
    counts += [(len(context.gates), MAX_LINES, "gates"), (len(context.currents), MAX_LINES, "currents")]
    notes = [f"the first {most} of {count} {things}" for count, most, things in counts if count > most]
    traces, rows = traces[:MAX_TRACES], _rows(context)
    heights = [height for _, _, height in rows]
    figure = style.new_figure(style.TWO_COLUMNS, 0.75 * sum(heights) + 0.6, context.title, notes)
    grid = figure.subplots(len(rows), len(traces), sharex="col", sharey="row", squeeze=False, height_ratios=heights)
    looks = _looks(context)
    for column, trace in zip(grid.T, traces, strict=True):
        part, cut = _beginning(table[table["trace"] == trace], context)
        title = context.traces[trace] if trace < len(context.traces) else f"trace {trace}"
        column[0].set_title("\n".join(textwrap.wrap(title, 110 // len(traces)) + cut + _failure(table, trace)))
        for axes, (variables, _, _) in zip(column, rows, strict=True):
            _draw(axes, part, variables, looks)
        column[0].axhline(context.threshold, **style.THRESHOLD)
        column[-1].set_xlabel("Time (ms)")
    for axes, (variables, label, _) in zip(grid, rows, strict=True):
        axes[0].set_ylabel(label)
        if variables != [context.stimulus]:
            axes[-1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5), ncols=1 + len(variables) // 7)
    low, high = grid[-1, 0].get_ylim()
    grid[-1, 0].set_ylim(min(low, -0.05 * high), max(high, -0.05 * low))  # 0 is the baseline of any stimulus
    return figure


def _rows(context: FigureContext) -> list[tuple[Sequence[Variable], str, float]]:
    """What is drawn in each row, its label, and its relative height."""
    rows = [([context.potential], "Membrane potential", 2.0), (context.gates, "Gating variable", 1.4)]
    rows += [(context.currents, "Membrane current", 1.4), ([context.stimulus], "Stimulus", 0.7)]
    units = [" or ".join(dict.fromkeys(v.unit for v in variables)) for variables, _, _ in rows]
    return [
        (variables[:MAX_LINES], with_unit(label, unit).replace(" (", "\n("), height)
        for (variables, label, height), unit in zip(rows, units, strict=True)
        if variables
    ]


def _looks(context: FigureContext) -> dict[str, dict[str, object]]:
    """Colour and dashes for each column; a current looks like the first gate of its component if that look is free."""
    cycle = [{"color": c, "linestyle": dashes} for dashes in DASHES for c in style.CATEGORIES[:-1]]
    looks = dict(zip((gate.column for gate in context.gates), cycle, strict=False))
    component = {_component(gate): looks[gate.column] for gate in reversed(context.gates[:MAX_LINES])}
    unused = [look for look in cycle if look not in looks.values()] + cycle
    taken = []
    for current in context.currents[:MAX_LINES]:
        wanted = [component[_component(current)]] if _component(current) in component else []
        taken.append(next(look for look in wanted + unused if look not in taken))
        looks[current.column] = taken[-1]
    for black in (context.potential, context.stimulus):
        looks[black.column] = {"color": style.BLACK}
    return looks


def _component(variable: Variable) -> str:
    return variable.name.rpartition(".")[0]


def _beginning(part: pd.DataFrame, context: FigureContext) -> tuple[pd.DataFrame, list[str]]:
    """As much of a trace as one column can show, and a line for the title if that is not all."""
    time, above = numbers(part, "time_ms"), numbers(part, context.potential.column) > context.threshold
    spikes = time[1:][above[1:] & ~above[:-1]]
    if spikes.size <= MAX_SPIKES:
        return part, []
    end = spikes[SHOWN_SPIKES - 1 : SHOWN_SPIKES + 1].mean()
    return part[time <= end], [f"the first {end:.0f} of {time[-1]:g} ms"]


def _failure(table: pd.DataFrame, trace: int) -> list[str]:
    """A line for the title of a trace whose neuron failed."""
    last = table[table["trace"] == trace].iloc[-1]
    return [f"{last['status']} at {last['time_ms']:g} ms"] if last["status"] in FAILED else []


def _draw(axes: Axes, part: pd.DataFrame, variables: Sequence[Variable], looks: dict[str, dict[str, object]]) -> None:
    for variable in variables:
        values = numbers(part, variable.column)
        values[np.abs(values) > LARGEST] = np.nan
        axes.plot(part["time_ms"], values, **looks[variable.column], linewidth=0.9, label=variable.name)
    axes.margins(x=0.01)
