"""Where the potential swings, and where the definition of a spike sees it."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hhcore.figures import style
from hhcore.figures.context import Plan, numbers, some_of
from hhcore.protocols.fi.curves import OSCILLATION_MV


@style.styled
def oscillation_range(table: pd.DataFrame, plan: Plan) -> Figure:
    """Highest and lowest potential against amplitude, for the middle one of the curves, with the spike threshold.

    table : features: one row per neuron with the axes' columns, peak_mV, trough_mV and firing_rate_Hz

    Marked are the amplitudes at which the potential swings by more than 5 mV without a spike: there the definition
    of a spike decides on the rate. Where the amplitude is not swept, the next axis takes its place.
    """
    low, high = f"trough: {_range(table, 'trough_mV')}", f"peak: {_range(table, 'peak_mV')}"
    if not plan.free:
        return style.text_figure(plan.title, [high, low, f"spike threshold: {plan.threshold:g} mV"])
    x = plan.free[0]
    table, notes = plan.hold(table, [x])
    notes += some_of(len(table), plan.neurons, "neurons") if plan.zipped else []
    table = table.sort_values(x.column)
    figure, [axes] = style.panels(plan.title, notes, [""], x.label, "Membrane potential (mV)")
    at, peak, trough = (numbers(table, column) for column in (x.column, "peak_mV", "trough_mV"))
    marker = "o" if at.size <= 30 else ""
    axes.fill_between(at, trough, peak, color=style.BLUE, alpha=0.12, linewidth=0)
    axes.plot(at, peak, color=style.VERMILLION, marker=marker, label="peak")
    axes.plot(at, trough, color=style.BLUE, marker=marker, label="trough")
    axes.axhline(plan.threshold, **style.THRESHOLD)
    silent = (peak - trough > OSCILLATION_MV) & (numbers(table, "firing_rate_Hz") == 0)
    if silent.any():
        label = f"swings by more than {OSCILLATION_MV:g} mV, no spikes"
        axes.plot(at[silent], peak[silent], "o", color=style.BLACK, markersize=2.2, markeredgewidth=0, label=label)
    style.mark_gaps(axes, at, peak, style.BLACK, style.DIVERGED)
    drawn = np.append([peak, trough], plan.threshold)
    space = 0.06 * np.ptp(drawn[np.isfinite(drawn)]) or 10.0
    axes.set_ylim(np.nanmin(drawn) - space, np.nanmax(drawn) + space)
    style.scale_axis(axes, "x", x)
    style.legend_below(figure, axes.get_legend_handles_labels()[0])
    return figure


def _range(table: pd.DataFrame, column: str) -> str:
    value = numbers(table, column)[0]
    return "none, the neuron failed" if np.isnan(value) else f"{value:.4g} mV"
