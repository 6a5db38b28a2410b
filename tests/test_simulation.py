"""simulate(): results of a neuron are its own, to the last bit; stimulus edges; detection; statuses."""

import os
import subprocess
import sys

import llvmlite.binding as llvm
import numpy as np
import pytest

import hhcore
from hhcore.compile.language import machine
from hhcore.compile.text import generate
from hhcore.model.model import CATALOGUE
from hhcore.schemes.solver import setting_of
from hhcore.simulation.engine import kernel_parts
from hhcore.simulation.reference import reference

HH = "hodgkin_huxley_1952"
RNG = np.random.default_rng(7)
N = 37  # no multiple of the lanes
POINTS = {"sodium.g": RNG.uniform(96, 144, N), "potassium.g": RNG.uniform(29, 43, N)}
AMPLITUDES = RNG.uniform(0, 40, N)
ACCURACY = {"rk4": 0.02, "tsit5": 1e-6, "dop853": 1e-6, "rodas5p": 1e-6}
METHODS = tuple(ACCURACY)


def run(rows=slice(None), method="rk4", threads=1, **settings) -> hhcore.Result:
    points = {name: column[rows] for name, column in POINTS.items()}
    settings = {"duration": 60.0, "threads": threads} | solver(method) | settings
    return hhcore.simulate(HH, points, hhcore.Step(AMPLITUDES[rows], start=5.0, stop=50.0), **settings)


def solver(method: str) -> dict:
    return {"method": method, setting_of(method): ACCURACY[method]}


def trains(result: hhcore.Result) -> list[bytes]:
    bounds = zip(result.offsets[:-1], result.offsets[1:], strict=True)
    return [
        result.spike_times[a:b].tobytes() + result.peak[i].tobytes() + result.trough[i].tobytes()
        for i, (a, b) in enumerate(bounds)
    ]


@pytest.mark.parametrize("method", METHODS)
def test_a_neuron_does_not_depend_on_its_neighbours(method):
    together = trains(run(method=method))
    shuffled = RNG.permutation(N)
    assert [together[i] for i in shuffled] == trains(run(shuffled, method))
    for i in (0, 15, 16, 36):
        assert trains(run(slice(i, i + 1), method)) == [together[i]]


@pytest.mark.parametrize("method", METHODS)
def test_threads_do_not_matter(method):
    assert trains(run(method=method)) == trains(run(method=method, threads=2))


SCRIPT = """
import ctypes, ctypes.util, numpy as np, hhcore
squid = {"sodium.g": np.linspace(96, 144, 21), "temperature.T": np.linspace(279.45, 285.0, 21)}
heart = {"sodium.g": np.linspace(3, 5, 21)}
steps, pulses = hhcore.Step(np.linspace(2, 40, 21)), hhcore.PulseTrain(np.linspace(10, 40, 21), 2, 430)
runs = [("hodgkin_huxley_1952", squid, steps, 100, method) for method in ("rk4", "tsit5", "dop853")]
runs.append(("beeler_reuter_1977", heart, pulses, 500, "rodas5p"))  # stiff
for model, points, stimulus, duration, method in runs:
    accuracy = {"dt": 0.025} if method == "rk4" else {}
    r = hhcore.simulate(model, points, stimulus, duration=duration, method=method, **accuracy)
    assert len(r.spike_times) > 20, model
    print(model, method, *(hash(a.tobytes()) for a in (r.spike_times, r.peak, r.trough, r.final, r.beat_values)))
libm = ctypes.CDLL(ctypes.util.find_library("m"))
address = lambda function: ctypes.cast(function, ctypes.c_void_p).value
print("fma at", address(libm.fma) - address(libm.ldexp))
"""
NO_FMA = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-FMA,-FMA4"}  # for glibc, this machine has none


def bits(**env: str) -> tuple[list[str], str]:
    """Hashes of what a process finds, and which of the C library's functions multiplies and adds."""
    env = os.environ | {"PYTHONHASHSEED": "0"} | env
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *found, fma = done.stdout.splitlines()
    return found, fma


@pytest.fixture(scope="module")
def here() -> tuple[list[str], str]:
    return bits()


