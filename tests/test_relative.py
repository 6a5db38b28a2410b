"""Currents as shares of each neuron's rheobase: `150 %`."""

import copy
import math

import numpy as np
import pyarrow as pa
import pytest

import hhcore
from hhcore.base import tables
from hhcore.base.errors import UserError
from hhcore.config.reader import read_experiments
from hhcore.figures.context import figure_context
from hhcore.report.lecture import write_lecture
from hhcore.report.live import live
from hhcore.report.payload import Payload
from hhcore.simulation.reference import reference
from hhcore.sweep.estimate import SEARCH_STEPS, estimate
from hhcore.sweep.hashing import context_digest
from hhcore.sweep.store import update_shard

SQUID = "hodgkin_huxley_1952"
# Of a step as long as the run, at 6.3 degC, by SciPy's DOP853 at 1e-12: 2.24033355 is silent, 2.24033365 fires.
RHEOBASE = 2.2403336
CONFIG = {
    "model": SQUID,
    "stimulus": {"kind": "step", "amplitude": {"values": ["99.999 %", "100.001 %"]}},
    "parameters": {"sodium.g": {"values": [96, 120, 150]}},
    "duration": 100,
    "initial_state": "rest",
    "solver": {"method": "tsit5", "local_error": 1e-9},
}
SUM = {"step": {"kind": "step", "amplitude": "80 %"}, "wave": {"kind": "sine", "amplitude": "10 %", "frequency": 50}}


def config(**changes):
    body = copy.deepcopy(CONFIG) | changes
    return {"experiments": {"e": {key: value for key, value in body.items() if value is not None}}}


def step(amplitude, **fields):
    return {"kind": "step", "amplitude": amplitude, **fields}


def experiment(**changes):
    return read_experiments(config(**changes))["e"]


def features(**changes):
    return hhcore.run(config(**changes))["e"].features


def test_the_rheobase_parts_silent_neurons_from_firing_ones():
    table = features(parameters={"sodium.g": {"values": [96, 120, 150]}, "potassium.g": {"values": [30, 36]}})
    silent = table["amplitude_percent"] < 100
    assert (table["spike_count"][silent] == 0).all() and (table["spike_count"][~silent] > 0).all()
    own = table[(table["sodium_g_mS_cm2"] == 120) & (table["potassium_g_mS_cm2"] == 36)]
    assert own["rheobase_uA_cm2"].to_numpy() == pytest.approx(RHEOBASE, rel=2e-8)
    assert own["amplitude_uA_cm2"].to_numpy() == pytest.approx([0.99999 * RHEOBASE, 1.00001 * RHEOBASE], rel=2e-8)


@pytest.mark.parametrize(("share", "spikes"), [(0.99999, 0), (1.00001, 1)])
def test_scipy_fires_above_the_rheobase_alone(share, spikes):
    run = hhcore.simulate(SQUID, {"sodium.g": 96}, hhcore.Step("100 %"), duration=60)
    point = {"sodium.g": 96.0, "amplitude": share * float(run.features["rheobase_uA_cm2"].iloc[0])}
    exact = reference(hhcore.load_model(SQUID), point, duration=60.0, initial_state="rest", rtol=1e-10, atol=1e-10)
    assert len(exact.spike_times) == spikes


def test_a_run_equals_one_with_the_currents_themselves():
    table = features()
    rows = table.to_dict("list")
    run = hhcore.simulate(
        SQUID,
        {"sodium.g": rows["sodium_g_mS_cm2"]},
        hhcore.Step(rows["amplitude_uA_cm2"]),
        duration=100,
        method="tsit5",
        local_error=1e-9,
    )
    assert run.features["first_spike_ms"].tolist() == pytest.approx(rows["first_spike_ms"], rel=0, abs=0, nan_ok=True)


def test_a_rheobase_depends_on_neither_neighbours_nor_threads_nor_solver():
    alone = features(parameters={"sodium.g": 120})["rheobase_uA_cm2"].iloc[0]
    table = features(solver={"method": "rk4", "dt": 0.05})
    assert set(table["rheobase_uA_cm2"][table["sodium_g_mS_cm2"] == 120]) == {alone}
    conductances = np.linspace(90, 150, 37)
    once, again = (
        hhcore.simulate(SQUID, {"sodium.g": g}, hhcore.Step("150 %"), duration=100, threads=threads)
        for g, threads in ((conductances, 1), (conductances[::-1], 2))
    )
    assert once.rheobase.tolist() == again.rheobase[::-1].tolist()
    assert once.spike_times.size and once.features.iloc[0]["amplitude_percent"] == 150


