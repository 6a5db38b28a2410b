"""When a model's equations jump in time, by intervals: the twin of hhcore.model.clock, which shares nothing with it.

Every comparison and rounding of numbers that depend on time alone is bounded over an interval of time. If each has one
value there, nothing jumps; otherwise the interval is halved, until it is shorter than CLOSE.
"""

import math
import operator
from collections.abc import Callable, Iterator
from itertools import product

import myokit

from hhcore.model.model import NOTHING, Model

CLOSE = 1e-12  # of the duration: jumps closer together are one
MOST = 10_000  # jumps, and intervals looked at between two of them

Bounds = tuple[float, float] | None  # lowest and highest value, of a condition 0 and 1; None if it depends on states


def jumps(model: Model, parameters: dict[str, float], duration: float, own: bool = False) -> list[float]:
    """Times between 0 and `duration` at which the equations may jump.

    parameters : all of the model's
    own        : whether the injected current follows its formula in the file

    Raises ArithmeticError for more than MOST, and where the bounds leave open too long whether something jumps.
    """
    if not list(model.myokit.time().refs_by()):
        return []
    found: list[float] = []
    for edge in _halved(_Bounds(model, parameters, own).jump, duration):
        if edge - (found[-1] if found else 0.0) > CLOSE * duration:
            found.append(edge)
        if len(found) > MOST:
            raise ArithmeticError(f"{model.name}: its equations jump more than {MOST:,} times in {duration:g}")
    return found


def _halved(jump: Callable[[float, float], bool], duration: float) -> Iterator[float]:
    """The ends of the intervals shorter than CLOSE in which something jumps, in order.

    Raises ArithmeticError if one is not found among MOST intervals: the bounds of x - x are wider than its values.
    """
    waiting, looked_at = [(0.0, duration)], 0
    while waiting:
        low, high = waiting.pop()
        looked_at += 1
        if looked_at > MOST:
            raise ArithmeticError(f"whether the equations jump before {high:g} cannot be told by bounds of their parts")
        if not jump(low, high):
            continue
        if high - low <= CLOSE * duration:
            looked_at = 0
            yield high
        else:
            waiting += [((low + high) / 2, high), (low, (low + high) / 2)]


class _Bounds:
    """Bounds of the equations over an interval of time. `timed` : those that depend on time, in solvable order"""

    def __init__(self, model: Model, parameters: dict[str, float], own: bool):
        parsed = model.myokit
        self.time = myokit.Name(parsed.time())
        self.known: dict[myokit.LhsExpression, Bounds] = {myokit.Name(state): None for state in parsed.states()}
        self.known |= {myokit.Name(parsed.get(name)): (value, value) for name, value in parameters.items()}
        if not own and model.current.name != NOTHING:
            self.known[myokit.Name(parsed.get(model.current.name))] = None
        self.timed: list[tuple[myokit.LhsExpression, myokit.Expression]] = []
        self.jumped = False
        later = {self.time}
        for equation in (e for block in parsed.solvable_order().values() for e in block):
            if equation.lhs in self.known or equation.lhs == self.time:
                continue
            if later & equation.rhs.references():
                later.add(equation.lhs)
                self.timed.append((equation.lhs, equation.rhs))
            else:
                self.known[equation.lhs] = self.of(equation.rhs)

    def jump(self, begin: float, end: float) -> bool:
        """Whether something may jump between two times."""
        self.jumped = False
        self.known[self.time] = begin, end
        for lhs, rhs in self.timed:
            self.known[lhs] = self.of(rhs)
        return self.jumped

    def of(self, e: myokit.Expression) -> Bounds:
        """The bounds of an expression; marks whether a part of it jumps."""
        if isinstance(e, myokit.LhsExpression):
            return self.known[e]
        if isinstance(e, myokit.Number):
            return e.eval(), e.eval()
        parts = [self.of(part) for part in e]
        if isinstance(e, myokit.If | myokit.Piecewise):
            return _chosen(parts)
        if isinstance(e, myokit.And | myokit.Or):
            return _both(parts) if isinstance(e, myokit.And) else _opposite(_both([_opposite(part) for part in parts]))
        if None in parts:
            return None
        if all(low == high for low, high in parts):
            return self.exact(e, parts)
        method = _METHODS.get(type(e))
        return None if method is None else method(self, *parts)

    @staticmethod
    def exact(e: myokit.Expression, parts: list[Bounds]) -> Bounds:
        """The value of an operation on numbers."""
        if isinstance(e, myokit.Not):
            return _opposite(parts[0])
        try:
            value = float(type(e)(*(myokit.Number(low) for low, _ in parts)).eval())
        except (ArithmeticError, ValueError, TypeError, myokit.NumericalError):
            return None
        return None if math.isnan(value) else (value, value)

    def decided(self, always: bool, never: bool) -> Bounds:
        """The bounds of a condition."""
        self.jumped |= not (always or never)
        return float(always), float(not never)

    def less(self, x, y):
        return self.decided(x[1] < y[0], x[0] >= y[1])

    def more(self, x, y):
        return self.less(y, x)

    def more_equal(self, x, y):
        return _opposite(self.less(x, y))

    def less_equal(self, x, y):
        return _opposite(self.less(y, x))

    def equal(self, x, y):
        """Not a jump: where numbers that change are equal, they are so for an instant."""
        return 0.0, float(x[1] >= y[0] and y[1] >= x[0])

    def unequal(self, x, y):
        return _opposite(self.equal(x, y))

    def floor(self, x):
        low, high = map(math.floor, x)
        self.jumped |= low != high
        return float(low), float(high)

    def ceil(self, x):
        return self.negative(self.floor(self.negative(x)))

    def quotient(self, x, y):
        whole = _corners(operator.truediv, x, y)
        return None if whole is None else self.floor(whole)

    def remainder(self, x, y):
        whole = self.quotient(x, y)
        return None if whole is None else _corners(operator.sub, x, _corners(operator.mul, y, whole))

    def absolute(self, x):
        kink = x[0] < 0.0 < x[1]
        self.jumped |= kink
        low, high = sorted(map(abs, x))
        return 0.0 if kink else low, high

    def negative(self, x):
        return -x[1], -x[0]

    def positive(self, x):
        return x

    def negated(self, x):
        return _opposite(x)


