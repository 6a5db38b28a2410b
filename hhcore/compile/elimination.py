"""Systems of linear equations of a known sparse pattern, solved by straight-line code.

The matrix is M = d - J, with d = 1 / (gamma h) on the diagonal. Rows are eliminated without pivoting, those with few
entries first (minimum degree: Tinney and Walker 1967, Proc. IEEE 55:1801-1809), so that hardly any zero fills up: the
gates of a cell depend on themselves and on the potential alone. Where a pivot vanishes the solution is not a number.
"""

from dataclasses import dataclass

Pattern = set[tuple[int, int]]


@dataclass(frozen=True)
class Elimination:
    """The code.

    factorise  : lines that compute entries of the factors from `d` and the entries of J, as (entry, expression)
    substitute : lines that replace the right-hand side `b0, b1, ...` by the solution
    """

    factorise: list[tuple[str, str]]
    substitute: list[str]


def eliminate(pattern: Pattern, n: int) -> Elimination:
    """The code for a matrix of n rows and the non-zero entries (row, column) of J in `pattern`.

    Entry (i, k) of J has the name `j_i_k`, of the factors `m_i_k`; `m_i_i` holds the reciprocal of the pivot.
    """
    present = pattern | {(i, i) for i in range(n)}
    factorise = [(f"m_{i}_{k}", _entry(i, k, pattern)) for i, k in sorted(present)]
    forward, backward = [], []
    waiting = set(range(n))
    while waiting:
        pivot = min(waiting, key=lambda p: (_degree(p, present, waiting), p))
        waiting.remove(pivot)
        below = sorted(i for i in waiting if (i, pivot) in present)
        right = sorted(k for k in waiting if (pivot, k) in present)
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


def _degree(p: int, present: Pattern, waiting: set[int]) -> int:
    """Products that eliminating row p takes."""
    below = sum((i, p) in present for i in waiting if i != p)
    return below * sum((p, k) in present for k in waiting if k != p)
