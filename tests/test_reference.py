"""The slow twin against published numbers, formulas solved by hand, and itself with another method."""

import json
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from hhcore.base.errors import UserError
from hhcore.model.model import load_model
from hhcore.simulation import reference as module
from hhcore.simulation.crossings import crossings
from hhcore.simulation.reference import derivative, evaluate, reference, rest

EXACT = json.loads((Path(__file__).parent / "data" / "hodgkin_huxley_1952.json").read_text())
RATES = ("sodium.alpha_m", "sodium.beta_m", "sodium.alpha_h", "sodium.beta_h", "potassium.alpha_n", "potassium.beta_n")
STATES = {"V": "membrane.V", "m": "sodium.m", "h": "sodium.h", "n": "potassium.n"}

# The membrane without its voltage-gated channels: C dV/dt = I - g (V - E), solved by hand below.
PASSIVE = {"sodium.g": 0.0, "potassium.g": 0.0, "leak.g": 0.5, "leak.E": -60.0, "membrane.C": 2.0}
TAU = 2.0 / 0.5


@pytest.fixture(scope="module")
def squid():
    return load_model("hodgkin_huxley_1952")


@pytest.fixture(scope="module")
def textbook(squid):
    """I = 10 from the usual initial state, 50 ms."""
    return reference(squid, {"amplitude": 10.0}, duration=50.0, initial_state="model")


def shifted_leak(current: float) -> dict[str, float]:
    """A leak reversal that acts exactly as an injected current."""
    return {"leak.E": -54.387 + current / 0.3}


@pytest.mark.parametrize("row", EXACT["rate_values"]["rows"], ids=lambda row: f"V={row[0]}")
def test_rates_also_at_removable_singularities(squid, row):
    values = evaluate(squid, {"membrane.V": row[0], "sodium.m": 0.1, "sodium.h": 0.5, "potassium.n": 0.3}, {})
    assert [values[name] for name in RATES] == pytest.approx(row[1:], rel=1e-10)


def test_derivative_by_hand(squid):
    state = {"membrane.V": 0.0, "sodium.m": 0.5, "sodium.h": 0.25, "potassium.n": 0.5}
    slope = derivative(squid, state, {"temperature.T": 289.45, "membrane.C": 2.0}, current=7.0)
    sodium, potassium, leak = 120 * 0.125 * 0.25 * -50, 36 * 0.0625 * 77, 0.3 * 54.387
    assert slope["membrane.V"] == pytest.approx((7 - sodium - potassium - leak) / 2, rel=1e-14)
    alpha_h, beta_h = EXACT["rate_values"]["rows"][2][3:5]
    assert slope["sodium.h"] == pytest.approx(3 * (alpha_h * 0.75 - beta_h * 0.25), rel=1e-11)  # 10 K: Q10 = 3


def test_textbook_spikes_and_peaks(textbook):
    exact = EXACT["step_example"]
    assert textbook.spike_times == pytest.approx(exact["upward_crossings_of_0_mV_ms"], abs=1e-9)
    assert textbook.peaks == pytest.approx(exact["peaks_mV"], abs=1e-8)
    assert textbook.final["membrane.V"] == pytest.approx(exact["V_at_50_ms"], abs=1e-9)
    assert textbook.at(50.0)[0] == pytest.approx(exact["V_at_50_ms"], abs=1e-9)


def test_another_method_agrees(squid, textbook):
    radau = reference(
        squid, {"amplitude": 10.0}, duration=50.0, initial_state="model", method="Radau", rtol=1e-9, atol=1e-9
    )
    assert radau.spike_times == pytest.approx(textbook.spike_times, abs=1e-8)
    assert radau.final["membrane.V"] == pytest.approx(textbook.final["membrane.V"], abs=1e-6)


@pytest.mark.parametrize("below, above, edge", EXACT["spike_count_edges_step_example"]["edges"][:4])
def test_spike_count_edges(squid, below, above, edge):
    counts = [
        len(reference(squid, {"amplitude": edge + side}, duration=50.0, initial_state="model").spike_times)
        for side in (-2e-5, 2e-5)
    ]
    assert counts == [below, above]


def test_rest(squid):
    found = rest(squid, {})
    assert {short: found[name] for short, name in STATES.items()} == pytest.approx(EXACT["rest"], abs=1e-11)
    stays = reference(squid, {}, duration=100.0)
    assert len(stays.spike_times) == 0
    assert stays.final == pytest.approx(found, abs=1e-10)


def test_rest_of_a_cell_with_a_concentration():
    """Its calcium is 1e-7 M and a logarithm of it sets a potential: what lies around it must not be negative."""
    model = load_model("beeler_reuter_1977")
    found = rest(model, {})
    written = {name: quantity.value for name, quantity in model.states.items()}  # after 20 s without stimulus
    assert found == pytest.approx(written, rel=1e-3)
    assert np.abs(list(derivative(model, found, {}).values())).max() < 1e-11


