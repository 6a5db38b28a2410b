"""Whole kernels: machine code against the same text run as plain Python, and against its own checked mode."""

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import kernel_python
import numpy as np
import pytest

import hhcore
from hhcore.compile.language.machine import compiled, load
from hhcore.compile.language.values import KernelError
from hhcore.schemes.solver import setting_of
from hhcore.simulation import engine
from hhcore.simulation.action_potentials import ActionPotentials
from hhcore.simulation.observers import Courses, Extremes, Outputs, Spikes, shape_observers, standard_observers
from hhcore.simulation.result import DIVERGED, OK, STALLED
from hhcore.simulation.simulate import simulate

HH = "hodgkin_huxley_1952"
ACCURACY = {"rk4": 0.05, "tsit5": 1e-6, "dop853": 1e-6, "rodas5p": 1e-6}
SQUID = {"sodium.g": [100.0, 120.0, 140.0]}
STEP = hhcore.Step(np.array([5.0, 20.0, 40.0]), start=0.25, stop=2.0)
TRAIN = hhcore.PulseTrain(np.array([3.0, 40.0, 80.0]), width=0.5, period=3.0, start=0.5)


def as_python(text: str) -> SimpleNamespace:
    return kernel_python.kernel(text)


def as_checked(text: str) -> SimpleNamespace:
    return load(compiled(text, checked=True))


def through(twin: Callable[[str], SimpleNamespace], monkeypatch, call: Callable, *arguments, **settings):
    """What `simulate` or `trace` gives if the kernel that it loads is replaced by what `twin` makes of its text."""
    original, made = engine.load_kernel, []

    def load_twin(*args, **named) -> SimpleNamespace:
        made.append(twin(original(*args, **named).path.read_text(encoding="utf-8")))
        return made[-1]

    with monkeypatch.context() as patch:
        patch.setattr(engine, "load_kernel", load_twin)
        found = call(*arguments, **settings)
    assert made
    return found


def columns(found: hhcore.Result | dict) -> dict[str, np.ndarray]:
    """All that is kept of the neurons, or the course of one."""
    if isinstance(found, dict):
        return found
    plain = {name: column for name, column in found.record.items() if isinstance(column, np.ndarray)}
    ragged = {name: column for name, column in found.record.items() if name not in plain}
    values = {f"{name}.values": column.values for name, column in ragged.items()}
    return plain | values | {f"{name}.offsets": column.offsets for name, column in ragged.items()}


def bits(x: np.ndarray) -> bytes:
    """Of all elements, signs of zero included; one NaN is like another."""
    return np.where(x != x, np.nan, x).tobytes()


def check(twin: Callable, monkeypatch, call: Callable, model: str, *arguments, method: str, **settings):
    """Both give the same bits; returns them."""
    settings = {"method": method, setting_of(method): ACCURACY[method]} | settings
    ours = call(model, *arguments, **settings)
    theirs = columns(through(twin, monkeypatch, call, model, *arguments, **settings))
    assert {"spikes.values", "final", "steps", "status", "peak", "trough"} <= theirs.keys() or call is hhcore.trace
    assert theirs.keys() == columns(ours).keys()
    for name, column in columns(ours).items():
        assert bits(column) == bits(theirs[name]), name
    return ours


CLOCK = """
[[model]]
a.V = -60
[a]
t = 0 bind time
period = 0.7
p = if(t % period < 0.1, 40, if(abs(t - 1) < 0.3, -5, 0))
dot(V) = 2 * (p - 60 - V)
"""


@pytest.mark.parametrize("method", ACCURACY)
def test_a_kernel_with_a_clock_run_as_python_has_the_bits_of_the_machine_code(tmp_path, method, monkeypatch):
    (tmp_path / "m.mmt").write_text(CLOCK)
    model = hhcore.load_model(tmp_path / "m.mmt", potential="a.V", current="none")
    points, settings = {"a.period": [0.3, 0.7]}, {"duration": 1.5, "initial_state": "model", "method": method}
    found = check(as_python, monkeypatch, hhcore.simulate, model, points, hhcore.Step(0.0), **settings)
    assert (found.status == OK).all() and found.record["peak"].min() > -56


