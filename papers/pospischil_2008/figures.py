"""The figures of the paper: each cell type as it fires, and how fast."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hhcore import Run, Trace
from hhcore.figures import style
from hhcore.papers.paper import Paper

from .cells import DEMONSTRATIONS, FIGURE_1C, course, density

TICKS = {"linestyle": "none", "marker": "|", "markersize": 5, "markeredgewidth": 0.8, "color": style.VERMILLION}
STATED = [number.value for number in Paper(Path(__file__).parent).stated if number.name.startswith("figure_1c")]


@style.styled
def figure_01(run: Run) -> Figure:
    """Fig. 1C. Regular spiking: the rate adapts. Red: the times of Open Source Brain."""
    found = course("rs", FIGURE_1C)
    figure = style.new_figure(style.TWO_COLUMNS, 2.2, "Regular spiking (rs), 0.84 nA", [])
    axes = figure.subplots()
    potential(axes, found, style.BLUE)
    axes.plot(STATED, np.full(len(STATED), 55.0), **TICKS, label="Open Source Brain")
    pulse(axes, FIGURE_1C)
    axes.legend(loc="center right")
    return figure


@style.styled
def figure_03(run: Run) -> Figure:
    """Fig. 3C. Fast spiking: no slow potassium current, and no adaptation."""
    shown = (0.7, 200.0, 690.0, -70.0)
    figure = style.new_figure(style.TWO_COLUMNS, 2.0, "Fast spiking (fs), 0.7 nA", [])
    axes = figure.subplots()
    potential(axes, course("fs", shown), style.BLUE)
    pulse(axes, shown)
    return figure


@style.styled
def figure_05(run: Run) -> Figure:
    """Fig. 5. Bursting cells, 0.15 nA: how many spikes a burst has depends on where the cell starts."""
    figure = style.new_figure(style.TWO_COLUMNS, 4.2, "Bursting cells, 0.15 nA from 500 ms", [])
    starts = {-84.0: "held at −84 mV, as Open Source Brain", "rest": "its own rest", -70.0: "held at −70 mV"}
    panels = figure.subplots(3, 2, sharex=True, sharey=True)
    for column, cell in zip(panels.T, ("ib", "ibr"), strict=True):
        for axes, (start, words) in zip(column, starts.items(), strict=True):
            found = course(cell, (*DEMONSTRATIONS[cell][:3], start))
            potential(axes, found, style.BLUE)
            axes.set_title(f"{cell}, {words}: {count(found)} spikes", loc="left")
            axes.set(xlim=(480, 1000), xlabel="Time (ms)" if axes is column[-1] else "")
            axes.set_ylabel("V (mV)" if cell == "ib" else "")
    return figure


@style.styled
def figure_08(run: Run) -> Figure:
    """Fig. 8. Low-threshold spiking. Currents and potentials before them: Open Source Brain, test_LTS_Fig8a to c."""
    shown = {
        "held at −60 mV, −0.1 nA: a burst after it": (-0.1, 500.0, 1500.0, -60.0),
        "held at −70 mV, 0.2 nA: no burst": (0.2, 500.0, 1500.0, -70.0),
        "held at −80 mV, 0.2 nA: a burst first": (0.2, 500.0, 1500.0, -80.0),
    }
    figure = style.new_figure(style.TWO_COLUMNS, 4.2, "Low-threshold spiking (lts)", [])
    panels = figure.subplots(len(shown), 1, sharex=True)
    for axes, (words, how) in zip(panels, shown.items(), strict=True):
        potential(axes, course("lts", how, 2000.0, still=True), style.BLUE)
        axes.set_title(words, loc="left")
        axes.set_xlabel("Time (ms)" if axes is panels[-1] else "")
    return figure


@style.styled
def figure_rates(run: Run) -> Figure:
    """Firing rates of the four types: of the first interval, and of the last one in a second of current."""
    figure = style.new_figure(style.TWO_COLUMNS, 2.4, "Firing rates of the first and the last interval in 1 s", [])
    for axes, cell in zip(figure.subplots(1, 4), ("rs", "fs", "ib", "lts"), strict=True):
        current, first, last = intervals(run, cell)
        axes.plot(current, first, ".", color=style.VERMILLION, markersize=2.5, label="first")
        axes.plot(current, last, ".", color=style.BLUE, markersize=2.5, label="last")
        axes.set_title(cell)
        axes.set(xlabel="Current (nA)", ylabel="Rate (Hz)" if cell == "rs" else "", ylim=(0, None))
    axes.legend(loc="lower right")
    return figure


def potential(axes: Axes, found: Trace, colour: str) -> None:
    """Draw the potential over time."""
    axes.plot(found["time"], found["membrane.V"], color=colour, linewidth=0.7)
    axes.set(xlabel="Time (ms)", ylabel="V (mV)")


def pulse(axes: Axes, shown: tuple) -> None:
    """Draw a bar below the trace while the current flows."""
    axes.plot(shown[1:3], [-104, -104], color=style.GREY, linewidth=2, solid_capstyle="butt")


def count(found: Trace) -> int:
    """The upward crossings of 0 mV."""
    above = found["membrane.V"] > 0
    return int((above[1:] & ~above[:-1]).sum())


def intervals(run: Run, cell: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of neurons with two spikes: their current (nA), and the rate of the first and of the last interval (Hz)."""
    trains = run[cell].spikes.groupby("neuron")["time_ms"].apply(np.array)
    trains = trains[trains.map(len) > 1]
    current = run[cell].features["amplitude_uA_cm2"].to_numpy()[trains.index] / density(cell, 1.0)
    first, last = (np.array([1e3 / np.diff(train)[i] for train in trains]) for i in (0, -1))
    return current, first, last
