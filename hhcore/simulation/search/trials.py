"""Trials: runs of neurons with values of one field of the stimulus, each judged by whether the neuron responds."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace

import numpy as np

from hhcore.simulation.observers import Settled
from hhcore.simulation.population import Population
from hhcore.simulation.rest import near_rest
from hhcore.simulation.search.firing import Firing
from hhcore.simulation.threads import CHUNK

AT_ONCE = 64 * CHUNK  # trials whose records are in memory


@dataclass(frozen=True)
class Trials:
    """k trials.

    neuron  : int64 (k,)
    value   : float64 (k,), of the field
    fires   : bool (k,), whether the neuron responds
    failed  : int8 (k,), 0, or how the run failed: DIVERGED or STALLED of the kernel
    peak    : float64 (k,), highest potential up to the end of the trial
    count   : int64 (k,), spikes up to the end of the trial
    latency : float64 (k,), time of the first spike; NaN without
    ended   : float64 (k,), time at which the trial was over
    steps   : float64 (k,), tried by the solver
    """

    neuron: np.ndarray
    value: np.ndarray
    fires: np.ndarray
    failed: np.ndarray
    peak: np.ndarray
    count: np.ndarray
    latency: np.ndarray
    ended: np.ndarray
    steps: np.ndarray

    @classmethod
    def joined(cls, parts: Sequence["Trials"]) -> "Trials":
        """All of them, sorted by neuron and value."""
        columns = [np.concatenate([getattr(part, own.name) for part in parts]) for own in fields(cls)]
        order = np.lexsort((columns[1], columns[0]))
        return cls(*(column[order] for column in columns))

    def of(self, chosen: np.ndarray) -> "Trials":
        """Some of them, by a mask or by index."""
        return Trials(*(getattr(self, own.name)[chosen] for own in fields(self)))


@dataclass(frozen=True)
class Tested:
    """The neurons of a search, and how they are tried.

    population    : n neurons, whose engine has the observers of `firing`
    states   : float64 (n, N), in which each trial begins
    duration : of a trial, in the model's unit of time
    searched : field of the stimulus, whose values are tried
    firing   : what counts as a response
    restless : bool (n,), whether a neuron has no stable rest
    seconds  : core time of each run so far; all parts of a search share the list
    rest     : float64 (n,), potential from which an action potential rises, where that is not the one of `states`
    """

    population: Population
    states: np.ndarray
    duration: float
    searched: str
    firing: Firing
    restless: np.ndarray
    seconds: list[float] = field(default_factory=list)
    rest: np.ndarray | None = None

    @property
    def patient(self) -> "Tested":
        """The same, but no trial is over because it seems to have come to rest."""
        return replace(self, population=patient(self.population))

    def of(self, rows: np.ndarray) -> "Tested":
        """Some of the neurons, by index."""
        own = {"states": self.states[rows], "restless": self.restless[rows], "rest": self.foot[rows]}
        return replace(self, population=self.population.of(rows), **own)

    @property
    def foot(self) -> np.ndarray:
        """The potential from which an action potential rises, float64 (n,)."""
        model = self.population.engine.model
        return self.states[:, list(model.states).index(model.potential)] if self.rest is None else self.rest

    def run(self, neuron: np.ndarray, value: np.ndarray) -> Trials:
        """Try neurons, int64 (k,), with values, float64 (k,)."""
        parts = [slice(i, i + AT_ONCE) for i in range(0, max(len(neuron), 1), AT_ONCE)]
        return Trials.joined([self._run(neuron[part], value[part]) for part in parts])

    def _run(self, neuron: np.ndarray, value: np.ndarray) -> Trials:
        population = self.population.of(neuron).with_fields(**{self.searched: value})
        trials, held, final = self._tried(population, neuron, value)
        paused = np.flatnonzero(~trials.fires & np.isfinite(held))
        table = population.engine.arguments(population.points[paused], self.duration)
        unsure = paused[~near_rest(population.engine, table, held[paused], final[paused])] if len(paused) else paused
        if len(unsure):  # what looked like rest is none
            again = self._tried(patient(population.of(unsure)), neuron[unsure], value[unsure])[0]
            for own in fields(Trials):
                getattr(trials, own.name)[unsure] = getattr(again, own.name)
        return trials

    def _tried(
        self, population: Population, neuron: np.ndarray, value: np.ndarray
    ) -> tuple[Trials, np.ndarray, np.ndarray]:
        """The trials, the current that flowed where they came to rest, NaN of others, and their last states."""
        record, seconds = population.run(self.states[neuron], [self.duration])
        self.seconds.append(seconds)
        failed, spikes = record["outcome"], record["spikes"]
        fires = self.firing.fires(population.engine, record) & (failed == 0)
        latency = np.full(len(neuron), np.nan)
        fired = spikes.counts > 0
        latency[fired] = spikes.values[spikes.offsets[:-1][fired]]
        over = latency, record["ended"], record["steps"]
        trials = Trials(neuron, value, fires, failed, record["peak"], spikes.counts, *over)
        return trials, record["held"], record["final"]


def patient(population: Population) -> Population:
    """The same neurons and the same kernel, but no trial is over because it seems to have come to rest."""
    observers = tuple(replace(o, slope=0.0) if isinstance(o, Settled) else o for o in population.engine.observers)
    return replace(population, engine=replace(population.engine, observers=observers))
