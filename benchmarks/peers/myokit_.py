"""Myokit with CVODES: the same .mmt file, compiled; spikes are roots that CVODES finds itself."""

import time
from pathlib import Path

import myokit
import numpy as np

from benchmarks.problem import DURATION_MS, FINER_US, START, Method

MODEL = Path(__file__).parents[2] / "hhcore" / "models" / "hodgkin_huxley_1952.mmt"


def simulation() -> myokit.Simulation:
    """The model with the current as a parameter, and the potential starting as the problem says."""
    model = myokit.load_model(MODEL)
    model.binding("pace").set_binding(None)
    compiled = myokit.Simulation(model)
    compiled.set_default_state(START)
    compiled.set_state(START)
    return compiled


SIMULATION = simulation()


def spikes(rtol: float, amplitudes: np.ndarray) -> list[np.ndarray]:
    """One neuron after the other."""
    SIMULATION.set_tolerance(rtol, rtol)
    trains = []
    for current in amplitudes:
        SIMULATION.reset()
        SIMULATION.set_constant("stimulus.amplitude", current)
        _, durations = SIMULATION.run(DURATION_MS, log=myokit.LOG_NONE, apd_variable="membrane.V", apd_threshold=0)
        trains.append(np.array(durations["start"]))
    return trains


def seconds(rtol: float, amplitudes: np.ndarray) -> float:
    """Wall time of the runs."""
    started = time.perf_counter()
    spikes(rtol, amplitudes)
    return time.perf_counter() - started


METHODS = {
    "cvodes": Method(
        "Myokit, CVODES",
        "the same model file compiled with SUNDIALS, absolute = relative tolerance, nothing logged, spikes as roots, "
        "one neuron after the other",
        "rtol",
        (1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9),
        (8,),
        spikes,
        seconds,
        targets=FINER_US,
    )
}
