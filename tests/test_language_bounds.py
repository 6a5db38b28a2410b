"""The checked mode of the kernels' language: an index outside its array is found, named and harmless."""

import numpy as np
import pytest

from hhcore.compile.language.machine import compiled, load
from hhcore.compile.language.values import KernelError

TEXT = """
T = (1.0, 2.0, 3.0)

@inline
def read(x, i):
    return x[i]

def pair(x, i):
    return x[i], i > 0

def fill(x, i):
    x[i] = 7.0

def f(x: "f8[:]", y: "i8[:, :]", marks: "b1[:]", i: "i8", k: "i8"):
    own = empty((2, 2))
    BODY
    y[0, 0] = 1
    return 5
"""
LINE = 16


def call(body: str, i: int, k: int = 0) -> tuple[int, np.ndarray, np.ndarray]:
    """What f returns and leaves: arrays of 4, 2 x 3 and 1 elements inside larger ones that stay zero."""
    f = load(compiled(TEXT.replace("BODY", body), checked=True)).f
    floats, integers, marks = np.zeros(12), np.zeros((6, 3), np.int64), np.zeros(9, bool)
    try:
        return f(floats[4:8], integers[2:4], marks[4:5], i, k), floats, integers
    finally:
        outside = [floats[:4], floats[8:], integers[:2], integers[4:], marks[:4], marks[5:]]
        assert not any(part.any() for part in outside)


@pytest.mark.parametrize(
    "body, i, k, where",
    [
        ("x[i] = 1.0", 4, 0, "f, line 16: index 4 of an axis of length 4: x[i]"),
        ("x[i] = 1.0", -1, 0, "f, line 16: index -1 of an axis of length 4: x[i]"),
        ("x[i] = 1.0", -(2**63), 0, f"f, line 16: index {-(2**63)} of an axis of length 4: x[i]"),
        ("x[0] = x[i + k]", 3, 2, "f, line 16: index 5 of an axis of length 4: x[i + k]"),
        ("x[i] += 1.0", 5, 0, "f, line 16: index 5 of an axis of length 4: x[i]"),
        ("y[i, k] = 1", 2, 0, "f, line 16: index 2 of an axis of length 2: y[i, k]"),
        ("y[i, k] = 1", 0, 3, "f, line 16: index 3 of an axis of length 3: y[i, k]"),  # inside the memory of y
        ("y[i, k] = 1", 1, -1, "f, line 16: index -1 of an axis of length 3: y[i, k]"),
        ("marks[i] = True", 1, 0, "f, line 16: index 1 of an axis of length 1: marks[i]"),
        ("own[i, k] = 1.0", 1, 2, "f, line 16: index 2 of an axis of length 2: own[i, k]"),
        ("x[0] = T[i]", 3, 0, "f, line 16: index 3 of an axis of length 3: T[i]"),
        ("x[0] = read(x, i)", 4, 0, "read, line 6: index 4 of an axis of length 4: x[i]"),
        ("x[0] = pair(x, i)[0] if i > 3 else 1.0", 4, 0, "pair, line 9: index 4 of an axis of length 4: x[i]"),
        ("x[0] = 1.0 if i > 0 and pair(x, i)[1] else 2.0", 9, 0, "pair, line 9: index 9 of an axis of length 4: x[i]"),
        ("fill(x, i)", 4, 0, "fill, line 12: index 4 of an axis of length 4: x[i]"),
        ("while x[i] == 0.0:\n        i += 1", 0, 0, "f, line 16: index 4 of an axis of length 4: x[i]"),
        ("for j in range(k):\n        x[j] = 1.0", 0, 6, "f, line 17: index 4 of an axis of length 4: x[j]"),
        ("x[0] = x[i] if i < 4 else 0.0", 4, 0, "f, line 16: index 4 of an axis of length 4: x[i]"),  # both computed
    ],
)
def test_an_index_outside_its_array_is_found_and_named(body, i, k, where):
    with pytest.raises(KernelError) as error:
        call(body, i, k)
    assert str(error.value) == where
    assert TEXT.splitlines()[LINE - 1].strip() == "BODY"


@pytest.mark.parametrize(
    "body", ["x[i] = read(x, k)", "fill(x, k)", "x[0] = pair(x, i)[0] + T[k]", "y[k, i] += 1", "x[len(x) - 1] = T[i]"]
)
def test_indices_inside_pass(body):
    result, _, integers = call(body, 0, 1)
    assert result == 5 and integers[2, 0] == 1


def test_nothing_is_done_after_an_index_outside_and_the_next_call_begins_anew():
    f = load(compiled(TEXT.replace("BODY", "fill(x, i)"), checked=True)).f
    x, y, marks = np.zeros(4), np.zeros((2, 3), np.int64), np.zeros(1, bool)
    with pytest.raises(KernelError):
        f(x, y, marks, 4, 0)
    assert not x.any() and not y.any()
    assert f(x, y, marks, 3, 0) == 5
    assert x.tolist() == [0.0, 0.0, 0.0, 7.0] and y[0, 0] == 1


def test_an_array_without_elements_has_no_index():
    f = load(compiled('def f(x: "f8[:, :]", i: "i8"):\n    x[0, i] = 1.0\n', checked=True)).f
    for shape in ((0, 3), (3, 0)):
        with pytest.raises(KernelError, match=r"index 0 of an axis of length 0: x\[0, i\]"):
            f(np.zeros(shape), 0)
