"""What jobs are said to need, before the run, against what they take."""

import time
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from hhcore.base.errors import UserError
from hhcore.certify import expected
from hhcore.certify.calibration import calibrate
from hhcore.config.reader import read_experiments
from hhcore.experiments.experiment import Experiment
from hhcore.figures.context import figure_context
from hhcore.model.model import load_model
from hhcore.protocols.pacing.protocol import most_beats
from hhcore.protocols.sensitivity import Sobol
from hhcore.results import resources
from hhcore.schemes.solver import Solver
from hhcore.simulation.integration import integrate
from hhcore.sweep import estimate as costs
from hhcore.sweep import speed
from hhcore.sweep.estimate import estimate
from hhcore.sweep.store import update_shard

STEP = {"kind": "step", "amplitude": {"linspace": [0, 20, 5]}}
PASS = ("neurons", "fi")
PULSES = {"kind": "pulse_train", "amplitude": 20, "width": 1, "period": {"values": [25, 10, 20]}}


def experiment(**changes):
    config = {
        "model": "hodgkin_huxley_1952",
        "stimulus": STEP,
        "initial_state": "model",
        "duration": 100,
        "solver": {"method": "tsit5", "local_error": 1e-6},
    }
    return read_experiments({"experiments": {"e": config | changes}})["e"]


def steps(e) -> float:
    """As estimated, of a neuron in one ms."""
    return estimate(e).steps / (e.n_points * e.duration * e.model.ms)


@pytest.mark.parametrize(
    ("method", "accuracy"),
    [("tsit5", 1e-4), ("tsit5", 1e-6), ("tsit5", 1e-9), ("dop853", 1e-8), ("rodas5p", 1e-7), ("rk4", 0.025)],
)
def test_steps_are_estimated_to_a_factor_of_two(method, accuracy):
    e = experiment(solver={"method": method, "dt" if method == "rk4" else "local_error": accuracy})
    taken = e.protocol.measure(e, e.solver, e.points(np.arange(e.n_points))).steps.mean() / e.duration
    assert taken / 2 < steps(e) < 2 * taken


def clamped(model="hodgkin_huxley_1952", **test) -> Experiment:
    """A long test segment between two others, at six potentials."""
    test = {"potential": {"range": [-60, 40, 20]}, "duration": 500, **test}
    segments = {
        "before": {"potential": -80, "duration": 100},
        "test": test,
        "after": {"potential": -80, "duration": 50},
    }
    config = {"model": model, "clamp": {"kind": "segments", "holding": -80, "segments": segments}}
    return read_experiments(
        {"experiments": {"e": config | {"initial_state": "rest", "solver": {"tolerance": "1 ppm"}}}}
    )["e"]


@pytest.mark.parametrize("model", ["hodgkin_huxley_1952", "destexhe_1996"])
@pytest.mark.parametrize("duration", [5, 50_000])
def test_steps_of_a_clamp_go_with_its_segments_not_with_their_length(model, duration):
    """All states of the squid axon have closed forms; calcium of the other model is integrated."""
    e, solver = clamped(model, duration=duration), Solver("rodas5p", 1e-6)
    taken = e.protocol.measure(e, solver, e.points(np.arange(e.n_points))).steps.mean()
    assert taken / 3 < costs.steps_of(e, solver) < 3 * taken


def test_a_clamp_is_said_to_cost_alike_before_and_after_its_speed_is_known(monkeypatch):
    """One neuron-step of such a kernel takes 0.1 ms, since it is as long as a segment and has hundreds of samples."""
    e, said = clamped(duration=100_000), []
    for speed_ in (None, 1e4):
        monkeypatch.setattr(costs, "measured_speed", lambda experiment, method, found=speed_: found)
        said.append((estimate(e).core_s, expected.calibration_s(e)))
    before, after = np.array(said)
    assert (before < 10 * after).all() and (after < 10 * before).all()
    assert after.max() < 1  # 6 neurons with 5 steps: a hundred steps with those of calibration
    assert resources.shard_minutes(e) == 10 and resources.calibration_minutes(e) == 30  # the least


def test_tables_of_a_clamp_take_the_time_of_their_fits():
    """A fit takes milliseconds; 60,000 courses take minutes, where the pass alone takes seconds."""
    plain = clamped(potential={"linspace": [-60, 40, 60_000]})
    fitted = replace(plain, protocol=replace(plain.protocol, time_constants=("test",), activation=("test",)))
    passing, both = (resources.work_s("tables", e) for e in (plain, fitted))
    assert 1 < (both - passing) / (60_000 * 1e-3) < 20


