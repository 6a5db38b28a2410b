"""The model of an experiment: equations typeset by component, parameters and states as rows of tables."""

from collections.abc import Iterator
from dataclasses import dataclass

import myokit
from markupsafe import Markup

from hhcore.base.units import pretty_unit
from hhcore.base.words import number
from hhcore.experiments.experiment import Experiment
from hhcore.model.mathml import Typesetter
from hhcore.model.model import Quantity
from hhcore.simulation.initial import initial_value

DIGITS = 10


@dataclass(frozen=True)
class Equation:
    """An equation as MathML, what it is about, and where it is from."""

    math: Markup
    description: str
    source: str


@dataclass(frozen=True)
class Row:
    """A parameter or a state: its value in the file, and what the experiment does with it, or nothing."""

    name: str
    value: str
    unit: str
    changed: str
    description: str
    source: str


def equations(model: myokit.Model) -> Iterator[tuple[str, list[Equation]]]:
    """The equations of each component that has some, by its name, in the order of the file."""
    typesetter = Typesetter(model)
    for component in model.components():
        own = [v for v in component.variables(deep=True) if not v.is_literal() and not v.is_bound()]
        if own:
            yield component.name(), [Equation(Markup(typesetter.equation(v)), *_texts(v)) for v in own]


def parameters(e: Experiment) -> list[Row]:
    """The parameters of the model."""
    return [_row(q, _changed(e, name, q)) for name, q in e.model.parameters.items()]


def states(e: Experiment) -> list[Row]:
    """The states of the model, with their initial values."""
    return [_row(q, _changed(e, initial_value(name), q)) for name, q in e.model.states.items()]


def _row(q: Quantity, changed: str) -> Row:
    unit = "" if q.unit == "1" else pretty_unit(q.unit)
    return Row(q.name, number(q.value, DIGITS), unit, changed, q.description, q.source)


def _changed(e: Experiment, name: str, q: Quantity) -> str:
    if name in e.swept:
        return "varied"
    value = e.defaults.get(name, q.value)
    return "" if value == q.value else number(value, DIGITS)


def _texts(variable: myokit.Variable) -> tuple[str, str]:
    return tuple(" ".join(variable.meta.get(key, "").split()) for key in ("desc", "source"))
