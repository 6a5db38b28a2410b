"""Dependence and derivatives of expressions that refer to definitions."""

from functools import cache

import sympy as sp

from hhcore.compile.functions import CONDITIONS, Less, Near, Select
from hhcore.compile.symbols import free

Definitions = dict[sp.Symbol, sp.Expr]


class Calculus:
    """Dependence and derivatives through the chain of `definitions`."""

    def __init__(self, definitions: Definitions):
        self.definitions = definitions
        self.slopes: Definitions = {}  # derivatives of definitions, which are definitions too
        self.reads = cache(self._reads)
        self.partial = cache(self._partial)
        self.slope_of = cache(self._slope_of)

    @property
    def everything(self) -> Definitions:
        """The definitions, and the derivatives of them so far."""
        return self.definitions | self.slopes

    def _reads(self, e: sp.Expr) -> frozenset[sp.Symbol]:
        """The symbols that `e` depends on, other than definitions."""
        symbols = free(e)
        through = [self.reads(self.everything[s]) for s in symbols if s in self.everything]
        return frozenset(symbols - self.everything.keys()).union(*through)

    def _partial(self, e: sp.Expr, x: sp.Symbol) -> sp.Expr:
        """de/dx in terms of the definitions and of `slopes`; adds to `slopes`."""
        if x not in self.reads(e):
            return sp.Integer(0)
        inner = [s for s in free(e) if s in self.definitions and x in self.reads(s)]
        terms = [slope(e, s) * self.slope_of(s, x) for s in sorted(inner, key=str)]
        return sp.Add(slope(e, x), *terms)

    def _slope_of(self, definition: sp.Symbol, x: sp.Symbol) -> sp.Expr:
        e = self.partial(self.definitions[definition], x)
        if not e.args:
            return e
        symbol = sp.Symbol(f"{definition.name}_by_{x.name}_", real=True)
        self.slopes[symbol] = e
        return symbol

    def linear_part(self, e: sp.Expr, x: sp.Symbol) -> tuple[sp.Expr, sp.Expr] | None:
        """(a, b) with e = a + b x where neither depends on `x`, or None if `e` does not have that form."""
        if x not in self.reads(e):
            return e, sp.Integer(0)
        if e == x:
            return sp.Integer(0), sp.Integer(1)
        if isinstance(e, sp.Add):
            parts = [self.linear_part(term, x) for term in e.args]
            return None if None in parts else tuple(sp.Add(*column) for column in zip(*parts, strict=True))
        if isinstance(e, sp.Mul):
            with_x, others = sp.sift(e.args, lambda f: x in self.reads(f), binary=True)
            parts = self.linear_part(with_x[0], x) if len(with_x) == 1 else None
            return None if parts is None else tuple(sp.Mul(*others, part) for part in parts)
        if isinstance(e, Select) and x not in self.reads(e.args[0]):
            parts = [self.linear_part(branch, x) for branch in e.args[1:]]
            return None if None in parts else tuple(Select(e.args[0], *column) for column in zip(*parts, strict=True))
        return None


def slope(e: sp.Basic, x: sp.Symbol) -> sp.Expr:
    """The partial derivative of `e` with respect to `x`. At a jump or a kink, that of one side."""
    if x not in free(e) or isinstance(e, (sp.floor, sp.ceiling, *CONDITIONS)):
        return sp.Integer(0)
    if e == x:
        return sp.Integer(1)
    if isinstance(e, sp.Add):
        return sp.Add(*(slope(term, x) for term in e.args if x in free(term)))
    if isinstance(e, sp.Mul):
        varying = [i for i, factor in enumerate(e.args) if x in free(factor)]
        return sp.Add(*(slope(e.args[i], x) * sp.Mul(*e.args[:i], *e.args[i + 1 :]) for i in varying))
    if isinstance(e, sp.Pow):
        base, exponent = e.args
        if exponent.is_negative and (parts := _sigmoid(base, x)) is not None:
            level, z = parts
            return exponent * e * (1 - level / base) * slope(z, x)
        by_base = exponent * base ** (exponent - 1) * slope(base, x)
        return by_base + e * sp.log(base) * slope(exponent, x) if x in free(exponent) else by_base
    if isinstance(e, Select):
        return Select(e.args[0], slope(e.args[1], x), slope(e.args[2], x))
    if isinstance(e, Near):
        return Near(*e.args[:2], slope(e.args[2], x), slope(e.args[3], x))
    if isinstance(e, sp.Abs):
        return Select(Less(e.args[0], 0), -1, 1) * slope(e.args[0], x)
    if isinstance(e, sp.Mod):
        return slope(e.args[0], x) - sp.floor(e.args[0] / e.args[1]) * slope(e.args[1], x)
    return sp.Add(*(e.fdiff(i) * slope(a, x) for i, a in enumerate(e.args, start=1) if x in free(a)))


def _sigmoid(base: sp.Expr, x: sp.Symbol) -> tuple[sp.Expr, sp.Expr] | None:
    """(a, z) if base = a + b e^z, where a and b do not depend on `x`, else None.

    The slope of 1 / (a + b e^z) is then -z' (1 - a / base) / base, and finite where e^z overflows.
    """
    level, rest = base.as_independent(x, as_Add=True)
    _, exponential = rest.as_independent(x, as_Add=False)
    return (level, exponential.args[0]) if isinstance(exponential, sp.exp) else None
