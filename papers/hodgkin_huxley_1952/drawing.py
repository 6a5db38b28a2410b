"""How the figures of the paper look: its potential on the left, today's on the right or beside it."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hhcore.figures import style

from .axon import ZERO, rates, steady

COLOURS = (style.BLUE, style.VERMILLION, style.GREEN, style.PURPLE, style.ORANGE, style.BLACK)
DOT = {"linestyle": "none", "marker": "o", "markersize": 2.5, "markerfacecolor": "none", "markeredgewidth": 0.6}
MEASURED = pd.read_csv(Path(__file__).with_name("measured.csv"))


def displacement(axes: Axes, low: float, high: float) -> None:
    """−V of 1952 (mV), the displacement from rest, on the left; the potential inside minus outside on the right."""
    axes.set(ylim=(low, high), ylabel="−V (mV), 1952")
    modern = axes.twinx()
    modern.set(ylim=(low + ZERO, high + ZERO), ylabel="E (mV), today")
    modern.spines["right"].set_visible(True)
    modern.set_xlabel("")


def both_conventions(title: str, y: str) -> tuple[Figure, list[tuple[Axes, int, float]]]:
    """Two panels against the potential: as in 1952, V with its sign, and as today.

    Returns the figure, and of each panel its axes, sign and offset: x = sign * V_today + offset.
    """
    figure = style.new_figure(style.TWO_COLUMNS, 2.3, title, [])
    old, new = figure.subplots(1, 2)
    old.set(xlabel="V (mV), 1952: displacement from rest", ylabel=y, xlim=(-110, 50))
    new.set(xlabel="E (mV), today: inside minus outside", xlim=(-115, 45))
    return figure, [(old, -1, ZERO), (new, 1, 0.0)]


def rate_curves(gate: str, title: str) -> Figure:
    """alpha and beta of a gate against the potential, with the measured ones of the paper's tables."""
    figure, panels = both_conventions(title, "Rate (1/ms)")
    V = np.linspace(-115.0, 45.0, 640)  # without the potentials where a rate is 0/0
    found, points = rates(V), MEASURED[MEASURED["gate"] == gate]
    opening, closing = points["steady"] / points["tau_ms"], (1 - points["steady"]) / points["tau_ms"]
    limits = (1.15 * min(0.0, closing.min()), 1.15 * opening.max()) if len(points) else (0.0, 1.05)  # per ms
    for axes, sign, offset in panels:
        for name, measured, colour in (("alpha", opening, COLOURS[0]), ("beta", closing, COLOURS[1])):
            letter = {"alpha": "α", "beta": "β"}[name]
            axes.plot(sign * V + offset, found[f"{name}_{gate}"], color=colour, label=f"{letter}_{gate}")
            axes.plot(sign * (ZERO - points["V_1952_mV"]) + offset, measured, color=colour, **DOT)
        axes.set_ylim(*limits)
    panels[0][0].legend()
    return figure


def steady_curve(gate: str, title: str) -> Figure:
    """The steady state of a gate against the potential, with the measured ones."""
    figure, panels = both_conventions(title, f"{gate} at steady state")
    V, points = np.linspace(-115.0, 45.0, 640), MEASURED[MEASURED["gate"] == gate]
    for axes, sign, offset in panels:
        axes.plot(sign * V + offset, steady(V)[gate], color=COLOURS[0])
        axes.plot(sign * (ZERO - points["V_1952_mV"]) + offset, points["steady"], color=COLOURS[0], **DOT)
        axes.set_ylim(0, 1.06)
    return figure
