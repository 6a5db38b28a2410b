"""Refractory periods: against independent integrations, in strange neurons, in every room that tables have."""

from dataclasses import replace
from math import inf
from pathlib import Path

import numpy as np
import pytest
import yaml

from hhcore.base import tables
from hhcore.base.errors import UserError
from hhcore.config.reader import read_experiment
from hhcore.model.model import load_model
from hhcore.schemes.solver import Solver
from hhcore.simulation.reference import reference
from hhcore.simulation.result import Result
from hhcore.sweep.columns import record_of
from hhcore.sweep.store import update_shard

HH = load_model("hodgkin_huxley_1952")
FINE, MIDDLE = Solver("dop853", 1e-11), Solver("tsit5", 1e-9)
SHOCK = {"displacement": 15.0, "start": 0.0, "holding": 0.0}
INTERVALS = (8.0, 12.0, 15.0, 20.0, 30.0)
# DOP853 at rtol 1e-12, by another program; SciPy confirms each here, straight from the equations.
THRESHOLDS = {8.0: 34.38, 12.0: 13.26, 15.0: 7.434, 20.0: 5.580, 30.0: 6.605}


def experiment(stimulus="{kind: shock, displacement: 15}", protocol="{}", **own):
    """An experiment of this protocol."""
    body = {"model": "hodgkin_huxley_1952", "initial_state": "rest", "duration": 60, "solver": {"tolerance": 1e-6}}
    kind = {"kind": "refractory", "intervals": list(INTERVALS)}
    body |= {"stimulus": yaml.safe_load(stimulus), "protocol": kind | yaml.safe_load(protocol)} | own
    return read_experiment({"experiments": {"cells": body}}, "cells")


def measured(*args, solver=MIDDLE, rows=None, threads=1, **own):
    """The features and the curves of its neurons, or of some of them, in this order."""
    e = experiment(*args, **own)
    points = e.points(np.arange(e.n_points) if rows is None else np.array(rows))
    result = e.protocol.measure(e, solver, points, threads=threads)
    return e.protocol.columns(result), e.protocol.recovery(result)


def state_after(interval: float) -> dict[str, float]:
    """The state of the axon so long after the first shock, by SciPy."""
    run = reference(HH, SHOCK, stimulus="shock", duration=interval, initial_state="rest")
    return dict(zip(HH.states, run.at(interval).tolist(), strict=True))


def fires(interval: float, displacement: float) -> bool:
    """Whether SciPy finds a spike after a second shock."""
    start = state_after(interval)
    run = reference(HH, SHOCK | {"displacement": displacement}, stimulus="shock", duration=40.0, initial_state=start)
    return len(run.spike_times) > 0


def test_thresholds_after_a_spike_are_those_of_other_programs():
    features, curve = measured(protocol="{within: 1e-9}", solver=FINE)
    assert curve["interval_ms"].tolist() == [*THRESHOLDS]
    for found, known in zip(curve["threshold_mV"].tolist(), THRESHOLDS.values(), strict=True):
        assert float(f"{found:.4g}") == known
    for interval, found in zip(INTERVALS, curve["threshold_mV"].tolist(), strict=True):
        assert [fires(interval, factor * found) for factor in (1 - 1e-6, 1 + 1e-6)] == [False, True]
    assert features["resting_threshold_mV"] == pytest.approx([6.5050712], abs=6e-8)
    assert features["least_ratio"] == pytest.approx([5.580 / 6.5050712], abs=1e-4)
    assert features["least_ratio_interval_ms"] == [20.0]


def test_phases_end_where_the_axon_begins_or_ceases_to_fire():
    """SciPy runs the axon on both sides of each end. Before the absolute one, the shock alone reaches 0 mV."""
    features, curve = measured(protocol="{intervals: [3, 5, 7, 8, 15, 20, 30]}", solver=FINE)
    rest = 6.5050712
    for column, share, later in (
        ("relative_refractory_ms", 1.001, True),
        ("supernormal_begin_ms", 0.999, True),
        ("supernormal_end_ms", 0.999, False),
    ):
        end = float(features[column][0])
        assert [fires(end + off, share * rest) for off in (-2e-3, 2e-3)] == [not later, later]
    absolute = float(features["absolute_refractory_ms"][0])
    assert np.isnan(curve["threshold_mV"][:2]).all() and curve["search"][2] == "found" and 5 < absolute < 7