def test_a_neuron_without_a_rheobase_has_a_status_and_no_numbers():
    """With much sodium conductance it fires by itself, with little never; the others go on."""
    table = features(parameters={"sodium.g": {"values": [10, 120, 500]}}, stimulus=step("150 %"))
    assert table["status"].tolist() == ["no_rheobase", "ok", "no_rheobase"]
    assert table["rheobase_uA_cm2"].tolist() == pytest.approx([math.nan, RHEOBASE, 0], rel=2e-8, nan_ok=True)
    assert table[["amplitude_uA_cm2", "spike_count", "failed_ms"]].isna().to_numpy()[[0, 2]].all()
    course = hhcore.trace(SQUID, {"sodium.g": 500}, hhcore.Step("150 %"), duration=20)
    assert course.status == "no_rheobase"


@pytest.mark.parametrize(
    ("changes", "currents"),
    [
        ({"combine": "zip", "parameters": {"sodium.g": {"values": [96, 120]}}}, [None, 1.00001]),
        ({"stimulus": {"kind": "sum", "parts": SUM}}, [0.8, 0.1]),
        ({"stimulus": {"kind": "pulse_train", "amplitude": "150 %", "width": 5, "period": 20}}, [1.5]),
        ({"stimulus": step("1.5 rheobase", holding="-10 percent")}, [1.5, -0.1]),
        (
            {"stimulus": step({"uniform": ["150 %", "150.0001 %"]}), "sample": {"kind": "sobol", "n": 2, "seed": 1}},
            [1.5],
        ),
    ],
)
def test_shares_go_with_all_that_an_experiment_has(changes, currents):
    changes = {"parameters": {"sodium.g": 120}, "solver": {"method": "tsit5", "local_error": 1e-6}} | changes
    row = features(**changes).iloc[-1]
    found = [row[name] for name in row.index if name.endswith("_uA_cm2") and name != "rheobase_uA_cm2"]
    wanted = [share * RHEOBASE for share in currents if share]
    assert found == pytest.approx(wanted, rel=1e-6)


def test_pulses_are_shares_of_the_rheobase_of_a_step():
    train = {"kind": "pulse_train", "amplitude": {"values": ["90 %", "150 %"]}, "width": 5, "period": 20}
    assert features(stimulus=train, parameters={"sodium.g": 120})["spike_count"].tolist() == [0, 5]


def test_shards_hold_the_same_bits(tmp_path):
    e = experiment()
    for shard in ("all", "0", "1"):
        update_shard(e, shard, tmp_path / shard / f"{shard}.parquet", progress=lambda *_: None)
    columns = ["key_low", "rheobase", "steps", "spikes"]
    whole, *halves = (tables.read(tmp_path / shard / f"{shard}.parquet", columns) for shard in ("all", "0", "1"))
    assert all(half.num_rows for half in halves) and whole.equals(pa.concat_tables(halves))


@pytest.mark.parametrize("protocol", ["pacing", "steady_state", "s1s2", "shapes"])
def test_other_protocols_mark_neurons_without_a_rheobase(protocol):
    train = {"kind": "pulse_train", "amplitude": "300 %", "width": 5, "period": 50}
    settings = {"s1s2": {"prebeats": 2, "intervals": [20, 40]}}.get(protocol, {})
    stimulus = step("150 %", start=20) if protocol == "shapes" else train
    found = features(
        parameters={"sodium.g": {"values": [120, 500]}}, stimulus=stimulus, protocol={"kind": protocol} | settings
    )
    assert found["status"].tolist() == ["ok", "no_rheobase"] and found["failed_ms"].isna().all()


def test_a_threshold_is_searched_above_a_relative_holding_current():
    """On a current of 20 % of rheobase less is to be added; without the rheobase there is nothing to search."""
    changes = {"stimulus": {"kind": "step", "holding": "20 %"}, "protocol": {"kind": "rheobase"}}
    found = features(**changes, parameters={"sodium.g": {"values": [120, 500]}})
    assert found["holding_uA_cm2"].iloc[0] == pytest.approx(0.2 * RHEOBASE, rel=2e-8)
    assert found["threshold_uA_cm2"].isna().tolist() == [False, True]


def test_labels_and_pages_say_what_a_share_is():
    e = experiment()
    (axis,) = (axis for axis in figure_context(e).axes if axis.name == "amplitude")
    assert axis.label.split() == ["Injected", "current", "amplitude", "relative", "to", "rheobase", "(%)"]
    assert "which is searched in the run" in live(e, e.solver, None, Payload(), {})


