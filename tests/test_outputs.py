"""Outputs of any variable: against SciPy's dense output and quadrature, published numbers, and themselves."""

import matplotlib
import numpy as np
import pytest
import yaml
from scipy.integrate import quad
from scipy.optimize import minimize_scalar

import hhcore
from hhcore.base.errors import UserError
from hhcore.certify.calibration import calibrate
from hhcore.compile.text import generate
from hhcore.config.outputs import check_taken
from hhcore.config.reader import read_experiments
from hhcore.experiments.experiment import Experiment
from hhcore.experiments.protocol import Protocol
from hhcore.simulation.engine import kernel_parts
from hhcore.simulation.observers import COURSE, OUTPUT, Courses, Extremes, Outputs, Spikes
from hhcore.simulation.reference import evaluate, reference
from hhcore.simulation.result import Ragged
from hhcore.simulation.simulate import simulate
from hhcore.sweep.hashing import config_digest, context_digest

HH = hhcore.load_model("hodgkin_huxley_1952")
NAMES = (
    "membrane.V",
    "sodium.i",
    "potassium.i",
    "total",
    "potassium.alpha_n",
    "dot(membrane.V)",
    "conductance(sodium.i)",
)
WINDOW, AMPLITUDE = (1.0, 9.0), 10.0  # one spike
FARADAY = 96485.33212  # C/mol


def value_of(name: str, run, t: float) -> float:
    """A variable of the reference at time t, from Myokit's own equations."""
    values = evaluate(HH, dict(zip(HH.states, run.at(t), strict=True)), {}, AMPLITUDE, t)
    if name == "total":
        return sum(values[current] for current in HH.currents)
    if name == "conductance(sodium.i)":
        return values["sodium.i"] / (values["membrane.V"] - HH.parameters["sodium.E"].value)
    return values[name]


@pytest.fixture(scope="module")
def by_scipy() -> np.ndarray:
    """The columns of OUTPUT for each of NAMES, float64 (7, 9)."""
    run = reference(HH, {"amplitude": AMPLITUDE}, duration=WINDOW[1], initial_state="model")
    times, rows = np.linspace(*WINDOW, 161), []
    for name in NAMES:
        values = np.array([value_of(name, run, t) for t in times])
        row = [*WINDOW, values[0], values[-1]]
        for sign in (1.0, -1.0):
            k = int(np.argmax(sign * values))
            beside = times[max(k - 1, 0)], times[min(k + 1, len(times) - 1)]
            settings = {"bounds": beside, "method": "bounded", "options": {"xatol": 1e-9}}
            found = minimize_scalar(lambda t, name=name, sign=sign: -sign * value_of(name, run, t), **settings)
            row += [-sign * found.fun, found.x]
        edges, accuracy = np.linspace(*WINDOW, 9), {"epsabs": 1e-9, "epsrel": 1e-9}
        parts = zip(edges, edges[1:], strict=False)
        rows.append([*row, sum(quad(lambda t, name=name: value_of(name, run, t), *p, **accuracy)[0] for p in parts)])
    return np.array(rows)


def outputs(observer: Outputs, **settings) -> np.ndarray:
    settings = {"duration": 12.0, "initial_state": "model"} | settings
    return simulate(HH, {}, hhcore.Step(AMPLITUDE), observers=(observer,), **settings).record["outputs"].values


