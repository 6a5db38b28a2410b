"""The data of a live neuron: how far sliders go, digests of spikes, and what a page has to leave out."""

import numpy as np
from test_tracing import Opened, read

from hhcore.experiments.experiment import Experiment
from hhcore.report import live as module
from hhcore.report import stored
from hhcore.report.live import live, opening
from hhcore.report.payload import Payload
from hhcore.report.ranges import slider


def sliders(e: Experiment) -> dict[str, tuple[float, float]]:
    _, point = opening(e)
    return {name: slider(e, name, point) for name in e.quantities}


def test_sliders_stay_where_a_config_would_be_legal():
    """Ends of the grid, twice a conductance, 50 mV around a potential; times that make a stimulus."""
    pulses = {"kind": "pulse_train", "amplitude": {"values": [15, 40]}, "width": 0.5, "period": 10, "number": 4}
    e = read(stimulus=pulses, duration=100, block={"leak.g": 10})
    found = sliders(e)
    assert found["amplitude"] == (15, 40) and found["sodium.g"] == (0, 240) and found["sodium.E"] == (0, 100)
    assert found["number"] == (1, 8) and found["block.leak.g"] == (0, 100) and found["holding"] == (-40, 40)
    assert found["width"][0] > 0 and 9 <= found["width"][1] < 10  # of a period of 10
    assert (
        0.5 < found["period"][0] <= 1 and 33 * 3 + 0.5 <= 100 and found["period"][1] == 33
    )  # four of them end within 100
    _, point = opening(e)
    for name, ends in found.items():
        if name in e.stimulus.fields:
            for end in ends:
                e.stimulus.check({n: np.array([{**point, name: end}[n]]) for n in e.stimulus.fields}, e.duration, name)


def test_sliders_of_states_go_from_0_to_1_or_over_the_range_of_a_membrane():
    stated = {"membrane.V": -65, "sodium.m": 0.05, "sodium.h": 0.6, "potassium.n": 0.32}
    found = sliders(read(stimulus={"kind": "step", "amplitude": 10}, initial_state=stated))
    assert found["initial.membrane.V"] == (-120, 60) and found["initial.sodium.m"] == (0, 1)


def test_pulses_without_an_end_are_as_many_as_fit():
    pulses = {"kind": "pulse_train", "amplitude": 40, "width": 0.5, "period": 10}
    e = read(stimulus=pulses, duration=60)
    assert opening(e)[1]["number"] == np.inf and sliders(e)["number"] == (1, 6)


def test_spikes_that_come_in_batches_have_one_digest():
    """The digest of a train does not depend on where a batch ends; of other bits or another order it is another."""
    rng = np.random.default_rng(4)
    neurons, times = np.sort(rng.integers(0, 20, 500)), rng.uniform(0, 1000, 500)
    whole = stored.Trains(20)
    whole.add(neurons, times)
    for cuts in ([3], [1, 2, 250, 499], range(1, 500)):
        parts = stored.Trains(20)
        for part in np.split(np.arange(500), cuts):
            parts.add(neurons[part], times[part])
        for name in ("counts", "digests", "last"):
            np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))
    for others in (np.nextafter(times, 2000), np.r_[times[1::-1], times[2:]]):
        changed = stored.Trains(20)
        changed.add(neurons, others)
        assert changed.digests[neurons[0]] != whole.digests[neurons[0]]


def test_what_a_page_cannot_have_it_says_or_leaves_out(monkeypatch):
    """A quantity that cannot be carried over is fixed; if it is swept, no neuron is simulated. Large grids stay out."""
    steps = {"kind": "step", "amplitude": {"values": [5, 10]}}
    e = read(stimulus=steps, block={"leak.g": 50})
    (block,) = e.treatments
    object.__setattr__(e, "treatments", (Opened(block.amount, block.parameter),))
    found = live(e, e.solver, None, Payload(), {})
    (entry,) = (quantity for quantity in found["quantities"] if quantity["name"] == "block.leak.g")
    assert entry["low"] == entry["value"] == entry["high"] == 50
    assert "Block of leak.g is fixed here" in found["notes"][0]
    swept = read(stimulus=steps, block={"leak.g": {"values": [0, 50]}})
    object.__setattr__(swept, "treatments", e.treatments)
    without = live(swept, e.solver, None, Payload(), {})
    assert without.startswith("This page simulates no neuron") and "Block of leak.g is swept" in without
    monkeypatch.setattr(module, "MOST_VALUES", 1)
    large = live(read(stimulus=steps), e.solver, None, Payload(), {})
    assert large["grid"] is None and large["notes"] == [module.TOO_LARGE]