def test_rest_is_stable_up_to_the_hopf_bifurcation(squid):
    hopf = EXACT["constant_current_bifurcations"]["hopf_lower"]
    assert rest(squid, shifted_leak(hopf["I"] - 1e-3))["membrane.V"] == pytest.approx(hopf["V"], abs=1e-3)
    assert rest(squid, shifted_leak(hopf["I"] + 1e-3)) is None


def test_without_a_rest_of_its_own_a_neuron_starts_from_the_rest_of_the_model(squid):
    fires = reference(squid, shifted_leak(20.0), duration=1.0)
    assert fires.at(0.0)[0] == pytest.approx(EXACT["rest"]["V"], abs=1e-11)


def test_stimulus_edges_are_exact(squid):
    pulse = reference(squid, PASSIVE | {"amplitude": 10.0, "start": 1.3, "stop": 7.7}, duration=20.0, threshold=-50.0)
    top = -60 + 20 * (1 - math.exp(-6.4 / TAU))
    assert pulse.spike_times == pytest.approx([1.3 + TAU * math.log(2)], abs=1e-10)
    assert (pulse.peak_times, pulse.peaks) == (pytest.approx([7.7]), pytest.approx([top], abs=1e-10))
    assert pulse.at(1.3)[0] == pytest.approx(-60, abs=1e-10)
    assert pulse.at(20.0)[0] == pytest.approx(-60 + (top + 60) * math.exp(-12.3 / TAU), abs=1e-10)


def test_an_empty_stimulus_does_nothing(squid):
    silent = reference(squid, PASSIVE | {"amplitude": 10.0, "start": 3.0, "stop": 3.0}, duration=10.0)
    assert silent.y[0] == pytest.approx(np.full(len(silent.t), -60.0), abs=1e-10)
    assert len(silent.peaks) == 0


def test_starting_at_the_threshold_is_no_spike(squid):
    rises = reference(squid, PASSIVE | {"amplitude": 10.0}, duration=1.0, threshold=rest(squid, PASSIVE)["membrane.V"])
    assert len(rises.spike_times) == 0


def test_rearm_level(squid, textbook):
    def spikes(rearm):
        point = {"amplitude": 10.0}
        return reference(squid, point, duration=50.0, initial_state="model", rearm=rearm).spike_times

    assert spikes(-70.0) == pytest.approx(textbook.spike_times, abs=1e-12)
    assert spikes(-90.0) == pytest.approx(textbook.spike_times[:1], abs=1e-12)  # below the potassium reversal


@pytest.mark.parametrize(
    "point, initial_state, message",
    [
        ({"sodium.gbar": 1.0}, "rest", r"no parameter 'sodium.gbar'.*did you mean 'sodium.g'"),
        ({"amplitud": 1.0}, "rest", r"did you mean 'amplitude'"),
        ({}, "resting", r"got 'resting'.*'rest', 'model'"),
        ({}, {"membrane.V": -65.0}, r"every state.*sodium.m, sodium.h"),
    ],
)
def test_wrong_calls_say_what_is_legal(squid, point, initial_state, message):
    with pytest.raises(UserError, match=message):
        reference(squid, point, duration=1.0, initial_state=initial_state)


@pytest.mark.parametrize(("ends", "found"), [((-1.0, 1.0), [0.5]), ((1e-15, 1.0), [0.0]), ((-1.0, -1e-15), [1.0])])
def test_a_crossing_is_found_also_where_dense_output_and_steps_differ_by_rounding(ends, found):
    """SciPy's own events raise ValueError in the last two cases."""
    first, last = ends
    curve = lambda t: np.array([first + (last - first) * t])  # noqa: E731
    steps = SimpleNamespace(t=np.array([-1.0, 0.0, 1.0]), y=np.array([[-2.0, -1e-15, 1e-15]]))
    steps.sol = SimpleNamespace(interpolants=[lambda t: np.array([t - 1.0]), curve])
    assert crossings(steps, lambda t, y: y[0], +1) == pytest.approx(found)


def test_a_run_in_which_scipy_returns_nan_has_failed(tmp_path):
    """LSODA, from a slope that is not a number beyond the middle of the run."""
    path = tmp_path / "m.mmt"
    path.write_text("[[model]]\na.V = 1\n[a]\nt = 0 bind time\ndot(V) = -V + 0 * sqrt(0.5 - t)\n")
    with pytest.raises(ArithmeticError, match="LSODA fails"):
        reference(load_model(path, potential="a.V", current="none"), {}, duration=1.0, method="LSODA")


def test_an_integrator_that_gets_nowhere_is_stopped(monkeypatch):
    """LSODA never came to an end of a published model; a run of 10 ms has some thousand evaluations."""
    monkeypatch.setattr(module, "MOST_SLOPES", 5)
    with pytest.raises(ArithmeticError, match="too many steps"):
        reference(load_model("hodgkin_huxley_1952"), {"amplitude": 10.0}, duration=10.0, initial_state="model")
