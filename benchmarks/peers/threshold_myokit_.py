"""Myokit with CVODES: the same .mmt file, compiled once; one cell after the other, by bisection.

A run does not end at a spike, so a trial is run in two parts, and the second is left out where the first has one.
"""

from pathlib import Path

import myokit
import numpy as np

from benchmarks.thresholds_problem import DURATION_MS, SETTLE_MS, bisected, cells, core_seconds, serve

MODEL = Path(__file__).parents[2] / "hhcore" / "models" / "hodgkin_huxley_1952.mmt"
EARLY_MS = 50.0  # by when most trials that fire have fired


def compiled() -> myokit.Simulation:
    """The model with the current as a parameter."""
    model = myokit.load_model(MODEL)
    model.binding("pace").set_binding(None)
    return myokit.Simulation(model)


SIMULATION = compiled()


def search(side: int, tolerance: float) -> tuple[np.ndarray, float]:
    """One cell after the other."""
    SIMULATION.set_tolerance(tolerance, tolerance)
    started = core_seconds()
    found = [threshold(sodium, potassium) for sodium, potassium in cells(side)]
    return np.array(found), core_seconds() - started


def threshold(sodium: float, potassium: float) -> float:
    """Of one cell, from rest."""
    SIMULATION.set_constant("sodium.g", sodium)
    SIMULATION.set_constant("potassium.g", potassium)
    SIMULATION.set_constant("stimulus.amplitude", 0)
    SIMULATION.reset()
    SIMULATION.run(SETTLE_MS, log=myokit.LOG_NONE)
    rest = SIMULATION.state()

    def fires(amplitude: float) -> bool:
        SIMULATION.set_constant("stimulus.amplitude", amplitude)
        SIMULATION.set_time(0)
        SIMULATION.set_state(rest)
        return spikes(EARLY_MS) or spikes(DURATION_MS - EARLY_MS)

    return bisected(fires)


def spikes(duration: float) -> bool:
    """Whether the next part of a trial has a spike, which CVODES finds as a root."""
    _, found = SIMULATION.run(duration, log=myokit.LOG_NONE, apd_variable="membrane.V", apd_threshold=0)
    return len(found["start"]) > 0


if __name__ == "__main__":
    serve(search)
