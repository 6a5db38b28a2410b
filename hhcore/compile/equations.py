"""A model's equations as exact symbols: Myokit expressions to SymPy, decimals to rationals."""

from dataclasses import dataclass

import myokit
import sympy as sp
from myokit.formats.sympy import SymPyExpressionWriter
from sympy.codegen.cfunctions import log10

from hhcore.errors import UserError
from hhcore.model import Model


@dataclass(frozen=True)
class Equations:
    """dy/dt = f(y, parameters, current, time), every intermediate variable inlined.

    states, parameters : symbols by qualified name, in the model's order
    current, time      : symbols of the injected current and of time
    derivatives        : the right-hand side of each state, by qualified name
    outputs            : the expressions of further variables, by qualified name
    """

    states: dict[str, sp.Symbol]
    parameters: dict[str, sp.Symbol]
    current: sp.Symbol
    time: sp.Symbol
    derivatives: dict[str, sp.Expr]
    outputs: dict[str, sp.Expr]


def equations(model: Model, outputs: tuple[str, ...] = ()) -> Equations:
    """The equations of `model`; `outputs` names further variables to express besides the derivatives.

    Raises UserError if an expression has no counterpart among the kernel's functions.
    """
    names = _symbols([*model.states, *model.parameters, model.current.name, model.myokit.time().qname()])
    writer = _Writer(dict(names))
    derivatives = {}
    for block in model.myokit.solvable_order().values():
        for equation in block:
            variable = equation.lhs.var()
            name = variable.qname()
            if variable.is_state():
                derivatives[name] = writer.known[f"dot({name})"] = writer.translate(equation.rhs, name)
            elif name not in names:
                writer.known[name] = writer.translate(equation.rhs, name)
    return Equations(
        states={name: names[name] for name in model.states},
        parameters={name: names[name] for name in model.parameters},
        current=names[model.current.name],
        time=names[model.myokit.time().qname()],
        derivatives={name: derivatives[name] for name in model.states},
        outputs={name: writer.known[name] for name in outputs},
    )


def linear_part(rhs: sp.Expr, state: sp.Symbol) -> tuple[sp.Expr, sp.Expr] | None:
    """(a, b) with rhs = a + b * state and neither depending on `state`, or None if rhs is not linear in it."""
    b = sp.diff(rhs, state)
    if b.has(state):
        b = sp.expand(b)
    if b.has(state):
        return None
    return rhs.xreplace({state: sp.Integer(0)}), b


def _symbols(qualified: list[str]) -> dict[str, sp.Symbol]:
    """A symbol for each qualified name: `sodium.m` becomes sodium_m, which no name of a kernel's own contains."""
    symbols: dict[str, sp.Symbol] = {}
    taken: set[str] = set()
    for name in qualified:
        identifier = name.replace(".", "_")
        while identifier in taken:
            identifier += "_"
        taken.add(identifier)
        symbols[name] = sp.Symbol(identifier, real=True)
    return symbols


class _Writer(SymPyExpressionWriter):
    """Myokit's own translation, with exact decimals and every intermediate variable replaced by its expression."""

    def __init__(self, known: dict[str, sp.Expr]):
        super().__init__()
        self.known = known

    def translate(self, expression: myokit.Expression, name: str) -> sp.Expr:
        try:
            return self.ex(expression)
        except (ValueError, NotImplementedError) as error:
            raise UserError(f"{name}: cannot compile {expression.code()!r}: {error}") from error

    def _ex_name(self, e):
        return self.known[e.var().qname()]

    def _ex_derivative(self, e):
        return self.known[f"dot({e.var().qname()})"]

    def _ex_number(self, e):
        return sp.Rational(repr(e.eval()))

    def _ex_log10(self, e):
        return log10(self.ex(e[0]))
