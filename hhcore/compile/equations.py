"""A model's equations as exact symbols: Myokit expressions to SymPy, decimals to rationals."""

from collections import Counter
from dataclasses import dataclass
from itertools import islice

import myokit
import sympy as sp
from myokit.formats.sympy import SymPyExpressionWriter
from sympy.codegen.cfunctions import log10

from hhcore.base.checks import quoted
from hhcore.base.errors import UserError
from hhcore.compile.functions import Both, Equal, Less, Opposite, Select, either
from hhcore.compile.lower import literal
from hhcore.compile.parts import StimulusText
from hhcore.model.model import Model

LONGEST = 4096  # binary digits of a power of numbers: it is kept exactly
SMALL = 12  # nodes of an expression that is repeated wherever it is used, so that passes see through it


@dataclass(frozen=True)
class Equations:
    """dy/dt = f(y, parameters, stimulus, time).

    states, parameters : symbols by qualified name, in the model's order; then, of parameters, the stimulus' fields
    inputs             : symbols of what a segment of the stimulus sets, by the row that holds it: LEVEL, the injected
                         current itself if it is constant; if not, LEVEL and ONSET
    time               : symbol of time
    constants          : what parameters alone determine and is used more than once, each in terms of earlier ones
    definitions        : other intermediate variables that are used more than once
    derivatives        : the right-hand side of each state, by qualified name
    outputs            : the expressions of further variables, by qualified name
    values             : the model's own values of the parameters
    potentials         : the states in the unit of the membrane potential, and what 1 mV is in it
    """

    states: dict[str, sp.Symbol]
    parameters: dict[str, sp.Symbol]
    inputs: dict[str, sp.Symbol]
    time: sp.Symbol
    constants: dict[sp.Symbol, sp.Expr]
    definitions: dict[sp.Symbol, sp.Expr]
    derivatives: dict[str, sp.Expr]
    outputs: dict[str, sp.Expr]
    values: dict[sp.Symbol, sp.Expr]
    potentials: dict[sp.Symbol, sp.Expr]

    def moderate(self, exponent: sp.Expr) -> bool:
        """Whether |exponent| stays below 120 for potentials from -200 to 100 mV, and depends on nothing else."""
        while exponent.free_symbols & self.constants.keys():
            exponent = exponent.xreplace(self.constants)
        exponent = exponent.xreplace(self.values)
        if not exponent.free_symbols <= self.potentials.keys():
            return False
        ends = [exponent.xreplace({v: edge * mv for v, mv in self.potentials.items()}) for edge in (-200, 100)]
        return all(end.is_comparable and abs(end) < 120 for end in ends)


def equations(model: Model, stimulus: StimulusText, outputs: tuple[str, ...] = ()) -> Equations:
    """The equations of `model` under a stimulus; `outputs` names further variables to express besides the derivatives.

    An intermediate variable becomes part of the expressions that use it if it is used once or small; else it stays a
    variable, so that the size of all expressions together stays that of the model's text. The injected current is such
    a variable if it is not constant in each segment.

    Raises UserError if an expression has no counterpart among the functions and numbers of the kernels.
    """
    given = [*model.states, *model.parameters, model.current.name, model.myokit.time().qname()]
    blocks = model.myokit.solvable_order().values()
    order = [equation for block in blocks for equation in block if _key(equation.lhs) not in given]
    fields = {name: f"stimulus {name}" for name in stimulus.fields}
    own = [f"stimulus {name}" for name in ("level", "onset")]
    names = _symbols(given + [_key(equation.lhs) for equation in order] + [*fields.values(), *own])
    writer = _Writer({name: names[name] for name in given})
    uses = _uses(model.myokit)
    constants, definitions, derivatives = {}, {}, {}

    def know(name: str, expression: sp.Expr, place: str, constant: bool, exported: bool) -> None:
        kept = uses[name] > 1 and not _is_small(expression)
        _check_numbers(expression, place, branches=kept or exported)
        if kept:
            (constants if constant else definitions)[names[name]] = expression
        writer.known[name] = names[name] if kept else expression

    if not stimulus.constant:
        expression = _injected(stimulus, names, names[model.myokit.time().qname()])
        constant = expression.free_symbols <= {names[name] for name in fields.values()}
        know(model.current.name, expression, f"stimulus {stimulus.kind}", constant, exported=True)
    for equation in order:
        name, variable = _key(equation.lhs), equation.lhs.var()
        place = f"{variable.qname()}: cannot compile {quoted(equation.rhs.code())}"
        expression = writer.translate(equation.rhs, place)
        know(name, expression, place, variable.is_constant(), exported=variable.is_state())
        if variable.is_state():
            derivatives[variable.qname()] = writer.known[name]
    level, onset = (names[name] for name in own)
    return Equations(
        states={name: names[name] for name in model.states},
        parameters={name: names[name] for name in [*model.parameters, *fields.values()]},
        inputs={"LEVEL": names[model.current.name]} if stimulus.constant else {"LEVEL": level, "ONSET": onset},
        time=names[model.myokit.time().qname()],
        constants=constants,
        definitions=definitions,
        derivatives={name: derivatives[name] for name in model.states},
        outputs={name: writer.known[name] for name in outputs},
        values={names[name]: sp.Rational(repr(q.value)) for name, q in model.parameters.items()},
        potentials=_potentials(model, names),
    )


