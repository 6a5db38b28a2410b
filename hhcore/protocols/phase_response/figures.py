"""Figures of phase response: curves beneath the spike, new against old phase, extremes against an axis, a map."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hhcore.figures import style
from hhcore.figures.context import FigureContext, Variable, numbers, some_of
from hhcore.figures.family import Line, family, points
from hhcore.figures.limits import MAX_COLOURS
from hhcore.figures.maps import value_map
from hhcore.protocols.phase_response.protocol import PhaseResponse
from hhcore.simulation.features import FAILED

NOTHING = "No neuron fires periodically; the column cycle of features.parquet says what each does."
NO_CURVE = "no cycle"
RESPONSE = "Phase response\n(cycles/mV)"
SAMPLED = 40  # curves of a sampled design, drawn one by one
ZERO = {"color": style.GREY, "linewidth": 0.4, "zorder": 0}
KICKED = {"linestyle": (0, (3, 1.5)), "linewidth": 0.7}
DOT = {"linestyle": "none", "marker": ".", "markersize": 2.5}
SHARE = Variable("delay_share", "Largest delay per largest advance", "1")


@style.styled
def phase_response(
    features: pd.DataFrame, curves: pd.DataFrame, context: FigureContext, protocol: PhaseResponse
) -> Figure:
    """Curves beneath the potential of the cycle, coloured by the first axis.

    features : a row per neuron with the axes' columns; curves : phase_response.parquet

    The infinitesimal response is a line, that to the kick a broken one.
    """
    drawn, notes, colour = _shown(features, curves, context)
    if drawn.empty:
        return style.text_figure(context.title, [NOTHING])
    figure = style.new_figure(style.ONE_COLUMN, 3.4, context.title, notes)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[1, 1.8])
    for shade, curve in _curves(drawn, colour):
        for column, panel, look in (
            ("potential_mV", above, {}),
            ("infinitesimal_per_mV", below, {}),
            ("response_per_mV", below, KICKED),
        ):
            x, y = _closed(curve, column)
            panel.plot(x, y, color=shade, **look)
    below.axhline(0.0, **ZERO)
    below.set(xlabel="Phase of the kick", ylabel=RESPONSE, xlim=(0.0, 1.0))
    above.set(ylabel="Potential\n(mV)")
    style.letter([above, below])
    shade, size = style.GREY if colour else style.BLUE, protocol.size(context.potential.unit)
    handles = [
        Line2D([], [], color=shade, label="infinitesimal"),
        Line2D([], [], color=shade, label=f"kick of {size}", **KICKED),
    ]
    _key(figure, drawn, colour, handles)
    return figure


@style.styled
def phase_transition(features: pd.DataFrame, curves: pd.DataFrame, context: FigureContext) -> Figure:
    """New phase against old phase, coloured by the first axis; crosses where the kick does not shift the cycle."""
    drawn, notes, colour = _shown(features, curves, context)
    if drawn.empty:
        return style.text_figure(context.title, [NOTHING])
    figure, [panel] = style.panels(context.title, notes, [""], "Phase of the kick", "Phase after the kick")
    missing = 0
    for shade, curve in _curves(drawn, colour):
        x, y = numbers(curve, "phase"), numbers(curve, "new_phase")
        panel.plot(x, y, color=shade, **DOT)
        missing += style.mark_gaps(panel, x, y, shade)
    panel.plot([0, 1], [0, 1], **ZERO)
    panel.set(xlim=(0.0, 1.0), ylim=(0.0, 1.0))
    handles = [Line2D([], [], color=style.GREY, marker="x", linestyle="none", label="no shift")] if missing else []
    _key(figure, drawn, colour, handles)
    return figure


@style.styled
def response_extremes(features: pd.DataFrame, context: FigureContext) -> Figure:
    """Largest advance and largest delay against the first axis, coloured by the second, in panels by the third."""
    if context.zipped:
        x, colour = (*context.free, SHARE)[:2]
        return points(
            features, context, x, Variable("maximum_per_mV", "Largest advance", "cycles/mV"), colour, NO_CURVE
        )
    lines = [Line("maximum_per_mV", "largest advance"), Line("minimum_per_mV", "largest delay", KICKED)]
    return family(features, context, context.free, lines, RESPONSE, NO_CURVE)


@style.styled
def response_map(features: pd.DataFrame, context: FigureContext) -> Figure:
    """Largest delay per largest advance over the first two axes, in panels by the third."""
    table = features.assign(failed=features["status"].isin(FAILED).to_numpy(dtype=bool))
    return value_map(table, context, context.free, [SHARE], style.DIVERGED, NO_CURVE, continuous=True)


def _shown(
    features: pd.DataFrame, curves: pd.DataFrame, context: FigureContext
) -> tuple[pd.DataFrame, list[str], Variable | None]:
    """The rows to draw with the columns of axes, notes for the heading, and the axis that colours, if any."""
    columns = [axis.column for axis in context.axes]
    table = curves.join(features[columns], on="neuron", how="inner")
    if context.sampled or context.zipped:
        neurons = table["neuron"].unique()[:SAMPLED]
        return table[table["neuron"].isin(neurons)], some_of(len(neurons), context.neurons, "neurons"), None
    colour = context.free[0] if context.free else None
    table, notes = context.hold(table, [colour], whole=0)
    if colour:
        notes += colour.few(MAX_COLOURS)
        table = table[table[colour.column].isin(colour.spread(MAX_COLOURS))]
    return table, notes, colour


def _curves(table: pd.DataFrame, colour: Variable | None) -> Iterator[tuple[object, pd.DataFrame]]:
    """Each curve and its colour."""
    colours = style.level_colours(colour.spread(MAX_COLOURS)) if colour else None
    for _, curve in table.groupby("neuron"):
        yield colours.mappable.to_rgba(curve[colour.column].iloc[0]) if colour else style.BLUE, curve


def _closed(curve: pd.DataFrame, column: str) -> tuple[np.ndarray, np.ndarray]:
    """A curve from phase 0 to 1, where it is what it was at 0."""
    x, y = numbers(curve, "phase"), numbers(curve, column)
    return np.append(x, 1.0), np.append(y, y[0])


def _key(figure: Figure, table: pd.DataFrame, colour: Variable | None, handles: list[Line2D]) -> None:
    """The colour bar and the legend."""
    if colour:
        handles += style.level_colours(colour.spread(MAX_COLOURS)).bar(figure, colour)
    style.legend_below(figure, handles)
