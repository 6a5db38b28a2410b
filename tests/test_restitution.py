"""Restitution: against plain runs one after the other, the Web Lab's numbers, curves with a formula; wrong configs."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml
from test_annotations import CELLML

import hhcore
from hhcore import PulseTrain, UserError
from hhcore.config.reader import read_experiments
from hhcore.experiments.experiment import Experiment
from hhcore.figures import style
from hhcore.figures.context import FigureContext, Variable
from hhcore.figures.titles import trace_titles
from hhcore.protocols.restitution import dynamic, figures
from hhcore.protocols.restitution.points import repeats, responses, slopes
from hhcore.protocols.restitution.refine import Responses
from hhcore.protocols.restitution.runs import folded, folded_schema, taken, unfolded
from hhcore.protocols.sensitivity.noise import Errors
from hhcore.protocols.steady_state.protocol import RECORDED
from hhcore.protocols.traces.table import write_traces
from hhcore.results.summary import what_was_run
from hhcore.simulation.result import Ragged, Result, same_columns
from hhcore.simulation.simulate import simulate, trace

PULSE = {"kind": "pulse_train", "amplitude": 80, "width": 0.5}
S1S2 = {"kind": "s1s2", "prebeats": 5, "intervals": [600, 420, 370, 300]}
DYNAMIC = {"kind": "dynamic_restitution", "prebeats": 5, "cycle_lengths": [400, 350], "carry_over": True}
SOLVER = {"method": "rodas5p", "local_error": 1e-8}


def experiment(protocol: dict, **changes) -> Experiment:
    body = {
        "model": "luo_rudy_1991",
        "protocol": protocol,
        "stimulus": PULSE,
        "initial_state": "model",
        "solver": SOLVER,
    }
    if protocol["kind"] == "s1s2":
        body |= {"stimulus": PULSE | {"period": 1000}, "duration": 1200}
    (found,) = read_experiments({"experiments": {"e": body | changes}}).values()
    return found


def measured(e: Experiment) -> Result:
    return e.protocol.measure(e, e.solver, e.points(np.arange(e.n_points)))


def table(e: Experiment, result: Result) -> pd.DataFrame:
    return pd.DataFrame(e.protocol.points(result))


def paced(period: float, beats: int, start: object = "model") -> np.ndarray:
    """The state of Luo and Rudy's cell after so many beats, float64 (1, N)."""
    train = PulseTrain(80, 0.5, period)
    return simulate("luo_rudy_1991", {}, train, duration=beats * period, initial_state=start, **SOLVER).final


def pulses(start: np.ndarray, period: float, number: int, duration: float) -> pd.DataFrame:
    train = PulseTrain(80, 0.5, period, number=number)
    return simulate("luo_rudy_1991", {}, train, duration=duration, initial_state=start, **SOLVER).beats


def test_s1s2_is_pacing_and_then_a_run_of_its_own():
    e = experiment(S1S2)
    ours, start = table(e, measured(e)), paced(1000, 5)
    assert ours["interval_ms"].tolist() == [600, 420, 370, 300] and (ours["paced_beats"] == 5).all()
    for row in ours.to_dict("records"):
        theirs = pulses(start, row["interval_ms"], 2, 1200).iloc[1]
        assert row["beat_status"] == theirs["beat_status"]
        for name in ("apd90_ms", "apd50_ms", "diastolic_interval_ms", "ap_peak_mV"):
            np.testing.assert_allclose(row[name], theirs[name], atol=1e-3)
    assert ours["captured"].tolist() == [True, True, False, False]


