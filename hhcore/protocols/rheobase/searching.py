"""What protocols share that search thresholds: keys, the neurons of a search, columns, the error of a threshold.

They search the amplitude of the stimulus, or its displacement, which a config leaves out. Solvers are judged by the
relative error of thresholds.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import pyarrow as pa

from hhcore.base.checks import Key, choice, quoted
from hhcore.base.errors import UserError, collected
from hhcore.base.units import column_name, to_unit
from hhcore.compile.parts import COMMAND
from hhcore.experiments.experiment import Experiment
from hhcore.experiments.protocol import Accuracy, Protocol
from hhcore.model.model import NOTHING, Model
from hhcore.schemes.solver import Solver
from hhcore.simulation import beats, linear, population, search
from hhcore.simulation.engine import engine
from hhcore.simulation.features import FAILED as FAILED_WORDS
from hhcore.simulation.initial import read_start
from hhcore.simulation.observers import Observer
from hhcore.simulation.population import Population
from hhcore.simulation.rest import initial_states
from hhcore.simulation.result import NO_STABLE_REST, STATUSES, Column, Result
from hhcore.simulation.search.firing import Beating, Firing, Spiking, Sustained
from hhcore.simulation.search.thresholds import OUTCOMES, ROUGHLY, Thresholds
from hhcore.simulation.search.trials import Tested
from hhcore.simulation.stimuli.stimulus import Stimulus

SEARCHED = ("amplitude", "displacement")  # fields of a stimulus that are searched
PREFIX = "search_"  # of columns in the store
WITHIN = 1e-6
DIRECTIONS = ("depolarising", "hyperpolarising")
FIRINGS = ("spike", "sustained", "beat")
MOST_SPIKES = 10_000
TRIALS = 60  # of a neuron, about, to estimate what a search costs
QUICK = 0.2  # of the duration, about, that a trial takes: most are over early
THRESHOLD_ERROR = Accuracy(
    label="Threshold error",
    column="threshold_error_ppm",
    unit="ppm",
    tolerance=("1", 1e-10, 0.1, "between 1e-10 and 0.1; it is the largest relative error of a threshold, such as 1e-6"),
    factor=1e6,
    meaning="relative difference of the threshold from the reference; null without a threshold",
    outcome="firing_intervals",
    outcome_meaning="intervals of values that fire, as far as the search shows",
    reference_meaning="intervals of values that fire, of the reference",
    fragile_meaning="whether the number of intervals depends on the accuracy, or it cannot be certified",
    missing="no threshold",
    none="none fires",
    nothing="No neuron of the sample has a threshold to judge solvers by.",
)
KEYS = {
    "within": Key(
        "how closely thresholds are searched, as a share of each",
        "within: 1e-6",
        otherwise=f"{WITHIN:g}",
        unit="1",
        elsewhere=dict.fromkeys(("precision", "resolution", "tol", "tolerance", "dI", "accuracy"), "`within: 1e-6`"),
    ),
    "firing": Key(
        "what a neuron has to do: `spike`, one or as many as `spikes` says; `sustained`, firing that goes on to the "
        "end of the analysis window; `beat`, an action potential for each pulse",
        "firing: sustained",
        otherwise="`spike`",
        legal=FIRINGS,
    ),
    "spikes": Key(
        "how many spikes make the response `spike`",
        "spikes: 3",
        otherwise="1",
        elsewhere=dict.fromkeys(("n", "count", "n_spikes", "number"), "`spikes: 3`"),
    ),
    "direction": Key(
        "the sign of what is searched: `depolarising` above 0, `hyperpolarising` below",
        "direction: hyperpolarising",
        otherwise="`depolarising`",
        legal=DIRECTIONS,
        elsewhere=dict.fromkeys(("sign", "polarity", "cathodic", "anodic"), "`direction`"),
    ),
}
STATUS = {
    "status": ("1", "how the neuron ended: ok, no_stable_rest, diverged, stalled"),
    "failed_ms": ("ms", "time at which a run failed that the search needs; null if none did"),
    "threshold_error_ppm": (
        "ppm",
        "estimated relative error of the threshold by the solver, to which half the bracket comes; null where it was "
        "not estimated",
    ),
    "fragile": (
        "1",
        "whether the number of intervals depends on the accuracy, or cannot be certified; null where it was not tested",
    ),
}
SEARCH = "; ".join(f"{word}: {meaning}" for word, meaning in OUTCOMES.items())


@dataclass(frozen=True)
class Searching(Protocol):
    """A protocol that searches thresholds; see the head of this file.

    within    : the width of brackets, as a share of their upper ends
    firing    : what counts as a response, a word of FIRINGS
    spikes    : how many, of the response `spike`
    direction : of the values, a word of DIRECTIONS
    field     : of the stimulus, which is searched
    unit      : of that field
    """

    within: float = WITHIN
    firing: str = FIRINGS[0]
    spikes: int = 1
    direction: str = DIRECTIONS[0]
    field: str = SEARCHED[0]
    unit: str = ""
    units: tuple[str, str] = ("", "")

    keys = KEYS
    supplies = SEARCHED
    accuracy = THRESHOLD_ERROR
    searches = True
    searched: ClassVar[tuple[str, ...]] = SEARCHED

    @classmethod
    def takes(cls, stimulus: type[Stimulus]) -> bool:
        """It takes a stimulus that has what is searched."""
        return stimulus.acts != COMMAND and any(name in stimulus.fields for name in cls.searched)

    @classmethod
    def read(cls, body: Mapping[str, object], model: Model, duration: float, where: str) -> Self:
        """Raises UserError for values that are not legal."""
        units = model.current.unit, model.states[model.potential].unit
        return cls(**read_search(body, where), units=units)

    def suited(self, stimulus: type[Stimulus], swept: Sequence[str], where: str) -> Self:
        """The protocol that searches the field of this stimulus. Raises UserError for beats without pulses."""
        if self.firing == "beat" and not stimulus.beat:
            raise UserError(
                f"{where}.firing: 'beat' is an action potential for each pulse, and {quoted(stimulus.kind)} has no "
                "beats; give a pulse_train, or another word: spike, sustained"
            )
        name = next(name for name in self.searched if name in stimulus.fields)
        current, potential = self.units
        unit = {"current": current, "potential": potential}[stimulus.in_currents().fields[name].unit]
        return replace(self, field=name, unit=unit)

    def check_stimuli(self, highest: Mapping[str, float], model: Model, duration: float, where: str) -> None:
        """Raise UserError for a current into a model that has none."""
        if model.current.name == NOTHING and self.field == "amplitude":
            raise UserError(
                f"{where}.kind: nothing is injected into {model.name!r}, so that no amplitude can be searched; name a "
                "`current`, or search the displacement of a shock"
            )

    @property
    def supplied(self) -> dict[str, float]:
        """No current: what is searched comes in place of it."""
        return {self.field: 0.0}

    @property
    def settings(self) -> tuple:
        """All but how closely thresholds are searched: what has been learned is in the store."""
        return self.firing, self.spikes, self.direction, self.field

    @property
    def sign(self) -> float:
        """That of the values that are searched."""
        return 1.0 if self.direction == DIRECTIONS[0] else -1.0

    def response(self, experiment: Experiment) -> Firing:
        """What counts as a response."""
        e, spike = experiment, (experiment.threshold, experiment.rearm)
        if self.firing == "sustained":
            return Sustained(*spike, e.analysis_window[1])
        if self.firing == "beat":
            return Beating(*spike, e.model.ms, e.model.mV)
        return Spiking(*spike, self.spikes)

    def observers(self, experiment: Experiment) -> tuple[Observer, ...]:
        """Those of a trial."""
        e = experiment
        return self.response(e).observers(e.stimulus, e.model.ms, e.model.mV)

    def tested(
        self, experiment: Experiment, solver: Solver, points: np.ndarray, threads: int
    ) -> tuple[Tested, np.ndarray]:
        """The neurons of rows of `Experiment.points`, which begin as the config says, and their status, int8 (n,)."""
        e, (rows, start) = experiment, experiment.parts(points)
        neurons = Population(e.engine(solver.method), rows, solver.accuracy, threads)
        table = neurons.engine.arguments(rows, e.duration)
        states, status = initial_states(neurons.engine, table, read_start(e.model, start))
        return Tested(neurons, states, e.duration, self.field, self.response(e), status == NO_STABLE_REST), status

    def measure(
        self,
        experiment: Experiment,
        solver: Solver,
        points: np.ndarray,
        *,
        threads: int = 1,
        progress: Callable[[int], None] | None = None,
    ) -> Result:
        """Search from the beginning."""
        tested, status = self.tested(experiment, solver, points, threads)
        return self.searched_of(experiment, tested, status, None, progress)

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
        tested, status = self.tested(experiment, solver, points, threads)
        return self.searched_of(experiment, tested, status, known, progress)

    def searched_of(
        self,
        experiment: Experiment,
        tested: Tested,
        status: np.ndarray,
        known: Mapping[str, Column] | None,
        progress: Callable[[int], None] | None,
    ) -> Result:
        """The result of n neurons and the status of their initial states, int8 (n,).

        known : their record in the store, from which the search goes on; None: it begins
        """
        raise NotImplementedError

    def under(self, tested: Tested, stimulus: Stimulus, method: str, field: str) -> Tested:
        """The same n neurons under another kind of stimulus, of which a field is searched.

        stimulus : with numbers, or float64 (n,), in the units of the model; method : of the solver
        """
        own, kind = tested.population.engine, type(stimulus)
        observers = tested.firing.observers(kind, own.model.ms, own.model.mV)
        parameters = tested.population.points[:, : len(own.model.parameters)]
        values = stimulus.columns(own.model, tested.duration).values()
        rows = np.column_stack([parameters, *(np.broadcast_to(x, len(parameters)) for x in values)])
        other = replace(tested.population, engine=engine(own.model, method, kind, observers), points=rows)
        return replace(tested, population=other, searched=field)

    # --- what is made of searches

    def wide(self, record: Mapping[str, np.ndarray]) -> np.ndarray:
        """Whether the brackets of n neurons are wider than is asked for, bool (n,)."""
        return found_in(record).wide(self.within)

    def errors(self, run: Result, exact: Result, experiment: Experiment) -> np.ndarray:
        """Relative difference of the thresholds, float64 (n,)."""
        return relative_errors(found_in(run.record), found_in(exact.record))

    def outcome(self, run: Result) -> np.ndarray:
        """The intervals of values that fire."""
        return np.nan_to_num(found_in(run.record).intervals).astype(np.int64)

    def simulated_ms(self, experiment: Experiment) -> float:
        """That of all trials, of which most are over early."""
        return TRIALS * QUICK * experiment.duration * experiment.model.ms

    def facts(self, experiment: Experiment) -> Iterable[tuple[str, str]]:
        yield "Searched", f"{self.field} of the {experiment.stimulus.title}, {self.direction}, {self.response_words}"
        yield "Searched to within", f"{self.within:g} of its value, by bisection"

    @property
    def response_words(self) -> str:
        """What a neuron has to do, in words."""
        if self.firing == "spike":
            return "for a spike" if self.spikes == 1 else f"for {self.spikes:,} spikes"
        return {"sustained": "for firing that goes on", "beat": "for an action potential after each pulse"}[self.firing]

    def numerics(self, result: Result) -> dict[str, np.ndarray]:
        """The columns of STATUS."""
        status = np.array(STATUSES, dtype=object)[result.status]
        return {
            "status": status,
            "failed_ms": np.where(np.isin(status, FAILED_WORDS), result.ended * result.ms, np.nan),
            "threshold_error_ppm": result.error * 1e6,
            "fragile": np.ma.masked_array(result.fragile == 1, np.isnan(result.fragile)),
        }

    @classmethod
    def code(cls) -> tuple[Path, ...]:
        """How thresholds are searched decides on them."""
        own = sorted(Path(search.__file__).parent.glob("*.py"))
        return *super().code(), *own, *(Path(module.__file__) for module in (population, linear, beats))


def read_search(body: Mapping[str, object], where: str) -> dict[str, object]:
    """The fields of `Searching` from KEYS in a config. Raises UserError for values that are not legal."""
    found: dict[str, object] = {}
    with collected() as noted:
        with noted():
            if "within" in body:
                found["within"] = _share(body["within"], f"{where}.within")
        for key, legal in (("firing", FIRINGS), ("direction", DIRECTIONS)):
            with noted():
                if key in body:
                    found[key] = choice(body[key], legal, f"{where}.{key}")
        with noted():
            if "spikes" in body:
                found["spikes"] = _count(body, f"{where}.spikes")
    return found


def _share(value: object, where: str) -> float:
    share = to_unit(value, "1", where)
    if not 1e-14 <= share <= 0.1:
        raise UserError(f"{where}: {quoted(value)} is not between 1e-14 and 0.1; give a share like 1e-6")
    return share


def _count(body: Mapping[str, object], where: str) -> int:
    value = body["spikes"]
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_SPIKES:
        raise UserError(f"{where}: {quoted(value)} is not a whole number from 1 to {MOST_SPIKES:,}, like 3")
    if body.get("firing", "spike") != "spike":
        raise UserError(
            f"{where}: a number of spikes goes with `firing: spike`, not with {quoted(body['firing'])}; leave one out"
        )
    return value


def status_of(found: Thresholds, begun: np.ndarray) -> np.ndarray:
    """Indices into STATUSES, int8 (n,), from what failed in a search, and the status of the initial states."""
    return np.where(found.failed > 0, found.failed + NO_STABLE_REST, begun).astype(np.int8)


def relative_errors(ours: Thresholds, theirs: Thresholds) -> np.ndarray:
    """Difference of n thresholds, as a share of the second ones, float64 (n,); NaN where one is missing or 0."""
    size = np.abs(theirs.value)
    return np.where(size > 0, np.abs(ours.value - theirs.value) / np.where(size > 0, size, 1.0), np.nan)


def found_schema(prefix: str = PREFIX) -> pa.Schema:
    """The columns of one threshold in the store."""
    return pa.schema([(prefix + own.name, pa.float64()) for own in fields(Thresholds)])


def record_of(found: Thresholds, prefix: str = PREFIX) -> dict[str, np.ndarray]:
    """The columns of n thresholds in a record."""
    return {prefix + own.name: np.asarray(getattr(found, own.name), dtype=np.float64) for own in fields(Thresholds)}


def found_in(record: Mapping[str, np.ndarray], prefix: str = PREFIX) -> Thresholds:
    """The thresholds in a record."""
    return Thresholds(*(record[prefix + own.name] for own in fields(Thresholds)))


def threshold_definitions(unit: str, what: str = "what is searched") -> dict[str, tuple[str, str]]:
    """Unit and definition of `threshold_columns`."""
    named = {
        "threshold": f"least {what} that fires: the middle of its bracket; null where there is none, 0 of a neuron "
        "that fires without it",
        "threshold_low": "largest value known to be silent, the lower end of the bracket",
        "threshold_high": "smallest value known to fire, the upper end of the bracket",
        "block": "where firing ends again above the threshold; null where it does not up to largest_tried",
        "largest_tried": "largest value that was tried",
    }
    found = {column_name(name, unit): (unit, meaning) for name, meaning in named.items()}
    return found | {
        "firing_intervals": ("1", "intervals of values that fire, as far as the search shows"),
        "latency_ms": ("ms", f"time of the first spike {100 * ROUGHLY:g} % above the threshold at most"),
        "search": ("1", SEARCH),
    }


def threshold_columns(found: Thresholds, unit: str, ms: float, within: float) -> dict[str, np.ndarray]:
    """The columns of n thresholds, as a search with this tolerance finds them.

    ms : milliseconds in the model's unit of time
    """
    found = found.coarser(within)
    named = {
        "threshold": found.value,
        "threshold_low": found.low,
        "threshold_high": found.high,
        "block": found.block,
        "largest_tried": found.largest,
    }
    return {column_name(name, unit): values for name, values in named.items()} | {
        "firing_intervals": found.intervals.astype(np.int64),
        "latency_ms": found.latency * ms,
        "search": np.array([*OUTCOMES], dtype=object)[found.outcome.astype(np.int64)],
    }
