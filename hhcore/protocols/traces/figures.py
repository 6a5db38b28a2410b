"""Example traces: potential, gates, concentrations, currents and stimulus, one below the other; one beat of them."""

import itertools
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hhcore.figures import style
from hhcore.figures.context import FigureContext, Variable, balanced, numbers, some_of, with_unit
from hhcore.simulation.features import FAILED
from hhcore.simulation.result import NO_RHEOBASE, STATUSES

MAX_TRACES = 4
MAX_LINES = 8  # in one panel; more gates or currents have further panels
MAX_PANELS = 3  # of one kind
SMALL = 0.1  # currents that stay below this share of the largest one have a panel of their own
MAX_SPIKES, SHOWN_SPIKES = 12, 10  # more than 12 merge into a comb; then 10 are shown
TITLES = 104  # letters across a figure, with the legend
SHOWN_BEATS, LEAD = 3, 0.05  # of a paced cell, and the share of a beat that is drawn before them
LARGEST = 1e9  # larger values are on their way to infinity, and would flatten the rest of the trace
NO_BREAK = "\N{NO-BREAK SPACE}"
DASHES = ("-", (0, (4, 1.5)), (0, (1, 1)))
MAX_CELLS = 5  # in the figure of a beat: colours that differ
BEAT_DASHES = ("-", (0, (4, 1.2)), (0, (1, 1)), (0, (6, 1.2, 1, 1.2)), (0, (8, 2)))
PANEL_LABEL = 22  # letters beside a panel
BEAT_LEAD = 0.02  # of the beat, which is drawn before its onset
NO_BEAT = "No trace has a beat: the first pulse comes after its end."
CONCENTRATIONS = ("M", "mM", "uM", "nM", "mol/l", "mmol/l", "mol/m^3", "mmol/L")


