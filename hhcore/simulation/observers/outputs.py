"""Extremes, integral, first and last value of any variable of the model, in windows of time or in each segment."""

import re
from dataclasses import dataclass
from math import inf

import numpy as np

from hhcore.simulation.observers.observer import Neurons, Observer, Recorder, RecordField, source
from hhcore.simulation.result import Ragged, Record

# Columns of a variable in a window: times, values, and the integral over time. NaN if the run does not get there.
OUTPUT = ("begin", "end", "first", "last", "max", "max_time", "min", "min_time", "integral")


SEGMENTS = """

@inline
def outputs_segment(k, begins, present):
    \"""The window in segment k: each segment has its own.\"""
    return k
"""
BEATS = """

def outputs_segment(k, begins, present):
    \"""The window in segment k: that of the beat which it begins, else the present one.\"""
    return beat(k) if begins and beat(k) != NONE else present
"""


@dataclass(frozen=True)
class Outputs(Observer):
    """What each of `names` does while start <= t <= stop; the rows are those of the first window, then of the next.

    names : variables, as hhcore.model.variables explains them
    cuts  : times that divide start to stop into several windows
    segments : whether each segment of the stimulus is a window instead; then there are no cuts

    Extremes and integrals are those of the scheme's own interpolant: the integral by Lobatto's rule of order 8, on
    pieces of a step where the variable is not smooth enough for it, extremes inside a step by Brent's method.
    """

    names: tuple[str, ...]
    start: float = 0.0
    stop: float = inf
    segments: bool = False
    cuts: tuple[float, ...] = ()

    name = "outputs"
    rows = ("OPEN", "OPENED", "UNCLEAR")
    each = {
        "NODE": 5,
        "FIRST": 1,
        "HIGHEST": 1,
        "HIGHEST_TIME": 1,
        "LOWEST": 1,
        "LOWEST_TIME": 1,
        "INTEGRAL": 1,
        "TREND": 1,
    }
    arguments = {"edges": "f8[:]", "segments": "i8", "first": "i8[:]", "window": "i8[:]", "found": "f8[:, :]"}
    text = source(__file__) + SEGMENTS
    fields = (RecordField("outputs", "float64", len(OUTPUT)),)

    @property
    def variables(self) -> tuple[str, ...]:
        """The names."""
        return self.names

    @property
    def edges(self) -> tuple[float, ...]:
        """Where windows begin and end, increasing."""
        return tuple(sorted({self.start, *self.cuts, self.stop}))

    @property
    def stops(self) -> tuple[float, ...]:
        """The edges of the windows, so that no step straddles them."""
        return self.edges

    @property
    def numbers(self) -> int:
        """How many numbers it leaves of a neuron, without segments."""
        return 0 if self.segments else (len(self.edges) - 1) * self.numbers_of_beat

    @property
    def numbers_of_beat(self) -> int:
        """How many numbers it leaves of a window, which may be a beat."""
        return len(self.names) * len(OUTPUT)

    def recorder(self, neurons: Neurons) -> Recorder:
        """A row for each window and name."""
        if self.segments:
            windows = neurons.kind.edge_counts(neurons.values, neurons.duration) + 1
        else:
            windows = np.full(neurons.n, len(self.edges) - 1)
        return _Windows(self, windows * len(self.names), neurons.lanes)


def _named(name: str, mark: str, text: str) -> str:
    """A text of Outputs for an observer of another name: all that it defines is marked."""
    own = [*Outputs.rows, *Outputs.each]
    own += [names for line in re.findall(r"^([A-Z_, ]+) =", text, re.MULTILINE) for names in line.split(", ")]
    text = re.sub(rf"\b({'|'.join(own)})\b", rf"{mark}_\1", text)
    return text.replace("outputs_", f"{name}_").replace("OUTPUTS_", f"{name.upper()}_")


class Measures(Outputs):
    """An Outputs that a kernel may have besides another one: for what a user names."""

    name = "measures"
    rows = tuple(f"MEASURED_{row}" for row in Outputs.rows)
    each = {f"MEASURED_{row}": count for row, count in Outputs.each.items()}
    text = _named("measures", "MEASURED", Outputs.text)
    fields = (RecordField("measures", "float64", len(OUTPUT)),)


class BeatMeasures(Outputs):
    """An Outputs whose windows are the beats of a stimulus that has some; `segments` must be true."""

    name = "beat_measures"
    rows = tuple(f"PACED_{row}" for row in Outputs.rows)
    each = {f"PACED_{row}": count for row, count in Outputs.each.items()}
    text = _named("beat_measures", "PACED", source(__file__) + BEATS)
    fields = (RecordField("beat_measures", "float64", len(OUTPUT)),)

    def recorder(self, neurons: Neurons) -> Recorder:
        """A row for each beat and name."""
        beats = neurons.kind.beat_counts(neurons.values, neurons.duration)
        return _Windows(self, beats * len(self.names), neurons.lanes)


class _Windows(Recorder):
    """first: int64 (n,), row of each neuron's first window; window: int64 (lanes,), the present one of each lane."""

    def __init__(self, observer: Outputs, counts: np.ndarray, lanes: int):
        self.edges, self.segments, self.counts = np.array(observer.edges), int(observer.segments), counts
        (self.field,) = observer.fields
        self.first, self.window = np.cumsum(counts) - counts, np.full(lanes, -1)
        self.table = np.full((counts.sum(), len(OUTPUT)), np.nan)

    def arguments(self) -> tuple:
        return self.edges, self.segments, self.first, self.window, self.table

    def record(self) -> Record:
        return {self.field.name: Ragged.of(self.table, self.counts)}
