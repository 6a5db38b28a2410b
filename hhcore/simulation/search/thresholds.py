"""Thresholds of many neurons at once: a ladder of values shows all intervals that fire, bisection finds where they end.

Each neuron searches by itself, so its threshold has the same bits whatever its neighbours are. A ladder has fixed
multiples of a power of two. The lowest step of it from silence to firing is divided evenly, the lowest part that fires
is bisected. All that the search has learned is in the bracket: one with a finer tolerance goes on from there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from hhcore.simulation.search.scale import scales
from hhcore.simulation.search.trials import Tested, Trials

FOUND, SEVERAL, SPONTANEOUS, ON_RELEASE, DRIVEN, NEVER, FAILED = range(7)
UNSURE = -1  # while it is searched: an end of the bracket is not what it seemed
OUTCOMES = {
    "found": "silent below the threshold, fires above it",
    "several": "fires in more than one interval of values; the threshold is that of the lowest",
    "spontaneous": "fires without the stimulus, so that the threshold is 0",
    "on_release": "no depolarising value fires, but some hyperpolarising ones do: it fires when they end",
    "driven": "the stimulus alone takes the potential across the threshold of a spike: no action potential",
    "never": "no value that was tried fires",
    "failed": "a run diverged or stalled",
}
LOWEST, HIGHEST, OCTAVE = -8, 2, 2  # of the ladder: from 2^-8 to 2^2 of the scale, so many values to an octave
CLOSER = 64  # parts of the step in which a neuron has the most spikes, if none of the ladder makes it respond
FARTHEST = 16  # powers of two beyond the ladder, on both sides, that are tried where all or none of it fires
PARTS = 16  # of the step of the ladder in which firing begins
RELEASED = (-2, 0, 2)  # powers of two of the other sign, tried where no value fires
PROPORTIONAL = 4.0  # an action potential grows by more than so many times the share by which its stimulus grows
NEARLY = (0.9, 0.99)  # of the threshold: where the growth is measured from, besides the lower end of the bracket
ROUGHLY = 1e-2  # the width of the bracket by which a neuron is judged, however closely its threshold is searched
ENDS = ("begun_low", "begun_high", "low", "high", "begun_block_low", "begun_block_high", "block_low", "block_high")
BLOCK = 1024  # neurons whose trials are in memory


@dataclass(frozen=True)
class Thresholds:
    """What a search has found of n neurons; NaN where there is nothing.

    outcome     : int8 (n,), an index into OUTCOMES
    failed      : int8 (n,), how a run failed that the search needs, as a kernel says it; 0 if none did
    ended       : float64 (n,), the time at which the first such run did; the duration of a trial if none did
    begun_low, begun_high : float64 (n,), the part of the ladder in which bisection began: silent, firing
    low, high   : float64 (n,), where it ended: the largest value known to be silent, the smallest that fires
    begun_block_low, begun_block_high, block_low, block_high : the same of the upper end of the interval: firing, silent
    intervals   : int64 (n,), of values that fire, as far as the ladder shows
    latency     : float64 (n,), time of the first spike at the upper end of a bracket of ROUGHLY
    largest     : float64 (n,), the largest value tried
    trials, steps : float64 (n,), how many, and the steps of the solver in all of them
    """

    outcome: np.ndarray
    failed: np.ndarray
    ended: np.ndarray
    begun_low: np.ndarray
    begun_high: np.ndarray
    low: np.ndarray
    high: np.ndarray
    begun_block_low: np.ndarray
    begun_block_high: np.ndarray
    block_low: np.ndarray
    block_high: np.ndarray
    intervals: np.ndarray
    latency: np.ndarray
    largest: np.ndarray
    trials: np.ndarray
    steps: np.ndarray

    @classmethod
    def joined(cls, parts: Sequence["Thresholds"]) -> "Thresholds":
        """The neurons of one after those of the other."""
        return cls(*(np.concatenate([getattr(part, own.name) for part in parts]) for own in fields(cls)))

    def of(self, rows: np.ndarray) -> "Thresholds":
        """Some of the neurons, by index or mask."""
        return Thresholds(*(getattr(self, own.name)[rows] for own in fields(self)))

    @property
    def value(self) -> np.ndarray:
        """The threshold, float64 (n,): the middle of the bracket, 0 of a neuron that fires without the stimulus."""
        return np.where(self.outcome == SPONTANEOUS, 0.0, (self.low + self.high) / 2)

    @property
    def block(self) -> np.ndarray:
        """Where firing ends above the threshold, float64 (n,)."""
        return (self.block_low + self.block_high) / 2

    def wide(self, within: float) -> np.ndarray:
        """Whether a bracket is wider than so large a share of its value, bool (n,); what cannot be halved is not."""
        return _wide(self.low, self.high, within) | _wide(self.block_low, self.block_high, within)

    def coarser(self, within: float) -> "Thresholds":
        """The thresholds as a search with this tolerance finds them: bisection up to where it would have ended."""
        low, high = _replayed(self.begun_low, self.begun_high, self.low, self.high, within)
        begun = self.begun_block_high, self.begun_block_low
        block_high, block_low = _replayed(*begun, self.block_high, self.block_low, within)
        return replace(self, low=low, high=high, block_low=block_low, block_high=block_high)


def _replayed(
    silent: np.ndarray, fires: np.ndarray, last_silent: np.ndarray, last_fires: np.ndarray, within: float
) -> tuple[np.ndarray, np.ndarray]:
    """The ends of brackets, both float64 (n,), where bisection on the way to the last ones is close enough."""
    silent, fires = silent.copy(), fires.copy()
    going = np.arange(len(silent))
    while len(going := going[_wide(silent[going], fires[going], within)]):
        middle, sign = (silent[going] + fires[going]) / 2, np.sign(fires[going] - silent[going])
        is_silent = sign * (last_silent[going] - middle) >= 0
        is_firing = sign * (middle - last_fires[going]) >= 0
        silent[going[is_silent]], fires[going[is_firing]] = middle[is_silent], middle[is_firing]
        going = going[is_silent | is_firing]
    return silent, fires


def search(
    tested: Tested,
    within: float,
    sign: float = 1.0,
    scale: np.ndarray | None = None,
    progress: Callable[[int], None] | None = None,
) -> Thresholds:
    """Search the threshold of each of n neurons, to a bracket narrower than `within` times its value.

    sign  : 1.0 or -1.0, that of the values
    scale : float64 (n,), powers of two, about as large as values that matter; by default as `scales` has them
    progress : called with the number of neurons that have just been finished
    """

    def found(some: Tested, rows: np.ndarray) -> Thresholds:
        size = sign * _scale(some, rows, scale)
        return _sure(some, _Search(some, size).found(within), size, within)

    return _in_blocks(tested, found, progress)


def continued(
    tested: Tested, known: Thresholds, within: float, progress: Callable[[int], None] | None = None
) -> Thresholds:
    """Go on from brackets that are known, to narrower ones."""

    def narrower(some: Tested, rows: np.ndarray) -> Thresholds:
        sign = np.copysign(1.0, known.largest[rows])
        return _sure(some, _Search(some, sign).judged(known.of(rows), within), sign * _scale(some, rows, None), within)

    found = _in_blocks(tested, narrower, progress)
    return replace(found, trials=known.trials + found.trials, steps=known.steps + found.steps)


def _sure(tested: Tested, found: Thresholds, size: np.ndarray, within: float) -> Thresholds:
    """Search again, from the beginning, where an end of a bracket turned out wrong.

    A trial had seemed to come to rest, and did not: now all trials go on to their end. `size` : the scale, float64 (n,)
    """
    if len(rows := np.flatnonzero(found.outcome == UNSURE)):
        again = _Search(tested.of(rows).patient, size[rows]).found(within)
        again = replace(again, outcome=np.where(again.outcome == UNSURE, FAILED, again.outcome).astype(np.int8))
        for own in fields(found):
            getattr(found, own.name)[rows] = getattr(again, own.name)
    return found


def _in_blocks(
    tested: Tested, make: Callable[[Tested, np.ndarray], Thresholds], progress: Callable[[int], None] | None
) -> Thresholds:
    n, found = len(tested.states), []
    for rows in (np.arange(first, min(first + BLOCK, n)) for first in range(0, max(n, 1), BLOCK)):
        found.append(make(tested.of(rows), rows))
        if progress is not None:
            progress(len(rows))
    return Thresholds.joined(found)


def _scale(tested: Tested, rows: np.ndarray, given: np.ndarray | None) -> np.ndarray:
    if given is not None:
        return given[rows]
    return scales(tested.population, tested.states, tested.duration, tested.searched, tested.firing.threshold)


class _Search:
    """The search of some neurons; `scale` : float64 (n,), powers of two with the sign of the values."""

    def __init__(self, tested: Tested, scale: np.ndarray):
        self.tested, self.scale, self.n = tested, scale, len(tested.states)
        self.trials, self.steps = np.zeros(self.n), np.zeros(self.n)

    def run(self, neuron: np.ndarray, value: np.ndarray, tested: Tested | None = None) -> Trials:
        """Try values, and count."""
        trials = (tested or self.tested).run(neuron, value)
        np.add.at(self.trials, trials.neuron, 1.0)
        np.add.at(self.steps, trials.neuron, trials.steps)
        return trials

    def found(self, within: float) -> Thresholds:
        """Everything from the beginning."""
        return self.judged(self.begun(), within)

    # --- where firing begins, roughly

    def begun(self) -> Thresholds:
        """The brackets before bisection, and what the ladder shows."""
        without = self.run(np.arange(self.n), np.zeros(self.n))
        by_itself = without.fires
        if self.tested.firing.lasts:
            by_itself = by_itself | self.tested.restless & (without.count > 0)
        tried = Trials.joined([without, self.ladder(np.flatnonzero(~by_itself & (without.failed == 0)))])
        steps = _steps(tried, self.n)
        begins = np.flatnonzero(np.isfinite(steps.low))
        tried = Trials.joined([tried, self.run(*_divided(begins, steps.low[begins], steps.high[begins]))])
        steps = _steps(tried, self.n)
        size, failed = np.abs(tried.value), np.zeros(self.n, np.int8)
        first_failure, largest = np.full(self.n, np.inf), np.zeros(self.n)
        np.minimum.at(first_failure, tried.neuron[tried.failed > 0], size[tried.failed > 0])
        sound = size < first_failure[tried.neuron]
        np.maximum.at(largest, tried.neuron[sound], size[sound])
        matters = np.where(np.isnan(steps.high), np.abs(self.scale), np.abs(steps.high))
        needed = size <= matters[tried.neuron]  # farther ones may fail
        np.maximum.at(failed, tried.neuron[needed], tried.failed[needed].astype(np.int8))
        ended, needed = np.full(self.n, self.tested.duration), needed & (tried.failed > 0)
        np.minimum.at(ended, tried.neuron[needed], tried.ended[needed])
        outcome = np.select(
            [failed > 0, by_itself, np.isnan(steps.low), steps.intervals > 1],
            [FAILED, SPONTANEOUS, NEVER, SEVERAL],
            FOUND,
        )
        outcome[self.released(np.flatnonzero(outcome == NEVER))] = ON_RELEASE
        nothing = np.full(self.n, np.nan)
        return Thresholds(
            outcome=outcome.astype(np.int8),
            failed=failed,
            ended=ended,
            begun_low=steps.low,
            begun_high=steps.high,
            low=steps.low,
            high=steps.high,
            begun_block_low=steps.block_low,
            begun_block_high=steps.block_high,
            block_low=steps.block_low,
            block_high=steps.block_high,
            intervals=np.where(by_itself, 1, steps.intervals),
            latency=nothing,
            largest=np.where(by_itself, np.nan, np.copysign(largest, self.scale)),
            trials=nothing,
            steps=nothing,
        )

    def ladder(self, rows: np.ndarray) -> Trials:
        """Values from small to large ones; farther ones where all or none of them fire."""
        powers = np.arange(LOWEST * OCTAVE, HIGHEST * OCTAVE + 1) / OCTAVE
        neuron, power = np.repeat(rows, len(powers)), np.tile(powers, len(rows))
        parts = [self.run(neuron, self.scale[neuron] * _power(power))]
        fires, least = np.zeros((2, self.n), bool)
        for far in range(1, FARTHEST + 1):
            trials = parts[-1]
            np.logical_or.at(fires, trials.neuron, trials.fires)
            lowest = np.abs(trials.value) <= np.abs(np.ldexp(self.scale[trials.neuron], LOWEST - far + 1))
            least[trials.neuron[lowest]] = trials.fires[lowest]
            down, up = rows[least[rows]], rows[~fires[rows]]
            if not len(down) + len(up):
                break
            least[down] = False
            power = np.r_[np.full(len(down), LOWEST - far), np.full(len(up), HIGHEST + far)]
            neuron = np.r_[down, up]
            parts.append(self.run(neuron, np.ldexp(self.scale[neuron], power)))
        tried = Trials.joined(parts)
        return Trials.joined([tried, self.closer(tried.of(~fires[tried.neuron]))])

    def closer(self, tried: Trials) -> Trials:
        """Values around those with which neurons have the most spikes; of trials of these, sorted by neuron."""
        order = np.lexsort((np.abs(tried.value), tried.neuron))
        neuron, value, count = tried.neuron[order], tried.value[order], tried.count[order]
        most = np.zeros(self.n, np.int64)
        np.maximum.at(most, neuron, count)
        best = np.flatnonzero((count == most[neuron]) & (most[neuron] > 0))
        rows, first = np.unique(neuron[best], return_index=True)
        last = np.append(first[1:], len(best))[: len(first)] - 1
        same = neuron[1:] == neuron[:-1]
        before, after = np.append(False, same)[best[first]], np.append(same, False)[best[last]]
        return self.run(*_divided(rows, value[best[first] - before], value[best[last] + after], CLOSER))

    def released(self, rows: np.ndarray) -> np.ndarray:
        """Those of some neurons that fire with values below 0 where others are searched, int64 (k,)."""
        rows = rows[self.scale[rows] > 0]
        neuron, power = np.repeat(rows, len(RELEASED)), np.tile(RELEASED, len(rows))
        trials = self.run(neuron, -np.ldexp(self.scale[neuron], power))
        return np.unique(trials.neuron[trials.fires])

    # --- the thresholds themselves

    def judged(self, begun: Thresholds, within: float) -> Thresholds:
        """The thresholds from brackets; both ends are tried once more to the end of the run."""
        narrow = self.narrowed(begun, min(within, ROUGHLY))
        rows = np.flatnonzero(np.isin(begun.outcome, (FOUND, SEVERAL)))
        patient = self.tested.patient
        silent, firing = self.run(rows, narrow.low[rows], patient), self.run(rows, narrow.high[rows], patient)
        rough = narrow.of(rows).coarser(ROUGHLY)
        peaks = [self.run(rows, share * rough.low, patient).peak for share in (*NEARLY, 1.0)]
        latency, outcome = np.full(self.n, np.nan), narrow.outcome.copy()
        latency[rows] = self.run(rows, rough.high).latency
        driven = rows[self.driven(rough, rows, peaks)]
        outcome[driven] = DRIVEN
        outcome[self.released(driven)] = ON_RELEASE
        outcome[rows[silent.fires | ~firing.fires]] = UNSURE
        gone = np.where(np.isin(outcome, (FOUND, SEVERAL)), 0.0, np.nan)
        known = {name: getattr(narrow, name) + gone for name in ENDS}
        known |= {"trials": self.trials, "steps": self.steps}
        known["intervals"] = np.where(np.isin(outcome, (DRIVEN, ON_RELEASE)), 0, narrow.intervals)
        return replace(narrow, outcome=outcome, latency=latency + gone, **known)

    def narrowed(self, begun: Thresholds, within: float) -> Thresholds:
        """Bisect the brackets of the thresholds, and of the upper ends."""
        low, high, block_low, block_high = (
            getattr(begun, name).copy() for name in ("low", "high", "block_low", "block_high")
        )
        for silent, fires in ((low, high), (block_high, block_low)):
            while len(rows := np.flatnonzero(_wide(silent, fires, within))):
                trials = self.run(rows, (silent[rows] + fires[rows]) / 2)
                silent[rows[~trials.fires]] = trials.value[~trials.fires]
                fires[rows[trials.fires]] = trials.value[trials.fires]
        return replace(begun, low=low, high=high, block_low=block_low, block_high=block_high)

    def driven(self, found: Thresholds, rows: np.ndarray, peaks: Sequence[np.ndarray]) -> np.ndarray:
        """Whether the potential grows in proportion up to the threshold of a spike, bool (k,), as without channels.

        found : of some neurons, `rows`; peaks : float64 (k,) at each of NEARLY and at the lower end of the bracket
        """
        if not self.tested.firing.once:
            return np.zeros(len(rows), bool)
        whole = self.tested.firing.threshold - self.tested.foot[rows]
        left = [1.0 - share * found.low / found.high for share in (*NEARLY, 1.0)]  # at most: so growth is not too large
        gaps = [self.tested.firing.threshold - peak for peak in peaks]
        grows = np.any([gap > PROPORTIONAL * share * whole for gap, share in zip(gaps, left, strict=True)], axis=0)
        return ~grows & (found.high > 0)  # nothing below 0 can take the potential there


@dataclass(frozen=True)
class _Steps:
    """Where trials of n neurons go from silence to firing first, and from there to silence; how many intervals fire."""

    low: np.ndarray
    high: np.ndarray
    block_low: np.ndarray
    block_high: np.ndarray
    intervals: np.ndarray


def _steps(trials: Trials, n: int) -> _Steps:
    """Of trials sorted by neuron and the size of their values."""
    order = np.lexsort((np.abs(trials.value), trials.neuron))
    neuron, value, fires = trials.neuron[order], trials.value[order], trials.fires[order]
    same = neuron[1:] == neuron[:-1]
    rises, falls = np.flatnonzero(same & ~fires[:-1] & fires[1:]), np.flatnonzero(same & fires[:-1] & ~fires[1:])
    low, high, block_low, block_high = np.full((4, n), np.nan)
    first = rises[np.unique(neuron[rises], return_index=True)[1]]
    low[neuron[first]], high[neuron[first]] = value[first], value[first + 1]
    last = falls[np.unique(neuron[falls], return_index=True)[1]]
    block_low[neuron[last]], block_high[neuron[last]] = value[last], value[last + 1]
    return _Steps(low, high, block_low, block_high, np.bincount(neuron[rises], minlength=n))


def _divided(rows: np.ndarray, low: np.ndarray, high: np.ndarray, parts: int = PARTS) -> tuple[np.ndarray, np.ndarray]:
    """The values that divide each interval into parts, without its ends: the neuron of each, and the value."""
    share = np.arange(1, parts) / parts
    return np.repeat(rows, len(share)), (low[:, None] + share * (high - low)[:, None]).ravel()


def _wide(low: np.ndarray, high: np.ndarray, within: float) -> np.ndarray:
    """Whether brackets are too wide, and can be halved, bool (n,)."""
    middle = (low + high) / 2
    between = (middle != low) & (middle != high)
    return between & (np.abs(high - low) > within * np.maximum(np.abs(low), np.abs(high)))


def _power(power: np.ndarray) -> np.ndarray:
    """2^power for halves, the same on every machine: square roots are, powers need not be."""
    whole = np.floor(power)
    return np.ldexp(np.where(power > whole, np.sqrt(2.0), 1.0), whole.astype(int))
