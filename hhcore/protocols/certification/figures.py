"""The accuracy of the solver: work against precision, and the errors over the grid."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hhcore.certify.evidence import MOST, quantile
from hhcore.figures import style
from hhcore.figures.context import FigureContext, numbers, some_of
from hhcore.figures.ticks import number
from hhcore.figures.titles import after_number

FLOOR = 1e-9  # smaller errors are drawn here; in us, the last bits of a time
RING = {"marker": "o", "markersize": 7, "markerfacecolor": "none", "markeredgewidth": 0.8, "linestyle": "none"}
SILENT = {"marker": ".", "markersize": 4, "color": style.GREY, "markeredgewidth": 0, "linestyle": "none", "zorder": 0}


@style.styled
def work_precision(table: pd.DataFrame, context: FigureContext) -> Figure:
    """Operations per neuron and ms against the error that most of the sample keep, a line for each scheme.

    table : numerics: one row for each solver that was tried and each neuron of the sample

    A vertical line is the tolerance, if the config has one. Neurons that cannot be certified and solvers with which a
    neuron failed are left out.
    """
    tried = table.assign(error=np.where(table["uncertain"], np.nan, numbers(table, context.error.column)))
    tried = tried.groupby(["method", "accuracy"], sort=False, as_index=False).agg(
        error=("error", _kept),
        work=("operations_per_ms", "first"),
        chosen=("chosen", "first"),
        failed=("failed", "any"),
    )
    tried = tried[~tried["failed"] & tried["error"].notna()]
    if tried.empty:
        return style.text_figure(context.title, [context.nothing])
    if (tried["error"] == 0).all():
        chosen = {True: ", chosen", False: ""}
        work = [f"{t.method} at {t.accuracy:.2g}: {t.work:.4g}{chosen[bool(t.chosen)]}" for t in tried.itertuples()]
        said = [f"With every solver, all errors are 0 ({_sample(table)}).", "Operations per neuron and ms:", *work]
        return style.text_figure(context.title, said)
    figure = style.new_figure(style.ONE_COLUMN, 2.6, context.title, [_sample(table), *_floored(tried["error"])])
    axes = figure.subplots()
    axes.set(
        xscale="log",
        yscale="log",
        xlabel=f"{context.error.label}, {MOST} quantile",
        ylabel="Operations per neuron and ms",
    )
    for (method, part), colour, marker in zip(
        tried.groupby("method", sort=False), style.CATEGORIES, "osD^", strict=False
    ):
        part = part.sort_values("accuracy")
        axes.plot(part["error"].clip(lower=FLOOR), part["work"], color=colour, marker=marker, label=method)
    chosen = tried[tried["chosen"]]
    axes.plot(chosen["error"].clip(lower=FLOOR), chosen["work"], color=style.BLACK, label="chosen", **RING)
    if context.tolerance is not None:
        axes.axvline(context.tolerance, color=style.GREY, linewidth=0.6, linestyle=(0, (4, 2)), label="tolerance")
    style.legend_below(figure, axes.get_legend_handles_labels()[0])
    return figure


def _kept(errors: pd.Series) -> float:
    return quantile(errors.to_numpy()) if errors.notna().any() else np.nan


def _floored(errors: np.ndarray | pd.Series) -> list[str]:
    """A note on errors that a logarithmic scale does not have."""
    return [f"errors of 0 are drawn at {number(FLOOR)}"] if (errors == 0).any() else []


def _within(label: str) -> str:
    """A label inside a sentence."""
    return label[:1].lower() + label[1:]


def _sample(table: pd.DataFrame) -> str:
    count = table["neuron"].nunique()
    return f"sample of {count:,} neuron{'s' if count > 1 else ''}"


@style.styled
def accuracy_map(table: pd.DataFrame, context: FigureContext) -> Figure:
    """The estimated error of every tested neuron, over the first two axes of the grid.

    table : features: one row per neuron with the axes' columns, that of the error and fragile

    With one axis, the error is plotted against it; with none, written. Of neurons that differ in further axes alone,
    the worst error lies on top, and none at the bottom; the heading names these axes. Rings mark neurons whose
    outcome (spike count) depends on the accuracy of the solver. Some neurons, such as those that do not fire, have no
    error.
    """
    tested = table[table["fragile"].notna()]
    measure = context.error
    estimated = numbers(tested, measure.column)
    error = np.maximum(estimated, FLOOR)
    fragile = tested["fragile"].to_numpy(dtype=bool)
    if not context.free:
        known = f"{estimated[0]:.3g}{after_number(measure.unit)}"
        words = f"none, it {context.missing}" if np.isnan(estimated[0]) else known
        return style.text_figure(context.title, [f"Estimated {_within(measure.name)}: {words}"])
    x, y = (*context.free, measure)[:2]
    notes = [f"{len(tested):,} of {context.neurons:,} neurons were tested"]
    if context.certify == "all":
        notes = [f"all {context.neurons:,} neurons were tested", *some_of(len(tested), context.neurons, "are shown")]
    if len(tested) and not fragile.any() and (estimated == 0).all():
        return style.text_figure(context.title, [*notes, f"{measure.name}: all are 0."])
    notes += _floored(estimated)
    hidden = ", ".join(axis.name for axis in context.free[2:])
    notes += [f"of those that differ in {hidden} alone, the worst is on top"] if hidden else []
    figure, [axes] = style.panels(context.title, notes, [""], x.label, "")
    style.scale_axis(axes, "x", x)
    along = numbers(tested, x.column)
    up = error if y is measure else numbers(tested, y.column)
    axes.set_ylabel(y.label)
    if y is measure:
        axes.set_yscale("log")
        up = np.where(np.isnan(up), np.nanmin(error, initial=1.0), up)
    else:
        style.scale_axis(axes, "y", y)
    known = ~np.isnan(error)
    if known.any():
        _coloured(figure, axes, along[known], up[known], error[known], measure.label)
    silent = ~known & ~fragile  # what cannot be certified has no error either
    axes.plot(along[silent], up[silent], **SILENT)
    axes.plot(along[fragile], up[fragile], color=style.VERMILLION, **RING)
    handles = [Line2D([], [], color=style.VERMILLION, label=f"fragile {context.outcome} ({fragile.sum():,})", **RING)]
    handles += [Line2D([], [], label=context.missing, **SILENT)] if silent.any() else []
    style.legend_below(figure, handles)
    return figure


def _coloured(figure: Figure, axes: Axes, x: np.ndarray, y: np.ndarray, error: np.ndarray, label: str) -> None:
    """Points coloured by their error on a logarithmic scale; the largest are drawn last."""
    order = np.argsort(error, kind="stable")
    low, high = error.min(), error.max()
    norm = LogNorm(low, high if high > low else 10.0 * low)
    size = 12.0 if len(x) < 1000 else 2.0
    axes.scatter(x[order], y[order], c=error[order], norm=norm, cmap="viridis", s=size, linewidth=0, rasterized=True)
    style.colour_bar(figure, ScalarMappable(norm, "viridis"), label)
