"""The figures of the paper, drawn as it draws them, beside today's convention of the potential."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hhcore import Ramp, Run, simulate, trace
from hhcore.figures import style
from hhcore.figures.titles import minus

from .axon import (
    COLD,
    DRAWN,
    FIRST,
    HYPERPOLARISED,
    MODEL,
    SPIKE,
    WARM,
    ZERO,
    conductances,
    course,
    held,
    released,
    rest,
    shocked,
    threshold,
)
from .drawing import COLOURS, displacement, rate_curves, steady_curve


@style.styled
def figure_02(run: Run) -> Figure:
    """Fig. 2. Rise of the potassium conductance in a voltage clamp at 6.3 °C, for the depolarisations of Table 1."""
    return family(run, "Potassium conductance under a voltage clamp", "potassium", 11.0)


@style.styled
def figure_03(run: Run) -> Figure:
    """Fig. 3. Rise of the potassium conductance at V = −25 mV, and its fall after the return to V = 0."""
    (found,) = courses(run, "tail")
    figure = style.new_figure(style.ONE_COLUMN, 2.2, "Potassium conductance, 25 mV and back", [])
    axes = figure.subplots()
    axes.plot(found["time_ms"], conductances(found)["potassium"], color=style.BLUE)
    axes.axvline(10.0, **style.THRESHOLD | {"label": "return to V = 0"})
    axes.set(xlabel="Time (ms)", ylabel="g_K (mS/cm²)", ylim=(0, None))
    axes.legend()
    return figure


@style.styled
def figure_04(run: Run) -> Figure:
    """Fig. 4. Rate constants of potassium activation at 6 °C. Circles: Table 1."""
    return rate_curves("n", "Rate constants of potassium activation")


@style.styled
def figure_05(run: Run) -> Figure:
    """Fig. 5. Potassium activation n at steady state. Circles: Table 1."""
    return steady_curve("n", "Potassium activation at steady state")


@style.styled
def figure_06(run: Run) -> Figure:
    """Fig. 6. Changes of the sodium conductance in a voltage clamp at 6.3 °C, for the depolarisations of Table 1."""
    return family(run, "Sodium conductance under a voltage clamp", "sodium", 4.0)


@style.styled
def figure_07(run: Run) -> Figure:
    """Fig. 7. Rate constants of sodium activation at 6 °C. Circles: Table 2."""
    return rate_curves("m", "Rate constants of sodium activation")


@style.styled
def figure_08(run: Run) -> Figure:
    """Fig. 8. Sodium activation m at steady state. Circles: Table 2."""
    return steady_curve("m", "Sodium activation at steady state")


@style.styled
def figure_09(run: Run) -> Figure:
    """Fig. 9. Rate constants of sodium inactivation at 6 °C."""
    return rate_curves("h", "Rate constants of sodium inactivation")


@style.styled
def figure_10(run: Run) -> Figure:
    """Fig. 10. Sodium inactivation h at steady state: 1 is not inactivated."""
    return steady_curve("h", "Sodium inactivation at steady state")


@style.styled
def figure_12(run: Run) -> Figure:
    """Fig. 12. Membrane action potentials at 6.3 °C after shocks of 90, 15, 7 and 6 mV; the last one does not fire."""
    shocks = [f"{shock:g} mV" for shock in run["shocks"].features["displacement_mV"]]
    return impulses("Membrane action potentials at 6.3 °C", dict(zip(shocks, courses(run, "shocks"), strict=True)), 7.0)


@style.styled
def figure_13(run: Run) -> Figure:
    """Fig. 13. The membrane action potential at 18.5 °C after a shock of 15 mV."""
    return impulses("Membrane action potential at 18.5 °C", {"15 mV": courses(run, "warm")[0]}, 4.0)


def family(run: Run, title: str, ion: str, duration: float) -> Figure:
    """A panel for each depolarisation, as in the paper, each with a scale of its own."""
    figure = style.new_figure(style.TWO_COLUMNS, 4.2, title, [])
    panels = figure.subplots(3, 4, sharex=True)
    for axes, found in zip(panels.flat, courses(run, "clamp"), strict=True):
        E = found["membrane_V_mV"].iloc[-1]
        axes.plot(found["time_ms"], conductances(found)[ion], color=style.BLUE)
        axes.set_title(minus(f"V = {ZERO - E:g} mV, E = {E:g} mV"))
        axes.set(xlim=(0, duration), ylim=(0, None))
    for axes in panels[-1]:
        axes.set_xlabel("Time (ms)")
    for axes in panels[:, 0]:
        axes.set_ylabel({"sodium": "g_Na (mS/cm²)", "potassium": "g_K (mS/cm²)"}[ion])
    return figure


def impulses(title: str, shown: dict[str, pd.DataFrame], duration: float) -> Figure:
    """The potential after shocks, by the label of each."""
    figure = style.new_figure(style.ONE_COLUMN, 2.6, title, [])
    axes = figure.subplots()
    for (label, found), colour in zip(shown.items(), COLOURS, strict=False):
        after(axes, found["time_ms"], found["membrane_V_mV"], color=colour, label=label)
    axes.set(xlabel="Time (ms)", xlim=(-0.05 * duration, duration))
    axes.legend(loc="upper right")
    displacement(axes, -15, 115)
    return figure


@style.styled
def figure_17(run: Run) -> Figure:
    """Fig. 17. Conductances and −V in the action potential at 18.5 °C, space-clamped; the paper's impulse travels."""
    (found,) = courses(run, "warm")
    parts = conductances(found)
    parts["all"] = sum(parts.values()) + MODEL.parameters["leak.g"].value
    lower = beside_potential("Conductances at 18.5 °C", found, parts)
    lower.set_ylabel("Conductance (mS/cm²)")
    return lower.figure


