"""Protocol: what is done to a neuron, and what is kept of it.

A protocol is a class in a room of its own: a folder in hhcore/protocols/, or an entry point of the group
`hhcore.protocols`. The registry finds it by its class; edit nothing else. An experiment holds one object of it.

1.  `kind` is its word in a config, `protocol: {kind: ...}`. `default_for(stimulus)` says whether an experiment that
    leaves `protocol` out has it; of the protocols of hhcore, exactly one says so for each kind of stimulus.
    `takes(stimulus)` says whether an experiment may name it.
2.  It is a frozen dataclass; its keys in the config set its fields. `keys` declares the keys, each a Key; `read` makes
    the object, checks every value and its unit, and raises UserError for what is wrong. `suited` fits it to the
    stimulus, for keys that name something in it. `check_stimuli` sees how large fields of the stimulus get. One that
    takes `outputs` of the experiment has a field of this name. `settings` are those fields that a neuron's record
    depends on. `supplies` are fields of the stimulus that a config must not write, since the protocol sets those that
    there are itself; `supplied` are their values, the most demanding ones. `ignores` are keys of an experiment that
    have no effect, each with the reason; they must not be written either. `of_traces` are keys of its own that have an
    effect on traces alone, so that there must be some.
3.  `observers` take notes while the kernel runs: hhcore.simulation.observers. `schema` declares the columns of a neuron
    in the store, besides those of all protocols (COMMON); often the observers declare them, see `schema_of`.
    `keeps_final` says whether the last states of all neurons are kept, not of failed ones alone. `measured` says what
    is measured of each action potential, if there are beats.
4.  `measure` simulates neurons with a given solver, by default in one run under the stimulus, and returns a Result
    whose record has the columns of COMMON and of `schema`. A neuron that fails is a row with a status. A row depends on
    its own point alone, to the last bit. `begun` says how that run, and a trace, begins: a protocol that does something
    to neurons before overrides it. With `self_timed`, a config may leave out `duration`, and `lasting` gives it.
5.  `errors` compares two runs, a coarse and a finer one: how far off each neuron is, in the model's unit of time or
    potential, NaN if there is nothing to compare. `heights` compares what else they show, such as peaks; `height_of`
    says which of them bounds the error of a feature, `resolution` what a search adds to it. `outcome` is the whole
    number that must not depend on the solver, such as a spike count. `accuracy` says in words what these measure.
    Together they choose the solver.
6.  `check` simulates one neuron with an independent program, if there is one, and returns how far off the neuron is.
7.  `columns` makes features from the record, with the names, units and meanings in `definitions`. `headline` is the
    feature that matters most: its column, a label, its unit. `along` are the quantities that curves go along.
    `facts` are lines for the page on what was run, which leaves out what it `supplies` and `ignores`.
8.  `simulated_ms` and `numbers` say what a neuron costs: simulated time, and stored numbers.
9.  `code` names the files that a result depends on: by default those of its class and of its base classes. A change in
    them simulates the neurons again, so code that only turns results into columns belongs in other files.
    `error_code` names the files that `errors` depends on; they count if every neuron is certified.
10. One that `searches` may find `unfinished` rows in the store, if a config asks for more: `continued` goes on there.
    How far it goes is none of the `settings`, and `columns` show no more than is asked for, whatever the store knows.
    `supplied_from` names, for a field that it searches, the column of features with the value at which pages show a
    neuron.
"""

import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pyarrow as pa

from hhcore.base.checks import Key
from hhcore.base.registry import discover
from hhcore.model.model import Model
from hhcore.schemes.solver import Solver
from hhcore.simulation.action_potentials import USUAL, ActionPotentials
from hhcore.simulation.initial import InitialState
from hhcore.simulation.observers import Observer, standard_observers
from hhcore.simulation.observers.observer import RecordField
from hhcore.simulation.result import Column, Result
from hhcore.simulation.simulate import simulate
from hhcore.simulation.stimuli.stimulus import Stimulus

if TYPE_CHECKING:
    from hhcore.experiments.experiment import Experiment
    from hhcore.simulation.outputs import Output