def test_intervals_between_and_finer_ends_change_no_threshold():
    some, many = (measured(protocol=text)[1] for text in ("{intervals: [20, 8]}", "{intervals: [4, 8, 9, 20, 22]}"))
    assert some["interval_ms"].tolist() == [8.0, 20.0]
    assert some["threshold_mV"].tolist() == many["threshold_mV"][[1, 3]].tolist()


PULSE, CURRENT = "{kind: step, amplitude: 20, stop: 0.5}", "threshold_uA_cm2"


@pytest.mark.parametrize(
    "stimulus",
    [PULSE, "{kind: pulse, amplitude: 20, width: 0.5}", "{kind: biphasic, amplitude: 150, width: 0.3, gap: 0.1}"],
)
def test_currents_are_searched_too(stimulus):
    kind = yaml.safe_load(stimulus)["kind"]
    _, curve = measured(stimulus, "{intervals: [15]}")
    whole = yaml.safe_load(stimulus) | {"start": 0.0, "holding": 0.0}
    whole |= {"width_ratio": 1.0, "period": inf, "number": 1.0} if kind == "biphasic" else {}
    del whole["kind"]
    first = reference(HH, whole, stimulus=kind, duration=15.0, initial_state="rest")
    start = dict(zip(HH.states, first.at(15.0).tolist(), strict=True))
    found = []
    for factor in (1 - 3e-6, 1 + 3e-6):
        again = whole | {"amplitude": factor * float(curve[CURRENT][0])}
        found.append(len(reference(HH, again, stimulus=kind, duration=40.0, initial_state=start).spike_times) > 0)
    assert found == [False, True]


# --- strange neurons


def test_strange_neurons_have_a_word_and_no_wrong_number():
    """A pacemaker, a membrane without sodium channels, an axon, a first stimulus that is too weak, one that fails."""
    axes = {"sodium.g": {"values": [121, 0, 120, 119, 118]}, "potassium.g": {"values": [12, 35, 36, 37, 38]}}
    axes |= {"membrane.C": {"values": [1, 1.001, 1.002, 1.003, 1e-300]}}
    shock = "{kind: shock, displacement: {values: [15, 14, 16, 5, 17]}}"
    features, curve = measured(shock, "{intervals: [4, 20]}", parameters=axes, combine="zip")
    words = np.reshape(curve["search"], (5, 2))
    assert words.tolist()[1:4] == [["no_first_spike"] * 2, ["driven", "found"], ["no_first_spike"] * 2]
    assert words[0, 1] == "spontaneous" and features["resting_search"][0] == "spontaneous"
    assert features["first_spikes"].tolist()[:4] == [features["first_spikes"][0], 0, 1, 0]
    assert features["first_spikes"][0] > 1
    assert np.isnan(curve["threshold_ratio"].reshape(5, 2)[[0, 1, 3, 4]]).all()
    for column in ("absolute_refractory_ms", "relative_refractory_ms", "supernormal_begin_ms", "least_ratio"):
        assert np.isnan(features[column][[0, 1, 3, 4]]).all()
    assert features["status"][4] != "ok" and words[4].tolist() == ["failed"] * 2


def test_the_end_of_the_first_spike_is_not_another_one():
    """2 ms after its onset the potential is at -2.2 mV, from where a pulse lifts it above 0 mV, as it likes."""
    pulse, own = "{kind: step, amplitude: 60, stop: 0.5}", {"parameters": {"potassium.g": 32.4}}
    _, curve = measured(pulse, "{intervals: [1.9, 2, 2.1, 4]}", **own)
    assert set(curve["search"]) <= {"never", "driven"} and np.isnan(curve[CURRENT]).all()
    values = {"potassium.g": 32.4, "amplitude": 60.0, "stop": 0.5}
    first = reference(HH, values, duration=2.0, initial_state="rest")
    start = dict(zip(HH.states, first.at(2.0).tolist(), strict=True))
    peaks = [reference(HH, values | {"amplitude": a}, duration=9.0, initial_state=start).peaks[0] for a in (160, 320)]
    assert 0.0 < peaks[0] < 0.1 and 5.0 < peaks[1] < 6.0  # graded: no action potential


@pytest.mark.parametrize("interval", [2.0, 2.5, 3.0, 4.0])
def test_an_axon_that_begins_in_the_middle_of_a_spike_has_no_threshold(interval):
    """Neither the spike that is under way counts, nor the jump of a shock. At first the potential is above 0 anyway."""
    state = state_after(interval)
    body = {"model": "hodgkin_huxley_1952", "stimulus": {"kind": "shock"}, "protocol": {"kind": "rheobase"}}
    body |= {"duration": 50, "initial_state": state, "solver": {"method": "tsit5", "local_error": 1e-9}}
    e = read_experiment({"experiments": {"axon": body}}, "axon")
    found = e.protocol.columns(e.protocol.measure(e, e.solver, e.points(np.arange(1))))
    assert np.isnan(found["threshold_mV"][0])
    assert found["search"][0] == ("never" if state["membrane.V"] > 0 else "driven")


