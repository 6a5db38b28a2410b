"""Voltage clamp: the potential is given, and every current and conductance of the membrane is recorded.

The clamp is ideal: the potential follows the command at once and everywhere. The current that charges the membrane
flows in no time then, and is not recorded.
"""

from collections.abc import Collection, Mapping
from dataclasses import astuple, dataclass, replace
from math import nan
from pathlib import Path

import numpy as np
import pyarrow as pa

from hhcore.base.checks import Key, choice, fields, items, quoted, text
from hhcore.base.errors import UserError, closest
from hhcore.base.units import column_name, to_unit
from hhcore.compile.parts import COMMAND
from hhcore.experiments.experiment import Experiment
from hhcore.experiments.protocol import Accuracy, Height, Protocol, schema_of
from hhcore.model.linearity import is_linear
from hhcore.model.model import Model
from hhcore.model.variables import TOTAL, observable
from hhcore.protocols.voltage_clamp.recorded import Recorded, courses
from hhcore.simulation.features import FAILED
from hhcore.simulation.heights import Errors
from hhcore.simulation.observers import COURSE, OUTPUT, Courses, Measures, Observer, Outputs
from hhcore.simulation.outputs import Output, observers_of, output_columns, output_definitions, output_errors
from hhcore.simulation.result import STATUSES, Result
from hhcore.simulation.stimuli.segments import Segments
from hhcore.simulation.stimuli.stimulus import Stimulus

COMPARED = tuple(OUTPUT.index(name) for name in ("first", "last", "max", "min"))
# Keys that name one segment, a list of segments, and several segments, each under its own key.
SINGLE, LISTS = ("activation", "deactivation"), ("time_constants",)
PARTS = {"inactivation": ("conditioning", "test"), "recovery": ("first", "gap", "second")}
WINDOW = "window"  # what stands for a segment where segments have no names: the analysis window

CURRENT_ERROR = Accuracy(
    label="Error of a current",
    column="current_error_ppm",
    unit="ppm",
    tolerance=(
        "1",
        1e-9,
        0.1,
        "between 0.1 ppm and 0.1; it is the largest error of a current as a share of its own "
        "largest value in the run, such as 1e-4",
    ),
    factor=1e6,
    meaning="largest difference of a current or conductance from the reference, over first and last value, maximum and "
    "minimum of every segment, as a share of its largest value in the run; null where the neuron or the reference "
    "failed",
    outcome="segment_count",
    outcome_meaning="segments of the clamp that the neuron has gone through",
    reference_meaning="segments that the reference has gone through",
    fragile_meaning="whether the segments that it goes through depend on the accuracy, or it cannot be certified",
    missing="failed",
    none="all failed",
    nothing="Every neuron of the sample failed: no currents to judge solvers by.",
)


