"""The clock of a model: where its equations jump in time.

Many published files pace themselves by a formula of time, such as `if(t - floor(t / 1000) * 1000 < 2, -80, 0)`. Parts
of it are constant but for jumps: a comparison, or a `floor`, of expressions of time, constants and parameters. Between
two jumps of all of them, an argument that is linear in time is a t + b, so the next jump is a root. Kernels find the
roots for each neuron, since parameters may differ, and end a step at each.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain, islice

import myokit

from hhcore.base.errors import UserError

LONGEST_MS = 0.1  # longest step of an adaptive scheme where jumps cannot be found; pulses of a stimulus last longer
LARGEST = 10_000  # nodes of a and b together: each use of a variable repeats its formula there
TIME, STATE = "time", "state"

_ZERO = myokit.Number(0)
_ROUNDED = myokit.Floor | myokit.Ceil | myokit.Quotient | myokit.Remainder | myokit.Abs
_EQUALITY = myokit.Equal | myokit.NotEqual
_SMOOTH = myokit.Plus | myokit.Minus | myokit.Multiply | myokit.PrefixPlus | myokit.PrefixMinus


@dataclass(frozen=True)
class Switch:
    """A part of the equations that is constant but for jumps in time.

    part    : floor(x), or x < y. With floor and < alone one can write ceil, //, %, abs and the other comparisons; x
              equals y where neither is below the other
    a, b, c : x, or x - y, is a t + b - c from one jump to the next; they may contain the parts of earlier switches.
              b is of x and c of y, rounded apart, so that x equals y where both are by the same formula
    """

    part: myokit.Floor | myokit.Less
    a: myokit.Expression
    b: myokit.Expression
    c: myokit.Expression = _ZERO


@dataclass(frozen=True)
class Clock:
    """Where the equations of a model jump in time.

    switches  : each after those that it depends on
    undecided : names of variables that depend on time in another way: by functions that are not linear in time, or by
                time and states in one condition
    """

    switches: tuple[Switch, ...] = ()
    undecided: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know of it, a sentence each."""
        if not self.undecided:
            return ()
        names = ", ".join(self.undecided[:3]) + (", ..." if len(self.undecided) > 3 else "")
        return (
            f"whether {names} jumps in time cannot be decided from the formula, so no step of an adaptive scheme is "
            f"longer than {LONGEST_MS:g} ms; a shorter pulse may be missed",
        )


def find_clock(model: myokit.Model, injected: myokit.Variable | None) -> Clock:
    """The clock of all that the derivatives depend on.

    injected : the variable whose formula a stimulus replaces; None if there is none

    Raises UserError for a formula of time that goes through too many variables.
    """
    if not list(model.time().refs_by()):
        return Clock()
    return _searched(model, injected, model.states())


def clock_of(variable: myokit.Variable) -> Clock:
    """The clock of all that one variable depends on. Raises UserError as `find_clock` does."""
    return _searched(variable.model(), None, [variable])


def _searched(model: myokit.Model, injected: myokit.Variable | None, variables: Iterable[myokit.Variable]) -> Clock:
    finder = _Finder(model, injected)
    for variable in variables:
        try:
            finder.search(variable.rhs(), variable.qname())
        except RecursionError as error:
            raise UserError(
                f"model {model.name()!r}: the formula of time in {variable.qname()} goes through too many variables, "
                "one from the other; join some of them"
            ) from error
    return Clock(tuple(finder.switches.values()), tuple(finder.undecided))


class _NotLinearError(Exception):
    """An argument that is not linear in time between jumps, depends on states, or is too large."""