def test_intervals_are_added_where_the_duration_changes_and_where_capture_ends():
    e = experiment(S1S2 | {"refine": "20 ms", "capture": "1 ms"})
    result = measured(e)
    ours = table(e, result)
    written = ours[~ours["refined"]]
    assert written["interval_ms"].tolist() == [600, 420, 370, 300] and ours["refined"].any()
    fired = ours[ours["captured"]]
    far = -fired["interval_ms"].diff() >= 1
    assert (fired["apd90_ms"].diff().abs()[far] <= 20).all()
    (shortest,) = e.protocol.columns(result)["shortest_interval_ms"]
    start = paced(1000, 5)
    statuses = [pulses(start, shortest - less, 2, 1200)["beat_status"][1] for less in (0, 1)]
    assert statuses == ["ok", "no_action_potential"]


def test_intervals_are_added_without_a_search_for_capture_too():
    e = experiment(S1S2 | {"refine": 20})
    fired = (ours := table(e, measured(e)))[ours["captured"]]
    assert ours["refined"].any() and not (fired["apd90_ms"].diff().abs() > 20).any()


SAMPLE = {"sample": {"kind": "sobol", "n": 4, "seed": 1}}


@pytest.mark.parametrize(
    ("protocol", "period", "duration"),
    [
        (DYNAMIC, {}, lambda longest: dynamic.BEATS * 400),
        (S1S2, {"period": {"uniform": [700, 900]}}, lambda longest: 600 + longest),
        ({"kind": "steady_state"}, {"period": {"normal": [800, 30]}}, lambda longest: RECORDED * longest),
    ],
    ids=["dynamic", "s1s2", "steady_state"],
)
def test_a_run_that_the_protocol_times_is_as_long_as_the_longest_sampled_period_asks_for(protocol, period, duration):
    stimulus = {"kind": "pulse_train", "amplitude": {"normal": [80, 5]}, "width": 0.5} | period
    body = {"model": "luo_rudy_1991", "initial_state": "model", "protocol": protocol, "solver": SOLVER}
    (e,) = read_experiments({"experiments": {"e": body | SAMPLE | {"stimulus": stimulus}}}).values()
    columns = dict(zip(e.quantities, e.points(np.arange(4)).T, strict=True))
    assert e.duration == duration(columns["period"].max()) and len({*columns["amplitude"]}) == 4
    assert np.isfinite(e.protocol.simulated_ms(e))


def test_rows_do_not_depend_on_neighbours():
    e = experiment(S1S2 | {"refine": 20, "capture": 5}, parameters={"calcium.g": {"scale": {"values": [0.9, 1, 1.1]}}})
    together = measured(e)
    for row in range(3):
        alone = e.protocol.measure(e, e.solver, e.points(np.array([row])))
        assert same_columns(taken(together.record, np.array([row])), alone.record)


def test_luo_and_rudys_cell_is_bistable_at_350_ms():
    """From the state in its file it follows every second pulse, carried over from 400 ms every one."""
    for carry_over, response in ((True, "1:1"), (False, "2:1")):
        protocol = {k: v for k, v in DYNAMIC.items() if k != "prebeats"} | {"carry_over": carry_over}
        e = experiment(protocol)
        ours = table(e, measured(e))
        assert ours["response"].tolist()[-1] == response and (ours["carried_over"] == carry_over).all()
    start = paced(350, 30, paced(400, 30))
    assert pulses(start, 350, 4, 1400)["beat_status"].tolist()[1:] == ["ok"] * 3
    blocked = pulses(paced(350, 40), 350, 4, 1400)["beat_status"] == "no_action_potential"
    assert blocked.tolist() in ([True, False] * 2, [False, True] * 2)


@pytest.mark.parametrize("prebeats", [20, 21])
def test_at_block_the_action_potential_is_whole_whichever_stimulus_it_follows(prebeats):
    """Luo and Rudy's at 310 ms, 2:1: one of the two runs ends within an action potential, of 400 ms."""
    protocol = {"kind": "dynamic_restitution", "cycle_lengths": [310], "carry_over": False, "prebeats": prebeats}
    e = experiment(protocol, stimulus={"kind": "pulse_train", "amplitude": 25.5, "width": 2})
    ours = table(e, measured(e))
    assert ours["beat_status"].tolist() == ["ok", "depolarised_at_onset"] and 390 < ours["apd90_ms"].max() < 410


