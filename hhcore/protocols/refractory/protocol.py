"""Refractory period: a first stimulus makes a spike, a second one is searched that makes another."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyarrow as pa

from hhcore.base.checks import Key
from hhcore.base.errors import UserError, collected
from hhcore.base.units import column_name
from hhcore.experiments.experiment import Experiment
from hhcore.experiments.protocol import Begun
from hhcore.grid.listed import check_different, listed, read_time, read_times
from hhcore.model.model import Model
from hhcore.protocols.refractory.phases import CLOSELY, MARGIN, PHASES, Recovering
from hhcore.protocols.restitution import runs
from hhcore.protocols.restitution.runs import folded, folded_schema, unfolded
from hhcore.protocols.rheobase.searching import (
    KEYS,
    SEARCH,
    STATUS,
    THRESHOLD_ERROR,
    Searching,
    found_in,
    found_schema,
    read_search,
    record_of,
    relative_errors,
)
from hhcore.schemes.solver import Solver
from hhcore.simulation.result import NO_STABLE_REST, Column, Result
from hhcore.simulation.search.firing import Firing, Spiking
from hhcore.simulation.search.scale import scales
from hhcore.simulation.search.thresholds import FOUND, OUTCOMES, SEVERAL, Thresholds, continued, search
from hhcore.simulation.stimuli.stimulus import Stimulus

PHASES_WITHIN = 1e-3  # ms
BISECTIONS = 12  # of the end of the first phase, about, each a search
ENDING = ("shock", "step", "pulse", "biphasic")  # kinds of stimuli that end
REST = "rest_"  # of columns in the store: the threshold at rest
INTERVAL = pa.schema([("interval", pa.float64()), *found_schema()])
NO_SPIKE = "no_first_spike"
WORDS = (*OUTCOMES, NO_SPIKE)
HEARD = f"{SEARCH}; {NO_SPIKE}: the first stimulus makes no spike"
RECOVERY_ERROR = replace(
    THRESHOLD_ERROR,
    meaning="largest relative difference of a threshold from the reference, at rest and over the intervals; null "
    "without a threshold",
    outcome="thresholds",
    outcome_meaning="intervals at which there is a threshold",
    reference_meaning="intervals at which the reference has a threshold",
    fragile_meaning="whether that number depends on the accuracy, or the neuron cannot be certified",
)


@dataclass(frozen=True)
class Refractory(Searching):
    """The threshold after each interval.

    intervals     : from the onset of the first stimulus to that of the second, rising [the model's unit of time]
    phases_within : how closely the ends of phases are bisected [the model's unit of time]
    """

    intervals: tuple[float, ...] = ()
    phases_within: float = PHASES_WITHIN

    kind = "refractory"
    title = "refractory period"
    keys = {
        "intervals": Key(
            "from the onset of the first stimulus to that of the second",
            "intervals: {range: [2, 30, 1]}",
            required=True,
            elsewhere=dict.fromkeys(("ISI", "isi", "delays", "interval", "lags"), "`intervals: [...]`"),
        ),
        "within": KEYS["within"],
        "phases_within": Key(
            "how closely the ends of the phases are searched",
            "phases_within: 1 us",
            otherwise=f"{1000 * PHASES_WITHIN:g} us",
            unit="time",
        ),
    }
    supplies = ("start",)
    accuracy = RECOVERY_ERROR
    schema = pa.unify_schemas(
        [
            found_schema(REST),
            folded_schema(INTERVAL),
            pa.schema([(name, pa.float64()) for name in ("first_spikes", *PHASES)]),
        ]
    )
    fields: ClassVar[Mapping[str, tuple[str, str]]]

    @classmethod
    def takes(cls, stimulus: type[Stimulus]) -> bool:
        """It takes a stimulus that ends."""
        return stimulus.kind in ENDING

    @classmethod
    def read(cls, body: Mapping[str, object], model: Model, duration: float, where: str) -> "Refractory":
        """Raises UserError for values that are not legal."""
        found: dict[str, object] = {"phases_within": PHASES_WITHIN / model.ms}
        with collected() as noted:
            with noted():
                found |= read_search({key: body[key] for key in ("within",) if key in body}, where)
            with noted():
                intervals = read_times(body["intervals"], model, f"{where}.intervals")
                check_different(intervals, "each begins in the same state", f"{where}.intervals")
                found["intervals"] = tuple(sorted(intervals))
            with noted():
                if "phases_within" in body:
                    found["phases_within"] = read_time(body["phases_within"], model, f"{where}.phases_within")
        return cls(**found, units=(model.current.unit, model.states[model.potential].unit))

    def suited(self, stimulus: type[Stimulus], swept: tuple[str, ...], where: str) -> "Refractory":
        """With the columns of what is searched."""
        found = super().suited(stimulus, swept, where)
        own = {
            "definitions": refractory_definitions(found.unit),
            "fields": recovery_definitions(found.unit),
            "headline": ("absolute_refractory_ms", "Absolute refractory period", "ms"),
        }
        for name, value in own.items():
            object.__setattr__(found, name, value)
        return found

    @property
    def supplied(self) -> dict[str, float]:
        """Both stimuli begin at the beginning of a run."""
        return {"start": 0.0}

    @property
    def settings(self) -> tuple:
        """Besides those of all searches, the intervals, and how closely the ends of phases are known."""
        return *super().settings, self.intervals, self.phases_within

    def check_stimuli(self, highest: Mapping[str, float], model: Model, duration: float, where: str) -> None:
        """Raise UserError for a first stimulus that has not ended before the second, and for a train of pulses."""
        super().check_stimuli(highest, model, duration, where)
        shortest, unit = self.intervals[0] if self.intervals else inf, model.time_unit
        if highest.get("period", inf) < duration:
            raise UserError(f"{where}.period: the protocol has two stimuli of one pulse each; leave period out")
        ends = length(highest)
        if ends >= shortest:
            raise UserError(
                f"{where}: the first stimulus lasts for {ends:g} {unit}, and the second one comes after {shortest:g} "
                f"{unit}; give a shorter stimulus, such as a step with a `stop`, or longer intervals"
            )

    def response(self, experiment: Experiment) -> Firing:
        """A spike."""
        return Spiking(experiment.threshold, experiment.rearm)

    def measure(
        self,
        experiment: Experiment,
        solver: Solver,
        points: np.ndarray,
        *,
        threads: int = 1,
        progress: Callable[[int], None] | None = None,
    ) -> Result:
        """All searches from the beginning."""
        result = self._searched(experiment, solver, points, threads, None)
        if progress is not None:
            progress(len(points))
        return result

    def continued(
        self,
        experiment: Experiment,
        solver: Solver,
        points: np.ndarray,
        known: Mapping[str, Column],
        *,
        threads: int = 1,
        progress: Callable[[int], None] | None = None,
    ) -> Result:
        """Go on from the brackets in the store."""
        result = self._searched(experiment, solver, points, threads, known)
        if progress is not None:
            progress(len(points))
        return result

    def unfinished(self, record: Mapping[str, Column]) -> np.ndarray:
        """Where one of the brackets is too wide."""
        found = found_in(unfolded(record, INTERVAL)).wide(self.within).reshape(-1, len(self.intervals))
        return found.any(axis=1) | found_in(record, REST).wide(min(self.within, CLOSELY))

    def _searched(
        self, e: Experiment, solver: Solver, points: np.ndarray, threads: int, known: Mapping[str, Column] | None
    ) -> Result:
        """The threshold at rest, those after each interval, of the sign of the first stimulus; then ends of phases.

        known : the record of the neurons in the store, if there is one
        """
        n, k = len(points), len(self.intervals)
        first, status = self.tested(e, solver, points, threads)
        scale = scales(first.population, first.states, first.duration, first.searched, first.firing.threshold)
        scale = np.copysign(scale, first.population.values(self.field))
        recovering = Recovering(first, scale)
        spikes, failed = recovering.spikes(max(e.duration, self.intervals[-1]))
        pairs, closely = (np.repeat(np.arange(n), k), np.tile(self.intervals, n)), min(self.within, CLOSELY)
        if known is None:
            rest, found = search(first, closely, scale=scale), recovering.thresholds(*pairs, self.within)
        else:
            rest = continued(first, found_in(known, REST), closely)
            found = recovering.continued(*pairs, found_in(unfolded(known, INTERVAL)), self.within)
        nothing = (failed > 0) | (spikes == 0)
        phases = self._phases(recovering, rest, found, nothing, known)
        worst = np.maximum(np.maximum(rest.failed, failed), found.failed.reshape(n, k).max(axis=1))
        record = record_of(rest, REST) | phases | {"first_spikes": np.where(failed > 0, np.nan, spikes)}
        record |= folded(record_of(found) | {"interval": pairs[1]}, INTERVAL, np.full(n, k))
        record |= {
            "status": np.where(worst > 0, worst + NO_STABLE_REST, status).astype(np.int8),
            "ended": np.minimum(rest.ended, found.ended.reshape(n, k).min(axis=1)),
            "steps": rest.steps + found.steps.reshape(n, k).sum(axis=1),
            "final": first.states,
        }
        return Result(record, e.analysis_window, e.model.ms, sum(first.seconds), mV=e.model.mV)

    def _phases(
        self,
        recovering: Recovering,
        rest: Thresholds,
        found: Thresholds,
        nothing: np.ndarray,
        known: Mapping[str, Column] | None,
    ) -> dict[str, np.ndarray]:
        """The ends of phases of n neurons. Those in the store hold where all searches end as they did.

        nothing : bool (n,), whether there is no first spike
        """
        n, times = len(nothing), np.array(self.intervals)
        outcome = np.where(nothing[:, None], -1, found.outcome.reshape(n, -1))
        resting = _resting(rest)
        rows, ends = np.arange(n), {name: np.full(n, np.nan) for name in PHASES}
        if known is not None:
            ends = {name: known[name].copy() for name in PHASES}
            before = found_in(unfolded(known, INTERVAL)).outcome.reshape(n, -1)
            other = (found.outcome.reshape(n, -1) != before).any(axis=1)
            rows = np.flatnonzero(other | (resting != _resting(found_in(known, REST))))
        if len(rows):
            again = recovering.of(rows).phases(times, outcome[rows], resting[rows], self.phases_within)
            for name, values in again.items():
                ends[name][rows] = values
        return ends

    # --- what is made of it

    def recovery(self, result: Result) -> dict[str, np.ndarray]:
        """The columns of refractory.parquet, a row for each neuron and interval."""
        record, ms, n = result.record, result.ms, len(result.status)
        each = unfolded(record, INTERVAL)
        neuron = np.repeat(np.arange(n, dtype=np.int32), len(self.intervals))
        found, rest = found_in(each).coarser(self.within), self._rest(result)[neuron]
        silent = ~(record["first_spikes"] > 0)[neuron]
        failed = np.isnan(record["first_spikes"])[neuron]
        word = np.array(WORDS, dtype=object)[np.where(silent, len(OUTCOMES), found.outcome.astype(int))]
        word[failed] = "failed"
        gone = np.where(silent, np.nan, 0.0)
        return {
            "neuron": neuron,
            "interval_ms": each["interval"] * ms,
            column_name("threshold", self.unit): found.value + gone,
            "threshold_ratio": found.value / np.where(rest != 0, rest, np.nan) + gone,
            "latency_ms": found.latency * ms + gone,
            "search": word,
        }

    def columns(self, result: Result) -> dict[str, np.ndarray]:
        record, ms, n = result.record, result.ms, len(result.status)
        table, spikes, rest = self.recovery(result), record["first_spikes"], self._rest(result)
        absolute, relative, begin, end = (record[name] * ms for name in PHASES)
        ratio = np.where(np.isnan(table["threshold_ratio"]), inf, table["threshold_ratio"]).reshape(n, -1)
        ratio[table["interval_ms"].reshape(n, -1) < absolute[:, None]] = inf
        least, at = ratio.min(axis=1), ratio.argmin(axis=1)
        known = np.isfinite(least)
        return {
            column_name("resting_threshold", self.unit): rest,
            "absolute_refractory_ms": absolute,
            "relative_refractory_ms": relative,
            "supernormal_begin_ms": begin,
            "supernormal_end_ms": end,
            "least_ratio": np.where(known, least, np.nan),
            "least_ratio_interval_ms": np.where(known, table["interval_ms"].reshape(n, -1)[np.arange(n), at], np.nan),
            "first_spikes": np.ma.masked_array(np.nan_to_num(spikes).astype(np.int64), np.isnan(spikes)),
            "resting_search": np.array([*OUTCOMES], dtype=object)[record[f"{REST}outcome"].astype(int)],
            **self.numerics(result),
        }

    def _rest(self, result: Result) -> np.ndarray:
        """The thresholds at rest, as closely as is asked for, float64 (n,)."""
        return found_in(result.record, REST).coarser(self.within).value

    def errors(self, run: Result, exact: Result, experiment: Experiment) -> np.ndarray:
        """The largest relative error of a threshold."""
        ours, theirs = (found_in(unfolded(r.record, INTERVAL)) for r in (run, exact))
        each = relative_errors(ours, theirs).reshape(len(run.status), -1)
        rest = relative_errors(found_in(run.record, REST), found_in(exact.record, REST))
        return np.fmax(rest, np.fmax.reduce(each, axis=1))

    def outcome(self, run: Result) -> np.ndarray:
        """The intervals at which there is a threshold."""
        found = found_in(unfolded(run.record, INTERVAL))
        return np.isin(found.outcome, (FOUND, SEVERAL)).reshape(len(run.status), -1).sum(axis=1)

    def resolution(self, experiment: Experiment) -> dict[str, float]:
        """Ends of phases are bisected; nobody estimates how the solver moves them."""
        ends = ("absolute_refractory_ms", "relative_refractory_ms", "supernormal_begin_ms", "supernormal_end_ms")
        return dict.fromkeys(ends, np.nan)

    def begun(self, experiment: Experiment, solver: Solver, points: np.ndarray, *, threads: int = 1) -> Begun:
        """A trace shows the first stimulus."""
        columns = dict(zip(experiment.quantities, points.T, strict=True))
        first, status = self.tested(experiment, solver, points, threads)
        return Begun(experiment.stimuli(columns), first.states, {"status": status})

    def simulated_ms(self, experiment: Experiment) -> float:
        """A search for each interval, and some more for the end of the first phase."""
        return (len(self.intervals) + BISECTIONS) * super().simulated_ms(experiment)

    def numbers(self, experiment: Experiment) -> float:
        return float(len(self.intervals) * len(INTERVAL) + len(self.schema))

    def facts(self, experiment: Experiment) -> Iterable[tuple[str, str]]:
        unit = experiment.model.time_unit
        yield "Intervals", f"{listed(self.intervals, unit)}, from onset to onset"
        yield "Searched", f"{self.field} of the second {experiment.stimulus.title}, for another spike"
        yield "Searched to within", f"{self.within:g} of its value; ends of phases to {self.phases_within:g} {unit}"

    @classmethod
    def code(cls) -> tuple[Path, ...]:
        """The phases are bisected there."""
        own = Path(__file__).with_name("phases.py"), Path(runs.__file__)
        return *super().code(), *own


def _resting(rest: Thresholds) -> np.ndarray:
    """The resting thresholds that phases are about, whatever `within` is, float64 (n,); NaN without one."""
    return np.where(np.isin(rest.outcome, (FOUND, SEVERAL)), rest.coarser(CLOSELY).value, np.nan)


def length(values: Mapping[str, float]) -> float:
    """How long a stimulus lasts that begins at 0, from its fields; 0 for a shock."""
    width = values.get("width", 0.0) * (1.0 + values.get("width_ratio", 0.0)) + values.get("gap", 0.0)
    return values.get("stop", width)


def refractory_definitions(unit: str) -> dict[str, tuple[str, str]]:
    """Unit and definition of the features, of a stimulus in `unit`."""
    share = f"{100 * MARGIN:g} %"
    return {
        column_name("resting_threshold", unit): (unit, "threshold of the same stimulus without a first one"),
        "absolute_refractory_ms": (
            "ms",
            "shortest interval at which there is a threshold; before it no stimulus of this sign makes an action "
            "potential as it comes; null if there is one at the shortest interval too, or at none",
        ),
        "relative_refractory_ms": (
            "ms",
            f"interval from which a stimulus {share} above the resting threshold fires again",
        ),
        "supernormal_begin_ms": ("ms", f"interval from which a stimulus {share} below the resting threshold fires"),
        "supernormal_end_ms": ("ms", "interval from which that stimulus no longer fires"),
        "least_ratio": ("1", "smallest ratio of a threshold to the resting one, over the intervals"),
        "least_ratio_interval_ms": ("ms", "interval at which it is smallest"),
        "first_spikes": ("1", "spikes after the first stimulus alone; more than one: the neuron fires on"),
        "resting_search": ("1", SEARCH),
    } | STATUS


def recovery_definitions(unit: str) -> dict[str, tuple[str, str]]:
    """Unit and definition of the columns of refractory.parquet."""
    return {
        "neuron": ("1", "row of the neuron in features.parquet, from 0 on"),
        "interval_ms": ("ms", "from the onset of the first stimulus to that of the second"),
        column_name("threshold", unit): (
            unit,
            "least second stimulus that makes a spike; null where there is none, 0 where one comes without it",
        ),
        "threshold_ratio": ("1", "ratio to the resting threshold"),
        "latency_ms": ("ms", "time of the spike, just above the threshold, after the onset of the second stimulus"),
        "search": ("1", HEARD),
    }
