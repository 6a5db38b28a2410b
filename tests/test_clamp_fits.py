"""Fits to clamped currents, against closed forms and against the scatter of repeated noisy data."""

from dataclasses import replace

import numpy as np
import pytest

from hhcore.protocols.voltage_clamp.current_voltage import chord_conductance, reversal_potential, window, window_peak
from hhcore.protocols.voltage_clamp.fits import FITTED, Boltzmann, boltzmann, exponentials

V = np.arange(-100.0, 61.0, 10.0)
RISING = Boltzmann(FITTED, half=-31.7, slope=7.3, top=0.9, bottom=0.0)
FALLING = Boltzmann(FITTED, half=-62.3, slope=-5.9, top=1.2, bottom=0.15)
T = np.concatenate([[0.0], 100.0 * 10.0 ** np.linspace(-4, 0, 63)])


@pytest.mark.parametrize("power", [1.0, 3.0, 4.0])
def test_a_boltzmann_curve_gives_its_own_numbers(power):
    curve = replace(RISING, power=power)
    found = boltzmann(V, curve(V), power=power)
    assert found.status == FITTED
    assert [found.half, found.slope, found.top] == pytest.approx([-31.7, 7.3, 0.9], rel=1e-8)
    assert found.half_error < 1e-6


def test_a_falling_curve_may_end_above_zero():
    found = boltzmann(V, FALLING(V), rises=False, bottom=True)
    assert [found.half, found.slope] == pytest.approx([-62.3, -5.9], rel=1e-7)
    assert [found.top, found.bottom] == pytest.approx([1.2, 0.15], rel=1e-7)


def test_the_midpoint_of_a_power_is_half_way_up():
    curve = replace(RISING, power=3.0)
    assert curve(curve.midpoint) == pytest.approx(curve.top / 2)
    assert RISING.midpoint == RISING.half


def test_standard_errors_of_a_boltzmann_curve_are_the_scatter_of_repeats():
    noise = np.random.default_rng(1)
    fits = [boltzmann(V, RISING(V) + noise.normal(0, 0.02, len(V))) for _ in range(100)]
    for name, own in (("half", -31.7), ("slope", 7.3), ("top", 0.9)):
        values = np.array([getattr(found, name) for found in fits])
        errors = np.array([getattr(found, f"{name}_error") for found in fits])
        assert values.mean() == pytest.approx(own, abs=4 * values.std() / 10)
        assert np.sqrt(np.mean(errors**2)) == pytest.approx(values.std(ddof=1), rel=0.25)


@pytest.mark.parametrize(
    ("y", "status"),
    [
        (np.zeros(len(V)), "flat"),
        (np.full(len(V), 3.0), "flat"),
        (np.where(V < -80, 1.0, np.nan), "few"),
        (RISING(V + 300), "flat"),
        (RISING(V - 130), "outside"),
    ],
)
def test_data_without_an_answer_have_a_status(y, status):
    found = boltzmann(V, y)
    assert found.status == status
    assert np.isnan(found.half)


def test_one_exponential():
    found = exponentials(T, 3.0 - 5.0 * np.exp(-T / 12.5))
    assert (found.status, len(found.tau)) == (FITTED, 1)
    assert [*found.tau, *found.amplitude, found.end] == pytest.approx([12.5, -5.0, 3.0], rel=1e-9)
    assert found.tau_errors[0] < 1e-6


@pytest.mark.parametrize("amplitudes", [(2.0, 3.0), (-2.0, 3.0), (0.5, 5.0)])
def test_two_exponentials(amplitudes):
    slow, fast = amplitudes
    found = exponentials(T, 1.0 + slow * np.exp(-T / 30.0) + fast * np.exp(-T / 2.0))
    assert found.status == FITTED
    assert found.tau == pytest.approx((2.0, 30.0), rel=1e-6)
    assert found.amplitude == pytest.approx((fast, slow), rel=1e-6)
    assert found.end == pytest.approx(1.0, rel=1e-6)


def test_noise_makes_no_second_exponential_and_errors_are_the_scatter_of_repeats():
    noise = np.random.default_rng(2)
    fits = [exponentials(T, 4.0 * np.exp(-T / 8.0) + noise.normal(0, 0.1, len(T))) for _ in range(60)]
    single = [found for found in fits if len(found.tau) == 1]
    assert len(single) >= 58
    tau = np.array([found.tau[0] for found in single])
    errors = np.array([found.tau_errors[0] for found in single])
    assert np.sqrt(np.mean(errors**2)) == pytest.approx(tau.std(ddof=1), rel=0.3)


@pytest.mark.parametrize(
    ("y", "status"), [(np.zeros(len(T)), "flat"), (np.where(T < 0.012, 1.0, np.nan), "few"), (1.0 + T, "unresolved")]
)
def test_courses_without_a_time_constant_have_a_status(y, status):
    found = exponentials(T, y)
    assert (found.status, found.tau) == (status, ())


def test_a_straight_current_voltage_line_reverses_exactly():
    for reversal in (-97.3, -54.387, 41.0, 55.5):
        assert reversal_potential(V, 0.36 * (V - reversal)) == pytest.approx(reversal, abs=1e-11)


def test_the_reversal_of_a_rectifying_current():
    """Goldman, Hodgkin and Katz: zero at RT/F ln(out / in)."""
    rt_f, inside, outside = 25.0, 10.0, 100.0
    x = (V + 3.0) / rt_f
    current = x * (inside - outside * np.exp(-x)) / (1 - np.exp(-x))
    exact = rt_f * np.log(outside / inside) - 3.0
    assert reversal_potential(V, current) == pytest.approx(exact, abs=0.05)


def test_a_tiny_current_below_activation_is_no_reversal():
    current = RISING(V) * (V - 47.0)
    current[:3] = [1e-12, -1e-12, 1e-12]
    assert reversal_potential(V, current) == pytest.approx(47.0, abs=0.05)
    assert np.isnan(reversal_potential(V, np.abs(current)))


def test_a_chord_has_the_conductance_but_for_the_reversal_potential():
    found = chord_conductance(V, RISING(V) * (V - 50.0), 50.0)
    assert np.isnan(found[V == 50.0]).all()
    assert found[V != 50.0] == pytest.approx(RISING(V[V != 50.0]))


def test_the_window_of_equal_slopes():
    """Highest half way between both midpoints; its area is d / (exp(d / k) - 1) for midpoints d apart."""
    k, d = 6.0, 20.0
    activation = Boltzmann(FITTED, half=-40.0, slope=k, top=1.0, bottom=0.0)
    inactivation = Boltzmann(FITTED, half=-60.0, slope=-k, top=0.8, bottom=0.0)
    at, height = window_peak(activation, inactivation)
    assert at == pytest.approx(-50.0, abs=1e-4)
    assert height == pytest.approx((1 + np.exp(d / (2 * k))) ** -2, rel=1e-9)
    at, gates = window(activation, inactivation)
    assert np.trapezoid(gates.prod(axis=0), at) == pytest.approx(d / np.expm1(d / k), rel=1e-4)
