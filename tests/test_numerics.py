"""The error of solvers on a sample of the grid: against SciPy, and what is made of it."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from clamped_squid import rates

import hhcore
from hhcore.base.progress import Progress
from hhcore.certify import calibration, certificate
from hhcore.certify.calibration import calibrate
from hhcore.certify.sample import sample
from hhcore.certify.stability import check_step, fastest_rate
from hhcore.compile.cost import cost, operations
from hhcore.config.reader import read_experiments
from hhcore.protocols.current_clamp.protocol import SPIKE_TIMES
from hhcore.schemes.solver import SCHEMES, Solver
from hhcore.simulation.integration import integrate
from hhcore.simulation.reference import derivative, reference
from hhcore.simulation.result import Ragged
from hhcore.sweep import store
from hhcore.sweep.gather import gather

MODEL = hhcore.load_model("hodgkin_huxley_1952")
TEXTBOOK = {"membrane.V": -65, "sodium.m": 0.05, "sodium.h": 0.6, "potassium.n": 0.32}
EXACT = json.loads((Path(__file__).parent / "data" / "hodgkin_huxley_1952.json").read_text())
FOURTH_SPIKE = EXACT["step_example"]["upward_crossings_of_0_mV_ms"][3]
CONFIG = {
    "model": "hodgkin_huxley_1952",
    "stimulus": {"kind": "step", "amplitude": {"linspace": [0, 40, 41]}},
    "parameters": {"sodium.g": {"linspace": [100, 140, 11]}, "potassium.g": {"values": [32, 36, 40]}},
    "initial_state": "rest",
    "duration": 60,
    "solver": {"tolerance": "1 us"},
}


def experiment(**changes):
    return read_experiments({"experiments": {"e": CONFIG | changes}})["e"]


def evidence(e):
    return calibrate(e, progress=lambda *_: None)


def single(solver: dict, duration: float = 50.0):
    changes = {"stimulus": {"kind": "step", "amplitude": 10}, "parameters": {}, "initial_state": TEXTBOOK}
    return experiment(**changes, duration=duration, solver=solver)


def test_progress_counts_the_solvers_tried(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("hhcore.base.progress.EVERY_S", 0.0)
    given = single({"method": "tsit5", "local_error": 1e-6})
    found = calibrate(given, progress=Progress("e, solvers", tmp_path / "log").tried)
    lines = [line.split(",")[1].strip() for line in capsys.readouterr().err.splitlines()]
    assert len(found.trials) == 2 and lines == [f"solvers: {n} of at most 2 solvers tried" for n in (1, 2)]


# --- operations


KERNEL = """
N = 3

def exp(x):
    x = -1.0 if x < -1.0 else x
    return fma(x, x, 1.0) * 2.0

def derivatives(Z, j):
    v = Z[NEXT_0 + j]
    Z[SLOPE_0 + j] = exp(v) / (v - 3.0)

def slopes(Z):
    for j in range(W):
        derivatives(Z, j)

def attempt(Z):
    slopes(Z)
    for k in range(N):
        for j in range(W):
            Z[NEXT + k * W + j] = 2.0 + t
    slopes(Z)

def accept(Z):
    for j in range(W):
        Z[STATE + j] = Z[NEXT + j]
