"""How fast a kernel is on this machine: measured when it is compiled, for estimates of time alone."""

import time
from pathlib import Path

import numpy as np

from hhcore.compile.module import cache_directory, keep, kernel_name, load_kernel
from hhcore.model.model import Model
from hhcore.schemes.solver import SCHEMES, setting_of

MEASURED_S = 0.3  # long enough to tell the speed of a kernel by, in rounds of a tenth of it
NOMINAL_SPEED = 2e8  # states per second on one core, where this machine has not measured the kernel yet


def kernel_speed(model: Model, method: str) -> float:
    """Neuron-steps per second on one core: as measured here when the kernel was compiled, else nominal."""
    try:
        return float(_speed_file(model, method).read_text())
    except (OSError, ValueError):
        return NOMINAL_SPEED / len(model.states)


def measure_speed(model: Model, method: str) -> float:
    """Measure `kernel_speed` with the model's own neuron, and keep it for later estimates: the best of some rounds."""
    from hhcore.simulation.simulate import simulate
    from hhcore.simulation.stimulus import Step

    load_kernel(model, method)
    accuracy = 1e-6 if SCHEMES[method].adaptive else 0.025 / model.ms
    run = {"duration": 100.0 / model.ms, "method": method, setting_of(method): accuracy}
    neurons, rounds, speed, until = 256, 0, 0.0, time.perf_counter() + MEASURED_S
    while rounds < 2 or time.perf_counter() < until:
        started = time.perf_counter()
        result = simulate(model, {}, Step(np.zeros(neurons)), initial_state="model", **run)
        seconds = time.perf_counter() - started
        speed = max(speed, float(result.steps.sum() / seconds))
        neurons *= 2 if seconds < MEASURED_S / 10 else 1
        rounds += 1
    keep(_speed_file(model, method), repr(speed))
    return speed


def _speed_file(model: Model, method: str) -> Path:
    return cache_directory() / f"{kernel_name(model, method)}.speed"
