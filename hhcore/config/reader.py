"""Check a config to the last value and turn it into experiments."""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from hhcore.base.checks import fields, mapping, present, quoted
from hhcore.base.errors import UserError, collected
from hhcore.base.units import KELVIN, UNKNOWN, column_name, is_in_celsius, to_unit
from hhcore.config.keys import CLAMP, EXPERIMENT, TOP
from hhcore.config.outputs import check_taken, read_outputs
from hhcore.config.part import made_or, part, parts_of
from hhcore.config.solver import read_dt, read_solver, read_tolerance
from hhcore.config.values import (
    Values,
    check_commanded,
    check_injected,
    check_lowest,
    check_parameter,
    check_point,
    check_samples,
    read_initial_state,
    read_point,
    read_values,
    read_window,
    remarks,
)
from hhcore.config.words import Words
from hhcore.experiments.analysis import check_installed
from hhcore.experiments.experiment import Experiment, units
from hhcore.experiments.protocol import Protocol
from hhcore.grid.axes import Axis, is_multiple
from hhcore.grid.designs import Sample, SampleSpec, read_sample
from hhcore.grid.factors import Factor, check_size, check_values, factors
from hhcore.schemes.solver import Solver
from hhcore.simulation.initial import initial_value
from hhcore.simulation.outputs import Output
from hhcore.simulation.stimuli.segments import Segments

CANDIDATES = ("tsit5", "dop853", "rodas5p")  # the others cost more at every accuracy: docs/benchmarks.md
ANY = (UNKNOWN, 1.0)  # unit and value of a quantity of a model that is not known: it may be scaled


def read_experiments(config: Mapping[str, object], base: str | Path = ".") -> dict[str, Experiment]:
    """All experiments of a config, by name, checked to the last value.

    base : the folder that relative paths of model files start from; `read_config` leaves none
    Raises UserError with every mistake, one for each value, and every package that an analysis needs and that is
    missing. It refuses a grid that is too large before any of it is in memory.
    """
    found = {}
    if outside := [key for key in EXPERIMENT if key in mapping(config, "config") and "experiments" not in config]:
        raise UserError(
            f"config: {', '.join(outside)}: keys of an experiment need a name; indent them under `experiments:` and "
            "a name, like `experiments: {first_try: {...}}`"
        )
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


