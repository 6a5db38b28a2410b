"""Our numbers, by the names of published.yaml."""

import numpy as np
from scipy.integrate import simpson

from hhcore import Run, Trace
from hhcore.papers.measured import Measured, certified, exact

from .axon import (
    COLD,
    FARADAY,
    MODEL,
    WARM,
    ZERO,
    Solver,
    clamped,
    conductances,
    course,
    held,
    peak,
    peak_of,
    rates,
    released,
    rest,
    shocked,
    steady,
    threshold,
)

SHOCKS = {"90": (90, COLD), "15": (15, COLD), "7": (7, COLD), "6": (6, COLD), "15_warm": (15, WARM)}
FIRST = 15.0  # mV, of the shock before a second one
DELAYS = {8: 50.0, 12: 20.0, 20: 10.0}  # ms, and a second shock (mV) that fires then
CLAMPED = (-40, -20, 0, 20)  # mV, today
HYPERPOLARISED = 30.0  # mV below rest


def numbers(run: Run) -> dict[str, Measured]:
    """Ours of every number. None is read from a table."""
    found = exact(at_rest())
    for measure in (clamps, peaks, fires, thresholds, refractoriness, anode_break, oscillations, ions):
        found |= certified(measure)
    return found


def at_rest() -> dict[str, float]:
    """How far the axon rests above the zero of the paper, and what is open there."""
    open_at_zero = {f"{gate}_at_rest": float(value) for gate, value in steady(np.array(ZERO)).items()}
    return {"rest": rest()[0] - ZERO, **open_at_zero}


def peaks(solver: Solver) -> dict[str, float]:
    """Height above rest and time of the first maximum after a shock."""
    found = {}
    for name, (displacement, celsius) in SHOCKS.items():
        height, time = peak_of(course(shocked(displacement)[0], celsius, 8.0, solver))
        found |= {f"peak_{name}": height, f"peak_time_{name}": time}
    return found


def fires(solver: Solver) -> dict[str, float]:
    """The action potentials after shocks of 7 and 6 mV."""
    counts = released(shocked(np.array([7.0, 6.0])), COLD, 30.0, solver).spike_counts
    return {"action_potentials_7": counts[0], "action_potentials_6": counts[1]}


def thresholds(solver: Solver) -> dict[str, float]:
    """The least shock that fires an axon at rest."""
    return {
        name: threshold(lambda d, c=celsius: released(shocked(d), c, 30.0, solver).spike_counts > 0, 5.0, 9.0)
        for name, celsius in {"threshold": COLD, "threshold_warm": WARM}.items()
    }


def refractoriness(solver: Solver) -> dict[str, float]:
    """The least second shock that fires, at some times after a first one."""
    found = {}
    for delay, enough in DELAYS.items():
        state = released(shocked(FIRST), COLD, float(delay), solver).final[0]
        found[f"second_shock_{delay}"] = threshold(
            lambda d, state=state: released(shocked(d, state), COLD, 30.0, solver).spike_counts > 0, 0.0, enough
        )
    return found


def anode_break(solver: Solver) -> dict[str, float]:
    """The first maximum after the release of an axon that was held below rest."""
    below = held(rest()[0] - HYPERPOLARISED)
    height, time = peak_of(course(below, COLD, 12.0, solver))
    warm = released(below[None], WARM, 30.0, solver).spike_counts[0]
    return {"anode_break": height, "anode_break_time": time, "anode_break_warm": warm}


def oscillations(solver: Solver) -> dict[str, float]:
    """Frequency and time constant of small oscillations: from what 1 ms makes of small displacements of each state."""
    size = np.array([1e-3, 1e-5, 1e-5, 1e-5])
    moved = released(rest() + np.vstack([np.diag(size), -np.diag(size)]), COLD, 1.0, solver).final
    transition = (moved[:4] - moved[4:]).T / (2 * size)
    growth = max(np.log(np.linalg.eigvals(transition).astype(complex)), key=lambda x: x.imag)
    return {"frequency": growth.imag / (2 * np.pi) * 1e3, "decay": -1 / growth.real}


def ions(solver: Solver) -> dict[str, float]:
    """Sodium that enters and potassium that leaves (pmol/cm^2) after a shock, beyond what flows at rest."""
    impulse = course(shocked(15.0, held(ZERO))[0], COLD, 100.0, solver, interval=0.01)
    still = course(rest(), COLD, 0.01, solver)
    flown = {
        ion: simpson(impulse[name] - still[name][0], x=impulse["time"]) * 1e3 / FARADAY
        for ion, name in {"sodium": "sodium.i", "potassium": "potassium.i"}.items()
    }
    return {"sodium_entry": -flown["sodium"], "potassium_loss": flown["potassium"]}


def clamps(solver: Solver) -> dict[str, float]:
    """Of steps from the paper's zero: the peak of the sodium conductance and current, the potassium current at 100 ms.

    The potential is constant, so that the current peaks with the conductance.
    """
    found = {}
    for E in CLAMPED:
        step = clamped(100.0, solver=solver, test=(E, 100.0))
        height, time = peak(step["time"], conductances(step)["sodium"], sodium_slope(step, E))
        found |= {f"sodium_conductance_at_{E}": height, f"sodium_conductance_time_at_{E}": time}
        found |= {f"sodium_current_at_{E}": height * (E - MODEL.parameters["sodium.E"].value)}
        found |= {f"potassium_current_at_{E}": step["potassium.i"][-1]}
    at_reversal = clamped(10.0, solver=solver, test=(50.0, 10.0))["sodium.i"]
    return found | {"sodium_current_at_50": abs(at_reversal).max()}


def sodium_slope(found: Trace, E: float) -> np.ndarray:
    """How fast the sodium conductance grows (mS/cm^2/ms) along a trace at a constant potential (mV)."""
    rate, m, h = rates(np.array(float(E))), found["sodium.m"], found["sodium.h"]
    opening, recovery = (rate[f"alpha_{x}"] * (1 - y) - rate[f"beta_{x}"] * y for x, y in (("m", m), ("h", h)))
    return MODEL.parameters["sodium.g"].value * (3 * m**2 * opening * h + m**3 * recovery)