def worst(found: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """The largest errors of values, times of extremes, and integrals, all but the times relative to the variable."""
    size = np.abs(exact[:, [4, 6]]).max(axis=1)
    error = np.abs(found - exact)
    values = (error[:, [2, 3, 4, 6]] / size[:, None]).max()
    return np.array([values, error[:, [5, 7]].max(), (error[:, 8] / size).max() / (WINDOW[1] - WINDOW[0])])


METHODS = {
    "rk4": ({"dt": 0.005}, (1e-6, 1e-6, 1e-6)),
    "tsit5": ({"local_error": 1e-9}, (1e-7, 1e-5, 1e-8)),
    "dop853": ({"local_error": 1e-9}, (1e-7, 1e-5, 1e-8)),
    "rodas5p": ({"local_error": 1e-9}, (1e-7, 1e-5, 1e-8)),
}


@pytest.mark.parametrize("method", METHODS)
def test_extremes_and_integrals_are_those_of_scipy(method, by_scipy):
    settings, limits = METHODS[method]
    found = outputs(Outputs(NAMES, *WINDOW), method=method, **settings)
    assert (worst(found, by_scipy) < limits).all()


def test_errors_fall_with_the_fourth_power_of_the_step(by_scipy):
    """As those of the states do; a rule of a lower order for the integral, or linear interpolation, would show."""
    coarse, fine = (worst(outputs(Outputs(NAMES, *WINDOW), method="rk4", dt=dt), by_scipy) for dt in (0.02, 0.005))
    assert (coarse[[0, 2]] / fine[[0, 2]] > 3.5**4).all()


@pytest.mark.parametrize("method", ["tsit5", "rodas5p"])
def test_a_smaller_local_error_makes_all_errors_smaller(method, by_scipy):
    errors = [worst(outputs(Outputs(NAMES, *WINDOW), method=method, local_error=e), by_scipy) for e in (1e-4, 1e-9)]
    assert (errors[0] / errors[1] > 100).all()


def test_windows_that_follow_each_other_add_up_to_one():
    whole, parts = outputs(Outputs(NAMES, 0.0, 12.0)), outputs(Outputs(NAMES, 0.0, 12.0, cuts=(2.0, 5.0)))
    parts = parts.reshape(3, len(NAMES), len(OUTPUT))
    column = {name: parts[:, :, i] for i, name in enumerate(OUTPUT)}
    assert parts[:, 0, :2].tolist() == [[0.0, 2.0], [2.0, 5.0], [5.0, 12.0]]
    assert column["first"][0].tolist() == whole[:, 2].tolist()
    assert (column["last"][:-1] == column["first"][1:]).all()  # nothing jumps
    assert np.allclose(column["max"].max(axis=0), whole[:, 4], rtol=1e-5)
    assert np.allclose(column["integral"].sum(axis=0), whole[:, 8], rtol=1e-5)


def test_ions_of_an_impulse_are_the_published_ones():
    """After a shock of 15 mV from rest, without what flows at rest, in pmol/cm^2 at 6.3 degrees Celsius.

    The leak is the one with which the neuron rests at -65 mV exactly, as in the paper.
    """
    rest = evaluate(HH, gates := {name: q.value for name, q in HH.states.items()}, {})
    for gate in ("sodium.m", "sodium.h", "potassium.n"):
        a, b = (rest[gate.replace(".", f".{rate}_")] for rate in ("alpha", "beta"))
        gates[gate] = a / (a + b)
    rest = evaluate(HH, gates, {})
    leak = {"leak.E": -65.0 + (rest["sodium.i"] + rest["potassium.i"]) / HH.parameters["leak.g"].value}
    settings = {"duration": 100.0, "initial_state": gates | {"membrane.V": -50.0}, "local_error": 1e-9}
    observer = Outputs(NAMES, 0.0, 100.0)
    found = simulate(HH, leak, hhcore.Step(0.0), observers=(observer,), **settings).record["outputs"].values
    charge = found[1:3, 8] - 100.0 * np.array([rest["sodium.i"], rest["potassium.i"]])  # nC/cm^2
    assert np.allclose(1e3 / FARADAY * charge, [-14.457, 14.327], atol=6e-4)


def test_a_kernel_without_outputs_has_no_trace_of_them():
    text = generate(HH, "dop853", *kernel_parts(hhcore.Step)).split('"""', 2)[2].lower()
    assert not [word for word in ("dense", "remember", "survey", "inside(", "outputs") if word in text]
    with_them = generate(HH, "dop853", *kernel_parts(hhcore.Step, (Outputs(("sodium.i",)),)))
    assert all(f"def {name}(" in with_them for name in ("dense", "remember", "outputs_survey", "outputs_variables"))


STEPS = hhcore.Step(np.array([10.0, 5.0, 0.0]), start=3.0, stop=np.array([8.0, 30.0, 8.0]))


def test_each_segment_is_a_window():
    observer = Outputs(("sodium.m", "stimulus.amplitude"), segments=True)
    record = simulate(HH, {}, STEPS, duration=30.0, observers=(observer,)).record["outputs"]
    assert record.offsets.tolist() == [0, 6, 12, 18]  # as many as the stimulus has at most
    table = record.values.reshape(3, 3, 2, len(OUTPUT))
    assert table[0, :, 0, :2].tolist() == [[0, 3], [3, 8], [8, 30]]
    assert table[0, :, 1, 2:5].tolist() == [[0, 0, 0], [10, 10, 10], [0, 0, 0]]  # the current after each jump
    assert table[0, :, 1, 8] == pytest.approx([0, 50, 0])
    assert table[1, :, 0, :2].tolist()[:2] == [[0, 3], [3, 30]] and np.isnan(table[1, 2]).all()


@pytest.mark.parametrize("method", ["rk4", "tsit5", "dop853", "rodas5p"])
def test_courses_are_those_of_scipy(method):
    setting = {"dt": 0.005} if method == "rk4" else {"local_error": 1e-9}
    settings = {"duration": 8.0, "initial_state": "model", "method": method} | setting
    found = simulate(HH, {}, hhcore.Step(AMPLITUDE, 3.0), observers=(Courses(("membrane.V", "sodium.i")),), **settings)
    courses = found.record["courses"].values.reshape(3, 2, len(COURSE))[:2]  # the third segment begins with the end
    exact = reference(HH, {"amplitude": AMPLITUDE, "start": 3.0, "stop": 8.0}, duration=8.0, initial_state="model")
    for (begin, end), course in zip([(0.0, 3.0), (3.0, 8.0)], courses, strict=True):
        times = begin + (end - begin) * COURSE
        assert np.allclose(course[0], [exact.at(t)[0] for t in times], atol=2e-5)
        assert np.allclose(course[1], [value_of("sodium.i", exact, t) for t in times], atol=2e-3)
    assert COURSE[0] == 1e-4 and COURSE[-1] == 1.0 and np.allclose(COURSE[1:] / COURSE[:-1], 10 ** (4 / 63))


def record(observers, stimulus, **settings) -> dict:
    settings = {"duration": 30.0, "method": "tsit5"} | settings
    return simulate(HH, {}, stimulus, observers=observers, **settings).record


def same(a, b) -> bool:
    return a == b if isinstance(a, Ragged) else np.array_equal(a, b, equal_nan=True)


@pytest.mark.parametrize("method", ["dop853", "rodas5p"])
def test_outputs_change_nothing_that_others_note(method):
    standard = (Spikes(0.0, 0.0), Extremes(5.0, 25.0))
    alone = record(standard, STEPS, method=method)
    watched = record((*standard, Outputs(NAMES, 5.0, 25.0), Courses(NAMES[:2])), STEPS, method=method)
    assert all(same(column, watched[name]) for name, column in alone.items())


def test_outputs_of_a_neuron_do_not_depend_on_its_neighbours():
    amplitudes = np.linspace(0.0, 40.0, 71)  # more than the lanes, and no multiple of them
    both = Outputs(NAMES, 2.0, 20.0), Courses(NAMES[:2])
    together = record(both, hhcore.Step(amplitudes, 1.0, 15.0))
    reversed_ = record(both, hhcore.Step(amplitudes[::-1], 1.0, 15.0))
    rows = slice(40, 41)
    alone = record(both, hhcore.Step(amplitudes[rows], 1.0, 15.0))
    for name in ("outputs", "courses"):
        table = together[name].values.reshape(71, -1)
        assert same(table, reversed_[name].values.reshape(71, -1)[::-1])
        assert same(table[rows], alone[name].values.reshape(1, -1))


JUMPY = """
[[model]]
a.V = -60
[a]
t = 0 bind time
p = 0 bind pace
dot(V) = (p - 60 - V) / 10
up = if(V > -55, 2, 1)
square = V * V
flat = 3 * p
i = 0.1 * (V + 60) ^ 3
"""


@pytest.fixture
def jumpy(tmp_path) -> hhcore.Model:
    (tmp_path / "m.mmt").write_text(JUMPY)
    return hhcore.load_model(tmp_path / "m.mmt", potential="a.V")


def test_a_variable_that_jumps_inside_a_step_is_integrated_to_its_jump(jumpy):
    """V = -50 - 10 exp(-t/10) is above -55 from t = 10 log 2 on."""
    stimulus, settings = hhcore.Step(10.0), {"duration": 20.0, "initial_state": "model", "local_error": 1e-10}
    found = simulate(jumpy, {}, stimulus, observers=(Outputs(("a.up", "a.square", "a.flat"), 0.0, 20.0),), **settings)
    up, square, flat = found.record["outputs"].values
    assert up[8] == pytest.approx(20.0 + (20.0 - 10 * np.log(2)), rel=1e-7) and (up[4], up[6]) == (2.0, 1.0)
    exact = 2500 * 20 + 1000 * 10 * (1 - np.exp(-2)) + 100 * 5 * (1 - np.exp(-4))
    assert square[8] == pytest.approx(exact, rel=1e-9)
    assert flat.tolist()[2:5] == [30.0, 30.0, 30.0] and flat[8] == pytest.approx(600.0)


IN_SECONDS = """
[[model]]
a.V = 0
[a]
t = 0 [s] in [s] bind time
p = 0 [V/s] in [V/s] bind pace
tau = 0.01 [s] in [s]
dot(V) = p - V / tau in [V]
i = V / 2 [V/A] in [A]
"""


def test_integrals_and_times_are_in_milliseconds_whatever_the_unit_of_the_model(tmp_path):
    """V = 5 V/s x 10 ms (1 - exp(-t / 10 ms)): 50 mV in the end, and its integral over 20 ms 50 mV (20 - 8.647) ms."""
    (tmp_path / "m.mmt").write_text(IN_SECONDS)
    model = hhcore.load_model(tmp_path / "m.mmt", potential="a.V")
    named = {
        "area": {"variable": "a.V", "measure": "integral"},
        "charge": {"variable": "a.i", "measure": "integral"},
        "mean": {"variable": "a.V", "measure": "mean", "window": ["10 ms", 0.02]},
        "steepest": {"variable": "dot(a.V)", "measure": "max"},
        "late": {"variable": "a.V", "measure": "max_time"},
    }
    settings = {"duration": 0.02, "initial_state": "model", "local_error": 1e-10, "outputs": named}
    found = hhcore.simulate(model, {}, hhcore.Step(5.0), **settings).features
    area = 0.05 * (20 - 10 * (1 - np.exp(-2)))
    second = 0.05 * (10 - 10 * (np.exp(-1) - np.exp(-2)))
    expected = {"area_Vms": area, "charge_mC": area / 2, "mean_V": second / 10, "steepest_V_s": 5.0, "late_ms": 20.0}
    assert found[[*expected]].iloc[0].tolist() == pytest.approx(list(expected.values()), rel=1e-8)


WRONG = {
    "sodium.x": "has no variable 'sodium.x'",
    "sodium.g": "is a parameter of 'hodgkin_huxley_1952', which does not change",
    "conductance(sodium.j)": "has no variable 'sodium.j'",
    "dot(sodium.i)": "has no state 'sodium.i'",
    "totals": "did you mean 'total'",
    "conductance(membrane.V)": "is a state",
}


@pytest.mark.parametrize("name", WRONG)
def test_a_name_that_means_nothing_is_one_sentence(name):
    with pytest.raises(UserError, match="legal|is a parameter") as error:
        generate(HH, "tsit5", *kernel_parts(hhcore.Step, (Outputs((name,)),)))
    assert WRONG[name] in str(error.value) and "\n" not in str(error.value)


def test_a_current_that_is_not_linear_in_the_potential_has_no_conductance(jumpy):
    with pytest.raises(UserError, match=r"'conductance\(a.i\)': the current is not linear in the potential"):
        generate(jumpy, "tsit5", *kernel_parts(hhcore.Step, (Outputs(("conductance(a.i)",)),)))


def test_a_neuron_that_fails_keeps_what_it_had(jumpy):
    wild = hhcore.Step(np.array([0.0, 5e4]))
    found = simulate(
        HH, {}, wild, duration=2.0, method="rk4", dt=1.0, initial_state="model", observers=(Outputs(("sodium.m",)),)
    )
    table = found.record["outputs"].values
    assert found.failed.tolist() == [False, True]
    assert table[0, 1] == 2.0 and not table[1, 1] > found.ended[1] and np.isfinite(table[0]).all()


CONFIG = {
    "model": "hodgkin_huxley_1952",
    "stimulus": {"kind": "step", "amplitude": {"values": [5, 10, 20]}, "start": 1},
    "initial_state": "model",
    "duration": 20,
    "analysis_window": [1, 20],
    "solver": {"method": "tsit5", "local_error": 1e-8},
    "outputs": {
        "charge": {"variable": "sodium.i", "measure": "integral"},
        "early": {"variable": "sodium.m", "measure": "max", "window": [0, "3 ms"]},
        "late": {"variable": "sodium.m", "measure": "max", "window": [2, 20]},
        "whole": {"variable": "sodium.m", "measure": "max", "window": [0, 20]},
        "when": {"variable": "sodium.m", "measure": "max_time", "window": [0, 20]},
        "average": {"variable": "total", "measure": "mean", "window": [0, 20]},
        "fall": {"variable": "membrane.V", "measure": "swing"},
        "begin": {"variable": "membrane.V", "measure": "first", "window": [0, 20]},
        "finish": {"variable": "membrane.V", "measure": "last"},
    },
}
COLUMNS = ["charge_nC_cm2", "early", "late", "whole", "when_ms", "average_uA_cm2", "fall_mV", "begin_mV", "finish_mV"]


def experiment(**changes) -> Experiment:
    (found,) = read_experiments({"experiments": {"e": CONFIG | changes}}).values()
    return found


@pytest.fixture(scope="module")
def run() -> hhcore.Run:
    return hhcore.run({"experiments": {"e": CONFIG}}, progress=False)["e"]


def test_outputs_of_a_config_are_columns_that_fit_together(run):
    f = run.features
    assert list(f)[-9:] == COLUMNS
    assert np.allclose(f.whole, np.maximum(f.early, f.late), rtol=1e-6) and (f.early < f.late).all()
    assert np.allclose(f.fall_mV, f.peak_mV - f.trough_mV, rtol=1e-9) and (f.begin_mV == -65.0).all()
    final = hhcore.simulate(HH, {}, hhcore.Step([5, 10, 20], 1.0), duration=20, initial_state="model", local_error=1e-8)
    assert np.allclose(f.finish_mV, final.final[:, 0], rtol=1e-5)
    # What flows out charges the membrane less: C (V1 - V0) is the integral of the stimulus minus that of the currents.
    stimulus = f.amplitude_uA_cm2 * 19.0
    assert np.allclose(f.finish_mV - f.begin_mV, stimulus - 20.0 * f.average_uA_cm2, atol=1e-5)
    assert (
        f.attrs["units"]["charge_nC_cm2"] == "nC/cm^2"
        and "integral over time" in f.attrs["definitions"]["charge_nC_cm2"]
    )


def test_a_prompt_gives_the_outputs_of_a_config(run):
    steps = hhcore.Step([5.0, 10.0, 20.0], 1.0)
    settings = {key: CONFIG[key] for key in ("duration", "initial_state", "analysis_window", "outputs")}
    result = hhcore.simulate(HH, {}, steps, method="tsit5", local_error=1e-8, **settings)
    assert result.features[COLUMNS].equals(run.features[COLUMNS])


def test_the_certificate_has_the_error_of_each_output_in_its_unit(run):
    names = {column.replace("_nC", "_error_nC").replace("_uA", "_error_uA") for column in COLUMNS[:1] + COLUMNS[5:6]}
    assert names <= set(run.numerics) and "early_error" in run.numerics and "when_error_ms" in run.numerics
    assert float(run.numbers["charge_error_worst_nC_cm2"]) < 1e-3
    assert 0 < float(run.numbers["early_error_worst"]) < 1e-6


def test_a_tolerance_judges_outputs_too():
    """In long steps of a scheme of high order spike times and peaks are right, and a sum of currents is not."""
    sharp = {"peak": {"variable": "total", "measure": "max"}}
    settings = {"solver": {"tolerance": "1 ms", "method": "dop853"}, "stimulus": {"kind": "step", "amplitude": 10}}
    e = experiment(outputs=sharp, **settings)
    evidence = calibrate(e, progress=lambda *_: None)
    *others, own = e.protocol.accuracy.heights
    refused = [t for t in evidence.trials if t.keeps(1.0, others) and not t.keeps(1.0, [*others, own])]
    assert refused and evidence.chosen.accuracy < min(trial.solver.accuracy for trial in refused)
    error, size = evidence.trial.heights["peak_error_uA_cm2"]
    assert 300 < size < 500 and 0 < error[0] < 1e-3 * size


def test_a_name_or_a_measure_simulates_nothing_again_and_a_variable_does():
    one = {"a": {"variable": "sodium.m", "measure": "max"}}
    e, renamed, measured, other, window = (
        experiment(outputs=outputs)
        for outputs in (
            one,
            {"b": one["a"]},
            {"a": one["a"] | {"measure": "mean"}},
            {"a": one["a"] | {"variable": "sodium.h"}},
            {"a": one["a"] | {"window": [1, 19]}},
        )
    )
    assert context_digest(e) == context_digest(renamed) == context_digest(measured)
    assert len({config_digest(x) for x in (e, renamed, measured, other, window)}) == 5
    assert len({context_digest(x) for x in (e, other, window, experiment(outputs={}))}) == 4


@pytest.mark.parametrize(
    "changes",
    [
        {"parameters": {"sodium.g": {"values": [90, 120]}, "leak.g": {"values": [0.2, 0.3, 0.4]}}},
        {"stimulus": {"kind": "step", "amplitude": 10}},
        {"parameters": {"sodium.g": {"values": [90, 110, 120]}}, "combine": "zip"},
        {"stimulus": {"kind": "pulse_train", "amplitude": 30, "width": 1, "period": {"values": [8, 15]}}},
    ],
    ids=["three axes", "none", "zipped", "pacing"],
)
def test_the_figure_of_outputs_shows_any_grid(changes):
    found = hhcore.run({"experiments": {"e": CONFIG | changes}}, progress=False)["e"]
    figure = found.figure("outputs")
    words = " ".join(text.get_text() for text in figure.findobj(matplotlib.text.Text))
    assert "6 of 9 outputs" in words or "charge: \N{MINUS SIGN}2" in words


WRONG_OUTPUTS = {
    "a b: {variable: sodium.i, measure: max}": "'a b' begins the name of a column; use up to 60 letters, digits and _",
    "x: {variable: sodium.ii, measure: max}": "x.variable: model 'hodgkin_huxley_1952' has no variable 'sodium.ii'",
    "x: {variable: sodium.i, measure: peak}": "x.measure: 'peak' is not a choice here; .*did you mean 'max'?",
    "x: {variable: sodium.i, measure: max, window: [5, 200]}": r"x.window: \[5, 200\] does not lie inside the duration",
    "peak: {variable: membrane.V, measure: max}": "outputs.peak: there is a column peak_mV already; give another name",
    "x: {variabel: sodium.i, measure: max}": "there is no key 'variabel' here; .*did you mean 'variable'?",
    "x: 3": "outputs.x: 3 is not a mapping",
}


@pytest.mark.parametrize("line", WRONG_OUTPUTS)
def test_a_wrong_output_is_one_sentence(line):
    with pytest.raises(UserError, match=WRONG_OUTPUTS[line]) as error:
        experiment(outputs=yaml.safe_load(line))
    assert "\n" not in str(error.value)


def test_outputs_that_are_no_mapping_or_that_a_protocol_does_not_take_are_one_sentence_too():
    with pytest.raises(UserError, match=r"outputs: \['sodium.i'\] is not a mapping"):
        hhcore.simulate(HH, {}, hhcore.Step(10), duration=5, outputs=["sodium.i"])
    able = "current_clamp or shapes$"
    with pytest.raises(UserError, match=f"'silent' takes no outputs; leave them out, or use {able}"):
        check_taken(type("Silent", (Protocol,), {"kind": "silent"}), hhcore.Step, "outputs")
