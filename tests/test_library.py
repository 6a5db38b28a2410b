"""hhcore at a Python prompt: quantities as text, results and traces as they are shown and compared, public names."""

import ast
import copy
import inspect
import pickle
import re

import numpy as np
import pandas as pd
import pytest

import hhcore
from hhcore import Step, simulate, trace
from hhcore.__main__ import main
from hhcore.base import units
from hhcore.certify import calibration
from hhcore.schemes.solver import Solver

HH = "hodgkin_huxley_1952"
STATES = {"membrane.V": -65.0, "sodium.m": 0.05, "sodium.h": 0.6, "potassium.n": 0.32}


def test_the_large_file_of_units_is_not_read_for_a_common_unit(monkeypatch):
    monkeypatch.setattr(units, "_DEFINITIONS", (units._DEFINITIONS[0], "gone.txt"))
    assert units.is_in_celsius({"values": ["6.3 degC"]}) and not units.is_in_celsius(["310 K", "5 mV"])


def test_quantities_as_text_are_the_same_numbers():
    as_text = simulate(
        HH,
        {"temperature.T": ["6.3 degC", 282.15], "sodium.g": "0.12 S/cm^2"},
        Step(["10 uA/cm^2", 20], start="5000 us"),
        duration="0.05 s",
        method="rk4",
        dt="25 us",
        analysis_window=("10 ms", "0.04 s"),
        threshold="-0.01 V",
        rearm="-20 mV",
        initial_state={**STATES, "membrane.V": "-0.065 V"},
    )
    as_numbers = simulate(
        HH,
        {"temperature.T": [273.15 + 6.3, 282.15], "sodium.g": 120.0},
        Step([10.0, 20.0], start=5.0),
        duration=50.0,
        method="rk4",
        dt=0.025,
        analysis_window=(10.0, 40.0),
        threshold=-10.0,
        rearm=-20.0,
        initial_state=STATES,
    )
    assert as_text == as_numbers and len(as_text.spike_times) > 3
    texts = trace(HH, {"temperature.T": "6.3 degC"}, Step("10 uA/cm^2"), duration="5 ms", interval="100 us")
    assert texts == trace(HH, {}, Step(10), duration=5, interval=0.1)


def test_neurons_may_differ_in_their_initial_states():
    """Each is the neuron that starts there alone."""
    potentials = np.array([-65.0, -55.0, -40.0])
    named = simulate(HH, {}, Step(0), duration=10, initial_state={**STATES, "membrane.V": potentials})
    rows = np.array([[V, *list(STATES.values())[1:]] for V in potentials])
    assert np.array_equal(named.final, simulate(HH, {}, Step(0), duration=10, initial_state=rows).final)
    for i, V in enumerate(potentials):
        alone = simulate(HH, {}, Step(0), duration=10, initial_state={**STATES, "membrane.V": V})
        assert np.array_equal(alone.final[0], named.final[i])
    assert named.features.initial_membrane_V_mV.tolist() == potentials.tolist()


def test_features_begin_with_what_was_given_for_each_neuron():
    run = simulate(HH, {"sodium.g": ["110 mS/cm^2", 120], "leak.g": 0.3}, Step([5, 10]), duration=50)
    assert list(run.features)[:3] == ["amplitude_uA_cm2", "sodium_g_mS_cm2", "spike_count"]
    assert run.features.sodium_g_mS_cm2.tolist() == [110, 120]


def test_results_and_traces_are_compared_with_NaN_and_without_an_error():
    run, other = (simulate(HH, {"membrane.C": [1, 1e-4]}, Step(a), duration=20) for a in (10, 11))
    assert run == copy.deepcopy(run) and run != other and run != "a result"
    assert run.adding(error=np.array([np.nan, 1.0])) == run.adding(error=np.array([np.nan, 1.0]))
    assert run.adding(error=np.array([np.nan, 1.0])) != run
    one, two = (trace(HH, {}, Step(a), duration=5) for a in (10, 11))
    assert one == pickle.loads(pickle.dumps(one)) and one == copy.deepcopy(one)
    assert (one != two, one != copy.deepcopy(one)) == (True, False)


def test_a_result_says_in_a_line_what_it_is():
    run = simulate(HH, {"membrane.C": [1, 1e-4, 1]}, Step(10), duration="0.05 s", analysis_window=(10, 50))
    counts = f"3 neurons, window 10 to 50 ms, {len(run.spike_times)} spikes, 1 failed"
    assert repr(run) == f"<Result: {counts}; tsit5, local_error 1e-06>"
    course = trace(HH, {}, Step(10), duration=5, interval=0.5)
    assert repr(course) == "<Trace: 11 samples of 8 columns to 5 ms, ok; tsit5, local_error 1e-06>"


@pytest.mark.parametrize("function", [simulate, trace])
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((HH, Step(10), {}), r"^points: Step\(.*\) is a stimulus; give model, points and stimulus in this order$"),
        ((3, {}, Step(10)), "^model: 3 is not a model; give its name, the path of its file, or a loaded one$"),
    ],
)
def test_arguments_in_another_order_get_a_sentence(function, arguments, sentence):
    with pytest.raises(hhcore.UserError, match=sentence):
        function(*arguments, duration=5)


@pytest.mark.parametrize(
    ("model", "method"),
    [(HH, "tsit5"), ("connor_stevens_1971", "tsit5"), ("ten_tusscher_panfilov_2006", "rodas5p")],
)
def test_without_a_method_a_stiff_model_gets_an_implicit_scheme(model, method):
    settings = {"duration": 20, "initial_state": "model"}
    run = simulate(model, {}, Step(0), **settings)
    assert run.solver == trace(model, {}, Step(0), **settings).solver == Solver(method, 1e-6)
    assert run == simulate(model, {}, Step(0), method=method, **settings)
    assert run.steps[0] < 200  # of 5,000 by tsit5 in the stiff one