def traced(e: Experiment, folder: Path) -> np.ndarray:
    """When the trace of an experiment rises through 0 mV for the first time in 200 ms: an upstroke, not a dome."""
    write_traces(e, {}, folder / "traces.parquet")
    course = pd.read_parquet(folder / "traces.parquet")
    rises = course.time_ms.to_numpy()[1:][np.diff((course["membrane_V_mV"] > 0).astype(int)) == 1]
    return rises[np.diff(rises, prepend=-np.inf) > 200]


@pytest.mark.parametrize(("carry_over", "apart"), [(True, 350), (False, 700)])
def test_a_trace_of_dynamic_restitution_ends_the_course_of_the_table(carry_over, apart, tmp_path):
    """The last cycle length, where Luo and Rudy's cell is bistable: as carried over from 400 ms, 1:1, and 2:1."""
    e = experiment(DYNAMIC | {"cycle_lengths": [400, 350], "carry_over": carry_over, "prebeats": 30}, traces=[{}])
    np.testing.assert_allclose(np.diff(traced(e, tmp_path)), apart, atol=3)


def test_the_title_of_a_trace_leaves_out_what_the_protocol_sets():
    e = experiment(DYNAMIC | {"cycle_lengths": [350, 400]}, traces=[{}])
    assert trace_titles(e) == ("amplitude = 80 µA/cm², width = 0.5 ms",)


def test_a_trace_of_s1s2_has_s2(tmp_path):
    e = experiment(S1S2 | {"intervals": [600, 420]}, traces=[{}])
    np.testing.assert_allclose(traced(e, tmp_path), [0, 420], atol=3)


def test_dynamic_restitution_is_pacing_and_then_a_run_of_its_own():
    e = experiment(DYNAMIC)
    ours, start = table(e, measured(e)), "model"
    for length in (400, 350):
        beats = pulses(paced(length, 5, start), length, 9, 9 * length)
        row = ours[ours["cycle_length_ms"] == length].iloc[-1]
        for name in ("apd90_ms", "diastolic_interval_ms"):
            np.testing.assert_allclose(row[name], beats[name].iloc[-1], atol=1e-3)
        start = paced(length, 14, start)


def test_so_many_prebeats_have_a_response_though_the_state_drifts():
    e = experiment(DYNAMIC | {"cycle_lengths": [500, 400]})
    result = measured(e)
    ours, features = table(e, result), e.protocol.columns(result)
    assert ours["response"].tolist() == ["1:1", "1:1"] and ours["residual"].max() > 1e-6
    assert features["shortest_cycle_length_ms"] == [400] and np.isnan(features["alternans_ms"])


# APD90 after diastolic intervals of the Web Lab's Luo and Rudy 1991: ModellingWebLab/weblab-fc, commit 602a1e6,
# test/output/real/luo_rudy_1991/S1S2; its stimulus is 25.5 uA/cm^2 for 2 ms, and S2 comes 2000, ... 400 ms after S1.
WEB_LAB = {2000: 366.916, 1000: 361.918, 700: 347.637, 500: 314.944, 450: 295.172, 410: 268.132, 390: 246.778}


def test_newtons_method_finds_what_long_pacing_does():
    settle = {"kind": "dynamic_restitution", "cycle_lengths": [700, 500], "carry_over": True}
    ours, theirs = (
        table(e, measured(e)) for e in map(experiment, ({**settle, "by": "newton"}, {**settle, "prebeats": 60}))
    )
    assert (ours["repeat_beats"] == 1).all() and (ours["paced_beats"] < 60).all()
    np.testing.assert_allclose(ours["apd90_ms"], theirs["apd90_ms"], atol=1e-4)


