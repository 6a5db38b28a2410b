"""Lowering: optimised expressions to straight-line Python over one lane, one operation a line, with explicit fma.

Equal subexpressions become one variable. Expressions that do not depend on the state move out of the time loop into
`Invariants`, where a division by zero affects nothing else. Several divisions of a block become one: 1/a and 1/b from
1/(ab). Since a division is slow, other work comes first, and its result enters last.
"""

import math
from collections import Counter
from collections.abc import Callable
from fractions import Fraction

import sympy as sp
from sympy.codegen.cfunctions import log10

from hhcore.base.errors import UserError
from hhcore.compile.functions import Both, Expm1, Fused, Horner, Less, Near, Opposite, Select
from hhcore.compile.passes import Block, addition_chain, prune
from hhcore.compile.symbols import free, split

MERGED_DIVISIONS = 4  # denominators in one division; more might overflow
FEW = 3  # denominators whose quotients may stay unmultiplied in products: more take too many multiplications


class Invariants:
    """Expressions of the parameters alone: each gets a row of the kernel's array, filled before the time loop."""

    def __init__(self) -> None:
        self.rows: dict[sp.Expr, int] = {}

    def name(self, e: sp.Expr) -> str:
        """Operand for a state-free expression: a literal, or the variable (perhaps negated) that holds it."""
        if e.is_number:
            return literal(e)
        if e.could_extract_minus_sign():
            return negated(self.name(-e))
        return f"k{self.rows.setdefault(e, len(self.rows))}"


def literal(e: sp.Expr) -> str:
    """The double nearest to an exact constant. Raises UserError if there is none."""
    try:
        value = float(Fraction(int(e.p), int(e.q))) if e.is_Rational else float(e.evalf(40))
    except (OverflowError, TypeError):
        value = math.nan
    if not math.isfinite(value):
        raise UserError(f"a constant is not a finite real number: {e.evalf(6)}")
    return repr(value)


def negated(operand: str) -> str:
    """The operand with the opposite sign, which is free in a fused multiply-add."""
    return operand[1:] if operand.startswith("-") else f"-{operand}"


def lower(
    block: Block,
    variables: set[sp.Symbol],
    invariants: Invariants | None,
    moderate: Callable[[sp.Expr], bool] = lambda exponent: True,
) -> tuple[list[str], dict[str, str]]:
    """(lines, operand of each output). Without `invariants` everything is computed in place, each division alone.

    moderate : whether an exponent is so small that its exponential may be multiplied by others

    Raises UserError for a function that the kernels lack.
    """
    lowering = _Lowering(block, variables, invariants)
    lowering.moderate = moderate
    if invariants is not None:
        lowering.reciprocals()
    operands = {name: lowering.operand(e) for name, e in block.outputs.items()}
    return lowering.lines, operands