"""


def test_operations_are_counted_through_calls_and_indices_are_not():
    one = {"load": 1, "divide": 1, "add": 1, "exp": 1, "select": 2, "fma": 1, "multiply": 1}
    assert {kind: n for kind, n in operations(KERNEL, "derivatives").items() if n} == one
    twice = {kind: 2 * n for kind, n in one.items()}
    assert {kind: n for kind, n in operations(KERNEL, "attempt").items() if n} == twice | {"add": 5}
    assert cost(KERNEL) == pytest.approx(2 * (1 * 0.4 + 12 + 1 + 2 + 1 + 1) + 3 + 0.4)


# --- the sample


def test_the_sample_has_corners_and_both_sides_of_changes_of_the_count():
    e = experiment()
    rows = sample(e)
    assert rows.tolist() == sorted(set(rows.tolist())) == sample(e).tolist()
    place = np.array(np.unravel_index(rows, e.shape)).T.tolist()
    assert all([i, j, k] in place for i in (0, 10) for j in (0, 2) for k in (0, 40))
    run = e.protocol.measure(e, Solver("tsit5", 1e-6), e.points(np.arange(e.n_points)))
    counts = np.diff(run.offsets).reshape(e.shape)
    beside = [p for p in place if p[2] < 40 and [p[0], p[1], p[2] + 1] in place]
    assert sum(counts[*p] != counts[p[0], p[1], p[2] + 1] for p in beside) >= 10


def test_a_small_grid_is_its_own_sample():
    assert sample(single({"tolerance": "1 us"})).tolist() == [0]


# --- the choice


def test_the_chosen_solver_meets_the_tolerance_against_scipy():
    e = experiment()
    found = evidence(e)
    assert found.trial.worst * 1000 <= 1.0 and found.agreement < 1e-6
    rows = np.array([3 * 41 + 14, 16 * 41 + 22, 31 * 41 + 40])
    run = e.protocol.measure(e, found.chosen, e.points(rows))
    for i, row in enumerate(rows):
        point = dict(zip(e.quantities, e.points(rows[i : i + 1])[0], strict=True))
        exact = reference(MODEL, point, duration=60).spike_times
        ours = run.spike_times[run.offsets[i] : run.offsets[i + 1]]
        assert len(ours) == len(exact) > 0, row
        assert np.abs(ours - exact).max() < 1e-3


def test_a_solver_that_loses_spikes_in_mid_run_does_not_meet_a_tolerance():
    trains = [np.array([3.0, 20.0, 40.0]), np.array([5.0, 25.0]), np.array([])]
    lost = [trains[0][:1], trains[1][:0], trains[2]]
    e = experiment(parameters={}, stimulus={"kind": "step", "amplitude": {"values": [8, 10, 0]}})
    exact, run = (
        e.protocol.measure(e, Solver("tsit5", 1e-6), e.points(np.arange(3))).adding(
            spikes=Ragged(np.concatenate(spikes), np.r_[0, np.cumsum([len(train) for train in spikes])])
        )
        for spikes in (trains, lost)
    )
    assert calibration._trial(e, Solver("tsit5", 1e-6), exact, exact, np.ones(3, bool)).worst == 0.0
    trial = calibration._trial(e, Solver("tsit5", 1e-6), run, exact, np.ones(3, bool))
    assert trial.worst == 55.0 and trial.differs.tolist() == [True, True, False]  # 60 - 5 ms


def test_a_looser_tolerance_costs_less():
    chosen = [evidence(experiment(solver={"tolerance": t})).trial for t in ("30 us", "1 us", "2 ns")]
    assert chosen[0].cost < chosen[1].cost < chosen[2].cost
    assert chosen[2].worst <= 2e-6


def test_the_error_of_a_given_step_is_that_against_the_reference_data():
    found = evidence(single({"method": "rk4", "dt": 0.04}))
    assert found.chosen == Solver("rk4", 0.04)
    run = hhcore.simulate(MODEL, {}, hhcore.Step(10), duration=50, initial_state=TEXTBOOK, method="rk4", dt=0.04)
    error = np.abs(run.spike_times - EXACT["step_example"]["upward_crossings_of_0_mV_ms"]).max()
    assert found.trial.worst == pytest.approx(error, rel=1e-3)


def test_a_grid_that_does_not_fire_gets_a_fine_solver_unjudged(tmp_path):
    e = experiment(stimulus={"kind": "step", "amplitude": {"linspace": [0, 1, 41]}})
    found = evidence(e)
    assert found.chosen == Solver("tsit5", 1e-6)  # not stiff, though at rest stability limits the steps
    assert not found.reference.any() and found.checked == []
    certificate.write_numerics(e, found, tmp_path / "numerics.parquet")
    says = certificate.certificate(tmp_path / "numerics.parquet")
    assert says["spike_time_error_worst_us"] == says["spike_time_error_median_us"] == "none fires"


def test_neurons_that_scipy_cannot_integrate_stay_unchecked(monkeypatch, tmp_path):
    def fails(*_, **__):
        raise ValueError("f(a) and f(b) must have different signs")

    monkeypatch.setattr("hhcore.simulation.reference.reference", fails)
    e = single({"method": "tsit5", "local_error": 1e-6})
    found = evidence(e)
    assert found.checked == [] and found.trial.worst > 0
    certificate.write_numerics(e, found, tmp_path / "numerics.parquet")
    says = certificate.certificate(tmp_path / "numerics.parquet")
    assert says["reference_checked_by_scipy"] == "none" and says["reference_agreement_us"] == "not checked"


@pytest.mark.parametrize(
    ("differences", "said"),
    [
        ((4.5e-8, 4.3e-8), "0.01"),  # us: one neuron's on x86-64 and on ARM
        ((8.3e-4, 1.04e-3), "0.01"),  # one neuron's with and without a C library that multiplies and adds at once
        ((0.01,), "0.01"),
        ((0.0101, 0.07), "0.1"),
        ((30.0,), "100"),
    ],
)
def test_the_agreement_with_scipy_is_said_without_the_digits_of_the_machine(differences, said):
    assert {certificate.within(difference, SPIKE_TIMES) for difference in differences} == {said}


def test_a_neuron_that_is_silent_while_scipy_looks_is_no_check(monkeypatch):
    """It fires once, late; the other one fires from the beginning."""
    monkeypatch.setattr("hhcore.protocols.current_clamp.protocol.CHECKED_MS", 20.0)
    start = {"kind": "step", "amplitude": 10, "start": {"values": [0, 30]}}
    found = evidence(experiment(stimulus=start, parameters={}, solver={"method": "tsit5", "local_error": 1e-6}))
    assert found.reference.all() and found.checked == [0] and 0 < found.agreement < 1e-6


@pytest.mark.parametrize(
    "start",
    [
        {"membrane.V": -65, "sodium.m": 0.05, "sodium.h": 0.6, "potassium.n": 0.32},
        {"membrane.V": {"values": [-65, -60]}, "from": "rest"},
    ],
    ids=["whole", "swept"],
)
def test_neurons_with_a_stated_initial_state_are_checked(start):
    found = evidence(
        experiment(initial_state=start, parameters={}, solver={"method": "tsit5", "local_error": 1e-6}, duration=30)
    )
    assert found.checked and 0 < found.agreement < 1e-6


def test_a_tolerance_out_of_reach_is_said(monkeypatch):
    monkeypatch.setitem(calibration.LADDERS, "rk4", [0.05, 0.025])  # their errors are above 10 ns
    with pytest.raises(
        hhcore.UserError,
        match=r"tolerance: no solver keeps the spike-time error of 99 % of the sample below 0.001 us",
    ):
        evidence(single({"tolerance": "1 ns", "method": "rk4"}))


def test_a_spike_at_the_very_end_makes_a_neuron_fragile():
    """The fourth spike lies 20 ns before or after the end; rk4 at 0.05 ms puts it 60 ns away."""
    marks = []
    for side in (-2e-5, 2e-5):
        found = evidence(single({"method": "rk4", "dt": 0.05}, FOURTH_SPIKE + side))
        assert found.reference.tolist() == [3 if side < 0 else 4]
        marks.append(bool(found.fragile[0]))
    assert sorted(marks) == [False, True]
    assert not evidence(single({"method": "rk4", "dt": 0.01}, FOURTH_SPIKE + 2e-5)).fragile[0]


# --- stability


def test_the_fastest_rate_is_that_of_the_jacobian_along_the_way():
    e = single({"method": "rk4", "dt": 0.01})
    rate, potential = fastest_rate(e, e.points(np.arange(1)))
    run = reference(MODEL, {"amplitude": 10.0}, duration=50, initial_state=TEXTBOOK)
    expected = 0.0
    for y in run.y.T:
        columns = []
        for k in range(4):
            sides = []
            for side in (1e-5, -1e-5):
                moved = dict(zip(MODEL.states, y, strict=True))
                moved[list(MODEL.states)[k]] += side
                sides.append(np.array(list(derivative(MODEL, moved, {}, 10.0).values())))
            columns.append((sides[0] - sides[1]) / 2e-5)
        expected = max(expected, np.abs(np.linalg.eigvals(np.array(columns).T)).max())
    assert rate == pytest.approx(expected, rel=0.01)
    assert -80 < potential < 50


@pytest.mark.parametrize("ramp", [False, True])
def test_under_a_clamp_the_fastest_rate_is_that_of_the_states_that_are_integrated(ramp):
    """None in steps of the potential, where gates have a closed form; else alpha + beta of a gate."""
    test = {"potential": -90, "duration": 100} | ({"to": 40} if ramp else {})
    clamp = {"kind": "segments", "holding": -65, "segments": {"test": test}}
    body = {"model": MODEL.name, "clamp": clamp, "protocol": {"kind": "voltage_clamp"}, "initial_state": "rest"}
    configs = {"experiments": {"e": body | {"solver": {"method": "rk4", "dt": 3 if not ramp else 0.01}}}}
    e = read_experiments(configs, ".")["e"]
    check_step(e, e.points(np.arange(1)))
    expected = max(sum(pair) for v in np.linspace(-90, 40, 1001) for pair in rates(v).values()) if ramp else 0.0
    assert fastest_rate(e, e.points(np.arange(1)))[0] == pytest.approx(expected, rel=0.01)


def test_the_fastest_rate_is_found_late_in_the_run_too():
    step = {"kind": "step", "amplitude": 20}
    rates = []
    for start in (0, 300):
        e = experiment(
            stimulus=step | {"start": start}, parameters={}, duration=350, solver={"method": "rk4", "dt": 0.01}
        )
        rates.append(fastest_rate(e, e.points(np.arange(1)))[0])
    assert rates[0] == pytest.approx(rates[1], rel=0.01)


def test_the_fastest_rate_of_the_whole_sample_counts():
    """The warmest squid axon rests at rates 3^((T - 6.3) / 10) times those of Hodgkin and Huxley (1952), eq. 20, 21."""
    warm, m_rate = {"linspace": ["6.3 degC", "30 degC", 21]}, 0.1 * 25 / (np.exp(2.5) - 1) + 4
    e = experiment(parameters={"temperature.T": warm}, solver={"method": "rk4", "dt": 0.06})
    with pytest.raises(hhcore.UserError, match="is unstable") as refused:
        evidence(e)
    longest = float(re.search(r"give dt below ([\d.]+) ms", str(refused.value))[1])
    assert longest < SCHEMES["rk4"].stable / (3**2.37 * m_rate)


DRIFT = """[[model]]
c.V = 0
c.m = 0
[c]
time = 0 [ms] bind time
    in [ms]
