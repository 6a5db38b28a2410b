"""Splitting a model into groups of states, each of which has an exact solution while the others stand still."""

from dataclasses import dataclass, replace

import sympy as sp

from hhcore.compile.calculus import Calculus
from hhcore.compile.equations import Equations
from hhcore.compile.functions import Near

STEP = sp.Symbol("h", positive=True)
VANISHING = sp.Rational(1, 2**26)  # |b h| below which e^(bh) - 1 = b h to the last bit of the result


@dataclass(frozen=True)
class Update:
    """A block that replaces `states` in place by expressions of the old state and the step h."""

    name: str
    states: dict[str, sp.Expr]


def split(equations: Equations) -> tuple[list[Update], Equations]:
    """States in groups that do not depend on each other, each advanced while the others stand still.

    Returns the updates, and the equations with the definitions that updates are written in.

    Exactly where the equation is linear in the state itself, else to second order, by linearising it around the
    present state: the exponential Rosenbrock-Euler step (Pope 1963, Commun. ACM 6:491-493). The largest group comes
    first: its half steps merge.
    """
    calculus = Calculus(equations.definitions)
    groups: list[dict[str, sp.Expr]] = []
    for name, symbol in equations.states.items():
        update = _update(equations.derivatives[name], symbol, calculus)
        for group in groups:
            others = {equations.states[other] for other in group}
            read_by_group = frozenset().union(*(calculus.reads(e) for e in group.values()))
            if not others & calculus.reads(update) and symbol not in read_by_group:
                group[name] = update
                break
        else:
            groups.append({name: update})
    groups.sort(key=len, reverse=True)
    updates = [Update(f"update{i}", group) for i, group in enumerate(groups)]
    return updates, replace(equations, definitions=calculus.everything)


def _update(rhs: sp.Expr, state: sp.Symbol, calculus: Calculus) -> sp.Expr:
    """The state a step later."""
    if (parts := calculus.linear_part(rhs, state)) is not None:
        return exact_linear(state, *parts)
    b = calculus.partial(rhs, state)
    z = b * STEP
    return state + rhs * _growth(z, b)


def exact_linear(x: sp.Expr, a: sp.Expr, b: sp.Expr) -> sp.Expr:
    """x(h) of dx/dt = a + b x: x e^(bh) + a (e^(bh) - 1) / b, and x + a h where b vanishes."""
    z = b * STEP
    return sp.exp(z) * x + a * _growth(z, b)


def _growth(z: sp.Expr, b: sp.Expr) -> sp.Expr:
    """(e^z - 1) / b, and the step where z = b h vanishes."""
    return Near(z, VANISHING, STEP, sp.exp(z) - 1) / Near(z, VANISHING, sp.Integer(1), b)