def _corners(operation: Callable[[float, float], float], x: Bounds, y: Bounds) -> Bounds:
    """The bounds of + - * /, which lie in the corners. None around a division by zero."""
    if operation is operator.truediv and y[0] <= 0.0 <= y[1]:
        return None
    values = [operation(a, b) for a, b in product(x, y)]
    return None if any(map(math.isnan, values)) else (min(values), max(values))


def _chosen(parts: list[Bounds]) -> Bounds:
    """Of conditions and values in turn, and the last value."""
    *pairs, value = parts
    for condition, branch in reversed(list(zip(pairs[::2], pairs[1::2], strict=True))):
        if condition == (1.0, 1.0):
            value = branch
        elif condition != (0.0, 0.0):
            value = None if None in (branch, value) else (min(branch[0], value[0]), max(branch[1], value[1]))
    return value


def _both(parts: list[Bounds]) -> Bounds:
    if (0.0, 0.0) in parts:
        return 0.0, 0.0
    return None if None in parts else (min(low for low, _ in parts), min(high for _, high in parts))


def _opposite(x: Bounds) -> Bounds:
    return None if x is None else (1.0 - x[1], 1.0 - x[0])


def _arithmetic(operation: Callable) -> Callable:
    return lambda bounds, x, y: _corners(operation, x, y)


_METHODS: dict[type, Callable[..., Bounds]] = {
    myokit.Plus: _arithmetic(operator.add),
    myokit.Minus: _arithmetic(operator.sub),
    myokit.Multiply: _arithmetic(operator.mul),
    myokit.Divide: _arithmetic(operator.truediv),
    myokit.PrefixPlus: _Bounds.positive,
    myokit.PrefixMinus: _Bounds.negative,
    myokit.Less: _Bounds.less,
    myokit.More: _Bounds.more,
    myokit.LessEqual: _Bounds.less_equal,
    myokit.MoreEqual: _Bounds.more_equal,
    myokit.Equal: _Bounds.equal,
    myokit.NotEqual: _Bounds.unequal,
    myokit.Not: _Bounds.negated,
    myokit.Floor: _Bounds.floor,
    myokit.Ceil: _Bounds.ceil,
    myokit.Quotient: _Bounds.quotient,
    myokit.Remainder: _Bounds.remainder,
    myokit.Abs: _Bounds.absolute,
}
