"""Time courses of variables of the model in each segment of the stimulus, denser where the segment begins."""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from hhcore.simulation.observers.observer import Neurons, Observer, Recorder, RecordField, source
from hhcore.simulation.result import Ragged, Record

SAMPLES, SHORTEST = 64, -4  # of a segment; the first one lies at 10^SHORTEST of its length
# Where the samples lie in a segment, from 0, its start, to 1, its end: float64 (SAMPLES,). In decimals, since powers of
# the C library differ between machines.
COURSE = np.array([float(10 ** (SHORTEST * (1 - Decimal(i) / (SAMPLES - 1)))) for i in range(SAMPLES)])


@dataclass(frozen=True)
class Courses(Observer):
    """The values of each of `names` at the times COURSE of each segment; the rows are those of the first segment first.

    names : variables, as hhcore.model.variables explains them

    A segment that outlasts the run ends with it. Values are NaN where the run does not get.
    """

    names: tuple[str, ...]

    name = "courses"
    rows = ("SAMPLE_DUE", "COURSE_BEGAN", "COURSE_ENDS")
    arguments = {
        "when": "f8[:]",
        "closes": "f8",
        "first": "i8[:]",
        "present": "i8[:]",
        "sample": "i8[:]",
        "found": "f8[:, :]",
    }
    text = source(__file__)
    fields = (RecordField("courses", "float64", SAMPLES),)

    @property
    def variables(self) -> tuple[str, ...]:
        """The names."""
        return self.names

    def recorder(self, neurons: Neurons) -> Recorder:
        """A row for each segment and name."""
        segments = neurons.kind.edge_counts(neurons.values, neurons.duration) + 1
        return _Rows(segments * len(self.names), neurons)


class _Rows(Recorder):
    """present, sample: int64 (lanes,), first row of each lane's present segment, and the number of its next sample."""

    def __init__(self, counts: np.ndarray, neurons: Neurons):
        self.counts, self.first, self.closes = counts, np.cumsum(counts) - counts, neurons.duration
        self.present, self.sample = np.zeros((2, neurons.lanes), dtype=np.int64)
        self.table = np.full((counts.sum(), SAMPLES), np.nan)

    def arguments(self) -> tuple:
        return COURSE, self.closes, self.first, self.present, self.sample, self.table

    def record(self) -> Record:
        return {"courses": Ragged.of(self.table, self.counts)}