def test_calibration_takes_about_as_many_steps_as_estimated(monkeypatch):
    e = experiment(duration=500, solver={"tolerance": "1 us"}, parameters={"leak.g": {"linspace": [0.2, 0.4, 40]}})
    taken, measure = [], type(e.protocol).measure

    def counting(*arguments, **options):
        result = measure(*arguments, **options)
        taken.append(result.steps.sum())
        return result

    monkeypatch.setattr(type(e.protocol), "measure", counting)
    calibrate(e, progress=lambda *_: None)
    monkeypatch.setattr(expected, "CHECKED_MS", 0.0)
    monkeypatch.setattr(costs, "measured_speed", lambda experiment, method: 1.0)
    assert sum(taken) / 2 < expected.calibration_s(e) < 2 * sum(taken)


def test_the_fastest_rate_of_a_model_is_that_of_its_gate():
    """Hodgkin and Huxley 1952 at rest: the rates of m add up to 0.224 + 4 per ms; the potential adds a little to it."""
    assert 4.2 < expected._fastest_rate(load_model("hodgkin_huxley_1952")) < 5


def test_the_speed_that_a_shard_notes_is_in_core_time_and_makes_the_estimate(monkeypatch, tmp_path):
    """Waiting for a core is not slowness. By the clock on the wall, the 3 s that the calls wait would count."""
    noted = {}
    monkeypatch.setattr(speed, "keep", lambda path, text: noted.update({path: text}))
    monkeypatch.setattr(speed, "kept", lambda path: noted[path].encode())
    e = experiment(duration=2000, parameters={"leak.g": {"linspace": [0.2, 0.4, 100]}})

    def waiting(*arguments, **options):
        time.sleep(0.2)
        return integrate(*arguments, **options)

    monkeypatch.setattr("hhcore.simulation.threads.CHUNK", 32)
    monkeypatch.setattr("hhcore.simulation.simulate.integrate", waiting)
    said, before = [], time.process_time()
    update_shard(e, "all", tmp_path / "all.parquet", progress=lambda *_: None, note=said.append)
    core_s = float(said[0].split()[0])
    assert core_s < time.process_time() - before
    assert core_s / 2 < estimate(e).core_s < core_s * 2  # as far off as the number of steps


@pytest.mark.parametrize("content", [b"0", b"nan", b"-1e6", b"inf", b"", b"fast"])
def test_a_file_without_a_speed_counts_as_none(content, monkeypatch):
    def missing(path):
        raise FileNotFoundError

    costs = []
    for kept in (lambda path: content, missing):
        monkeypatch.setattr(speed, "kept", kept)
        costs.append(estimate(experiment()).core_s)
    assert costs[0] == costs[1] > 0


@pytest.mark.parametrize("duration", [1e300, "1e12 s"])
def test_work_without_end_is_refused_in_hours_and_shards(duration):
    """5 neurons, by SI: 1e12 s are 1e15 ms. Before, 8 GB of memory, or eight million shards."""
    with pytest.raises(
        UserError, match=r"experiments.e: 5 neurons and 5e.* h on one core, in .* shards; at most 16,384"
    ):
        estimate(experiment(duration=duration))


@pytest.mark.parametrize(("method", "tolerance"), [("rk4", "1 us"), ("rk4", "0.01 us"), ("tsit5", "0.1 us")])
def test_steps_for_a_tolerance_are_enough_for_the_solver_that_is_chosen(method, tolerance):
    e = experiment(solver={"method": method, "tolerance": tolerance})
    chosen: Solver = calibrate(e, progress=lambda *_: None).chosen
    taken = e.protocol.measure(e, chosen, e.points(np.arange(e.n_points))).steps.mean() / e.duration
    assert taken / 1.5 < steps(e) < 8 * taken


def test_certifying_all_neurons_takes_both_runs_and_the_memory_of_both():
    one, both = experiment(), experiment(solver={"method": "tsit5", "local_error": 1e-6, "certify": "all"})
    coarse, finer = (
        one.protocol.measure(one, s, one.points(np.arange(5))).steps.sum() for s in (one.solver, one.solver.finer)
    )
    assert steps(both) / steps(one) == pytest.approx(1 + finer / coarse, rel=0.2)
    large = {"stimulus": STEP | {"amplitude": {"linspace": [0, 20, 10_000]}}, "duration": 1000}
    once, twice = (experiment(**large, solver={"method": "rk4", "dt": 0.1, "certify": c}) for c in ("sample", "all"))
    assert len(estimate(once).shards) == len(estimate(twice).shards) == 1
    assert 1.7 < (resources.shard_mb(twice) - 500) / (resources.shard_mb(once) - 500) < 2


