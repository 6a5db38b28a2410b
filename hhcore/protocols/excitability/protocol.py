"""Hodgkin's class of each neuron: the thresholds of one spike and of firing that goes on, and the rates above these.

A. L. Hodgkin (1948), J. Physiol. 107:165-181, tells three classes of axons apart by their response to lasting currents:
in class 1 firing begins at arbitrarily low rates, in class 2 at a definite rate that hardly depends on the current, and
in class 3 there are a few spikes at the onset, and no current makes it fire on.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from hhcore.base.units import column_name
from hhcore.experiments.experiment import Experiment
from hhcore.experiments.protocol import Begun
from hhcore.model.model import Model
from hhcore.protocols.rheobase.searching import (
    KEYS,
    SEARCH,
    STATUS,
    Searching,
    found_in,
    found_schema,
    read_search,
    record_of,
    relative_errors,
    status_of,
)
from hhcore.schemes.solver import Solver
from hhcore.simulation.result import Column, Result
from hhcore.simulation.search.firing import Firing, Spiking, Sustained, mean_rates
from hhcore.simulation.search.thresholds import FAILED, FOUND, OUTCOMES, SEVERAL, Thresholds, continued, search
from hhcore.simulation.search.trials import Tested, patient
from hhcore.simulation.stimuli.step import Step
from hhcore.simulation.stimuli.stimulus import Stimulus

ABOVE = (1e-3, 1e-1)  # shares by which the current exceeds the threshold of firing that goes on, where rates are taken
CLOSELY = 1e-4  # thresholds are searched at least so closely, since rates are taken just above them
DOUBLES = 2.0  # class 1: between these two, the rate grows by this factor at least
ONCE, ON = "spike_", "sustained_"  # of columns in the store
RATES = ("onset_rate", "further_rate")


@dataclass(frozen=True)
class Excitability(Searching):
    """Two searches for each neuron, and a run at each of ABOVE."""

    kind = "excitability"
    title = "Hodgkin's classes of excitability"
    keys = {"within": KEYS["within"]}
    schema = pa.unify_schemas(
        [found_schema(ONCE), found_schema(ON), pa.schema([(name, pa.float64()) for name in RATES])]
    )

    @classmethod
    def takes(cls, stimulus: type[Stimulus]) -> bool:
        """It takes a current that lasts."""
        return stimulus.in_currents() is Step

    @classmethod
    def read(cls, body: Mapping[str, object], model: Model, duration: float, where: str) -> "Excitability":
        """Raises UserError for a share that is not legal."""
        found = read_search({key: body[key] for key in cls.keys if key in body}, where)
        return cls(**found, firing="sustained", units=(model.current.unit, model.states[model.potential].unit))

    def suited(self, stimulus: type[Stimulus], swept: tuple[str, ...], where: str) -> "Excitability":
        """With the columns of the current."""
        found = super().suited(stimulus, swept, where)
        definitions = excitability_definitions(found.unit)
        own = {"definitions": definitions, "headline": ("excitability_class", "Hodgkin's class", "1")}
        for name, value in own.items():
            object.__setattr__(found, name, value)
        return found

    @property
    def supplied_from(self) -> dict[str, str]:
        """The current with which it fires on; of class 3, with which it spikes."""
        return {self.field: column_name("fires_with", self.unit)}

    def response(self, experiment: Experiment) -> Firing:
        """Firing that goes on; a spike is searched besides."""
        e = experiment
        return Sustained(e.threshold, e.rearm, e.analysis_window[1])

    def searched_of(
        self,
        experiment: Experiment,
        tested: Tested,
        status: np.ndarray,
        known: Mapping[str, Column] | None,
        progress: Callable[[int], None] | None,
    ) -> Result:
        """Both thresholds of each, then the rates."""
        e, on, once = experiment, tested, self._once(tested)
        if known is None:
            found, lasting = search(once, self._closely), search(on, self._closely, progress=progress)
        else:
            found = continued(once, found_in(known, ONCE), self._closely)
            lasting = continued(on, found_in(known, ON), self._closely, progress)
        record = record_of(found, ONCE) | record_of(lasting, ON)
        record |= dict(zip(RATES, self._rates(e, on, lasting), strict=True))
        record |= {
            "status": np.maximum(status_of(found, status), status_of(lasting, status)),
            "ended": np.minimum(found.ended, lasting.ended),
            "steps": found.steps + lasting.steps,
            "final": on.states,
        }
        return Result(record, e.analysis_window, e.model.ms, sum(on.seconds), mV=e.model.mV)

    def unfinished(self, record: Mapping[str, np.ndarray]) -> np.ndarray:
        """Where one of the brackets is too wide."""
        return found_in(record, ONCE).wide(self._closely) | found_in(record, ON).wide(self._closely)

    @property
    def _closely(self) -> float:
        return min(self.within, CLOSELY)

    @staticmethod
    def _once(on: Tested) -> Tested:
        """The same neurons, of which one spike is asked: the kernel is that of `on`."""
        one = Spiking(on.firing.threshold, on.firing.rearm)
        engine = on.population.engine
        observers = one.observers(engine.kind, engine.model.ms, engine.model.mV)
        return replace(on, population=replace(on.population, engine=replace(engine, observers=observers)), firing=one)

    def _rates(self, e: Experiment, on: Tested, lasting: Thresholds) -> np.ndarray:
        """Rates above the threshold in spikes per unit of time, float64 (2, n), NaN without a threshold.

        They are taken between the threshold and the middle of the way to where firing ends. The threshold is taken to
        CLOSELY, so that rates do not depend on how closely it is searched.
        """
        rates = np.full((len(ABOVE), len(on.states)), np.nan)
        rows = np.flatnonzero(np.isin(lasting.outcome, (FOUND, SEVERAL)))
        if len(rows):
            found = lasting.of(rows).coarser(CLOSELY)
            farthest = np.where(np.isnan(found.block_low), np.inf, (found.high + found.block_low) / 2)
            for rate, above in zip(rates, ABOVE, strict=True):
                current = np.minimum((1.0 + above) * found.high, farthest)
                run, seconds = (
                    patient(on.population.of(rows))
                    .with_fields(**{self.field: current})
                    .run(on.states[rows], [e.duration])
                )
                on.seconds.append(seconds)
                rate[rows] = mean_rates(run["spikes"], e.analysis_window)
        return rates

    # --- what is made of them

    def errors(self, run: Result, exact: Result, experiment: Experiment) -> np.ndarray:
        """The larger of the relative errors of both thresholds."""
        both = ((found_in(run.record, prefix), found_in(exact.record, prefix)) for prefix in (ONCE, ON))
        return np.fmax(*(relative_errors(*pair) for pair in both))

    def outcome(self, run: Result) -> np.ndarray:
        """The class; 0 without one."""
        return classes(run.record)

    def columns(self, result: Result) -> dict[str, np.ndarray]:
        record, ms = result.record, result.ms
        once, on = (found_in(record, prefix).coarser(self.within) for prefix in (ONCE, ON))
        found = classes(record)
        words = np.array([*OUTCOMES], dtype=object)
        return {
            "excitability_class": np.ma.masked_array(found, found == 0),
            column_name("rheobase", self.unit): once.value,
            column_name("sustained_from", self.unit): on.value,
            column_name("sustained_to", self.unit): on.block,
            column_name("fires_with", self.unit): np.where(np.isfinite(on.high), on.high, once.high),
            **{f"{name}_Hz": record[name] * 1000.0 / ms for name in RATES},
            "rheobase_search": words[once.outcome.astype(int)],
            "sustained_search": words[on.outcome.astype(int)],
            **self.numerics(result),
        }

    def begun(self, experiment: Experiment, solver: Solver, points: np.ndarray, *, threads: int = 1) -> Begun:
        """A trace shows firing just above the threshold at which it goes on; without it, a spike at the rheobase."""
        on, status = self.tested(experiment, solver, points, threads)
        once, lasting = search(self._once(on), self._closely), search(on, self._closely)
        value = np.where(np.isfinite(lasting.high), (1.0 + ABOVE[0]) * lasting.high, once.high)
        columns = dict(zip(experiment.quantities, points.T, strict=True))
        stimulus = replace(experiment.stimuli(columns), **{self.field: np.nan_to_num(value)})
        return Begun(stimulus, on.states, {"status": status})

    def facts(self, experiment: Experiment) -> Iterable[tuple[str, str]]:
        yield "Searched", "least current for a spike, and for firing that goes on to the end of the analysis window"
        yield "Searched to within", f"{self.within:g} of each, by bisection"
        yield "Rates", f"{100 * ABOVE[0]:g} % and {100 * ABOVE[1]:g} % above the second"


def classes(record: Mapping[str, np.ndarray]) -> np.ndarray:
    """Hodgkin's class of n neurons, int64 (n,); 0 of those that have none."""
    known = (FOUND, SEVERAL)
    outcomes = [found_in(record, prefix).outcome for prefix in (ONCE, ON)]
    once, on = (np.isin(outcome, known) for outcome in outcomes)
    once &= outcomes[1] != FAILED
    onset, further = (record[name] for name in RATES)
    slow = np.isnan(onset) | (onset * DOUBLES <= further)  # no rate: fewer than two spikes in the analysis window
    known = np.isfinite(further)
    return np.select([once & on & known & slow, once & on & known, once & ~on], [1, 2, 3], 0).astype(np.int64)