def test_s1s2_of_luo_and_rudy_agrees_with_the_web_lab():
    """Theirs are within 1 % of ours, and closer if the potential is sampled and judged as theirs is."""
    stimulus = {"kind": "pulse_train", "amplitude": 25.5, "width": 2, "period": 1000}
    e = experiment(S1S2 | {"prebeats": 1000, "intervals": [*WEB_LAB]}, stimulus=stimulus, duration=3000)
    result, theirs = measured(e), [*WEB_LAB.values()]
    np.testing.assert_allclose(table(e, result)["apd90_ms"], theirs, rtol=0.01)
    sampled = [_sampled_duration(result.final, interval) for interval in WEB_LAB]
    np.testing.assert_allclose(sampled, theirs, rtol=0.005)
    np.testing.assert_allclose(sampled, theirs, atol=1.2)


def _sampled_duration(settled: np.ndarray, interval: int) -> float:
    """APD90 of S2 from samples each 1 ms: from the steepest rise, and towards the lowest potential before S2."""
    train = PulseTrain(25.5, 2, interval, number=2)
    course = trace("luo_rudy_1991", {}, train, duration=3000, initial_state=settled, interval=1, **SOLVER)
    _, first = np.unique(course["time"], return_index=True)  # there are two rows at an edge
    potential = course["membrane.V"][first][course["time"][first] % 1 == 0]
    s2, rest = potential[interval:], potential[: interval + 1].min()
    level, peak = rest + 0.1 * (s2.max() - rest), s2.argmax()
    after = peak + np.argmax(s2[peak:] < level)
    end = after - (level - s2[after]) / (s2[after - 1] - s2[after])
    return end - np.diff(s2).argmax()


def test_scipy_finds_the_same_end_of_an_action_potential():
    for protocol in (S1S2, DYNAMIC):
        e = experiment(protocol, block={"calcium.g": "20 %"})
        assert e.protocol.check(e, e.points(np.arange(1))[0], measured(e), 0, ("LSODA", 1e-8)) < 0.005


# --- curves with a formula


def exponential(interval: np.ndarray) -> np.ndarray:
    """A restitution curve whose slope is exp(-interval / 50) * 2."""
    return 300 - 100 * np.exp(-interval / 50)


def rows(interval: np.ndarray, duration: np.ndarray, neuron: int = 0) -> dict[str, np.ndarray]:
    slope = np.r_[np.nan, np.diff(duration) / np.diff(interval)]
    return {
        "neuron": np.full(len(interval), neuron),
        "point": np.arange(len(interval)),
        "diastolic_interval_ms": interval,
        "apd90_ms": duration,
        "slope": slope,
    }


def test_the_slope_of_an_exponential_curve_crosses_1_at_50_log_2():
    interval = np.linspace(200, 5, 391)
    found = slopes(rows(interval, exponential(interval)), 2)
    np.testing.assert_allclose(found["unit_slope_ms"], [50 * np.log(2), np.nan], atol=1e-3)
    np.testing.assert_allclose(found["max_slope"], [2 * np.exp(-5.25 / 50), np.nan], atol=1e-3)


def test_graded_responses_near_the_refractory_period_have_no_slope():
    """Luo and Rudy's cell from 373 to 371 ms: peaks of 8 to 2 mV, after 38 mV before, and a slope of 40."""
    e = experiment(
        S1S2 | {"intervals": [800, 700, 500, 400, 390, 373, 372, 371.5]}, solver=SOLVER | {"local_error": 1e-6}
    )
    result = measured(e)
    ours = table(e, result)
    graded = ours["diastolic_interval_ms"] < 19
    assert ours["captured"].all() and ours["slope"][graded].isna().all() and graded.sum() == 3
    assert ours["slope"][~graded][1:].notna().all() and 1 < e.protocol.columns(result)["max_slope"][0] < 2


