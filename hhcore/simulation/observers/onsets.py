"""The states at the onset of each beat: where one beat ends and the next one begins."""

from dataclasses import dataclass

import numpy as np

from hhcore.simulation.observers.observer import Neurons, Observer, Recorder, RecordField, source
from hhcore.simulation.result import Ragged, Record


@dataclass(frozen=True)
class Onsets(Observer):
    """All states at each onset, one after the other. For kinds of stimuli that have beats."""

    name = "onsets"
    rows = ()
    arguments = {"first": "i8[:]", "found": "f8[:, :]"}
    text = source(__file__)
    fields = (RecordField("onsets", "float64", 1),)

    def recorder(self, neurons: Neurons) -> Recorder:
        """A row for each beat."""
        return _Rows(neurons.kind.beat_counts(neurons.values, neurons.duration), neurons.states)


class _Rows(Recorder):
    """first: int64 (n,), row of each neuron's first beat."""

    def __init__(self, counts: np.ndarray, states: int):
        self.counts, self.first = counts, np.cumsum(counts) - counts
        self.table = np.full((counts.sum(), states), np.nan)

    def arguments(self) -> tuple:
        return self.first, self.table

    def record(self) -> Record:
        return {"onsets": Ragged.of(self.table.ravel(), self.counts * self.table.shape[1])}
