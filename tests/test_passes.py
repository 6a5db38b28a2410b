"""The compiler's passes keep the mathematics and do what they promise."""

import math

import pytest
import sympy as sp

from hhcore.compile.equations import equations, linear_part
from hhcore.compile.passes import Fused, Horner, Near, addition_chain, optimise, remove_singularities
from hhcore.model import load_model

V = sp.Symbol("membrane_V", real=True)
P = sp.Symbol("half_activation", real=True)


def plain(e: sp.Expr, shared=()) -> sp.Expr:
    """The optimised expression in ordinary mathematics, away from singularities."""
    e = e.xreplace(dict(shared))
    e = e.replace(Near, lambda z, limit, inside, outside: outside)
    e = e.replace(Fused, lambda a, b, c: a * b + c)
    return e.replace(Horner, lambda z, *c: sum(k * z**i for i, k in enumerate(c)))


def test_passes_keep_every_derivative_of_hodgkin_huxley():
    symbols = equations(load_model("hodgkin_huxley_1952"))
    block = optimise(symbols.derivatives, {*symbols.states.values(), symbols.current})
    numbers = dict.fromkeys(symbols.parameters.values(), 0) | {symbols.current: sp.Rational(7)}
    numbers |= {s: sp.Rational(i + 3, 11) for i, s in enumerate(symbols.parameters.values())}
    numbers |= {s: sp.Rational(i + 1, 7) for i, s in enumerate(symbols.states.values())}
    for potential in (-90, -71, -37, 12):
        numbers[symbols.states["membrane.V"]] = potential
        for name, before in symbols.derivatives.items():
            after = plain(block.outputs[name], block.shared)
            difference = (before - after).subs(numbers).evalf(30)
            assert abs(difference) < 1e-25, name


def test_hodgkin_huxley_needs_one_exponential():
    symbols = equations(load_model("hodgkin_huxley_1952"))
    block = optimise(symbols.derivatives, {*symbols.states.values(), symbols.current})
    variable = {e for out in [*block.outputs.values(), *(e for _, e in block.shared)] for e in out.atoms(sp.exp)}
    assert [e.args[0] for e in variable if e.free_symbols] == [-symbols.states["membrane.V"] / 720]


def test_removed_singularity_has_the_right_limit_and_slope():
    rate = (V + 40) / 10 / (1 - sp.exp(-(V + 40) / 10))
    removed = remove_singularities(rate, {V})
    assert removed.atoms(Near)
    series = plain(removed.replace(Near, lambda z, limit, inside, outside: inside))
    for x in (sp.Rational(-1, 2), 0, sp.Rational(1, 3)):
        exact = sp.Integer(1) if x == 0 else rate.subs(V, -40 + x)
        assert abs((series.subs(V, -40 + x) - exact).evalf(30)) < 1e-15


def test_singularity_at_a_parameter_and_inverse_form_are_found():
    assert remove_singularities((V - P) / (sp.exp((V - P) / 5) - 1), {V}).atoms(Near)
    assert remove_singularities((1 - sp.exp(-V / 3)) / V, {V}).atoms(Near)


def test_singularities_inside_powers_are_removed():
    """Instantaneous activation cubed, as SymPy multiplies it out: alpha^3 (alpha + beta)^-3."""
    alpha = (V + 35) / 10 / (1 - sp.exp(-(V + 35) / 10))
    activation = (alpha / (alpha + 4 * sp.exp(-(V + 60) / 18))) ** 3
    removed = remove_singularities(activation, {V})
    series = plain(removed.replace(Near, lambda z, limit, inside, outside: inside))
    assert series.subs(V, -35).evalf(30) == pytest.approx(1 / (1 + 4 * math.exp(-25 / 18)) ** 3, rel=1e-15)
    for x in (sp.Rational(-1, 2), sp.Rational(1, 1000)):
        assert abs((series - activation).subs(V, -35 + x).evalf(30)) < 1e-15


def test_true_singularity_is_left_alone():
    pole = 1 / (1 - sp.exp(-(V + 40) / 10))
    assert remove_singularities(pole, {V}) == pole
    assert not remove_singularities((V + 39) / (1 - sp.exp(-(V + 40) / 10)), {V}).atoms(Near)


def test_equality_guard_around_a_removed_singularity_is_dropped():
    rate = sp.Rational(32, 100) * (V + sp.Rational(4713, 100)) / (1 - sp.exp(-(V + sp.Rational(4713, 100)) / 10))
    guarded = sp.Piecewise((sp.Rational(32, 10), sp.Eq(V, sp.Rational(-4713, 100))), (rate, True))
    assert not remove_singularities(guarded, {V}).atoms(sp.Piecewise)
    other = sp.Piecewise((1, sp.Eq(V, 5)), (rate, True))
    assert remove_singularities(other, {V}).atoms(sp.Piecewise)


def test_incommensurable_and_opposite_exponentials_stay_apart():
    outputs = {"a": sp.exp(V / 7) + sp.exp(sp.sqrt(2) * V) + sp.exp(-V / 14) + sp.exp(V / 1009)}
    block = optimise(outputs, {V})
    assert abs((plain(block.outputs["a"], block.shared) - outputs["a"]).subs(V, -3).evalf(30)) < 1e-25
    assert not block.shared


def test_addition_chain_reaches_all_powers():
    for powers in ([1], [2, 3], [9, 36, 40, 72], [97]):
        have = {1}
        for n, i, j in addition_chain(powers):
            assert n == i + j and {i, j} <= have
            have.add(n)
        assert set(powers) <= have
    assert len(addition_chain([9, 36, 40, 72])) == 8


def test_linear_part():
    x = sp.Symbol("x", real=True)
    assert linear_part(V * (1 - x) - 3 * x, x) == (V, -V - 3)
    assert linear_part(sp.exp(x) * V, x) is None