def test_a_low_action_potential_is_not_graded():
    """Ten Tusscher and Panfilov's rises to 8 mV instead of 38 after 35 ms, where its curve is steepest: above 1."""
    own = {"model": "ten_tusscher_panfilov_2006", "stimulus": {"kind": "pulse_train", "amplitude": 52, "width": 1}}
    own["stimulus"]["period"] = 1000
    e = experiment({"kind": "s1s2", "prebeats": 3, "intervals": [400, 370, 350, 340, 335]}, **own)
    ours = table(e, measured(e))
    assert ours["ap_peak_mV"].iloc[-1] < 15 and ours["slope"][1:].notna().all()
    durations, intervals = ours["apd90_ms"].to_numpy(), ours["diastolic_interval_ms"].to_numpy()
    steepest = (np.diff(durations) / np.diff(intervals)).max()
    assert e.protocol.columns(measured(e))["max_slope"][0] == pytest.approx(steepest) and steepest > 1


def test_a_response_counts_stimuli_and_action_potentials():
    found = responses(
        {
            "neuron": np.array([0, 0, 0, 0, 0, 1, 1]),
            "point": np.array([0, 1, 1, 2, 2, 0, 0]),
            "captured": np.array([True, True, True, True, False, True, False]),
            "repeat_beats": np.ma.masked_equal([1, 2, 2, 2, 2, 0, 0], 0),
        }
    )
    assert found.tolist() == ["1:1", "2:2", "2:2", "2:1", "2:1", "irregular", "irregular"]


def test_beats_that_have_not_settled_still_repeat():
    """Each of the last four is like that so many before: of rows of nine APD90, 0 where a pulse is blocked."""
    rows = {
        1: [9, 290, 280, 279, 278.6, 278.4, 278.2, 278.1, 278],
        2: [9, 250, 230, 252, 228, 252.1, 227.9, 252.2, 227.8],
        3: [9, 200, 0, 210, 200, 0, 210, 200, 0],
        4: [9, 203, 202, 201, 0, 203, 202, 201, 0],
        0: [9, 220, 230, 218, 232, 216, 234, 214, 236],
    }
    apd = np.array([*rows.values()], dtype=float)
    status = np.where(apd > 0, "ok", "no_action_potential").ravel()
    beats = {"apd90_ms": np.where(apd > 0, apd, np.nan).ravel(), "beat_status": status}
    assert repeats(beats, 9).tolist() == [*rows]


def tried(interval: list[float], shortest: float, neuron: int = 0) -> Responses:
    """Responses of a cell that captures from an interval on; its APD90 is the interval."""
    interval = np.array(interval)
    captures = interval >= shortest
    known = np.where(captures, interval, np.nan)
    everywhere = np.ones(len(interval), dtype=bool)
    return Responses(np.full(len(interval), neuron), interval, known, captures, everywhere, ~everywhere)


@pytest.mark.parametrize("begin", [[500.0, 100.0], [500.0], [100.0]], ids=["between", "below", "above"])
def test_bisection_finds_the_shortest_interval_that_captures(begin):
    known = tried(begin, 271.3)
    for _ in range(20):
        neuron, interval = known.at_capture(0.1, np.array([2.0]), np.array([1000.0]))
        if not len(neuron):
            break
        known = Responses.joined([known, tried(interval.tolist(), 271.3)])
    shortest = known.interval[known.captured].min()
    assert 271.3 <= shortest <= 271.4 and len(known.interval) < 20


def test_neighbours_whose_durations_differ_are_bisected_until_they_are_close():
    known = tried([100.0, 200.0, 500.0], 150.0)
    for _ in range(9):
        neuron, interval = known.between(40.0, closest=5.0)
        known = Responses.joined([known, tried(interval.tolist(), 150.0)])
    fired = known.interval[known.captured]
    assert np.diff(fired).max() <= 40 and np.diff(fired).min() >= 5 and 100.0 in known.interval