@style.styled
def figure_18(run: Run) -> Figure:
    """Fig. 18. Currents and −V of the same. Nothing flows along the axon: the capacity takes what the ions bring."""
    (found,) = courses(run, "warm")
    currents = {ion: found[f"{ion}_i_uA_cm2"] / 1e3 for ion in ("sodium", "potassium")}
    currents["all ions"] = sum(currents.values()) + found["leak_i_uA_cm2"] / 1e3
    currents["capacity"] = -currents["all ions"]
    lower = beside_potential("Currents at 18.5 °C", found, currents)
    lower.set_ylabel("Current (mA/cm²),\ntoday: outward is positive")
    return lower.figure


def beside_potential(title: str, found: pd.DataFrame, parts: dict[str, pd.Series]) -> Axes:
    """−V above, and parts by name in the axes below it, which are returned."""
    figure = style.new_figure(style.ONE_COLUMN, 3.6, title, [])
    upper, lower = figure.subplots(2, 1, sharex=True)
    after(upper, found["time_ms"], found["membrane_V_mV"], color=style.BLACK)
    displacement(upper, -15, 115)
    for (name, part), colour in zip(parts.items(), COLOURS, strict=False):
        lower.plot(found["time_ms"], part, color=colour, label=name)
    lower.set_xlabel("Time (ms)")
    lower.legend()
    return lower


@style.styled
def figure_19(run: Run) -> Figure:
    """Figs 19 and 20. Refractoriness at 6.3 °C: a shock of 15 mV, then one of 90 mV; and the least that fires again."""
    figure = style.new_figure(style.TWO_COLUMNS, 2.6, "Refractoriness at 6.3 °C", [])
    left, right = figure.subplots(1, 2)
    delays = run["two_shocks"].features["second_start_ms"]
    for delay, found, colour in zip(delays, courses(run, "two_shocks"), COLOURS, strict=False):
        later = found[found["time_ms"] >= delay]
        after(left, later["time_ms"], later["membrane_V_mV"], color=colour, label=f"90 mV at {delay:g} ms")
    first = courses(run, "shocks")[1]
    after(left, first["time_ms"], first["membrane_V_mV"], color=style.BLACK, label="15 mV alone")
    left.set_xlabel("Time (ms)")
    left.legend()
    displacement(left, -15, 115)
    delays = np.r_[np.arange(6.0, 12.0, 0.5), np.arange(12.0, 30.5, 1.0)]
    right.plot(delays, [least(state_at(delay)) for delay in delays], color=style.BLUE)
    right.axhline(least(rest()), **style.THRESHOLD | {"label": "at rest"})
    right.set(xlabel="Time of the second shock (ms)", ylabel="Least shock that fires (mV)", ylim=(0, 100))
    right.legend()
    return figure


