"""Integrate many neurons with one kernel: its arrays, before and after."""

from concurrent.futures import CancelledError
from dataclasses import dataclass
from math import floor
from threading import Event
from types import SimpleNamespace

import numpy as np

from hhcore.base.errors import UserError
from hhcore.simulation.engine import Engine
from hhcore.simulation.observers.observer import Neurons
from hhcore.simulation.result import Record

MOST_STEPS = 1000.0  # in 1 ms on average; besides, a kernel grants some at each stop and edge
MOST_COUNTED = 2**52  # kernels count steps as floating-point numbers
MOST_JUMPS = 100_000  # of the equations of a neuron whose time course is kept


@dataclass(frozen=True)
class Integration:
    """The results of n neurons.

    record  : `ended`, float64 (n,), time reached; `steps`, float64 (n,), steps tried; `final`, float64 (n, N), states
              at the end, or at the last good step of a neuron that failed; and the fields of the observers
    outcome : int8 (n,): DONE, DIVERGED or STALLED of the kernel
    samples : at the end of each segment and at each stop; where a segment begins, once more with what begins
    """

    record: Record
    outcome: np.ndarray
    samples: "Samples"


@dataclass(frozen=True)
class Samples:
    """Samples of n neurons, NaN after the last one of each.

    times  : float64 (n, k)
    inputs : float64 (n, k, c), the rows of the kernel's array from HELD on, which are constant in a segment
    states : float64 (n, k, N)
    """

    times: np.ndarray
    inputs: np.ndarray
    states: np.ndarray


def integrate(
    engine: Engine,
    parameters: np.ndarray,
    states: np.ndarray,
    stops: np.ndarray,
    *,
    accuracy: float,
    samples: int = 0,
    cancelled: Event | None = None,
) -> Integration:
    """Integrate n neurons from `states`, float64 (n, N), to the last of `stops`, float64 (k,), increasing and above 0.

    A neuron that needs more than MOST_STEPS has stalled; with a fixed step, more than these besides its own steps.

    parameters : float64 (n, p + f), those of the model, then the numbers of the stimulus from `Stimulus.table`
    stops      : all neurons end a step there
    accuracy   : with a fixed step, the largest step; of an adaptive scheme, the largest local error
    samples    : the most samples kept of each neuron, those at stops before others
    cancelled  : once another thread sets it, CancelledError is raised within about a tenth of a second
    """
    n, kernel = len(parameters), engine.kernel
    neurons = Neurons(n, engine.kind, engine.values(parameters), float(stops[-1]), kernel.W, kernel.N)
    recorders = [observer.recorder(neurons) for observer in engine.observers]
    Z = _aligned_zeros(kernel.ROWS * kernel.W)
    lanes, queue = (
        np.zeros((kernel.SEGMENT + kernel.STIMULUS_PARTS, kernel.W), dtype=np.int64),
        np.zeros(2, dtype=np.int64),
    )
    final, ended = np.array(states, dtype=np.float64, order="C"), np.empty((n, 3))
    sampled = np.full((n, samples, 1 + kernel.INPUTS + kernel.N), np.nan)
    table = np.ascontiguousarray(engine.kind.data, dtype=np.float64)
    parameters, stops = (np.ascontiguousarray(table, dtype=np.float64) for table in (parameters, stops))
    duration = float(stops[-1])
    most_steps = MOST_STEPS * duration * engine.model.ms + (0.0 if kernel.ADAPTIVE else duration / accuracy)
    most_steps = floor(min(most_steps, MOST_COUNTED))
    observer_arguments = [value for recorder in recorders for value in recorder.arguments()]
    while queue[0] < n or queue[1] > 0:
        kernel.run(
            *(Z, lanes, queue, parameters, final, stops, table, accuracy, most_steps, ended, sampled),
            *observer_arguments,
        )
        for recorder in recorders:
            recorder.drain()
        if cancelled is not None and cancelled.is_set():
            raise CancelledError
    record = {"ended": ended[:, 0], "steps": ended[:, 1], "final": final}
    for recorder in recorders:
        record |= recorder.record()
    times, inputs, states = np.split(sampled, [1, 1 + kernel.INPUTS], axis=2)
    return Integration(record, ended[:, 2].astype(np.int8), Samples(times[:, :, 0], inputs, states))


def _aligned_zeros(size: int) -> np.ndarray:
    """float64 (size,), aligned with a cache line: registers load a few per cent faster."""
    padded = np.zeros(size + 7)
    return padded[-(padded.ctypes.data // 8) % 8 :][:size]


def pack(kernel: SimpleNamespace, parameters: np.ndarray, states: np.ndarray) -> np.ndarray:
    """Fill the kernel's array with one neuron in each lane: parameters and fields (W, p + f), states (W, N)."""
    Z = np.zeros(kernel.ROWS * kernel.W)
    rows = Z.reshape(kernel.ROWS, kernel.W)
    rows[kernel.PARAMETER // kernel.W :][: parameters.shape[1]] = parameters.T
    rows[kernel.STATE // kernel.W :][: states.shape[1]] = states.T
    kernel.prepare(Z)
    return Z


def most_samples(engine: Engine, parameters: np.ndarray, stops: np.ndarray) -> int:
    """The most samples that `integrate` keeps of a neuron.

    These are one at each stop and jump of the equations, and two at each edge of a segment.

    Raises UserError if the equations jump too often.
    """
    duration = float(stops[-1])
    jumps = _most_jumps(engine, parameters, duration)
    if jumps > MOST_JUMPS:
        raise UserError(
            f"model {engine.model.name!r}: a formula of time in it jumps more than {MOST_JUMPS:,} times in a run; "
            "give a shorter duration, or a longer period among the parameters"
        )
    edges = engine.kind.edge_counts(engine.values(parameters), duration)
    return len(stops) + 2 * int(edges.max(initial=0)) + 1 + jumps


def _most_jumps(engine: Engine, parameters: np.ndarray, duration: float) -> int:
    kernel, most = engine.kernel, 0
    states = np.zeros((kernel.W, kernel.N))
    for first in range(0, len(parameters), kernel.W):
        lanes = np.minimum(np.arange(first, first + kernel.W), len(parameters) - 1)
        most = max(most, kernel.count_jumps(pack(kernel, parameters[lanes], states), duration, MOST_JUMPS))
    return most
