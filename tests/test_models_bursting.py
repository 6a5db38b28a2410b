"""Bursting neurons of ganglion, thalamus and hippocampus against spike times of other programs."""

from math import exp, log, pi

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from verified import number, verified

from hhcore import Step, load_model, simulate
from hhcore.simulation.engine import engine
from hhcore.simulation.integration import pack
from hhcore.simulation.reference import derivative


def values(name: str) -> dict[str, float]:
    """The parameters of a variant, as a point of the model, so that variants share a kernel."""
    return {parameter: q.value for parameter, q in load_model(name).parameters.items()}


def bursts(spikes: np.ndarray, pause: float) -> list[np.ndarray]:
    return np.split(spikes, np.flatnonzero(np.diff(spikes) > pause) + 1)


# -- Prinz, Billimoria and Marder 2003: its equations once more, in arrays: Na, CaT, CaS, A, KCa, Kd, H

HALF_M = np.array([25.5, 27.1, 33.0, 27.2, 28.3, 12.3, 75.0])
SLOPE_M = np.array([-5.29, -7.2, -8.1, -8.7, -12.6, -11.8, 5.5])
HALF_H, SLOPE_H = np.array([48.9, 32.1, 60.0, 56.9]), np.array([5.18, 5.5, 6.2, 4.9])
POWERS = np.array([3, 3, 3, 3, 4, 4, 1])


def stomatogastric(t: float, y: np.ndarray, g: np.ndarray) -> np.ndarray:
    """d/dt of V, seven m, four h and calcium (uM); g in the order above, the leak last (mS/cm^2)."""
    V, m, h, Ca = y[0], y[1:8], y[8:12], y[12]

    def s(a: float, b: float) -> float:
        return 1 / (1 + exp((V + a) / b))

    m_inf = 1 / (1 + np.exp((V + HALF_M) / SLOPE_M))
    m_inf[4] *= Ca / (Ca + 3)
    tau_m = [
        2.64 - 2.52 * s(120, -25),
        43.4 - 42.6 * s(68.1, -20.5),
        2.8 + 14 / (exp((V + 27) / 10) + exp((V + 70) / -13)),
        23.2 - 20.8 * s(32.9, -15.2),
        180.6 - 150.2 * s(46, -22.7),
        14.4 - 12.8 * s(28.3, -19.2),
        2 / (exp((V + 169.7) / -11.6) + exp((V - 26.7) / 14.3)),
    ]
    tau_h = [
        1.34 * s(62.9, -10) * (1.5 + s(34.9, 3.6)),
        210 - 179.6 * s(55, -16.9),
        120 + 300 / (exp((V + 55) / 9) + exp((V + 65) / -16)),
        77.2 - 58.4 * s(38.9, -26.5),
    ]
    ECa = 12.2 * log(3000 / Ca)
    currents = g[:7] * m**POWERS * np.r_[h, 1, 1, 1] * (V - np.array([50, ECa, ECa, -80, -80, -80, -20]))
    in_nA = 0.628 * currents[1:3].sum()
    h_inf = 1 / (1 + np.exp((V + HALF_H) / SLOPE_H))
    dV = -currents.sum() - g[7] * (V + 50)
    return np.r_[dV, (m_inf - m) / tau_m, (h_inf - h) / tau_h, (0.05 - 14.96 * in_nA - Ca) / 200]


AB_PD = {"abpd_1": [400, 2.5, 6, 50, 10, 100, 0.01, 0], "abpd_3": [200, 2.5, 4, 50, 5, 50, 0.01, 0]}
CHANNELS = ["sodium", "calcium_T", "calcium_S", "potassium_A", "potassium_Ca", "potassium_d", "cation_h"]
STATES = ["membrane.V", *(f"{c}.m" for c in CHANNELS), *(f"{c}.h" for c in CHANNELS[:4]), "calcium.Ca"]


@pytest.mark.parametrize("variant", AB_PD)
def test_stomatogastric_pacemakers(variant):
    model = load_model("prinz_2003")
    start = {name: q.value for name, q in model.states.items()}
    settings = {"duration": 2000.0, "initial_state": start, "threshold": -20.0, "local_error": 1e-8}
    found = simulate(model, values(f"prinz_2003:{variant}"), Step(0.0), **settings).spike_times
    crossing = lambda t, y, g: y[0] + 20  # noqa: E731
    crossing.direction = 1
    exact = solve_ivp(
        stomatogastric, (0, 2000), [start[name] for name in STATES], args=(np.array(AB_PD[variant]),),
        method="LSODA", rtol=1e-9, atol=1e-11, events=crossing,
    ).t_events[0]  # fmt: skip
    assert found == pytest.approx(exact, abs=2e-3)
    assert [len(b) > 10 for b in bursts(found, 200.0)] == [True] * 2  # it bursts by itself