def test_runs_come_back_from_the_store():
    schema = pa.schema([("level", pa.float64()), pa.field("times", pa.large_list(pa.float64()))])
    record = {"level": np.arange(5.0), "times": Ragged.of(np.arange(8.0), np.array([1, 0, 3, 2, 2]))}
    counts = np.array([2, 0, 3])
    stored = folded(record, schema, counts)
    assert {*stored} == {*folded_schema(schema).names} and all(len(x.counts) == 3 for x in stored.values())
    assert same_columns(unfolded(stored, schema), record)


def test_errors_of_a_shortest_interval_count_how_closely_it_was_searched():
    """That of two ends of action potentials within 0.01 ms, and the step of the search, or of what is in the config."""
    for protocol, step in ((S1S2 | {"capture": "0.1 ms"}, 0.1), (S1S2, 180), (S1S2 | {"intervals": [600]}, np.nan)):
        errors = Errors(0.01, {}, (e := experiment(protocol)).protocol.resolution(e))
        found = errors.of("shortest_interval_ms", "ms", np.array([371.0]), np.nan)
        np.testing.assert_allclose(found, 0.02 + step)
    e = experiment(DYNAMIC | {"cycle_lengths": [400, 350, 330, 350]})
    assert e.protocol.resolution(e)["shortest_cycle_length_ms"] == 50


# --- the page, tables and figures


