"""Passes over any model's expressions that make them cheap and well conditioned before they become code.

    remove_singularities   z/(e^z - 1) and its inverse get a form that is exact at z = 0 and around it
    hyperbolic             exponentials that stand for sinh, cosh and tanh become these
    share_exponentials     exponentials e^(aV+b) with commensurable a become powers of one
    distribute             factors that do not depend on the state move into the sums they multiply

The first two take and return SymPy expressions, the others blocks of them. Constants are exact rationals; nothing is
rounded before the lowering.
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

import sympy as sp

from hhcore.compile.functions import Equal, Fused, Horner, Near, Select
from hhcore.compile.symbols import free, split

SERIES_BELOW = sp.Rational(1, 16)  # |z| below which a series replaces z/(e^z - 1); its error there is 2e-16
EXP_COST = 20  # operations of one exponential; a multiplication costs one
LARGEST_POWER = 100  # of a shared exponential: an error of 1 ulp in it becomes 100
LARGEST_SHIFT = 100  # |b| up to which e^(aV+b) may be split into e^(aV) e^b without danger of overflow


@dataclass
class Block:
    """Straight-line code: outputs by name, and definitions that outputs and definitions use.

    powers : the definitions that are shared exponentials, of which powers are taken
    """

    outputs: dict[str, sp.Expr]
    definitions: dict[sp.Symbol, sp.Expr] = field(default_factory=dict)
    powers: set[sp.Symbol] = field(default_factory=set)

    def map(self, change: Callable[[sp.Expr], sp.Expr]) -> "Block":
        """Apply `change` to every expression."""
        return Block(
            {name: change(e) for name, e in self.outputs.items()},
            {symbol: change(e) for symbol, e in self.definitions.items()},
            self.powers,
        )


def optimise(block: Block, variables: set[sp.Symbol]) -> Block:
    """Apply the passes that make a block cheaper. `variables` are the symbols that change from step to step."""
    variables = variables | block.definitions.keys()
    block = share_exponentials(prune(block), variables)
    variables = variables | block.definitions.keys()
    return distribute(block, variables)


def prune(block: Block) -> Block:
    """Drop the definitions that no output uses."""
    used: set[sp.Symbol] = set()
    waiting = set(block.outputs.values())
    while waiting:
        new = set().union(*map(free, waiting)) & block.definitions.keys() - used
        used |= new
        waiting = {block.definitions[symbol] for symbol in new}
    return Block(block.outputs, {s: e for s, e in block.definitions.items() if s in used}, block.powers)


# --- removable singularities


def remove_singularities(expression: sp.Expr, variables: set[sp.Symbol]) -> sp.Expr:
    """Replace every F/(e^z - 1) and (e^z - 1)/F with F proportional to z; drop equality guards around them."""

    def rewrite(e: sp.Expr) -> sp.Expr:
        if isinstance(e, sp.Mul):
            return _without_singular_quotients(e, variables)
        if isinstance(e, Select):
            return _without_equality_guards(e)
        return e

    return _bottom_up(rewrite)(expression)


def linoid(z: sp.Expr) -> sp.Expr:
    """z/(e^z - 1), 1 at z = 0, within 18 ulp: both parts switch together from the definition to the series."""
    even = Horner(z**2, 1, sp.Rational(1, 12), sp.Rational(-1, 720), sp.Rational(1, 30240))
    series = Fused(z, sp.Rational(-1, 2), even)
    return Near(z, SERIES_BELOW, series, z) / Near(z, SERIES_BELOW, sp.Integer(1), sp.exp(z) - 1)


def inverse_linoid(z: sp.Expr) -> sp.Expr:
    """(e^z - 1)/z, 1 at z = 0, within 10.5 ulp."""
    coefficients = [1 / sp.factorial(k + 1) for k in range(9)]
    return Near(z, SERIES_BELOW, Horner(z, *coefficients), sp.exp(z) - 1) / Near(z, SERIES_BELOW, sp.Integer(1), z)


def _without_singular_quotients(product: sp.Mul, variables: set[sp.Symbol]) -> sp.Expr:
    factors = list(product.args)
    for i, factor in enumerate(factors):
        base, power = factor.as_base_exp()
        if not power.is_Integer or (parts := _one_and_exponential(base, -1)) is None:
            continue
        scale, z = parts  # base = scale * (1 - e^z)
        for j, other in enumerate(factors):
            affine, other_power = other.as_base_exp()
            if j == i or not (other_power.is_Integer and power * other_power < 0):
                continue
            if (ratio := _ratio(affine, z, variables)) is None:
                continue
            n = min(abs(power), abs(other_power)) * sp.sign(power)  # as often as both occur
            rest = sp.Mul(*(f for k, f in enumerate(factors) if k not in (i, j)))
            rest *= base ** (power - n) * affine ** (other_power + n)
            replacement = -ratio / scale * linoid(z) if n < 0 else -scale / ratio * inverse_linoid(z)
            return _without_singular_quotients(sp.Mul(rest, replacement ** abs(n), evaluate=True), variables)
    return product


def _one_and_exponential(e: sp.Expr, sign: int) -> tuple[sp.Expr, sp.Expr] | None:
    """(scale, z) if e = scale * (1 + sign e^z), else None."""
    if not (isinstance(e, sp.Add) and len(e.args) == 2):
        return None
    for constant, other in (e.args, e.args[::-1]):
        coefficient, exponential = other.as_coeff_Mul()
        if isinstance(exponential, sp.exp) and constant == sign * coefficient:
            return constant, exponential.args[0]
    return None


def _ratio(affine: sp.Expr, z: sp.Expr, variables: set[sp.Symbol]) -> sp.Expr | None:
    """affine / z if that is free of the variables, else None."""
    common = sorted(affine.free_symbols & z.free_symbols & variables, key=str)
    if not common:
        return None
    slope = sp.diff(z, common[0])
    if slope == 0 or slope.free_symbols & variables:
        return None
    ratio = sp.diff(affine, common[0]) / slope
    return None if ratio.free_symbols & variables or sp.expand(affine - ratio * z) != 0 else ratio


def _without_equality_guards(selection: Select) -> sp.Expr:
    """`a if V == V0 else b` is b once the singularity of b at V0 has been removed."""
    guard, _, rest = selection.args
    if not isinstance(guard, Equal):
        return selection
    variable, value = guard.args if guard.args[0].is_Symbol else guard.args[::-1]
    removed = any(sp.expand(call.args[0].subs(variable, value)) == 0 for call in rest.atoms(Near))
    return rest if removed else selection


# --- hyperbolic functions


def hyperbolic(expression: sp.Expr) -> sp.Expr:
    """Restore sinh, cosh and tanh, which Myokit's language lacks, from exponentials.

    (e^2x - 1)/(e^2x + 1) is NaN where e^2x overflows, and e^x - e^-x loses its digits around 0.
    """

    def rewrite(e: sp.Expr) -> sp.Expr:
        if isinstance(e, sp.Add):
            return _with_opposite_exponents(e)
        return _with_tangents(e) if isinstance(e, sp.Mul) else e

    return _bottom_up(rewrite)(expression)


def _with_opposite_exponents(e: sp.Add) -> sp.Expr:
    """Write c (e^x - e^-x) as 2 c sinh x, c (e^x + e^-x) as 2 c cosh x."""
    if len(e.args) != 2:
        return e
    (c, f), (d, g) = (term.as_coeff_Mul() for term in e.args)
    if not (isinstance(f, sp.exp) and isinstance(g, sp.exp) and f.args[0] == -g.args[0] and abs(c) == abs(d)):
        return e
    return 2 * c * (sp.cosh if c == d else sp.sinh)(f.args[0])


def _with_tangents(product: sp.Mul) -> sp.Expr:
    """Write a/b, (a/b)^n or b/a as a multiple of tanh, if it is one."""
    for one, other in itertools.permutations(product.args, 2):
        (a, p), (b, q) = one.as_base_exp(), other.as_base_exp()
        if p == -q and (ratio := _tangent(a, b)) is not None:
            rest = sp.Mul(*(f for f in product.args if f not in (one, other)))
            return _with_tangents(sp.Mul(rest, ratio**p))
    return product


def _tangent(a: sp.Expr, b: sp.Expr) -> sp.Expr | None:
    """a/b if that is sinh x / cosh x or c (1 - e^z)/(1 + e^z), else None."""
    if isinstance(a, sp.sinh) and isinstance(b, sp.cosh) and a.args == b.args:
        return sp.tanh(a.args[0])
    above, below = _one_and_exponential(a, -1), _one_and_exponential(b, 1)
    if above is None or below is None or above[1] != below[1]:
        return None
    return -above[0] / below[0] * sp.tanh(above[1] / 2)


# --- shared exponentials


def share_exponentials(block: Block, variables: set[sp.Symbol]) -> Block:
    """Express exponentials of commensurable linear functions as powers of one, e^b as a constant factor."""
    families: dict[sp.Expr, set[tuple[sp.Rational, sp.Rational]]] = {}
    linear: dict[sp.Expr, tuple[sp.Expr, sp.Rational, sp.Rational]] = {}
    everything = [*block.definitions.values(), *block.outputs.values()]
    for exponential in sorted(set().union(*(e.atoms(sp.exp) for e in everything)), key=sp.default_sort_key):
        if (parts := _linear_exponent(exponential.args[0], variables)) is not None:
            linear[exponential] = parts
            families.setdefault(parts[0], set()).add(parts[1:])
    shared, replaced = {}, {}
    for direction, members in families.items():
        for unit, multiples in _commensurable_groups({m[0] for m in members}):
            if sum(m[0] in multiples for m in members) < 2:
                continue
            symbol = sp.Symbol(f"exp_{len(shared) + 1}", positive=True)
            shared[symbol] = sp.exp(unit * direction)
            for exponential, (d, multiple, shift) in linear.items():
                if d == direction and multiple in multiples:
                    replaced[exponential] = sp.exp(shift) * symbol ** (multiple / unit)
    block = block.map(_bottom_up(lambda e: replaced.get(e, e)))
    return Block(block.outputs, shared | block.definitions, set(shared))


def _linear_exponent(e: sp.Expr, variables: set[sp.Symbol]) -> tuple[sp.Expr, sp.Rational, sp.Rational] | None:
    """(direction, multiple, shift) with e = multiple * direction + shift, or None if e does not have that form."""
    shift, linear = e.as_coeff_Add()
    if not (shift.is_Rational and abs(shift) <= LARGEST_SHIFT):
        return None
    if not free(linear) or not free(linear) <= variables:
        return None
    multiple, direction = linear.as_coeff_Mul() if not linear.is_Add else linear.primitive()
    return (direction, multiple, shift) if direction.is_Symbol or direction.is_Add else None


def _commensurable_groups(multiples: set[sp.Rational]) -> list[tuple[sp.Rational, set[sp.Rational]]]:
    """Merge exponents of one sign into groups as long as it saves operations: (common measure, members)."""
    common = math.lcm(*(int(m.q) for m in multiples))  # counted in its fractions they are integers, and quick
    ordered = sorted(multiples, key=lambda m: (bool(m > 0), abs(m)))
    groups = [frozenset([int(m * common)]) for m in ordered]
    cost = cache(_cost)
    while True:
        merges = [
            (cost(a) + cost(b) - cost(a | b), i, j)
            for i, a in enumerate(groups)
            for j, b in enumerate(groups[:i])
            if cost(a | b) < cost(a) + cost(b)
        ]
        if not merges:
            return [(sp.Rational(_measure(g), common), {sp.Rational(n, common) for n in g}) for g in groups]
        _, i, j = max(merges)
        groups[j] |= groups.pop(i)


def _cost(group: frozenset[int]) -> float:
    """Operations of one exponential and its powers; infinite for powers that are too large or of both signs."""
    unit = _measure(group)
    powers = [n // unit for n in group]
    if max(powers) > LARGEST_POWER or min(powers) < 0:
        return math.inf
    return EXP_COST + len(addition_chain(powers))


def _measure(group: frozenset[int]) -> int:
    """The largest number that divides every member, with the sign of the smallest member."""
    return math.gcd(*group) * (1 if min(group, key=abs) > 0 else -1)


def addition_chain(powers: list[int]) -> list[tuple[int, int, int]]:
    """Few multiplications (n, i, j), meaning x^n = x^i x^j, that reach all `powers` of x."""
    reached, steps = {1}, []

    def reach(n: int) -> None:
        if n in reached:
            return
        pairs = [(max(i, n - i), min(i, n - i)) for i in reached if n - i in reached]
        i, j = min(pairs) if pairs else (n - n // 2, n // 2) if n % 2 == 0 else (n - 1, 1)
        reach(i)
        reach(j)
        reached.add(n)
        steps.append((n, i, j))

    for n in sorted(set(powers)):
        reach(n)
    return steps


# --- distribution


def distribute(block: Block, variables: set[sp.Symbol]) -> Block:
    """Write c (x + d) as c x + (c d) where c and d do not depend on the variables: one multiplication less.

    Applied where every term but one at most has a constant of its own, which absorbs the factor.
    """

    def rewrite(e: sp.Expr) -> sp.Expr:
        if not isinstance(e, sp.Mul):
            return e
        constant, rest = split(e, variables, as_Add=False)
        sums = [f for f in rest.args if isinstance(f, sp.Add)] if isinstance(rest, sp.Mul) else [rest]
        if constant == 1 or len(sums) != 1 or not isinstance(sums[0], sp.Add):
            return e
        constants = [split(t, variables, as_Add=False)[0] for t in sums[0].args]
        if sum(c in (1, -1) for c in constants) > 1:
            return e
        others = rest / sums[0]
        return sp.Mul(others, sp.Add(*(constant * t for t in sums[0].args)))

    return block.map(_bottom_up(rewrite))


def _bottom_up(rewrite: Callable[[sp.Basic], sp.Basic]) -> Callable[[sp.Basic], sp.Basic]:
    """A function that rebuilds expressions from their leaves, each distinct subexpression once."""
    done: dict[sp.Basic, sp.Basic] = {}

    def visit(e: sp.Basic) -> sp.Basic:
        if e not in done:
            args = [visit(a) for a in e.args]
            changed = any(a is not b for a, b in zip(args, e.args, strict=True))
            done[e] = rewrite(e.func(*args) if changed else e)
        return done[e]

    return visit
