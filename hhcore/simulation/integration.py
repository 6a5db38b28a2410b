"""One call of a kernel for many neurons: the arrays it works on, and what it leaves in them."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from hhcore.simulation.stimulus import Protocol

SPIKE_BUFFER = 1 << 16  # spikes after which a kernel hands them over; more than a block has neurons

# What a kernel finds of a beat: times, potentials, the largest slope before the highest peak. NaN where there is none.
BEAT = ("onset", "end", "rest", "peak", "slope", "slope_time", "half_time", "ninety_time")


@dataclass(frozen=True)
class Integration:
    """What became of n neurons.

    states       : float64 (n, N), at the end, or where it failed, at the last step that did not
    peak, trough : float64 (n,)
    ended        : float64 (n,), time reached
    steps        : float64 (n,), steps tried
    outcome      : int8 (n,): DONE, DIVERGED or STALLED of the kernel
    kept         : float64 (n, k, N), states at the end of each stretch of the protocol, or (n, 0, N)
    spike_times  : float64 (s,), one neuron after the other
    counts       : int64 (n,), spikes of each neuron
    beats        : float64 (b, 8), the columns of BEAT, one neuron after the other
    """

    states: np.ndarray
    peak: np.ndarray
    trough: np.ndarray
    ended: np.ndarray
    steps: np.ndarray
    outcome: np.ndarray
    kept: np.ndarray
    spike_times: np.ndarray
    counts: np.ndarray
    beats: np.ndarray


def integrate(
    kernel: SimpleNamespace,
    parameters: np.ndarray,
    states: np.ndarray,
    protocol: Protocol,
    *,
    accuracy: float,
    threshold: float = np.inf,
    rearm: float = -np.inf,
    most_steps: float = np.inf,
    keep: bool = False,
) -> Integration:
    """Integrate n neurons from `states`, float64 (n, N), with `parameters`, float64 (n, p), through their protocol.

    accuracy   : the largest step of a scheme of fixed step, the largest local error of an adaptive one
    most_steps : steps after which a neuron is given up
    keep       : whether the states at the end of each stretch are kept
    """
    n, stretches = protocol.edges.shape
    Z = _aligned_zeros(kernel.ROWS * kernel.W)
    lanes, queue = np.zeros((3, kernel.W), dtype=np.int64), np.zeros(2, dtype=np.int64)
    final, extremes, ended = np.array(states, dtype=np.float64), np.empty((n, 2)), np.empty((n, 3))
    kept = np.full((n, stretches if keep else 0, kernel.N), np.nan)
    counts = protocol.beat_counts
    first = np.cumsum(counts) - counts
    rows = np.where(protocol.beats >= 0, first[:, None] + protocol.beats, -1)
    beats = np.full((counts.sum(), len(BEAT)), np.nan)
    who, when = np.empty(SPIKE_BUFFER, dtype=np.int64), np.empty(SPIKE_BUFFER)
    owners, times = [np.empty(0, dtype=np.int64)], [np.empty(0)]
    while queue[0] < n or queue[1] > 0:
        found = kernel.run(
            Z, lanes, queue, np.ascontiguousarray(parameters), final, protocol.edges, protocol.currents,
            protocol.watched, rows, accuracy, threshold, rearm, most_steps, extremes, ended, kept, beats, who, when,
        )  # fmt: skip
        owners.append(who[:found].copy())
        times.append(when[:found].copy())
    owner, time = np.concatenate(owners), np.concatenate(times)
    return Integration(
        states=final,
        peak=extremes[:, 0],
        trough=extremes[:, 1],
        ended=ended[:, 0],
        steps=ended[:, 1],
        outcome=ended[:, 2].astype(np.int8),
        kept=kept,
        spike_times=time[np.argsort(owner, kind="stable")],
        counts=np.bincount(owner, minlength=n),
        beats=beats,
    )


def _aligned_zeros(size: int) -> np.ndarray:
    """float64 (size,) whose first element begins a line of the cache: registers are loaded a few per cent faster."""
    room = np.zeros(size + 7)
    return room[-(room.ctypes.data // 8) % 8 :][:size]


def pack(kernel: SimpleNamespace, parameters: np.ndarray, states: np.ndarray) -> np.ndarray:
    """The kernel's array for one neuron in each lane: parameters (W, p), states (W, N)."""
    Z = np.zeros(kernel.ROWS * kernel.W)
    rows = Z.reshape(kernel.ROWS, kernel.W)
    rows[kernel.PARAMETER // kernel.W :][: parameters.shape[1]] = parameters.T
    rows[kernel.STATE // kernel.W :][: states.shape[1]] = states.T
    kernel.prepare(Z)
    return Z
