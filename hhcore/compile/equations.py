"""Translate the equations of a model from Myokit to SymPy, decimals to exact rationals."""

from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

import myokit
import sympy as sp
from myokit.formats.sympy import SymPyExpressionWriter
from sympy.codegen.cfunctions import log10

from hhcore.base.checks import quoted
from hhcore.base.errors import UserError
from hhcore.compile.calculus import slope
from hhcore.compile.functions import Both, Equal, Less, Opposite, Select, either
from hhcore.compile.lower import literal
from hhcore.compile.parts import FORMULA, StimulusText
from hhcore.model.clock import Switch
from hhcore.model.model import Model

LONGEST = 4096  # binary digits of a power of numbers, which is computed exactly
SMALL = 12  # nodes of an expression that is inlined wherever it is used, so that passes see through it


class Line(NamedTuple):
    """a t + b - c, on which a switch depends; `whole`: it is the floor of that, otherwise whether that is below 0."""

    a: sp.Expr
    b: sp.Expr
    c: sp.Expr
    whole: bool


@dataclass(frozen=True)
class Equations:
    """dy/dt = f(y, parameters, stimulus, time).

    states, parameters : symbols by qualified name, in the model's order; then, of parameters, the stimulus' fields
    inputs             : symbols that are constant in a segment, by row. The stimulus sets HELD, the holding level and
                         the levels of its constant parts together, and LEVEL_i, RISE_i and ONSET_i of each other part
                         i. The clock of the model sets SWITCH_0, ...
    time               : symbol of time
    constants          : variables used more than once that depend on parameters alone, each in terms of earlier ones
    definitions        : other variables that are used more than once
    derivatives        : the right-hand side of each state, by qualified name
    outputs            : the expressions of further variables, by qualified name
    command            : the potential that a clamp holds; None without a clamp
    values             : the model's own values of the parameters
    potentials         : the states in the unit of the membrane potential, and what 1 mV is in it
    switches           : symbols of what jumps in time, inputs too, each in terms of earlier ones; of a condition 1 or 0
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
    switches: dict[sp.Symbol, Line] = field(default_factory=dict)
    command: sp.Expr | None = None

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

    An intermediate variable is inlined if it is small or used once; otherwise it stays a variable, so that all
    expressions together are as long as the model's text. The injected current is such a variable if it is not
    constant in each segment.

    Raises UserError if an expression has no counterpart among the functions and numbers of the kernels.
    """
    independent = [*model.states, *model.parameters, model.myokit.time().qname()]
    independent += [] if stimulus.own else [model.current.name]
    blocks = model.myokit.solvable_order().values()
    order = [equation for block in blocks for equation in block if _key(equation.lhs) not in independent]
    fields = {name: f"stimulus {name}" for name in stimulus.fields}
    segment = {row: f"stimulus {row.lower()}" for row in _segment_rows(stimulus)}
    clock = model.clock(stimulus.own)
    switches = [f"switch {i}" for i in range(len(clock.switches))]
    names = _symbols(
        independent + [_key(equation.lhs) for equation in order] + [*fields.values(), *segment.values(), *switches]
    )
    writer = _Writer({name: names[name] for name in independent})
    writer.switches = {switch.part: names[name] for switch, name in zip(clock.switches, switches, strict=True)}
    uses = _uses(model.myokit)
    constants, definitions, derivatives = {}, {}, {}

    def define(name: str, expression: sp.Expr, place: str, constant: bool, exported: bool) -> None:
        defined = uses[name] > 1 and not _is_small(expression)
        _check_numbers(expression, place, branches=defined or exported)
        if defined:
            (constants if constant else definitions)[names[name]] = expression
        writer.known[name] = names[name] if defined else expression

    time = names[model.myokit.time().qname()]
    known = {row: names[name] for row, name in segment.items()} | {name: names[key] for name, key in fields.items()}
    if stimulus.clamps:
        writer.known[model.current.name] = sp.Integer(0)
    elif stimulus.varying and not stimulus.own:
        expression = _sum_of_parts(stimulus, known, time)
        constant = expression.free_symbols <= {names[name] for name in fields.values()}
        define(model.current.name, expression, f"stimulus {stimulus.kind}", constant, exported=True)
    elif not stimulus.own:
        known["HELD"] = names[model.current.name]
    for equation in order:
        name, variable = _key(equation.lhs), equation.lhs.var()
        place = f"{variable.qname()}: cannot compile {quoted(equation.rhs.code())}"
        expression = writer.translate(equation.rhs, place)
        if name == model.current.name:
            expression = _sum_of_parts(stimulus, known, time, expression)
        exported = variable.is_state() or name == model.current.name
        define(name, expression, place, variable.is_constant(), exported)
        if variable.is_state():
            derivatives[variable.qname()] = writer.known[name]
    command = _sum_of_parts(stimulus, known, time) if stimulus.clamps else None
    if command is not None:  # the potential follows it
        derivatives[model.potential] = slope(command, time)
        writer.known[model.current.name] = names[model.potential]  # what traces show of the stimulus
    return Equations(
        states={name: names[name] for name in model.states},
        parameters={name: names[name] for name in [*model.parameters, *fields.values()]},
        inputs={row: known[row] for row in segment} | {f"SWITCH_{i}": names[name] for i, name in enumerate(switches)},
        time=time,
        constants=constants,
        definitions=definitions,
        derivatives={name: derivatives[name] for name in model.states},
        outputs={name: writer.known[name] for name in outputs},
        values={names[name]: sp.Rational(repr(q.value)) for name, q in model.parameters.items()},
        potentials=_potentials(model, names),
        switches={names[name]: writer.line(switch) for switch, name in zip(clock.switches, switches, strict=True)},
        command=command,
    )


