"""The classics of single neurons against numbers that are not ours."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq
from verified import number, verified

import hhcore
from hhcore.simulation.reference import derivative, rest


def rates(model, amplitudes, duration=3000.0, parameters=None) -> list[float]:
    """Steady firing rates [Hz] of steps from rest; 0 with fewer than 12 spikes."""
    run = hhcore.simulate(model, parameters or {}, hhcore.Step(np.array(amplitudes)), duration=duration)
    trains = [run.spike_times[run.offsets[i] : run.offsets[i + 1]] for i in range(len(amplitudes))]
    return [1000 / np.diff(t)[-10:].mean() if len(t) > 11 else 0.0 for t in trains]


def steady_current(model, potential: float, parameters=None) -> float:
    """The stimulus under which the neuron can rest at a potential: all other states at their steady state there."""
    state = {name: q.value for name, q in model.states.items()} | {model.potential: potential}
    others = [name for name in model.states if name != model.potential]
    for _ in range(3):  # each is linear in itself and depends on the potential alone
        for name in others:
            at = [derivative(model, state | {name: x}, parameters or {})[name] for x in (0.0, 1.0)]
            state[name] = at[0] / (at[0] - at[1])
    capacitance = model.parameters["membrane.C"].value
    return -capacitance * derivative(model, state, parameters or {})[model.potential]


def fold(model, low: float, high: float, parameters=None) -> float:
    """The stimulus at which two equilibria meet between two potentials: the largest steady current."""
    step = 1e-4

    def slope(v):
        return steady_current(model, v + step, parameters) - steady_current(model, v - step, parameters)

    return steady_current(model, brentq(slope, low, high, xtol=1e-10), parameters)


def test_wang_buzsaki():
    model = hhcore.load_model("wang_buzsaki_1996")
    assert rest(model, {})["membrane.V"] == verified(model.name, "rest")
    onset = number(model.name, "onset")
    assert fold(model, -62, -55) == verified(model.name, "onset")
    found = rates(model, [1.0, onset - 1e-4, onset + 2e-3, onset + 8e-3], 8000)
    assert found[0] == verified(model.name, "rate_at_1")
    assert found[1] == 0 < found[2] < 8  # type I: as slow as one likes,
    assert found[3] / found[2] == pytest.approx(2, rel=0.1)  # and as the square root of the distance


def test_connor_stevens():
    model = hhcore.load_model("connor_stevens_1971")
    assert rest(model, {})["membrane.V"] == verified(model.name, "rest")
    onset = number(model.name, "onset")
    assert fold(model, -60, -54) == verified(model.name, "onset")
    found = rates(model, [10.0, onset - 1e-3, onset + 0.1], 4000)
    assert found[0] == verified(model.name, "rate_at_10")
    assert found[1] == 0 < found[2] < 10


def eigenvalues(model, amplitude: float) -> np.ndarray:
    """Of the equilibrium of Morris and Lecar's equations under a stimulus."""
    v = brentq(lambda v: steady_current(model, v) - amplitude, -59, 40)
    w = 1 / (1 + np.exp(-2 * (v - model.parameters["potassium.V3"].value) / model.parameters["potassium.V4"].value))
    state = np.array([v, w])
    columns = []
    for k in range(2):
        sides = []
        for side in (1e-5, -1e-5):
            moved = dict(zip(model.states, state + side * np.eye(2)[k], strict=True))
            sides.append(np.array(list(derivative(model, moved, {}, amplitude).values())))
        columns.append((sides[0] - sides[1]) / 2e-5)
    return np.linalg.eigvals(np.array(columns).T)


def test_morris_lecar_with_a_hopf_onset():
    model = hhcore.load_model("morris_lecar_1981:hopf")
    first, last = number("morris_lecar_1981", "hopf")
    found = [brentq(lambda i: eigenvalues(model, i).real.max(), edge - 5, edge + 5) for edge in (first, last)]
    assert found == verified("morris_lecar_1981", "hopf")
    for edge, side in ((first, 1), (last, -1)):
        assert eigenvalues(model, edge + side).real.max() > 0 > eigenvalues(model, edge - side).real.max()
        assert abs(eigenvalues(model, edge).imag.max()) > 0.01
    found = rates(model, np.arange(84.0, 100.0))  # steps from rest: type II, at once at a finite rate
    assert found[0] == 0 and found[-1] > 10 and not any(0 < rate < 8 for rate in found)


