"""The speed of a kernel on this machine, measured when it is compiled; only estimates of time use it.

It is measured in core time, so that other programs on the machine do not matter.
"""

import math
import time
from pathlib import Path

import numpy as np

from hhcore.compile.cache import cache_directory, keep, kept
from hhcore.experiments.experiment import Experiment
from hhcore.schemes.solver import SCHEMES

MEASURED_S = 0.3  # in rounds of a tenth of it
NOMINAL_SPEED = 2e8  # states per second on one core, until this machine has measured the kernel


def kernel_speed(experiment: Experiment, method: str) -> float:
    """Neuron-steps per second on one core: measured on this machine, or nominal if no file has a speed."""
    try:
        speed = float(kept(_speed_file(experiment, method)))
    except (OSError, ValueError):
        speed = math.nan
    return speed if 0.0 < speed < math.inf else NOMINAL_SPEED / len(experiment.model.states)


def measure_speed(experiment: Experiment, method: str) -> float:
    """Measure `kernel_speed` with the model's own parameters, as the best of some rounds, and keep it."""
    from hhcore.simulation.integration import integrate

    model, engine = experiment.model, experiment.engine(method)
    accuracy = 1e-6 if SCHEMES[method].adaptive else 0.025 / model.ms
    own = engine.undisturbed(np.array([[q.value for q in model.parameters.values()]]))
    states = np.array([[q.value for q in model.states.values()]])
    neurons, rounds, speed, until = 256, 0, 0.0, time.thread_time() + MEASURED_S
    while rounds < 2 or time.thread_time() < until:
        tables = np.repeat(own, neurons, axis=0), np.repeat(states, neurons, axis=0)
        started = time.thread_time()
        steps = integrate(engine, *tables, np.array([100.0 / model.ms]), accuracy=accuracy).record["steps"].sum()
        seconds = time.thread_time() - started
        speed = max(speed, float(steps / seconds))
        neurons *= 2 if seconds < MEASURED_S / 10 else 1
        rounds += 1
    keep(_speed_file(experiment, method), repr(speed))
    return speed


def _speed_file(experiment: Experiment, method: str) -> Path:
    return cache_directory() / f"{experiment.kernel_name(method)}.speed"
