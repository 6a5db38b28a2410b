"""How far the sliders of a page go: from what a quantity is, its value, and the values that an experiment sweeps."""

from collections.abc import Callable, Mapping

import numpy as np

from hhcore.base.errors import UserError
from hhcore.base.units import KELVIN, to_unit
from hhcore.experiments.experiment import Experiment
from hhcore.experiments.treatments import PERCENT, Drug
from hhcore.model.model import Quantity
from hhcore.model.roles import converts, is_a
from hhcore.simulation.initial import initial_value

APART = 50.0  # mV above and below a potential
WARMER = 20.0  # kelvins above and below a temperature
POTENTIALS = (-120.0, 60.0)  # mV, of a membrane
STRONG = 10.0  # concentrations in multiples of an IC50
NEAR = 0.01  # of the way to an end that is not legal
HALVINGS = 40  # of an interval, to find where values stop being legal
MOST_WHOLE = 1000  # numbers looked at
Point = Mapping[str, float]


def slider(e: Experiment, name: str, point: Point) -> tuple[float, float]:
    """The lowest and the highest value of one of the `quantities` [its unit]; the values of the grid lie between them.

    A field of the stimulus goes no further than its kind allows, the other fields being those of the point.
    """
    swept = swept_values(e, name)
    low, high = _around(e, name, point)
    if swept.size > 1 and name in e.stimulus.fields:
        low, high = float(swept.min()), float(swept.max())
    known = [*swept, *([point[name]] if np.isfinite(point[name]) else [])]
    low, high = _short(min([low, *known]), np.floor, 3), _short(max([high, *known]), np.ceil, 3)
    if name in e.stimulus.fields:
        low, high = legal(e, name, point, low, high)
    return float(min([low, *known])), float(max([high, *known]))


def _short(value: float, rounded: Callable[[float], float], digits: int) -> float:
    """A number of few digits near a value, rounded up or down."""
    if not value:
        return 0.0
    unit = 10.0 ** (np.floor(np.log10(abs(value))) - digits + 1)
    return float(f"{rounded(value / unit) * unit:.6g}")


def swept_values(e: Experiment, name: str) -> np.ndarray:
    """The values of a quantity in the grid, float64 (m,); none if it is the same for all neurons."""
    columns = [factor.values[:, factor.names.index(name)] for factor in e.factors if name in factor.names]
    return columns[0] if columns else np.empty(0)


def legal(e: Experiment, name: str, point: Point, low: float, high: float) -> tuple[float, float]:
    """The part of low to high around a field's value in which the stimulus is legal."""

    def is_legal(value: float) -> bool:
        values = {field: np.array([value if field == name else point[field]]) for field in e.stimulus.fields}
        try:
            e.stimulus.check(values, e.duration, "")
        except UserError:
            return False
        return True

    value = point[name] if np.isfinite(point[name]) else low
    if e.stimulus.fields[name].whole:
        legal_whole = [x for x in np.arange(np.ceil(low), min(high, low + MOST_WHOLE) + 1) if is_legal(float(x))]
        return float(min([value, *legal_whole])), float(max([value, *legal_whole]))
    return _furthest(is_legal, value, low), _furthest(is_legal, value, high)


def _furthest(is_legal: Callable[[float], bool], value: float, end: float) -> float:
    """How far a slider goes from a legal value towards `end`: to the last legal number of two digits.

    If `end` itself is all that is not legal, like a duration of 0, all but NEAR of the way.
    """
    if is_legal(end) or not is_legal(value):
        return end
    near = _short(end + NEAR * (value - end), np.floor if end > value else np.ceil, 2)
    if is_legal(near):
        return near
    inside, outside = value, end
    for _ in range(HALVINGS):
        between = inside + (outside - inside) / 2
        inside, outside = (between, outside) if is_legal(between) else (inside, between)
    short = _short(inside, np.floor if end > value else np.ceil, 2)
    return short if is_legal(short) else inside


def _around(e: Experiment, name: str, point: Point) -> tuple[float, float]:
    """What is sensible for a quantity whatever is swept."""
    if name in e.model.parameters:
        own = e.model.parameters[name]
        return _of_parameter(own, own.value if name in e.swept else point[name])
    if name in e.stimulus.fields:
        return _of_field(e, name, point)
    for treatment in e.treatments:
        if treatment.amount.name == name:
            halves = [t.half for t in treatment.targets] if isinstance(treatment, Drug) else []
            return 0.0, 100.0 if treatment.amount.unit == PERCENT else STRONG * max([*halves, point[name] / STRONG])
    return _of_state(e, name, point[name])


def _of_parameter(q: Quantity, value: float) -> tuple[float, float]:
    if converts(q.unit, "mV"):
        return _potentials(q.unit, value)
    if q.unit in (*KELVIN, "degC"):
        return value - WARMER, value + WARMER
    if value > 0 and (is_a("capacitance", q) or converts(q.unit, "mM")):  # divided by, and logarithms taken of
        return value / 4, 4 * value
    return _to_double(value)


def _of_field(e: Experiment, name: str, point: Point) -> tuple[float, float]:
    unit, value = e.stimulus.fields[name].unit, point[name]
    if unit == "time":
        return 0.0, e.duration
    if unit == "potential":
        return _potentials(e.unit(name), value)
    if value == np.inf:  # as many as fit
        values = {field: np.array([point[field]]) for field in e.stimulus.fields}
        own = np.array([[q.value for q in e.model.parameters.values()]])
        return 1.0, float(e.stimulus.resolve(values, e.duration, e.model.ms, own)[name][0])
    if value == 0 and unit == "current":
        largest = _largest_current(e, point)
        return -largest, largest
    return _to_double(value)


def _of_state(e: Experiment, name: str, value: float) -> tuple[float, float]:
    (q,) = (q for state, q in e.model.states.items() if initial_value(state) == name)
    if converts(q.unit, "mV"):
        scale = _millivolt(q.unit)
        return POTENTIALS[0] * scale, POTENTIALS[1] * scale
    return (0.0, 1.0) if is_gate(q) else _to_double(value)


def is_gate(q: Quantity) -> bool:
    """Whether a state is a gate, as far as its unit and its initial value tell."""
    return q.unit == "1" and 0.0 <= q.value <= 1.0


def _largest_current(e: Experiment, point: Point) -> float:
    """Of all fields of the stimulus that are currents; 10 if all are 0."""
    fields = [name for name, field in e.stimulus.fields.items() if field.unit == "current"]
    largest = max(float(np.abs([point[name], *swept_values(e, name)]).max()) for name in fields)
    return largest or 10.0


def _potentials(unit: str, value: float) -> tuple[float, float]:
    apart = APART * _millivolt(unit) if converts(unit, "mV") else max(1.0, abs(value))
    return value - apart, value + apart


def _millivolt(unit: str) -> float:
    return to_unit("1 mV", unit, "")


def _to_double(value: float) -> tuple[float, float]:
    return (min(0.0, 2 * value), max(0.0, 2 * value)) if value else (-1.0, 1.0)
