"""The outputs of an experiment over its grid."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hhcore.figures import style
from hhcore.figures.context import FigureContext, numbers, select, some_of, with_unit
from hhcore.figures.family import MARKED, y_limits
from hhcore.figures.limits import MAX_COLOURS, MAX_FACETS
from hhcore.figures.titles import after_number
from hhcore.simulation.outputs import DURATION, Output

NO_DURATION = f"{style.DIVERGED}, or no such duration in the beat"


@style.styled
def outputs(table: pd.DataFrame, named: Sequence[Output], context: FigureContext) -> Figure:
    """Each of the outputs, up to six, against the first axis, coloured by the second; each panel has its own scale.

    table : features: one row per neuron with the axes' columns and those of the outputs

    Further axes are held at their middle values; the heading says so. Neurons of zipped axes are points.
    """
    if not context.free:
        values = [(output, numbers(table, output.column)[0]) for output in named]
        lines = [f"{o.name}: {'none' if np.isnan(x) else f'{x:.6g}{after_number(o.unit)}'}" for o, x in values]
        return style.text_figure(context.title, ["One neuron, no axis to plot its outputs against.", *lines])
    x, colour = (*context.free, None)[:2]
    table, notes = context.hold(table, [x, colour])
    notes = some_of(len(table), context.neurons, "neurons") if context.zipped else notes
    notes += colour.few(MAX_COLOURS) if colour and not context.zipped else []
    shown = named[:MAX_FACETS]
    notes += some_of(len(shown), len(named), "outputs")
    colour = None if context.zipped else colour
    titles = [f"{output.measure} of {output.variable}" for output in shown]
    figure, grid = style.panels(context.title, notes, titles, x.label, "", alike=False)
    levels = colour.spread(MAX_COLOURS) if colour else np.zeros(1)
    colours, missing = style.level_colours(levels), 0
    for panel, output in zip(grid, shown, strict=True):
        panel.set_ylabel(with_unit(output.name, output.unit))
        drawn = [(level, select(table, colour, level).sort_values(x.column)) for level in levels]
        for level, curve in drawn:
            along, values = numbers(curve, x.column), numbers(curve, output.column)
            shade = colours.mappable.to_rgba(level) if colour else style.BLUE
            look = {"marker": "o" if len(along) <= MARKED else "", "linestyle": "none" if context.zipped else "-"}
            panel.plot(along, values, color=shade, **look)
            missing += style.mark_gaps(panel, along, values, shade)
        y_limits(panel, np.concatenate([numbers(curve, output.column) for _, curve in drawn]), zero=False)
        style.scale_axis(panel, "x", x)
    if colour:
        colours.bar(figure, colour)
    why = NO_DURATION if any(output.measure == DURATION for output in shown) else style.DIVERGED
    cross = Line2D([], [], color=style.GREY, marker="x", linestyle="none", label=why)
    style.legend_below(figure, [cross] if missing else [])
    return figure