def _injected(stimulus: StimulusText, names: dict[str, sp.Symbol], time: sp.Symbol) -> sp.Expr:
    """The injected current in symbols. Raises UserError for what is no expression of time, level, onset and fields."""
    place = f"stimulus {stimulus.kind}: cannot compile {quoted(stimulus.expression)}"
    component = myokit.Model().add_component("stimulus")
    known = {f"stimulus.{name}": names[f"stimulus {name}"] for name in ("level", "onset", *stimulus.fields)}
    known["stimulus.time"] = time
    try:
        for name in known:
            component.add_variable(name.split(".")[1])
        current = component.add_variable("current")
        current.set_rhs(stimulus.expression)
    except (myokit.MyokitError, ValueError) as error:
        raise UserError(f"{place}: {error}") from error
    return _Writer(known).translate(current.rhs(), place)


def _potentials(model: Model, names: dict[str, sp.Symbol]) -> dict[sp.Symbol, sp.Expr]:
    unit = model.states[model.potential].unit
    millivolt = sp.Rational(1, 1000) if unit == "V" else sp.Integer(1)
    return {names[name]: millivolt for name, q in model.states.items() if q.unit == unit}


def _uses(model: myokit.Model) -> Counter:
    """How often each variable, or `dot(variable)`, stands on a right-hand side, at the least."""
    uses: Counter = Counter()
    for variable in model.variables(deep=True):
        uses.update(_key(e) for e in variable.rhs().walk((myokit.Name, myokit.Derivative)))
    return uses


def _key(lhs: myokit.LhsExpression) -> str:
    name = lhs.var().qname()
    return f"dot({name})" if isinstance(lhs, myokit.Derivative) else name


def _check_numbers(e: sp.Basic, place: str, branches: bool) -> None:
    """Raise UserError for a number that is no double; in branches of a Select, which may yet go, only if `branches`."""
    if isinstance(e, sp.Number | sp.core.numbers.ComplexInfinity | sp.core.numbers.ImaginaryUnit):
        try:
            literal(e)
        except UserError as error:
            raise UserError(f"{place}: {error}") from error
    for part in e.args if branches or not isinstance(e, Select) else ():
        _check_numbers(part, place, branches)


def _is_small(e: sp.Expr) -> bool:
    return len(list(islice(sp.preorder_traversal(e), SMALL + 1))) <= SMALL


def _symbols(qualified: list[str]) -> dict[str, sp.Symbol]:
    """A symbol for each qualified name: `sodium.m` becomes sodium_m, which no name of a kernel's own contains."""
    symbols: dict[str, sp.Symbol] = {}
    taken: set[str] = set()
    for name in qualified:
        identifier = name.replace(".", "_").replace(" ", "_").replace("dot(", "slope_of_").replace(")", "")
        while identifier in taken:
            identifier += "_"
        taken.add(identifier)
        symbols[name] = sp.Symbol(identifier, real=True)
    return symbols


class _Writer(SymPyExpressionWriter):
    """Myokit's own translation, with exact decimals, conditions of our own, and what is `known` of each variable."""

    def __init__(self, known: dict[str, sp.Expr]):
        super().__init__()
        self.known = known

    def translate(self, expression: myokit.Expression, place: str) -> sp.Expr:
        """The expression in symbols. Raises UserError that begins with `place`."""
        try:
            return self.ex(expression)
        except (ValueError, TypeError, ArithmeticError, NotImplementedError) as error:
            raise UserError(f"{place}: {error}") from error

    def _ex_name(self, e):
        return self.known[_key(e)]

    def _ex_derivative(self, e):
        return self.known[_key(e)]

    def _ex_power(self, e):
        base, exponent = self.ex(e[0]), self.ex(e[1])
        if base.is_Number and exponent.is_Number and abs(exponent) * abs(sp.log(abs(base) + 2, 2).evalf()) > LONGEST:
            raise ValueError(f"the number has more than {LONGEST} binary digits")
        return sp.Pow(base, exponent)

    def _ex_number(self, e):
        return sp.Rational(repr(e.eval()))

    def _ex_log10(self, e):
        return log10(self.ex(e[0]))

    def _ex_less(self, e):
        return Less(self.ex(e[0]), self.ex(e[1]))

    def _ex_more(self, e):
        return Less(self.ex(e[1]), self.ex(e[0]))

    def _ex_less_equal(self, e):
        return Opposite(self._ex_more(e))

    def _ex_more_equal(self, e):
        return Opposite(self._ex_less(e))

    def _ex_equal(self, e):
        return Equal(self.ex(e[0]), self.ex(e[1]))

    def _ex_not_equal(self, e):
        return Opposite(self._ex_equal(e))

    def _ex_not(self, e):
        return Opposite(self.ex(e[0]))

    def _ex_and(self, e):
        return Both(self.ex(e[0]), self.ex(e[1]))

    def _ex_or(self, e):
        return either(self.ex(e[0]), self.ex(e[1]))

    def _ex_if(self, e):
        return Select(*(self.ex(part) for part in e))

    def _ex_piecewise(self, e):
        *pairs, value = (self.ex(part) for part in e)
        for condition, branch in reversed(list(zip(pairs[::2], pairs[1::2], strict=True))):
            value = Select(condition, branch, value)
        return value
