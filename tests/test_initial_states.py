"""Initial states as axes: each neuron starts where its point says, the other states where the word says."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import hhcore
from hhcore.config.reader import read_experiments
from hhcore.schemes.solver import Solver
from hhcore.simulation.reference import reference, rest

EXACT = json.loads((Path(__file__).parent / "data" / "hodgkin_huxley_1952.json").read_text())
HH = hhcore.load_model("hodgkin_huxley_1952")
CONFIG = {
    "model": HH.name,
    "stimulus": {"kind": "step", "amplitude": 0},
    "duration": 30,
    "solver": {"method": "tsit5", "local_error": 1e-11},
}


def read(**initial_state):
    return read_experiments({"experiments": {"e": CONFIG | {"initial_state": initial_state}}})["e"]


def measured(e):
    return e.protocol.measure(e, Solver("tsit5", 1e-11), e.points(np.arange(e.n_points)))


def test_a_displacement_from_rest_fires_from_the_threshold_on():
    """The potential jumps by so much, as by an instant shock; the gates are still at rest."""
    threshold = EXACT["rest"]["V"] + EXACT["shock_from_rest"]["threshold_mV"]
    e = read(**{"from": "rest", "membrane.V": {"values": [threshold - 1e-6, threshold + 1e-6]}})
    assert measured(e).spike_counts.tolist() == [0, 1]


def test_each_neuron_of_a_grid_starts_where_its_point_says():
    """As SciPy has it, and as `simulate` does with lists."""
    e = read(**{"from": "rest", "membrane.V": {"values": [-70, -50]}, "sodium.h": {"values": [0.2, 0.6]}})
    assert e.swept == ("initial.membrane.V", "initial.sodium.h")
    run, columns = measured(e), dict(zip(e.quantities, e.points(np.arange(4)).T, strict=True))
    for i, end in enumerate(run.final):
        start = {"membrane.V": columns["initial.membrane.V"][i], "sodium.h": columns["initial.sodium.h"][i]}
        exact = reference(HH, {}, duration=30.0, initial_state={"from": "rest"} | start)
        assert exact.at(0.0)[[0, 2]].tolist() == [*start.values()]
        assert exact.at(0.0)[1] == pytest.approx(EXACT["rest"]["m"], abs=1e-11)
        assert end == pytest.approx([*exact.final.values()], abs=1e-7)
    lists = {name: columns[f"initial.{name}"] for name in e.stated}
    alone = hhcore.simulate(
        HH, {}, hhcore.Step(0), duration=30, initial_state={"from": "rest"} | lists, local_error=1e-11
    )
    assert np.array_equal(alone.final, run.final)
    assert [*alone.features.columns[:2]] == [e.column(name) for name in e.swept]
    assert [*e.axis_fields] == ["initial_membrane_V_mV", "initial_sodium_h"]


def test_the_others_start_at_the_rest_of_each_neuron_or_as_in_the_model():
    leaks = [-54.387, -60.0]
    for word, others in (("rest", [rest(HH, {"leak.E": E}) for E in leaks]), ("model", [None, None])):
        settings = {"duration": 1e-9, "initial_state": {"from": word, "membrane.V": -50}}
        final = hhcore.simulate(HH, {"leak.E": leaks}, hhcore.Step(0), **settings).final
        for end, other in zip(final, others, strict=True):
            expected = other or {name: q.value for name, q in HH.states.items()}
            assert end == pytest.approx([*(expected | {"membrane.V": -50.0}).values()], abs=1e-5)


def test_gates_relax_from_where_they_start_under_a_clamp():
    """At -20 mV h follows an exponential; the potential itself is the command's."""
    clamp = {"kind": "segments", "holding": -65, "segments": {"test": {"potential": -20, "duration": 5}}}
    body = {"model": HH.name, "clamp": clamp, "solver": CONFIG["solver"]}
    gates = body | {"initial_state": {"from": "rest", "sodium.h": {"values": [0.1, 0.9]}}}
    e = read_experiments({"experiments": {"e": gates}})["e"]
    opens, closes = 0.07 * np.exp(-45 / 20), 1 / (1 + np.exp(-15 / 10))
    steady, decay = opens / (opens + closes), np.exp(-5 * (opens + closes))
    assert measured(e).final[:, 2] == pytest.approx(steady + (np.array([0.1, 0.9]) - steady) * decay, abs=1e-12)
    held = body | {"initial_state": {"from": "rest", "membrane.V": -60}}
    with pytest.raises(hhcore.UserError, match=r"^experiments.e.initial_state.membrane.V: the command of the clamp"):
        read_experiments({"experiments": {"e": held}})


def test_initial_states_may_be_sampled():
    spread = {"membrane.V": {"uniform": [-80, -50]}}
    config = CONFIG | {"initial_state": {"from": "model"} | spread, "sample": {"kind": "sobol", "n": 8, "seed": 1}}
    e = read_experiments({"experiments": {"e": config}})["e"]
    drawn = e.points(np.arange(8))[:, e.quantities.index("initial.membrane.V")]
    assert -80 < drawn.min() < drawn.max() < -50
    assert e.description("initial.membrane.V").startswith("Initial membrane potential")


def test_a_tolerance_chooses_a_solver_for_neurons_with_initial_states_of_their_own():
    start = {"from": "rest", "membrane.V": [-64.0, -50.0, -40.0]}
    run = hhcore.simulate(HH, {}, hhcore.Step(0), duration=20, initial_state=start, tolerance="1 us")
    assert run.features.spike_time_error_us.notna().tolist() == [False, True, True]
    assert run.features.spike_time_error_us.max() < 1


def test_a_run_has_a_column_for_each_initial_state_that_is_swept(tmp_path):
    hhcore.run(
        **CONFIG | {"solver": {"tolerance": "1 us"}},
        initial_state={"from": "rest", "membrane.V": [-60, -50], "sodium.h": 0.5},
        traces=[{"initial.membrane.V": -50}],
        results=tmp_path,
    )
    table = pq.read_table(tmp_path / "experiment/features.parquet")
    assert table["initial_membrane_V_mV"].to_pylist() == [-60, -50]
    assert table.schema.field("initial_membrane_V_mV").metadata[b"unit"] == b"mV"
    course = pq.read_table(tmp_path / "experiment/traces.parquet")
    assert (course["membrane_V_mV"][0].as_py(), course["sodium_h"][0].as_py()) == (-50, 0.5)
