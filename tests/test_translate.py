"""Kernels' language: compiled functions against the same text run by Python, and what is refused."""

import math
import struct

import numpy as np
import pytest

from hhcore.compile.machine import compiled, load
from hhcore.compile.values import KernelError

BUILTINS = {
    "inf": math.inf,
    "nan": math.nan,
    "sqrt": math.sqrt,
    "floor": lambda x: float(math.floor(x)),
    "ceil": lambda x: float(math.ceil(x)),
    "bits_of": lambda x: struct.unpack("<q", struct.pack("<d", x))[0],
    "double_of": lambda x: struct.unpack("<d", struct.pack("<q", x))[0],
    "empty": lambda shape: np.full(shape, np.nan),
    "inline": lambda function: function,
}


def both(text: str, name: str, make) -> tuple[list, list]:
    """What a function leaves in its arguments and returns: compiled, and run by Python."""
    python: dict = dict(BUILTINS)
    exec(text, python)
    mine, theirs = make(), make()
    found = load(compiled(text)).__dict__[name](*mine)
    expected = python[name](*theirs)
    return [found, *mine], [expected, *theirs]


def check(text: str, name: str, make) -> None:
    found, expected = both(text, name, make)
    if expected[0] is not None:
        assert found[0] == expected[0]
    for a, b in zip(found[1:], expected[1:], strict=True):
        assert np.array_equal(a, b, equal_nan=True)


ARITHMETIC = """
def f(x: "f8[:]", n: "i8[:]"):
    a, b = x[0], x[1]
    x[2], x[3], x[4] = a + b * 2, -a / b, (a - 3) * 0.5
    x[5] = 2.0**-24 * a + 7 // 2 + 1 / 4
    x[6] = n[0] / n[1]
    x[7] += n[0]
    n[2] = (n[0] << 3) ^ (n[1] >> 1) | (n[0] & 6)
    n[3] = -n[0] + n[1] * 5 - 1
    x[8], x[9] = min(a, b), max(a, n[1])
    x[10], x[11] = floor(a), ceil(abs(-b))
    x[12] = double_of(bits_of(a) & 0x7FF0000000000000)
    x[13] = float(n[0]) + sqrt(abs(b))
    x[14], x[15] = inf, nan
"""


@pytest.mark.parametrize("pair", [(1.75, -2.25), (-0.0, 3e-320), (1e300, 17.0)])
def test_arithmetic(pair):
    check(ARITHMETIC, "f", lambda: [np.array([*pair, *range(14)], float), np.array([13, -7, 0, 0])])


LOGIC = """
LIMIT = 3
EXACT = False

def f(x: "f8[:]", marks: "b1[:, :]", n: "i8"):
    count = 0
    for i in range(len(x)):
        low, high = x[i] < -1.0, x[i] > 1.0 and n > 2
        marks[i, 0], marks[i, 1] = low, not high
        marks[i, 2] = -2 < x[i] <= 2.0 and (low or x[i] != 0.5)
        if low:
            count += 1
        elif high or n == 7:
            count += 10
        if LIMIT > 2:
            count += 100
        else:
            count = undefined
        x[i] = 1.0 if low else (x[i] if marks[i, 1] else -x[i])
        if EXACT:
            x[i] = nan
    return count
"""


@pytest.mark.parametrize("n", [0, 3, 7])
def test_logic(n):
    values = [-3.0, -1.0, 0.5, 1.5, math.nan, math.inf, 0.0]
    check(LOGIC, "f", lambda: [np.array(values), np.zeros((7, 3), bool), n])


LOOPS = """
def f(x: "f8[:, :, :]", found: "i8[:]"):
    for i in range(1, x.shape[0]):
        for k in range(x.shape[2] - 1, -1, -2):
            if k == 1:
                continue
            x[i, 1, k] = x[i - 1, 0, k] + 10 * i + k
            if x[i, 1, k] > 30.0:
                break
    total = 0
    while total * total < 50 and total != found[0]:
        total += 1
        if total == found[1]:
            return -1
    found[2] = total
    return total
"""