def _segment_rows(stimulus: StimulusText) -> list[str]:
    """The rows that the segments of the stimulus set, as far as its expressions use them."""
    rows = [f"{number}_{i}" for i in stimulus.varying for number in ("LEVEL", "RISE", "ONSET")]
    return ["HELD", *rows]


def _sum_of_parts(
    stimulus: StimulusText, known: dict[str, sp.Symbol], time: sp.Symbol, formula: sp.Expr | None = None
) -> sp.Expr:
    """All parts of the stimulus together. `known` : symbols by row and by field; `formula` as in `_part`"""
    return sp.Add(known["HELD"], *(_part(stimulus, i, known, time, formula) for i in stimulus.varying))


def _part(
    stimulus: StimulusText, i: int, known: dict[str, sp.Symbol], time: sp.Symbol, formula: sp.Expr | None
) -> sp.Expr:
    """What part `i` adds, in symbols; `formula` is what the model has for the injected current.

    Raises UserError unless it is an expression of time, level, rise, onset, the numbers of the part, and the formula.
    """
    part = stimulus.parts[i]
    place = f"stimulus {stimulus.kind}: cannot compile {quoted(part.expression)}"
    component = myokit.Model().add_component("stimulus")
    own = {number.lower(): known[f"{number}_{i}"] for number in ("LEVEL", "RISE", "ONSET")}
    own |= {"time": time, **{name: known[field] for name, field in part.numbers}}
    own |= {} if formula is None else {FORMULA: formula}
    try:
        for name in own:
            component.add_variable(name)
        current = component.add_variable("current")
        current.set_rhs(part.expression)
    except (myokit.MyokitError, ValueError) as error:
        raise UserError(f"{place}: {error}") from error
    return _Writer({f"stimulus.{name}": symbol for name, symbol in own.items()}).translate(current.rhs(), place)


def _potentials(model: Model, names: dict[str, sp.Symbol]) -> dict[sp.Symbol, sp.Expr]:
    unit = model.states[model.potential].unit
    millivolt = sp.Rational(1, 1000) if unit == "V" else sp.Integer(1)
    return {names[name]: millivolt for name, q in model.states.items() if q.unit == unit}