# The record of every neuron: how, when and in which states it ended, the steps it tried, what a finer run shows, and
# the rheobase that its currents are shares of.
COMMON = pa.schema(
    [
        ("status", pa.int8()),
        ("ended", pa.float64()),
        ("final", pa.list_(pa.float64())),
        ("steps", pa.float64()),
        ("error", pa.float64()),
        ("fragile", pa.float64()),
        ("rheobase", pa.float64()),
    ]
)


@dataclass(frozen=True)
class Height:
    """Something else that a solver may get wrong, such as a peak or a duration.

    column  : of its error, unit last: `peak_error_mV`; `unit`, `meaning` : its unit and definition
    share   : the largest error that a solver chosen by a tolerance may leave, as a share of the size in the sample
    """

    column: str
    unit: str
    meaning: str
    share: float = 1e-3

    @classmethod
    def of(cls, output: "Output") -> "Height":
        """That of an output."""
        meaning = f"error of {output.column}; null where the neuron or the reference failed"
        return cls(output.error_column, output.unit, meaning, output.share)

    @property
    def value_column(self) -> str:
        """The column of what the error is of: `peak_mV`."""
        return "".join(self.column.rpartition("_error")[::2])

    @property
    def name(self) -> str:
        """What the error is of, in words: `peak`."""
        return self.column.rpartition("_error")[0].replace("_", " ")

    @property
    def worst_key(self) -> str:
        """The entry of the certificate for the worst error: `peak_error_worst_mV`."""
        name, error, unit = self.column.rpartition("_error")
        return f"{name}{error}_worst{unit}"


@dataclass(frozen=True)
class Accuracy:
    """What the error of a protocol measures, in words and units.

    label     : `Spike-time error`
    column    : the column of the error, unit last: `spike_time_error_us`; `unit` : its unit
    tolerance : unit of `Experiment.tolerance` (ms for times, mV for potentials), the smallest and the largest legal
                one, both in words
    factor    : from the unit of the tolerance to that of the column
    meaning   : definition of the column, for one neuron of the sample
    outcome   : column of the whole number that must not depend on the solver: `spike_count`; `outcome_meaning`,
                `reference_meaning`, `fragile_meaning` : definitions of it, of that of the reference, and of `fragile`
    missing   : why a neuron has no error: `does not fire`; `none` : the same of all neurons, in two words;
                `nothing` : in a sentence
    heights   : what else is judged
    """

    label: str
    column: str
    unit: str
    tolerance: tuple[str, float, float, str]
    factor: float
    meaning: str
    outcome: str
    outcome_meaning: str
    reference_meaning: str
    fragile_meaning: str
    missing: str
    none: str
    nothing: str
    heights: tuple[Height, ...] = ()

    @property
    def name(self) -> str:
        """The column without its unit: `spike_time_error`."""
        return self.column.rpartition("_")[0]

    @property
    def suffix(self) -> str:
        """The unit in the name of the column: `us`."""
        return self.column.rpartition("_")[2]

    def judging(self, outputs: Sequence["Output"]) -> "Accuracy":
        """The same with the errors of outputs."""
        return replace(self, heights=(*self.heights, *map(Height.of, outputs)))

    def scale(self, model: Model) -> float:
        """The factor from the unit of `Protocol.errors`, the model's, to that of the tolerance."""
        return {"ms": model.ms, "mV": model.mV}.get(self.tolerance[0], 1.0)