def test_regular_and_irregular_burster():
    """The neurons of figures 2C and 3C of the paper: one burst like the other, and bursts that differ."""
    model = load_model("prinz_2003")
    periods = {}
    for variant in ("burster", "irregular"):
        found = simulate(model, values(f"prinz_2003:{variant}"), Step(0.0), duration=9000.0, threshold=-20.0)
        spikes = found.spike_times[found.spike_times > 2000]
        assert all(len(burst) > 2 for burst in bursts(spikes, 200.0)[1:-1])
        periods[variant] = np.diff([burst[0] for burst in bursts(spikes, 200.0)[1:-1]])
    assert len(periods["burster"]) > 5 and np.ptp(periods["burster"]) < 1
    assert len(periods["irregular"]) > 5 and np.ptp(periods["irregular"]) > 20


def test_stomatogastric_initial_state_is_steady():
    """At -50 mV with calcium at rest, as the file says, to its six digits."""
    state = [load_model("prinz_2003").states[name].value for name in STATES]
    gates = stomatogastric(0.0, np.array(state), np.array(AB_PD["abpd_3"]))[1:12]
    assert gates == pytest.approx(np.zeros(11), abs=2e-5)


# -- Pinsky and Rinzel 1994


def pyramidal(y: np.ndarray, Is: float, gc: float) -> np.ndarray:
    """The paper's equations with its erratum, potentials measured from rest: Vs, Vd, h, n, s, c, q, Ca."""
    Vs, Vd, h, n, s, c, q, Ca = y
    am, bm = 0.32 * (13.1 - Vs) / (exp((13.1 - Vs) / 4) - 1), 0.28 * (Vs - 40.1) / (exp((Vs - 40.1) / 5) - 1)
    rising, falling = exp((Vd - 10) / 11 - (Vd - 6.5) / 27) / 18.975, 2 * exp((6.5 - Vd) / 27)
    opening = [
        0.128 * exp((17 - Vs) / 18),
        0.016 * (35.1 - Vs) / (exp((35.1 - Vs) / 5) - 1),
        1.6 / (1 + exp(-0.072 * (Vd - 65))),
        rising if Vd <= 50 else falling,
        min(0.00002 * Ca, 0.01),
    ]
    closing = [
        4 / (1 + exp((40 - Vs) / 5)),
        0.25 * exp(0.5 - 0.025 * Vs),
        0.02 * (Vd - 51.1) / (exp((Vd - 51.1) / 5) - 1),
        falling - rising if Vd <= 50 else 0.0,
        0.001,
    ]
    calcium = 10 * s * s * (Vd - 140)
    soma = 0.1 * Vs + 30 * (am / (am + bm)) ** 2 * h * (Vs - 120) + 15 * n * (Vs + 15)
    dendrite = 0.1 * Vd + calcium + (0.8 * q + 15 * c * min(Ca / 250, 1)) * (Vd + 15)
    gates = [a * (1 - x) - b * x for x, a, b in zip(y[2:7], opening, closing, strict=True)]
    flow = gc * (Vd - Vs) / 0.5
    return np.array([(Is / 0.5 + flow - soma) / 3, -(flow + dendrite) / 3, *gates, -0.13 * calcium - 0.075 * Ca])


# Open Source Brain, PinskyRinzelModel, NeuroML2/LEMS/.test.fig2.mep: upward crossings of -25 mV for figures 2A and 2D
# by jNeuroML, forward Euler with steps of 0.005 ms, from rest with every gate shut.


@pytest.mark.parametrize(("current", "coupling", "figure"), [(0.75, 2.1, "2A"), (2.5, 10.5, "2D")])
def test_our_reading_of_pinsky_and_rinzel_gives_the_published_spikes(current, coupling, figure):
    published = number("pinsky_rinzel_1994", f"spikes_{figure}")
    y, found = np.zeros(8), []
    for step in range(1, int(published[-1] / 0.005) + 100):
        y, before = y + 0.005 * pyramidal(y, current, coupling), y[0]
        if before < 35 <= y[0]:
            found.append(step * 0.005)
    assert found == verified("pinsky_rinzel_1994", f"spikes_{figure}")


