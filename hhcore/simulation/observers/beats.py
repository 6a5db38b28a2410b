"""Beats: of each the largest slope, the highest peak, and the falls after it."""

from dataclasses import dataclass

import numpy as np

from hhcore.simulation.observers.observer import Neurons, Observer, Recorder, RecordField, source
from hhcore.simulation.result import Ragged, Record

# What is found of a beat: times, potentials, the largest slope before the highest peak. NaN where there is none.
BEAT = ("onset", "end", "rest", "peak", "slope", "slope_time", "half_time", "ninety_time")


@dataclass(frozen=True)
class Beats(Observer):
    """The action potential of each beat, which lasts from its onset to the next one or to the end of the run.

    For kinds of stimuli that have beats. Their number is known before the run, so each has its row waiting.
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
    """first: int64 (n,), row of each neuron's first beat; current: int64 (lanes,), that of the beat each lane is in."""

    def __init__(self, counts: np.ndarray, lanes: int):
        self.counts, self.first = counts, np.cumsum(counts) - counts
        self.current, self.found = np.full(lanes, -1), np.full((counts.sum(), len(BEAT)), np.nan)

    def arguments(self) -> tuple:
        return self.first, self.current, self.found

    def record(self) -> Record:
        return {"beats": Ragged.of(self.found, self.counts)}
