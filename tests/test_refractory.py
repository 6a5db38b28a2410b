"""Thresholds of neurons that are not at rest: of the squid axon after a spike, by a second shock."""

import numpy as np
import pytest

from hhcore.config.reader import read_experiment
from hhcore.model.model import load_model
from hhcore.schemes.solver import Solver
from hhcore.simulation.reference import reference

HH = load_model("hodgkin_huxley_1952")
SHOCK = {"kind": "shock"}
# ms after a shock of 15 mV, mV: DOP853 at 1e-12 by another program; SciPy confirms each here.
THRESHOLDS = {8.0: 34.38, 12.0: 13.26, 15.0: 7.434, 20.0: 5.580, 30.0: 6.605}


def after(interval: float) -> dict[str, float]:
    """The state so long after the first shock, which makes one spike. In ms and the units of the model."""
    run = reference(HH, {"displacement": 15.0}, stimulus="shock", duration=interval)
    assert len(run.spike_times) == 1
    return run.final


def searched(state: dict[str, float]) -> tuple[float, str]:
    """The threshold of a shock to an axon in this state, mV, and what became of the search."""
    body = {"model": "hodgkin_huxley_1952", "stimulus": SHOCK, "protocol": {"kind": "rheobase"}, "duration": 50}
    body |= {"initial_state": state, "solver": {"method": "tsit5", "local_error": 1e-9}}
    e = read_experiment({"experiments": {"axon": body}}, "axon")
    found = e.protocol.columns(e.protocol.measure(e, Solver("tsit5", 1e-9), e.points(np.arange(1))))
    return found["threshold_mV"][0], found["search"][0]


@pytest.mark.parametrize(("interval", "threshold"), THRESHOLDS.items())
def test_thresholds_after_a_spike_are_those_of_other_programs(interval, threshold):
    state = after(interval)
    found, word = searched(state)
    assert (float(f"{found:.4g}"), word) == (threshold, "found")
    for factor, spikes in ((1 - 2e-6, 0), (1 + 2e-6, 1)):
        point = {"displacement": factor * found, "start": 0.0}
        run = reference(HH, point, stimulus="shock", duration=50.0, initial_state=state)
        assert len(run.spike_times) == spikes


@pytest.mark.parametrize("interval", [2.0, 2.5, 3.0, 4.0])
def test_an_axon_in_the_middle_of_a_spike_has_no_threshold(interval):
    """Neither the spike that is under way counts, nor the jump of a shock. At first the potential is above 0 anyway."""
    state = after(interval)
    found, word = searched(state)
    assert np.isnan(found) and word == ("never" if state["membrane.V"] > 0 else "driven")
