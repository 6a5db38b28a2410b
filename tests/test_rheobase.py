"""Searched thresholds: against independent integrations, in strange neurons, and in the store."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

import hhcore
from hhcore.base.errors import UserError
from hhcore.config.reader import read_experiment, read_experiments
from hhcore.model.model import load_model
from hhcore.schemes.solver import Solver
from hhcore.simulation.reference import reference
from hhcore.simulation.stimuli import kinds
from hhcore.sweep.store import update_shard

HH = load_model("hodgkin_huxley_1952")
EXACT = json.loads((Path(__file__).parent / "data" / "hodgkin_huxley_1952.json").read_text())
FINE = {"method": "dop853", "local_error": 1e-11}
TEXTBOOK = {"membrane.V": -65.0, "sodium.m": 0.05, "sodium.h": 0.6, "potassium.n": 0.32}


def equal(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    """Whether all columns hold the same, to the last bit."""
    return a.keys() == b.keys() and all(repr(a[name].tolist()) == repr(b[name].tolist()) for name in a)


def config(stimulus="{kind: step}", protocol="{kind: rheobase}", **own) -> dict:
    """A config of one experiment, `cells`."""
    body = {"model": "hodgkin_huxley_1952", "initial_state": "rest", "duration": 100, "solver": FINE}
    body |= {"stimulus": yaml.safe_load(stimulus), "protocol": yaml.safe_load(protocol)} | own
    return {"experiments": {"cells": body}}


def measured(*args, solver=None, threads=1, rows=None, **own) -> dict[str, np.ndarray]:
    """The features of its neurons, or of some of them, in this order."""
    e = read_experiment(config(*args, **own), "cells")
    points = e.points(np.arange(e.n_points) if rows is None else np.array(rows))
    return e.protocol.columns(e.protocol.measure(e, solver or e.solver, points, threads=threads))


# --- the numbers


def silent_and_firing(kind: str, values: dict, field: str, threshold: float, share: float, **given) -> list[bool]:
    """Whether SciPy finds a spike just below the threshold, and just above it."""
    found = []
    for factor in (1 - share, 1 + share):
        point = values | {field: factor * threshold}
        run = reference(HH, point, stimulus=kinds()[kind], duration=100.0, initial_state="rest", **given)
        found.append(len(run.spike_times) > 0)
    return found


# DOP853 at rtol 1e-12, by another program; SciPy confirms each here, straight from the equations.
PULSES = {0.01: 650.5267, 0.1: 65.127425, 0.5: 13.275124, 1.0: 6.918926, 2.0: 3.859359, 5.0: 2.351105}


def test_thresholds_of_pulses_are_those_of_other_programs():
    widths = "{kind: step, stop: {values: [0.01, 0.1, 0.5, 1, 2, 5]}}"
    found = measured(widths, "{kind: rheobase, within: 1e-9}")["threshold_uA_cm2"]
    assert found == pytest.approx([*PULSES.values()], rel=2e-7)
    for width, threshold in zip(PULSES, found.tolist(), strict=True):
        values = {"amplitude": 0.0, "start": 0.0, "stop": width, "holding": 0.0}
        assert silent_and_firing("step", values, "amplitude", threshold, 1e-7) == [False, True]


@pytest.mark.parametrize(
    ("stimulus", "field", "number"),
    [("step", "amplitude", 2.2403336), ("shock", "displacement", 6.5050712)],
)
def test_rheobase_and_the_shock_that_fires(stimulus, field, number):
    unit = {"amplitude": "uA_cm2", "displacement": "mV"}[field]
    found = measured(f"{{kind: {stimulus}}}", "{kind: rheobase, within: 1e-9}", duration=400)[f"threshold_{unit}"]
    assert found == pytest.approx([number], abs=6e-8)
    values = {"amplitude": 0.0, "start": 0.0, "stop": 100.0, "holding": 0.0, "displacement": 0.0}
    values = {name: values[name] for name in kinds()[stimulus].fields}
    assert silent_and_firing(stimulus, values, field, float(found[0]), 1e-7) == [False, True]


def test_as_many_spikes_as_asked_for():
    edges = [
        (after, edge) for before, after, edge in EXACT["spike_count_edges_step_example"]["edges"] if after > before
    ]
    for count, edge in edges:
        protocol = f"{{kind: rheobase, spikes: {count}, within: 1e-8}}"
        found = measured("{kind: step}", protocol, initial_state=TEXTBOOK, duration=50)
        assert found["threshold_uA_cm2"] == pytest.approx([edge], abs=6e-6)


def test_firing_that_goes_on_begins_at_the_saddle_node_of_cycles_and_ends_in_block():
    """A finite run finds it a little early: the last cycles before rest take long. Block: the peak falls below 0 mV."""
    found = measured("{kind: step}", "{kind: rheobase, firing: sustained, within: 1e-7}", duration=2000, solver=MIDDLE)
    assert found["threshold_uA_cm2"] == pytest.approx([6.2603212747], rel=3e-5)
    assert found["threshold_uA_cm2"][0] < 6.2603212747
    assert found["block_uA_cm2"] == pytest.approx([62.8743], abs=1e-4)


MIDDLE = Solver("tsit5", 1e-9)


# --- strange neurons


def test_strange_neurons_have_a_word_and_no_wrong_number():
    """A pacemaker, a membrane without sodium channels, an axon, and the same in which no current makes it fire on."""
    axes = {"sodium.g": {"values": [121, 0, 120, 60]}, "potassium.g": {"values": [12, 35, 36, 50]}}
    once = measured(parameters=axes, combine="zip", duration=500, solver=MIDDLE)
    assert once["search"].tolist() == ["spontaneous", "driven", "found", "found"]
    assert once["threshold_uA_cm2"][0] == 0.0 and np.isnan(once["threshold_uA_cm2"][1])
    on = measured(
        "{kind: step}",
        "{kind: rheobase, firing: sustained}",
        parameters=axes,
        combine="zip",
        duration=500,
        solver=MIDDLE,
    )
    assert on["search"].tolist() == ["spontaneous", "never", "found", "never"]
    assert np.isnan(on["threshold_uA_cm2"][[1, 3]]).all()


def test_the_upper_end_of_an_interval_of_currents():
    """The textbook axon has seven spikes in 50 ms up to where the seventh peak touches 0 mV: see test_solvers."""
    found = measured("{kind: step}", "{kind: rheobase, spikes: 7, within: 1e-7}", initial_state=TEXTBOOK, duration=50)
    *_, edge = EXACT["spike_count_edges_step_example"]["edges"][-1]
    amplitudes = edge + np.array([0.0, 1e-3])
    peaks = [reference(HH, {"amplitude": a}, duration=50.0, initial_state=TEXTBOOK).peaks[6] for a in amplitudes]
    touching = amplitudes[0] - peaks[0] * np.diff(amplitudes) / np.diff(peaks)
    assert found["block_uA_cm2"] == pytest.approx(touching, abs=1e-5)


def test_a_run_that_diverges_is_a_row():
    found = measured(parameters={"membrane.C": {"values": [1, 1e-300]}}, solver=MIDDLE)
    assert found["status"][0] == "ok" and found["status"][1] != "ok"
    assert np.isnan(found["threshold_uA_cm2"][1]) and found["search"][1] == "failed"


# --- its own point alone, and the store

GRID = {"sodium.g": {"linspace": [100, 140, 7]}, "potassium.g": {"values": [30, 36, 42]}}


def test_a_row_depends_on_its_own_point_alone():
    everyone = measured(parameters=GRID, solver=MIDDLE, threads=2)
    some = measured(parameters=GRID, solver=MIDDLE, rows=[17, 3, 8])
    assert equal({name: column[[17, 3, 8]] for name, column in everyone.items()}, some)


def updated(folder: Path, within: float, grid: dict) -> tuple[int, dict[str, np.ndarray]]:
    """How many neurons the store was missing, and the features in it, sorted by threshold."""
    e = read_experiment(config("{kind: step}", f"{{kind: rheobase, within: {within}}}", parameters=grid), "cells")
    e = replace(e, solver=MIDDLE)
    new = update_shard(e, "all", folder / "all.parquet", progress=lambda done, total: None)
    return new, stored(e, folder)


def stored(e, folder: Path) -> dict[str, np.ndarray]:
    from hhcore.base import tables
    from hhcore.simulation.result import Result
    from hhcore.sweep.columns import record_of

    record = record_of(tables.read(folder / "all.parquet"), e.protocol, len(HH.states))
    found = e.protocol.columns(Result(record, e.analysis_window, 1.0, mV=1.0))
    order = np.argsort(found["threshold_uA_cm2"])
    return {name: column[order] for name, column in found.items()}


def test_a_finer_search_goes_on_from_the_brackets_in_the_store(tmp_path):
    (tmp_path / "once").mkdir()
    first, before = updated(tmp_path, 1e-3, GRID)
    assert first == 21
    again, finer = updated(tmp_path, 1e-9, GRID)
    assert again == 21
    anew = updated(tmp_path / "once", 1e-9, GRID)[1]
    assert equal(finer, anew)  # the same bits as a search from the beginning
    back, coarse = updated(tmp_path, 1e-3, GRID)
    assert back == 0  # nothing is simulated for less than is known
    assert equal(coarse, before)  # and nobody sees what the store knows besides


def test_going_on_costs_only_what_is_new(tmp_path):
    e = read_experiment(config("{kind: step}", "{kind: rheobase, within: 1e-3}", parameters=GRID), "cells")
    points = e.points(np.arange(4))
    begun = e.protocol.measure(e, MIDDLE, points)
    finer = replace(e, protocol=replace(e.protocol, within=1e-6))
    on = finer.protocol.continued(finer, MIDDLE, points, begun.record)
    halvings = 10  # of a bracket of a thousandth to a millionth; and six runs by which it is judged
    assert (on.record["search_trials"] - begun.record["search_trials"] <= halvings + 6).all()


def test_a_grown_grid_searches_only_new_points(tmp_path):
    assert updated(tmp_path, 1e-4, GRID)[0] == 21
    grown = GRID | {"potassium.g": {"values": [30, 33, 36, 42]}}
    assert updated(tmp_path, 1e-4, grown)[0] == 7


# --- configs


@pytest.mark.parametrize(
    ("stimulus", "protocol", "message"),
    [
        ("{kind: step, amplitude: 3}", "{kind: rheobase}", "sets the amplitude itself"),
        ("{kind: shock, displacement: 3}", "{kind: rheobase}", "sets the displacement itself"),
        ("{kind: step}", "{kind: rheobase, within: 0}", "between 1e-14 and 0.1"),
        ("{kind: step}", "{kind: rheobase, firing: bursts}", "legal: "),
        ("{kind: step}", "{kind: rheobase, firing: beat}", "has no beats"),
        ("{kind: step}", "{kind: rheobase, spikes: 0}", "whole number from 1"),
        ("{kind: step}", "{kind: rheobase, spikes: 2, firing: sustained}", "leave one out"),
        ("{kind: step}", "{kind: rheobase, direction: up}", "depolarising"),
        ("{kind: step}", "{kind: rheobase, precision: 1}", "within"),
    ],
)
def test_a_wrong_config_is_one_sentence(stimulus, protocol, message):
    with pytest.raises(UserError, match=message) as caught:
        read_experiments(config(stimulus, protocol), ".")
    assert "\n" not in str(caught.value)


def test_a_run_gives_the_table(tmp_path):
    own = config(
        "{kind: pulse_train, width: 0.5, period: 20}", "{kind: rheobase, firing: beat}", solver={"tolerance": 1e-4}
    )
    run = hhcore.run(own, results=tmp_path)["cells"]
    assert run.features.search.tolist() == ["found"]
