"""This project: all neurons of a batch in one call on one thread."""

import time

import numpy as np

import hhcore
from benchmarks.problem import DURATION_MS, FINEST_US, START, STATES, Method

MODEL = hhcore.load_model("hodgkin_huxley_1952")
LOCAL_ERRORS = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11)
LADDERS = {  # method of hhcore.simulate: the argument that sets its accuracy, and values of it
    "tsit5": ("local_error", LOCAL_ERRORS),
    "dop853": ("local_error", LOCAL_ERRORS),
    "rk4": ("dt", (0.1, 0.08, 0.06, 0.05, 0.04, 0.025, 0.015, 0.01, 0.005)),
    "rodas5p": ("local_error", LOCAL_ERRORS),
}


def simulate(method: str, setting: str, value: float, amplitudes: np.ndarray) -> hhcore.Result:
    """One call; `setting` is the argument of hhcore.simulate that `value` is for."""
    return hhcore.simulate(
        MODEL,
        {},
        hhcore.Step(amplitudes),
        duration=DURATION_MS,
        initial_state=dict(zip(STATES, START, strict=True)),
        method=method,
        **{setting: value},
    )


def method(name: str) -> Method:
    """A scheme of hhcore.schemes.solver with its ladder."""
    setting, ladder = LADDERS[name]

    def spikes(value: float, amplitudes: np.ndarray) -> list[np.ndarray]:
        run = simulate(name, setting, value, amplitudes)
        return np.split(run.spike_times, run.offsets[1:-1])

    def seconds(value: float, amplitudes: np.ndarray) -> float:
        started = time.perf_counter()
        simulate(name, setting, value, amplitudes)
        return time.perf_counter() - started

    how = "one call on one thread; every spike time kept"
    return Method(f"hhcore {name}", how, setting, ladder, (256, 1024), spikes, seconds, targets=FINEST_US)


METHODS = {name: method(name) for name in LADDERS}