@pytest.mark.parametrize("method", ACCURACY)
def test_a_kernel_run_as_python_has_the_bits_of_the_machine_code(method, monkeypatch):
    found = check(as_python, monkeypatch, hhcore.simulate, HH, SQUID, STEP, duration=2.5, method=method)
    assert len(found.spike_times) == 2 and (found.steps > 5).all() and (found.status == OK).all()


def test_noise_chirps_and_shocks_run_as_python_have_the_bits_of_the_machine_code(monkeypatch):
    stimulus = hhcore.Sum(
        held=hhcore.Noise(5, 9, 0.5, 0.11, seed=2**32 - 1),
        linear=hhcore.Noise(0, 4, 2, 0.3, interpolation="linear", realisation="shared"),
        chirp=hhcore.Chirp(3, 100, 5000, stop=0.9, sweep="exponential"),
        shock=hhcore.Shock(4.5, start=0.4),
    )
    settings = {"duration": 1.0, "method": "rk4", "dt": 0.1, "initial_state": "model"}
    found = check(as_python, monkeypatch, hhcore.simulate, HH, SQUID, stimulus, **settings)
    assert (found.status == OK).all() and len(set(found.final[:, 0])) == 3


def test_beats_of_a_kernel_run_as_python_have_the_bits_of_the_machine_code(monkeypatch):
    """With a fixed level, through which responses to single pulses go, too."""
    observers = standard_observers(hhcore.PulseTrain, 0.0, 0.0, measured=ActionPotentials(level=-64.5))
    settings = {"duration": 5.0, "method": "tsit5", "initial_state": "model", "local_error": 1e-4}
    found = check(as_python, monkeypatch, hhcore.simulate, HH, SQUID, TRAIN, observers=observers, **settings)
    assert len(found.beats) == 6 and len(found.spike_times) and np.isfinite(found.beat_values).all(axis=1).any()


def test_outputs_of_beats_stay_inside_their_arrays_in_a_checked_kernel(monkeypatch):
    opening = {"variable": "sodium.m", "window": "beat"}
    outputs = {"time": opening | {"measure": "duration", "level": 50}, "mean": opening | {"measure": "mean"}}
    settings = {"duration": 5.0, "method": "tsit5", "initial_state": "model", "outputs": outputs}
    found = check(as_checked, monkeypatch, hhcore.simulate, HH, SQUID, TRAIN, **settings)
    assert np.isfinite(found.beats.time_ms).any() and np.isfinite(found.beats["mean"]).all()


@pytest.mark.parametrize("twin", [as_python, as_checked])
def test_shapes_of_a_kernel_run_otherwise_have_the_bits_of_the_machine_code(twin, monkeypatch):
    """As Python, and in the checked mode: a spike with all that belongs to it, one that is cut short, and a sag."""
    observers = Spikes(0.0, 0.0), Extremes(), *shape_observers()
    settings = {"duration": 5.5, "method": "tsit5", "initial_state": "model", "local_error": 1e-4}
    step = hhcore.Step(np.array([25.0, -20.0, 8.0]), start=0.25, stop=5.0)
    found = check(twin, monkeypatch, hhcore.simulate, HH, SQUID, step, observers=observers, **settings)
    assert np.isfinite(found.shapes["ahp_mV"]).sum() == 1 and len(found.shapes) == 2
    assert (np.isfinite(found.record["lowest"])).all()


def test_a_stiff_kernel_run_as_python_has_the_bits_of_the_machine_code(monkeypatch):
    paced = hhcore.Step(np.array([0.0, 60.0]), start=0.1, stop=1.1)
    settings = {"duration": 3.0, "method": "rodas5p", "initial_state": "model", "local_error": 1e-4}
    found = check(as_python, monkeypatch, hhcore.simulate, "beeler_reuter_1977", {}, paced, **settings)
    assert len(found.spike_times) == 1 and (found.steps > 5).all()


OBSERVERS = (Spikes(0.0, 0.0), Extremes(0.2, 1.0), Outputs(("sodium.i", "total"), 0.2, 1.0), Courses(("sodium.m",)))


@pytest.mark.parametrize("method", ["tsit5", "dop853", "rodas5p"])
def test_outputs_of_a_kernel_run_as_python_have_the_bits_of_the_machine_code(method, monkeypatch):
    settings = {"duration": 1.2, "method": method, "initial_state": "model", "observers": OBSERVERS}
    pulse = hhcore.Step(np.array([0.0, 200.0]), start=0.25, stop=0.5)
    found = check(as_python, monkeypatch, simulate, HH, {}, pulse, **settings, **{setting_of(method): 1e-4})
    assert np.isfinite(found.record["outputs"].values).all()


