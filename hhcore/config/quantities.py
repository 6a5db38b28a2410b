"""The values of an experiment in a config that are no grid, in the units of its model."""

import dataclasses
import math

import numpy as np

from hhcore.base.checks import present, quoted
from hhcore.base.errors import UserError, collected
from hhcore.base.units import UNKNOWN, column_name, to_unit
from hhcore.config.keys import CLAMP, EXPERIMENT
from hhcore.config.outputs import check_taken, read_features, read_outputs
from hhcore.config.part import made_or, part
from hhcore.config.solver import read_dt, read_solver, read_tolerance
from hhcore.config.treatments import Treatments
from hhcore.config.values import (
    Values,
    check_parameter,
    read_initial_state,
    read_values,
    read_window,
)
from hhcore.experiments.experiment import units
from hhcore.experiments.protocol import Protocol
from hhcore.grid.axes import is_multiple
from hhcore.grid.designs import Distribution, read_sample
from hhcore.schemes.solver import Solver
from hhcore.simulation.beats import beat_definitions
from hhcore.simulation.initial import check_commanded, initial_value
from hhcore.simulation.outputs import Output
from hhcore.simulation.stimuli.segments import Segments

CANDIDATES = ("tsit5", "dop853", "rodas5p")  # the others cost more at every accuracy: docs/benchmarks.md
ANY = (UNKNOWN, 1.0)  # unit and value of a quantity of a model that is not known: it may be scaled


