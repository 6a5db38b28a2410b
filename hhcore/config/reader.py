"""Check a config to the last value and turn it into experiments."""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from pathlib import Path

from hhcore.base.checks import fields, mapping, present, quoted
from hhcore.base.errors import UserError, collected
from hhcore.base.units import KELVIN, UNKNOWN, is_in_celsius
from hhcore.config.keys import EXPERIMENT, TOP
from hhcore.config.part import made_or, part, parts_of
from hhcore.config.quantities import Quantities
from hhcore.config.treatments import check_amounts, percent_remarks
from hhcore.config.values import (
    Values,
    check_injected,
    check_lowest,
    check_point,
    check_samples,
    read_point,
    remarks,
)
from hhcore.experiments.analysis import check_installed
from hhcore.experiments.experiment import Experiment
from hhcore.grid.axes import Axis
from hhcore.grid.designs import Sample, SampleSpec, read_sample
from hhcore.grid.factors import Factor, check_size, check_values, factors


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


class _Reading(Quantities):
    """The grid, and traces of its points.

    With the parts that it extends, they are the fields of an Experiment, and what is checked besides.
    """

    def experiment(self) -> Experiment:
        """The experiment. Raises UserError with the mistakes in all parts."""
        with collected() as noted:
            for name in parts_of(type(self)):
                with noted():
                    getattr(self, name)
        return Experiment(**{field.name: getattr(self, field.name) for field in dataclasses.fields(Experiment)})

    @part
    def values(self) -> Values:
        """All that can be read; what has a default is `fixed`."""
        written = self._read_values
        kind, model = made_or(self, "stimulus", None), made_or(self, "model", None)
        fixed = {name: quantity.value for name, quantity in model.parameters.items()} if model else {}
        fixed |= kind.defaults(self._horizon) if kind else {}
        fixed |= dict.fromkeys(self.amount_units, 0.0)
        fixed |= dict.fromkeys(self._initial_units, math.nan)
        for values in written:
            fixed |= values.fixed
        fixed |= made_or(self, "supplied", {})
        return Values(
            fixed,
            [axis for values in written for axis in values.axes],
            self._distributions,
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
        _ = self.stimulus_values, self.parameter_values, self.amount_values, self.initial_values, self.unreadable
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
    def protocol_pairing(self) -> None:
        """The protocol goes with the stimuli."""
        grid = made_or(self, "grid", ())
        swept = {name: x for factor in grid for name, x in zip(factor.names, factor.values.max(axis=0), strict=True)}
        self._check_protocol(self.values.fixed | swept)

    def _check_protocol(self, highest: dict[str, float]) -> None:
        self.plain_protocol.check_stimuli(highest, self.model, self._horizon, f"{self.where}.protocol")

    @part
    def extremes(self) -> tuple[dict[str, float], dict[str, float]]:
        """The lowest and the highest value of each parameter and amount that is written, as far as they can be read."""
        values, written = self.values, (*self.parameters_body, *self.amounts_written)
        rows = {name: [values.fixed[name]] for name in written if name in values.fixed}
        rows |= {spec.name: [float(spec.factor * x) for x in spec.numbers] for spec in values.axes}
        if sample := made_or(self, "sample", None):
            rows |= dict(zip(sample.names, sample.points.T, strict=True))
        return {name: float(min(x)) for name, x in rows.items()}, {name: float(max(x)) for name, x in rows.items()}

    @part
    def lowest(self) -> None:
        """No neuron is frozen, none has a capacitance that is not above 0."""
        check_lowest(self.model, self.extremes[0], f"{self.where}.parameters")

    @part
    def amounts(self) -> None:
        """No concentration is below 0, and no block outside of 0 to 100 %."""
        places = {name: f"{self.where}.{place}" for name, place in self.amount_places.items()}
        check_amounts(self.amount_units, *self.extremes, places)

    @part
    def remarks(self) -> tuple[str, ...]:
        return remarks(self.parameters_body, self.model, *self.extremes) + percent_remarks(*self.extremes)

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
                check_point(body, self.model, self.stimulus, {**self.amount_units, **self._initial_units}, where)
            with noted():
                self._check_supplied(body, where)
            with noted():
                own = read_point(body, self._units(body), self.stimulus, where)
            if missing := [name for name in self._swept if name not in body]:
                raise UserError(
                    f"{where}: {quoted(written)} has no value for {', '.join(missing)}; "
                    f"a trace is one neuron, so give a value for every axis and every distribution"
                )
        with collected() as noted:
            with noted():
                check_values(self.stimulus, self._around | own, (), self._horizon, where)
            with noted():
                self._check_protocol(self._around | own)
            with noted():
                check_lowest(self.model, own, where)
            with noted():
                check_amounts(self.amount_units, own, own, {name: f"{where}.{name}" for name in own})
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
        return own | self.stimulus_units | self.amount_units | self._initial_units

    @part
    def celsius(self) -> tuple[str, ...]:
        """The temperatures among the parameters that are written in degrees Celsius."""
        kelvins = [name for name, quantity in self.model.parameters.items() if quantity.unit in KELVIN]
        _ = self.traces  # mappings, all of them
        written = [self.parameters_body, *self.traces_body]
        return tuple(name for name in kelvins if any(is_in_celsius(body.get(name)) for body in written))