@pytest.mark.parametrize("target", ["haswell", "skylake-avx512", "znver3"])
def test_same_bits_on_other_cpu_targets(target, here, tmp_path):
    if target == "skylake-avx512" and not llvm.get_host_cpu_features().get("avx512f"):
        pytest.skip("this CPU has no AVX-512")
    found, _ = bits(HHCORE_CPU=target, HHCORE_CACHE=str(tmp_path))
    assert len(found) == 4 and found == here[0]


def test_same_bits_without_fused_multiply_add(here, tmp_path):
    """nehalem has none and calls the C library's, which on this machine may be one instruction: it emulates it here."""
    found, fma = bits(HHCORE_CPU="nehalem", HHCORE_CACHE=str(tmp_path), **NO_FMA)
    assert len(found) == 4 and found == here[0]
    if fma == here[1]:
        pytest.skip("the bits are equal, but this C library has one fma only, or another name to switch it off")


def test_kernels_are_vectorised():
    """No scalar fallback that nobody notices: the time loop works on whole registers of doubles."""
    model = hhcore.load_model(HH)
    for method in METHODS:
        text = machine.optimised(generate(model, method, *kernel_parts(hhcore.Step)))
        assert any(f"fdiv <{width} x double>" in text for width in (2, 4, 8)), method
        assert any(f"@llvm.fma.v{width}f64" in text for width in (2, 4, 8)), method


@pytest.mark.parametrize(("start", "stop"), [(0.0, 60.0), (5.0, 9.0), (5.0037, 31.0091), (0.0, 0.013)])
def test_stimulus_edges_on_and_off_the_grid(start, stop):
    point = {"amplitude": 15.0, "start": start, "stop": stop}
    exact = reference(hhcore.load_model(HH), point, duration=60.0)
    found = hhcore.simulate(HH, {}, hhcore.Step(15.0, start, stop), duration=60.0, local_error=1e-9)
    assert len(found.spike_times) == len(exact.spike_times)
    assert np.abs(found.spike_times - exact.spike_times).max(initial=0) < 1e-5


def test_stimuli_with_different_edges_in_one_call():
    starts = np.linspace(1.0, 7.77, 40)
    together = hhcore.simulate(HH, {}, hhcore.Step(12.0, starts, starts + 20), duration=40.0)
    for i in (0, 17, 39):
        alone = hhcore.simulate(HH, {}, hhcore.Step(12.0, starts[i], starts[i] + 20), duration=40.0)
        assert trains(together)[i] == trains(alone)[0]


def test_scaling_current_capacitance_and_conductances_leaves_the_potential():
    base = hhcore.simulate(HH, {}, hhcore.Step(10.0), duration=50.0, local_error=1e-9)
    scaled = {"membrane.C": 2.0, "sodium.g": 240.0, "potassium.g": 72.0, "leak.g": 0.6}
    twice = hhcore.simulate(HH, scaled, hhcore.Step(20.0), duration=50.0, local_error=1e-9)
    assert np.abs(base.spike_times - twice.spike_times).max() < 1e-9


def test_leak_reversal_is_a_current_shift():
    shifted = hhcore.simulate(HH, {"leak.E": -44.387}, hhcore.Step(7.0), duration=50.0, initial_state="model")
    base = hhcore.simulate(HH, {}, hhcore.Step(10.0), duration=50.0, initial_state="model")
    assert np.abs(base.spike_times - shifted.spike_times).max() < 1e-9


def test_temperature_against_the_reference():
    point = {"temperature.T": 289.45, "amplitude": 20.0}
    exact = reference(hhcore.load_model(HH), point, duration=50.0)
    found = hhcore.simulate(HH, {"temperature.T": 289.45}, hhcore.Step(20.0), duration=50.0, local_error=1e-9)
    assert len(exact.spike_times) > 2
    assert np.abs(found.spike_times - exact.spike_times).max() < 1e-5


def test_rearm_level_suppresses_spikes_that_do_not_return():
    fast = {"duration": 200.0}
    every = hhcore.simulate(HH, {}, hhcore.Step(140.0), threshold=-45.0, **fast)
    hysteresis = hhcore.simulate(HH, {}, hhcore.Step(140.0), threshold=-45.0, rearm=-70.0, **fast)
    assert len(every.spike_times) > 10
    assert len(hysteresis.spike_times) == 1