def test_a_row_depends_on_its_own_point_alone():
    grid = {"sodium.g": {"linspace": [100, 140, 3]}, "potassium.g": {"values": [30, 36]}}
    protocol = "{intervals: [4, 10, 20], phases_within: 50 us, within: 1e-4}"
    (every, curves), (some, own) = (
        measured(protocol=protocol, parameters=grid, solver=Solver("tsit5", 1e-6), rows=rows, threads=threads)
        for rows, threads in ((None, 2), ([4, 1], 1))
    )
    for name, column in every.items():
        assert repr(column[[4, 1]].tolist()) == repr(some[name].tolist())
    for name, column in curves.items():
        if name != "neuron":
            assert repr(column.reshape(6, 3)[[4, 1]].tolist()) == repr(own[name].reshape(2, 3).tolist())


def updated(folder: Path, within: float) -> tuple[int, list[str]]:
    """How many neurons the store was missing, and all that each has in it, in any order."""
    axes = {"sodium.g": {"values": [121, 120, 119, 100]}, "potassium.g": {"values": [12, 36, 37, 30]}}
    shock = "{kind: shock, displacement: {values: [15, 16, 5, 17]}}"
    e = experiment(shock, f"{{intervals: [4, 8, 14, 20], within: {within}}}", parameters=axes, combine="zip")
    e = replace(e, solver=Solver("tsit5", 1e-8))
    new = update_shard(e, "all", folder / "all.parquet", progress=lambda done, total: None)
    record = record_of(tables.read(folder / "all.parquet"), e.protocol, len(HH.states))
    result = Result(record, e.analysis_window, 1.0, mV=1.0)
    curves = {name: own.reshape(4, -1) for name, own in e.protocol.recovery(result).items() if name != "neuron"}
    columns = [*e.protocol.columns(result).values(), *curves.values()]
    return new, sorted(str([np.ma.asarray(column)[i : i + 1].tolist() for column in columns]) for i in range(4))


def test_a_finer_search_goes_on_from_the_brackets_in_the_store(tmp_path):
    """To the bits of a search from the beginning: of thresholds, and of the ends of phases."""
    folders = {name: tmp_path / name for name in ("on", "fine", "coarse")}
    for folder in folders.values():
        folder.mkdir()
    assert updated(folders["on"], 1e-3)[0] == 4
    again, finer = updated(folders["on"], 1e-8)
    assert 0 < again <= 4 and finer == updated(folders["fine"], 1e-8)[1]
    back, coarse = updated(folders["on"], 1e-3)
    assert back == 0 and coarse == updated(folders["coarse"], 1e-3)[1]


# --- configs


@pytest.mark.parametrize(
    ("stimulus", "protocol", "message"),
    [
        ("{kind: step, amplitude: 20}", "{}", "lasts for 60 ms"),
        ("{kind: step, amplitude: 20, stop: 9}", "{}", "lasts for 9 ms"),
        ("{kind: biphasic, amplitude: 20, width: 1, period: 20, number: 2}", "{}", "leave period out"),
        ("{kind: shock, displacement: 15, start: 3}", "{}", "start"),
        ("{kind: shock}", "{}", "displacement"),
        ("{kind: ramp, amplitude: 10, stop: 5}", "{}", "ramp"),
        ("{kind: shock, displacement: 15}", "{intervals: []}", "has no times"),
        ("{kind: shock, displacement: 15}", "{intervals: [5, 5]}", "occurs more than once"),
        ("{kind: shock, displacement: 15}", "{intervals: [-5]}", "is not above 0 ms"),
        ("{kind: shock, displacement: 15}", "{phases_within: 0}", "is not above 0 ms"),
        ("{kind: shock, displacement: 15}", "{within: 1}", "is not between 1e-14 and 0.1"),
        ("{kind: shock, displacement: 15}", "{isi: [5]}", "intervals"),
    ],
)
def test_a_wrong_config_is_a_sentence(stimulus, protocol, message):
    with pytest.raises(UserError, match=message) as raised:
        experiment(stimulus, protocol)
    assert len(raised.value.args) == 1, raised.value.args
