"""One call of a kernel for many neurons: the arrays it works on, and what it leaves in them."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from hhcore.simulation.engine import Engine
from hhcore.simulation.observers.observer import Neurons
from hhcore.simulation.result import Record

SAMPLE = ("time", "level", "onset")  # what is kept of a sample before its states


@dataclass(frozen=True)
class Integration:
    """What became of n neurons.

    record  : `ended`, float64 (n,), time reached; `steps`, float64 (n,), steps tried; `final`, float64 (n, N), states
              at the end, or where it failed, at the last step that did not; and what the observers left
    outcome : int8 (n,): DONE, DIVERGED or STALLED of the kernel
    samples : float64 (n, k, 3 + N), the columns of SAMPLE and the states at the end of each segment and at each stop,
              NaN after the last one; level and onset are those of the segment that was under way
    """

    record: Record
    outcome: np.ndarray
    samples: np.ndarray


def integrate(
    engine: Engine,
    parameters: np.ndarray,
    states: np.ndarray,
    stops: np.ndarray,
    *,
    accuracy: float,
    most_steps: float = np.inf,
    samples: int = 0,
) -> Integration:
    """Integrate n neurons from `states`, float64 (n, N), to the last of `stops`, float64 (k,), increasing and above 0.

    parameters : float64 (n, p + f), those of the model, then the fields of the stimulus as `Stimulus.table` gives them
    stops      : all neurons end a step there
    accuracy   : the largest step of a scheme of fixed step, the largest local error of an adaptive one
    most_steps : steps after which a neuron is given up
    samples    : how many samples of each neuron are kept, at most
    """
    n, kernel = len(parameters), engine.kernel
    neurons = Neurons(n, engine.kind, engine.values(parameters), float(stops[-1]), kernel.W)
    recorders = [observer.recorder(neurons) for observer in engine.observers]
    Z = _aligned_zeros(kernel.ROWS * kernel.W)
    lanes, queue = np.zeros((4, kernel.W), dtype=np.int64), np.zeros(2, dtype=np.int64)
    final, ended = np.array(states, dtype=np.float64, order="C"), np.empty((n, 3))
    kept = np.full((n, samples, len(SAMPLE) + kernel.N), np.nan)
    parameters, stops = (np.ascontiguousarray(table, dtype=np.float64) for table in (parameters, stops))
    observing = [value for recorder in recorders for value in recorder.arguments()]
    while queue[0] < n or queue[1] > 0:
        kernel.run(Z, lanes, queue, parameters, final, stops, accuracy, most_steps, ended, kept, *observing)
        for recorder in recorders:
            recorder.drain()
    record = {"ended": ended[:, 0], "steps": ended[:, 1], "final": final}
    for recorder in recorders:
        record |= recorder.record()
    return Integration(record, ended[:, 2].astype(np.int8), kept)


def _aligned_zeros(size: int) -> np.ndarray:
    """float64 (size,) whose first element begins a line of the cache: registers are loaded a few per cent faster."""
    room = np.zeros(size + 7)
    return room[-(room.ctypes.data // 8) % 8 :][:size]


def pack(kernel: SimpleNamespace, parameters: np.ndarray, states: np.ndarray) -> np.ndarray:
    """The kernel's array for one neuron in each lane: parameters and fields (W, p + f), states (W, N)."""
    Z = np.zeros(kernel.ROWS * kernel.W)
    rows = Z.reshape(kernel.ROWS, kernel.W)
    rows[kernel.PARAMETER // kernel.W :][: parameters.shape[1]] = parameters.T
    rows[kernel.STATE // kernel.W :][: states.shape[1]] = states.T
    kernel.prepare(Z)
    return Z