def test_many_spikes_pass_through_the_buffer(monkeypatch):
    whole = hhcore.simulate(HH, {}, hhcore.Step(30.0), duration=300.0)
    monkeypatch.setattr("hhcore.simulation.observers.spikes.BUFFER", 66)
    assert np.array_equal(hhcore.simulate(HH, {}, hhcore.Step(30.0), duration=300.0).spike_times, whole.spike_times)


@pytest.mark.parametrize(
    ("method", "capacitance", "how"),
    [
        ("rk4", 1e-4, "diverged"),
        ("tsit5", 1e-4, "stalled"),
        ("dop853", 1e-4, "stalled"),
        ("rodas5p", -1.0, "diverged"),  # one that is merely small is no hindrance to it
    ],
)
def test_a_neuron_that_fails_has_a_status_a_time_and_a_state_and_leaves_its_block_alone(method, capacitance, how):
    points = {"membrane.C": np.array([1.0, capacitance, 1.0])}
    run = hhcore.simulate(HH, points, hhcore.Step(10.0), duration=50.0, **solver(method))
    assert run.features.status.tolist() == ["ok", how, "ok"]
    assert run.features.loc[1].drop(["membrane_C_uF_cm2", "status", "failed_ms"]).isna().all()
    assert run.features.failed_ms.isna().tolist() == [True, False, True]
    assert 0.0 <= run.features.failed_ms[1] < 50.0 and np.isfinite(run.final).all()
    assert run.features.loc[0].equals(run.features.loc[2])
    assert run.features.spike_count[0] == 4
    traced = hhcore.trace(HH, {"membrane.C": capacitance}, hhcore.Step(10.0), duration=50.0, **solver(method))
    assert traced.status == how and 0 <= run.ended[1] - traced["time"][-1] < 1.0


def test_a_trace_has_the_limit_of_steps_of_a_run():
    """Of a membrane a billion times as fast; a kernel would step on for hours."""
    traced = hhcore.trace(HH, {"membrane.C": 1e-9}, hhcore.Step(10.0), duration=20.0)
    assert traced.status == "stalled" and traced["time"].tolist() == [0.0]


@pytest.mark.parametrize("method", METHODS[1:])
@pytest.mark.parametrize("duration", [1e-3, 1e-6])
def test_no_neuron_stalls_because_edges_are_close(method, duration):
    """At rest nothing flows, so a short current charges the capacitor alone: by I t / C, off by t / ms of it."""
    amplitude, period = 10.0, duration / 1000
    rest = hhcore.simulate(HH, {}, hhcore.Step(0.0), duration=duration, method=method).final[0, 0]
    for stimulus, time in [
        (hhcore.Step(amplitude), duration),
        (hhcore.PulseTrain(amplitude, period / 4, period), duration / 4),
    ]:
        run = hhcore.simulate(HH, {}, stimulus, duration=duration, method=method)
        assert run.features.status.tolist() == ["ok"]
        assert run.final[0, 0] - rest == pytest.approx(amplitude * time, rel=0.01)