@pytest.mark.parametrize("ends", [(100, 100), (5, 100), (100, 4)])
def test_loops(ends):
    check(LOOPS, "f", lambda: [np.arange(40, dtype=float).reshape(4, 2, 5), np.array([*ends, 0])])


CALLS = """
WEIGHTS = (0.5, 0.25, 2.0)

@inline
def both(a, b):
    return a + b, a - b

def shortened(x, low):
    low = 2.0 * low
    if x < low:
        return low
    x = x - 1.0
    return x

def widened(v, i):
    v[i] = 3.0 * v[i]

def f(x: "f8[:]", out: "f8[:, :]"):
    matrix = empty((2, 3))
    for i in range(3):
        for k in range(2):
            matrix[k, i] = WEIGHTS[i] * x[k]
    for i in range(len(x)):
        s, d = both(x[i], x[0]) if x[i] > 0.0 else both(x[0], 1.0)
        out[0, i], out[1, i] = d, s
        out[1, i] += shortened(x[i], 0.75) if s > d else 0.0
        s, d = d, s
        out[2, i] = s + both(s, d)[1] + matrix[1, 2]
    widened(x, 1)
"""


def test_calls():
    check(CALLS, "f", lambda: [np.array([0.3, -1.5, 2.5, 9.0]), np.zeros((3, 4))])


def test_a_function_for_integers_and_one_for_floats():
    text = "def twice(x):\n    return x + x\n\n"
    text += 'def f(x: "f8[:]", n: "i8[:]"):\n    x[0], n[0] = twice(x[0]), twice(n[0])\n'
    check(text, "f", lambda: [np.array([1.25]), np.array([2**60])])


def test_what_python_refuses_to_divide_is_infinite_or_not_a_number():
    f = load(
        compiled('ZERO = 0.0\n\ndef f(x: "f8[:]"):\n    x[0], x[1], x[2] = 1.0 / ZERO, ZERO / 0.0, x[2] / ZERO\n')
    ).f
    x = np.full(3, -2.0)
    f(x)
    assert np.array_equal(x, [np.inf, np.nan, -np.inf], equal_nan=True)


@pytest.mark.parametrize(
    "body, why",
    [
        ("x[0] = y", "a name without a value"),
        ("x[0] = tan(x[0])", "no such function"),
        ("x[0] = [1.0][0]", "not part of a kernel's language"),
        ("try:\n        pass\n    finally:\n        pass", "not part of a kernel's language"),
        ("for v in x:\n        pass", "not a range"),
        ("a = 1\n    a = x[0]", "a is i8, then f8"),
        ("if x[0] > 1.0:\n        return 1\n    return x[0]", "returns i8, then f8"),
        ("x[0] = x[0] << 2", "no such operation on f8"),
        ("x[0] = x[0] % 2.0", "not part of a kernel's language"),
        ("x[0] = 1.0 if x is x else 2.0", "not part of a kernel's language"),
        ("x[0] = 1.0 if not x[0] else 2.0", "not a condition"),
        ("k = 3\n    for k in range(2):\n        x[k] = 1.0", "a counter with the name of something else"),
        ("for k in range(2):\n        x[k] = 1.0\n    x[0] = k", "a name without a value"),
    ],
)
def test_what_is_no_kernel_is_refused(body, why):
    with pytest.raises(KernelError, match=why):
        compiled(f'def f(x: "f8[:]"):\n    {body}\n')


def test_arguments_of_another_type_are_refused():
    f = load(compiled('def f(x: "f8[:, :]"):\n    x[0, 0] = 1.0\n')).f
    for wrong in (np.zeros((2, 2), np.float32), np.zeros(2), np.zeros((4, 4))[:, ::2]):
        with pytest.raises(TypeError, match="2 axes in C order"):
            f(wrong)


def test_damaged_machine_code_is_noticed():
    made = compiled('def f(x: "f8[:]"):\n    x[0] = 1.0\n')
    for damaged in (made[:-1], made[:-9] + bytes([made[-9] ^ 1]) + made[-8:], b"", made[: len(made) // 2]):
        with pytest.raises(ValueError):
            load(damaged)