@dataclass(frozen=True)
class Begun:
    """How the run of n neurons begins.

    stimulus : from then on
    start    : the initial states
    record   : columns of the protocol's record that are known by then; their `status` holds if it is worse than that of
               the run
    """

    stimulus: Stimulus
    start: InitialState
    record: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Protocol:
    """What every protocol has; see the head of this file."""

    kind: ClassVar[str]
    title: ClassVar[str]
    keys: ClassVar[Mapping[str, Key]] = {}
    keeps_final: ClassVar[bool] = False
    supplies: ClassVar[tuple[str, ...]] = ()
    ignores: ClassVar[Mapping[str, str]] = {}
    of_traces: ClassVar[tuple[str, ...]] = ()
    self_timed: ClassVar[bool] = False
    searches: ClassVar[bool] = False
    schema: ClassVar[pa.Schema]
    accuracy: ClassVar[Accuracy]
    definitions: ClassVar[Mapping[str, tuple[str, str]]]
    headline: ClassVar[tuple[str, str, str]]
    measured: ClassVar[ActionPotentials] = USUAL
    error_code: ClassVar[tuple[str | Path, ...]] = ()

    @classmethod
    def default_for(cls, stimulus: type[Stimulus]) -> bool:
        """Whether an experiment with this kind of stimulus has the protocol without naming it (rule 1)."""
        return False

    @classmethod
    def takes(cls, stimulus: type[Stimulus]) -> bool:
        """Whether the protocol goes with this kind of stimulus (rule 1)."""
        return True

    @classmethod
    def read(cls, body: Mapping[str, object], model: Model, duration: float, where: str) -> "Protocol":
        """The protocol of an experiment, from its own keys in the config (rule 2)."""
        return cls()

    @classmethod
    def lasting(cls, body: Mapping[str, object], longest: Mapping[str, float], model: Model, where: str) -> float:
        """How long a run is whose `duration` is left out, in the model's unit of time (rule 4).

        body    : the protocol's own keys in the config
        longest : the largest value of each field of the stimulus, but for those that the protocol supplies
        """
        raise NotImplementedError

    @property
    def supplied(self) -> Mapping[str, float]:
        """The values of `supplies`, by which the stimulus of a grid is checked (rule 2)."""
        return {}

    @property
    def settings(self) -> tuple:
        """What a neuron's record depends on besides code (rule 2)."""
        return astuple(self)

    def suited(self, stimulus: type[Stimulus], swept: Collection[str], where: str) -> "Protocol":
        """The protocol for a stimulus of which these fields are swept, among others (rule 2)."""
        return self

    @property
    def supplied_from(self) -> Mapping[str, str]:
        """Columns of features by fields of the stimulus, with which a page shows a neuron (rule 10)."""
        return {}

    def check_stimuli(self, highest: Mapping[str, float], model: Model, duration: float, where: str) -> None:
        """Raise UserError if the protocol does not go with the stimuli (rule 2).

        highest  : the largest value of each field of the stimulus, as far as it is known
        duration : of a run, infinite if it is not known
        """

    def observers(self, experiment: "Experiment") -> tuple[Observer, ...]:
        """The observers in the kernels of the experiment (rule 3)."""
        e = experiment
        spikes = e.threshold, e.rearm, e.analysis_window
        return standard_observers(e.stimulus, *spikes, e.model.ms, e.model.mV, self.measured)

    def measure(
        self,
        experiment: "Experiment",
        solver: Solver,
        points: np.ndarray,
        *,
        threads: int = 1,
        progress: Callable[[int], None] | None = None,
    ) -> Result:
        """Simulate rows of `Experiment.points`, float64 (n, quantities): by default in one run (rule 4)."""
        begun = self.begun(experiment, solver, points, threads=threads)
        run = self.run(experiment, solver, points, begun, threads=threads, progress=progress)
        record = dict(begun.record)
        status = np.maximum(run.status, record.pop("status", run.status))
        return run.adding(**record, status=status)

    def run(
        self,
        experiment: "Experiment",
        solver: Solver,
        points: np.ndarray,
        begun: Begun,
        *,
        threads: int = 1,
        progress: Callable[[int], None] | None = None,
    ) -> Result:
        """One run of rows of `Experiment.points` that begins like this, with the observers of the protocol (rule 4)."""
        e = experiment
        columns = dict(zip(e.quantities, points.T, strict=True))
        return simulate(
            e.model,
            e.parameters(columns),
            begun.stimulus,
            duration=e.duration,
            initial_state=begun.start,
            method=solver.method,
            **{solver.setting: solver.accuracy},
            analysis_window=e.analysis_window,
            threshold=e.threshold,
            rearm=e.rearm,
            observers=self.observers(e),
            threads=threads,
            progress=progress,
        )

    def begun(self, experiment: "Experiment", solver: Solver, points: np.ndarray, *, threads: int = 1) -> Begun:
        """How the run of rows of `Experiment.points` begins: by default as the config says (rule 4)."""
        columns = dict(zip(experiment.quantities, points.T, strict=True))
        return Begun(experiment.stimuli(columns), experiment.start(columns))

    def unfinished(self, record: Mapping[str, Column]) -> np.ndarray:
        """Which of the n neurons in a record of the store want more, bool (n,) (rule 10)."""
        raise NotImplementedError

    def continued(
        self,
        experiment: "Experiment",
        solver: Solver,
        points: np.ndarray,
        known: Mapping[str, Column],
        *,
        threads: int = 1,
        progress: Callable[[int], None] | None = None,
    ) -> Result:
        """The result of rows of `Experiment.points` that are unfinished, from their record in the store (rule 10)."""
        raise NotImplementedError

    def errors(self, run: Result, exact: Result, experiment: "Experiment") -> np.ndarray:
        """Largest error of each neuron of `run`, float64 (n,) (rule 5)."""
        raise NotImplementedError

    def heights(self, run: Result, exact: Result, experiment: "Experiment") -> Mapping[str, tuple[np.ndarray, float]]:
        """Of each of `accuracy.heights`, by column: its errors, float64 (n,), and the size to compare with (rule 5)."""
        return {}

    def height_of(self, feature: str) -> Height | None:
        """That whose error bounds the one of a feature, by its column: by default its own (rule 5)."""
        return next((height for height in self.accuracy.heights if height.value_column == feature), None)

    def resolution(self, experiment: "Experiment") -> Mapping[str, float]:
        """How closely features are searched, by column [their unit]: an error besides the solver's (rule 5).

        NaN if the error of a feature is not known.
        """
        return {}

    def outcome(self, run: Result) -> np.ndarray:
        """The whole number of each neuron that must not depend on the solver, int64 (n,) (rule 5)."""
        raise NotImplementedError

    def check(
        self, experiment: "Experiment", point: np.ndarray, run: Result, row: int, scipy: tuple[str, float]
    ) -> float | None:
        """Largest difference of a row of `run` from the answer of an independent program, None without one (rule 6).

        scipy : the method of scipy.integrate that suits the model, and its tolerance
        """
        return None

    def columns(self, result: Result) -> dict[str, np.ndarray]:
        """The features of n neurons by name, (n,) each (rule 7)."""
        raise NotImplementedError

    def along(self, experiment: "Experiment") -> tuple[str, ...]:
        """The swept quantities that curves in figures go along, the main one first (rule 7)."""
        axis = experiment.stimulus.axis
        return (axis,) if axis in experiment.swept else ()

    def facts(self, experiment: "Experiment") -> Iterable[tuple[str, str]]:
        """What was done besides stimulating, a word and its meaning each (rule 7)."""
        return ()

    def simulated_ms(self, experiment: "Experiment") -> float:
        """Simulated time of one neuron [ms] (rule 8)."""
        return experiment.duration * experiment.model.ms

    def numbers(self, experiment: "Experiment") -> float:
        """About how many numbers of a neuron are stored, without its states (rule 8)."""
        return float(len(self.schema))

    @classmethod
    def code(cls) -> tuple[Path, ...]:
        """The files that a result depends on (rule 9)."""
        classes = [c for c in cls.__mro__ if issubclass(c, Protocol) and c is not Protocol]
        return tuple(dict.fromkeys(Path(sys.modules[c.__module__].__file__) for c in classes))


def schema_of(*observers: type[Observer] | Observer) -> pa.Schema:
    """The columns that observers fill: numbers, or lists whose rows have the `width` in the column's metadata.

    Of an observer whose `fields` depend on its settings, the object is needed.
    """
    return pa.schema([_field(field) for observer in observers for field in observer.fields])


def _field(field: RecordField) -> pa.Field:
    kind = pa.from_numpy_dtype(field.dtype)
    if field.width is None:
        return pa.field(field.name, kind)
    return pa.field(field.name, pa.large_list(kind), metadata={"width": str(field.width)})


@lru_cache
def protocols() -> dict[str, type[Protocol]]:
    """All protocols by their kind."""
    return {cls.kind: cls for cls in discover("hhcore.protocols", "hhcore.protocols", Protocol)}


def default_protocol(stimulus: type[Stimulus]) -> type[Protocol]:
    """The protocol of an experiment that does not name one."""
    return next(cls for cls in protocols().values() if cls.default_for(stimulus))
