"""The largest slope, the highest peak, the falls after it, and early afterdepolarisations of each beat."""

from dataclasses import dataclass
from math import inf, nan

import numpy as np

from hhcore.simulation.action_potentials import BEAT, DEPOLARISED, USUAL, ActionPotentials
from hhcore.simulation.observers.observer import Neurons, Observer, Recorder, RecordField, source
from hhcore.simulation.result import Ragged, Record


@dataclass(frozen=True)
class Beats(Observer):
    """The action potential of each beat, which lasts from its onset to the next one or to the end of the run.

    For kinds of stimuli that have beats. Their number is known before the run: each has its row from the start. An
    action potential that is not over at the next onset is followed through beats that have none of their own.

    measured  : the levels to fall through
    threshold : of spikes: what rises through it has an action potential of its own, in the model's unit
    ead_rise  : by how much the potential rises in an early afterdepolarisation, at least, in the model's unit
    ead_delay : how long after the largest slope it begins, at the earliest, in the model's unit
    """

    measured: ActionPotentials = USUAL
    threshold: float = inf
    ead_rise: float = inf
    ead_delay: float = 0.0

    name = "beats"
    rows = (
        *("STEEPEST", "FALL", "LASTING_FALL", "FASTEST", "FASTEST_TIME", "BEGAN", "RESTING"),
        *("TOP", "UPSTROKE", "UPSTROKE_TIME", "REACH", "DIP", "DIP_TIME", "EADS"),
    )
    arguments = {
        "shares": "f8[:]",
        "level": "f8",
        "threshold": "f8",
        "ead_rise": "f8",
        "ead_delay": "f8",
        "first": "i8[:]",
        "current": "i8[:]",
        "lasting": "i8[:]",
        "found": "f8[:, :]",
    }
    text = "".join(f"BEAT_{name.upper()} = {i}\n" for i, name in enumerate(BEAT)) + (
        f"BEAT_DEPOLARISED = {DEPOLARISED}\n" + source(__file__)
    )
    fields = (RecordField("beats", "float64", len(USUAL.columns)),)

    def __post_init__(self) -> None:
        """The list of beats is as wide as there are columns."""
        object.__setattr__(self, "fields", (RecordField("beats", "float64", len(self.measured.columns)),))

    def recorder(self, neurons: Neurons) -> Recorder:
        """A row for each beat."""
        return _Rows(self, neurons.kind.beat_counts(neurons.values, neurons.duration), neurons.lanes)


class _Rows(Recorder):
    """first: int64 (n,), row of each neuron's first beat; current, lasting: int64 (lanes,), see the kernel's text."""

    def __init__(self, observer: Beats, counts: np.ndarray, lanes: int):
        measured = observer.measured
        level = nan if measured.level is None else measured.level
        self.settings = measured.levels, level, observer.threshold, observer.ead_rise, observer.ead_delay
        self.counts, self.first = counts, np.cumsum(counts) - counts
        self.current, self.lasting = np.full((2, lanes), -1)
        self.table = np.full((counts.sum(), len(measured.columns)), np.nan)

    def arguments(self) -> tuple:
        return *self.settings, self.first, self.current, self.lasting, self.table

    def record(self) -> Record:
        return {"beats": Ragged.of(self.table, self.counts)}