def test_failures_of_a_kernel_run_as_python_are_those_of_the_machine_code(monkeypatch):
    settings = {"duration": 2.0, "method": "rk4", "dt": 1.0, "initial_state": "model"}
    wild = hhcore.Step(np.array([0.0, 5e4]))
    found = check(as_python, monkeypatch, hhcore.simulate, HH, {}, wild, **settings)
    assert found.status.tolist() == [OK, DIVERGED]


def test_lanes_take_the_next_neuron_alike_in_python(monkeypatch):
    amplitudes = hhcore.Step(np.linspace(0.0, 40.0, 35), stop=np.linspace(0.1, 0.5, 35))
    settings = {"duration": 0.5, "method": "rk4", "dt": 0.1, "initial_state": "model"}
    found = check(as_python, monkeypatch, hhcore.simulate, HH, {}, amplitudes, **settings)
    assert len(found.steps) == 35 and (found.status == OK).all()


CHECKED = [(HH, "rk4"), ("pinsky_rinzel_1994", "tsit5"), (HH, "dop853"), ("beeler_reuter_1977", "rodas5p")]


@pytest.mark.parametrize("model, method", CHECKED)
def test_no_index_leaves_its_array(model, method, monkeypatch):
    amplitudes = np.linspace(0.0, 40.0, 37)  # no multiple of the lanes
    settings = {"duration": 6.0, "method": method, "initial_state": "model"}
    for stimulus in (hhcore.Step(amplitudes, stop=4.0), hhcore.PulseTrain(amplitudes, width=0.5, period=2.5)):
        found = check(as_checked, monkeypatch, hhcore.simulate, model, {}, stimulus, **settings)
        assert len(found.steps) == 37 and found.steps.max() > 20 and len(found.spike_times)


@pytest.mark.parametrize("method", ["dop853", "rodas5p"])
def test_no_index_of_outputs_leaves_its_array(method, monkeypatch):
    observers = (*OBSERVERS[:2], Outputs(("sodium.i", "total"), segments=True), *OBSERVERS[3:])
    steps = hhcore.Step(np.linspace(0.0, 40.0, 37), start=0.5, stop=4.0)
    settings = {"duration": 6.0, "method": method, "initial_state": "model", "observers": observers}
    found = check(as_checked, monkeypatch, simulate, HH, {}, steps, **settings)
    assert np.isfinite(found.record["courses"].values).all()


def test_no_index_leaves_its_array_from_rest_along_a_trace_or_where_neurons_fail(monkeypatch):
    found = check(as_checked, monkeypatch, hhcore.simulate, HH, SQUID, STEP, duration=2.5, method="tsit5")
    assert (found.status == OK).all()
    course = check(as_checked, monkeypatch, hhcore.trace, HH, {}, hhcore.Step(20.0), duration=2.5, method="tsit5")
    assert len(course["time"]) == 101
    wild = hhcore.Step(np.array([0.0, 5e4]))
    found = check(as_checked, monkeypatch, hhcore.simulate, HH, {}, wild, duration=9.0, method="rk4", dt=1.0)
    assert DIVERGED in found.status and STALLED not in found.status


def test_the_page_on_the_language_makes_a_checked_kernel():
    page = (Path(__file__).parents[1] / "docs/design/kernel_language.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    names: dict = {}
    exec(block, names)
    assert names["kernel"].run.places and names["kernel"].N == 4


def test_a_wrong_index_in_a_kernel_is_found(monkeypatch):
    """It would read what lies behind a table of constants."""

    def wrong(text: str) -> SimpleNamespace:
        assert "INVERSE_SCALE[k]" in text
        return as_checked(text.replace("INVERSE_SCALE[k]", "INVERSE_SCALE[k + 1]"))

    where = r"^fastest_change, line \d+: index 4 of an axis of length 4: INVERSE_SCALE\[k \+ 1\]$"
    with pytest.raises(KernelError, match=where):
        through(wrong, monkeypatch, hhcore.simulate, HH, {}, STEP, duration=2.0, method="rk4", dt=0.05)
