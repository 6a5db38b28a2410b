"""The F-I family: firing rate against the amplitude of the stimulus."""

import pandas as pd
from matplotlib.figure import Figure

from hhcore.figures import style
from hhcore.figures.context import Plan, Variable, numbers
from hhcore.figures.family import Line, family, points

RATE = "Firing rate (Hz)"
STEADY = Line("steady_rate_Hz", "steady rate")
FIRST = Line(
    "first_interval_rate_Hz", "rate of the first interval", {"linestyle": (0, (3, 1.5)), "linewidth": 0.7}, sparse=True
)


@style.styled
def fi_curves(table: pd.DataFrame, plan: Plan) -> Figure:
    """Firing rate against amplitude, coloured by one further axis, in panels by the next one.

    table : fi_curves: one row per (curve, amplitude) with the axes' columns, steady_rate_Hz and first_interval_rate_Hz

    A rate is null where there is none; a null steady rate means that the neuron failed, and is marked as such.
    Axes beyond these are held at their middle values; the heading says so. Where the amplitude is not swept, the next
    axis takes its place.
    """
    if not plan.free:
        rates = [f"{line.label}: {_rate(table, line.column)}" for line in (STEADY, FIRST)]
        return style.text_figure(plan.title, ["One neuron, no axis to plot its rate against.", *rates])
    if plan.zipped:
        x, colour = plan.free[:2]
        return points(table, plan, x, Variable(STEADY.column, "Steady firing rate", "Hz"), colour)
    return family(table, plan, plan.free, [STEADY, FIRST], RATE, style.DIVERGED)


def _rate(table: pd.DataFrame, column: str) -> str:
    rate = numbers(table, column)[0]
    return f"{rate:.4g} Hz" if rate == rate else "none"
