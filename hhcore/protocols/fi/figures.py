"""Figures of a grid of steps: F-I curves, spike counts, rheobase, and the range of the potential."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from hhcore.base.units import column_name
from hhcore.figures import style
from hhcore.figures.context import FigureContext, Variable, numbers, some_of
from hhcore.figures.family import MARKED, Line, alone, family, plot_with_jumps, points, with_gaps, y_limits
from hhcore.figures.maps import Apart, value_map
from hhcore.figures.titles import after_number
from hhcore.protocols.current_clamp.oscillation import undetected
from hhcore.simulation.features import FAILED
from hhcore.simulation.observers.extremes import OSCILLATION_MV

RATE = "Firing rate (Hz)"
STEADY = Line("steady_rate_Hz", "steady rate", jumps=True)
FIRST = Line(
    "first_interval_rate_Hz", "rate of the first interval", {"linestyle": (0, (3, 1.5)), "linewidth": 0.7}, sparse=True
)
COUNTED = Line("spike_count", "spikes", jumps=True)
FEW = (Apart(0, "0.86", "no spikes"), Apart(1, style.PURPLE, "one spike", "////////"))
CURVES = 40  # of a sampled design, drawn one by one
SOME_FAILED = "some amplitudes failed"


@style.styled
def fi_curves(table: pd.DataFrame, context: FigureContext) -> Figure:
    """Firing rate against amplitude, coloured by one further axis, in panels by the next one.

    table : fi_curves: one row per (curve, amplitude) with the axes' columns, steady_rate_Hz and first_interval_rate_Hz

    A null steady rate means that the neuron failed; a cross marks it. No line joins silence and firing. Further axes
    are held at their middle values; the heading says so. If the amplitude is not swept, the next axis takes its place.
    """
    if not context.free:
        rates = [f"{line.label}: {_rate(table, line.column)}" for line in (STEADY, FIRST)]
        return style.text_figure(context.title, ["One neuron, no axis to plot its rate against.", *rates])
    if context.zipped:
        x, colour = context.free[:2]
        return points(table, context, x, Variable(STEADY.column, "Steady firing rate", "Hz"), colour)
    return family(table, context, context.free, [STEADY, FIRST], RATE, style.DIVERGED)


@style.styled
def spike_count_map(table: pd.DataFrame, context: FigureContext) -> Figure:
    """Spike count over the first two axes that are not the amplitude, in panels by amplitude.

    table : features: one row per neuron with the axes' columns, spike_count and status

    With one such axis, the map is over amplitude and that axis; with none, the count is plotted against amplitude.
    No spikes and one spike have colours of their own, one spike a hatch too. Amplitudes at which no neuron of the map
    fires have no panel; the heading names them. Further axes are held at their middle values; the heading says so.
    Crosses mark neurons that failed.
    """
    spikes = Variable("spike_count", f"Spikes in {context.duration}", "1")
    failed = table["status"].isin(FAILED).to_numpy(dtype=bool)
    table = table.assign(failed=failed, spike_count=np.where(failed, np.nan, numbers(table, "spike_count")))
    if not context.free:
        count = numbers(table, "spike_count")[0]
        lines = [
            "One neuron, no axis to plot its spikes against.",
            f"Spikes: {'none, it failed' if np.isnan(count) else f'{count:g}'}",
        ]
        return style.text_figure(context.title, lines)
    if len(context.free) == 1:
        return family(table, context, context.free, [COUNTED], spikes.label, style.DIVERGED)
    axes = (
        context.free
        if len(context.others) < 2
        else context.others[:2] + [a for a in context.free if a.column == context.along]
    )
    if context.zipped:
        return points(table, context, *axes[:2], spikes)
    return value_map(table, context, axes, [spikes], style.DIVERGED, "", FEW)


@style.styled
def rheobase_map(table: pd.DataFrame, context: FigureContext) -> Figure:
    """Rheobase and onset of repetitive firing over the first two axes that are not the amplitude, side by side.

    table : fi_summary: one row per curve with the axes' columns, the rheobase, the onset amplitude and failed_neurons

    A third axis makes panels. With one such axis, both are plotted against it; with none, written. Further axes are
    held at their middle values; the heading says so. Hatches mark curves that lack them in the range of amplitudes,
    crosses those with failed neurons.
    """
    amplitude = [axis for axis in context.free if axis.column == context.along]
    if not amplitude or context.zipped:
        return style.text_figure(context.title, ["No rheobase: each curve of this experiment has one amplitude only."])
    unit, (low, high) = amplitude[0].unit, amplitude[0].spread(2)
    rheobase = Variable(column_name("rheobase", unit), "Rheobase", unit)
    onset = Variable(column_name("onset_amplitude", unit), "Onset of repetitive firing", unit)
    none = f"none {f'from {low:.4g}' if low >= 0 else 'up'} to {high:.4g}{after_number(unit)}"
    failed = (table["failed_neurons"] > 0).to_numpy(dtype=bool)
    if not context.others:
        lines = [f"{value.name}: {_amplitude(table, value, none)}" for value in (rheobase, onset)]
        return style.text_figure(context.title, [*lines, *([SOME_FAILED] if failed[0] else [])])
    if len(context.others) == 1:
        crossed = np.where(failed, np.nan_to_num(numbers(table, rheobase.column)), np.nan)
        lines = [Line(rheobase.column, "rheobase"), Line(onset.column, "onset of repetitive firing", FIRST.style)]
        lines += [Line("crossed", SOME_FAILED, {"linestyle": "none", **style.FAILED})] if failed.any() else []
        label = Variable("", "Amplitude", unit).label
        return family(table.assign(crossed=crossed), context, context.others, lines, label, f"rheobase: {none}")
    return value_map(table.assign(failed=failed), context, context.others, [rheobase, onset], SOME_FAILED, none)


@style.styled
def oscillation_range(table: pd.DataFrame, context: FigureContext) -> Figure:
    """Highest and lowest potential against amplitude, for the middle one of the curves, with the spike threshold.

    table : features: one row per neuron with the axes' columns, peak_mV, trough_mV, turning_points, spike_count_rate_Hz

    Dots mark amplitudes at which the potential oscillates by more than 5 mV without a spike: there, the rate depends on
    the definition of a spike. No line joins rest and oscillation, nor neurons of zipped axes. If the amplitude is not
    swept, the next axis takes its place.
    """
    low, high = f"trough: {_range(table, 'trough_mV')}", f"peak: {_range(table, 'peak_mV')}"
    threshold = context.threshold * context.mV
    if not context.free:
        return style.text_figure(context.title, [high, low, f"spike threshold: {threshold:g} mV"])
    x = context.free[0]
    table, notes = context.hold(table, [x])
    notes += some_of(len(table), context.neurons, "neurons") if context.zipped else []
    table = table.sort_values(x.column)
    figure, [axes] = style.panels(context.title, notes, [""], x.label, "Membrane potential (mV)")
    at, peak, trough = (numbers(table, column) for column in (x.column, "peak_mV", "trough_mV"))
    look = {
        "marker": "o" if context.zipped or at.size <= MARKED else "",
        "linestyle": "none" if context.zipped else "-",
    }
    joined = with_gaps(numbers(table, "turning_points") >= 2, at, trough, peak)
    if not context.zipped:
        axes.fill_between(*joined, color=style.BLUE, alpha=0.12, linewidth=0)
    axes.plot(joined[0], joined[2], color=style.VERMILLION, **look, label="peak")
    axes.plot(joined[0], joined[1], color=style.BLUE, **look, label="trough")
    axes.axhline(threshold, **style.THRESHOLD)
    silent = undetected({name: numbers(table, name) for name in ("spike_count_rate_Hz", "turning_points")})
    if silent.any():
        label = f"oscillates by more than {OSCILLATION_MV:g} mV, no spikes"
        axes.plot(at[silent], peak[silent], "o", color=style.BLACK, markersize=2.2, markeredgewidth=0, label=label)
    style.mark_gaps(axes, at, peak, style.BLACK, style.DIVERGED)
    drawn = np.append([peak, trough], threshold)
    space = 0.06 * np.ptp(drawn[np.isfinite(drawn)]) or 10.0
    axes.set_ylim(np.nanmin(drawn) - space, np.nanmax(drawn) + space)
    style.scale_axis(axes, "x", x)
    style.legend_below(figure, axes.get_legend_handles_labels()[0])
    return figure


@style.styled
def sampled_curves(table: pd.DataFrame, context: FigureContext) -> Figure:
    """Steady firing rate against amplitude of all neurons of a design: median, middle 90 %, and some curves.

    table : fi_curves: one row per (curve, amplitude) with the columns of what varies and steady_rate_Hz

    Neither line nor band joins silence and firing. Further axes are held at their middle values; the heading says so.
    """
    (x,) = (axis for axis in context.axes if axis.column == context.along)
    table, notes = context.hold(table, [x])
    table = table.assign(rate=numbers(table, STEADY.column)).drop_duplicates(["curve", x.column])
    rates = table.pivot(index="curve", columns=x.column, values="rate")
    along, known = rates.columns.to_numpy(), rates.notna().any().to_numpy()
    count = some_of(len(rates), context.points, "neurons") or [f"{len(rates):,} neurons"]
    figure, [panel] = style.panels(context.title, [*count, *notes], [""], x.label, RATE)
    marker = "o" if len(along) == 1 else ""
    for rate in rates.to_numpy()[:CURVES]:
        plot_with_jumps(panel, along, rate, color=style.GREY, linewidth=0.3, alpha=0.5, marker=marker)
    low, median, high = np.full((3, len(along)), np.nan)
    low[known], median[known], high[known] = np.nanpercentile(rates.to_numpy()[:, known], [5, 50, 95], axis=0)
    state = (low == 0) + 2 * (high == 0)
    look = {"color": style.BLUE, "alpha": 0.25}
    panel.fill_between(*with_gaps(state, along, low, high), **look, linewidth=0)
    lone = alone(state, np.isfinite(low))
    panel.vlines(along[lone], low[lone], high[lone], **look, linewidth=1.5)
    plot_with_jumps(panel, along, median, color=style.BLUE, marker=marker)
    if len(along) > 1:
        style.scale_axis(panel, "x", x)
    y_limits(panel, rates.to_numpy())
    single = f"single neurons ({min(CURVES, len(rates))} of {len(rates):,})"
    handles = [
        Line2D([], [], color=style.BLUE, label="median"),
        Patch(color=style.BLUE, alpha=0.25, linewidth=0, label="5 to 95 %"),
    ]
    style.legend_below(figure, [*handles, Line2D([], [], color=style.GREY, linewidth=0.5, label=single)])
    return figure


def _amplitude(table: pd.DataFrame, value: Variable, none: str) -> str:
    amplitude = numbers(table, value.column)[0]
    return none if np.isnan(amplitude) else f"{amplitude:.6g}{after_number(value.unit)}"


def _rate(table: pd.DataFrame, column: str) -> str:
    rate = numbers(table, column)[0]
    return f"{rate:.4g} Hz" if rate == rate else "none"


def _range(table: pd.DataFrame, column: str) -> str:
    value = numbers(table, column)[0]
    return "none, the neuron failed" if np.isnan(value) else f"{value:.4g} mV"
