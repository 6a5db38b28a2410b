"""Our own schemes on a stiff model: one beat of a human ventricular cell, all cells of a batch in one call."""

import time

import numpy as np

import hhcore
from benchmarks.problem import DURATION_MS, WIDTH_MS, Method

MODEL = hhcore.load_model("ten_tusscher_panfilov_2006")
LADDERS = {  # method: the argument that sets its accuracy, values of it, and cells in a batch
    "rodas5p": ("local_error", (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9), (256,)),
    "tsit5": ("local_error", (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9), (32,)),
    "dop853": ("local_error", (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9), (32,)),
    "rk4": ("dt", (0.004, 0.003, 0.002, 0.001), (32,)),
}


def simulate(method: str, setting: str, value: float, amplitudes: np.ndarray) -> hhcore.Result:
    """One call; `setting` is the argument of hhcore.simulate that `value` is for."""
    return hhcore.simulate(
        MODEL,
        {},
        hhcore.PulseTrain(amplitudes, WIDTH_MS, DURATION_MS),
        duration=DURATION_MS,
        initial_state="model",
        method=method,
        **{setting: value},
    )


def method(name: str) -> Method:
    """A scheme of hhcore.schemes.solver with its ladder."""
    setting, ladder, batches = LADDERS[name]

    def times(value: float, amplitudes: np.ndarray) -> list[np.ndarray]:
        run = simulate(name, setting, value, amplitudes)
        beats = run.beat_columns
        falls = beats["upstroke_ms"] + beats["apd90_ms"]
        trains = np.split(run.spike_times, run.offsets[1:-1])
        return [np.r_[train, fall[np.isfinite(fall)]] for train, fall in zip(trains, falls[:, None], strict=True)]

    def seconds(value: float, amplitudes: np.ndarray) -> float:
        started = time.perf_counter()
        simulate(name, setting, value, amplitudes)
        return time.perf_counter() - started

    how = "one call on one thread; a beat's potentials and durations kept"
    return Method(f"hhcore {name} (ventricle)", how, setting, ladder, batches, times, seconds, problem="beat")


METHODS = {name: method(name) for name in LADDERS}
