"""Random programs of the kernels' language: machine code, optimised or checked, has the bits of plain Python."""

import math

import kernel_python
import numpy as np
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from kernel_programs import programs

from hhcore.compile.language.machine import compiled, load
from hhcore.compile.language.values import KernelError

FLOATS = st.one_of(st.sampled_from([0.0, -0.0, math.inf, math.nan, 5e-324, 1e308, 2.0**53]), st.floats(-10, 10))
INTEGERS = st.one_of(st.integers(-4, 4), st.sampled_from([2**63 - 1, -(2**63), 2**53 + 1, 2**62]))


@st.composite
def arguments(draw) -> tuple:
    """Arrays and numbers for a program's entry."""
    x, y = (draw(st.lists(FLOATS, min_size=n, max_size=n)) for n in (8, 16))
    n, marks = (draw(st.lists(of, min_size=4, max_size=4)) for of in (INTEGERS, st.booleans()))
    return np.array(x), np.reshape(y, (4, 4)), np.array(n), np.array(marks), draw(FLOATS), draw(INTEGERS)


def left(function, given: tuple, returns: bool) -> list:
    """What a program returns, if anything, and the bits of its arrays; one NaN is like another."""
    arrays, numbers = [array.copy() for array in given[:4]], given[4:]
    result = function(*arrays, *numbers)
    for array in arrays[:2]:
        array[np.isnan(array)] = math.nan
    return [int(result) if returns else None, *(array.tobytes() for array in arrays)]


def agree(text: str, given: tuple) -> None:
    try:
        code = compiled(text)
    except KernelError as error:
        if "not a number of 64 bits" in str(error):  # of constants alone, which are computed before they are a number
            reject()
        raise
    expected_result = "\n    return\n" not in f"{text}\n"
    expected = left(kernel_python.kernel(text).f, given, expected_result)
    assert left(load(code).f, given, expected_result) == expected
    assert left(load(compiled(text, checked=True)).f, given, expected_result) == expected


SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=SLOW)
@given(programs(), arguments())
def test_random_programs_have_the_bits_of_python(text, given):
    agree(text, given)


@pytest.mark.slow
@settings(max_examples=2000, deadline=None, suppress_health_check=SLOW)
@given(programs(), arguments())
def test_thousands_of_random_programs_have_the_bits_of_python(text, given):
    agree(text, given)