def excitability_definitions(unit: str) -> dict[str, tuple[str, str]]:
    """Unit and definition of the columns of a current in `unit`."""
    onset, further = (f"{100 * above:g} %" for above in ABOVE)
    return {
        "excitability_class": (
            "1",
            f"Hodgkin's class. 1: firing goes on above a threshold, and from {onset} to {further} above it the rate "
            f"grows by a factor of {DOUBLES:g} at least; 2: by less; 3: spikes, but no current with which firing goes "
            "on; null for a neuron that fires without a current, or that no current makes fire",
        ),
        column_name("rheobase", unit): (unit, "least current that makes a spike; 0 of a neuron that fires without it"),
        column_name("sustained_from", unit): (unit, "least current with which firing goes on"),
        column_name("sustained_to", unit): (unit, "where that ends again; null if it does not in what was tried"),
        column_name("fires_with", unit): (
            unit,
            "the smallest current known to make it fire on, the upper end of the bracket; of class 3, to make it spike",
        ),
        "onset_rate_Hz": ("Hz", f"firing rate {onset} above the current from which firing goes on"),
        "further_rate_Hz": ("Hz", f"firing rate {further} above it, or half-way to where firing ends, if that is less"),
        "rheobase_search": ("1", SEARCH),
        "sustained_search": ("1", SEARCH),
    } | STATUS
