"""exp, log and pow of the kernels against mpmath."""

import math

import mpmath
import numpy as np
import pytest
from numba import njit

from hhcore.compile import primitives


@njit
def call_exp(x):
    return primitives.exp(x)


@njit
def call_log(x):
    return primitives.log(x)


@njit
def call_pow(x, y):
    return primitives.pow(x, y)


@njit
def call_fma(a, b, c):
    return primitives.fma(a, b, c)


def ulps(value: float, exact: mpmath.mpf) -> float:
    """Distance in units of the last place of the exact value."""
    return float(abs(mpmath.mpf(value) - exact) / mpmath.mpf(math.ulp(float(exact))))


DENSE = np.random.default_rng(1).uniform(-708, 708, 4000)
HALVES = np.array([k * math.log(2) / 2 for k in range(-2000, 2000, 7)])  # where range reduction changes over
SMALL = np.concatenate([s * 2.0 ** -np.arange(1.0, 1074.0, 13.0) for s in (1, -1)])


@pytest.mark.parametrize("name", ["dense", "halves", "small"])
def test_exp_is_within_one_and_a_half_ulp(name):
    arguments = {"dense": DENSE, "halves": HALVES, "small": SMALL}[name]
    with mpmath.workdps(40):
        worst = max(ulps(call_exp(x), mpmath.exp(mpmath.mpf(float(x)))) for x in arguments)
    assert worst <= 1.5


def test_exp_at_its_edges():
    assert call_exp(0.0) == 1.0 and call_exp(-0.0) == 1.0
    assert call_exp(1e9) == call_exp(708.0) == call_exp(np.inf)
    assert call_exp(-1e9) == call_exp(-708.0) == call_exp(-np.inf)
    assert 0 < call_exp(-np.inf) < 1e-307 and 1e307 < call_exp(np.inf) < np.inf
    assert np.isnan(call_exp(np.nan))


def test_log_is_within_two_ulp():
    rng = np.random.default_rng(2)
    arguments = np.concatenate([np.exp(rng.uniform(-700, 700, 3000)), rng.uniform(0.5, 2.0, 3000), 1 + SMALL[:40]])
    with mpmath.workdps(40):
        worst = max(ulps(call_log(x), mpmath.log(mpmath.mpf(float(x)))) for x in arguments if x != 1.0)
    assert worst <= 2.0


def test_log_at_its_edges():
    assert call_log(1.0) == 0.0
    assert call_log(0.0) == -np.inf and call_log(np.inf) == np.inf
    assert np.isnan(call_log(-1.0)) and np.isnan(call_log(np.nan))


def test_pow_scales_temperature_as_q10():
    assert call_pow(3.0, 0.0) == 1.0
    for exponent in (-0.63, 0.5, 1.0, 3.07):
        assert call_pow(3.0, exponent) == pytest.approx(3.0**exponent, rel=1e-15)


def test_fma_rounds_once():
    a = 1.0 + 2.0**-30
    assert call_fma(a, a, -1.0 - 2.0**-29) == 2.0**-60
    assert a * a - 1.0 - 2.0**-29 == 0.0