class _Finder:
    def __init__(self, model: myokit.Model, injected: myokit.Variable | None):
        self.time, self.injected = model.time(), injected
        self.switches: dict[myokit.Expression, Switch] = {}
        self.undecided: dict[str, None] = {}
        self.searched: set[myokit.Expression] = set()
        self.lines: dict[myokit.Expression, tuple[myokit.Expression | None, myokit.Expression]] = {}
        self.known: dict[myokit.Expression, frozenset[str]] = {}
        for block in model.solvable_order().values():
            for equation in block:
                self.known[equation.lhs] = self.reads(equation.rhs)

    def reads(self, e: myokit.Expression) -> frozenset[str]:
        """Which of TIME and STATE an expression depends on."""
        return frozenset().union(*map(self._read, e.references()))

    def _read(self, reference: myokit.LhsExpression) -> frozenset[str]:
        variable = reference.var()
        if variable is self.time:
            return frozenset([TIME])
        if variable is self.injected:
            return frozenset()
        return frozenset([STATE]) if reference.is_state_value() else self.known.get(reference, frozenset())

    def search(self, e: myokit.Expression, where: str) -> None:
        """Find the switches in an expression of the variable `where`, and in all that it depends on."""
        if TIME not in self.reads(e) or e in self.searched:
            return
        self.searched.add(e)
        if isinstance(e, myokit.LhsExpression):
            if e.var() is not self.time:
                self.search(e.var().rhs(), e.var().qname())
            return
        try:
            self.jumps(e)
        except _NotLinearError:
            self.undecided[where] = None
        for part in e:
            self.search(part, where)

    def jumps(self, e: myokit.Expression) -> None:
        """Register the switches of an operation. Raises _NotLinearError where its jumps cannot be found."""
        if isinstance(e, myokit.Condition | _ROUNDED):
            self.condition(e) if isinstance(e, myokit.Condition) else self.linear(e)
        elif isinstance(e, myokit.Divide):
            self.constant(e[1])
        elif not isinstance(e, _SMOOTH | myokit.If | myokit.Piecewise):
            for part in e:
                self.constant(part)

    def constant(self, e: myokit.Expression) -> None:
        """Raise _NotLinearError unless an expression is constant between jumps."""
        if self.linear(e)[0] is not None:
            raise _NotLinearError

    def condition(self, e: myokit.Expression) -> None:
        """Register the switches of a condition."""
        if TIME not in self.reads(e):
            return
        if isinstance(e, myokit.Not | myokit.And | myokit.Or):
            for part in e:
                self.condition(part)
        elif isinstance(e, _EQUALITY):
            self.below(e[0], e[1])
            self.below(e[1], e[0])
        else:
            swapped = isinstance(e, myokit.More | myokit.LessEqual)
            self.below(*((e[1], e[0]) if swapped else (e[0], e[1])))

    def below(self, x: myokit.Expression, y: myokit.Expression) -> myokit.Less:
        """x < y, registered as a switch if it jumps."""
        part = myokit.Less(x, y)
        a, difference = self.decided(myokit.Minus(x, y))  # b - c
        if a is not None:
            self.switches.setdefault(part, Switch(part, a, *difference))
        return part

    def floor(self, x: myokit.Expression) -> myokit.Floor:
        """floor(x), registered as a switch if it jumps."""
        part = myokit.Floor(x)
        a, b = self.decided(x)
        if a is not None:
            self.switches.setdefault(part, Switch(part, a, b))
        return part

    def decided(self, e: myokit.Expression) -> tuple[myokit.Expression | None, myokit.Expression]:
        """As `linear`. Raises _NotLinearError where time and states enter together, not by jumps alone."""
        a, b = self.linear(e)
        if a is not None and STATE in self.reads(e):
            raise _NotLinearError
        return a, b

    def linear(self, e: myokit.Expression) -> tuple[myokit.Expression | None, myokit.Expression]:
        """(a, b) with e = a t + b between jumps; a is None where e is constant. Registers the switches in it."""
        if TIME not in self.reads(e):
            return None, e
        if e not in self.lines:
            method = _LINEAR.get(type(e))
            if method is None:
                raise _NotLinearError
            self.lines[e] = _limited(method(self, e))
        return self.lines[e]

    def _name(self, e):
        return (myokit.Number(1), _ZERO) if e.var() is self.time else self.linear(e.var().rhs())

    def _same(self, e):
        return self.linear(e[0])

    def _negative(self, e):
        return _each(myokit.PrefixMinus, self.linear(e[0]))

    def _sum(self, e):
        (a, b), (c, d) = self.linear(e[0]), self.linear(e[1])
        slope = None if a is None and c is None else type(e)(_or_zero(a), _or_zero(c))
        return slope, type(e)(b, d)

    def _product(self, e):
        (a, b), (c, d) = self.linear(e[0]), self.linear(e[1])
        if a is not None and c is not None:
            raise _NotLinearError
        varying, factor = ((a, b), d) if c is None else ((c, d), b)
        return _each(lambda x: myokit.Multiply(x, factor), varying)

    def _quotient(self, e):
        top, (slope, bottom) = self.linear(e[0]), self.linear(e[1])
        if slope is not None:
            raise _NotLinearError
        return _each(lambda x: myokit.Divide(x, bottom), top)

    def _choice(self, e):
        """`if` and `piecewise`: conditions and values in turn, and the last value."""
        parts, choose = list(e), type(e)
        conditions, values = parts[:-1:2], [*parts[1:-1:2], parts[-1]]
        for condition in conditions:
            self.condition(condition)
        slopes, levels = zip(*map(self.linear, values), strict=True)

        def chosen(branches):
            *others, last = branches
            return choose(*(x for pair in zip(conditions, others, strict=True) for x in pair), last)

        constant = all(slope is None for slope in slopes)
        return None if constant else chosen(map(_or_zero, slopes)), chosen(levels)

    def _floor(self, e):
        return None, self.floor(e[0])

    def _ceil(self, e):
        return None, myokit.PrefixMinus(self.floor(myokit.PrefixMinus(e[0])))

    def _whole_quotient(self, e):
        return None, self.floor(myokit.Divide(e[0], e[1]))

    def _remainder(self, e):
        whole = self.floor(myokit.Divide(e[0], e[1]))
        return self.linear(myokit.Minus(e[0], myokit.Multiply(e[1], whole)))

    def _absolute(self, e):
        x = e[0]
        return self.linear(myokit.If(self.below(x, _ZERO), myokit.PrefixMinus(x), x))


_LINEAR: dict[type, Callable] = {
    myokit.Name: _Finder._name,
    myokit.Derivative: _Finder._name,
    myokit.PrefixPlus: _Finder._same,
    myokit.PrefixMinus: _Finder._negative,
    myokit.Plus: _Finder._sum,
    myokit.Minus: _Finder._sum,
    myokit.Multiply: _Finder._product,
    myokit.Divide: _Finder._quotient,
    myokit.If: _Finder._choice,
    myokit.Piecewise: _Finder._choice,
    myokit.Floor: _Finder._floor,
    myokit.Ceil: _Finder._ceil,
    myokit.Quotient: _Finder._whole_quotient,
    myokit.Remainder: _Finder._remainder,
    myokit.Abs: _Finder._absolute,
}


def _or_zero(e):
    return _ZERO if e is None else e


def _limited(parts):
    """(a, b) as they are. Raises _NotLinearError if they have more than LARGEST nodes."""
    nodes = chain.from_iterable(part.walk() for part in parts if part is not None)
    if len(list(islice(nodes, LARGEST + 1))) > LARGEST:
        raise _NotLinearError
    return parts


def _each(change, parts):
    """The change of both of (a, b)."""
    return tuple(None if part is None else change(part) for part in parts)