def test_trace_agrees_with_simulate_and_with_the_currents_by_hand():
    for method in METHODS:
        traced = hhcore.trace(HH, {}, hhcore.Step(10.0), duration=50.0, initial_state="model", **solver(method))
        V, m, h = traced["membrane.V"], traced["sodium.m"], traced["sodium.h"]
        assert traced["sodium.i"] == pytest.approx(120 * m**3 * h * (V - 50), rel=1e-9, abs=1e-9)
        assert traced["leak.i"] == pytest.approx(0.3 * (V + 54.387), rel=1e-9, abs=1e-9)
        found = hhcore.simulate(HH, {}, hhcore.Step(10.0), duration=50.0, initial_state="model", **solver(method))
        up = np.flatnonzero((V[:-1] < 0) & (V[1:] >= 0))
        assert np.all((traced["time"][up] <= found.spike_times) & (found.spike_times <= traced["time"][up + 1]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"points": {"sodium.gbar": 1.0}}, "no parameter 'sodium.gbar'.*did you mean 'sodium.g'"),
        (
            {"points": {"sodium.g": [1, 2], "leak.g": [1, 2, 3]}, "stimulus": hhcore.Step([1, 2, 3, 4])},
            "one length: amplitude_uA_cm2 has 4, sodium_g_mS_cm2 has 2, leak_g_mS_cm2 has 3; .* hhcore.run combines",
        ),
        ({"method": "rk5"}, "'rk5'.*rk4"),
        ({"method": "rk4", "dt": 0.0}, "dt 0.0 must lie above 0"),
        ({"method": "rk4"}, "'rk4' needs dt"),
        ({"method": "rk4", "local_error": 1e-6}, "steps of equal length: give dt"),
        ({"dt": 0.1}, "'tsit5' chooses its own steps: give local_error"),
        ({"local_error": 0.01}, "local_error 0.01 is not above 0 and at most 0.001"),
        ({"duration": -1.0}, "duration"),
        ({"duration": np.inf}, "duration: inf is not a finite number"),
        ({"duration": np.nan}, "duration: nan is not a finite number"),
        ({"duration": "10 mV"}, "duration: '10 mV' cannot be converted to ms"),
        ({"duration": "10"}, "duration: '10' is text without a unit; expected a bare number in ms"),
        ({"threshold": "0 ms"}, "threshold: '0 ms' cannot be converted to mV"),
        ({"threads": 0}, "threads: 0 is not a number of threads; give a whole number from 1 on"),
        ({"threads": 1.5}, "threads: 1.5 is not a number of threads"),
        ({"threshold": np.nan}, "threshold: nan is not a finite number"),
        ({"method": "rk4", "dt": np.inf}, "dt: inf is not a finite number"),
        ({"local_error": "small"}, "local_error: 'small' does not begin with a number"),
        ({"analysis_window": 5}, "analysis_window: 5 is not a window; give two times"),
        ({"analysis_window": (0, np.nan)}, "analysis_window: nan is not a finite number"),
        ({"points": {"sodium.g": [[100, 120]]}}, r"points: sodium.g: an array of shape \(1, 2\) is not a list"),
        ({"points": {5: 1}}, "points: .* has no parameter '5'"),
        ({"initial_state": {5: 1}}, "initial_state: .* has no state '5'"),
        ({"initial_state": None}, "initial_state: got nothing; give 'rest', 'model'"),
        (
            {"points": {"sodium.g": {96: 0, 120: 0}}},
            r"points: sodium.g: \{96: 0, 120: 0\} is not a number;",
        ),
        (
            {"points": {"sodium.g": {96, 120}}},
            r"points: sodium.g: \{96, 120\} is not a number;",
        ),
        ({"points": {"sodium.g": None}}, "points: sodium.g: nothing is not a number;"),
        ({"points": {"sodium.g": True}}, "points: sodium.g: True is not a number;"),
        ({"points": {"sodium.g": [120, None]}}, r"points: sodium.g\[1\]: nothing is not a number"),
        (
            {"points": {"sodium.g": np.array([True])}},
            r"points: sodium.g\[0\]: .*True.* is not a number;",
        ),
        ({"points": {"sodium.g": np.array("120 mV")}}, "points: sodium.g: '120 mV' cannot be converted"),
        ({"points": [120]}, r"points: \[120\] is not a mapping; give values by name"),
        ({"stimulus": hhcore.Step([[1, 2]])}, r"stimulus.amplitude: an array of shape \(1, 2\) is not a list"),
        ({"stimulus": hhcore.Step("ten")}, "stimulus.amplitude: .ten. does not begin with a number"),
        ({"stimulus": hhcore.Step(10, "5 mV")}, "stimulus.start: .5 mV. cannot be converted to ms"),
        ({"stimulus": hhcore.Step(10, start=np.nan)}, "stimulus.start: nan is not a time"),
        ({"stimulus": hhcore.PulseTrain(10, np.inf, 5)}, "stimulus.width: inf is not a time"),
        ({"stimulus": hhcore.PulseTrain(10, 1, 2, number=np.nan)}, "stimulus.number: nan is not a number"),
        ({"stimulus": hhcore.Noise(1, 1, 1, 1, seed=np.nan)}, "stimulus.seed: nan is not a number"),
        ({"stimulus": hhcore.Sine(1, [5, np.nan])}, "stimulus.frequency: nan is not a number"),
        (
            {"stimulus": hhcore.PulseTrain(7e12, 1e-12, 10, start=5)},
            "width: 1e-12 is too short for a pulse at 5.*5e-09",
        ),
        (
            {"initial_state": dict.fromkeys(hhcore.load_model(HH).states, "a")},
            "initial_state: membrane.V: 'a' does not begin with a number",
        ),
        ({"analysis_window": (10, 5)}, "analysis_window"),
        ({"initial_state": "resting"}, "'resting'.*rest"),
        ({"initial_state": {"membrane.V": -65}}, "leaves out sodium.m"),
        ({"initial_state": {"V": -65}}, "no state 'V'"),
        ({"initial_state": np.zeros((3, 5))}, r"got shape \(3, 5\); give 'rest', 'model', \(4,\) or \(neurons, 4\)"),
        (
            {"initial_state": np.zeros((3, 4)), "points": {"leak.g": [1, 2]}},
            "columns must have one length: leak_g_mS_cm2 has 2, initial_membrane_V_mV has 3, ",
        ),
        (
            {"initial_state": {"membrane.V": [1, 2], "sodium.m": [1, 2, 3], "sodium.h": 0, "potassium.n": 0}},
            r"lists of states must have one length, not \[2, 3\]",
        ),
        ({"initial_state": [[1, "a"]]}, "not an array of numbers"),
        ({"rearm": 10.0}, "rearm"),
        ({"points": {"sodium.g": "120 mV"}}, "points: sodium.g: '120 mV' cannot be converted to mS/cm.2"),
        ({"points": {"sodium.g": [1, "120 mV"]}}, r"points: sodium.g\[1\]: '120 mV' cannot be converted to mS/cm.2"),
        ({"points": {"temperature.T": ["6.3 degC", 16.3]}}, "temperature.T: 16.3 is in kelvin here.*'16.3 degC'"),
        ({"stimulus": 10}, "stimulus: 10 is not a stimulus; give one, like hhcore.Step"),
    ],
)
def test_wrong_calls_get_one_clear_message(arguments, message):
    call = {"points": {}, "stimulus": hhcore.Step(10.0), "duration": 10.0} | arguments
    with pytest.raises(hhcore.UserError, match=message):
        hhcore.simulate(HH, call.pop("points"), call.pop("stimulus"), **call)