def test_the_page_on_restitution_does_what_it_says(tmp_path):
    page = (Path(__file__).parents[1] / "docs/pacing.md").read_text()
    configs = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(experiments:.*?)```", page, re.DOTALL)]
    experiments = {name: body for config in configs for name, body in config["experiments"].items()}
    said = dict(re.findall(r"^\| `(true|false)` \| (.*) \|$", page, re.MULTILINE))
    for carry_over, row in said.items():
        body = experiments["dynamic"]
        body = body | {"protocol": body["protocol"] | {"carry_over": carry_over == "true"}}
        (e,) = read_experiments({"experiments": {"dynamic": body}}).values()
        assert " | ".join(table(e, measured(e)).drop_duplicates("point")["response"]) == row
    run = hhcore.run({"experiments": {"premature": experiments["premature"]}}, results=tmp_path, progress=False)
    fired = run.restitution[run.restitution["captured"]].groupby("neuron")["interval_ms"].min()
    assert run.features["shortest_interval_ms"].tolist() == fired.tolist() and len(fired) == 2
    page = (tmp_path / "premature/summary.html").read_text()
    assert (
        "by S1, before each interval of S2, for 20 beats" in page
        and "1000, 900, 800, 700, 600, 500, 400, 300 ms" in page
    )
    assert {path.stem for path in run["premature"].save_figures()} >= {"restitution", "apd_interval"}


def test_the_page_on_dynamic_restitution_says_the_cycle_lengths():
    e = experiment(DYNAMIC | {"cycle_lengths": [400, 350, 400]})
    said = dict(what_was_run(e))
    assert said["Cycle lengths"] == "400, 350, 400 ms, in this order" and said["Paced"].endswith("for 5 beats")
    assert "Duration" not in said
    assert said["Stimulus"].endswith("pulses, amplitude 80 µA/cm², width 0.5 ms, holding 0 µA/cm²")


def test_the_page_tells_of_captured_beats_that_the_pulse_alone_takes_to_the_threshold(tmp_path):
    """25.5 uA/cm^2 for 2 ms are 51 mV on 1 uF/cm^2: from -54 mV at 350 ms to -3 mV, from -83 mV at 400 ms to -32 mV."""
    body = {"model": "luo_rudy_1991", "initial_state": "model", "spikes": {"threshold": -20, "rearm": -40}}
    body["stimulus"] = {"kind": "pulse_train", "amplitude": 25.5, "width": 2, "period": 1000}
    body["solver"] = {"method": "rodas5p", "local_error": 1e-5}
    protocol = {"kind": "s1s2", "prebeats": 3}
    experiments = {
        name: body | {"protocol": protocol | {"intervals": intervals}}
        for name, intervals in {"late": [400], "early": [400, 350]}.items()
    }
    hhcore.run({"experiments": experiments}, results=tmp_path, progress=False)
    late, early = ((tmp_path / name / "summary.html").read_text() for name in ("late", "early"))
    assert "<th>pulse alone</th><td>1 are taken from the potential at the onset of a beat that counts" in early
    assert "pulse alone" not in late


def frames(interval: np.ndarray, duration: np.ndarray, point: list[int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Features and points of one neuron."""
    columns = {"neuron": 0, "point": point, "diastolic_interval_ms": interval, "interval_ms": interval + duration}
    points = pd.DataFrame(columns | {"apd90_ms": duration, "captured": np.isfinite(duration)})
    return pd.DataFrame({"unit_slope_ms": [50 * np.log(2)]}), points


CONTEXT = FigureContext(title="made up", stimulus=Variable("i", "i", "1"), potential=Variable("V", "V", "mV"))


def test_a_line_of_slope_1_touches_the_curve():
    interval = np.linspace(200, 5, 40)
    figure = figures.restitution(*frames(interval, exponential(interval), list(range(40))), CONTEXT)
    (line,) = [line for line in figure.axes[0].lines if line.get_label() == "slope 1"]
    x, y = line.get_data()
    assert np.diff(y) == pytest.approx(np.diff(x))
    assert (np.mean(x), np.mean(y)) == pytest.approx((50 * np.log(2), 250), abs=1.0)


def test_beats_that_alternate_are_open_and_filled_and_blocked_ones_crosses():
    interval, duration = np.array([200.0, 150, 60, 90, 20]), np.array([260.0, 240, 150, 200, np.nan])
    features, points = frames(interval, duration, [0, 1, 2, 2, 3])
    (panel,) = figures.apd_interval(features, points, "Cycle length (ms)", CONTEXT).axes
    drawn = {line.get_markerfacecolor(): line.get_ydata().tolist() for line in panel.lines if line.get_marker() == "o"}
    crosses = [line for line in panel.lines if line.get_marker() == "x"]
    assert drawn["white"] == [150] and drawn[style.BLUE] == [200] and len(crosses) == 1


# --- mistakes


WRONG = [
    (S1S2 | {"prebeats": 0}, {}, "protocol.prebeats: 0 is not a number of beats"),
    (S1S2 | {"tolerance": 1e-6}, {}, "`prebeats` is a number of beats, so that `tolerance` has no effect"),
    (S1S2 | {"intervals": [600, "3 mV"]}, {}, "protocol.intervals[1]"),
    (S1S2 | {"intervals": [600, -5]}, {}, "protocol.intervals[1]: -5 is not above 0 ms"),
    (S1S2 | {"intervals": [600, 600]}, {}, "protocol.intervals: 600 occurs more than once"),
    (DYNAMIC | {"cycle_lengths": [500, 500], "carry_over": False}, {}, "protocol.cycle_lengths: 500 occurs more than"),
    (S1S2 | {"intervals": []}, {}, "protocol.intervals: [] has no times"),
    (S1S2 | {"intervals": [1200]}, {}, "protocol.intervals: 1200 is not below the duration"),
    (S1S2 | {"refine": 0}, {}, "protocol.refine: 0 is not above 0 ms"),
    (S1S2, {"analysis_window": [0, 100]}, "analysis_window: restitution is about whole beats, so that this has no"),
    (DYNAMIC, {"duration": 1000}, "duration: 9 beats are recorded at each cycle length, so that this has no effect"),
    (S1S2, {"stimulus": PULSE | {"period": 1000, "number": 3}}, "'s1s2' sets the number itself; leave it out"),
    (DYNAMIC, {"stimulus": PULSE | {"period": 1000}}, "'dynamic_restitution' sets the period itself; leave it out"),
    ({"kind": "dynamic_restitutio", "cycle_lengths": [400]}, {}, "protocol.kind: 'dynamic_restitutio' is not a choice"),
    (
        S1S2 | {"S1": 8},
        {},
        "write `prebeats`, and the interval of S1 as `stimulus: {kind: pulse_train, period: 1000, ...}`",
    ),
    (
        S1S2,
        {"outputs": {"ca": {}}},
        "protocol 's1s2' takes no outputs; leave them out, or use current_clamp or pacing or",
    ),
    (
        {"kind": "pacing", "drawn": ["calcium.c"]},
        {"duration": 500, "stimulus": PULSE | {"period": 300}},
        "protocol.drawn: there are no `traces`, so that this has no effect",
    ),
    (
        {"kind": "pacing"},
        {
            "duration": 500,
            "stimulus": PULSE | {"period": 300},
            "outputs": {"ca": {"variable": "calcium.c", "measure": "max", "window": "beats"}},
        },
        "outputs.ca.window: 'beats' is not a window; write `beat`, each beat, or times",
    ),
    (
        {"kind": "pacing"},
        {
            "duration": 500,
            "stimulus": PULSE | {"period": 300},
            "parameters": {"membrane_L_type_calcium_current_conductance": 1},
        },
        "write 'oxmeta:membrane_L_type_calcium_current_conductance', which 'calcium.g' is annotated as",
    ),
    (DYNAMIC, {"traces": [{"period": 400}]}, "e.traces[0].period: the protocol 'dynamic_restitution' sets the period"),
    (DYNAMIC | {"carry_over": "yes"}, {}, "protocol.carry_over: 'yes' is not a choice here; give true or false"),
    (DYNAMIC | {"cycle_lengths": [400, 0.4]}, {}, "width 0.5 is above period 0.4"),
    ({"kind": "s1s2"}, {}, "the key 'intervals' is missing"),
    (S1S2 | {"CI": 3}, {}, "write `intervals: [...]`"),
]


def test_a_protocol_sets_the_period_of_pulses_that_a_file_states(tmp_path):
    (tmp_path / "cell.cellml").write_text(CELLML)
    e = experiment(DYNAMIC, model=str(tmp_path / "cell.cellml"), stimulus={"kind": "pulse_train", "from": "file"})
    assert e.defaults["period"] == 350 and e.defaults["amplitude"] == -25.5 and e.duration == 9 * 400


@pytest.mark.parametrize(
    ("interval", "words"),
    [(0.4, "0.4 ms is shorter than a pulse, 0.5 ms"), (1199.8, "S2 after 1199.8 ms does not end within the duration")],
)
def test_pulses_neither_overlap_nor_outlast_the_run(interval, words):
    with pytest.raises(UserError, match=words):
        experiment(S1S2 | {"intervals": [600, interval]})


def test_cycle_lengths_may_come_again_if_the_state_is_carried_over():
    e = experiment(DYNAMIC | {"cycle_lengths": [400, 350, 400]})
    assert e.protocol.cycle_lengths == (400, 350, 400)


def test_the_longest_pulse_of_the_grid_and_of_traces_fits_into_an_interval():
    wide = PULSE | {"width": {"values": [0.5, 310]}, "period": 1000}
    for changes in ({"stimulus": wide}, {"traces": [{"width": 310}]}):
        with pytest.raises(UserError, match="protocol.intervals: 300 ms is shorter than a pulse, 310 ms"):
            experiment(S1S2, **changes)


@pytest.mark.parametrize(("protocol", "changes", "words"), WRONG, ids=[words for _, _, words in WRONG])
def test_a_mistake_is_one_sentence(protocol, changes, words):
    with pytest.raises(UserError) as raised:
        experiment(protocol, **changes)
    assert words in str(raised.value) and "\n" not in str(raised.value)
