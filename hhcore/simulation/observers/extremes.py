"""Peak and trough of the potential inside a window."""

from dataclasses import dataclass
from math import inf

import numpy as np

from hhcore.simulation.observers.observer import Neurons, Observer, Recorder, RecordField, source
from hhcore.simulation.result import Record


@dataclass(frozen=True)
class Extremes(Observer):
    """The highest and the lowest potential (mV) while start <= t <= stop; -inf and inf if the run never gets there."""

    start: float = 0.0
    stop: float = inf

    name = "extremes"
    rows = ("WINDOWED", "PEAK", "TROUGH")
    arguments = {"opens": "f8", "closes": "f8", "found": "f8[:, :]"}
    text = source(__file__)
    fields = (RecordField("peak"), RecordField("trough"))

    @property
    def stops(self) -> tuple[float, ...]:
        """The edges of the window, so that no step straddles them."""
        return self.start, self.stop

    def recorder(self, neurons: Neurons) -> Recorder:
        """Two numbers for each neuron."""
        return _Pairs(self, neurons.n)


class _Pairs(Recorder):
    def __init__(self, observer: Extremes, n: int):
        self.observer, self.table = observer, np.empty((n, 2))

    def arguments(self) -> tuple:
        return self.observer.start, self.observer.stop, self.table

    def record(self) -> Record:
        return {"peak": self.table[:, 0], "trough": self.table[:, 1]}