@pytest.mark.parametrize(
    ("point", "settings", "message"),
    [
        ({"sodium.g": [100, 120]}, {}, "2 neurons are given"),
        ({"sodium.g": []}, {}, "0 neurons are given"),
        ({}, {"interval": 0}, "interval 0 must be above 0"),
        ({}, {"interval": 1e-12}, "interval 1e-12: 1e.13 samples .* too many; give an interval from 1e-07 on"),
        ({}, {"duration": np.inf}, "duration: inf is not a finite number"),
    ],
)
def test_wrong_calls_of_trace_get_one_clear_message(point, settings, message):
    with pytest.raises(hhcore.UserError, match=message):
        hhcore.trace(HH, point, hhcore.Step(10.0), **{"duration": 10.0} | settings)


def test_no_neurons_are_a_result_of_no_rows():
    run = hhcore.simulate(HH, {"sodium.g": []}, hhcore.Step(10.0), duration=10.0)
    assert len(run.features) == len(run.spikes) == 0


def test_a_short_pulse_is_a_charge():
    """7 uA/cm^2 ms at once, or from a potential that is 7 mV higher: within 1 ns, wherever the pulse lies."""
    settings = {"duration": 20.0, "method": "dop853", "local_error": 1e-11}
    start = hhcore.simulate(HH, {}, hhcore.Step(0.0), duration=1.0).final[0] + np.array([7.0, 0, 0, 0])
    exact = hhcore.simulate(HH, {}, hhcore.Step(0.0), initial_state=start, **settings).spike_times[0]
    for onset in (0.0, 5.0, 100.0):
        pulse = hhcore.PulseTrain(7.0 / 2e-7, 2e-7, 1000.0, 1, onset)
        found = hhcore.simulate(HH, {}, pulse, **settings | {"duration": onset + 20.0}).spike_times[0] - onset
        assert found == pytest.approx(exact, abs=1e-6)


