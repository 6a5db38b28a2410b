"""The compiler's passes keep the mathematics and do what they promise."""

import math
import re

import numpy as np
import pytest
import sympy as sp

from hhcore import Step
from hhcore.compile.calculus import Calculus, slope
from hhcore.compile.equations import equations
from hhcore.compile.functions import Both, Equal, Fused, Horner, Less, Near, Opposite, Select, either
from hhcore.compile.passes import Block, addition_chain, hyperbolic, optimise, remove_singularities
from hhcore.compile.text import generate
from hhcore.model.model import load_model
from hhcore.simulation.engine import kernel_parts

V = sp.Symbol("membrane_V", real=True)
P = sp.Symbol("half_activation", real=True)


def plain(e: sp.Expr, definitions=None) -> sp.Expr:
    """The optimised expression in ordinary mathematics, away from singularities."""
    while definitions and e.free_symbols & definitions.keys():
        e = e.xreplace(definitions)
    e = e.replace(Near, lambda z, limit, inside, outside: outside)
    e = e.replace(Fused, lambda a, b, c: a * b + c)
    return e.replace(Horner, lambda z, *c: sum(k * z**i for i, k in enumerate(c)))


def optimised(symbols) -> Block:
    variables = {*symbols.states.values(), *symbols.inputs.values()}
    block = Block(symbols.derivatives, symbols.definitions).map(lambda e: remove_singularities(e, variables))
    return optimise(block, variables)


def test_slopes_wait_for_the_division_with_one_operation_each():
    body = (
        generate(load_model("hodgkin_huxley_1952"), "rk4", *kernel_parts(Step))
        .split("def derivatives")[1]
        .split("\n\n\n")[0]
    )
    lines = [line.split(" = ") for line in body.splitlines() if " = " in line and "Z[" not in line]
    (quotient,) = [name.strip() for name, code in lines if code.startswith("1.0 / ")]
    waiting = [code for _, code in lines if re.search(rf"\b{quotient}\b", code)]
    names = {name.strip() for name, code in lines if code in waiting}
    assert len(waiting) == 3 and all(code.startswith("fma(") for code in waiting)
    assert not any(names & set(re.findall(r"\w+", code)) for _, code in lines)


def test_passes_keep_every_derivative_of_hodgkin_huxley():
    symbols = equations(load_model("hodgkin_huxley_1952"), Step.text())
    block = optimised(symbols)
    numbers = dict.fromkeys(symbols.parameters.values(), 0) | {symbols.inputs["HELD"]: sp.Rational(7)}
    numbers |= {s: sp.Rational(i + 3, 11) for i, s in enumerate(symbols.parameters.values())}
    numbers |= {s: sp.Rational(i + 1, 7) for i, s in enumerate(symbols.states.values())}
    for potential in (-90, -71, -37, 12):
        numbers[symbols.states["membrane.V"]] = potential
        for name, before in symbols.derivatives.items():
            after = plain(block.outputs[name], block.definitions)
            difference = (before - after).subs(numbers).evalf(30)
            assert abs(difference) < 1e-25, name


def test_hodgkin_huxley_needs_one_exponential():
    symbols = equations(load_model("hodgkin_huxley_1952"), Step.text())
    block = optimised(symbols)
    variable = {e for out in [*block.outputs.values(), *block.definitions.values()] for e in out.atoms(sp.exp)}
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


@pytest.mark.parametrize(
    ("written", "function"),
    [
        ((sp.exp(2 * V) - 1) / (sp.exp(2 * V) + 1), sp.tanh(V)),
        ((3 + 3 * sp.exp(-V)) / (2 - 2 * sp.exp(-V)), sp.Rational(3, 2) / sp.tanh(V / 2)),
        (P * (sp.exp(V) - sp.exp(-V)) ** 3 / (sp.exp(V) + sp.exp(-V)) ** 3, P * sp.tanh(V) ** 3),
        ((sp.exp(V / P) + sp.exp(-V / P)) / 2, sp.cosh(V / P)),
    ],
)
def test_hyperbolic_functions_are_recognised(written, function):
    found = hyperbolic(written)
    assert not found.atoms(sp.exp) and abs((found - function).subs({V: 0.3, P: 1.7}).evalf(30)) < 1e-15


def test_what_is_no_hyperbolic_function_is_left_alone():
    e, other = sp.exp(V), sp.exp(2 * V)
    for written in ((e - 1) / (other + 1), (e - 1) / (2 + e), (e - 1) / (e + 1) ** 2, e - 2 / e, e + 1 / other, e - 1):
        assert hyperbolic(written) == written


