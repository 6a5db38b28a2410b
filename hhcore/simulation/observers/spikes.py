"""Spikes: upward crossings of a threshold by the potential."""

from dataclasses import dataclass
from math import inf

import numpy as np

from hhcore.simulation.observers.observer import Neurons, Observer, Recorder, RecordField, source
from hhcore.simulation.result import Ragged, Record

BUFFER = 1 << 16  # spikes after which a kernel hands them over; more than the neurons of a block


@dataclass(frozen=True)
class Spikes(Observer):
    """Times at which the potential rises through `threshold` (mV), after it was below `rearm` at the end of a step.

    A peak that touches the threshold inside a step counts, and a shock that takes the potential there, at its time; the
    jump of a command does not. Memory grows with the number of spikes, not of steps. A neuron is done after `most`.
    """

    threshold: float = inf
    rearm: float = -inf
    most: float = inf

    name = "spikes"
    rows = ("ARMED", "WAS_ARMED", "SPIKES_SEEN")
    arguments = {"threshold": "f8", "rearm": "f8", "most": "f8", "who": "i8[:]", "when": "f8[:]", "count": "i8[:]"}
    text = source(__file__)
    fields = (RecordField("spikes", "float64", 1),)

    def recorder(self, neurons: Neurons) -> Recorder:
        """A buffer, and the spikes drained from it."""
        return _Trains(self, neurons.n)


class _Trains(Recorder):
    def __init__(self, observer: Spikes, n: int):
        self.observer, self.n = observer, n
        self.who, self.when = np.empty(BUFFER, dtype=np.int64), np.empty(BUFFER)
        self.count = np.zeros(1, dtype=np.int64)
        self.owners, self.times = [np.empty(0, dtype=np.int64)], [np.empty(0)]

    def arguments(self) -> tuple:
        return self.observer.threshold, self.observer.rearm, self.observer.most, self.who, self.when, self.count

    def drain(self) -> None:
        self.owners.append(self.who[: self.count[0]].copy())
        self.times.append(self.when[: self.count[0]].copy())
        self.count[0] = 0

    def record(self) -> Record:
        owner, time = np.concatenate(self.owners), np.concatenate(self.times)
        counts = np.bincount(owner, minlength=self.n)
        return {"spikes": Ragged.of(time[np.argsort(owner, kind="stable")], counts)}
