"""Stimulus protocols: the injected current as a function of time, constant in each of a few stretches."""

from dataclasses import dataclass
from math import inf

import numpy as np

FIELDS = ("amplitude", "start", "stop")


@dataclass(frozen=True)
class Step:
    """A current step: `amplitude` while start <= t < stop, zero otherwise.

    amplitude : float or float64 (n,), in the unit of the model's injected current (uA/cm^2)
    start, stop : float or float64 (n,), in the model's unit of time (ms); stop defaults to the end of the run

    Times need not lie on the integration grid: steps of the integration end exactly at the edges.
    """

    amplitude: float | np.ndarray
    start: float | np.ndarray = 0.0
    stop: float | np.ndarray = inf


@dataclass(frozen=True)
class Protocol:
    """What happens to n neurons in each of up to k stretches of time, which end at `edges`; empty ones are skipped.

    edges    : float64 (n, k), increasing, the last one the end of the run
    currents : float64 (n, k), the injected current
    watched  : bool (n, k), whether peak and trough of the potential are taken
    """

    edges: np.ndarray
    currents: np.ndarray
    watched: np.ndarray


def protocol(stimuli: np.ndarray, duration: float, window: tuple[float, float], samples: np.ndarray) -> Protocol:
    """The stretches between the edges of current steps and of the analysis window.

    stimuli : float64 (n, 3), amplitude, start and stop of each neuron
    samples : further times at which a stretch ends
    """
    n = len(stimuli)
    common = np.r_[samples, window, duration]
    edges = np.column_stack([stimuli[:, 1:], np.broadcast_to(common, (n, len(common)))])
    edges = np.sort(np.clip(edges, 0.0, duration), axis=1)
    begins = np.column_stack([np.zeros(n), edges[:, :-1]])
    amplitude, start, stop = (column[:, None] for column in stimuli.T)
    currents = np.where((start <= begins) & (begins < stop), amplitude, 0.0)
    return Protocol(edges, currents, (window[0] <= begins) & (begins < window[1]))
