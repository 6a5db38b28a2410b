"""The cycle of a neuron that fires periodically: how long it is, where it begins, and the states along it.

Phase 0 is the upward crossing of the spike threshold; of a cycle with several spikes, the first one after the longest
interval. Phase 1 is the next such spike.
"""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from hhcore.simulation.engine import engine
from hhcore.simulation.observers import Onsets
from hhcore.simulation.population import Population
from hhcore.simulation.result import Ragged
from hhcore.simulation.search.firing import going_on
from hhcore.simulation.stimuli.pulse_train import PulseTrain

MOST_SPIKES = 16  # of a cycle
CYCLES = 4  # with equal intervals, before firing counts as periodic
REPEATS = 1e-5  # of the cycle: intervals that differ by less repeat
CLOSED = 1e-3  # of its range: a state that changes by less over a cycle has settled
AT_ONCE = 4096  # neurons whose states along the cycle are in memory
PERIODIC, SILENT, IRREGULAR, DRIFTING, FAILED = range(5)
WORDS = {
    "periodic": f"its intervals repeat to {REPEATS:g} of the cycle over the last {CYCLES} cycles",
    "silent": "it does not fire to the end of the run",
    "irregular": f"it fires to the end of the run, but its intervals do not repeat after {MOST_SPIKES} spikes or fewer",
    "drifting": f"its intervals repeat, but a state still changes by more than {CLOSED:g} of its range over a cycle, so"
    " that it needs a longer duration",
    "failed": "its run diverged or stalled",
}


@dataclass(frozen=True)
class Cycles:
    """The cycles of n neurons; NaN where there is none.

    kind     : int64 (n,), an index into WORDS
    outcome  : int8 (n,), how the kernel has ended: DONE, DIVERGED or STALLED
    spikes   : int64 (n,), of a cycle; 0 without one
    period   : float64 (n,), in the model's unit of time
    since    : float64 (n,), time from the last phase 0 to the end of the run
    final    : float64 (n, N), the states at the end of the run
    ended, steps : float64 (n,), time reached, and steps tried
    """

    kind: np.ndarray
    outcome: np.ndarray
    spikes: np.ndarray
    period: np.ndarray
    since: np.ndarray
    final: np.ndarray
    ended: np.ndarray
    steps: np.ndarray

    @classmethod
    def after(cls, population: Population, states: np.ndarray, duration: float) -> tuple[Self, float]:
        """The cycles that neurons have come to after a time, from `states`, float64 (n, N); and seconds it took."""
        record, seconds = population.run(states, [duration])
        spikes, last = repeating(record["spikes"])
        outcome = record["outcome"]
        kind = np.where(going_on(record["spikes"], record["ended"]), IRREGULAR, SILENT)
        kind = np.where((kind == IRREGULAR) & (spikes > 0), PERIODIC, kind)
        kind = np.where(outcome > 0, FAILED, kind)
        periodic = kind == PERIODIC
        period = np.where(periodic, last[:, 1] - last[:, 0], np.nan)
        since = np.where(periodic, duration - last[:, 1], np.nan)
        numbers = np.where(periodic, spikes, 0)
        found = cls(kind, outcome, numbers, period, since, *(record[name] for name in ("final", "ended", "steps")))
        return found, seconds

    def of(self, rows: np.ndarray) -> Self:
        """Some of the neurons, by a mask or by index."""
        return type(self)(*(getattr(self, own.name)[rows] for own in fields(self)))


def repeating(spikes: Ragged) -> tuple[np.ndarray, np.ndarray]:
    """After how many spikes the intervals of n trains repeat at their end, int64 (n,), 0 where they do not.

    Besides, the last two spikes that begin a cycle, float64 (n, 2).
    """
    n, most = len(spikes.counts), CYCLES * MOST_SPIKES + 1
    times, found, last = latest(spikes, most), np.zeros(n, dtype=np.int64), np.full((n, 2), np.nan)
    intervals = np.diff(times, axis=1)
    for k in range(1, MOST_SPIKES + 1):
        cycle = times[:, -1] - times[:, -1 - k]
        later, earlier = intervals[:, -(CYCLES - 1) * k :], intervals[:, -CYCLES * k : -k]
        with np.errstate(invalid="ignore"):  # NaN of trains that are too short
            new = (np.abs(later - earlier).max(axis=1) <= REPEATS * cycle) & (found == 0)
        found[new] = k
        ago = k - 1 - intervals[new, -k:].argmax(axis=1)  # spikes after the one that ends the longest interval
        rows = times[new]
        last[new] = np.column_stack([rows[np.arange(len(rows)), -1 - ago - back] for back in (k, 0)])
    return found, last


def latest(spikes: Ragged, most: int) -> np.ndarray:
    """The last spikes of n trains, float64 (n, most), NaN before the first one of each."""
    at = spikes.offsets[1:, None] - np.arange(most, 0, -1)
    known = at >= spikes.offsets[:-1, None]
    values = np.append(spikes.values, np.nan)
    return np.where(known, values[np.where(known, at, len(spikes.values))], np.nan)


def along(population: Population, method: str, level: np.ndarray, cycles: Cycles, phases: int) -> np.ndarray:
    """The states at phases 0, 1/phases, ..., 1 of n cycles, float64 (n, phases + 1, N).

    method : of the solver; level : float64 (n,), the current that flows

    A train of pulses without amplitude ends a step of the integration at each phase.
    """
    own = population.engine
    kind = engine(own.model, method, PulseTrain, (Onsets(),))
    parameters = population.points[:, : len(own.model.parameters)]
    step = cycles.period / phases
    train = PulseTrain(0.0, step / 2, step, phases + 1, cycles.period - cycles.since, holding=level)
    columns = [np.broadcast_to(x, len(level)) for x in train.values.values()]
    trains = Population(kind, np.column_stack([parameters, *columns]), population.accuracy, population.threads)
    rows = [np.arange(first, min(first + AT_ONCE, len(level))) for first in range(0, len(level), AT_ONCE)]
    parts = [_along(trains.of(some), cycles.of(some), phases) for some in rows]
    return np.concatenate(parts or [np.empty((0, phases + 1, cycles.final.shape[1]))])


def _along(trains: Population, cycles: Cycles, phases: int) -> np.ndarray:
    record, _ = trains.run(cycles.final, [float((3.0 * cycles.period).max())])
    return record["onsets"].values.reshape(len(cycles.final), phases + 1, -1)


def residuals(states: np.ndarray) -> np.ndarray:
    """How far cycles are from closed, float64 (n,): the largest change of a state over one, as a share of its range.

    states : as `along` makes them
    """
    size = states.max(axis=1) - states.min(axis=1)
    change = np.abs(states[:, -1] - states[:, 0])
    return np.max(np.where(size > 0, change / np.where(size > 0, size, 1.0), 0.0), axis=1, initial=0.0)
