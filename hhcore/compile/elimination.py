"""Solve linear systems of a known sparse pattern by straight-line code.

The matrix is M = d - J, with d = 1 / (gamma h) on the diagonal. Rows are eliminated without pivoting, in order of
minimum degree (Tinney and Walker 1967, Proc. IEEE 55:1801-1809). There is little fill-in, since gates depend only on
themselves and on the potential. Where a pivot vanishes the solution is NaN.
"""

from dataclasses import dataclass

Pattern = set[tuple[int, int]]


@dataclass(frozen=True)
class Elimination:
    """The code that solves a system.

    factorise  : lines that compute entries of the factors from `d` and the entries of J, as (entry, expression)
    substitute : lines that replace the right-hand side `b0, b1, ...` by the solution
    """

    factorise: list[tuple[str, str]]
    substitute: list[str]


def eliminate(pattern: Pattern, n: int) -> Elimination:
    """Write the code for n rows; `pattern` has the non-zero entries (row, column) of J.

    `j_i_k` is entry (i, k) of J, `m_i_k` that of the factors; `m_i_i` holds the reciprocal of the pivot.
    """
    present = pattern | {(i, i) for i in range(n)}
    factorise = [(f"m_{i}_{k}", _entry(i, k, pattern)) for i, k in sorted(present)]
    forward, backward = [], []
    remaining = set(range(n))
    while remaining:
        pivot = min(remaining, key=lambda p: (_degree(p, present, remaining), p))
        remaining.remove(pivot)
        below = sorted(i for i in remaining if (i, pivot) in present)
        right = sorted(k for k in remaining if (pivot, k) in present)
        factorise.append((f"m_{pivot}_{pivot}", f"1.0 / m_{pivot}_{pivot}"))
        for i in below:
            factorise.append((f"m_{i}_{pivot}", f"m_{i}_{pivot} * m_{pivot}_{pivot}"))
            forward.append(f"b{i} = fma(-m_{i}_{pivot}, b{pivot}, b{i})")
            for k in right:
                old = f"m_{i}_{k}" if (i, k) in present else "0.0"
                factorise.append((f"m_{i}_{k}", f"fma(-m_{i}_{pivot}, m_{pivot}_{k}, {old})"))
                present.add((i, k))
        back = [f"b{pivot} = fma(-m_{pivot}_{k}, b{k}, b{pivot})" for k in right]
        backward = [*back, f"b{pivot} *= m_{pivot}_{pivot}", *backward]
    return Elimination(factorise, forward + backward)


def _entry(i: int, k: int, pattern: Pattern) -> str:
    if i == k:
        return f"d - j_{i}_{k}" if (i, k) in pattern else "d"
    return f"-j_{i}_{k}"


def _degree(p: int, present: Pattern, remaining: set[int]) -> int:
    """Number of products to eliminate row p."""
    below = sum((i, p) in present for i in remaining if i != p)
    return below * sum((p, k) in present for k in remaining if k != p)
