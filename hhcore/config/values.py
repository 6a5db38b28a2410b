"""The values of an experiment in a config: read in the units of its model, and checked."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hhcore.base.checks import choice, in_other_words, items, mapping, quoted
from hhcore.base.errors import UserError, closest, collected
from hhcore.base.units import UNKNOWN, to_unit
from hhcore.config.keys import EXPERIMENT
from hhcore.grid.axes import AxisSpec, is_multiple, read_axis, read_multiple
from hhcore.grid.designs import Distribution, is_distribution, read_distribution
from hhcore.grid.factors import Factor
from hhcore.model import roles
from hhcore.model.elsewhere import no_parameter, no_state
from hhcore.model.model import NOTHING, Model, is_model_file, load_model
from hhcore.schemes.solver import Solver
from hhcore.simulation.initial import OTHERS, WORDS, check_rest, initial_value, left_out
from hhcore.simulation.simulate import MOST_SAMPLES, TRACE_INTERVAL_MS
from hhcore.simulation.stimuli.stimulus import Stimulus

LARGEST_MULTIPLE = 10  # a larger one is noted: somebody may mean percent


@dataclass(frozen=True)
class Values:
    """What is written for parameters or for the fields of a stimulus.

    fixed         : one number each; of a swept quantity, the model's own value, NaN if it has none
    axes          : in the order of the config
    distributions : by quantity
    mistakes      : in what is in none of them
    """

    fixed: dict[str, float] = field(default_factory=dict)
    axes: list[AxisSpec] = field(default_factory=list)
    distributions: dict[str, Distribution] = field(default_factory=dict)
    mistakes: list[str] = field(default_factory=list)

    def add(self, name: str, value: object, unit: str, own: float, where: str) -> None:
        """One value of the config: a number, an axis or a distribution. Raises UserError if it is none of them."""
        if isinstance(value, list):
            raise UserError(
                f"{where}: {quoted(value)} is a list; write an axis as {{values: [...]}} or {{linspace: [0, 40, 161]}}"
            )
        if unit == UNKNOWN and isinstance(value, dict) and has_units(value):
            pass  # cannot be judged
        elif is_multiple(value):
            own = read_multiple(value, name, unit, own, where)
        elif is_distribution(value):
            self.distributions[name] = read_distribution(value, name, unit, own, where)
        elif isinstance(value, dict):
            self.axes.append(read_axis(value, name, unit, own, where))
        self.fixed[name] = own if isinstance(value, dict) else to_unit(value, unit, where)


def read_values(
    written: Mapping[str, object],
    own: Mapping[str, tuple[str, float]],
    where: str,
    places: Mapping[str, str] | None = None,
    check: Callable[[str, object, str, str], None] = lambda name, value, unit, where: None,
) -> Values:
    """The values of the names that are known, as far as they can be read, and what is wrong with the others of these.

    own    : the unit and the model's own value of each, NaN if it has none
    places : where each stands in the mapping, if not under its name
    check  : raises UserError for a name, what is written for it, its unit and its place, before that is read
    """
    values = Values()
    for name, value in written.items():
        if name in own:
            try:
                place = f"{where}.{(places or {}).get(name, name)}"
                check(name, value, own[name][0], place)
                values.add(name, value, *own[name], place)
            except UserError as error:
                values.mistakes.extend(error.mistakes)
    return values


def has_units(value: object) -> bool:
    """Whether there is text in an axis or a distribution."""
    if isinstance(value, dict | list):
        return any(map(has_units, value.values() if isinstance(value, dict) else value))
    return isinstance(value, str)


def read_model(model: str, base: Path, where: str, potential: str | None = None, current: str | None = None) -> Model:
    """The model of an experiment; a path starts from `base`. Raises UserError as `load_model` does."""
    try:
        found = load_model(base / model if is_model_file(model) else model, potential=potential, current=current)
        _ = found.ms  # raises UserError for a unit that is not one of time
    except UserError as error:
        raise UserError(f"{where}: {error}") from error
    return found


def check_parameter(name: str, model: Model, where: str) -> None:
    """Raise UserError unless the model has the parameter."""
    if name not in model.parameters:
        key, hint = in_other_words(name, EXPERIMENT)
        raise UserError(f"{where}: {no_parameter(name, model, hint='' if key == 'parameters' else hint)}")


def read_window(written: object, unit: str, duration: float, where: str) -> tuple[float, float]:
    """Start and stop of the analysis. Raises UserError unless they lie inside the run, one before the other."""
    start, stop = (to_unit(t, unit, f"{where}[{i}]") for i, t in enumerate(items(written, where, "[start, stop]", 2)))
    if start < 0 or start >= stop or stop > duration:
        whole = f" [0, {duration!r}]" if duration < math.inf else ""
        raise UserError(
            f"{where}: {quoted(written)} does not lie inside the duration{whole} with start before stop; "
            "give two such times, or leave it out to analyse the whole run"
        )
    return start, stop


def read_initial_state(written: object, model: Callable[[], Model], where: str) -> str:
    """Where the states start that are not given: "rest" or "model". `model` is asked when the word is legal.

    Raises UserError for another word, for a name that is not a state's, and where a state is left out without a word.
    """
    if isinstance(written, dict):
        word = _word_beside(mapping(written, where), model, where)
    elif written in WORDS:
        word = written
    else:
        legal = closest(written if isinstance(written, str) else "", [*WORDS, "{membrane.V: -65, ...}"])
        raise UserError(f"{where}: {quoted(written)} is not a choice here; {legal}")
    if word == "rest":
        check_rest(model(), where)
    return word


def _word_beside(written: Mapping[str, object], model: Callable[[], Model], where: str) -> str:
    """The word beside values of states; "model" if no state needs it."""
    states, word = {name: value for name, value in written.items() if name != OTHERS}, "model"
    with collected() as noted:
        with noted():
            word = choice(written.get(OTHERS, word), WORDS, f"{where}.{OTHERS}")
        for name in states:
            with noted():
                if name not in model().states:
                    raise UserError(f"{where}: {no_state(name, model())}")
    reason = left_out(model(), states)
    if reason and OTHERS not in written:
        raise UserError(f"{where}: {reason}")
    return word if reason else "model"


def check_point(
    written: Mapping[str, object], model: Model, stimulus: type[Stimulus], initial: Iterable[str], where: str
) -> None:
    """Raise UserError for names in a trace that neither the model nor its stimulus has. `initial` : legal besides"""
    others = [*stimulus.fields, *initial]
    with collected() as noted:
        for name in (name for name in written if name not in (*model.parameters, *others)):
            with noted():
                _, hint = in_other_words(name, stimulus.keys())
                raise UserError(f"{where}: {no_parameter(name, model, others, hint or _for_a_state(name, model))}")


def _for_a_state(name: str, model: Model) -> str:
    """What to do about a state in a trace, "" if it is none."""
    state = name if name in model.states else name.removeprefix("initial.")
    if state not in model.states:
        return ""
    return f"a trace has {initial_value(state)!r} if `initial_state` has {state!r}"


def read_point(
    written: Mapping[str, object], units: Mapping[str, str], stimulus: type[Stimulus], where: str
) -> dict[str, float]:
    """The values that a trace sets itself, of the names with a unit. Raises UserError with the mistakes."""
    values = {}
    with collected() as noted:
        for name in (name for name in written if name in units):
            with noted():
                if name in stimulus.fields:
                    stimulus.check_written(name, written[name], units[name], f"{where}.{name}")
                values[name] = to_unit(written[name], units[name], f"{where}.{name}")
    return values


def check_samples(traces: int, solver: Solver | None, duration: float, ms: float, where: str) -> None:
    """Raise UserError if the table of the traces would have too many rows."""
    interval = TRACE_INTERVAL_MS / ms if solver is None or solver.scheme.adaptive else solver.accuracy
    if (rows := traces * duration / interval) > MOST_SAMPLES:
        raise UserError(
            f"{where}: {traces} traces of {duration!r}, with a row every {interval:g}, make {rows:.2g} rows; at most "
            f"{MOST_SAMPLES:.0e} are legal, so leave out traces or shorten the duration"
        )


def check_injected(
    model: Model, stimulus: type[Stimulus], defaults: dict[str, float], grid: tuple[Factor, ...], where: str
) -> None:
    """Raise UserError for a current into a model without an injected current."""
    for name in (name for name, declared in stimulus.in_currents().fields.items() if declared.unit == "current"):
        swept = [f.values[:, f.names.index(name)] for f in grid if name in f.names]
        if model.current.name == NOTHING and np.any(swept or defaults[name]):
            raise UserError(f"{where}.{name}: nothing is injected into {model.name!r}; give 0, or name a current")


def check_lowest(model: Model, lowest: Mapping[str, float], where: str) -> None:
    """Raise UserError for values that no parameter of its kind has. `lowest` : of each parameter that is written"""
    with collected() as noted:
        for name in (name for name in model.parameters if name in lowest):
            with noted():
                roles.check_parameter(model.parameters[name], lowest[name], f"{where}.{name}")


def remarks(
    written: Mapping[str, object], model: Model, lowest: Mapping[str, float], highest: Mapping[str, float]
) -> tuple[str, ...]:
    """What is legal in parameters, and seldom meant. `lowest`, `highest` : of each that is written"""
    found = []
    for quantity in (q for name, q in model.parameters.items() if name in written and name in lowest):
        scaled, multiple = is_scaled(written[quantity.name]), highest[quantity.name] / (quantity.value or 1)
        if scaled and multiple > LARGEST_MULTIPLE:
            found.append(
                f"{quantity.name} is scaled by up to {multiple:g}; these are multiples of the model's own value, not "
                f"percent, which are written as '{multiple:g} %'"
            )
        if lowest[quantity.name] < 0 <= quantity.value and roles.is_a("conductance", quantity):
            found.append(f"{quantity.name} is a conductance, and as low as {lowest[quantity.name]:g} {quantity.unit}")
    return tuple(found)


def is_scaled(value: object) -> bool:
    """Whether a value in a config counts in multiples of the model's own."""
    return isinstance(value, dict) and "scale" in value
