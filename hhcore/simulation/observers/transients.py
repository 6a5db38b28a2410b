"""How long a variable stays up in each beat: its transient, from its largest slope to its fall through a level."""

from dataclasses import dataclass

import numpy as np

from hhcore.simulation.observers.observer import Neurons, Observer, Recorder, RecordField, source
from hhcore.simulation.result import Ragged, Record


@dataclass(frozen=True)
class Transients(Observer):
    """The duration of a transient of each of `names` in each beat, as that of an action potential is defined.

    It lasts from the largest slope before the maximum to the first fall after the maximum through a level, which lies
    between the maximum and the value at the onset of the beat. NaN if it does not fall so far.

    names  : variables, as hhcore.model.variables explains them; one may come several times
    shares : of the height above the value at the onset, at which the level of each lies
    """

    names: tuple[str, ...]
    shares: tuple[float, ...]

    name = "transients"
    rows = ()
    each = {
        "KNOT": 5,
        "POWER": 5,
        **dict.fromkeys(("BASE", "CREST", "CLIMB", "CLIMB_TIME", "STARTED", "ENDED", "MARK"), 1),
    }
    arguments = {"shares": "f8[:]", "first": "i8[:]", "current": "i8[:]", "found": "f8[:, :]"}
    text = source(__file__)
    numbers = 0  # without beats

    @property
    def variables(self) -> tuple[str, ...]:
        """The names."""
        return self.names

    fields = (RecordField("transients", "float64", 1),)

    def __post_init__(self) -> None:
        """A duration for each name."""
        object.__setattr__(self, "fields", (RecordField("transients", "float64", len(self.names)),))

    @property
    def numbers_of_beat(self) -> int:
        """How many numbers it leaves of a beat."""
        return len(self.names)

    def recorder(self, neurons: Neurons) -> Recorder:
        """A row for each beat."""
        counts = neurons.kind.beat_counts(neurons.values, neurons.duration)
        return _Rows(np.array(self.shares), counts, neurons.lanes)


class _Rows(Recorder):
    """first: int64 (n,), row of each neuron's first beat; current: int64 (lanes,), row of each lane's beat."""

    def __init__(self, shares: np.ndarray, counts: np.ndarray, lanes: int):
        self.shares, self.counts, self.first = shares, counts, np.cumsum(counts) - counts
        self.current, self.table = np.full(lanes, -1), np.full((counts.sum(), len(shares)), np.nan)

    def arguments(self) -> tuple:
        return self.shares, self.first, self.current, self.table

    def record(self) -> Record:
        width = self.table.shape[1]
        return {"transients": Ragged.of(self.table[:, 0] if width == 1 else self.table, self.counts)}