def test_equality_guard_around_a_removed_singularity_is_dropped():
    rate = sp.Rational(32, 100) * (V + sp.Rational(4713, 100)) / (1 - sp.exp(-(V + sp.Rational(4713, 100)) / 10))
    guarded = Select(Equal(V, sp.Rational(-4713, 100)), sp.Rational(32, 10), rate)
    assert not remove_singularities(guarded, {V}).atoms(Select)
    other = Select(Equal(V, 5), 1, rate)
    assert remove_singularities(other, {V}).atoms(Select)


def test_incommensurable_and_opposite_exponentials_stay_apart():
    outputs = {"a": sp.exp(V / 7) + sp.exp(sp.sqrt(2) * V) + sp.exp(-V / 14) + sp.exp(V / 1009)}
    block = optimise(Block(outputs), {V})
    assert abs((plain(block.outputs["a"], block.definitions) - outputs["a"]).subs(V, -3).evalf(30)) < 1e-25
    assert not block.definitions


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
    linear_part = Calculus({}).linear_part
    assert linear_part(V * (1 - x) - 3 * x, x) == (V, -V - 3)
    assert linear_part(Select(Less(V, 0), 2 * x, 1), x) == (Select(Less(V, 0), 0, 1), Select(Less(V, 0), 2, 0))
    assert linear_part(sp.exp(x) * V, x) is None and linear_part(x * (1 - x), x) is None
    assert linear_part(Select(Less(x, 0), x, 1), x) is None
    current = sp.Symbol("current", real=True)
    assert Calculus({current: 2 * x}).linear_part(V - current, x) is None


def test_derivatives_through_definitions_against_those_of_everything_in_one_expression():
    x, gate, rate = sp.symbols("x gate rate", real=True)
    definitions = {gate: sp.tanh(x * V) ** 3, rate: gate * sp.exp(-gate / 5) + sp.log(x) / P}
    calculus = Calculus(definitions)
    e = rate**2 * gate + sp.sqrt(rate + V**2) * x
    whole = e.xreplace(definitions).xreplace(definitions)
    numbers = {x: sp.Rational(7, 5), V: sp.Rational(2, 3), P: 3}
    for symbol in (x, V, P):
        found = plain(calculus.partial(e, symbol), calculus.everything)
        assert abs((found - sp.diff(whole, symbol)).subs(numbers).evalf(30)) < 1e-25
    assert calculus.reads(e) == {x, V, P}


def test_derivatives_of_functions_of_our_own():
    z, number = V**2 / 40, {V: sp.Rational(3, 2)}
    assert slope(Select(Less(V, 1), V, 5 * V), V) == Select(Less(V, 1), 1, 5)
    assert slope(sp.Abs(V - P), V).subs({V: 1, P: 2}) == -1 and slope(sp.floor(V), V) == 0
    assert slope(sp.Mod(V, 3), V) == 1
    assert slope(Horner(z, 1, 2, 3), V).replace(Horner, lambda z, *c: sum(k * z**i for i, k in enumerate(c))).subs(
        number
    ) == sp.diff(1 + 2 * z + 3 * z**2, V).subs(number)
    assert slope(Fused(V, z, P), V).subs(number) == sp.diff(V * z, V).subs(number)
    assert slope(Near(z, 1, V, z), V) == Near(z, 1, 1, V / 20)
    rate = remove_singularities((V + 40) / (1 - sp.exp(-(V + 40) / 10)), {V})
    inside = slope(rate, V).replace(Near, lambda z, limit, inside, outside: inside)
    assert abs(plain(inside).subs(V, -40) - 0.5) < 1e-15  # x/(1 - e^(-x/10)) = 10 + x/2 + ...


def test_slopes_of_steep_sigmoids_are_finite_where_the_exponential_overflows():
    rate = 3 / (2 + 5 * sp.exp((V - P) / 7))
    for number in (-3, 12):
        values = {V: number, P: 2}
        assert abs((slope(rate, V) - sp.diff(rate, V)).subs(values).evalf(30)) < 1e-25
        assert abs((slope(rate**2, V) - sp.diff(rate**2, V)).subs(values).evalf(30)) < 1e-25
    steep = sp.lambdify(V, slope(1 / (1 + sp.exp(1000 * V)), V), "numpy")
    with np.errstate(all="ignore"):
        assert steep(np.float64(1.0)) == 0.0


def test_conditions_are_decided_where_they_are_constant():
    one, two = sp.Integer(1), sp.Integer(2)
    assert Less(one, two) == sp.true and Equal(one, two) == sp.false and Opposite(Equal(one, two)) == sp.true
    assert Both(Less(V, 1), sp.true) == Less(V, 1) and either(Less(V, 1), sp.true) == sp.true
    assert Opposite(Opposite(Less(V, 1))) == Less(V, 1)
    assert Select(sp.false, V, P) == P and Select(Less(V, 1), P, P) == P
