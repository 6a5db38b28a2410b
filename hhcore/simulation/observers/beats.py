"""The largest slope, the highest peak, and the falls after it, of each beat."""

from dataclasses import dataclass

import numpy as np

from hhcore.simulation.observers.observer import Neurons, Observer, Recorder, RecordField, source
from hhcore.simulation.result import Ragged, Record

# Columns of a beat: times, potentials, the largest slope before the highest peak. NaN if it does not occur.
BEAT = ("onset", "end", "rest", "peak", "slope", "slope_time", "half_time", "ninety_time")


@dataclass(frozen=True)
class Beats(Observer):
    """The action potential of each beat, which lasts from its onset to the next one or to the end of the run.

    For kinds of stimuli that have beats. Their number is known before the run: each has its row from the start.
    """

    name = "beats"
    rows = (
        *("STEEPEST", "FALL", "FASTEST", "FASTEST_TIME", "BEGAN", "RESTING"),
        *("TOP", "UPSTROKE", "UPSTROKE_TIME", "HALF", "NINETY"),
    )
    arguments = {"first": "i8[:]", "current": "i8[:]", "found": "f8[:, :]"}
    text = source(__file__)
    fields = (RecordField("beats", "float64", len(BEAT)),)

    def recorder(self, neurons: Neurons) -> Recorder:
        """A row for each beat."""
        return _Rows(neurons.kind.beat_counts(neurons.values, neurons.duration), neurons.lanes)


class _Rows(Recorder):
    """first: int64 (n,), row of each neuron's first beat; current: int64 (lanes,), row of each lane's beat."""

    def __init__(self, counts: np.ndarray, lanes: int):
        self.counts, self.first = counts, np.cumsum(counts) - counts
        self.current, self.table = np.full(lanes, -1), np.full((counts.sum(), len(BEAT)), np.nan)

    def arguments(self) -> tuple:
        return self.first, self.current, self.table

    def record(self) -> Record:
        return {"beats": Ragged.of(self.table, self.counts)}
