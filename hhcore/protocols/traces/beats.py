"""One beat of paced cells: the potential, and below it calcium, currents, or what else a config names."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hhcore.figures import style
from hhcore.figures.context import FigureContext, Variable, numbers, some_of, with_unit

MAX_CELLS = 5  # colours that differ
DASHES = ("-", (0, (4, 1.2)), (0, (1, 1)), (0, (6, 1.2, 1, 1.2)), (0, (8, 2)))
LEAD = 0.02  # of a beat, which is drawn before its onset
NO_BEAT = "No trace has a beat: the first pulse comes after its end."


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
    looks = [{"color": c, "linestyle": d} for c, d in zip(style.CATEGORIES, DASHES, strict=False)]
    for panel, variable in zip(panels, shown, strict=True):
        for beat, look in zip(beats.values(), looks, strict=False):
            panel.plot(beat["time_ms"], numbers(beat, variable.column), **look, linewidth=1.1)
        panel.set_ylabel(with_unit(variable.name, variable.unit).replace(" (", "\n("))
        panel.margins(x=0.0)
    panels[-1].set_xlabel("Time after the onset of the pulse (ms)")
    figure.align_ylabels()
    titles = dict(enumerate(context.traces))
    lines = [
        Line2D([], [], **look, label=titles.get(trace, f"trace {trace}"))
        for trace, look in zip(beats, looks, strict=False)
    ]
    style.legend_below(figure, lines if len(lines) > 1 else [])
    return figure


def _last_whole(part: pd.DataFrame, stimulus: Variable) -> pd.DataFrame:
    """The rows of the last whole beat of a trace, with time from its onset; empty if there is no beat."""
    time, flows = numbers(part, "time_ms"), numbers(part, stimulus.column) != 0
    edges = np.r_[time[flows & ~np.r_[False, flows[:-1]]], time[-1:]]
    lengths = np.diff(edges)
    if not lengths.size:
        return part.iloc[:0]
    last = len(lengths) - (len(lengths) > 1 and lengths[-1] < (1 - 1e-6) * lengths[-2])
    onset, end = edges[last - 1 : last + 1]
    inside = (time >= onset - LEAD * (end - onset)) & (time <= end)
    return part[inside].assign(time_ms=time[inside] - onset)