def test_a_grown_grid_searches_new_points_alone(tmp_path, monkeypatch):
    from hhcore.experiments import relative

    searched = []
    own = relative.searched.rheobases
    monkeypatch.setattr(
        relative.searched,
        "rheobases",
        lambda model, points, *a, **k: searched.append(len(points)) or own(model, points, *a, **k),
    )
    first = experiment()
    update_shard(first, "all", tmp_path / "all.parquet", progress=lambda *_: None)
    grown = experiment(stimulus=step({"values": ["99.999 %", "100.001 %", "150 %"]}))
    assert update_shard(grown, "all", tmp_path / "all.parquet", progress=lambda *_: None) == 3
    assert searched == [6, 3]


def test_what_a_search_costs_is_said_before():
    """A rheobase is one of a neuron, however many amplitudes it gets."""
    costs = [estimate(experiment(**changes)).steps for changes in ({}, {"stimulus": step({"values": [1, 2]})})]
    more = experiment(stimulus=step({"values": ["1 %", "2 %", "3 %", "4 %"]}))
    assert costs[0] - costs[1] == estimate(more).steps - 2 * costs[1] == 3 * SEARCH_STEPS


def test_shares_and_currents_are_not_mixed_up_in_the_store():
    """150 % and 150 uA/cm^2 are one number in a point."""
    shares, currents = experiment(), experiment(stimulus=step({"values": [99.999, 100.001]}))
    assert (shares.points(np.arange(6)) == currents.points(np.arange(6))).all()
    assert context_digest(shares) != context_digest(currents)
    assert context_digest(shares) == context_digest(experiment(stimulus=step({"values": ["5 %"]})))


@pytest.mark.parametrize(
    ("changes", "where", "parts"),
    [
        ({"stimulus": step({"values": ["50 %", 0, 3]})}, "stimulus.amplitude", ["3 is not a share", "like 150 %"]),
        ({"stimulus": step({"linspace": ["50 %", 300, 26]})}, "stimulus.amplitude", ["300 is not a share"]),
        ({"stimulus": step({"range": ["50 %", "99 %", 5]})}, "stimulus.amplitude", ["5 is not a share"]),
        ({"stimulus": step({"values": ["50 %", "3 nA"]})}, "stimulus.amplitude", ["'3 nA' is not a share"]),
        ({"stimulus": step("1.5 x rheobase")}, "stimulus.amplitude", ["'1.5 x rheobase' is not", "1.5 rheobase"]),
        ({"stimulus": step("1,5 %")}, "stimulus.amplitude", ["has a comma", "'1.5 %'"]),
        ({"stimulus": step({"scale": "50 %"})}, "stimulus.amplitude.scale", ["no value of its own"]),
        ({"stimulus": step("50 %", start="10 %")}, "stimulus.start", ["'10 %' cannot be converted to ms"]),
        ({"stimulus": {"kind": "shock", "displacement": "150 %"}}, "stimulus.displacement", ["converted to mV"]),
        ({"clamp": step("150 %", holding=-80), "stimulus": None}, "clamp.amplitude", ["cannot be converted to mV"]),
        ({"traces": [{"sodium.g": 120, "amplitude": 12}]}, "traces[0].amplitude", ["12 is not a share of rheobase"]),
        (
            {"stimulus": step(5), "traces": [{"sodium.g": 120, "amplitude": "12 %"}]},
            "traces[0].amplitude",
            ["'12 %' is a share of rheobase", "or this one in uA/cm^2"],
        ),
    ],
)
def test_mistakes(changes, where, parts):
    with pytest.raises(UserError) as caught:
        experiment(**changes)
    message = str(caught.value)
    assert message.startswith(f"experiments.e.{where}: ") and "\n" not in message, message
    assert all(part in message for part in parts), message


def test_a_page_of_a_model_takes_no_shares(tmp_path):
    with pytest.raises(UserError, match="amplitude is a share of rheobase, which a page cannot search"):
        write_lecture(SQUID, tmp_path / "page.html", stimulus="{kind: step, amplitude: 150 %}", duration="50 ms")


def test_mistakes_at_a_prompt():
    for amplitude, part in ((["150 %", 3], "3 is not a share"), ("x %", "'x %' is not a share")):
        with pytest.raises(UserError, match=part):
            hhcore.simulate(SQUID, {}, hhcore.Step(amplitude), duration=20)
