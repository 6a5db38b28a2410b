"""What counts as a response to a stimulus: so many spikes, firing that goes on, an action potential for each pulse."""

from dataclasses import dataclass

import numpy as np

from hhcore.simulation.action_potentials import USUAL, ActionPotentials
from hhcore.simulation.beats import captured
from hhcore.simulation.engine import Engine
from hhcore.simulation.observers import Extremes, Observer, Settled, Spikes, standard_observers
from hhcore.simulation.result import Ragged, Record, Result
from hhcore.simulation.stimuli.stimulus import Stimulus

FLAT = 1e-5  # of the size of the potential in 1 ms: a slope below it may be that of rest
SILENCE = 2.0  # times the longest interval between spikes: firing that has been silent for longer has ended


@dataclass(frozen=True)
class Firing:
    """A response; `threshold`, `rearm` say what a spike is, in the model's unit of the potential."""

    threshold: float
    rearm: float

    @property
    def once(self) -> bool:
        """Whether it is a single spike."""
        return False

    @property
    def lasts(self) -> bool:
        """Whether it goes on, so that a neuron that cannot come to rest responds with its first spike."""
        return False

    def observers(self, kind: type[Stimulus], ms: float, mV: float) -> tuple[Observer, ...]:
        """The observers of a trial; one that has come to rest is over.

        ms, mV : milliseconds and millivolts in the model's units
        """
        lasts = not kind.text().varying
        return self.spikes, Extremes(), Settled(FLAT * ms if lasts else 0.0)

    @property
    def spikes(self) -> Spikes:
        """What a spike is, and after how many a trial is over."""
        return Spikes(self.threshold, self.rearm)

    def fires(self, engine: Engine, record: Record) -> np.ndarray:
        """Whether each of k neurons has responded, bool (k,)."""
        raise NotImplementedError


@dataclass(frozen=True)
class Spiking(Firing):
    """So many spikes; a trial is over after the last of them."""

    count: int = 1

    @property
    def once(self) -> bool:
        """Of one."""
        return self.count == 1

    @property
    def spikes(self) -> Spikes:
        """A trial is over after the last that is asked for."""
        return Spikes(self.threshold, self.rearm, self.count)

    def fires(self, engine: Engine, record: Record) -> np.ndarray:
        """Whether there are as many."""
        return record["spikes"].counts >= self.count


@dataclass(frozen=True)
class Sustained(Firing):
    """Firing that goes on until a time: three spikes at least, the last one not longer ago than twice an interval.

    until : in the model's unit of time

    The longest interval counts, so that a burster between two bursts goes on.
    """

    until: float = np.inf

    @property
    def lasts(self) -> bool:
        """It does."""
        return True

    def fires(self, engine: Engine, record: Record) -> np.ndarray:
        """Whether it goes on."""
        spikes = record["spikes"]
        end = np.minimum(record["ended"], self.until)
        return going_on(spikes, end)


def going_on(spikes: Ragged, end: np.ndarray) -> np.ndarray:
    """Whether trains of spikes go on at a time, bool (k,). `end` : float64 (k,)"""
    counts, last = spikes.counts, np.full(len(spikes.counts), -np.inf)
    owner = np.repeat(np.arange(len(counts)), counts)
    inside = spikes.values <= end[owner]
    times, owner = spikes.values[inside], owner[inside]
    intervals, same = np.diff(times), owner[1:] == owner[:-1]
    longest = np.zeros(len(counts))
    np.maximum.at(longest, owner[1:][same], intervals[same])
    np.maximum.at(last, owner, times)
    return (np.bincount(owner, minlength=len(counts)) >= 3) & (end - last <= SILENCE * longest)


@dataclass(frozen=True)
class Beating(Firing):
    """An action potential of its own for each pulse, as hhcore.simulation.beats defines it; for stimuli with beats.

    ms, mV : milliseconds and millivolts in the model's units
    """

    ms: float = 1.0
    mV: float = 1.0
    measured: ActionPotentials = USUAL

    def observers(self, kind: type[Stimulus], ms: float, mV: float) -> tuple[Observer, ...]:
        """Those of pacing; a trial goes on to its end."""
        scales = {"ms": ms, "mV": mV, "measured": self.measured}
        return *standard_observers(kind, self.threshold, self.rearm, **scales), Settled()

    def fires(self, engine: Engine, record: Record) -> np.ndarray:
        """Whether no pulse is missed."""
        run = Result({**record, "status": np.zeros(len(record["ended"]), np.int8)}, (0.0, np.inf), self.ms, mV=self.mV)
        beats = run.beat_columns
        missed = np.bincount(beats["neuron"][~captured(beats)], minlength=len(run.status))
        return (missed == 0) & (np.diff(run.beat_offsets) > 0)


def mean_rates(spikes: Ragged, window: tuple[float, float]) -> np.ndarray:
    """One over the mean interval of the spikes inside a window, float64 (k,); NaN for fewer than two."""
    counts = spikes.counts
    owner = np.repeat(np.arange(len(counts)), counts)
    inside = (spikes.values >= window[0]) & (spikes.values < window[1])
    times, owner = spikes.values[inside], owner[inside]
    first, last = np.full(len(counts), np.inf), np.full(len(counts), -np.inf)
    np.minimum.at(first, owner, times)
    np.maximum.at(last, owner, times)
    intervals = np.bincount(owner, minlength=len(counts)) - 1
    return np.where(intervals > 0, intervals / np.where(intervals > 0, last - first, 1.0), np.nan)
