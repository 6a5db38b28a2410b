"""Small dense linear systems, solved with the same bits on every CPU: LAPACK's differ."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Solution:
    """The solutions x + null @ t of A x = b, for any t.

    x         : float64 (N,)
    null      : float64 (N, q), what A takes to 0
    conserved : float64 (N, q), what takes A to 0 from the left: changes along it cannot come about by A
    """

    x: np.ndarray
    null: np.ndarray
    conserved: np.ndarray


def eliminate(matrix: np.ndarray, right: np.ndarray, smallest: float = 0.0) -> Solution:
    """Solve A x = b by Gauss-Jordan elimination with complete pivoting.

    matrix : float64 (N, N); right : float64 (N,)
    smallest : pivots up to this share of the largest are 0
    """
    n = len(matrix)
    table = np.column_stack([matrix, right, np.eye(n)])
    rows, columns, largest = [], [], 0.0
    for _ in range(n):
        size = np.abs(table[:, :n])
        size[rows], size[:, columns] = -1.0, -1.0
        row, column = (int(i) for i in np.unravel_index(size.argmax(), size.shape))
        largest = max(largest, size[row, column])
        if not size[row, column] > smallest * largest:
            break
        rows.append(row)
        columns.append(column)
        table[row] = table[row] / table[row, column]
        factors = table[:, column].copy()
        factors[row] = 0.0
        table -= factors[:, None] * table[row]
    others = [i for i in range(n) if i not in rows]
    free = [i for i in range(n) if i not in columns]
    x, null = np.zeros(n), np.zeros((n, len(free)))
    x[columns] = table[rows, n]
    null[columns] = -table[rows][:, free]
    null[free, range(len(free))] = 1.0
    return Solution(x, null, table[others, n + 1 :].T)


def solve_conserving(matrix: np.ndarray, right: np.ndarray, smallest: float) -> np.ndarray:
    """Solve A x = b, float64 (N,); where A is singular, the x that changes nothing of what A conserves.

    If A is that of y' = P(y) - y, and P keeps a charge, so does x: the rows of `conserved` are its gradient.
    """
    found = eliminate(matrix, right, smallest)
    if not found.null.size:
        return found.x
    kept = _product(found.conserved.T, np.column_stack([found.null, found.x]))
    shares = eliminate(kept[:, :-1], -kept[:, -1]).x
    return found.x + _product(found.null, shares[:, None])[:, 0]


def one_norm(rows: np.ndarray) -> np.ndarray:
    """The sum of the sizes along the last axis, float64 (...), in order: that of NumPy may depend on the CPU."""
    total = np.zeros(rows.shape[:-1])
    for column in np.moveaxis(np.abs(rows), -1, 0):
        total += column
    return total


def _product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a @ b, added up in order."""
    total = np.zeros((len(a), b.shape[1]))
    for i in range(a.shape[1]):
        total += a[:, i, None] * b[i]
    return total
