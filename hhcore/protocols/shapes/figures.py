"""Figures of shapes: width and potentials of action potentials over the grid, and the response to the stimulus."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hhcore.figures import style
from hhcore.figures.context import FigureContext, Variable, numbers
from hhcore.figures.family import Line, family, points
from hhcore.figures.maps import value_map
from hhcore.simulation.features import FAILED

WIDTHS = (Line("mean_ap_half_width_ms", "mean"), Line("first_ap_half_width_ms", "first spike", style.DASHED))
POTENTIALS = (
    Line("mean_ap_peak_mV", "peak"),
    Line("mean_ap_begin_mV", "beginning", style.DASHED),
    Line("mean_ahp_mV", "afterhyperpolarisation", style.DOTTED),
)
RESPONSE = (
    Line("steady_voltage_mV", "at the end of the stimulus"),
    Line("minimum_voltage_mV", "lowest", style.DASHED),
    Line("voltage_base_mV", "before the stimulus", style.DOTTED),
)
NO_WIDTH = "no action potential with a half-width"
NO_SPIKE = "no action potential with a peak"
NO_RESPONSE = "fires during the stimulus, or failed"
NOTHING = "No neuron is silent during a stimulus that begins and ends."


@style.styled
def half_widths(table: pd.DataFrame, context: FigureContext) -> Figure:
    """Mean half-width over the first two axes, in panels by the third; against a single axis, of the first spike too.

    table : features: one row per neuron with the axes' columns, the two half-widths and status
    """
    if len(context.free) < 2 or context.zipped:
        return _along(table, context, WIDTHS, "Half-width (ms)", NO_WIDTH)
    table = table.assign(failed=table["status"].isin(FAILED).to_numpy(dtype=bool))
    value = Variable(WIDTHS[0].column, "Mean half-width", "ms")
    return value_map(table, context, context.free, [value], style.DIVERGED, NO_WIDTH, continuous=True)


@style.styled
def potentials(table: pd.DataFrame, context: FigureContext) -> Figure:
    """Means of peak, beginning and afterhyperpolarisation against an axis; colours and panels by others."""
    return _along(table, context, POTENTIALS, "Membrane potential (mV)", NO_SPIKE)


@style.styled
def response(table: pd.DataFrame, context: FigureContext) -> Figure:
    """The potential at the end of the stimulus, its minimum, and that before, as `potentials`; of silent neurons."""
    silent = numbers(table, "stimulus_spike_count") == 0
    if not (silent & np.isfinite(numbers(table, RESPONSE[0].column))).any():
        return style.text_figure(context.title, [NOTHING])
    columns = [line.column for line in RESPONSE]
    table = table.assign(**{column: np.where(silent, numbers(table, column), np.nan) for column in columns})
    return _along(table, context, RESPONSE, "Membrane potential (mV)", NO_RESPONSE)


def _along(table: pd.DataFrame, context: FigureContext, lines: Sequence[Line], label: str, gap: str) -> Figure:
    """The lines against the first free axis; of zipped axes the first one over two; without an axis, as text."""
    if not context.free:
        said = [_said(line, table) for line in lines]
        return style.text_figure(context.title, ["One neuron, no axis to plot it against.", *said])
    if context.zipped:
        first = Variable(lines[0].column, f"{label.partition(' (')[0]}, {lines[0].label}", _unit(lines[0]))
        return points(table, context, *context.free[:2], first, gap, continuous=True)
    return family(table, context, context.free, lines, label, gap, zero=False)


def _said(line: Line, table: pd.DataFrame) -> str:
    value = numbers(table, line.column)[0]
    return f"{line.label}: {'none' if np.isnan(value) else f'{value:.6g} {_unit(line)}'}"


def _unit(line: Line) -> str:
    return line.column.rpartition("_")[2]
