"""What observers name of a model, as expressions, and as a function of the kernel for each observer."""

from collections.abc import Iterable

import sympy as sp

from hhcore.base.errors import UserError
from hhcore.compile.blocks import function
from hhcore.compile.calculus import Calculus
from hhcore.compile.equations import Equations
from hhcore.compile.lower import Invariants
from hhcore.compile.parts import ObserverText
from hhcore.model.model import Model
from hhcore.model.variables import observable


def observed_parts(observers: Iterable[ObserverText], model: Model) -> list[str]:
    """The qualified names of all variables that the observers' names are made of. Raises UserError for wrong names."""
    names = [name for observer in observers for name in observer.variables]
    return [part for name in names for part in observable(name, model).parts]


def observed(name: str, model: Model, symbols: Equations) -> sp.Expr:
    """A name of an observer as an expression; `symbols.outputs` has its parts.

    Raises UserError for the conductance of a current that is not linear in the potential.
    """
    found = observable(name, model)
    if found.what == "slope":
        return symbols.derivatives[found.parts[0]]
    whole = sp.Add(*(symbols.outputs[part] for part in found.parts))
    return _conductance(name, whole, symbols.states[model.potential], symbols) if found.what == "conductance" else whole


def _conductance(name: str, current: sp.Expr, potential: sp.Symbol, symbols: Equations) -> sp.Expr:
    calculus = Calculus(symbols.definitions)
    while inner := [s for s in current.free_symbols & symbols.definitions.keys() if potential in calculus.reads(s)]:
        current = current.xreplace({s: symbols.definitions[s] for s in inner})
    parts = calculus.linear_part(current, potential)
    if parts is None:
        raise UserError(
            f"{name!r}: the current is not linear in the potential, so that it has no conductance of its own; "
            "name the current itself"
        )
    return parts[1]


def observed_rows(observer: ObserverText) -> dict[str, int]:
    """The rows of an observer that there are some of for each variable, and how many in all."""
    each = {f"{observer.name.upper()}_VARIABLE": 1, **dict(observer.each)} if observer.variables else {}
    return {name: number * len(observer.variables) for name, number in each.items()}


def observed_function(observer: ObserverText, model: Model, symbols: Equations, invariants: Invariants) -> str:
    """The function that evaluates what an observer names, from states inside a step."""
    row = f"{observer.name.upper()}_VARIABLE"
    outputs = {f"{row}_{i}": observed(name, model, symbols) for i, name in enumerate(observer.variables)}
    head = (
        f'{observer.name}_variables(Z, t, j):\n    """Rows {row} = {", ".join(observer.variables)} '
        'at time t, from rows INSIDE of lane j."""'
    )
    count = f"{observer.name.upper()}_COUNT = {len(outputs)}\n\n\n"
    return count + function(head, outputs, symbols, invariants, "INSIDE", "t")
