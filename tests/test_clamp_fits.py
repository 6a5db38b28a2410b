"""Fits to clamped currents, against closed forms and against the scatter of repeated noisy data."""

from dataclasses import replace

import numpy as np
import pytest
from clamped_squid import clamped, rates

from hhcore.protocols.voltage_clamp.current_voltage import chord_conductance, reversal_potential, window, window_peak
from hhcore.protocols.voltage_clamp.fits import FITTED, Boltzmann, boltzmann, exponentials, rise
from hhcore.simulation.observers import COURSE

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


@pytest.mark.parametrize("bottom", [False, True])
def test_a_curve_that_goes_the_other_way_says_so(bottom):
    assert boltzmann(V, RISING(V), rises=False, bottom=bottom).status == "rising"
    assert boltzmann(V, 0.3 + RISING(V), rises=False, bottom=bottom).status == "rising"
    assert boltzmann(V, FALLING(V), bottom=bottom).status == "falling"


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


@pytest.mark.parametrize("taus", [(0.3, 1.2), (0.1, 0.3), (1.0, 1.5)])
def test_a_rise_before_a_decay(taus):
    """Amplitudes of opposite sign: a search may end where both time constants are one."""
    fast, slow = taus
    found = exponentials(T, -50.0 - 2500.0 * np.exp(-T / slow) + 700.0 * np.exp(-T / fast))
    assert found.status == FITTED
    assert found.tau == pytest.approx((slow, fast), rel=1e-6)
    assert found.amplitude == pytest.approx((-2500.0, 700.0), rel=1e-5)


def test_a_small_second_exponential_is_found():
    found = exponentials(T, 100.0 * np.exp(-T) - 1.0 * np.exp(-T / 0.1))
    assert found.tau == pytest.approx((1.0, 0.1), rel=1e-6)


@pytest.mark.parametrize("power", [3.0, 4.0])
def test_a_rise_to_a_power(power):
    found = rise(T, 12.0 * (1 - 0.7 * np.exp(-T / 5.0)) ** power, power)
    assert (found.status, found.power) == (FITTED, power)
    assert [*found.tau, *found.amplitude, found.end] == pytest.approx([5.0, 12.0 * (0.3**power - 1.0), 12.0], rel=1e-8)
    assert exponentials(T, found(T)).status == "poor"


@pytest.mark.parametrize("potential", np.arange(-60.0, 71.0, 10.0))
def test_the_axon_shows_the_time_constants_of_its_gates(potential):
    """Sodium falls with that of h, but for products with m; potassium rises with that of n."""
    if potential == 50.0:  # the reversal potential of sodium
        return
    _, sodium = clamped(-80.0, (-80.0, 20.0), (potential, 50.0))
    _, time = sodium.extreme(sodium.current("sodium"), np.sign(potential - 50.0))
    t = COURSE * sodium.length
    falls = exponentials(t[t >= time] - time, sodium.current("sodium")(t[t >= time]))
    assert falls.tau[0] == pytest.approx(1.0 / sum(rates(potential)["h"]), rel=5e-3)
    assert falls.tau[1] == pytest.approx(1.0 / sum(rates(potential)["m"]), rel=0.2)
    assert falls.amplitude[0] * falls.amplitude[1] < 0.0
    _, potassium = clamped(-80.0, (-80.0, 100.0), (potential, 500.0))
    rises = rise(500.0 * COURSE, potassium.current("potassium")(500.0 * COURSE), 4.0)
    assert rises.tau == pytest.approx((1.0 / sum(rates(potential)["n"]),), rel=1e-6)


@pytest.mark.parametrize("potential", [-100.0, -60.0, -50.0, -40.0])
def test_a_course_with_a_hook_has_no_time_constant(potential):
    """Sodium's tail grows as h recovers, and falls as m closes: more exponentials than two."""
    *_, tail = clamped(-80.0, (-80.0, 20.0), (70.0, 10.0), (potential, 30.0))
    found = exponentials(30.0 * COURSE, tail.current("sodium")(30.0 * COURSE))
    assert (found.status, found.tau) == ("poor", ())


def test_noise_makes_no_second_exponential_and_errors_are_the_scatter_of_repeats():
    noise = np.random.default_rng(2)
    fits = [exponentials(T, 4.0 * np.exp(-T / 8.0) + noise.normal(0, 0.1, len(T))) for _ in range(40)]
    single = [found for found in fits if len(found.tau) == 1]
    assert len(single) >= 38
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
    unknown = np.where(V[2] > V, np.nan, current)  # where nothing was measured
    assert reversal_potential(V, unknown) == pytest.approx(47.0, abs=0.05)
    assert np.isnan(reversal_potential(V, np.full(len(V), np.nan)))


def test_points_that_do_not_say_where_a_current_reverses_give_no_potential():
    """A potassium current that activates above its reversal potential of -77 mV."""
    assert np.isnan(reversal_potential(V, RISING(V) ** 4 * (V + 77.0)))
    fine = np.arange(-100.0, 61.0, 0.5) + 0.1
    assert reversal_potential(fine, RISING(fine) ** 4 * (fine + 77.0)) == pytest.approx(-77.0, abs=0.01)


def test_a_jump_from_the_inward_to_the_outward_peak_is_no_reversal():
    inward, outward = RISING(V) * (V - 50.0), RISING(V) * (V + 77.0)
    peak, both_ways = np.where(V < 5, inward, outward), np.full(len(V), True)
    assert np.isnan(reversal_potential(V, peak, both_ways))
    assert reversal_potential(V, V - 5.0, ~both_ways) == pytest.approx(5.0)


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
