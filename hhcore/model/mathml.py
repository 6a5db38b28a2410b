"""Equations of a model in MathML, which browsers typeset without a script.

Only elements of MathML Core are used. Myokit's own writer puts brackets into `mfenced`, which browsers no longer draw.
"""

from collections import Counter
from html import escape

import myokit

from hhcore.base.units import pretty_unit

LETTERS = ("alpha", "beta", "gamma", "delta", "epsilon", "kappa", "lambda", "mu", "phi", "psi", "rho", "sigma", "tau")
GREEK = dict(zip(LETTERS, "αβγδεκλμφψρστ", strict=True))
INFIX = {
    myokit.Plus: "+",
    myokit.Minus: "−",
    myokit.Multiply: "·",
    myokit.Remainder: "mod",
    myokit.Equal: "=",
    myokit.NotEqual: "≠",
    myokit.Less: "<",
    myokit.LessEqual: "≤",
    myokit.More: ">",
    myokit.MoreEqual: "≥",
    myokit.And: "and",
    myokit.Or: "or",
}
PREFIX = {myokit.PrefixMinus: "−", myokit.PrefixPlus: "+", myokit.Not: "not"}
SIDES = {myokit.Abs: "||", myokit.Floor: "⌊⌋", myokit.Ceil: "⌈⌉", myokit.Quotient: "⌊⌋"}


FUNCTIONS = {(myokit.Log, 1): "ln", (myokit.Log10, 1): "log₁₀"}  # others have the names that Myokit gives them
SPACE = '<mspace width="0.25em"/>'


class Typesetter:
    """Writes expressions of one model; a name that occurs several times has as an index whose it is."""

    def __init__(self, model: myokit.Model):
        self.uses = Counter(variable.name() for variable in model.variables(deep=True))

    def equation(self, variable: myokit.Variable) -> str:
        """The equation of a variable as a `math` element."""
        left, right = (self.expression(side) for side in (variable.lhs(), variable.rhs()))
        return f'<math displaystyle="true">{left}<mo>=</mo>{right}</math>'

    def expression(self, e: myokit.Expression) -> str:
        """An expression as elements of MathML."""
        if isinstance(e, myokit.Number):
            return _number(e)
        if isinstance(e, myokit.Derivative):
            return f"<mfrac><mrow><mi>d</mi>{self.name(e.var())}</mrow><mrow><mi>d</mi><mi>t</mi></mrow></mfrac>"
        if isinstance(e, myokit.LhsExpression):
            return self.name(e.var())
        if isinstance(e, myokit.If | myokit.Piecewise):
            return self._cases(e)
        if isinstance(e, myokit.Divide):
            return "<mfrac>{}{}</mfrac>".format(*(_row(self.expression(part)) for part in e))
        if isinstance(e, myokit.Power):
            return self._power(*e)
        if type(e) in INFIX:
            return f"<mo>{escape(INFIX[type(e)])}</mo>".join(self._operand(e, part) for part in e)
        if type(e) in PREFIX:
            return f'<mo form="prefix">{PREFIX[type(e)]}</mo>{self._operand(e, *e)}'
        return self._function(e)

    def name(self, variable: myokit.Variable) -> str:
        """A name: `alpha_m` is α with the index m, `g` of the sodium component g with the index sodium."""
        base, _, index = variable.name().partition("_")
        owner = variable.parent().name() if self.uses[variable.name()] > 1 else ""
        below = ", ".join(filter(None, [index, owner if owner != index else ""]))
        letter = f'<mi title="{escape(variable.qname())}">{escape(GREEK.get(base, base))}</mi>'
        return f"<msub>{letter}<mtext>{escape(below)}</mtext></msub>" if base and below else letter

    def _operand(self, e: myokit.Expression, part: myokit.Expression) -> str:
        drawn = self.expression(part)
        cases, fraction = isinstance(part, myokit.If | myokit.Piecewise), isinstance(part, myokit.Divide)
        return _bracketed(drawn) if cases or (e.bracket(part) and not fraction) else drawn

    def _power(self, base: myokit.Expression, exponent: myokit.Expression) -> str:
        drawn, plain = self.expression(base), isinstance(base, myokit.Name) or _is_plain(base)
        return f"<msup>{_row(drawn if plain else _bracketed(drawn))}{_row(self.expression(exponent))}</msup>"

    def _cases(self, e: myokit.If | myokit.Piecewise) -> str:
        cases = e.piecewise() if isinstance(e, myokit.If) else e
        words = [f"<mtext>if</mtext>{SPACE}{self.expression(condition)}" for condition in cases.conditions()]
        rows = zip(map(self.expression, cases.pieces()), [*words, "<mtext>otherwise</mtext>"], strict=True)
        cells = "".join(f"<mtr><mtd>{value}</mtd><mtd>{when}</mtd></mtr>" for value, when in rows)
        return f"<mrow><mo>{{</mo><mtable>{cells}</mtable></mrow>"

    def _function(self, e: myokit.Expression) -> str:
        drawn = [self.expression(part) for part in e]
        if isinstance(e, myokit.Sqrt):
            return f"<msqrt>{drawn[0]}</msqrt>"
        if type(e) in SIDES:
            inner = f"<mfrac>{_row(drawn[0])}{_row(drawn[1])}</mfrac>" if len(drawn) == 2 else drawn[0]
            left, right = SIDES[type(e)]
            return f"<mrow><mo>{left}</mo>{inner}<mo>{right}</mo></mrow>"
        name = FUNCTIONS.get((type(e), len(drawn)), e._fname)
        return f"<mi>{escape(name)}</mi>{_bracketed('<mo>,</mo>'.join(drawn))}"


def _is_plain(e: myokit.Expression) -> bool:
    """Whether it is drawn as digits alone: a number without unit, sign and power of ten."""
    if not isinstance(e, myokit.Number) or e.unit() not in (None, myokit.units.dimensionless):
        return False
    return e.eval() >= 0 and "e" not in repr(float(e.eval()))


def _number(e: myokit.Number) -> str:
    mantissa, _, exponent = repr(float(e.eval())).removesuffix(".0").partition("e")
    drawn = f"<mn>{mantissa.replace('-', '−')}</mn>"
    if exponent:
        power = f"<msup><mn>10</mn><mn>{str(int(exponent)).replace('-', '−')}</mn></msup>"
        drawn = power if mantissa == "1" else f"{drawn}<mo>·</mo>{power}"
    unit = e.unit()
    if unit is None or unit == myokit.units.dimensionless:
        return _row(drawn)
    written = pretty_unit(str(unit)[1:-1])
    written = written.removeprefix("1") if written.startswith("1/") else written
    return _row(f"{drawn}{SPACE}<mtext>{escape(written)}</mtext>")


def _row(drawn: str) -> str:
    return f"<mrow>{drawn}</mrow>"


def _bracketed(drawn: str) -> str:
    return f"<mrow><mo>(</mo>{drawn}<mo>)</mo></mrow>"
