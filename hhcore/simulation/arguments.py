"""The arguments of simulate() and trace(), read and checked: quantities become numbers in the model's units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hhcore.base.errors import UserError
from hhcore.base.units import Quantities, Written, check_temperature, column_name, to_array, to_unit
from hhcore.model.elsewhere import no_parameter
from hhcore.model.model import NOTHING, Model, Quantity
from hhcore.simulation.initial import Start, initial_value
from hhcore.simulation.stimuli.stimulus import Stimulus

MOST_LISTED = 8  # columns in a message


@dataclass(frozen=True)
class Conditions:
    """How long neurons run and what counts as a spike, in the model's units, as `simulate` explains them."""

    duration: float
    window: tuple[float, float]
    threshold: float
    rearm: float


def read_conditions(
    model: Model,
    duration: Written,
    analysis_window: tuple[Written, Written] | None,
    threshold: Written,
    rearm: Written | None,
) -> Conditions:
    """The conditions of a run. Raises UserError for values that are not legal."""
    duration = positive(duration, model.time_unit, "duration")
    window = (0.0, duration) if analysis_window is None else _window(analysis_window, model.time_unit)
    if not 0 <= window[0] < window[1] <= duration:
        raise UserError(f"analysis_window {window} must lie inside 0 to {duration} (the duration)")
    potential = model.states[model.potential].unit
    threshold = to_unit(threshold, potential, "threshold")
    rearm = threshold if rearm is None else to_unit(rearm, potential, "rearm")
    if not rearm <= threshold:
        raise UserError(f"rearm {rearm} must not lie above the threshold {threshold}")
    return Conditions(duration, window, threshold, rearm)


def positive(value: Written, unit: str, where: str) -> float:
    """A quantity above 0, in `unit`. Raises UserError for any other."""
    number = to_unit(value, unit, where)
    if number <= 0:
        raise UserError(f"{where} {value!r} must be above 0")
    return number


def _window(value: object, unit: str) -> tuple[float, float]:
    if not isinstance(value, Sequence | np.ndarray) or isinstance(value, str) or len(value) != 2:
        raise UserError(f"analysis_window: {value!r} is not a window; give two times, (start, stop)")
    return to_unit(value[0], unit, "analysis_window"), to_unit(value[1], unit, "analysis_window")


def read_neurons(
    model: Model, points: Mapping, stimulus: Stimulus, duration: float, start: Start
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Parameters of the model and fields of the stimulus of each neuron, float64 (n, p + fields); and what was given.

    What was given for each neuron is float64 (n,) by column name: of the stimulus, parameters, and initial states.
    Raises UserError for unknown names, illegal values, and lists of several lengths.
    """
    _check_names(model, points, stimulus)
    fields = stimulus.columns(model, duration)
    for name, field in stimulus.fields.items():
        if model.current.name == NOTHING and field.unit == "current" and np.any(fields[name]):
            raise UserError(f"stimulus: model {model.name!r} takes no injected current; {name} must be 0")
    columns = {name: _parameter(values, model.parameters[name]) for name, values in points.items()}
    given = _given(model, fields, type(stimulus), columns, start)
    lengths = {column.size for column in given.values()}
    if len(lengths) > 1:
        sizes = [f"{name} has {column.size}" for name, column in given.items()]
        listed = ", ".join([*sizes[:MOST_LISTED], *(["…"] if len(sizes) > MOST_LISTED else [])])
        raise UserError(
            f"points: columns must have one length: {listed}; the first values of all make the first neuron, and so "
            "on; hhcore.run combines every value with every other"
        )
    n = lengths.pop() if lengths else 1
    table = np.empty((n, len(model.parameters) + len(fields)))
    for i, (name, quantity) in enumerate(model.parameters.items()):
        table[:, i] = columns.get(name, quantity.value)
    stimuli = table[:, len(model.parameters) :]
    for i, column in enumerate(fields.values()):
        stimuli[:, i] = column
    if n:
        stimulus.check(dict(zip(fields, stimuli.T, strict=True)), duration, "stimulus")
    return table, given


def _check_names(model: Model, points: Mapping, stimulus: Stimulus) -> None:
    if isinstance(points, Stimulus):
        raise UserError(f"points: {points!r} is a stimulus; give model, points and stimulus in this order")
    if not isinstance(points, Mapping):
        raise UserError(f"points: {points!r} is not a mapping; give values by name, like {{'sodium.g': 120}}")
    if not isinstance(stimulus, Stimulus):
        raise UserError(f"stimulus: {stimulus!r} is not a stimulus; give one, like hhcore.Step(10)")
    for name in points:
        if name not in model.parameters:
            raise UserError(f"points: {no_parameter(str(name), model)}")
    stimulus.check_model(model, "stimulus")


def _given(
    model: Model,
    fields: Mapping[str, np.ndarray],
    kind: type[Stimulus],
    parameters: Mapping[str, np.ndarray],
    start: Start,
) -> dict[str, np.ndarray]:
    """The columns with a value for each neuron, by the names that tables give them."""
    units = kind.units_in(model) | {n: q.unit for n, q in model.parameters.items()}
    given = {column_name(n, units[n]): c for n, c in {**fields, **parameters}.items() if c.ndim}
    stated = {column_name(initial_value(n), model.states[n].unit): c for n, c in start.stated.items() if c.ndim}
    return given | stated


def _parameter(values: Quantities, parameter: Quantity) -> np.ndarray:
    """One value or a list of them, float64 () or (n,), of a parameter."""
    where = f"points: {parameter.name}"
    array = to_array(values, parameter.unit, where)
    check_temperature(float(array.min(initial=np.inf)), parameter.unit, parameter.value, where)
    return array
