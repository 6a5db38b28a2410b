"""The phases of recovery after a spike: refractory, relatively refractory, supernormal. Their ends are bisected.

Whether a neuron responds after an interval is asked by running it, so that an end is as exact as the solver.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np

from hhcore.simulation.observers import Settled, Spikes
from hhcore.simulation.population import Population
from hhcore.simulation.search.thresholds import (
    DRIVEN,
    FOUND,
    NEVER,
    ON_RELEASE,
    SEVERAL,
    Thresholds,
    continued,
    search,
)
from hhcore.simulation.search.trials import Tested

MARGIN = 1e-3  # share of the resting threshold within which a threshold counts as the resting one
CLOSELY = 1e-6  # of a threshold, searched to tell whether there is one
PHASES = ("absolute", "relative", "supernormal_begin", "supernormal_end")
Responds = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Recovering:
    """n neurons after a first stimulus at time 0.

    first : under the first stimulus, and the states in which they begin
    scale : float64 (n,), powers of two, where searches begin
    """

    first: Tested
    scale: np.ndarray

    def of(self, rows: np.ndarray) -> "Recovering":
        """Some of the neurons, by index."""
        return Recovering(self.first.of(rows), self.scale[rows])

    def spikes(self, duration: float) -> tuple[np.ndarray, np.ndarray]:
        """Spikes in a run of the first stimulus, float64 (n,), and how it failed, int8 (n,); 0 if it did not."""
        record, seconds = unhurried(self.first.population).run(self.first.states, [duration])
        self.first.seconds.append(seconds)
        return record["spikes"].counts.astype(np.float64), record["outcome"].astype(np.int8)

    def after(self, neuron: np.ndarray, interval: np.ndarray) -> Tested:
        """Neurons, int64 (k,), in their states so long after the onset of the first stimulus, float64 (k,).

        An action potential still rises from rest, so that the end of the first one does not pass for another.
        """
        some, states = self.first.of(neuron), self.first.states[neuron].copy()
        running = unhurried(some.population)
        for stop in np.unique(interval):
            rows = np.flatnonzero(interval == stop)
            record, seconds = running.of(rows).run(some.states[rows], [stop])
            self.first.seconds.append(seconds)
            states[rows] = record["final"]
        return replace(some, states=states, rest=some.foot)

    def thresholds(self, neuron: np.ndarray, interval: np.ndarray, within: float) -> Thresholds:
        """The threshold of the second stimulus of each of k pairs."""
        return search(self.after(neuron, interval), within, scale=self.scale[neuron])

    def continued(self, neuron: np.ndarray, interval: np.ndarray, known: Thresholds, within: float) -> Thresholds:
        """The same from brackets that are known; from the beginning where one of them turns out wrong."""
        found = continued(self.after(neuron, interval), known, within)
        moved = np.isfinite(known.begun_high) & (found.begun_high != known.begun_high)
        if len(rows := np.flatnonzero(moved)):
            again = self.thresholds(neuron[rows], interval[rows], within)
            for own in fields(found):
                getattr(found, own.name)[rows] = getattr(again, own.name)
        return found

    def excitable(self, neuron: np.ndarray, interval: np.ndarray) -> np.ndarray:
        """Whether there is a threshold, bool (k,)."""
        return np.isin(self.thresholds(neuron, interval, CLOSELY).outcome, (FOUND, SEVERAL))

    def responding(self, values: np.ndarray) -> Responds:
        """Whether neurons respond to a second stimulus of this size, float64 (n,)."""

        def responds(neuron: np.ndarray, interval: np.ndarray) -> np.ndarray:
            if not len(neuron):
                return np.zeros(0, bool)
            return self.after(neuron, interval).run(np.arange(len(neuron)), values[neuron]).fires

        return responds

    def phases(
        self, intervals: np.ndarray, outcome: np.ndarray, resting: np.ndarray, within: float
    ) -> dict[str, np.ndarray]:
        """Intervals at which phases end or begin, float64 (n,) for each of PHASES; NaN where none is seen.

        intervals : float64 (k,), rising, at which there are searches; outcome : int (n, k), how these ended
        resting   : float64 (n,), threshold at rest; within : how closely ends are bisected
        """
        n = len(resting)
        times = np.tile(intervals, (n, 1))
        known = np.isin(outcome, (FOUND, SEVERAL, NEVER, DRIVEN, ON_RELEASE)) & np.isfinite(resting)[:, None]
        bracket = first_change(times, np.isin(outcome, (FOUND, SEVERAL)), known, True)
        absolute = self.bisected(*bracket, self.excitable, True, within)
        times, known = np.column_stack([absolute, times]), np.column_stack([np.isfinite(absolute), known])
        known &= times >= np.where(np.isfinite(absolute), absolute, -np.inf)[:, None]
        above, below = (self.responding(share * resting) for share in (1.0 + MARGIN, 1.0 - MARGIN))
        relative = self.edge(times, known, above, True, within)
        begin = self.edge(times, known, below, True, within)
        after = known & (times > begin[:, None])
        both = np.column_stack([begin, times]), np.column_stack([np.isfinite(begin), after])
        end = self.edge(*both, below, False, within)
        return dict(zip(PHASES, (absolute, relative, begin, end), strict=True))

    def edge(self, times: np.ndarray, known: np.ndarray, responds: Responds, to: bool, within: float) -> np.ndarray:
        """The first interval from which neurons respond, or from which they do not, float64 (n,)."""
        neuron, column = np.nonzero(known)
        state = np.zeros(times.shape, bool)
        state[neuron, column] = responds(neuron, times[neuron, column])
        return self.bisected(*first_change(times, state, known, to), responds, to, within)

    @staticmethod
    def bisected(low: np.ndarray, high: np.ndarray, responds: Responds, to: bool, within: float) -> np.ndarray:
        """Where the answer becomes `to` between two intervals, float64 (n,): the end at which it is so."""
        low, high = low.copy(), high.copy()
        while len(rows := np.flatnonzero(high - low > within)):
            middle = (low[rows] + high[rows]) / 2
            there = responds(rows, middle) == to
            high[rows[there]], low[rows[~there]] = middle[there], middle[~there]
        return high


def first_change(times: np.ndarray, state: np.ndarray, known: np.ndarray, to: bool) -> tuple[np.ndarray, np.ndarray]:
    """The neighbours, of n rows of times, between which the state becomes `to` first: float64 (n,) both, or NaN.

    times : float64 (n, k), rising; state, known : bool (n, k); what is not known is passed over
    """
    low, high, last = np.full((3, len(times)), np.nan)
    for time, there, seen in zip(times.T, (state == to).T, known.T, strict=True):
        changed = seen & there & np.isfinite(last) & np.isnan(high)
        low[changed], high[changed] = last[changed], time[changed]
        last = np.where(seen, np.where(there, np.nan, time), last)
    return low, high


def unhurried(population: Population) -> Population:
    """The same neurons and the same kernel, but no run is over early."""
    never = {Settled: {"slope": 0.0}, Spikes: {"most": np.inf}}
    observers = tuple(replace(o, **never.get(type(o), {})) for o in population.engine.observers)
    return replace(population, engine=replace(population.engine, observers=observers))