class _Reading(Words):
    """Values in the units of the model, and the grid.

    With the parts that `Words` has, they are the fields of an Experiment, and what is checked besides.
    """

    def experiment(self) -> Experiment:
        """The experiment. Raises UserError with the mistakes in all parts."""
        with collected() as noted:
            for name in parts_of(type(self)):
                with noted():
                    getattr(self, name)
        return Experiment(**{field.name: getattr(self, field.name) for field in dataclasses.fields(Experiment)})

    # --- values in the units of the model

    @part
    def duration(self) -> float:
        if CLAMP in self.body and "duration" not in self.body:
            return self._lasting()
        unit, written = self._time_unit, self._written("duration")
        duration = to_unit(written, unit, f"{self.where}.duration")
        if duration <= 0:
            zero = f"0 {unit}".strip()
            raise UserError(f"{self.where}.duration: {quoted(written)} is not longer than {zero}; give a time above 0")
        return duration

    def _lasting(self) -> float:
        """How long the segments of a command last at most. Raises UserError for another kind of command."""
        values, kind = self.stimulus_values, self.stimulus
        if not issubclass(kind, Segments) or values.distributions:
            present(self.body, "duration", self.where, EXPERIMENT)
        if values.mistakes:
            raise UserError(*values.mistakes)
        _ = self.stimulus_keys
        ends = {name: [x] for name, x in values.fixed.items()}
        ends |= {axis.name: [axis.values.min(), axis.values.max()] for axis in (spec.expand() for spec in values.axes)}
        for end in (np.min, np.max):
            bound = {name: np.array([end(x)]) for name, x in ends.items()}
            kind.check(bound, math.inf, self.stimulus_where)
        return float(kind.lasting(bound)[0])

    @property
    def _time_unit(self) -> str:
        model = made_or(self, "model", None)
        return model.time_unit if model else UNKNOWN

    @property
    def _horizon(self) -> float:
        """No time is later: the duration; if that is wrong, or in a unit that is not known, anything goes."""
        duration = made_or(self, "duration", math.inf)
        return math.inf if math.isnan(duration) else duration

    @part
    def pairing(self) -> None:
        """The stimulus goes with the model."""
        self.stimulus.check_model(self.model, self.stimulus_where)

    @part
    def stimulus_units(self) -> dict[str, str]:
        """Of each field; of each that is written, if the kind is not known."""
        stimulus, model = made_or(self, "stimulus", None), made_or(self, "model", None)
        if stimulus is None:
            return dict.fromkeys(self.stimulus_written, UNKNOWN)
        return stimulus.units(model.current.unit if model else UNKNOWN, self._time_unit, self._potential_unit)

    @part
    def stimulus_values(self) -> Values:
        own = {name: (unit, math.nan) for name, unit in self.stimulus_units.items()}
        kind = made_or(self, "stimulus", None)
        places = {name: kind.place(name) for name in own} if kind else {}
        checked = {"check": kind.check_written} if kind else {}
        return read_values(self.stimulus_written, own, self.stimulus_where, places, **checked)

    @part
    def parameter_names(self) -> None:
        with collected() as noted:
            for name in self.parameters_body:
                with noted():
                    check_parameter(name, self.model, f"{self.where}.parameters")

    @part
    def parameter_values(self) -> Values:
        model = made_or(self, "model", None)
        own = {name: (quantity.unit, quantity.value) for name, quantity in (model.parameters if model else {}).items()}
        own |= {} if model else dict.fromkeys(self.parameters_body, ANY)
        return read_values(self.parameters_body, own, f"{self.where}.parameters")

    @part
    def initial_state(self) -> str:
        where = f"{self.where}.initial_state"
        word = read_initial_state(self._written("initial_state"), lambda: self.model, where)
        if CLAMP in self.body:
            check_commanded(self.states_body, self.model, where)
        return word

    @part
    def initial_values(self) -> Values:
        model = made_or(self, "model", None)
        own = {initial_value(name): (q.unit, q.value) for name, q in model.states.items()} if model else {}
        own |= {} if model else dict.fromkeys(self.initial_written, ANY)
        places = {initial_value(name): name for name in self.states_body}
        return read_values(self.initial_written, own, f"{self.where}.initial_state", places)

    @property
    def _initial_units(self) -> dict[str, str]:
        """Of the initial values that are written, in the order of the model; of all, if that is wrong."""
        model, body = made_or(self, "model", None), made_or(self, "states_body", None)
        own = {name: q.unit for name, q in model.states.items()} if model else dict.fromkeys(body or (), UNKNOWN)
        return {initial_value(name): unit for name, unit in own.items() if body is None or name in body}

    @part
    def threshold(self) -> float:
        return self._potential("threshold", 0)

    @part
    def rearm(self) -> float:
        threshold, rearm = self.threshold, self._potential("rearm", self.threshold)
        if rearm > threshold:
            written, limit = quoted(self.spikes_body["rearm"]), f"{threshold!r} {self._potential_unit}".strip()
            raise UserError(f"{self.where}.spikes.rearm: {written} is above the threshold, {limit}; lower it")
        return rearm

    def _potential(self, key: str, otherwise: float) -> float:
        return to_unit(self.spikes_body.get(key, otherwise), self._potential_unit, f"{self.where}.spikes.{key}")

    @property
    def _potential_unit(self) -> str:
        model = made_or(self, "model", None)
        return model.states[model.potential].unit if model else UNKNOWN

    @part
    def analysis_window(self) -> tuple[float, float]:
        if "analysis_window" not in self.body:
            return 0.0, self.duration
        return read_window(
            self.body["analysis_window"], self._time_unit, self._horizon, f"{self.where}.analysis_window"
        )

    @part
    def protocol(self) -> Protocol:
        kind = self.protocol_kind  # so its keys are right
        own = {key: value for key, value in self.body.get("protocol", {}).items() if key != "kind"}
        protocol = kind.read(own, self.model, self.duration, f"{self.where}.protocol")
        protocol = protocol.suited(self.stimulus, self._swept, f"{self.where}.protocol")
        return dataclasses.replace(protocol, outputs=self.outputs) if self.outputs else protocol

    @part
    def outputs(self) -> tuple[Output, ...]:
        """What is noted of variables, as columns of features beside those of the protocol and of axes."""
        if "outputs" not in self.body:
            return ()
        where, quantities = f"{self.where}.outputs", units(self.model, self.stimulus)
        check_taken(self.protocol_kind, where)
        columns = {*self.protocol_kind.definitions, *(column_name(*quantity) for quantity in quantities.items())}
        return read_outputs(self.body["outputs"], self.model, self.analysis_window, self._horizon, columns, where)

    @part
    def solver(self) -> Solver | None:
        _ = self.solver_keys
        return read_solver(self.solver_body, self.dt, f"{self.where}.solver")

    @part
    def dt(self) -> float | None:
        return read_dt(self.solver_body, self._time_unit, self._horizon, f"{self.where}.solver")

    @part
    def tolerance(self) -> float | None:
        return read_tolerance(self.solver_body, self.protocol_kind.accuracy, f"{self.where}.solver")

    @part
    def methods(self) -> tuple[str, ...]:
        """Those to choose from."""
        _ = self.solver_keys
        return (self.solver_body["method"],) if "method" in self.solver_body else CANDIDATES

    @part
    def certify(self) -> str:
        return self.solver_body.get("certify", "sample")

    # --- the grid

    @part
    def values(self) -> Values:
        """All that can be read; what has a default is `fixed`."""
        written = [made_or(self, name, Values()) for name in ("stimulus_values", "parameter_values", "initial_values")]
        kind, model = made_or(self, "stimulus", None), made_or(self, "model", None)
        fixed = {name: quantity.value for name, quantity in model.parameters.items()} if model else {}
        fixed |= kind.defaults(self._horizon) if kind else {}
        fixed |= dict.fromkeys(self._initial_units, math.nan)
        for values in written:
            fixed |= values.fixed
        return Values(
            fixed,
            [axis for values in written for axis in values.axes],
            {name: spread for values in written for name, spread in values.distributions.items()},
            [mistake for values in written for mistake in values.mistakes],
        )

    @part
    def unreadable(self) -> None:
        if self.values.mistakes:
            raise UserError(*self.values.mistakes)

    @part
    def written_values(self) -> Values:
        """All of them, and nothing is wrong."""
        _ = self.stimulus_keys, self.parameter_names, self.initial_state
        _ = self.stimulus_values, self.parameter_values, self.initial_values, self.unreadable
        return self.values

    @part
    def defaults(self) -> dict[str, float]:
        _ = self.duration
        return self.written_values.fixed

    @part
    def design(self) -> SampleSpec | None:
        """The design before it is in memory."""
        _ = self.sample_body
        return read_sample(self.body, self.written_values.distributions, self.where)

    @part
    def size(self) -> None:
        """The grid fits into memory."""
        check_size(made_or(self, "design", None), self.values.axes, self.combine, self.where)

    @part
    def sample(self) -> Sample | None:
        _ = self.size
        return self.design and self.design.expand()

    @part
    def axes(self) -> tuple[Axis, ...]:
        _ = self.size
        axes = []
        with collected() as noted:
            for spec in self.values.axes:
                with noted():
                    axes.append(spec.expand())
        return tuple(axes)

    @part
    def grid(self) -> tuple[Factor, ...]:
        """The factors of the grid, whose currents are all legal."""
        _ = self.written_values
        grid = factors(self.sample, self.axes, self.combine, self.stimulus.axis)
        check_injected(self.model, self.stimulus, self.defaults, grid, self.stimulus_where)
        return grid

    @part
    def stimuli(self) -> None:
        """The stimulus of every neuron is legal, as far as it is known."""
        grid = made_or(self, "grid", ())
        swept = {name for factor in grid for name in factor.names}
        known = {name: x for name, x in self.values.fixed.items() if name in swept or not math.isnan(x)}
        known = self.stimulus.defaults(self._horizon) | known
        check_values(self.stimulus, known, grid, self._horizon, self.stimulus_where)

    @part
    def extremes(self) -> tuple[dict[str, float], dict[str, float]]:
        """The lowest and the highest value of each parameter that is written, as far as they can be read."""
        values, rows = (
            self.values,
            {name: [self.values.fixed[name]] for name in self.parameters_body if name in self.values.fixed},
        )
        rows |= {spec.name: [float(spec.factor * x) for x in spec.numbers] for spec in values.axes}
        if sample := made_or(self, "sample", None):
            rows |= dict(zip(sample.names, sample.points.T, strict=True))
        return {name: float(min(x)) for name, x in rows.items()}, {name: float(max(x)) for name, x in rows.items()}

    @part
    def lowest(self) -> None:
        """No neuron is frozen, none has a capacitance that is not above 0."""
        check_lowest(self.model, self.extremes[0], f"{self.where}.parameters")

    @part
    def remarks(self) -> tuple[str, ...]:
        return remarks(self.parameters_body, self.model, *self.extremes)

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
        body = mapping(written, where)
        with collected() as noted:
            with noted():
                check_point(body, self.model, self.stimulus, self._initial_units, where)
            with noted():
                own = read_point(body, self._units(body), where)
            if missing := [name for name in self._swept if name not in body]:
                raise UserError(
                    f"{where}: {quoted(written)} has no value for {', '.join(missing)}; "
                    f"a trace is one neuron, so give a value for every axis and every distribution"
                )
        with collected() as noted:
            with noted():
                check_values(self.stimulus, self._around | own, (), self._horizon, where)
            with noted():
                check_lowest(self.model, own, where)
        return self.values.fixed | own

    @property
    def _around(self) -> dict[str, float]:
        """What a trace leaves as it is in the experiment; only defaults if that is wrong, which is said already."""
        defaults = self.stimulus.defaults(self._horizon)
        return defaults if made_or(self, "stimuli", "wrong") else defaults | self.values.fixed

    def _units(self, names: Iterable[str]) -> dict[str, str]:
        """Of what may be in a trace; of all `names`, if the model is not known."""
        model = made_or(self, "model", None)
        own = {name: q.unit for name, q in model.parameters.items()} if model else dict.fromkeys(names, UNKNOWN)
        return own | self.stimulus_units | self._initial_units

    @property
    def _swept(self) -> list[str]:
        """What is written as an axis or a distribution: of the stimulus, then parameters, then initial values."""
        fields = {name for name in self.stimulus_units if self.stimulus.fields[name].swept}
        legal = fields | set(self._units(self.parameters_body))
        written = {**self.stimulus_written, **self.parameters_body, **made_or(self, "initial_written", {})}
        return [
            name
            for name, value in written.items()
            if name in legal and isinstance(value, dict) and not is_multiple(value)
        ]

    @part
    def celsius(self) -> tuple[str, ...]:
        """The temperatures among the parameters that are written in degrees Celsius."""
        kelvins = [name for name, quantity in self.model.parameters.items() if quantity.unit in KELVIN]
        _ = self.traces  # mappings, all of them
        written = [self.parameters_body, *self.traces_body]
        return tuple(name for name in kelvins if any(is_in_celsius(body.get(name)) for body in written))