@style.styled
def figure_22(run: Run) -> Figure:
    """Fig. 22. Anode break: an axon held 30 mV below rest for long is released at t = 0; at 6.3 °C it fires."""
    figure = style.new_figure(style.ONE_COLUMN, 2.6, "Anode break", [])
    axes = figure.subplots()
    for celsius, colour in zip((COLD, WARM), COLOURS, strict=False):
        found = course(held(rest()[0] - HYPERPOLARISED), celsius, 14.0, DRAWN)
        after(axes, found["time"], found["membrane.V"], color=colour, label=f"{celsius} °C")
    axes.set_xlabel("Time (ms)")
    axes.legend(loc="upper left")
    displacement(axes, -35, 125)
    return figure


@style.styled
def figure_23(run: Run) -> Figure:
    """Fig. 23. Small oscillations under a constant current of 1.49 µA/cm²."""
    figure = style.new_figure(style.ONE_COLUMN, 2.4, "Small oscillations", [])
    axes = figure.subplots()
    for celsius, found, colour in zip((COLD, WARM), courses(run, "small_current"), COLOURS, strict=False):
        after(axes, found["time_ms"], found["membrane_V_mV"], color=colour, label=f"{celsius} °C")
    axes.set_xlabel("Time (ms)")
    axes.legend(loc="upper right")
    displacement(axes, -0.5, 3.5)
    return figure


@style.styled
def figure_accommodation(run: Run) -> Figure:
    """Accommodation at 6.3 °C. A current that rises by less than 0.4 µA/cm² per ms fires when it is twice as strong."""
    figure = style.new_figure(style.TWO_COLUMNS, 2.6, "Accommodation: currents that rise linearly, 6.3 °C", [])
    left, right = figure.subplots(1, 2)
    for slope, colour in zip((0.5, 0.35), COLOURS, strict=False):
        found = trace(MODEL, {}, Ramp(slope * 40.0), duration=40.0, interval=0.02, **DRAWN)
        after(left, found["time"], found["membrane.V"], color=colour, label=f"{slope:g} µA/cm² per ms")
    left.set_xlabel("Time (ms)")
    left.legend(loc="upper left")
    displacement(left, -15, 130)
    slopes, duration = np.logspace(-1, 1.5, 101), 300.0
    ramps = simulate(MODEL, {}, Ramp(slopes * duration), duration=duration, threshold=SPIKE, **DRAWN)
    right.semilogx(slopes, slopes * ramps.features["first_spike_ms"], ".", color=style.BLUE, markersize=3)
    right.set(xlabel="Rise of the current (µA/cm² per ms)", ylabel="Current at the first\naction potential (µA/cm²)")
    right.set_ylim(0, None)
    return figure


def courses(run: Run, experiment: str) -> list[pd.DataFrame]:
    """The traces of an experiment, in the order of the config."""
    return [found for _, found in run[experiment].traces.groupby("trace")]


def after(axes: Axes, time: np.ndarray, V: np.ndarray, **look: object) -> None:
    """Draw −V of 1952 over time."""
    axes.plot(time, V - ZERO, **look)


def state_at(delay: float) -> np.ndarray:
    """The states so long (ms) after the first shock, at 6.3 °C."""
    return released(shocked(FIRST), COLD, delay, DRAWN).final[0]


def least(state: np.ndarray) -> float:
    """The least shock (mV) that makes an axon in this state fire at 6.3 °C."""
    return threshold(lambda d: released(shocked(d, state), COLD, 30.0, DRAWN).spike_counts > 0, 0.0, 150.0)