def _uses(model: myokit.Model) -> Counter:
    """How often each variable, or `dot(variable)`, occurs on right-hand sides, at least."""
    uses: Counter = Counter()
    for variable in model.variables(deep=True):
        uses.update(_key(e) for e in variable.rhs().walk((myokit.Name, myokit.Derivative)))
    return uses


def _key(lhs: myokit.LhsExpression) -> str:
    name = lhs.var().qname()
    return f"dot({name})" if isinstance(lhs, myokit.Derivative) else name


def _check_numbers(e: sp.Basic, place: str, branches: bool) -> None:
    """Raise UserError for a number that is not a double; in branches of a Select, which may go, if `branches`."""
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
    """A symbol for each qualified name: `sodium.m` becomes sodium_m; a kernel has no such names of its own."""
    symbols: dict[str, sp.Symbol] = {}
    identifiers: set[str] = set()
    for name in qualified:
        identifier = name.replace(".", "_").replace(" ", "_").replace("dot(", "slope_of_").replace(")", "")
        while identifier in identifiers:
            identifier += "_"
        identifiers.add(identifier)
        symbols[name] = sp.Symbol(identifier, real=True)
    return symbols


class _Writer(SymPyExpressionWriter):
    """Myokit's own translation, with exact decimals, our conditions, and the `known` expression of each variable.

    switches : the symbols of parts that jump in time
    """

    def __init__(self, known: dict[str, sp.Expr]):
        super().__init__()
        self.known = known
        self.switches: dict[myokit.Expression, sp.Symbol] = {}

    def translate(self, expression: myokit.Expression, place: str) -> sp.Expr:
        """The expression in symbols. Raises UserError, which begins with `place`."""
        try:
            return self.ex(expression)
        except (ValueError, TypeError, ArithmeticError, NotImplementedError) as error:
            raise UserError(f"{place}: {error}") from error

    def line(self, switch: Switch) -> Line:
        """The line of a switch in symbols. Raises UserError."""
        place = f"cannot compile {quoted(switch.part.code())}"
        a, b, c = (self.translate(part, place) for part in (switch.a, switch.b, switch.c))
        return Line(a, b, c, isinstance(switch.part, myokit.Floor))

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

    def _floor(self, x):
        return self.switches.get(myokit.Floor(x))

    def _ex_floor(self, e):
        return super()._ex_floor(e) if (whole := self._floor(e[0])) is None else whole

    def _ex_ceil(self, e):
        return super()._ex_ceil(e) if (whole := self._floor(myokit.PrefixMinus(e[0]))) is None else -whole

    def _ex_quotient(self, e):
        return super()._ex_quotient(e) if (whole := self._floor(myokit.Divide(e[0], e[1]))) is None else whole

    def _ex_remainder(self, e):
        whole = self._floor(myokit.Divide(e[0], e[1]))
        return super()._ex_remainder(e) if whole is None else self.ex(e[0]) - self.ex(e[1]) * whole

    def _ex_abs(self, e):
        negative = self.switches.get(myokit.Less(e[0], myokit.Number(0)))
        x = self.ex(e[0])
        return sp.Abs(x) if negative is None else Select(Less(sp.Rational(1, 2), negative), -x, x)

    def _less(self, x, y):
        below = self.switches.get(myokit.Less(x, y))
        return Less(self.ex(x), self.ex(y)) if below is None else Less(sp.Rational(1, 2), below)

    def _ex_less(self, e):
        return self._less(e[0], e[1])

    def _ex_more(self, e):
        return self._less(e[1], e[0])

    def _ex_less_equal(self, e):
        return Opposite(self._ex_more(e))

    def _ex_more_equal(self, e):
        return Opposite(self._ex_less(e))

    def _ex_equal(self, e):
        if myokit.Less(e[0], e[1]) not in self.switches:
            return Equal(self.ex(e[0]), self.ex(e[1]))
        return Opposite(either(self._less(e[0], e[1]), self._less(e[1], e[0])))

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
