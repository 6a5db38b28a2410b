"""How accurate the solver is: work against precision, and the errors over the grid."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hhcore.figures import style
from hhcore.figures.context import Plan, Variable, numbers, some_of

ERROR = Variable("spike_time_error_us", "Spike-time error", "us")
FLOOR_US = 1e-9  # errors below are drawn here: the last bits of a time
RING = {"marker": "o", "markersize": 7, "markerfacecolor": "none", "markeredgewidth": 0.8, "linestyle": "none"}
SILENT = {"marker": ".", "markersize": 4, "color": style.GREY, "markeredgewidth": 0, "linestyle": "none"}


@style.styled
def work_precision(table: pd.DataFrame, plan: Plan, tolerance_us: float | None) -> Figure:
    """Operations of a neuron in 1 ms against the worst spike-time error in the sample, a line for each scheme.

    table        : numerics: one row for each solver that was tried and each neuron of the sample
    tolerance_us : what was asked for, drawn as a line; None if nothing was

    Solvers with which a neuron of the sample failed are left out.
    """
    tried = table.groupby(["method", "accuracy"], sort=False, as_index=False).agg(
        error=("spike_time_error_us", "max"),
        work=("operations_per_ms", "first"),
        chosen=("chosen", "first"),
        failed=("failed", "any"),
    )
    tried = tried[~tried["failed"] & tried["error"].notna()]
    if tried.empty:
        return style.text_figure(plan.title, ["No neuron of the sample fires: no spike times to judge solvers by."])
    figure = style.new_figure(style.ONE_COLUMN, 2.6, plan.title, [_sample(table)])
    axes = figure.subplots()
    axes.set(xscale="log", yscale="log", xlabel="Worst spike-time error (µs)", ylabel="Operations per neuron and ms")
    for (method, part), colour, marker in zip(
        tried.groupby("method", sort=False), style.CATEGORIES, "osD^", strict=False
    ):
        part = part.sort_values("accuracy")
        axes.plot(part["error"].clip(lower=FLOOR_US), part["work"], color=colour, marker=marker, label=method)
    chosen = tried[tried["chosen"]]
    axes.plot(chosen["error"].clip(lower=FLOOR_US), chosen["work"], color=style.BLACK, label="chosen", **RING)
    if tolerance_us is not None:
        axes.axvline(tolerance_us, color=style.GREY, linewidth=0.6, linestyle=(0, (4, 2)), label="tolerance")
    style.legend_below(figure, axes.get_legend_handles_labels()[0])
    return figure


def _sample(table: pd.DataFrame) -> str:
    count = table["neuron"].nunique()
    return f"sample of {count:,} neuron{'s' if count > 1 else ''}"


@style.styled
def accuracy_map(table: pd.DataFrame, plan: Plan) -> Figure:
    """The estimated spike-time error of every neuron that was tested, over the first two axes of the grid.

    table : features: one row per neuron with the axes' columns, spike_time_error_us and fragile

    With one axis, the error is plotted against it; with none, written. Neurons whose spike count depends on the
    accuracy of the solver are ringed; those that do not fire have no error.
    """
    tested = table[table["fragile"].notna()]
    error = np.maximum(numbers(tested, ERROR.column), FLOOR_US)
    fragile = tested["fragile"].to_numpy(dtype=bool)
    if not plan.free:
        words = "none, it does not fire" if np.isnan(error[0]) else f"{error[0]:.3g} µs"
        return style.text_figure(plan.title, [f"Estimated spike-time error: {words}"])
    x, y = (*plan.free, ERROR)[:2]
    notes = [f"{len(tested):,} of {plan.neurons:,} neurons were tested"]
    if plan.certify == "all":
        notes = [f"all {plan.neurons:,} neurons were tested", *some_of(len(tested), plan.neurons, "are shown")]
    figure, [axes] = style.panels(plan.title, notes, [""], x.label, "")
    style.scale_axis(axes, "x", x)
    along = numbers(tested, x.column)
    up = error if y is ERROR else numbers(tested, y.column)
    axes.set_ylabel("Spike-time error (µs)" if y is ERROR else y.label)
    if y is ERROR:
        axes.set_yscale("log")
        up = np.where(np.isnan(up), np.nanmin(error, initial=1.0), up)
    else:
        style.scale_axis(axes, "y", y)
    fires = ~np.isnan(error)
    if fires.any():
        _coloured(figure, axes, along[fires], up[fires], error[fires])
    axes.plot(along[~fires], up[~fires], **SILENT)
    axes.plot(along[fragile], up[fragile], color=style.VERMILLION, **RING)
    handles = [Line2D([], [], color=style.VERMILLION, label=f"fragile spike count ({fragile.sum():,})", **RING)]
    handles += [Line2D([], [], label="does not fire", **SILENT)] if not fires.all() else []
    style.legend_below(figure, handles)
    return figure


def _coloured(figure: Figure, axes: Axes, x: np.ndarray, y: np.ndarray, error: np.ndarray) -> None:
    """Points coloured by their error on a logarithmic scale; the largest are drawn last."""
    order = np.argsort(error, kind="stable")
    low, high = error.min(), error.max()
    norm = LogNorm(low, high if high > low else 10.0 * low)
    size = 12.0 if len(x) < 1000 else 2.0
    axes.scatter(x[order], y[order], c=error[order], norm=norm, cmap="viridis", s=size, linewidth=0, rasterized=True)
    bar = figure.colorbar(ScalarMappable(norm, "viridis"), ax=axes, label="Spike-time error (µs)", aspect=30, pad=0.02)
    bar.outline.set_linewidth(0.5)
