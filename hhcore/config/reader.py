"""Check a config to the last value and turn it into experiments."""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from hhcore.base.checks import Key, choice, fields, items, mapping, present, quoted, text
from hhcore.base.errors import UserError, collected
from hhcore.base.units import KELVIN, is_in_celsius, to_unit
from hhcore.config.keys import EXPERIMENT, NAME, SPIKES, TOP
from hhcore.config.part import part, parts_of
from hhcore.config.solver import check_solver, read_solver, read_tolerance
from hhcore.config.values import (
    Values,
    check_injected,
    check_parameter,
    check_samples,
    check_temperatures,
    read_initial_state,
    read_model,
    read_point,
    read_values,
    read_window,
)
from hhcore.experiments.analysis import check_installed
from hhcore.experiments.experiment import Experiment
from hhcore.experiments.protocol import Protocol, default_protocol, protocols
from hhcore.grid.axes import Axis
from hhcore.grid.designs import Sample, SampleSpec, check_sample, read_sample
from hhcore.grid.factors import Factor, check_size, check_values, factors
from hhcore.model.elsewhere import parameter_meant
from hhcore.model.model import FILE, Model
from hhcore.schemes.solver import Solver
from hhcore.simulation.stimuli import kinds
from hhcore.simulation.stimuli.stimulus import Stimulus

CANDIDATES = ("tsit5", "dop853", "rodas5p")  # the others cost more at every accuracy: docs/benchmarks.md


def read_experiments(config: Mapping[str, object], base: str | Path = ".") -> dict[str, Experiment]:
    """All experiments of a config, by name, checked to the last value.

    base : the folder that relative paths of model files start from; `read_config` leaves none
    Raises UserError with every mistake, one for each value, and every package that an analysis needs and that is
    missing. It refuses a grid that is too large before any of it is in memory.
    """
    found = {}
    with collected() as noted:
        with noted():
            fields(config, "config", TOP)
        experiments = mapping(present(mapping(config, "config"), "experiments", "config", TOP), "experiments")
        if not experiments:
            raise UserError("experiments: {} is empty; give at least one, like `experiments: {name: {model: ...}}`")
        for name, body in experiments.items():
            with noted():
                found[name] = _Reading(name, body, Path(base)).experiment()
                check_installed(found[name])
    return found


def read_experiment(config: Mapping[str, object], name: str, base: str | Path = ".") -> Experiment:
    """One experiment of a config, without a look at the others; else as `read_experiments`."""
    return read_experiments({"experiments": {name: config["experiments"][name]}}, base)[name]


