"""Which symbols an expression has: SymPy's answers, which it finds anew each time, remembered."""

from collections.abc import Set
from functools import lru_cache

import sympy as sp

REMEMBERED = 2**16  # expressions; large models have some ten thousand, subexpressions included


@lru_cache(REMEMBERED)
def free(e: sp.Basic) -> frozenset[sp.Symbol]:
    """The symbols in an expression."""
    return frozenset((e,)) if e.is_Symbol else frozenset().union(*map(free, e.args))


def split(e: sp.Expr, variables: Set[sp.Symbol], as_Add: bool) -> tuple[sp.Expr, sp.Expr]:
    """The parts of a sum or product without and with `variables`, as of e.as_independent(*variables)."""
    return e.as_independent(*(free(e) & variables), as_Add=as_Add)