def test_a_notebook_shows_the_first_rows():
    run = simulate(HH, {"sodium.g": np.linspace(100, 120, 30)}, Step(10), duration=20)
    page = run._repr_html_()
    assert page.startswith("<div>Result: 30 neurons") and "30 rows, 5 of them shown" in page
    assert page.count("<tr") == 1 + 5 and "sodium_g_mS_cm2" in page and "color" not in page
    assert "membrane_V_mV" in trace(HH, {}, Step(10), duration=5)._repr_html_()


def test_a_trace_is_a_data_frame_with_units():
    frame = trace(HH, {}, Step(10), duration="5 ms", interval="1 ms").frame
    assert isinstance(frame, pd.DataFrame) and frame.time_ms.tolist() == [0, 1, 2, 3, 4, 5]
    assert list(frame)[1:] == [
        *("membrane_V_mV", "sodium_m", "sodium_h", "potassium_n"),
        *("leak_i_uA_cm2", "potassium_i_uA_cm2", "sodium_i_uA_cm2", "stimulus_uA_cm2"),
    ]
    leak = 0.3 * (frame.membrane_V_mV + 54.387)  # Hodgkin and Huxley 1952, table 3, the outside at 0 mV
    assert frame.leak_i_uA_cm2.tolist() == pytest.approx(leak.tolist(), rel=1e-12)


def _imported(node: ast.AST) -> list[ast.alias]:
    return node.names if isinstance(node, ast.ImportFrom) else []


def test_public_names_are_listed_found_and_no_others():
    assert {*hhcore.__all__} == {*dir(hhcore)} - {"__version__"} > {"Step", "Segments", "run"}
    imported = {alias.name for node in ast.walk(ast.parse(inspect.getsource(hhcore))) for alias in _imported(node)}
    assert {*hhcore.__all__} == imported - {"import_module", "TYPE_CHECKING"}, "what checkers of types see"
    for name in hhcore.__all__:
        assert getattr(hhcore, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'simulates'"):
        _ = hhcore.simulates


@pytest.fixture(scope="module")
def exact():
    """Spikes at a local error of 1e-12, a million times below the tolerances here."""
    return simulate(HH, {"sodium.g": [100, 120]}, Step(10), duration=50, method="dop853", local_error=1e-12)


@pytest.mark.parametrize("tolerance, ms", [("1 us", 1e-3), (1e-5, 1e-5)])
def test_a_tolerance_is_kept_and_the_result_says_how(exact, tolerance, ms):
    run = simulate(HH, {"sodium.g": [100, 120]}, Step("10 uA/cm^2"), duration="50 ms", tolerance=tolerance)
    off = np.abs(run.spike_times - exact.spike_times).max()
    said = float(run.certificate["spike_time_error_worst_us"]) / 1000
    assert off <= ms and off == pytest.approx(said, rel=0.01)
    assert 1000 * off == pytest.approx(run.features.spike_time_error_us.max(), rel=1e-3)
    assert run.solver.accuracy > 1e-12 and f"; {run.solver.method}, local_error" in repr(run)


def test_a_trace_takes_a_tolerance_too():
    course = trace(HH, {}, Step(10), duration="50 ms", tolerance="1 us", method="rk4")
    assert course.certificate["tolerance_us"] == "1" and course.solver.method == "rk4"
    assert "; rk4, dt " in repr(course)


def test_a_result_says_why_a_tolerance_measured_nothing():
    silent = simulate(HH, {}, Step(0), duration=20, tolerance="1 us")
    assert repr(silent).startswith("<Result: 1 neuron, window 0 to 20 ms, 0 spikes; ")
    assert repr(silent).endswith("local_error 1e-06: none fires>")
    assert silent.features.spike_time_error_us.isna().all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tolerance": "1 s"}, "^tolerance: '1 s' is not between 1 ns and 1 ms"),
        ({"tolerance": "1 mV"}, "^tolerance: '1 mV' cannot be converted to ms"),
        ({"tolerance": "1 us", "local_error": 1e-6}, "^local_error: 1e-06 is given beside a tolerance"),
        ({"tolerance": "1 us", "method": "tsit4"}, "'tsit4' does not exist; .* did you mean 'tsit5'"),
        ({"tolerance": "1 us", "points": {"leak.g": []}}, "there are no neurons to measure solvers on"),
    ],
)
def test_wrong_tolerances_get_one_clear_message(settings, message):
    points = settings.get("points", {})
    with pytest.raises(hhcore.UserError, match=message):
        simulate(HH, points, Step(10), duration=50, **{k: v for k, v in settings.items() if k != "points"})


def test_a_tolerance_that_no_solver_keeps_is_named_in_one_sentence(monkeypatch):
    monkeypatch.setitem(calibration.LADDERS, "rk4", [0.1])
    with pytest.raises(hhcore.UserError, match="^tolerance: no solver keeps the spike-time error of 99 %"):
        simulate(HH, {}, Step(10), duration=50, tolerance="1 ns", method="rk4")


def test_the_command_line_says_its_version(capsys):
    with pytest.raises(SystemExit, match="^0$"):
        main(["--version"])
    assert capsys.readouterr().out == f"hhcore {hhcore.__version__}\n"


def test_the_command_line_alone_says_what_there_is(capsys):
    assert main([]) == 0
    said = capsys.readouterr().out
    commands = re.findall(r"^    (\w+)  ", said, re.MULTILINE)
    assert {"models", "check", "verify"} <= {*commands}
    for command in commands:
        assert re.search(rf"^  python -m hhcore {command}\b", said, re.MULTILINE), f"no example of {command}"
