"""The variables of a model that can be observed while it runs, by the names that a user writes."""

import re
from typing import NamedTuple

import myokit

from hhcore.base.errors import UserError, closest
from hhcore.model.model import NOTHING, Model
from hhcore.model.units import written_unit

TOTAL = "total"
_CALL = re.compile(r"(conductance|dot)\((.*)\)", re.DOTALL)


class Observable(NamedTuple):
    """What a name stands for.

    what   : "variable", "slope" of a state, "conductance" of a current, or "total" of the membrane currents
    parts  : the qualified names of the variables that it is made of
    unit, description : of its values
    """

    what: str
    parts: tuple[str, ...]
    unit: str
    description: str


def observable(name: str, model: Model) -> Observable:
    """The meaning of a name: a variable that changes in time, `dot(STATE)`, `conductance(CURRENT)`, or `total`.

    `dot` is the derivative in time. A conductance is dI/dV of a current with everything else fixed. `total` is the sum
    of all membrane currents, and `conductance(total)` that of their conductances. Raises UserError for any other name.
    """
    call = _CALL.fullmatch(name.strip())
    if call is None and name == TOTAL:
        return _total(model)
    variables = varying(model)
    if call is None:
        _check(name, name, [*variables, TOTAL], model)
        variable = variables[name]
        return Observable("variable", (name,), _unit(variable), _words(variable))
    what, inner = call[1], call[2].strip()
    if what == "dot":
        _check(name, inner, list(model.states), model)
        unit = f"{_unit(variables[inner])}/{model.time_unit}"
        return Observable("slope", (inner,), unit, f"derivative in time of {_words(variables[inner])}")
    if inner == TOTAL:
        parts, voltage = _total(model).parts, variables[model.potential].unit()
        return Observable(what, parts, _quotient(variables[parts[0]].unit(), voltage), "sum of all conductances")
    legal = dict.fromkeys([*model.currents, *(v for v in variables if v not in model.states), TOTAL])
    _check(name, inner, list(legal), model)
    unit = _quotient(variables[inner].unit(), variables[model.potential].unit())
    return Observable("conductance", (inner,), unit, f"conductance of {_words(variables[inner])}")


def varying(model: Model) -> dict[str, myokit.Variable]:
    """The variables that may change in a run, by qualified name: states, intermediate ones, the injected current."""
    own = model.myokit
    found = [*own.states(), *own.variables(inter=True, deep=True, sort=True)]
    injected = [] if model.current.name == NOTHING else [own.get(model.current.name)]
    return {v.qname(): v for v in [*found, *injected]}


def _total(model: Model) -> Observable:
    if not model.currents:
        raise UserError(f"{TOTAL}: model {model.name!r} has no membrane currents to add up; name a variable")
    unit = next(iter(model.currents.values())).unit
    return Observable(TOTAL, tuple(model.currents), unit, "sum of all membrane currents")


def _check(name: str, part: str, legal: list[str], model: Model) -> None:
    if part in legal:
        return
    where = "" if part == name else f"{name!r}: "
    if part in model.parameters:
        raise UserError(f"{where}{part} is a parameter of {model.name!r}, which does not change; name a variable")
    if part in model.states:
        raise UserError(f"{where}{part} is a state of {model.name!r}, not a current; {closest(part, model.currents)}")
    kind = "state" if name.startswith("dot(") else "variable"
    raise UserError(f"{where}model {model.name!r} has no {kind} {part!r}; {closest(part, legal)}")


def _quotient(unit: myokit.Unit | None, other: myokit.Unit | None) -> str:
    return written_unit((unit or myokit.units.dimensionless) / (other or myokit.units.dimensionless))


def _unit(variable: myokit.Variable) -> str:
    return written_unit(variable.unit())


def _words(variable: myokit.Variable) -> str:
    return variable.meta.get("desc", "") or variable.qname()
