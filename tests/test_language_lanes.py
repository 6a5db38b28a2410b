"""Loops whose turns share no element of an array: LLVM believes the mark, so only these may have it."""

import numpy as np
import pytest
from test_translate import check

from hhcore.compile.language.translate import translate

TEXT = """
W, FIRST, SECOND, BETWEEN = 8, 8, 16, 13
WEIGHTS = (1.0, 2.0)

@inline
def double(Z, i):
    Z[SECOND + i] = 2.0 * Z[FIRST + i]

@inline
def double_next(Z, i):
    i += 1
    Z[SECOND + i] = 2.0 * Z[FIRST + i]

@inline
def squared(Z, i):
    own = empty((2,))
    own[0] = Z[i]
    return own[0] * own[0]

def f(Z: "f8[:]", k: "i8"):
    for j in range({turns}):
        {statement}
"""


def text(statement: str, turns: str = "W") -> str:
    return TEXT.format(statement=statement, turns=turns)


def is_marked(source: str) -> bool:
    loops = [line for line in translate(source).text.splitlines() if "= distinct !{!" in line]
    assert len(loops) == 1
    return "!4" in loops[0]


APART = ["Z[FIRST + j] = Z[j]", "Z[SECOND + FIRST + j] = WEIGHTS[1] * Z[j + FIRST]", "double(Z, j)"]
SHARED = [
    *("Z[BETWEEN + j] = Z[j]", "Z[FIRST + j + j] = 1.0", "Z[FIRST] = Z[j]", "Z[FIRST + k] = Z[j]"),
    *("Z[FIRST + j] = Z[j * W]", "Z[FIRST + j] = Z[SECOND - j]"),
    *("double(Z, k)", "double_next(Z, j)", "Z[j] = squared(Z, j)"),
]


@pytest.mark.parametrize("statement", APART)
def test_indices_that_are_multiples_of_the_turns_plus_the_counter_are_apart(statement):
    assert is_marked(text(statement))


@pytest.mark.parametrize("statement", SHARED)
def test_other_indices_may_meet(statement):
    assert not is_marked(text(statement))


@pytest.mark.parametrize("turns", ["0, 16, 2", "k", "7, -1, -1"])
def test_only_turns_in_a_row_of_known_number_are_apart(turns):
    assert not is_marked(text("Z[FIRST + j] = Z[j]", turns))


@pytest.mark.parametrize("statement", APART + SHARED)
def test_marked_or_not_the_bits_are_those_of_python(statement):
    check(text(statement), "f", lambda: [np.linspace(0.1, 5.3, 64), 3])