i = 0 [mV/ms] bind pace
    in [mV/ms]
dot(V) = i - V / 50 [ms]
    in [mV]
    label membrane_potential
dot(m) = exp(V / 10 [mV]) * (V / 100 [mV] - m) / 1 [ms]
"""


def test_the_fastest_rate_of_a_slow_drift_is_found(tmp_path):
    """V creeps from 0 to 50 (1 - exp(-4)) mV; m then follows at exp(V / 10 mV) per ms."""
    (tmp_path / "drift.mmt").write_text(DRIFT)
    step = {"kind": "step", "amplitude": 1}
    changes = {"model": str(tmp_path / "drift.mmt"), "parameters": {}, "initial_state": "model", "duration": 200}
    e = experiment(stimulus=step, solver={"method": "rk4", "dt": 0.5}, **changes)
    assert fastest_rate(e, e.points(np.arange(1)))[0] == pytest.approx(np.exp(5 * (1 - np.exp(-4))), rel=0.1)
    with pytest.raises(hhcore.UserError, match="is unstable"):
        evidence(e)


def test_the_fastest_rate_of_a_model_that_jumps_often_is_found_in_little_memory(tmp_path, monkeypatch):
    """It drifts as before, and jumps 80,000 times besides: the samples are few, and reach the end, where it is fast."""
    path = tmp_path / "drift.mmt"
    path.write_text(DRIFT.replace("/ 1 [ms]", "/ 1 [ms] + if(time % 0.005 [ms] < 0.001 [ms], 1e-9 [1/ms], 0 [1/ms])"))
    changes = {"model": str(path), "parameters": {}, "initial_state": "model", "duration": 200}
    e = experiment(stimulus={"kind": "step", "amplitude": 1}, solver={"method": "rk4", "dt": 0.5}, **changes)
    kept = []

    def watched(*arguments, **settings):
        kept.append(integrate(*arguments, **settings))
        return kept[-1]

    monkeypatch.setattr("hhcore.certify.stability.integrate", watched)
    monkeypatch.setattr("hhcore.certify.stability.MOST_SAMPLED", 2000)
    assert fastest_rate(e, e.points(np.arange(1)))[0] == pytest.approx(np.exp(5 * (1 - np.exp(-4))), rel=0.1)
    assert [run.samples.states.size for run in kept] == pytest.approx([2 * 2000], rel=0.01)


def test_a_model_without_a_time_constant_takes_any_step(tmp_path):
    path = tmp_path / "capacitor.mmt"
    path.write_text(
        "[[model]]\nc.V = 0\n[c]\ntime = 0 [ms] bind time\n    in [ms]\ni = 0 [mV/ms] bind pace\n    in [mV/ms]\n"
        "dot(V) = i\n    in [mV]\n    label membrane_potential\n"
    )
    changes = {"model": str(path), "parameters": {}, "initial_state": "model", "solver": {"method": "rk4", "dt": 1}}
    assert evidence(experiment(**changes)).chosen == Solver("rk4", 1.0)


def test_a_step_beyond_stability_is_refused_with_the_limit():
    with pytest.raises(hhcore.UserError, match=r"solver.dt: 0.2 ms is unstable: .* give dt below 0\.0\d+ ms"):
        evidence(single({"method": "rk4", "dt": 0.2}))


# --- what the tables carry


def test_the_certificate_survives_the_file(tmp_path):
    e, path = experiment(), tmp_path / "numerics.parquet"
    found = evidence(e)
    certificate.write_numerics(e, found, path)
    assert certificate.resolved(e, path).solver == found.chosen
    rows, error, fragile = certificate.sampled(path, e.protocol.accuracy)
    assert rows.tolist() == found.neurons.tolist() and fragile.tolist() == found.fragile.tolist()
    assert error == pytest.approx(found.trial.error * 1000, nan_ok=True)
    says = certificate.certificate(path)
    assert float(says["spike_time_error_worst_us"]) == pytest.approx(found.trial.worst * 1000, rel=0.01)
    assert says["tolerance_us"] == "1" and int(says["reference_runs"]) == len(rows)


def test_certify_all_estimates_the_error_of_every_neuron(tmp_path):
    e = experiment(solver={"method": "rk4", "dt": 0.05, "certify": "all"}, parameters={})
    reported = []
    store.update_shard(e, "all", tmp_path / "all.parquet", progress=lambda done, total: reported.append(done))
    assert reported == sorted(reported) and reported[-1] == e.n_points
    assert e.n_points // 2 in reported, "after the first of two runs"
    (found,) = gather(e, [tmp_path / "all.parquet"], [range(e.n_points)])
    assert not np.isnan(found.fragile).any()
    for i in (10, 40):
        exact = reference(MODEL, {"amplitude": 1.0 * i}, duration=60).spike_times
        error = np.abs(found.spike_times[found.offsets[i] : found.offsets[i + 1]] - exact).max()
        assert found.error[i] == pytest.approx(error, rel=0.05)
