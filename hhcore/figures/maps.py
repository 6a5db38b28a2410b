"""Maps over two axes: spike count, rheobase, and duration of the action potential."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from hhcore.base.units import column_name
from hhcore.figures import style
from hhcore.figures.context import MAX_FACETS, Plan, Variable, after_number, numbers, select
from hhcore.figures.family import Line, family, points
from hhcore.simulation.features import FAILED

COUNT = Variable("spike_count", "Spikes per neuron", "1")
APD = Variable("apd90_ms", "APD90", "ms")
NO_APD = "no action potential, or it outlasts its beat"
SOME_FAILED = "some amplitudes failed"


@style.styled
def spike_count_map(table: pd.DataFrame, plan: Plan) -> Figure:
    """Spike count over the first two axes that are not the amplitude, in panels by amplitude.

    table : features: one row per neuron with the axes' columns, spike_count and status

    With one such axis, the map is over amplitude and that axis; with none, the count is plotted against amplitude.
    Axes beyond these are held at their middle values; the heading says so. Neurons that failed are crossed.
    """
    failed = table["status"].isin(FAILED).to_numpy(dtype=bool)
    table = table.assign(failed=failed, spike_count=np.where(failed, np.nan, numbers(table, "spike_count")))
    if not plan.free:
        count = numbers(table, "spike_count")[0]
        lines = [
            "One neuron, no axis to plot its spikes against.",
            f"Spikes: {'none, it failed' if np.isnan(count) else f'{count:g}'}",
        ]
        return style.text_figure(plan.title, lines)
    if len(plan.free) == 1:
        return family(table, plan, plan.free, [Line("spike_count", "spikes")], COUNT.label, style.DIVERGED)
    axes = plan.free if len(plan.others) < 2 else plan.others[:2] + [a for a in plan.free if a.column == plan.along]
    if plan.zipped:
        return points(table, plan, *axes[:2], COUNT)
    return _map(table, plan, axes, COUNT, style.DIVERGED, "")


@style.styled
def rheobase_map(table: pd.DataFrame, plan: Plan) -> Figure:
    """Rheobase over the first two axes that are not the amplitude, in panels by the third one.

    table : fi_summary: one row per curve with the axes' columns, the rheobase and failed_neurons

    With one such axis, it is plotted against that; with none, written. Axes beyond these are held at their middle
    values; the heading says so. Curves without a rheobase in the range of amplitudes are hatched, curves of which
    neurons failed are crossed.
    """
    rheobase = Variable(column_name("rheobase", plan.stimulus.unit), "Rheobase", plan.stimulus.unit)
    amplitude = [axis for axis in plan.free if axis.column == plan.along]
    if not amplitude or plan.zipped:
        return style.text_figure(plan.title, ["No rheobase: each curve of this experiment has one amplitude only."])
    low, high = (f"{value:.4g}" for value in amplitude[0].spread(2))
    none = f"none: no spikes from {low} to {high}{after_number(plan.stimulus.unit)}"
    values, failed = numbers(table, rheobase.column), (table["failed_neurons"] > 0).to_numpy(dtype=bool)
    if not plan.others:
        text = none if np.isnan(values[0]) else f"{values[0]:.6g}{after_number(plan.stimulus.unit)}"
        return style.text_figure(plan.title, [f"Rheobase: {text}", *([SOME_FAILED] if failed[0] else [])])
    table = table.assign(failed=failed, crossed=np.where(failed, np.nan_to_num(values), np.nan))
    if len(plan.others) == 1:
        lines = [Line(rheobase.column, "rheobase")]
        lines += [Line("crossed", SOME_FAILED, {"linestyle": "none", **style.FAILED})] if failed.any() else []
        return family(table, plan, plan.others, lines, rheobase.label, none)
    return _map(table, plan, plan.others, rheobase, SOME_FAILED, none)


@style.styled
def apd_map(table: pd.DataFrame, plan: Plan) -> Figure:
    """APD90 of the last whole beat over the first two axes, the period before others, in panels by the third one.

    table : features: one row per neuron with the axes' columns, apd50_ms, apd90_ms and status

    With one axis, APD50 and APD90 are plotted against it; with none, written. Axes beyond these are held at their
    middle values; the heading says so. Neurons without an APD90 are hatched, those that failed crossed.
    """
    table = table.assign(failed=table["status"].isin(FAILED).to_numpy(dtype=bool))
    if not plan.free:
        durations = {name: numbers(table, f"{name.lower()}_ms")[0] for name in ("APD50", "APD90")}
        lines = [f"{name}: {'none' if np.isnan(x) else f'{x:.6g} ms'}" for name, x in durations.items()]
        return style.text_figure(plan.title, ["One neuron, no axis to plot its last whole beat against.", *lines])
    if len(plan.free) == 1:
        lines = [Line(APD.column, "APD90"), Line("apd50_ms", "APD50", {"linestyle": (0, (3, 1.5))})]
        return family(table, plan, plan.free, lines, "Action potential duration (ms)", NO_APD)
    if plan.zipped:
        return points(table, plan, *plan.free[:2], APD, NO_APD)
    return _map(table, plan, plan.free, APD, style.DIVERGED, NO_APD)


def _map(table: pd.DataFrame, plan: Plan, axes: list[Variable], value: Variable, failed: str, none: str) -> Figure:
    """`value` over axes[:2], in panels by axes[2]. `failed` and `none` say what crosses and hatches mean."""
    x, y, facet = (*axes[:3], None)[:3]
    table, notes = plan.hold(table, axes[:3], whole=2)
    facets = facet.spread(MAX_FACETS) if facet else [None]
    titles = [facet.at(v) for v in facets] if facet else [""]
    figure, grid = style.panels(plan.title, notes, titles, x.label, y.label)
    parts = [select(table, facet, v) for v in facets]
    shown = pd.concat(parts)
    colours = style.value_colours(numbers(shown, value.column))
    for panel, part in zip(grid, parts, strict=True):
        _draw(panel, part, x, y, value, colours)
    colours.bar(figure, grid, value.label)
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
    # Rasterised: as shapes the cells show hairlines between them in many viewers, and fill megabytes.
    panel.pcolormesh(*borders, np.ma.masked_invalid(cells), norm=mappable.norm, cmap=mappable.cmap, rasterized=True)
    panel.set(xscale="log" if x.is_logarithmic else "linear", yscale="log" if y.is_logarithmic else "linear")
    style.value_ticks(panel, "x", x)
    style.value_ticks(panel, "y", y)
    failed = part[part["failed"]]
    panel.plot(failed[x.column], failed[y.column], linestyle="none", **style.FAILED)
