"""The speed of a kernel on this machine, noted whenever it has simulated; only estimates of time use it.

It is measured in core time, so that other programs on the machine do not matter.
"""

import math
from contextlib import suppress
from pathlib import Path

from hhcore.base.errors import UserError
from hhcore.compile.cache import cache_directory, keep, kept
from hhcore.experiments.experiment import Experiment

ENOUGH_S = 0.02  # of core time; of less, most is the start of the kernel
FULL = 32  # neurons that fill the lanes of any kernel: of fewer, most of its work is for nothing


def measured_speed(experiment: Experiment, method: str) -> float | None:
    """Neuron-steps per second on one core, as measured on this machine; None if no file has a speed."""
    try:
        speed = float(kept(_speed_file(experiment, method)))
    except (OSError, ValueError):
        return None
    return speed if 0.0 < speed < math.inf else None


def note_speed(experiment: Experiment, method: str, neurons: int, steps: int, core_s: float) -> None:
    """Note how long a kernel took for so many steps of neurons, unless these or the time are too few to tell."""
    if core_s >= ENOUGH_S and neurons >= FULL:
        with suppress(UserError):  # a cache that cannot be written: kernels have said so, and estimates can wait
            keep(_speed_file(experiment, method), repr(steps / core_s))


def _speed_file(experiment: Experiment, method: str) -> Path:
    return cache_directory() / f"{experiment.kernel_name(method)}.speed"