@style.styled
def trace_panel(table: pd.DataFrame, context: FigureContext) -> Figure:
    """The time courses of up to four traces, a column each: potential, gates, concentrations, currents, stimulus.

    Under a clamp there is no row for the stimulus, since the potential follows it.

    table : traces: one row per (trace, time): trace, time_ms and the columns of the context's variables

    Small currents have a panel of their own, or a large sodium current would flatten them. Concentrations differ by
    orders of magnitude, and are on a logarithmic scale. Of a paced cell, the last three beats are drawn, which are
    nearest its steady state; of another trace with more than 12 spikes, the time up to the tenth. Its title says so.
    """
    traces = list(table["trace"].unique())
    if not traces:
        return style.text_figure(context.title, ["No trace was asked for."])
    rows = _rows(table, context)
    drawn = sum(len(row.variables) for row in rows)
    left_out = len(context.gates) + len(context.currents) + (1 if context.clamped else 2) - drawn
    notes = [f"the first {MAX_TRACES} of {len(traces)} traces"] if len(traces) > MAX_TRACES else []
    notes += [f"{left_out} further gates and currents are in the table"] if left_out else []
    traces, heights = traces[:MAX_TRACES], [row.height for row in rows]
    parts = [_excerpt(table[table["trace"] == trace], context) for trace in traces]
    width = TITLES - max(len(variable.name) for row in rows for variable in row.variables)  # the legend's room
    names = dict(enumerate(context.traces))
    titles = [
        _wrapped(names.get(trace, f"trace {trace}"), width // len(traces)) + cut + _failure(table, trace)
        for trace, (_, cut) in zip(traces, parts, strict=True)
    ]
    height = 0.75 * sum(heights) + 0.4 + 0.12 * max(map(len, titles))
    figure = style.new_figure(style.TWO_COLUMNS, height, context.title, notes)
    grid = figure.subplots(len(rows), len(traces), sharex="col", sharey="row", squeeze=False, height_ratios=heights)
    looks = _looks(context)
    for column, title, (part, _) in zip(grid.T, titles, parts, strict=True):
        column[0].set_title("\n".join(title))
        for axes, row in zip(column, rows, strict=True):
            _draw(axes, part, row.variables, looks)
        if not context.clamped:
            column[0].axhline(context.threshold, **style.THRESHOLD)
        column[-1].set_xlabel("Time (ms)")
    for axes, row in zip(grid, rows, strict=True):
        axes[0].set_ylabel(row.label)
        if row.logarithmic:
            axes[0].set_yscale("log")
        if row.variables != [context.stimulus]:
            axes[-1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    if not context.clamped:
        low, high = grid[-1, 0].get_ylim()
        grid[-1, 0].set_ylim(min(low, -0.05 * high), max(high, -0.05 * low))  # 0 is the baseline of any stimulus
    return figure


@style.styled
def last_beat(table: pd.DataFrame, names: Sequence[str], context: FigureContext) -> Figure:
    """The last whole beat of up to five traces, one over the other: a panel for the potential and for each variable.

    table : traces: one row per (trace, time): trace, time_ms and the columns of the context's variables
    names : of the variables below the potential, states or currents

    Time counts from the onset of the pulse. Traces differ in colour and in dashes.
    """
    known = {variable.name: variable for variable in (*context.gates, *context.currents)}
    shown = [context.potential, *(known[name] for name in names)]
    traces = list(table["trace"].unique())
    beats = {trace: _last_whole(table[table["trace"] == trace], context.stimulus) for trace in traces[:MAX_CELLS]}
    beats = {trace: beat for trace, beat in beats.items() if len(beat)}
    if not beats:
        return style.text_figure(context.title, [NO_BEAT])
    notes = ["last whole beat", *some_of(min(len(traces), MAX_CELLS), len(traces), "traces")]
    heights = [1.6, *[1.0] * len(names)]
    figure = style.new_figure(1.3 * style.ONE_COLUMN, 0.85 * sum(heights) + 0.5, context.title, notes)
    panels = np.atleast_1d(figure.subplots(len(shown), sharex=True, height_ratios=heights))
    looks = [{"color": c, "linestyle": d} for c, d in zip(style.CATEGORIES, BEAT_DASHES, strict=False)]
    for panel, variable in zip(panels, shown, strict=True):
        for beat, look in zip(beats.values(), looks, strict=False):
            panel.plot(beat["time_ms"], numbers(beat, variable.column), **look, linewidth=1.1)
        panel.set_ylabel(balanced(with_unit(variable.words or variable.name, variable.unit), PANEL_LABEL))
        panel.margins(x=0.0)
    panels[-1].set_xlabel("Time after the onset of the pulse (ms)")
    figure.align_ylabels()
    titles = dict(zip(beats, _differences([context.traces[trace] for trace in beats]), strict=True))
    lines = [Line2D([], [], **look, label=titles[trace]) for trace, look in zip(beats, looks, strict=False)]
    style.legend_below(figure, lines if len(lines) > 1 else [])
    return figure


def _differences(titles: Sequence[str]) -> list[str]:
    """Titles of traces without the quantities that are alike in all of them."""
    parts = [title.split(", ") for title in titles]
    alike = set.intersection(*map(set, parts))
    return [
        ", ".join(part for part in own if part not in alike) or title for own, title in zip(parts, titles, strict=True)
    ]


def _last_whole(part: pd.DataFrame, stimulus: Variable) -> pd.DataFrame:
    """The rows of the last whole beat of a trace, with time from its onset; empty if there is no beat."""
    time, flows = numbers(part, "time_ms"), numbers(part, stimulus.column) != 0
    edges = np.r_[time[flows & ~np.r_[False, flows[:-1]]], time[-1:]]
    lengths = np.diff(edges)
    if not lengths.size:
        return part.iloc[:0]
    last = len(lengths) - (len(lengths) > 1 and lengths[-1] < (1 - 1e-6) * lengths[-2])
    onset, end = edges[last - 1 : last + 1]
    inside = (time >= onset - BEAT_LEAD * (end - onset)) & (time <= end)
    return part[inside].assign(time_ms=time[inside] - onset)


def _wrapped(title: str, width: int) -> list[str]:
    """Lines of a title: they break between quantities and, of one longer than a line, before its value and after `.`"""
    parts = title.split(", ")
    if max(map(len, parts)) < width:
        glued = ", ".join(part.replace(" ", NO_BREAK) for part in parts)
        return [line.replace(NO_BREAK, " ") for line in textwrap.wrap(glued, width, break_on_hyphens=False)]
    return [line for part in parts for line in _lines(part, width)]


def _lines(quantity: str, width: int) -> list[str]:
    """Lines of one quantity, `component.name = value unit`, which is not broken inside value and unit."""
    name, _, value = quantity.partition(" = ")
    if len(quantity) <= width or not value:
        return [quantity]
    lines = textwrap.wrap(f"{name.replace('.', '. ')}{NO_BREAK}=", width)
    return [*(line.replace(". ", ".").replace(NO_BREAK, " ") for line in lines), value]


@dataclass(frozen=True)
class Row:
    """What is drawn in a row of panels, its label, its height beside others, whether its scale is logarithmic."""

    variables: Sequence[Variable]
    label: str
    height: float
    logarithmic: bool = False


def _rows(table: pd.DataFrame, context: FigureContext) -> list[Row]:
    """The rows of panels, from the top."""
    largest = {v.column: np.nanmax(np.abs(_values(table, v)), initial=0.0) for v in context.currents}
    limit = SMALL * max(largest.values(), default=0.0)
    large = [v for v in context.currents if largest[v.column] >= limit]
    small = [v for v in context.currents if largest[v.column] < limit]
    gates = [v for v in context.gates if v.unit == "1"]
    amounts = [v for v in context.gates if v.unit != "1"]
    return [
        *_panels([context.potential], "Membrane potential", 2.0),
        *_panels(gates, "Gating variable", 1.4),
        *_amounts(table, amounts),
        *_panels(large, "Membrane current", 1.4),
        *_panels(small, "Small currents", 1.4),
        *([] if context.clamped else _panels([context.stimulus], "Stimulus", 0.7)),
    ]


def _panels(variables: Sequence[Variable], label: str, height: float, logarithmic: bool = False) -> list[Row]:
    """Variables of one kind in as few panels as hold them, about equally full."""
    variables = variables[: MAX_LINES * MAX_PANELS]
    count = -(-len(variables) // MAX_LINES)
    parts = [variables[len(variables) * i // count : len(variables) * (i + 1) // count] for i in range(count)]
    units = " or ".join(dict.fromkeys(v.unit for v in variables))
    text = with_unit(label, units).replace(" (", "\n(")
    return [Row(part, text, height, logarithmic) for part in parts]


def _amounts(table: pd.DataFrame, variables: Sequence[Variable]) -> list[Row]:
    """Concentrations and other states with a unit: those in one unit share panels."""
    rows = []
    for unit in dict.fromkeys(v.unit for v in variables):
        group = [v for v in variables if v.unit == unit]
        positive = all(np.nanmin(_values(table, v), initial=np.inf) > 0 for v in group)
        rows += _panels(group, "Concentration" if unit in CONCENTRATIONS else "State", 1.4, positive)
    return rows


def _values(table: pd.DataFrame, variable: Variable) -> np.ndarray:
    """A column without what is on its way to infinity."""
    values = numbers(table, variable.column)
    values[np.abs(values) > LARGEST] = np.nan
    return values


def _looks(context: FigureContext) -> dict[str, dict[str, object]]:
    """Colour and dashes for each column; a current looks like the first gate of its component if that look is free."""
    cycle = [{"color": c, "linestyle": dashes} for dashes in DASHES for c in style.CATEGORIES[:-1]]
    looks = dict(zip((gate.column for gate in context.gates), itertools.cycle(cycle), strict=False))
    component = {_component(gate): looks[gate.column] for gate in reversed(context.gates)}
    unused = [look for look in cycle if look not in looks.values()] + cycle
    taken = []
    for current in context.currents:
        wanted = [component[_component(current)]] if _component(current) in component else []
        free = (look for look in wanted + unused if look not in taken)
        taken.append(next(free, cycle[len(taken) % len(cycle)]))
        looks[current.column] = taken[-1]
    for black in (context.potential, context.stimulus):
        looks[black.column] = {"color": style.BLACK}
    return looks


def _component(variable: Variable) -> str:
    return variable.name.rpartition(".")[0]


def _excerpt(part: pd.DataFrame, context: FigureContext) -> tuple[pd.DataFrame, list[str]]:
    """As much of a trace as one column can show, and a line for the title if that is not all."""
    if context.clamped:
        return part, []
    return _last_beats(part, context) if context.paced else _beginning(part, context)


def _last_beats(part: pd.DataFrame, context: FigureContext) -> tuple[pd.DataFrame, list[str]]:
    time, flows = numbers(part, "time_ms"), numbers(part, context.stimulus.column) != 0
    onsets = time[flows & ~np.r_[False, flows[:-1]]]
    if onsets.size <= SHOWN_BEATS:
        return part, []
    first, second = onsets[-SHOWN_BEATS:][:2]
    begin = first - LEAD * (second - first)
    return part[time >= begin], [f"the last {SHOWN_BEATS} of {onsets.size:,} beats"]


def _beginning(part: pd.DataFrame, context: FigureContext) -> tuple[pd.DataFrame, list[str]]:
    time, above = numbers(part, "time_ms"), numbers(part, context.potential.column) > context.threshold
    spikes = time[1:][above[1:] & ~above[:-1]]
    if spikes.size <= MAX_SPIKES:
        return part, []
    end = spikes[SHOWN_SPIKES - 1 : SHOWN_SPIKES + 1].mean()
    return part[time <= end], [f"the first {end:.0f} of {time[-1]:g} ms"]


def _failure(table: pd.DataFrame, trace: int) -> list[str]:
    """A line for the title of a trace whose neuron failed, or has no rheobase."""
    status, time = table[table["trace"] == trace].iloc[-1][["status", "time_ms"]]
    if status == STATUSES[NO_RHEOBASE]:
        return ["no rheobase"]
    return [f"{status} at {time:g} ms"] if status in FAILED else []


def _draw(axes: Axes, part: pd.DataFrame, variables: Sequence[Variable], looks: dict[str, dict[str, object]]) -> None:
    for variable in variables:
        axes.plot(
            part["time_ms"], _values(part, variable), **looks[variable.column], linewidth=0.9, label=variable.name
        )
    axes.margins(x=0.01)