@pytest.mark.parametrize(("current", "coupling"), [(0.75, 2.1), (2.5, 10.5)])
def test_pyramidal_neuron(current, coupling):
    model = load_model("pinsky_rinzel_1994")
    shut = dict.fromkeys(model.states, 0.0) | {"soma.V": -60.0, "dendrite.V": -60.0}
    settings = {"duration": 500.0, "initial_state": shut, "threshold": -30.0, "local_error": 1e-8}
    found = simulate(model, {"coupling.g": coupling}, Step(current), **settings).spike_times
    crossing = lambda t, y: y[0] - 30  # noqa: E731
    crossing.direction = 1
    exact = solve_ivp(
        lambda t, y: pyramidal(y, current, coupling), (0, 500), np.zeros(8),
        method="LSODA", rtol=1e-9, atol=1e-10, max_step=0.2, events=crossing,
    ).t_events[0]  # fmt: skip
    assert found == pytest.approx(exact, abs=5e-3)


@pytest.mark.parametrize(("soma", "dendrite"), [(-46.9, -60.0), (-19.9, -8.9), (-24.9, 0.0), (-46.9, -8.9)])
def test_pyramidal_slopes_at_removable_singularities(soma, dendrite):
    """By the kernel and by the slow twin: the limit of the paper's equations, here the mean of both sides."""
    model = load_model("pinsky_rinzel_1994")
    gates = [0.7, 0.2, 0.1, 0.3, 0.05, 120.0]
    sides = [pyramidal(np.array([soma + 60 + d, dendrite + 60 + d, *gates]), 0.75, 2.1) for d in (-1e-3, 1e-3)]
    y = [soma, dendrite, *gates]
    order = ["soma.V", "dendrite.V", "sodium.h", "potassium.n", "calcium.s", "potassium_C.c"]
    state = dict(zip([*order, "potassium_AHP.q", "calcium.Ca"], y, strict=True))
    twin = derivative(model, {name: state[name] for name in model.states}, {}, current=0.75)
    assert [twin[name] for name in state] == pytest.approx(sum(sides) / 2, rel=1e-6, abs=1e-9)
    kernel = engine(model, "tsit5", Step).kernel
    parameters = np.tile([q.value for q in model.parameters.values()], (kernel.W, 1))
    Z = pack(kernel, parameters, np.tile([state[name] for name in model.states], (kernel.W, 1)))
    Z[kernel.HELD : kernel.HELD + kernel.W] = 0.75
    kernel.stage(Z, 0.0, 0)
    ours = dict(zip(model.states, Z[kernel.SLOPE :: kernel.W][: kernel.N], strict=True))
    assert [ours[name] for name in state] == pytest.approx(sum(sides) / 2, rel=1e-6, abs=1e-9)


# -- Destexhe et al. 1996: NEURON 9 on the authors' program (ModelDB 3343), the cell alone, from -70 mV with everything
# else shut; its first-order times at dt 0.001 and 0.002 ms extrapolated to 0. They are multiples of the step.


@pytest.mark.parametrize(("variant", "nanoamperes"), [("spindle", 0.0), ("delta", 0.0), ("relay", -0.1)])
def test_thalamic_neuron_as_in_neuron(variant, nanoamperes):
    model = load_model("destexhe_1996")
    shut = dict.fromkeys(model.states, 0.0) | {"membrane.V": -70.0, "calcium.Ca": 2.4e-4}
    current = nanoamperes * 1e-3 / (pi * 96e-4**2)
    settings = {"duration": 2500.0, "initial_state": shut, "local_error": 1e-8}
    found = simulate(model, values(f"destexhe_1996:{variant}"), Step(current, 500.0, 1500.0), **settings).spike_times
    assert found == verified("destexhe_1996", variant)


def test_thalamic_neuron_fires_a_burst_when_it_is_released():
    """What the paper calls it for: silent at rest and while it is hyperpolarised, a burst thereafter, then silence."""
    hold = Step(-0.2e-3 / (pi * 96e-4**2), 500.0, 1000.0)
    found = simulate("destexhe_1996", {}, hold, duration=2000.0).spike_times
    (burst,) = bursts(found, 50.0)
    assert burst[0] > 1000 and burst[-1] < 1100
    assert len(burst) >= 5 and np.diff(burst).min() < 3  # ms: on top of a calcium spike
