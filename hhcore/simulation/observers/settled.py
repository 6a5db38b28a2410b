"""Whether a neuron has come to rest under the last level of its stimulus, so that the rest of the run is known."""

from dataclasses import dataclass

import numpy as np

from hhcore.simulation.observers.observer import Neurons, Observer, Recorder, RecordField, source
from hhcore.simulation.result import Record


@dataclass(frozen=True)
class Settled(Observer):
    """A run is over where the potential no longer changes, and no segment of the stimulus is to follow.

    slope : dV/dt below which it does not change, as a share of the size of the potential in a unit of time; 0: never

    That is no proof of rest: whoever asks has to look at the states. `held` is the current that flows then, NaN for a
    neuron that goes on to the end of the run.
    """

    slope: float = 0.0

    name = "settled"
    rows = ("SETTLED_NOW", "FLAT")
    arguments = {"slope": "f8", "lasts": "f8", "found": "f8[:]"}
    text = source(__file__)
    fields = (RecordField("held"),)

    def recorder(self, neurons: Neurons) -> Recorder:
        """A number for each neuron."""
        return _Levels(self, neurons)


class _Levels(Recorder):
    def __init__(self, observer: Settled, neurons: Neurons):
        self.slope, self.lasts, self.table = observer.slope, neurons.duration, np.full(neurons.n, np.nan)

    def arguments(self) -> tuple:
        return self.slope, self.lasts, self.table

    def record(self) -> Record:
        return {"held": self.table}