def test_morris_lecar_with_an_onset_by_a_saddle_node():
    model = hhcore.load_model("morris_lecar_1981:snic")
    onset = number("morris_lecar_1981", "snic")
    assert fold(model, -40, -20) == verified("morris_lecar_1981", "snic")
    found = rates(model, [onset - 0.05, onset + 0.05, onset + 0.2], 20000)
    assert found[0] == 0 and found[2] / found[1] == pytest.approx(2, rel=0.1)


def test_morris_lecar_bistable_below_the_saddle_node():
    """By a homoclinic orbit: at 37 uA/cm^2 it rests if it rests, and fires if it fires."""
    model = hhcore.load_model("morris_lecar_1981:homoclinic")
    settings = {"duration": 2000, "threshold": -10.0}
    kick = {"membrane.V": -10.0, "potassium.w": 0.1}
    resting, kicked = (
        hhcore.simulate(model, {}, hhcore.Step(37.0), initial_state=s, **settings) for s in ("rest", kick)
    )
    assert resting.spike_times.size == 0 and kicked.spike_times[-1] > 1900


def test_fitzhugh_nagumo_oscillates_between_its_hopf_points():
    """By hand: the trace 1 - V^2 - epsilon b of the Jacobian vanishes at V = -+sqrt(1 - 0.064); I from V-nullcline."""
    model = hhcore.load_model("fitzhugh_nagumo_1961")
    v = np.array([-1, 1]) * np.sqrt(1 - 0.08 * 0.8)
    low, high = v**3 / 3 - v + (v + 0.7) / 0.8
    amplitudes = np.array([low - 0.02, low + 0.02, high - 0.02, high + 0.02])
    run = hhcore.simulate(model, {}, hhcore.Step(amplitudes), duration=4000, analysis_window=(3500, 4000))
    swing = run.peak - run.trough
    assert swing[0] < 0.01 and swing[3] < 0.01 and swing[1] > 0.1 and swing[2] > 0.1


def test_hindmarsh_rose_is_silent_bursts_and_fires():
    model = hhcore.load_model("hindmarsh_rose_1984")
    settings = {"duration": 6000.0, "initial_state": "model"}
    run = hhcore.simulate(model, {}, hhcore.Step(np.array([0.5, 2.0, 4.0])), **settings, analysis_window=(2000, 6000))
    silent, bursting, firing = (np.diff(t[t > 2000]) for t in np.split(run.spike_times, run.offsets[1:-1]))
    assert silent.size == 0
    assert bursting.max() > 10 * np.median(bursting) and firing.max() < 1.5 * firing.min()

    def equations(t, y):  # as in the paper, section 3
        x, recovery, z = y
        return [recovery - x**3 + 3 * x**2 - z + 2, 1 - 5 * x**2 - recovery, 0.001 * (4 * (x + 1.6) - z)]

    def upward(t, y):
        return y[0]

    upward.direction = 1
    found = solve_ivp(equations, (0, 700), [-1.6, -12, 0], events=upward, rtol=1e-11, atol=1e-11, method="DOP853")
    ours = hhcore.simulate(model, {}, hhcore.Step(2.0), duration=700, initial_state="model", local_error=1e-9)
    assert len(ours.spike_times) > 10 and ours.spike_times == pytest.approx(found.t_events[0], abs=1e-4)


def test_traub_miles_fires_from_a_small_current_on_and_follows_the_equations():
    """Against SciPy on the equations as Ermentrout and Kopell print them."""

    def equations(t, y):
        v, m, h, n = y
        am, bm = 0.32 * (54 + v) / (1 - np.exp(-(v + 54) / 4)), 0.28 * (v + 27) / (np.exp((v + 27) / 5) - 1)
        ah, bh = 0.128 * np.exp(-(50 + v) / 18), 4 / (1 + np.exp(-(v + 27) / 5))
        an, bn = 0.032 * (v + 52) / (1 - np.exp(-(v + 52) / 5)), 0.5 * np.exp(-(57 + v) / 40)
        current = 100 * m**3 * h * (v - 50) + 80 * n**4 * (v + 100) + 0.1 * (v + 67)
        return [3 - current, am * (1 - m) - bm * m, ah * (1 - h) - bh * h, an * (1 - n) - bn * n]

    def upward(t, y):
        return y[0]

    upward.direction = 1
    own = [q.value for q in hhcore.load_model("traub_miles_1991").states.values()]
    found = solve_ivp(equations, (0, 100), own, events=upward, rtol=1e-11, atol=1e-11, method="DOP853")
    ours = hhcore.simulate(
        "traub_miles_1991", {}, hhcore.Step(3.0), duration=100, initial_state="model", local_error=1e-10
    )
    assert len(ours.spike_times) >= 5 and ours.spike_times == pytest.approx(found.t_events[0], abs=1e-5)
