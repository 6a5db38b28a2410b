"""Functions of the kernels that SymPy must not rewrite, and conditions. A condition may only stand in a Select."""

import sympy as sp


class Near(sp.Function):
    """Near(z, limit, inside, outside): `inside` where |z| < limit, else `outside`."""

    nargs = 4


class Fused(sp.Function):
    """Fused(a, b, c): a b + c as one operation."""

    nargs = 3

    def fdiff(self, argindex=1):
        """Derivative with respect to one of a, b, c."""
        return {1: self.args[1], 2: self.args[0], 3: sp.Integer(1)}[argindex]


class Horner(sp.Function):
    """Horner(z, c0, c1, ...): the polynomial c0 + c1 z + ..., by Horner's rule; c0, c1, ... are constant."""

    def fdiff(self, argindex=1):
        """Derivative with respect to z."""
        z, _, *others = self.args
        return Horner(z, *(i * c for i, c in enumerate(others, start=1)))


class Expm1(sp.Function):
    """Expm1(z): e^z - 1, with all its digits around 0."""

    nargs = 1

    def fdiff(self, argindex=1):
        """Derivative with respect to z."""
        return sp.exp(self.args[0])


class Less(sp.Function):
    """Less(a, b): whether a < b."""

    nargs = 2

    @classmethod
    def eval(cls, a, b):
        """Decided for numbers."""
        return sp.true if _numbers(a, b) and a < b else sp.false if _numbers(a, b) else None


class Equal(sp.Function):
    """Equal(a, b): whether a == b."""

    nargs = 2

    @classmethod
    def eval(cls, a, b):
        """Decided for numbers."""
        return sp.true if _numbers(a, b) and a == b else sp.false if _numbers(a, b) else None


class Both(sp.Function):
    """Both(p, q): p and q."""

    nargs = 2

    @classmethod
    def eval(cls, p, q):
        """Decided if one of them is a constant."""
        if sp.false in (p, q):
            return sp.false
        return q if p == sp.true else p if q == sp.true else None


class Opposite(sp.Function):
    """Opposite(p): not p."""

    nargs = 1

    @classmethod
    def eval(cls, p):
        """Decided for constants; two negations cancel."""
        if p in (sp.true, sp.false):
            return sp.false if p == sp.true else sp.true
        return p.args[0] if isinstance(p, Opposite) else None


class Select(sp.Function):
    """Select(p, a, b): a if p, else b. Both are computed; the one not taken may be infinite or NaN."""

    nargs = 3

    @classmethod
    def eval(cls, p, a, b):
        """Decided if p is a constant or a equals b."""
        if p in (sp.true, sp.false):
            return a if p == sp.true else b
        return a if a == b else None


CONDITIONS = (Less, Equal, Both, Opposite)


def either(p: sp.Basic, q: sp.Basic) -> sp.Basic:
    """p or q."""
    return Opposite(Both(Opposite(p), Opposite(q)))


def _numbers(a: sp.Basic, b: sp.Basic) -> bool:
    return a.is_Number and b.is_Number
