"""Which intervals of S2 are worth a run, from the responses to those that have been tried.

A decision depends on the responses of one neuron alone, so that its row has the same bits whatever its neighbours are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hhcore.simulation.beats import captured
from hhcore.simulation.result import Result

CLOSEST_MS = 0.5  # between neighbours: `refine` adds no interval closer to others
Intervals = tuple[np.ndarray, np.ndarray]  # the neuron, int64 (k,), and the interval, float64 (k,), of each run


@dataclass(frozen=True)
class Responses:
    """The responses to S2 in k runs.

    neuron   : int64 (k,)
    interval : float64 (k,), from S1 to S2
    apd      : float64 (k,), APD90 of S2 [ms]; NaN if it has none
    captured : bool (k,), whether S2 has an action potential
    fires    : bool (k,), whether S1 has one
    failed   : bool (k,), whether the run failed
    """

    neuron: np.ndarray
    interval: np.ndarray
    apd: np.ndarray
    captured: np.ndarray
    fires: np.ndarray
    failed: np.ndarray

    @classmethod
    def of(cls, neuron: np.ndarray, interval: np.ndarray, runs: Result) -> "Responses":
        """From runs of two beats."""
        s1, s2 = captured(runs.beat_columns).reshape(-1, 2).T
        return cls(neuron, interval, runs.beat_columns["apd90_ms"][1::2], s2, s1, runs.failed)

    @classmethod
    def joined(cls, parts: Sequence["Responses"]) -> "Responses":
        """All of them, sorted by neuron and interval."""
        columns = [np.concatenate(column) for column in zip(*(vars(part).values() for part in parts), strict=True)]
        order = np.lexsort((columns[1], columns[0]))
        return cls(*(column[order] for column in columns))

    def between(self, difference: float, closest: float) -> Intervals:
        """The middles of neighbours whose APD90 differ by more than so many ms, at least `closest` from both.

        Responses must be sorted, as `joined` does.
        """
        low, high = self.interval[:-1], self.interval[1:]
        same = (self.neuron[:-1] == self.neuron[1:]) & self._sound[:-1]
        differ = np.abs(np.diff(self.apd)) > difference  # false if one of them is NaN
        at = np.flatnonzero(same & differ & (high - low >= 2 * closest))
        return self.neuron[at], (low[at] + high[at]) / 2

    def at_capture(self, within: float, shortest: np.ndarray, longest: np.ndarray) -> Intervals:
        """The middle between the shortest interval that captures and the longest below that does not, of each neuron.

        within   : nothing is done where these are as close
        shortest : float64 (n,), an interval of each neuron that cannot capture: the pulses touch
        longest  : float64 (n,), one that does if S1 has an action potential: the period of S1
        """
        n, mine = len(shortest), self.neuron
        high = np.full(n, np.inf)
        np.minimum.at(high, mine[self.captured], self.interval[self.captured])
        none, fires = np.isinf(high), np.zeros(n, dtype=bool)
        np.logical_or.at(fires, mine, self.fires)
        high = np.where(none, longest, high)
        below, low = ~self.captured & (self.interval < high[mine]), shortest.copy()
        np.maximum.at(low, mine[below], self.interval[below])
        middle, sound = (low + high) / 2, np.ones(n, dtype=bool)
        np.logical_and.at(sound, mine, ~self.failed)
        at = np.flatnonzero(sound & fires & (high - low > within) & (low < middle) & (middle < high))
        return at, middle[at]

    @property
    def _sound(self) -> np.ndarray:
        """Whether no run of the neuron failed, bool (k,)."""
        return ~np.isin(self.neuron, self.neuron[self.failed])