class _Reading:
    """An experiment while it is read: parts, each made of the config and of other parts.

    They are the fields of an Experiment, and what is checked besides.
    """

    def __init__(self, name: str, written: object, base: Path):
        self.name, self.written, self.base = name, written, base
        self.where = f"experiments.{name if NAME.fullmatch(name) else quoted(name)}"

    def experiment(self) -> Experiment:
        """The experiment. Raises UserError with the mistakes in all parts."""
        with collected() as noted:
            for name in parts_of(type(self)):
                with noted():
                    getattr(self, name)
        return Experiment(**{field.name: getattr(self, field.name) for field in dataclasses.fields(Experiment)})

    # --- keys and words, which need no model

    @part
    def body(self) -> dict:
        """With `current: file` the stimulus is the one in the file, and need not be written."""
        written = self.written if isinstance(self.written, dict) else mapping(self.written, self.where)
        body = {key: value for key, value in written.items() if isinstance(key, str)}  # for others see `keys`
        return {"stimulus": {"kind": FILE}, **body} if body.get("current") == FILE else body

    @part
    def keys(self) -> None:
        """The name of the experiment, and its keys."""
        with collected() as noted:
            with noted():
                _check_name(self.name)
            with noted():
                mapping(self.written, self.where)
            fields(self.body, self.where, self.legal)

    @part
    def legal(self) -> dict[str, Key]:
        """The keys of an experiment; words in a wrong place that mean a parameter are known as such."""
        written, words = self.body.get("stimulus"), {}
        with suppress(UserError):
            for word in {*self.body, *(written if isinstance(written, dict) else ())} - {*EXPERIMENT}:
                if found := isinstance(word, str) and parameter_meant(word, self.model):
                    celsius = " or as text like '6.3 degC'" if found.unit in KELVIN else ""
                    words[word] = f"`parameters: {{{found.name}: ...}}`, in {found.unit}{celsius}"
        parameters = EXPERIMENT["parameters"]
        return EXPERIMENT | {"parameters": dataclasses.replace(parameters, elsewhere=parameters.elsewhere | words)}

    def _written(self, key: str) -> object:
        """What is written for a key that must be there."""
        return present(self.body, key, self.where, EXPERIMENT if key == "model" else self.legal)

    def _word(self, key: str) -> str:
        """One of the legal words of a key, the first if it is left out."""
        legal = EXPERIMENT[key].legal
        return choice(self.body.get(key, legal[0]), legal, f"{self.where}.{key}")

    @part
    def combine(self) -> str:
        return self._word("combine")

    @part
    def failed_neurons(self) -> str:
        return self._word("failed_neurons")

    @part
    def names(self) -> dict[str, str]:
        """The names of the model and of what is in it."""
        written = {"model": self._written("model")} | {
            k: self.body[k] for k in ("potential", "current") if k in self.body
        }
        with collected() as noted:
            for key, name in written.items():
                with noted():
                    text(name, f"{self.where}.{key}", EXPERIMENT[key].example)
        return written

    @part
    def stimulus(self) -> type[Stimulus]:
        return kinds()[_kind(self._written("stimulus"), kinds(), f"{self.where}.stimulus", "kind: step")]

    @part
    def stimulus_keys(self) -> None:
        """The kind of stimulus has the keys that it needs, and no others."""
        where, written = f"{self.where}.stimulus", self._written("stimulus")
        with collected() as noted:
            with noted():
                fields(written, where, self.stimulus.keys(), self.legal)
            for name in (name for name, field in self.stimulus.fields.items() if not field.swept):
                if isinstance(written.get(name), dict):
                    with noted():
                        raise UserError(
                            f"{where}.{name}: {quoted(written[name])} is an axis; give one number for all neurons"
                        )
            if self.body.get("current") == FILE and self.stimulus.kind != FILE:
                raise UserError(
                    f"{where}: `current: file` is the stimulus in the model file, beside which there is no "
                    f"{quoted(self.stimulus.kind)}; leave the stimulus out, or name the current that it sets"
                )

    @part
    def protocol_kind(self) -> type[Protocol]:
        """What reads the keys of the protocol; they are there, and no others."""
        if "protocol" not in self.body:
            return default_protocol(self.stimulus)
        body, where = self.body["protocol"], f"{self.where}.protocol"
        legal = [name for name, kind in protocols().items() if kind.takes(self.stimulus)]
        kind = protocols()[_kind(body, legal, where, "kind: current_clamp")]
        fields(body, where, {"kind": Key(kind.title, f"kind: {kind.kind}"), **kind.keys})
        return kind

    @part
    def sample_body(self) -> None:
        """What is wrong in the design whatever is sampled."""
        if "sample" in self.body:
            check_sample(self.body["sample"], f"{self.where}.sample")

    @part
    def solver_body(self) -> dict:
        return check_solver(self._written("solver"), f"{self.where}.solver")

    @part
    def spikes_body(self) -> dict:
        return fields(self.body.get("spikes", {}), f"{self.where}.spikes", SPIKES)

    @part
    def parameters_body(self) -> dict:
        return mapping(self.body.get("parameters", {}), f"{self.where}.parameters")

    @part
    def traces_body(self) -> list:
        return items(
            self.body.get("traces", []), f"{self.where}.traces", "[{amplitude: 10, ...}, ...], a list of points"
        )

    # --- the model, and values in its units

    @part
    def model(self) -> Model:
        return read_model(**self.names, base=self.base, where=f"{self.where}.model")

    @part
    def duration(self) -> float:
        unit, written = self.model.time_unit, self._written("duration")
        duration = to_unit(written, unit, f"{self.where}.duration")
        if duration <= 0:
            raise UserError(
                f"{self.where}.duration: {quoted(written)} is not longer than 0 {unit}; give a time above 0"
            )
        return duration

    @part
    def pairing(self) -> None:
        """The stimulus goes with the model."""
        self.stimulus.check_model(self.model, f"{self.where}.stimulus")

    @part
    def stimulus_values(self) -> Values:
        units = self.stimulus.units(self.model.current.unit, self.model.time_unit)
        own = {name: (unit, math.nan) for name, unit in units.items()}
        return read_values(self._written("stimulus"), own, f"{self.where}.stimulus")

    @part
    def parameter_names(self) -> None:
        with collected() as noted:
            for name in self.parameters_body:
                with noted():
                    check_parameter(name, self.model, f"{self.where}.parameters")

    @part
    def parameter_values(self) -> Values:
        own = {name: (quantity.unit, quantity.value) for name, quantity in self.model.parameters.items()}
        return read_values(self.parameters_body, own, f"{self.where}.parameters")

    @part
    def initial_state(self) -> str | dict[str, float]:
        return read_initial_state(self._written("initial_state"), lambda: self.model, f"{self.where}.initial_state")

    @part
    def threshold(self) -> float:
        return self._potential("threshold", 0)

    @part
    def rearm(self) -> float:
        threshold, rearm = self.threshold, self._potential("rearm", self.threshold)
        if rearm > threshold:
            unit = self.model.states[self.model.potential].unit
            written = quoted(self.spikes_body["rearm"])
            raise UserError(
                f"{self.where}.spikes.rearm: {written} is above the threshold, {threshold!r} {unit}; lower it"
            )
        return rearm

    def _potential(self, key: str, otherwise: float) -> float:
        unit = self.model.states[self.model.potential].unit
        return to_unit(self.spikes_body.get(key, otherwise), unit, f"{self.where}.spikes.{key}")

    @part
    def analysis_window(self) -> tuple[float, float]:
        written = self.body.get("analysis_window", [0, self.duration])
        return read_window(written, self.model.time_unit, self.duration, f"{self.where}.analysis_window")

    @part
    def protocol(self) -> Protocol:
        kind = self.protocol_kind  # so its keys are right
        own = {key: value for key, value in self.body.get("protocol", {}).items() if key != "kind"}
        return kind.read(own, self.model, self.duration, f"{self.where}.protocol")

    @part
    def solver(self) -> Solver | None:
        return read_solver(self.solver_body, self.model.time_unit, self.duration, f"{self.where}.solver")

    @part
    def tolerance(self) -> float | None:
        return read_tolerance(self.solver_body, self.protocol_kind.accuracy, f"{self.where}.solver")

    @part
    def methods(self) -> tuple[str, ...]:
        """Those to choose from."""
        return (self.solver_body["method"],) if "method" in self.solver_body else CANDIDATES

    @part
    def certify(self) -> str:
        return self.solver_body.get("certify", "sample")

    # --- the grid

    @part
    def written_values(self) -> Values:
        """All of them; what has a default is `fixed`."""
        _ = self.stimulus_keys, self.parameter_names  # all that it takes, and nothing else, is there
        own = {name: quantity.value for name, quantity in self.model.parameters.items()}
        stimulus, parameters = self.stimulus_values, self.parameter_values
        return Values(
            own | self.stimulus.defaults(self.duration) | stimulus.fixed | parameters.fixed,
            [*stimulus.axes, *parameters.axes],
            stimulus.distributions | parameters.distributions,
        )

    @part
    def defaults(self) -> dict[str, float]:
        return self.written_values.fixed

    @part
    def size(self) -> SampleSpec | None:
        """The design before it is in memory, in a grid that fits there."""
        _ = self.sample_body
        design = read_sample(self.body, self.written_values.distributions, self.where)
        check_size(design, self.written_values.axes, self.combine, self.where)
        return design

    @part
    def sample(self) -> Sample | None:
        return self.size and self.size.expand()

    @part
    def axes(self) -> tuple[Axis, ...]:
        _ = self.size
        axes = []
        with collected() as noted:
            for spec in self.written_values.axes:
                with noted():
                    axes.append(spec.expand())
        return tuple(axes)

    @part
    def grid(self) -> tuple[Factor, ...]:
        """The factors of the grid, whose neurons are all legal."""
        grid, where = factors(self.sample, self.axes, self.combine, self.stimulus.axis), f"{self.where}.stimulus"
        with collected() as noted:
            with noted():
                check_values(self.stimulus, self.defaults, grid, self.duration, where)
            with noted():
                check_injected(self.model, self.stimulus, self.defaults, grid, where)
            with noted():
                check_temperatures(self.model, self.defaults, grid, f"{self.where}.parameters")
        return grid

    # --- traces

    @part
    def traces(self) -> tuple[dict[str, float], ...]:
        points = []
        with collected() as noted:
            for i, written in enumerate(self.traces_body):
                with noted():
                    points.append(self._trace(written, f"{self.where}.traces[{i}]"))
            with noted():
                check_samples(len(self.traces_body), self.solver, self.duration, self.model.ms, f"{self.where}.traces")
        return tuple(points)

    def _trace(self, written: object, where: str) -> dict[str, float]:
        """A value for every quantity: the trace's own, else the experiment's. The point need not lie on the grid."""
        own = read_point(written, self.model, self.stimulus, where)
        swept = [name for factor in self.grid for name in factor.names]
        if missing := [name for name in swept if name not in own]:
            raise UserError(
                f"{where}: {quoted(written)} has no value for {', '.join(missing)}; "
                f"a trace is one neuron, so give a value for every axis and every distribution"
            )
        point = self.defaults | own
        with collected() as noted:
            with noted():
                check_values(self.stimulus, point, (), self.duration, where)
            with noted():
                check_temperatures(self.model, point, (), where)
        return point

    @part
    def celsius(self) -> tuple[str, ...]:
        """The temperatures among the parameters that are written in degrees Celsius."""
        kelvins = [name for name, quantity in self.model.parameters.items() if quantity.unit in KELVIN]
        _ = self.traces  # mappings, all of them
        written = [self.parameters_body, *self.traces_body]
        return tuple(name for name in kelvins if any(is_in_celsius(body.get(name)) for body in written))


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise UserError(
            f"experiments: the name {quoted(name)} becomes a folder; use up to 100 letters, digits, _ and -"
        )


def _kind(body: object, legal: Iterable[str], where: str, example: str) -> str:
    """The `kind` of a stimulus or a protocol."""
    written = present(mapping(body, where), "kind", where, {"kind": Key("", example)})
    return choice(written, legal, f"{where}.kind")
