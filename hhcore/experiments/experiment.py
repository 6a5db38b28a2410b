"""An experiment: a grid of neurons of one model, and what is done with each. hhcore.config makes it from a config."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hhcore.base.units import column_name
from hhcore.compile.module import kernel_name
from hhcore.compile.parts import COMMAND
from hhcore.experiments.protocol import Protocol
from hhcore.experiments.treatments import Treatment, treated
from hhcore.grid.axes import Axis
from hhcore.grid.designs import Sample
from hhcore.grid.factors import Factor, factors
from hhcore.grid.points import grid_coordinates, grid_points
from hhcore.model.model import Model, Quantity
from hhcore.schemes.solver import Solver
from hhcore.simulation.engine import Engine, engine, kernel_parts
from hhcore.simulation.initial import OTHERS, InitialState, initial_value, initially
from hhcore.simulation.stimuli.stimulus import Stimulus


@dataclass(frozen=True, eq=False)
class Experiment:
    """One experiment of a config: a grid of neurons of one model, and what is done with each.

    protocol        : what is done to a neuron, and what is kept of it
    stimulus        : its kind
    sample          : the sampled design, None without one
    axes            : as written, those of the stimulus before those of the parameters
    combine         : "product" (every value with every other) or "zip" (first with first, second with second, ...)
    defaults        : a value for every parameter of the model, then for every field of the stimulus, then for the
                      treatments, then for the initial values that are stated; for a swept quantity the model's own
                      value, 0 of a treatment, or NaN for a field of the stimulus
    initial_state   : where states start whose initial value is not stated: "rest" or "model"
    duration        : simulated time of each neuron [time unit of the model, as all times]
    analysis_window : (start, stop) of the time in which spikes count
    threshold       : potential that a spike crosses upwards [unit of the potential]
    rearm           : the potential must fall below it before the next spike counts; at most `threshold`
    solver          : scheme and how finely it steps; None if a tolerance is given
    tolerance       : largest error, of a spike time [ms] or of what the protocol measures; None if the solver is given
    methods         : schemes to choose from
    certify         : "sample" or "all": the neurons whose error is estimated
    failed_neurons  : "keep" or "fail": whether a neuron that diverged or stalled fails the run
    traces          : the points whose time courses are kept, each with a value for all names in `defaults`
    celsius         : the temperatures that the config writes in degrees Celsius; figures do so too
    remarks         : what is legal in the config, and seldom meant
    treatments      : drugs and blocks, which change the parameters of a point
    dose_response   : columns of features whose dose-response curves are fitted, () for the protocol's headline
    """

    name: str
    model: Model
    protocol: Protocol
    stimulus: type[Stimulus]
    sample: Sample | None
    axes: tuple[Axis, ...]
    combine: str
    defaults: dict[str, float]
    initial_state: str
    duration: float
    analysis_window: tuple[float, float]
    threshold: float
    rearm: float
    solver: Solver | None
    tolerance: float | None
    methods: tuple[str, ...]
    certify: str
    failed_neurons: str
    traces: tuple[dict[str, float], ...]
    celsius: tuple[str, ...]
    remarks: tuple[str, ...]
    treatments: tuple[Treatment, ...] = ()
    dose_response: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of rows of each of the `factors`; () without any."""
        return tuple(len(factor.values) for factor in self.factors)

    @cached_property
    def factors(self) -> tuple[Factor, ...]:
        """The grid is the product of these: the sample, if any, then each axis, or all zipped axes as one factor.

        The stimulus' own axis (the amplitude of steps) comes last.
        """
        return factors(self.sample, self.axes, self.combine, self.stimulus.axis)

    @property
    def swept(self) -> tuple[str, ...]:
        """The quantities that differ from neuron to neuron: the sampled ones, then the axes as written."""
        return (*(self.sample.names if self.sample else ()), *(axis.name for axis in self.axes))

    @property
    def n_points(self) -> int:
        """Number of neurons in the grid, 1 without axes."""
        return math.prod(self.shape)

    @property
    def quantities(self) -> tuple[str, ...]:
        """The names in a point: parameters, fields of the stimulus, treatments, initial values like `initial.cell.V`.

        An initial value is one of them where it is stated, swept or not.
        """
        return tuple(self.defaults)

    def unit(self, quantity: str) -> str:
        """Unit of one of the `quantities`."""
        return units(self.model, self.stimulus, self.treatments)[quantity]

    def column(self, quantity: str) -> str:
        """Name of the column that holds one of the `quantities`."""
        return column_name(quantity, self.unit(quantity))

    def points(self, index: np.ndarray) -> np.ndarray:
        """Rows of the grid by their flat index, int64 (k,): float64 (k, len(quantities)). See `grid_points`."""
        return grid_points(self.defaults, self.factors, np.asarray(index, dtype=np.int64))

    def coordinates(self, rows: range) -> dict[str, np.ndarray]:
        """The swept quantities of rows of the grid, float64 (len(rows),) by column name."""
        along = grid_coordinates(self.factors, np.arange(rows.start, rows.stop))
        return {self.column(name): along[name] for name in self.swept}

    def description(self, quantity: str) -> str:
        """What one of the `quantities` is, in words."""
        meanings = {name: field.meaning for name, field in self.stimulus.fields.items()}
        meanings |= {name: q.description for name, q in self.model.parameters.items()}
        meanings |= {t.amount.name: t.amount.description for t in self.treatments}
        meanings |= {initial_value(n): initially(q.description) for n, q in self.model.states.items()}
        return meanings[quantity]

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks for the user: on the config, on the model file, and on the stimulus in it if it is used."""
        own = self.model.clock(own=True).notes if self.stimulus.text().own else ()
        return tuple(dict.fromkeys([*self.remarks, *self.model.notes, *own]))

    @property
    def axis_fields(self) -> dict[str, tuple[str, str]]:
        """Unit and description of each column of a swept quantity."""
        return {self.column(name): (self.unit(name), self.description(name)) for name in self.swept}

    @property
    def has_amplitude_axis(self) -> bool:
        """Whether the amplitude is an axis that is not zipped with others."""
        return any(f.names == ("amplitude",) for f in self.factors if not f.scattered)

    @property
    def clamped(self) -> bool:
        """Whether the stimulus is the command of a voltage clamp."""
        return self.stimulus.acts == COMMAND

    @property
    def driven(self) -> Quantity:
        """What the stimulus sets: the membrane potential under a clamp, or else the injected current."""
        return self.model.states[self.model.potential] if self.clamped else self.model.current

    def parameters(self, points: Mapping[str, float | np.ndarray]) -> dict[str, float | np.ndarray]:
        """What the model gets: each of its parameters, at points with a value, or float64 (k,), for all `quantities`.

        Whoever hands parameters to the model takes these, not those of the points: drugs and blocks have changed them.
        """
        return treated(self.treatments, {name: points[name] for name in self.model.parameters}, points)

    def stimuli(self, points: Mapping[str, float | np.ndarray]) -> Stimulus:
        """The stimulus of points with a value, or float64 (k,), for each of the `quantities`; currents, no shares."""
        return self.stimulus.in_currents()(**{name: points[name] for name in self.stimulus.fields})

    def start(self, points: Mapping[str, float | np.ndarray]) -> InitialState:
        """Where neurons start, at points with a value, or float64 (k,), for each of the `quantities`."""
        stated = {name: points[initial_value(name)] for name in self.stated}
        return {OTHERS: self.initial_state, **stated} if stated else self.initial_state

    def parts(self, points: np.ndarray) -> tuple[np.ndarray, InitialState]:
        """Rows of `points`, (k, q), in two parts: parameters and fields of the stimulus, (k, p + f); initial states."""
        columns = dict(zip(self.quantities, points.T, strict=True))
        own = [*self.parameters(columns).values(), *(columns[name] for name in self.stimulus.fields)]
        return np.column_stack(own), self.start(columns)

    @property
    def stated(self) -> tuple[str, ...]:
        """The states whose initial value is stated."""
        return tuple(name for name in self.model.states if initial_value(name) in self.defaults)

    def engine(self, method: str) -> Engine:
        """The engine of its neurons for one scheme: a kernel with the observers of its protocol."""
        return engine(self.model, method, self.stimulus, self.protocol.observers(self))

    def kernel_name(self, method: str) -> str:
        """The name of that kernel, compiled or not."""
        return kernel_name(self.model, method, *kernel_parts(self.stimulus, self.protocol.observers(self)))

    def trace_points(self) -> np.ndarray:
        """The trace points as rows like those of `points`: float64 (len(traces), len(quantities))."""
        rows = [[trace[name] for name in self.quantities] for trace in self.traces]
        return np.array(rows, dtype=np.float64).reshape(len(rows), len(self.quantities))


def units(model: Model, stimulus: type[Stimulus], treatments: tuple[Treatment, ...] = ()) -> dict[str, str]:
    """Unit of each name in a point, in their order; of initial values it has some, or none."""
    parameters = {name: quantity.unit for name, quantity in model.parameters.items()}
    initial = {initial_value(name): quantity.unit for name, quantity in model.states.items()}
    amounts = {treatment.amount.name: treatment.amount.unit for treatment in treatments}
    return parameters | stimulus.units_in(model) | amounts | initial