@pytest.mark.parametrize("frozen", [16.3, "16.3 K", [290.0, 16.3]])
def test_a_temperature_that_means_degrees_celsius_is_refused(frozen):
    for run in (hhcore.simulate, hhcore.trace):
        with pytest.raises(hhcore.UserError, match=r"points: temperature.T: 16.3 is in kelvin.*write '16.3 degC'"):
            run(HH, {"temperature.T": frozen}, hhcore.Step(10.0), duration=10.0)


def test_a_parameter_may_be_text_with_a_unit():
    warm, text = (
        hhcore.simulate(HH, {"temperature.T": t}, hhcore.Step(10.0), duration=20.0) for t in (289.45, "16.3 degC")
    )
    assert text.spike_times.tolist() == warm.spike_times.tolist() and len(warm.spike_times) > 0


def test_a_difference_of_temperatures_may_be_small(tmp_path):
    """10 K in the model is no temperature of a neuron."""
    text = (
        (CATALOGUE / f"{HH}.mmt")
        .read_text()
        .replace("10 [K]", "step")
        .replace("q10 = 3", "step = 10 [K]\n    in [K]\nq10 = 3")
    )
    (tmp_path / "m.mmt").write_text(text)
    run = hhcore.simulate(str(tmp_path / "m.mmt"), {"temperature.step": 5.0}, hhcore.Step(10.0), duration=20.0)
    assert run.status.tolist() == [0]


@pytest.mark.parametrize("order", ["C", "F"])
def test_each_neuron_may_start_from_a_state_of_its_own(order):
    """What a run ends with is a start: two runs on end are one."""
    settings = {"method": "rk4", "dt": 0.02, "duration": 20.0}
    whole = hhcore.simulate(HH, POINTS, hhcore.Step(AMPLITUDES), **settings | {"duration": 40.0})
    first = hhcore.simulate(HH, POINTS, hhcore.Step(AMPLITUDES), **settings)
    states = np.array(first.final, order=order)
    second = hhcore.simulate(HH, POINTS, hhcore.Step(AMPLITUDES), initial_state=states, **settings)
    assert np.array_equal(second.final, whole.final) and len(np.unique(whole.final[:, 0])) == N
    one = dict(zip(hhcore.load_model(HH).states, states[3].tolist(), strict=True))
    named, same = (hhcore.simulate(HH, POINTS, hhcore.Step(5.0), initial_state=s, **settings) for s in (one, states[3]))
    assert np.array_equal(named.final, same.final)


@pytest.mark.parametrize("where", ["parameter", "amplitude"])
@pytest.mark.parametrize("initial_state", ["model", "rest"])
def test_what_is_not_a_number_fails_its_own_neuron_alone(where, initial_state):
    """Config files cannot hold NaN; from a prompt it may come out of a computation."""

    def run_of(g, amplitude, initial_state):
        model, settings = "hodgkin_huxley_1952", {"duration": 50, "initial_state": initial_state}
        return hhcore.simulate(model, {"sodium.g": g}, hhcore.Step(amplitude), **settings)

    g, amplitude = np.full(3, 120.0), np.full(3, 10.0)
    whole = run_of(g, amplitude, initial_state)
    (g if where == "parameter" else amplitude)[1] = np.nan
    found = run_of(g, amplitude, initial_state)
    features = found.features
    assert features.status.tolist() == ["ok", "diverged", "ok"] and features.failed_ms[1] == 0.0
    assert features.loc[1, ["spike_count", "firing_rate_Hz", "peak_mV", "trough_mV"]].isna().all()
    for i in (0, 2):
        a, b = (r.spike_times[slice(*r.offsets[i : i + 2])] for r in (whole, found))
        assert a.size == 4 and np.array_equal(a, b)
