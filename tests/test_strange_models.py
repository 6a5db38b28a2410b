"""Thresholds of models that do not rest, burst, are blocked, or fire when a current ends: SciPy says the same."""

import numpy as np
import pytest

from hhcore.config.reader import read_experiment
from hhcore.model.model import load_model
from hhcore.schemes.solver import Solver
from hhcore.simulation.reference import reference

SOLVER = Solver("rodas5p", 1e-9)
SHORT, LONG = {"start": 0.0, "stop": 1.0}, {"start": 0.0, "stop": 100.0}
NO_SODIUM = {"parameters": {"sodium.g": 0.0}, "spikes": {"threshold": -20.0}}


def searched(model: str, step: dict | None = None, duration: float = 1000.0, body: dict | None = None, **protocol):
    """The row of one neuron that rests, if it can: word, threshold, end of firing, intervals."""
    own = {"model": model, "stimulus": {"kind": "step"} | (step or {}), "protocol": {"kind": "rheobase"} | protocol}
    own |= {"initial_state": "rest", "duration": duration, "solver": {"tolerance": 1e-6}} | (body or {})
    e = read_experiment({"experiments": {"cell": own}}, "cell")
    columns = e.protocol.columns(e.protocol.measure(e, SOLVER, e.points(np.arange(1))))
    threshold, _, _, block = (float(values[0]) for values in list(columns.values())[:4])
    return columns["search"][0], threshold, block, int(columns["firing_intervals"][0])


def spikes(model: str, step: dict, amplitude: float, duration: float, threshold: float = 0.0, **parameters) -> int:
    """How many SciPy counts."""
    point = step | parameters | {"amplitude": amplitude}
    settings = {"duration": duration, "threshold": threshold, "method": "LSODA", "rtol": 1e-10, "atol": 1e-10}
    return len(reference(load_model(model), point, **settings).spike_times)


@pytest.mark.parametrize("firing", ["spike", "sustained"])
@pytest.mark.parametrize("model", ["noble_1962", "destexhe_1996:delta", "prinz_2003:burster"])
def test_pacemakers_and_bursters_need_no_current(model, firing):
    word, threshold, block, intervals = searched(model, firing=firing)
    assert (word, threshold, intervals) == ("spontaneous", 0.0, 1) and np.isnan(block)


# Just below the threshold, the potential of these grows in proportion to the pulse, as that of a passive membrane does.
@pytest.mark.parametrize(("model", "duration"), [("wang_buzsaki_1996", 200.0), ("luo_rudy_1991", 60.0)])
def test_a_short_pulse_to_a_cell_that_has_no_graded_response(model, duration):
    word, threshold, *_ = searched(model, SHORT, duration)
    assert word == "found"
    assert [spikes(model, SHORT, share * threshold, duration) for share in (1 - 1e-5, 1 + 1e-5)] == [0, 1]


def test_anode_break():
    word, threshold, *_ = searched("hodgkin_huxley_1952", LONG, 200.0, direction="hyperpolarising")
    assert word == "found" and threshold < 0
    counted = [spikes("hodgkin_huxley_1952", LONG, share * threshold, 200.0) for share in (1 - 1e-5, 1 + 1e-5)]
    assert counted == [0, 1]


def test_a_cell_that_fires_on_release_only():
    """The calcium of a relay cell without sodium spikes is inactivated at rest."""
    model, pulse = "destexhe_1996:relay", {"start": 0.0, "stop": 200.0}
    word, threshold, block, intervals = searched(model, pulse, 600.0, NO_SODIUM)
    assert (word, intervals) == ("on_release", 0) and np.isnan([threshold, block]).all()
    word, threshold, *_ = searched(model, pulse, 600.0, NO_SODIUM, direction="hyperpolarising")
    assert word == "found"
    given = {"duration": 600.0, "threshold": -20.0, "sodium.g": 0.0}
    assert [spikes(model, pulse, share * threshold, **given) > 0 for share in (1 - 1e-5, 1 + 1e-5)] == [False, True]


def test_excitation_block_lies_opposite_the_threshold():
    """FitzHugh and Nagumo's equations stay the same if v, w - a/b and I - a/b change sign."""
    a, b = (load_model("fitzhugh_nagumo_1961").parameters[name].value for name in ("slow.a", "slow.b"))
    word, threshold, block, intervals = searched("fitzhugh_nagumo_1961", firing="sustained")
    assert (word, intervals) == ("found", 1)
    assert threshold + block == pytest.approx(2 * a / b, abs=1e-5)


def test_a_burst_of_fewer_spikes_with_more_current():
    """Of a pyramidal cell: four spikes in 50 ms, then three, then four."""
    word, threshold, block, intervals = searched("pinsky_rinzel_1994", {}, 50.0, spikes=4)
    assert (word, intervals) == ("several", 2)
    amplitudes = (threshold - 1e-3, threshold + 1e-3, block - 1e-3, block + 1e-3, 8.1)
    assert [spikes("pinsky_rinzel_1994", {}, amplitude, 50.0) >= 4 for amplitude in amplitudes] == [0, 1, 1, 0, 1]