def test_memory_of_a_shard_grows_with_what_a_neuron_keeps():
    """Of 100,000 neurons: 8 bytes a number, four times; 150 spikes in a second, eight numbers of a beat."""
    many = {"duration": 1, "parameters": {"leak.g": {"linspace": [0.2, 0.4, 100_000]}}}
    own = 10 + 4 + 4  # parameters; amplitude, start, stop and holding level; states
    small = experiment(**many, stimulus=STEP | {"amplitude": 10})
    assert resources.shard_mb(small) == pytest.approx(500 + 0.1 * (400 + 32 * (own + 0.15)), abs=1)
    longer = experiment(**many | {"duration": 101}, stimulus=STEP | {"amplitude": 10})
    assert len(estimate(longer).shards) == 1
    assert resources.shard_mb(longer) - resources.shard_mb(small) == pytest.approx(0.1 * 32 * 15, abs=1)
    paced = experiment(stimulus=PULSES)
    assert most_beats(paced) == 10  # of 1 ms, each 10 ms, in 100 ms
    assert most_beats(experiment(stimulus=PULSES | {"number": 3})) == 3
    assert resources.rows(experiment(stimulus=PULSES | {"number": 3}))["beats"] == 9


def test_memory_for_tables_has_room_for_whole_curves_of_long_runs():
    """Three row blocks are in memory, and a block holds a curve of five neurons, at 150 spikes a second in the end."""
    short, long = (resources.tables_mb(experiment(duration=ms), PASS) for ms in (1e3, 1e8))
    spikes = 5 * 150 * 1e8 / 1e3
    assert long - short > 3 * 8 * spikes / 1e6 and short < 2100


def test_tables_figures_and_indices_take_longer_for_more_neurons():
    stimulus = STEP | {"amplitude": {"linspace": [0, 20, 100]}}
    axes = [{"leak.g": {"linspace": [0.2, 0.4, n]}} for n in (10, 10**6)]
    few, many = (experiment(stimulus=stimulus, parameters=axis, duration=1000) for axis in axes)
    assert resources.tables_minutes(few, PASS) < resources.tables_minutes(many, PASS)
    assert resources.figures_minutes(few) < resources.figures_minutes(many)
    assert Sobol(few).minutes() < Sobol(many).minutes() and Sobol(few).megabytes() < Sobol(many).megabytes()
    assert resources.calibration_minutes(few) == resources.calibration_minutes(many)
    assert resources.tables_minutes(many, PASS) == 134 and resources.figures_mb(many) < 4000


@pytest.mark.parametrize("certify", ["sample", "all"])
@pytest.mark.parametrize("sizes", [(30, 20, 15), (700, 400), (9, 9, 9, 9), (90_000,), (4, 2, 3, 3, 3)])
def test_figures_hold_no_more_rows_than_is_said(sizes, certify):
    names = ("leak.g", "sodium.g", "potassium.g", "membrane.C")
    parameters = {n: {"linspace": [0.9, 1.1, size]} for n, size in zip(names, sizes[1:], strict=False)}
    solver = {"method": "rk4", "dt": 0.05, "certify": certify}
    e = experiment(stimulus=STEP | {"amplitude": {"linspace": [0, 20, sizes[0]]}}, parameters=parameters, solver=solver)
    fragile = pa.array([False if certify == "all" else None] * e.n_points, pa.bool_())
    rows = pa.RecordBatch.from_pydict(e.coordinates(range(e.n_points)) | {"fragile": fragile})
    assert figure_context(e).shows(rows).sum() <= 1.05 * resources.figure_rows(e)


def test_rows_of_tables():
    e = experiment(parameters={"leak.g": {"values": [0.2, 0.3, 0.4]}}, traces=[{"amplitude": 3, "leak.g": 0.3}])
    expected = {"features": 15, "failures": 0, "fi_curves": 15, "fi_summary": 3, "traces": 4000, "spikes": 0}
    expected["numerics"] = 0  # few: one for each solver tried and neuron of the sample
    assert resources.rows(e) == expected
