"""Our numbers, by the names of published.yaml."""

import numpy as np
from scipy.integrate import simpson

from hhcore import Run
from hhcore.papers.measured import Measured, certified, exact

from .axon import COLD, FARADAY, WARM, ZERO, Solver, course, held, peak_of, released, rest, shocked, steady, threshold

SHOCKS = {"90": (90, COLD), "15": (15, COLD), "7": (7, COLD), "6": (6, COLD), "15_warm": (15, WARM)}
FIRST = 15.0  # mV, of the shock before a second one
DELAYS = {8: 50.0, 12: 20.0, 20: 10.0}  # ms, and a second shock (mV) that fires then
HYPERPOLARISED = 30.0  # mV below rest


def numbers(run: Run) -> dict[str, Measured]:
    """Ours of every number."""
    return from_rest()


def from_rest() -> dict[str, Measured]:
    """Those of an axon at rest, and of what shocks do to it."""
    found = exact(at_rest())
    for measure in (peaks, fires, thresholds, refractoriness, anode_break, oscillations, ions):
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