class Quantities(Treatments):
    """Times, potentials, the stimulus, parameters and initial states as written, the protocol and the solver."""

    @part
    def duration(self) -> float:
        """How long each neuron is simulated."""
        if "duration" not in self.body and (CLAMP in self.body or self._self_timed):
            return self._lasting()
        unit, written = self._time_unit, self._written("duration")
        duration = to_unit(written, unit, f"{self.where}.duration")
        if duration <= 0:
            zero = f"0 {unit}".strip()
            raise UserError(f"{self.where}.duration: {quoted(written)} is not longer than {zero}; give a time above 0")
        return duration

    def _lasting(self) -> float:
        """How long the segments of a command last at most, or a run that the protocol times by itself.

        Raises UserError for another kind of command.
        """
        values, kind = self.stimulus_values, self.stimulus
        if not (self._self_timed or issubclass(kind, Segments)):
            present(self.body, "duration", self.where, EXPERIMENT)
        if values.mistakes:
            raise UserError(*values.mistakes)
        _ = self.stimulus_keys
        ends = {name: [x] for name, x in (kind.defaults(math.inf) | values.fixed).items()}
        ends |= {axis.name: [axis.values.min(), axis.values.max()] for axis in (spec.expand() for spec in values.axes)}
        if values.distributions:
            sample = read_sample(self.body, self._distributions, self.where).expand()
            ends |= {name: [x.min(), x.max()] for name, x in zip(sample.names, sample.points.T, strict=True)}
        for end in (np.min, np.max):
            bound = {name: np.array([end(x)]) for name, x in ends.items()}
            if not kind.fields.keys() - bound.keys():  # others are the protocol's
                kind.check(bound, math.inf, self.stimulus_where)
        if self._self_timed:
            longest = {name: float(x[0]) for name, x in bound.items()}
            return self.protocol_kind.lasting(self.body["protocol"], longest, self.model, f"{self.where}.protocol")
        return float(kind.lasting(bound)[0])

    @property
    def _read_values(self) -> list[Values]:
        """What is written for the stimulus, parameters, treatments and initial states, as far as it can be read."""
        names = ("stimulus_values", "parameter_values", "amount_values", "initial_values")
        return [made_or(self, name, Values()) for name in names]

    @property
    def _distributions(self) -> dict[str, Distribution]:
        """All that can be read."""
        return {name: spread for values in self._read_values for name, spread in values.distributions.items()}

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
        """What is written for the fields of the stimulus."""
        stated = self.stimulus_stated
        own = {name: (unit, stated.get(name, math.nan)) for name, unit in self.stimulus_units.items()}
        kind = made_or(self, "stimulus", None)
        places = {name: kind.place(name) for name in own} if kind else {}
        checked = {"check": kind.check_written} if kind else {}
        return read_values(self.stimulus_written, own, self.stimulus_where, places, **checked)

    @part
    def parameter_names(self) -> None:
        """All parameters are the model's."""
        with collected() as noted:
            for name in self.parameters_body:
                with noted():
                    check_parameter(name, self.model, f"{self.where}.parameters")

    @part
    def parameter_values(self) -> Values:
        """What is written for parameters."""
        model = made_or(self, "model", None)
        own = {name: (quantity.unit, quantity.value) for name, quantity in (model.parameters if model else {}).items()}
        own |= {} if model else dict.fromkeys(self.parameters_body, ANY)
        return read_values(self.parameters_body, own, f"{self.where}.parameters")

    @part
    def initial_state(self) -> str:
        """Where states start that have no value: "rest" or "model"."""
        where = f"{self.where}.initial_state"
        word = read_initial_state(self._written("initial_state"), lambda: self.model, where)
        if CLAMP in self.body:
            check_commanded(self.states_body, self.model, f"{where}.")
        return word

    @part
    def initial_values(self) -> Values:
        """What is written for initial states."""
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
        """The potential that a spike crosses upwards."""
        return self._potential("threshold", 0)

    @part
    def rearm(self) -> float:
        """The potential below which the next spike counts."""
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
        """When spikes count."""
        if "analysis_window" not in self.body:
            return 0.0, self.duration
        return read_window(
            self.body["analysis_window"], self._time_unit, self._horizon, f"{self.where}.analysis_window"
        )

    @part
    def protocol(self) -> Protocol:
        """What is done to a neuron, and what is kept of it."""
        return dataclasses.replace(self.plain_protocol, outputs=self.outputs) if self.outputs else self.plain_protocol

    @part
    def plain_protocol(self) -> Protocol:
        """The protocol without outputs."""
        kind = self.protocol_kind  # so its keys are right
        own = {key: value for key, value in self.body.get("protocol", {}).items() if key != "kind"}
        protocol = kind.read(own, self.model, self.duration, f"{self.where}.protocol")
        return protocol.suited(self.stimulus, self._swept, f"{self.where}.protocol")

    @part
    def supplied(self) -> dict[str, float]:
        """The fields of the stimulus that the protocol sets itself."""
        return dict(self.plain_protocol.supplied) if self._supplied else {}

    @part
    def outputs(self) -> tuple[Output, ...]:
        """What is noted of variables, as columns of features beside those of the protocol and of axes."""
        if "outputs" not in self.body:
            return ()
        where, quantities = f"{self.where}.outputs", units(self.model, self.stimulus, self.treatments)
        check_taken(self.protocol_kind, self.stimulus, where)
        columns = {*self.plain_protocol.definitions, *(column_name(*quantity) for quantity in quantities.items())}
        paced = "beats" in self.plain_protocol.schema.names
        columns |= {*beat_definitions()} if paced else set()
        return read_outputs(
            self.body["outputs"], self.model, self.analysis_window, self._horizon, columns, paced, where
        )

    @part
    def dose_response(self) -> tuple[str, ...]:
        """The features whose dose-response curves are fitted, as named."""
        if "dose_response" not in self.body:
            return ()
        where = f"{self.where}.dose_response"
        if not self.amount_values.axes:
            raise UserError(f"{where}: no concentration or block is an axis, so there are no curves; leave it out")
        return read_features(self.body["dose_response"], self.protocol, where)

    @part
    def solver(self) -> Solver | None:
        """The solver, None if a tolerance is given."""
        _ = self.solver_keys
        return read_solver(self.solver_body, self.dt, f"{self.where}.solver")

    @part
    def dt(self) -> float | None:
        """The step, None without one."""
        return read_dt(self.solver_body, self._time_unit, self._horizon, f"{self.where}.solver")

    @part
    def tolerance(self) -> float | None:
        """The largest error, None if the solver is given."""
        return read_tolerance(self.solver_body, self.protocol_kind.accuracy, f"{self.where}.solver")

    @part
    def methods(self) -> tuple[str, ...]:
        """Those to choose from."""
        _ = self.solver_keys
        return (self.solver_body["method"],) if "method" in self.solver_body else CANDIDATES

    @part
    def certify(self) -> str:
        """The neurons whose error is estimated."""
        return self.solver_body.get("certify", "sample")

    @property
    def _swept(self) -> list[str]:
        """What is written as an axis or a distribution: of the stimulus, parameters, treatments, initial values."""
        fields = {name for name in self.stimulus_units if self.stimulus.fields[name].swept}
        legal = fields | set(self._units(self.parameters_body))
        initial = made_or(self, "initial_written", {})
        written = {**self.stimulus_written, **self.parameters_body, **self.amounts_written, **initial}
        return [
            name
            for name, value in written.items()
            if name in legal and isinstance(value, dict) and not is_multiple(value)
        ]
