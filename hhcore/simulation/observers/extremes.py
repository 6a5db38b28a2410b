"""Peak and trough of the potential inside a window, and whether it oscillates."""

from dataclasses import dataclass
from math import inf

import numpy as np

from hhcore.simulation.observers.observer import Neurons, Observer, Recorder, RecordField, source
from hhcore.simulation.result import Record

OSCILLATION_MV = 5.0  # an oscillation swings by more


@dataclass(frozen=True)
class Extremes(Observer):
    """The highest and the lowest potential (mV) while start <= t <= stop; -inf and inf if the run never gets there.

    Turning points are maxima and minima in turn, each more than `swing` (mV) from the one before; of the first one
    counts the distance from what was before. They are counted up to two. A corner, where the stimulus jumps, is none.
    """

    start: float = 0.0
    stop: float = inf
    swing: float = OSCILLATION_MV

    name = "extremes"
    rows = ("WINDOWED", "TURNED", "PEAK", "TROUGH", "UPPER", "LOWER", "DRAGGED", "REVERSALS")
    arguments = {"opens": "f8", "closes": "f8", "swing": "f8", "found": "f8[:, :]"}
    text = source(__file__)
    fields = (RecordField("peak"), RecordField("trough"), RecordField("turning_points"))

    @property
    def stops(self) -> tuple[float, ...]:
        """The edges of the window, so that no step straddles them."""
        return self.start, self.stop

    def recorder(self, neurons: Neurons) -> Recorder:
        """Three numbers for each neuron."""
        return _Triples(self, neurons.n)


class _Triples(Recorder):
    def __init__(self, observer: Extremes, n: int):
        self.observer, self.table = observer, np.empty((n, 3))

    def arguments(self) -> tuple:
        return self.observer.start, self.observer.stop, self.observer.swing, self.table

    def record(self) -> Record:
        return {"peak": self.table[:, 0], "trough": self.table[:, 1], "turning_points": self.table[:, 2]}
