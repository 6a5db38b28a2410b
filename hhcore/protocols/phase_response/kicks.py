"""Kicks: the potential is displaced at a phase of the cycle, and spikes long after say how far the phase shifted."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace

import numpy as np

from hhcore.protocols.phase_response.cycle import latest
from hhcore.simulation.observers import Spikes
from hhcore.simulation.population import Population
from hhcore.simulation.threads import CHUNK

MOST_ROUNDS = 16  # of two cycles each, until the shift no longer changes
SETTLED = 1e-9  # cycles: a shift that changes by less over a cycle no longer changes
NOISE = 1e-6  # cycles: below, a change that does not fall to half is the solver's
SHIFTED, STOPPED, UNSETTLED, FAILED = range(4)
WORDS = {
    "shifted": "the neuron fires on, its cycle shifted",
    "stopped": "the kick ends the firing: too few spikes follow within the duration",
    "unsettled": f"the shift still changes {2 * MOST_ROUNDS} cycles later, or the neuron comes to another cycle",
    "failed": "the run after the kick diverged or stalled",
}
AT_ONCE = 64 * CHUNK  # runs whose records are in memory
SMALL = (2.0**-9, 2.0**-10, 2.0**-11)  # of the swing of the potential: kicks whose limit is the infinitesimal response


@dataclass(frozen=True)
class Shifts:
    """What k kicks do.

    shift   : float64 (k,), cycles, from -0.5 to 0.5, above 0 where spikes come earlier; NaN without one
    change  : float64 (k,), of the shift over the last cycle that was simulated
    outcome : int64 (k,), an index into WORDS
    """

    shift: np.ndarray
    change: np.ndarray
    outcome: np.ndarray

    @classmethod
    def joined(cls, parts: Sequence["Shifts"]) -> "Shifts":
        """Those of one part after those of the other."""
        return cls(*(np.concatenate([getattr(part, own.name) for part in parts]) for own in fields(cls)))


@dataclass(frozen=True)
class Kicked:
    """Neurons that are kicked on their cycles, all with so many spikes in one.

    population : n neurons, whose engine has the observer Spikes
    period     : float64 (n,), in the model's unit of time
    spikes     : of a cycle
    duration   : of a run
    begun      : float64 (n, N), the states at phase 0
    expected   : float64 (n, cycles), the spikes that begin cycles, of neurons that are not kicked, from phase 0 on
    steps      : float64 (n,), tried so far
    seconds    : core time of each run so far
    """

    population: Population
    period: np.ndarray
    spikes: int
    duration: float
    begun: np.ndarray
    expected: np.ndarray = field(init=False)
    steps: np.ndarray = field(init=False)
    seconds: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", np.zeros(len(self.period)))
        object.__setattr__(self, "expected", self._expected())

    def _expected(self) -> np.ndarray:
        cycles = 2 * MOST_ROUNDS + 3
        times = np.full((len(self.period), cycles), np.nan)
        times[:, 0] = 0.0
        run, _ = self._run(np.arange(len(self.period)), self.begun, cycles * self.spikes)
        train = latest(run["spikes"], cycles * self.spikes + 1)
        for i in range(1, cycles):
            next_one = times[:, i - 1] + self.period
            gap = np.nan_to_num(np.abs(train - next_one[:, None]), nan=np.inf)
            nearest = gap.argmin(axis=1)
            near = gap.min(axis=1) < self.period / 4  # else the run is over: cycles go on as they were
            times[:, i] = np.where(near, train[np.arange(len(train)), nearest], next_one)
        return times

    def shifts(self, neuron: np.ndarray, phase: np.ndarray, states: np.ndarray) -> Shifts:
        """What k neurons, int64 (k,), do from displaced `states`, float64 (k, N), at phases, float64 (k,)."""
        k = len(neuron)
        found = Shifts(np.full(k, np.nan), np.full(k, np.nan), np.full(k, UNSETTLED))
        going, passed, states = np.arange(k), phase * self.period[neuron], states
        for _ in range(MOST_ROUNDS):
            rows = neuron[going]
            run, most = self._run(rows, states, 2 * self.spikes + 1)
            earlier, later = cycle_starts(latest(run["spikes"], most), self.spikes)
            before, shift = (self._shift(rows, passed + time) for time in (earlier, later))
            previous, change = found.change[going], np.abs(shift - before)
            failed, stopped = run["outcome"] > 0, run["spikes"].counts < most
            settled = (change <= SETTLED) | ((change <= NOISE) & (change > previous / 2))
            settled &= ~(failed | stopped)
            found.change[going], found.shift[going] = change, np.where(settled, shift, np.nan)
            ended = np.where(failed, FAILED, np.where(stopped, STOPPED, np.where(settled, SHIFTED, UNSETTLED)))
            found.outcome[going] = ended
            goes_on = ended == UNSETTLED
            passed, states, going = (passed + run["ended"])[goes_on], run["final"][goes_on], going[goes_on]
            if not len(going):
                break
        return found

    def _run(self, neuron: np.ndarray, states: np.ndarray, most: int) -> tuple[dict, int]:
        """Run neurons until so many spikes."""
        some, own = self.population.of(neuron), self.population.engine
        observers = tuple(replace(o, most=float(most)) if isinstance(o, Spikes) else o for o in own.observers)
        run, seconds = replace(some, engine=replace(own, observers=observers)).run(states, [self.duration])
        self.seconds.append(seconds)
        np.add.at(self.steps, neuron, run["steps"])
        return run, most

    def _shift(self, neuron: np.ndarray, time: np.ndarray) -> np.ndarray:
        """How much earlier spikes come than those of the neuron without a kick, in cycles; `time` : from phase 0 on."""
        period, last = self.period[neuron], self.expected.shape[1] - 1
        with np.errstate(invalid="ignore"):
            number = np.rint(np.nan_to_num(time / period))
        known = np.clip(number, 0, last).astype(np.int64)
        return (self.expected[neuron, known] + (number - known) * period - time) / period


def cycle_starts(times: np.ndarray, spikes: int) -> tuple[np.ndarray, np.ndarray]:
    """The spikes that begin the last cycle but one and the last one, float64 (k,) each; NaN of too few.

    times : float64 (k, 2 spikes + 1), the last spikes of trains with so many `spikes` in a cycle
    """
    intervals, rows = np.diff(times, axis=1), np.arange(len(times))
    parts = (intervals[:, :spikes], 0), (intervals[:, spikes:], spikes)
    starts = [part.argmax(axis=1) + 1 + at for part, at in parts]
    return times[rows, starts[0]], times[rows, starts[1]]


@dataclass(frozen=True)
class Responses:
    """What kicks at all phases of n cycles do.

    shift, outcome : (n, phases), of the kick that is asked for, as in Shifts
    slope          : float64 (n, phases), shift per small kick, in cycles per unit of the potential; NaN without one
    error          : float64 (n, phases), estimated error of `slope`
    """

    shift: np.ndarray
    outcome: np.ndarray
    slope: np.ndarray
    error: np.ndarray


def responses(kicked: Kicked, states: np.ndarray, kick: float, potential: int) -> Responses:
    """Kick n neurons at each phase.

    states    : float64 (n, phases, N), at phases 0, 1/phases, ...
    kick      : of the potential, in its unit; potential : its index among the states

    Small kicks of both signs and of three sizes have the infinitesimal response as their limit. Richardson's
    extrapolation removes the errors that grow with the square and with the fourth power of the size: of Hodgkin and
    Huxley's axon, 1e-8 of the largest response is left, of 1e-4 without it.
    """
    n, phases, _ = states.shape
    neuron, phase = np.repeat(np.arange(n), phases), np.tile(np.arange(phases) / phases, n)
    flat = states.reshape(n * phases, -1)
    height = states[:, :, potential]
    swing = np.repeat(height.max(axis=1) - height.min(axis=1), phases)

    def shifts(size: float | np.ndarray) -> Shifts:
        displaced = flat.copy()
        displaced[:, potential] += size
        parts = [slice(i, i + AT_ONCE) for i in range(0, max(len(flat), 1), AT_ONCE)]
        return Shifts.joined([kicked.shifts(neuron[p], phase[p], displaced[p]) for p in parts])

    own = shifts(kick)
    slopes, noise = [], np.zeros(len(flat))
    for share in SMALL:
        size = share * swing
        up, down = shifts(size), shifts(-size)
        slopes.append((up.shift - down.shift) / (2.0 * size))
        noise = np.maximum(noise, np.maximum(up.change, down.change) / size)
    coarse, fine = ((4.0 * finer - coarser) / 3.0 for coarser, finer in zip(slopes, slopes[1:], strict=False))
    found = own.shift, own.outcome, (16.0 * fine - coarse) / 15.0, np.abs(fine - coarse) / 15.0 + noise
    return Responses(*(column.reshape(n, phases) for column in found))
