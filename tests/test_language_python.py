"""The plain Python that kernels are compared with: its numbers are those of IEEE 754."""

import math

import kernel_python
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hhcore.compile.language.machine import compiled, load

LARGEST, SMALLEST, EPSILON = 1.7976931348623157e308, 5e-324, 2.0**-52
FMA = load(compiled('def f(x: "f8[:]"):\n    x[3] = fma(x[0], x[1], x[2])\n')).f


@pytest.mark.parametrize(
    "a, b, c, result",
    [
        (1.0 + EPSILON, 1.0 - EPSILON, -1.0, -(EPSILON**2)),  # the product alone would round to 1
        (0.1, 10.0, -1.0, 2.0**-54),  # 0.1 is 2^-54 / 10 too large
        (LARGEST, 2.0, -LARGEST, LARGEST),
        (LARGEST, 2.0, 0.0, math.inf),
        (-LARGEST, LARGEST, 1.0, -math.inf),
        (SMALLEST, 0.5, 0.0, 0.0),  # a tie, to even
        (SMALLEST, 0.5, SMALLEST, 1e-323),
        (-SMALLEST, 0.25, 0.0, -0.0),
        (2.0, 3.0, -6.0, 0.0),
        (-0.0, 3.0, -0.0, -0.0),
        (0.0, 3.0, -0.0, 0.0),
        (math.inf, 2.0, 1.0, math.inf),
        (2.0, 3.0, -math.inf, -math.inf),
        (math.inf, 0.0, 1.0, math.nan),
        (math.inf, 1.0, -math.inf, math.nan),
        (math.nan, 0.0, 1.0, math.nan),
    ],
)
def test_fma_rounds_once(a, b, c, result):
    with np.errstate(all="ignore"):
        found = kernel_python.fma(a, b, c)
    assert isinstance(found, np.float64)
    assert np.array_equal([found, math.copysign(1.0, found)], [result, math.copysign(1.0, result)], equal_nan=True) or (
        math.isnan(result) and math.isnan(found)
    )


@settings(max_examples=500, derandomize=True)
@given(*[st.floats()] * 3)
@example(2.0**-600, 2.0**-500, 2.0**-1074)
def test_fma_is_that_of_the_machine(a, b, c):
    x = np.array([a, b, c, 0.0])
    FMA(x)
    with np.errstate(all="ignore"):
        found = kernel_python.fma(a, b, c)
    assert np.array_equal(found, x[3], equal_nan=True) and (math.isnan(found) or np.signbit(found) == np.signbit(x[3]))


TEXT = """
N, T = 3, (1, 0.5)

def f(x: "f8[:]", n: "i8", a: "f8"):
    x[0], x[1], x[2] = 1 / (n - n), -1.0 / (a - a), n * n
    x[3] = double_of(bits_of(-0.0) + 1)
    x[4] = T[0] / N
    for i in range(x.shape[0] - 1, 4, -1):
        x[i] = i << 62
    return (n + 1) * 2
"""


def test_numbers_have_64_bits_and_divide_by_zero():
    x = np.zeros(7)
    assert kernel_python.kernel(TEXT).f(x, 2**62 + 1, 2) == -(2**63) + 4
    assert x.tolist() == [math.inf, -math.inf, float(1 - 2**63), -5e-324, 1 / 3, 2.0**62, -(2.0**63)]
    assert kernel_python.kernel(TEXT).T == (1, 0.5)
