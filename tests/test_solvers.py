"""Each scheme against the reference numbers, and its declared order measured on spike times."""

import json
from pathlib import Path

import numpy as np
import pytest

import hhcore
from hhcore.solvers import SCHEMES

EXACT = json.loads((Path(__file__).parent / "data" / "hodgkin_huxley_1952.json").read_text())
TEXTBOOK = {"membrane.V": -65, "sodium.m": 0.05, "sodium.h": 0.6, "potassium.n": 0.32}
EXAMPLE = np.array(EXACT["step_example"]["upward_crossings_of_0_mV_ms"])


def textbook(amplitude=10.0, **settings) -> hhcore.Result:
    return hhcore.simulate(
        "hodgkin_huxley_1952", {}, hhcore.Step(amplitude), duration=50, initial_state=TEXTBOOK, **settings
    )


def test_rk4_spike_times_of_the_textbook_example():
    assert np.abs(textbook(dt=0.01).spike_times - EXAMPLE).max() < 1e-6


def test_peaks_of_the_textbook_example():
    run = textbook(dt=0.0025)
    assert run.peak[0] == pytest.approx(EXACT["step_example"]["peaks_mV"][0], abs=1e-6)
    later = textbook(dt=0.0025, analysis_window=(10, 20))
    assert later.peak[0] == pytest.approx(EXACT["step_example"]["peaks_mV"][1], abs=1e-6)


@pytest.mark.parametrize("method", sorted(SCHEMES))
def test_declared_order_on_spike_times(method):
    steps = 0.04 * 2.0 ** -np.arange(0, 3.01, 0.25)
    errors = [np.abs(textbook(method=method, dt=dt).spike_times - EXAMPLE).max() for dt in steps]
    order = np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert abs(order - SCHEMES[method].order) < 0.15, order


def test_spike_count_edges():
    edges = EXACT["spike_count_edges_step_example"]["edges"]
    below = textbook(np.array([edge - 2e-5 for *_, edge in edges]), dt=0.01)
    above = textbook(np.array([edge + 2e-5 for *_, edge in edges]), dt=0.01)
    assert np.diff(below.offsets).tolist() == [before for before, _, _ in edges]
    assert np.diff(above.offsets).tolist() == [after for _, after, _ in edges]


@pytest.mark.parametrize(("method", "dt", "tolerance"), [("rk4", 0.025, 1e-4), ("strang", 0.005, 2e-2)])
def test_steady_firing_rates(method, dt, tolerance):
    amplitudes, exact = np.array(EXACT["steady_firing_rate_hz"]).T
    run = hhcore.simulate("hodgkin_huxley_1952", {}, hhcore.Step(amplitudes), duration=1000, method=method, dt=dt)
    for i, rate in enumerate(exact):
        train = run.spike_times[run.offsets[i] : run.offsets[i + 1]]
        assert 1000 / np.diff(train)[-10:].mean() == pytest.approx(rate, abs=tolerance)


def test_onsets_of_a_step_from_rest():
    onset = EXACT["step_from_rest"]
    amplitudes = np.array([onset["first_spike_from_I"] * (1 + s) for s in (-1e-4, 1e-4)])
    assert np.diff(
        hhcore.simulate("hodgkin_huxley_1952", {}, hhcore.Step(amplitudes), duration=100).offsets
    ).tolist() == [
        0,
        1,
    ]
    sustained = np.array([onset["sustained_firing_from_I"] + s for s in (-0.005, 0.005)])
    run = hhcore.simulate("hodgkin_huxley_1952", {}, hhcore.Step(sustained), duration=2000)
    last = [run.spike_times[run.offsets[i + 1] - 1] for i in range(2)]
    assert last[0] < 1900 < last[1]