class _Lowering:
    def __init__(self, block: Block, variables: set[sp.Symbol], invariants: Invariants | None):
        self.block = block
        self.variables = variables | block.definitions.keys()
        self.invariants = invariants
        self.lines: list[str] = []
        self.known: dict[sp.Basic, str] = {}
        self.waiting = dict(block.definitions)
        self.powers = _powers(block)
        self.factors = _factors(block)
        self.quotients: dict[sp.Expr, tuple[str, str]] = {}  # 1/a if used once: the names of 1/(ab) and of b
        self.late: dict[sp.Basic, bool] = {}

    # -- naming

    def assign(self, code: str, e: sp.Basic | None = None, name: str | None = None) -> str:
        name = name or f"t{len(self.lines) + 1}"
        self.lines.append(f"{name} = {code}")
        if e is not None:
            self.known[e] = name
        return name

    def define(self, symbol: sp.Symbol) -> None:
        """Compute a definition; of a shared exponential, also the powers that are used."""
        e = self.waiting.pop(symbol)
        simple = self.is_simple(e)
        self.known[symbol] = self.operand(e) if simple else self.assign(self.code(e), e, name=symbol.name)
        for n, i, j in addition_chain(self.powers.get(symbol, [])):
            left, right = self.operand(symbol**i), self.operand(symbol**j)
            self.assign(f"{left} * {right}", symbol**n, f"{symbol.name}_{n}")

    def is_simple(self, e: sp.Basic) -> bool:
        """Whether it needs no computation, or has a name already."""
        return e in self.known or e.is_Symbol or free(e).isdisjoint(self.variables)

    def operand(self, e: sp.Basic) -> str:
        """The name or literal that holds `e`; emits the lines that compute it."""
        base = e.base if isinstance(e, sp.Pow) else e
        if base in self.waiting:
            self.define(base)
        if e in self.known:
            return self.known[e]
        if e.is_number:
            return literal(e)
        if self.invariants is not None and free(e).isdisjoint(self.variables):
            return self.invariants.name(e)
        if e.is_Symbol:
            return e.name
        if isinstance(e, sp.Mul) and e.could_extract_minus_sign():
            return negated(self.operand(-e))
        return self.assign(self.code(e), e)

    # -- one operation

    def code(self, e: sp.Basic) -> str:
        for kind, method in self._METHODS.items():
            if isinstance(e, kind):
                return method(self, e)
        raise UserError(f"the kernels have no function {type(e).__name__!r} yet (in {e})")

    def add(self, e: sp.Add) -> str:
        constant, rest = self.split(e, as_Add=True)
        terms = sp.Add.make_args(rest)
        plain = [t for t in terms if self.is_plain(t)]
        products = sorted((t for t in terms if not self.is_plain(t)), key=self.is_late)
        total = self.operand(constant) if constant != 0 else self.operand((plain or products).pop(0))
        steps = [lambda total, t=t: self.sum_code(total, self.operand(t)) for t in plain]
        steps += [lambda total, t=t: "fma({}, {}, {})".format(*self.halves(t), total) for t in products]
        for step in steps[:-1]:
            total = self.assign(step(total))
        return steps[-1](total)

    @staticmethod
    def sum_code(a: str, b: str) -> str:
        return f"{a} - {b[1:]}" if b.startswith("-") else f"{a} + {b}"

    def is_plain(self, term: sp.Expr) -> bool:
        """A term that costs an addition, not a multiplication: a name, or something already computed."""
        product = isinstance(term, sp.Mul) and isinstance(-term, sp.Mul)  # -f(x) is not one
        return not product or term in self.known or -term in self.known

    def mul(self, e: sp.Mul) -> str:
        return "{} * {}".format(*self.halves(e))

    def halves(self, product: sp.Mul) -> tuple[str, str]:
        """Two operands whose product this is; a quotient comes last, else the sign and the constant."""
        constant, rest = self.split(product, as_Add=False)
        factors = sp.Mul.make_args(rest)
        if (quotient := next((f for f in factors if f in self.quotients), None)) is not None:
            inverse, other = self.quotients[quotient]
            before = constant * sp.Mul(*(f for f in factors if f != quotient))
            return (other if before == 1 else self.assign(f"{self.operand(before)} * {other}")), inverse
        if constant != 1 and constant != -1:
            return self.operand(rest), self.operand(constant)
        *factors, last = sp.Mul.make_args(rest)
        left, right = self.operand(sp.Mul(*factors)), self.operand(last)
        return (negated(left) if constant == -1 else left), right

    def is_late(self, e: sp.Basic) -> bool:
        """Whether it depends on a division by a variable."""
        if e not in self.late:
            own = isinstance(e, sp.Pow) and e.exp.is_negative and not free(e.base).isdisjoint(self.variables)
            parts = e.args or [self.block.definitions[e]] if e.args or e in self.block.definitions else []
            self.late[e] = bool(own) or any(self.is_late(part) for part in parts)
        return self.late[e]

    def split(self, e: sp.Expr, as_Add: bool) -> tuple[sp.Expr, sp.Expr]:
        if self.invariants is None:
            return e.as_coeff_Add() if as_Add else e.as_coeff_Mul()
        return split(e, self.variables, as_Add)

    def power(self, e: sp.Pow) -> str:
        base, exponent = e.args
        if exponent == sp.Rational(1, 2):
            return f"sqrt({self.operand(base)})"
        if exponent == -1:
            return f"1.0 / {self.operand(base)}"
        if exponent == sp.Rational(-1, 2):
            return f"1.0 / {self.operand(sp.sqrt(base))}"
        if exponent.is_Integer:
            root = base if exponent > 0 else 1 / base
            chain = addition_chain([abs(int(exponent))])
            for n, i, j in chain[:-1]:
                if root**n not in self.known:
                    self.assign(f"{self.operand(root**i)} * {self.operand(root**j)}", root**n)
            _, i, j = chain[-1]
            return f"{self.operand(root**i)} * {self.operand(root**j)}"
        return f"pow({self.operand(base)}, {self.operand(exponent)})"

    def selection(self, e: Near) -> str:
        z, limit, inside, outside = e.args
        key = sp.Tuple(z, limit)
        flag = self.known.get(key) or self.assign(f"abs({self.operand(z)}) < {literal(limit)}", key)
        return f"{self.operand(inside)} if {flag} else {self.operand(outside)}"

    def select(self, e: Select) -> str:
        condition, value, otherwise = e.args
        flag = self.flag(condition)
        return f"{self.operand(value)} if {flag} else {self.operand(otherwise)}"

    def flag(self, condition: sp.Basic) -> str:
        if condition not in self.known:
            self.assign(self.condition(condition), condition)
        return self.known[condition]

    def condition(self, e: sp.Basic) -> str:
        if isinstance(e, Both):
            return " & ".join(self.flag(part) for part in e.args)
        if isinstance(e, Opposite):
            return f"not {self.flag(e.args[0])}"
        return f"{self.operand(e.args[0])} {'<' if isinstance(e, Less) else '=='} {self.operand(e.args[1])}"

    def polynomial(self, e: Horner) -> str:
        z, *coefficients = e.args
        total = literal(coefficients[-1])
        for c in reversed(coefficients[1:-1]):
            total = self.assign(f"fma({total}, {self.operand(z)}, {literal(c)})")
        return f"fma({total}, {self.operand(z)}, {literal(coefficients[0])})"

    def call(self, e: sp.Function) -> str:
        return f"{self._NAMES[type(e)]}({', '.join(self.operand(a) for a in e.args)})"

    def integer(self, e: sp.Function) -> str:
        """floor or ceiling. Quotients stay divisions: 49 * (1 / 49) is below 1."""
        numerator, denominator = sp.fraction(e.args[0], exact=True)
        value = self.operand(numerator)
        if denominator != 1:
            value = f"{value} / {self.operand(denominator)}"
        return f"{'floor' if isinstance(e, sp.floor) else 'ceil'}({value})"

    def remainder(self, e: sp.Mod) -> str:
        a, b = e.args
        return f"fma({negated(self.operand(sp.floor(a / b)))}, {self.operand(b)}, {self.operand(a)})"

    _NAMES = {
        **{f: f.__name__ for f in (sp.exp, sp.log, log10, sp.sin, sp.cos, sp.tan, sp.asin, sp.acos, sp.atan)},
        **{f: f.__name__ for f in (sp.sinh, sp.cosh, sp.tanh)},
        sp.Abs: "abs",
        Expm1: "expm1",
        Fused: "fma",
    }
    _METHODS = {
        sp.Add: add,
        sp.Mul: mul,
        sp.Pow: power,
        Near: selection,
        Horner: polynomial,
        Select: select,
        sp.floor: integer,
        sp.ceiling: integer,
        sp.Mod: remainder,
        **dict.fromkeys(_NAMES, call),
    }

    # -- one division for all

    def reciprocals(self) -> None:
        """Compute 1/d for every state-dependent denominator, several by one division, innermost first.

        A denominator in a branch of a Select may be zero where the branch is not taken: it stays alone.
        """
        selections = set().union(*(e.atoms(Select) for e in self.everything()))
        in_branches = prune(Block({str(i): e for i, e in enumerate(selections)}, self.block.definitions)).definitions
        depths, levels = {}, {}
        for symbol, e in self.block.definitions.items():
            if symbol not in in_branches:
                depths[symbol] = self.denominators(e, depths, levels)
        for e in self.block.outputs.values():
            self.denominators(e, depths, levels)
        for depth in sorted(set(levels.values())):
            denominators = [d for d, level in levels.items() if level == depth and self.is_moderate(d)]
            for i in range(0, len(denominators), MERGED_DIVISIONS):
                self.merged_division(denominators[i : i + MERGED_DIVISIONS])

    def is_moderate(self, denominator: sp.Expr) -> bool:
        """Whether a product of a few such denominators cannot overflow unless one of them does."""
        inside = prune(Block({"": denominator}, self.block.definitions)).definitions
        for e in (denominator, *inside.values()):
            powers = {p.base: p.exp for p in e.atoms(sp.Pow) if p.base in self.block.powers}
            exponents = [x.args[0] for x in e.atoms(sp.exp, Expm1, sp.sinh, sp.cosh)]
            exponents += [self.block.definitions[s].args[0] * powers.get(s, 1) for s in free(e) & self.block.powers]
            if not all(self.moderate(x) for x in exponents):
                return False
        return True

    def everything(self) -> list[sp.Expr]:
        return [*self.block.definitions.values(), *self.block.outputs.values()]

    def denominators(self, e: sp.Basic, depths: dict[sp.Symbol, int], levels: dict[sp.Expr, int]) -> int:
        """Nesting depth of the divisions in `e`, which adds their denominators to `levels`."""
        if isinstance(e, Select) or not e.args:
            return depths.get(e, 0)
        depth = max(self.denominators(a, depths, levels) for a in e.args)
        if isinstance(e, sp.Pow) and e.exp.is_Integer and e.exp < 0 and not free(e.base).isdisjoint(self.variables):
            levels[e.base] = max(depth, levels.get(e.base, 0))
            return levels[e.base] + 1
        return depth

    def merged_division(self, denominators: list[sp.Expr]) -> None:
        product, others = self.cofactors([self.operand(d) for d in denominators])
        inverse = self.assign(f"1.0 / {product}")
        for d, other in zip(denominators, others, strict=True):
            if other is None:
                self.known[1 / d] = inverse
            elif self.factors[1 / d] == 1 and len(denominators) <= FEW:
                self.quotients[1 / d] = inverse, other
            else:
                self.assign(f"{inverse} * {other}", 1 / d)

    def cofactors(self, names: list[str]) -> tuple[str, list[str | None]]:
        """The product of all, and for each the product of the others, None if it is alone."""
        if len(names) == 1:
            return names[0], [None]
        half = len(names) // 2
        (left, lefts), (right, rights) = self.cofactors(names[:half]), self.cofactors(names[half:])
        others = [right if o is None else self.assign(f"{o} * {right}") for o in lefts]
        others += [left if o is None else self.assign(f"{o} * {left}") for o in rights]
        return self.assign(f"{left} * {right}"), others


def _factors(block: Block) -> Counter:
    """How many products have each quotient as their only one; any other use counts twice."""
    counts: Counter = Counter()
    seen: set[sp.Basic] = set()
    waiting = [*block.definitions.values(), *block.outputs.values()]
    while waiting:
        e = waiting.pop()
        if e not in seen:
            seen.add(e)
            waiting += e.args
            quotients = [part for part in e.args if isinstance(part, sp.Pow) and part.exp == -1]
            alone = isinstance(e, sp.Mul) and len(quotients) == 1
            counts.update(dict.fromkeys(quotients, 1 if alone else 2))
    return counts


def _powers(block: Block) -> dict[sp.Symbol, list[int]]:
    """Which powers of the shared exponentials are used."""
    powers: dict[sp.Symbol, set[int]] = {s: set() for s in block.powers}
    for e in (*block.definitions.values(), *block.outputs.values()):
        for factor in e.atoms(sp.Pow):
            if factor.base in powers:
                powers[factor.base].add(int(factor.exp))
    return {s: sorted(p) for s, p in powers.items()}
