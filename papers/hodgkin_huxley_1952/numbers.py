"""Our numbers, by the names of published.yaml."""

import numpy as np

from hhcore import Run
from hhcore.papers.measured import Measured, certified, exact

from . import axon
from .axon import COLD, FIRST, HYPERPOLARISED, WARM, ZERO, Solver, released, rest, shocked, threshold

SHOCKS = {"90": (90, COLD), "15": (15, COLD), "7": (7, COLD), "6": (6, COLD), "15_warm": (15, WARM)}
DELAYS = {8: 50.0, 12: 20.0, 20: 10.0}  # ms, and a second shock (mV) that fires then
CLAMPED = (-40, -20, 0, 20)  # mV, today


def numbers(run: Run) -> dict[str, Measured]:
    """Ours of every number."""
    found = exact(at_rest()) | action_potentials(run)
    for measure in MEASURES:
        found |= certified(measure)
    return found


def action_potentials(run: Run) -> dict[str, Measured]:
    """How many follow shocks of 7 and 6 mV: exact, if the certificate says that the accuracy does not change them."""
    shocks = run["shocks"].features.set_index("displacement_mV")
    error = {shock: 0.0 if shocks["fragile"][shock] == False else np.nan for shock in (7, 6)}  # noqa: E712, or null
    return {f"action_potentials_{shock}": Measured(shocks["spike_count"][shock], e) for shock, e in error.items()}


def at_rest() -> dict[str, float]:
    """How far the axon rests above the zero of the paper, and what is open there."""
    open_at_zero = {f"{gate}_at_rest": float(value) for gate, value in axon.steady(np.array(ZERO)).items()}
    return {"rest": rest()[0] - ZERO, **open_at_zero}


def peaks(solver: Solver) -> dict[str, float]:
    """Height above rest and time of the maximum after a shock; right after it the potential falls."""
    found = {}
    for name, (shock, celsius) in SHOCKS.items():
        found |= maximum(f"peak{{}}_{name}", shocked(shock), celsius, solver)
    return found


def maximum(name: str, state: np.ndarray, celsius: float, solver: Solver) -> dict[str, float]:
    """The maximum of the potential above rest (mV), from 0.2 ms on, and its time (ms)."""
    found = axon.outputs(("membrane.V",), state, celsius, 12.0, solver, start=0.2)
    return {name.format(""): found["max"][0, 0] - rest()[0], name.format("_time"): found["max_time"][0, 0]}


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
    below = axon.held(rest()[0] - HYPERPOLARISED)[None]
    warm = released(below, WARM, 30.0, solver).spike_counts[0]
    return maximum("anode_break{}", below, COLD, solver) | {"anode_break_warm": warm}


def oscillations(solver: Solver) -> dict[str, float]:
    """Frequency and time constant of small oscillations: from what 1 ms makes of small displacements of each state."""
    size = np.array([1e-3, 1e-5, 1e-5, 1e-5])
    moved = released(rest() + np.vstack([np.diag(size), -np.diag(size)]), COLD, 1.0, solver).final
    transition = (moved[:4] - moved[4:]).T / (2 * size)
    growth = max(np.log(np.linalg.eigvals(transition).astype(complex)), key=lambda x: x.imag)
    return {"frequency": growth.imag / (2 * np.pi) * 1e3, "decay": -1 / growth.real}


def ions(solver: Solver) -> dict[str, float]:
    """Sodium that enters and potassium that leaves (pmol/cm^2) after a shock, beyond what flows at rest."""
    names, duration = ("sodium.i", "potassium.i"), 100.0
    impulse = axon.outputs(names, shocked(15.0, axon.held(ZERO)), COLD, duration, solver)
    still = axon.outputs(names, rest()[None], COLD, duration, solver)
    sodium, potassium = (impulse["integral"] - still["integral"])[0] * 1e3 / axon.FARADAY
    return {"sodium_entry": -sodium, "potassium_loss": potassium}


def clamps(solver: Solver) -> dict[str, float]:
    """Of steps from the paper's zero: peaks of the sodium conductance and current, the potassium current at 100 ms."""
    names = ("conductance(sodium.i)", "sodium.i", "potassium.i")
    step = axon.clamped_outputs(names, np.array([*CLAMPED, 50.0]), 100.0, solver)
    found = {"sodium_current_at_50": max(abs(step["max"][-1, 1]), abs(step["min"][-1, 1]))}
    for i, E in enumerate(CLAMPED):
        found |= {f"sodium_conductance_at_{E}": step["max"][i, 0]}
        found |= {f"sodium_conductance_time_at_{E}": step["max_time"][i, 0]}
        found |= {f"sodium_current_at_{E}": step["min"][i, 1], f"potassium_current_at_{E}": step["last"][i, 2]}
    return found


MEASURES = (clamps, peaks, thresholds, refractoriness, anode_break, oscillations, ions)