@dataclass(frozen=True)
class VoltageClamp(Protocol):
    """Voltage clamp; its errors are those of currents.

    names    : what is recorded: the potential, the membrane currents, their sum, and conductances
    linear   : the currents that have a conductance: those that are linear in the potential at fixed gates, and their
               sum if all are
    current  : the one that the curves are about; `unit` is its unit, `conductance_unit` that of its conductance
    segments : the names of the clamp's segments
    steady   : those of them whose potential is held: all but ramps. The window counts if the command moves in steps
    test     : the segment that features are about
    activation, inactivation, deactivation, recovery, time_constants : the segments of each analysis, () without it
    power    : of the Boltzmann function of activation
    reversal : potential by which it takes a conductance from a current that has none; None: where the curve crosses 0
    outputs  : what is noted besides; each is a column of features
    """

    names: tuple[str, ...]
    linear: tuple[str, ...]
    current: str
    unit: str
    conductance_unit: str
    segments: tuple[str, ...] = (WINDOW,)
    steady: tuple[str, ...] = ()
    test: str = ""
    activation: tuple[str, ...] = ()
    inactivation: tuple[str, ...] = ()
    deactivation: tuple[str, ...] = ()
    recovery: tuple[str, ...] = ()
    time_constants: tuple[str, ...] = ()
    power: float = 1.0
    reversal: float | None = None
    outputs: tuple[Output, ...] = ()

    def __post_init__(self) -> None:
        """The errors of its features are in their units; not the time of a peak: of a flat one it says little."""
        meaning = "error of {}; null where the neuron or the reference failed"
        judged = [("peak_current", self.unit), ("last_current", self.unit)]
        judged += [("peak_conductance", self.conductance_unit)] if self.current in self.linear else []
        heights = [
            Height(column_name(f"{name}_error", unit), unit, meaning.format(column_name(name, unit)))
            for name, unit in judged
        ]
        own = replace(CURRENT_ERROR, heights=tuple(heights))
        object.__setattr__(self, "accuracy", own.judging(self.outputs))

    kind = "voltage_clamp"
    title = "voltage clamp"
    accuracy = CURRENT_ERROR
    keys = {
        "current": Key(
            "the membrane current that curves are about", "current: sodium.i", otherwise=f"`{TOTAL}`, the sum of all"
        ),
        "test": Key("the segment that features are about", "test: test", otherwise="the first whose potential varies"),
        "activation": Key("the segment whose potential activates", "activation: test", otherwise="no analysis"),
        "power": Key("of the Boltzmann function of activation", "power: 3", otherwise="1"),
        "reversal": Key(
            "reversal potential of a current without a conductance",
            "reversal: 55 mV",
            otherwise="where the current-voltage curve crosses 0",
            unit="potential",
        ),
        "inactivation": Key(
            "the segments that inactivate, and that show what is left",
            "inactivation: {conditioning: prepulse, test: test}",
            otherwise="no analysis",
        ),
        "deactivation": Key("the segment of tail currents", "deactivation: tail", otherwise="no analysis"),
        "recovery": Key(
            "two segments, and the gap between",
            "recovery: {first: one, gap: gap, second: two}",
            otherwise="no analysis",
        ),
        "time_constants": Key(
            "segments to whose currents exponentials are fitted",
            "time_constants: [test, tail]",
            otherwise="no analysis",
        ),
    }

    @classmethod
    def default_for(cls, stimulus: type[Stimulus]) -> bool:
        return stimulus.acts == COMMAND

    @classmethod
    def takes(cls, stimulus: type[Stimulus]) -> bool:
        """It takes a clamp."""
        return stimulus.acts == COMMAND

    @classmethod
    def read(cls, body: Mapping[str, object], model: Model, duration: float, where: str) -> "VoltageClamp":
        """Raises UserError for a current that the model does not have, and for keys of a wrong form."""
        if not model.currents:
            raise UserError(f"{where}: {model.name!r} has no membrane currents to record; clamp a model that has some")
        current = choice(body.get("current", TOTAL), [*model.currents, TOTAL], f"{where}.current")
        linear = tuple(name for name in model.currents if is_linear(model, name))
        linear += (TOTAL,) if len(linear) == len(model.currents) else ()
        conductances = (f"conductance({name})" for name in linear)
        unit = observable(current, model).unit
        potential = model.states[model.potential].unit
        power = to_unit(body.get("power", 1), "1", f"{where}.power")
        if power <= 0:
            raise UserError(f"{where}.power: {power:g} is not above 0; give one, like 3 for m^3")
        several = {name: _parts(body[name], parts, f"{where}.{name}") for name, parts in PARTS.items() if name in body}
        several |= {name: _names(body[name], f"{where}.{name}") for name in LISTS if name in body}
        one = {name: (text(body[name], f"{where}.{name}", "test"),) for name in SINGLE if name in body}
        return cls(
            (model.potential, *model.currents, TOTAL, *conductances),
            linear,
            current,
            unit,
            observable(f"conductance({TOTAL})", model).unit,
            test=body.get("test", ""),
            power=power,
            reversal=to_unit(body["reversal"], potential, f"{where}.reversal") if "reversal" in body else None,
            **one,
            **several,
        )

    def suited(self, stimulus: type[Stimulus], swept: Collection[str], where: str) -> "VoltageClamp":
        """With the names of the clamp's segments. Raises UserError for one that the clamp does not have."""
        names = stimulus.names() if issubclass(stimulus, Segments) else (WINDOW,)
        for key in (*SINGLE, *LISTS, *PARTS):
            for name in getattr(self, key):
                given = f"{where}.{key}: {quoted(name)} is not a segment of the clamp"
                if names == (WINDOW,):
                    raise UserError(f"{given}, which has no names for them; write `clamp: {{kind: segments, ...}}`")
                if name not in names:
                    raise UserError(f"{given}; {closest(name, names)}")
        varying = [name for name in names if f"{name}.potential" in swept]
        shown = (*self.activation, *self.inactivation[1:], *self.deactivation, *self.recovery[2:], *varying, names[-1])
        ramps = [name for name, ramp in stimulus.ramps if ramp] if issubclass(stimulus, Segments) else []
        steady = tuple(name for name in names if name not in ramps)
        if names == (WINDOW,) and not stimulus.text().holds:
            steady = ()
        return replace(self, segments=names, steady=steady, test=choice(self.test or shown[0], names, f"{where}.test"))

    @property
    def settings(self) -> tuple:
        """What is recorded, not what is made of it."""
        return self.names, self.segments, *(x for observer in observers_of(self.outputs) for x in astuple(observer))

    @property
    def schema(self) -> pa.Schema:
        """Courses are kept of named segments."""
        return schema_of(Outputs, *([Courses] if self.named else []), *([Measures] if self.outputs else []))

    @property
    def named(self) -> bool:
        """Whether segments have names."""
        return self.segments != (WINDOW,)

    @property
    def ramps(self) -> tuple[str, ...]:
        """The segments whose potential moves."""
        return tuple(name for name in self.segments if name not in self.steady) if self.named else ()

    @property
    def shown(self) -> tuple[str, ...]:
        """The segments that features and analyses are about, in the order of the clamp."""
        about = {self.test, *self.activation, *self.inactivation, *self.deactivation, *self.recovery[::2]}
        return tuple(name for name in self.segments if name in about.union(self.time_constants))

    @property
    def currents(self) -> tuple[str, ...]:
        """The membrane currents and their sum."""
        return self.names[1 : self.names.index(TOTAL) + 1]

    @property
    def followed(self) -> tuple[str, ...]:
        """What courses are kept of: potential and currents."""
        return self.names[: self.names.index(TOTAL) + 1]

    def recorded(self, result: Result) -> Recorded:
        """The outputs of neurons."""
        return Recorded.of(result, self.names, len(self.segments))

    def courses(self, result: Result) -> np.ndarray:
        """Time courses of neurons, float64 (n, segments, followed, samples)."""
        return courses(result, self.followed, len(self.segments))

    def conductance(self, current: str) -> str:
        """The name of the conductance of a linear current."""
        return f"conductance({current})"

    def index(self, segment: str) -> int:
        """The number of a segment."""
        return self.segments.index(segment)

    def observers(self, experiment: Experiment) -> tuple[Observer, ...]:
        own = observers_of(self.outputs)
        if self.named:
            return Outputs(self.names, segments=True), Courses(self.followed), *own
        return Outputs(self.names, *experiment.analysis_window), *own

    def errors(self, run: Result, exact: Result, experiment: Experiment) -> np.ndarray:
        """Largest error of currents and conductances as a share of their size; NaN if a neuron fails in either run."""
        ours, theirs = (self.recorded(r).values[:, :, 1:, COMPARED] for r in (run, exact))
        size = np.nanmax(np.abs(theirs), axis=(1, 3), initial=0.0)[:, None, :, None]
        with np.errstate(all="ignore"):
            error = np.where(size > 0, np.abs(ours - theirs) / size, 0.0)
        error = np.nanmax(error, axis=(1, 2, 3), initial=0.0)
        return np.where(run.failed | exact.failed, nan, error)

    def outcome(self, run: Result) -> np.ndarray:
        return np.isfinite(self.recorded(run).values[:, :, 0, OUTPUT.index("last")]).sum(axis=1)

    def check(
        self, experiment: Experiment, point: np.ndarray, run: Result, row: int, scipy: tuple[str, float]
    ) -> float | None:
        """Compare the courses of all currents, or the ends of the window, with SciPy."""
        from hhcore.protocols.voltage_clamp.twin import by_scipy  # here, since jobs that only simulate do without SciPy

        recorded = self.recorded(run)
        if self.named:
            times = recorded.begins[row, :, None] + recorded.lengths[row, :, None] * COURSE
            ours = self.courses(run)[row, :, 1:].swapaxes(1, 2)
        else:
            times = np.array([[recorded("end", 0, self.names[0])[row]]])
            ours = np.array([[[recorded("last", 0, name)[row] for name in self.currents]]])
        theirs = by_scipy(experiment, point, times.ravel(), scipy)
        if theirs is None:
            return None
        size = np.abs(theirs).max(axis=0)
        differences = np.abs(ours.reshape(theirs.shape) - theirs)
        return float(np.max(differences[:, size > 0] / size[size > 0], initial=0.0))

    def heights(self, run: Result, exact: Result, experiment: Experiment) -> dict[str, Errors]:
        """Errors of outputs, and of features that are currents and conductances, in their units; size: the largest."""
        failed, found = run.failed | exact.failed, output_errors(self.outputs, run, exact)
        ours, theirs = self._values(run), self._values(exact)
        for height in self.accuracy.heights[: len(self.accuracy.heights) - len(self.outputs)]:
            name = height.value_column
            error = np.where(failed, nan, np.abs(ours[name] - theirs[name]))
            found[height.column] = error, float(np.nanmax(np.abs(theirs[name][~failed]), initial=0.0))
        return found

    def columns(self, result: Result) -> dict[str, np.ndarray]:
        status = np.array(STATUSES, dtype=object)[result.status]
        failed = np.isin(status, FAILED)
        return {
            **{name: np.where(failed, nan, x) for name, x in self._values(result).items()},
            **output_columns(self.outputs, result),
            "status": status,
            "failed_ms": np.where(failed, result.ended * result.ms, nan),
            self.accuracy.column: result.error * self.accuracy.factor,
            "fragile": np.ma.masked_array(result.fragile == 1, np.isnan(result.fragile)),
        }

    def _values(self, result: Result) -> dict[str, np.ndarray]:
        """The features that are numbers, float64 (n,) each."""
        recorded, at = self.recorded(result), self.index(self.test)
        peak, time = recorded.peak(at, self.current)
        numbers = [peak, time * result.ms, recorded("last", at, self.current)]
        if self.current in self.linear:
            numbers.append(recorded.peak(at, self.conductance(self.current))[0])
        return dict(zip(self._features, numbers, strict=True))

    @property
    def _features(self) -> dict[str, tuple[str, str]]:
        within = f"of {self.current} in the segment {self.test!r}"
        found = {
            column_name("peak_current", self.unit): (self.unit, f"peak {within}: its extreme that is farther from 0"),
            "time_to_peak_ms": ("ms", "time from the start of the segment to the peak"),
            column_name("last_current", self.unit): (self.unit, f"value {within} at its end"),
        }
        if self.current in self.linear:
            column = column_name("peak_conductance", self.conductance_unit)
            found[column] = self.conductance_unit, f"largest conductance {within}"
        return found

    @property
    def definitions(self) -> dict[str, tuple[str, str]]:
        accuracy = self.accuracy
        return {
            **self._features,
            **output_definitions(self.outputs),
            "status": (
                "1",
                "ok; no_stable_rest: no steady state at the holding potential; diverged: a state became "
                "infinite or not a number; stalled: ever shorter steps were needed; features of both are null",
            ),
            "failed_ms": ("ms", "time at which a neuron diverged or stalled"),
            accuracy.column: (accuracy.unit, f"estimated {accuracy.meaning}, and where it was not estimated"),
            "fragile": ("1", f"{accuracy.fragile_meaning}; null where neither was tested"),
        }

    @property
    def headline(self) -> tuple[str, str, str]:
        return column_name("peak_current", self.unit), "Peak current", self.unit

    @classmethod
    def code(cls) -> tuple[Path, ...]:
        """How outputs are read decides on errors."""
        return (*super().code(), Path(__file__).with_name("recorded.py"))

    def along(self, experiment: Experiment) -> tuple[str, ...]:
        """Potentials of the segments of its analyses, and the gap of recovery, before other potentials of the clamp."""
        named = [self.test, *self.activation, *self.inactivation[:1], *self.deactivation, *self.time_constants]
        wanted = [potential_of(experiment.stimulus, name) for name in named]
        wanted += [f"{name}.duration" for name in self.recovery[1:2]]
        wanted += [name for name in experiment.stimulus.fields if name.endswith(".potential")]
        wanted += [experiment.stimulus.axis]
        return tuple(dict.fromkeys(name for name in wanted if name in experiment.swept))

    def numbers(self, experiment: Experiment) -> float:
        windows = len(self.segments) + self.named  # with that after the last segment
        courses = len(COURSE) * len(self.followed) if self.named else 0
        outputs = sum(observer.numbers for observer in observers_of(self.outputs))
        return windows * (len(OUTPUT) * len(self.names) + courses) + outputs


def potential_of(stimulus: type[Stimulus], segment: str) -> str:
    """The field that has the potential of a segment, which may be that of another one."""
    same = dict(stimulus.same) if issubclass(stimulus, Segments) else {}
    return f"{same.get(segment, segment)}.potential"


def _parts(body: object, names: tuple[str, ...], where: str) -> tuple[str, ...]:
    """The segments of an analysis that has several, each under its name."""
    keys = {name: Key(f"the segment {name}", f"{name}: {name}", required=True) for name in names}
    written = fields(body, where, keys)
    return tuple(text(written[name], f"{where}.{name}", name) for name in names)


def _names(body: object, where: str) -> tuple[str, ...]:
    """A segment, or a list of segments."""
    written = items(body, where, "[segment, ...]") if isinstance(body, list) else [body]
    return tuple(text(name, where, "test") for name in written)
