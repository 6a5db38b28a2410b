"""Splitting a model into groups of states, each of which has an exact solution while the others stand still."""

from dataclasses import dataclass

import sympy as sp

from hhcore.compile.equations import Equations, linear_part
from hhcore.compile.passes import Near
from hhcore.errors import UserError

STEP = sp.Symbol("h", positive=True)
VANISHING = sp.Rational(1, 2**26)  # |b h| below which e^(bh) - 1 = b h to the last bit of the result


@dataclass(frozen=True)
class Update:
    """A block that replaces `states` in place by expressions of the old state and the step h."""

    name: str
    states: dict[str, sp.Expr]


def split(equations: Equations) -> list[Update]:
    """States in groups that do not depend on each other, each advanced exactly while the others stand still.

    The largest group comes first: its half steps merge. Raises UserError for a state whose equation is not linear
    in the state itself.
    """
    groups: list[dict[str, tuple[sp.Expr, sp.Expr]]] = []
    for name, symbol in equations.states.items():
        if (parts := linear_part(equations.derivatives[name], symbol)) is None:
            raise UserError(
                f"solver method 'strang' needs equations that are linear in their own state; {name} is not. "
                "Use method 'rk4'."
            )
        for group in groups:
            others = {equations.states[other] for other in group}
            read_by_it = parts[0].free_symbols | parts[1].free_symbols
            read_by_group = set().union(*(a.free_symbols | b.free_symbols for a, b in group.values()))
            if not others & read_by_it and symbol not in read_by_group:
                group[name] = parts
                break
        else:
            groups.append({name: parts})
    groups.sort(key=len, reverse=True)
    return [
        Update(f"update{i}", {name: exact_linear(equations.states[name], *parts) for name, parts in group.items()})
        for i, group in enumerate(groups)
    ]


def exact_linear(x: sp.Expr, a: sp.Expr, b: sp.Expr) -> sp.Expr:
    """x(h) of dx/dt = a + b x: x e^(bh) + a (e^(bh) - 1) / b, and x + a h where b vanishes."""
    z = b * STEP
    decay = sp.exp(z)
    return decay * x + a * Near(z, VANISHING, STEP, decay - 1) / Near(z, VANISHING, sp.Integer(1), b)
