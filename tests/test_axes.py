"""Axes against values written out by hand and exact rational arithmetic."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hhcore.base.errors import UserError
from hhcore.grid.axes import MAX_LENGTH, read_axis


def values(spec, unit="mS/cm^2", own=120.0):
    return read_axis(spec, "sodium.g", unit, own, "here").expand().values.tolist()


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"values": [3, 1, 2.5]}, [3.0, 1.0, 2.5]),
        ({"linspace": [0, 1, 11]}, [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]),
        ({"linspace": [1, -1, 5]}, [1.0, 0.5, 0.0, -0.5, -1.0]),
        ({"linspace": [7, 9, 1]}, [7.0]),
        ({"range": [0, 0.7, 0.1]}, [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]),
        ({"range": [0, 10, 3]}, [0.0, 3.0, 6.0, 9.0]),
        ({"range": [5, -5, -2.5]}, [5.0, 2.5, 0.0, -2.5, -5.0]),
        ({"range": [4, 4, 1]}, [4.0]),
        ({"range": [0, 1, 0.3334]}, [0.0, 0.3334, 0.6668]),
        ({"logspace": [1, 1000, 4]}, [1.0, 10.0, 100.0, 1000.0]),
        ({"logspace": [100, 1, 3]}, [100.0, 10.0, 1.0]),
        ({"logspace": [2, 9, 1]}, [2.0]),
        ({"scale": {"values": [0.1, 1.1]}}, [12.0, 132.0]),
        ({"scale": {"range": [0.9, 1.1, 0.1]}}, [108.0, 120.0, 132.0]),
        ({"scale": {"logspace": [0.01, 1, 3]}}, [1.2, 12.0, 120.0]),
    ],
    ids=str,
)
def test_values_are_those_that_one_writes_by_hand(spec, expected):
    assert values(spec) == expected


def test_the_middle_of_the_sodium_axis_is_the_paper_s_value():
    assert values({"linspace": [96, 144, 21]})[10] == 120.0


def test_a_scaled_axis_is_rounded_once():
    # 0.1 * 3 in doubles is 0.30000000000000004
    assert values({"scale": {"values": [0.1]}}, own=3.0) == [0.3]
    assert values({"scale": {"linspace": [0.8, 1.2, 21]}}, own=36.0)[::10] == [28.8, 36.0, 43.2]


def test_the_step_of_a_range_of_temperatures_is_a_difference():
    assert values({"range": ["6 degC", "8 degC", 1]}, unit="K") == [279.15, 280.15, 281.15]
    with pytest.raises(UserError, match=r"'1 degC' is not a difference, since 0 degC is not 0 K; give it in K"):
        values({"range": ["6 degC", "8 degC", "1 degC"]}, unit="K")


def test_a_range_ends_on_its_last_value_if_a_step_leads_there_to_rounding():
    assert values({"range": [0, 1, 0.333333333333]})[-1] == 1.0
    assert values({"range": [0, 1, 0.333333333334]})[-1] == 1.0


def test_units_are_converted_value_by_value():
    # 1 S/m^2 = 0.1 mS/cm^2
    assert values({"values": ["700 S/m^2", 80, "0.09 S/cm^2"]}) == [70.0, 80.0, 90.0]
    assert values({"range": ["0 s", "0.3 s", "100 ms"]}, unit="ms") == [0.0, 100.0, 200.0, 300.0]


ends = st.floats(-1e6, 1e6)


@given(ends, ends, st.integers(2, 300))
def test_linspace_is_the_exact_value_rounded_once(first, last, n):
    a, b = Fraction(repr(first)), Fraction(repr(last))
    exact = [float(a + (b - a) * i / (n - 1)) for i in range(n)]
    if len(set(exact)) == n:
        assert values({"linspace": [first, last, n]}) == exact


@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6), st.integers(2, 300))
def test_logspace_is_geometric(first, last, n):
    if not math.isclose(first, last, rel_tol=1e-6):
        found = values({"logspace": [first, last, n]})
        assert (found[0], found[-1]) == (first, last)
        np.testing.assert_allclose(found, np.geomspace(first, last, n), rtol=1e-13)


@given(st.integers(-99, 99), st.integers(1, 99), st.integers(1, 50), st.integers(1, 50))
def test_an_axis_that_grows_keeps_its_values(first, step, n, more):
    short = {"range": [first / 10, (first + step * n) / 10, step / 10]}
    long = {"range": [first / 10, (first + step * (n + more)) / 10, step / 10]}
    assert values(long)[: n + 1] == values(short)


def test_an_axis_cannot_be_changed_and_holds_no_negative_zero():
    axis = read_axis({"values": [-0.0, 1]}, "amplitude", "uA/cm^2", math.nan, "here").expand()
    assert axis.values.dtype == np.float64 and not np.signbit(axis.values).any()
    with pytest.raises(ValueError, match="read-only"):
        axis.values[0] = 2


def test_the_length_is_known_before_there_are_values():
    spec = read_axis({"range": [0, 1, 0.000002]}, "amplitude", "uA/cm^2", math.nan, "here")
    assert spec.length == 500_001


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"values": []}, r"^here\.values: the axis is empty"),
        ({"values": 3}, r"^here\.values: 3 does not have the form \[value"),
        ({"values": [1, 2, 1.0]}, r"^here\.values: 1\.0 occurs 2 times"),
        ({"values": [0, -0.0]}, r"^here\.values: 0\.0 occurs 2 times"),
        ({"values": [1, math.inf]}, r"^here\.values\[1\]: inf is not a finite number"),
        ({"values": [[1, 2]]}, r"^here\.values\[0\]: \[1, 2\] is not a number"),
        ({"values": [1, "2 mV"]}, r"^here\.values\[1\]: '2 mV' cannot be converted to mS/cm\^2"),
        ({"values": [0] * (MAX_LENGTH + 1)}, r"^here\.values: 1000001 values are too many .* 1000000"),
        ({"linspace": [0, 1]}, r"^here\.linspace: \[0, 1\] does not have the form \[first, last, number"),
        ({"linspace": [0, 1, 0]}, r"^here\.linspace: the axis is empty.* 0;"),
        ({"linspace": [0, 1, -3]}, r"^here\.linspace: the axis is empty.* -3;"),
        ({"linspace": [0, 1, 2.5]}, r"^here\.linspace: the number of values 2\.5 is not a whole number"),
        ({"linspace": [0, 1, True]}, r"^here\.linspace: the number of values True is not a whole number"),
        ({"linspace": [0, 1, "1e3"]}, r"^here\.linspace: the number of values '1e3' is not a whole number"),
        ({"linspace": [0, 1, 10**12]}, r"^here\.linspace: 1000000000000 values are too many"),
        ({"linspace": [2, 2, 3]}, r"^here\.linspace: 2\.0 occurs 3 times"),
        ({"linspace": {"first": 0}}, r"^here\.linspace: \{'first': 0\} does not have the form"),
        ({"range": [0, 1, 0]}, r"^here\.range: the step of \[0, 1, 0\] never leads"),
        ({"range": [0, 1, -0.1]}, r"^here\.range: the step of \[0, 1, -0\.1\] never leads"),
        ({"range": [0, 1, 1e-300]}, r"^here\.range: 10+\.\.\.0+1 values are too many"),
        ({"logspace": [0, 1, 5]}, r"^here\.logspace: \[0, 1, 5\] does not stay above 0"),
        ({"logspace": [1, -1, 5]}, r"^here\.logspace: \[1, -1, 5\] does not stay above 0"),
        ({"linspce": [0, 1, 5]}, r"^here: .*'linspce'.* did you mean 'linspace'"),
        ({}, r"^here: an axis is exactly one of values, linspace, range, logspace, scale; given \{\}"),
        ({"values": [1], "range": [0, 1, 1]}, r"^here: an axis is exactly one of"),
        ({"scale": 1.2}, r"^here\.scale: 1\.2 is not a mapping"),
        ({"scale": {"scale": {"values": [1]}}}, r"^here\.scale: .*'scale'.* legal: values, linspace"),
        ({"scale": {"values": ["1 mS/cm^2"]}}, r"^here\.scale\.values\[0\]: '1 mS/cm\^2' .* without dimension"),
        ({"scale": {"values": [1e307]}}, r"^here\.scale\.values: scaled by 120, .* too large"),
        ("[0, 1, 5]", r"^here: '\[0, 1, 5\]' is not a mapping"),
        ({1: [0]}, r"^here: the key 1 is not text"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_mistakes(spec, message):
    with pytest.raises(UserError, match=message):
        values(spec)


@pytest.mark.parametrize(("own", "message"), [(math.nan, "has no value of its own"), (0.0, "is 0 in the model")])
def test_only_what_has_a_value_can_be_scaled(own, message):
    with pytest.raises(UserError, match=rf"^here\.scale: .* cannot scale 'sodium\.g': it {message}"):
        values({"scale": {"values": [1, 2]}}, own=own)
