"""Sums of stimuli, holding levels, and commands of a voltage clamp, against SciPy and closed forms."""

import doctest
import re
from pathlib import Path

import numpy as np
import pytest

import hhcore
from hhcore.config.reader import read_experiments
from hhcore.schemes.solver import setting_of
from hhcore.simulation.reference import reference
from hhcore.simulation.stimuli import commands
from hhcore.simulation.stimuli.segments import Segments
from hhcore.simulation.stimuli.stimulus import Stimulus
from hhcore.simulation.stimuli.sum import Sum

HH = hhcore.load_model("hodgkin_huxley_1952")
ADAPTIVE = ["tsit5", "rodas5p", pytest.param("dop853", marks=pytest.mark.slow)]


def solver(method: str, accuracy: float) -> dict:
    return {"method": method, setting_of(method): accuracy}


def point(stimulus: Stimulus) -> dict[str, float]:
    """Its fields as the reference takes them."""
    return {name: float(value) for name, value in stimulus.values.items() if np.isfinite(value)}


@pytest.mark.parametrize("method", ADAPTIVE)
def test_a_sum_on_a_holding_current_agrees_with_scipy(method):
    stimulus = Sum(long=hhcore.Step(4.0, start=3), pulses=hhcore.PulseTrain(20.0, 0.5, 13.0), holding=1.0)
    run = hhcore.simulate(HH, {}, stimulus, duration=60.0, **solver(method, 1e-11))
    exact = reference(HH, point(stimulus), duration=60.0, stimulus=type(stimulus))
    assert len(exact.spike_times) >= 3
    assert run.spike_times == pytest.approx(exact.spike_times, abs=1e-8)
    assert len(run.beats) == 5


def test_a_sum_of_one_part_has_the_bits_of_the_part():
    alone = hhcore.simulate(HH, {}, hhcore.Step([5, 10], start=1, stop=30), duration=50.0)
    in_sum = hhcore.simulate(HH, {}, Sum(step=hhcore.Step([5, 10], start=1, stop=30)), duration=50.0)
    assert (alone.spike_times == in_sum.spike_times).all() and (alone.final == in_sum.final).all()


def test_rest_under_a_holding_current_is_an_equilibrium_with_it():
    held = hhcore.trace(HH, {}, hhcore.Step(0.0, holding=2.0), duration=50.0, interval=10.0, local_error=1e-11)
    assert np.ptp(held["membrane.V"]) < 1e-9 and held["membrane.V"][0] > -64.5
    assert held["stimulus"] == pytest.approx(2.0)


# --- commands


def gates(potential: float) -> dict[str, tuple[float, float]]:
    """Steady state and time constant of each gate, from the equations of Hodgkin and Huxley (1952)."""
    v = potential + 65.0
    rates = {
        "m": (0.1 * (v - 25) / (1 - np.exp(-(v - 25) / 10)), 4 * np.exp(-v / 18)),
        "h": (0.07 * np.exp(-v / 20), 1 / (1 + np.exp(-(v - 30) / 10))),
        "n": (0.01 * (v - 10) / (1 - np.exp(-(v - 10) / 10)), 0.125 * np.exp(-v / 80)),
    }
    return {name: (a / (a + b), 1 / (a + b)) for name, (a, b) in rates.items()}


@pytest.mark.parametrize("method", ADAPTIVE)
def test_gates_under_a_step_of_potential_have_their_closed_form(method):
    command = Segments(holding=-65, before=(-65, 2), test=(3, 20))
    run = hhcore.trace(HH, {}, command, duration=22.0, interval=0.7, **solver(method, 1e-11))
    since = run["time"] - 2.0
    begins, steady = gates(-65.0), gates(3.0)
    for name, column in (("m", "sodium.m"), ("h", "sodium.h"), ("n", "potassium.n")):
        (x0, _), (x1, tau) = begins[name], steady[name]
        exact = np.where(since <= 0, x0, x1 + (x0 - x1) * np.exp(-np.maximum(since, 0) / tau))
        assert run[column] == pytest.approx(exact, abs=2e-10)
    assert set(run["membrane.V"][since > 0]) == {3.0}


@pytest.mark.parametrize("method", ADAPTIVE)
def test_a_ramp_of_potential_agrees_with_scipy(method):
    command = Segments(holding=-80, rise=(-80, 40, 12.3), hold=(40, 5), back=(-50, 4))
    run = hhcore.trace(HH, {}, command, duration=22.0, interval=1.1, **solver(method, 1e-11))
    exact = reference(HH, point(command), duration=22.0, stimulus=type(command))
    after = np.append(np.diff(run["time"]) > 0, True)  # of two rows, the second is at the new potential
    for i in np.flatnonzero(after):
        here = [run[name][i] for name in HH.states]
        if run["time"][i] not in (12.3, 17.3, 21.3):
            assert here == pytest.approx(exact.at(run["time"][i]), abs=1e-8)
    jump = np.flatnonzero(run["time"] == 12.3)
    assert run["membrane.V"][jump] == pytest.approx(40.0)


def test_a_kind_of_stimulus_is_a_command_on_top_of_the_holding_potential():
    command = hhcore.Step.command()(60.0, start=1.0, stop=4.0, holding=-80.0)
    run = hhcore.trace(HH, {}, command, duration=6.0, interval=0.5)
    inside = (run["time"] > 1.0) & (run["time"] < 4.0)
    assert set(run["membrane.V"][inside]) == {-20.0}
    assert run.units["stimulus"] == "mV"


@pytest.mark.parametrize("kind", ["sine", "chirp"])
def test_the_potential_of_the_twin_is_the_command(kind):
    fields = {"sine": {"frequency": 200.0}, "chirp": {"start_frequency": 50.0, "stop_frequency": 300.0}}[kind]
    command = commands()[kind](amplitude=30.0, start=1.0, holding=-80.0, **fields)
    run = hhcore.trace(HH, {}, command, duration=8.0, interval=0.37, local_error=1e-11)
    exact = reference(HH, point(command), duration=8.0, stimulus=type(command))
    potential = [exact.at(t)[0] for t in run["time"]]
    assert potential == pytest.approx(run["membrane.V"], abs=1e-9)
    assert exact.final["membrane.V"] == pytest.approx(run["membrane.V"][-1], abs=1e-9)


def test_equal_bits_under_a_clamp_for_any_neighbours():
    tests = np.linspace(-80.0, 70.0, 31)
    both = hhcore.simulate(HH, {}, Segments(holding=-80, a=(tests, 5), b=(-80, 5)), duration=10.0, initial_state="rest")
    one = hhcore.simulate(HH, {}, Segments(holding=-80, a=(tests[17], 5), b=(-80, 5)), duration=10.0)
    assert (both.final[17] == one.final[0]).all()


AP = {"time_ms": [0, 5], "potential_mV": [-80, 20]}
COMMANDS = {  # a command of each kind on -80 mV
    "biphasic": lambda kind: kind(60, 2, start=1, holding=-80),
    "chirp": lambda kind: kind(60, 1, 100, holding=-80),
    "events": lambda kind: kind([{"level": 60, "start": 1, "length": 2}], holding=-80),
    "hyper_depol": lambda kind: kind(-20, 60, start=1, tmid=3, stop=5, holding=-80),
    "noise": lambda kind: kind(0, 5, 3, 0.5, interpolation="linear", holding=-80),
    "paired_pulses": lambda kind: kind(60, 1, 2, start=1, holding=-80),
    "pulse": lambda kind: kind(60, 2, start=1, holding=-80),
    "pulse_train": lambda kind: kind(60, 1, 3, start=1, holding=-80),
    "ramp": lambda kind: kind(60, start=1, stop=5, holding=-80),
    "sahp": lambda kind: kind(60, 20, start=1, tmid=2, tmid2=3, stop=5, holding=-80),
    "segments": lambda kind: kind(a=(-80, 2), b=(-20, 2), holding=-80),
    "sine": lambda kind: kind(60, 200, holding=-80),
    "staircase": lambda kind: kind(20, 20, 1, start=1, number=3, holding=-80),
    "step": lambda kind: kind(60, start=1, stop=5, holding=-80),
    "sum": lambda kind: kind(a=hhcore.Step(30, start=1), b=hhcore.Sine(30, 200), holding=-80),
    "triangle": lambda kind: kind(60, start=1, stop=5, holding=-80),
    "waveform": lambda kind: kind(AP, holding=-80),
}


@pytest.mark.parametrize("name", sorted({*commands(), *COMMANDS}))
def test_every_command_of_python_is_in_millivolts_and_needs_a_holding_potential(name):
    command = COMMANDS[name](commands()[name])
    units = command.units_in(HH)
    assert "uA/cm^2" not in units.values() and units["holding"] == "mV"
    assert not any("current" in field.meaning.lower() for field in command.fields.values())
    columns = {name: np.atleast_1d(column) for name, column in command.columns(HH, 6.0).items()}
    numbers = command.resolve(columns, 6.0, HH.ms, np.array([[q.value for q in HH.parameters.values()]]))
    edges, potential = command.twin({name: float(column[0]) for name, column in numbers.items()}, 6.0, HH.ms)
    course = hhcore.trace(HH, {}, command, duration=6.0, interval=0.37, local_error=1e-9)
    held = 0.0 if command.absolute else -80.0
    after = ~np.isin(course["time"], edges)
    exact = [held + potential(t) for t in course["time"][after]]
    assert course["membrane.V"][after] == pytest.approx(exact, abs=1e-6) and np.ptp(exact) > 5
    with pytest.raises(hhcore.UserError, match="needs a `holding` potential"):
        COMMANDS[name](lambda *args, holding, **given: commands()[name](*args, **given))


def test_a_part_of_a_command_is_a_stimulus_that_can_be_one():
    command = commands()["sum"]
    for part, words in ((hhcore.Shock(5), "no command of a clamp"), (hhcore.FromFile(), "no command of a clamp")):
        with pytest.raises(hhcore.UserError, match=words):
            command(a=part, holding=-80)
    for kind in (command, Sum):
        with pytest.raises(hhcore.UserError, match="a command of its own"):
            kind(a=hhcore.Step.command()(5, holding=0), holding=-80)


FAULTS = [
    (lambda: Segments(holding=-80, a=("a", 1), b=(0, 1)), {}, "a.potential: 'a' is neither a quantity"),
    (lambda: Segments(holding=-80, a=(0, 1)), {"initial_state": {"from": "rest", "membrane.V": 30}}, "leave it out"),
    (lambda: hhcore.Waveform(AP), {}, "stimulus: column potential_mV is in mV; a current in uA/cm\\^2 is needed"),
    (lambda: hhcore.Waveform(AP, nonsense=3), {}, "'nonsense'; legal: scale, offset, start, period, holding$"),
    (lambda: hhcore.Events(file="none.mmt"), {}, "none.mmt cannot be read"),
]


@pytest.mark.parametrize(("stimulus", "given", "message"), FAULTS, ids=[message[:20] for *_, message in FAULTS])
def test_a_mistake_at_a_prompt_is_one_sentence(stimulus, given, message):
    with pytest.raises(hhcore.UserError, match=message):
        hhcore.trace(HH, {}, stimulus(), duration=5.0, **given)


def test_the_commands_of_the_page_on_voltage_clamp_do_what_it_says():
    page = Path(__file__).parents[1] / "docs/voltage_clamp.md"
    (block,) = re.findall(r"```pycon\n(.*?)```", page.read_text(), re.DOTALL)
    test = doctest.DocTestParser().get_doctest(block, {}, page.name, str(page), 0)
    assert doctest.DocTestRunner(verbose=False).run(test).failed == 0


# --- in a config


BODY = {"model": "hodgkin_huxley_1952", "initial_state": "rest", "solver": {"method": "rk4", "dt": 0.025}}


def read(**body: object):
    (found,) = read_experiments({"experiments": {"e": BODY | body}}, ".").values()
    return found


def test_parts_of_a_sum_are_axes_by_their_names():
    parts = {
        "long": {"kind": "step", "amplitude": {"values": [1, 2]}},
        "short": {"kind": "step", "amplitude": "3 uA/cm^2"},
    }
    e = read(stimulus={"kind": "sum", "holding": 1, "parts": parts}, duration=20)
    assert e.swept == ("long.amplitude",) and e.column("long.amplitude") == "long_amplitude_uA_cm2"
    assert e.points(np.arange(2))[:, -7:].tolist() == [[x, 0, 20, 3, 0, 20, 1] for x in (1, 2)]


def test_parts_and_events_of_a_clamp_are_potentials():
    step, event = {"kind": "step", "amplitude": "80 mV"}, {"level": {"values": [60, 80]}, "start": 1, "length": 3}
    e = read(clamp={"kind": "sum", "holding": -80, "parts": {"s": step}}, duration=20)
    assert e.unit("s.amplitude") == "mV" and e.defaults["s.amplitude"] == 80
    e = read(clamp={"kind": "events", "holding": -80, "events": [event]}, duration=20)
    assert e.column("event1.level") == "event1_level_mV"
    assert read(clamp={"holding": -80, **step}, duration=20).description("amplitude").startswith("Command potential")


def test_the_duration_of_a_clamp_is_that_of_its_longest_neuron():
    segments = {"a": {"potential": -80, "duration": {"values": [10, 30]}}, "b": {"potential": 0, "duration": "5 ms"}}
    assert read(clamp={"kind": "segments", "holding": -80, "segments": segments}).duration == 35.0


def of_two(a: object, b: object) -> dict:
    """Two segments with these potentials."""
    two = {"a": {"potential": a, "duration": 1}, "b": {"potential": b, "duration": 1}}
    return {"clamp": {"kind": "segments", "holding": -80, "segments": two}}


STEP = {"kind": "step", "amplitude": 1}
MISTAKES = [
    ({"clamp": {"kind": "segments", "segments": {"a": {"potential": 0, "duration": 1}}}}, "'holding' is missing"),
    ({"clamp": {"kind": "segments", "holding": -80, "segments": {}}}, "0 segments; give from 1 to"),
    ({"clamp": {"kind": "segments", "holding": -80, "segments": {"a": {"potential": 0}}}}, "'duration' is missing"),
    (
        {"clamp": {"kind": "segments", "holding": -80, "segments": {"a": {"level": 0, "duration": 1}}}},
        "e.clamp.segments.a: there is no key 'level' here; legal: potential, duration; write `potential`",
    ),
    (
        {"clamp": {"kind": "segments", "holding": -80, "segments": {"a": {"potential": 0, "duration": -1}}}},
        "e.clamp.segments.a.duration: -1.0 is not above 0",
    ),
    (
        {"clamp": {"kind": "segments", "holding": -80, "segments": {"a": {"potential": "3 ms", "duration": 1}}}},
        "e.clamp.segments.a.potential",
    ),
    (of_two(-80, "aa"), "e.clamp.segments.b.potential: 'aa' is neither a quantity, like -80 or '-80 mV', nor another"),
    (of_two("b", "a"), "e.clamp.segments.a.potential: 'b' has none of its own; give 'a' or 'b' a number"),
    (
        of_two(-80, 0) | {"analysis_window": [0, 1]},
        "e.analysis_window: each segment of the clamp is analysed",
    ),
    (of_two(-80, 0) | {"spikes": {"threshold": 5}}, "e.spikes: under a clamp nothing spikes"),
    ({"clamp": {"kind": "segmnts", "holding": -80}, "duration": 5}, "did you mean 'segments'?"),
    ({"clamp": {"kind": "step", "holding": -80, "amplitude": 1}}, "the key 'duration' is missing"),
    (
        {"clamp": {"kind": "step", "holding": -80, "amplitude": 1}, "stimulus": STEP, "duration": 5},
        "a `stimulus` or a `clamp`, not both",
    ),
    (
        {"clamp": {"kind": "sum", "holding": -80, "parts": {"a": {"kind": "shock", "displacement": 5}}}, "duration": 5},
        "'shock' is not a choice here; legal: biphasic, chirp, events",
    ),
    (
        {"clamp": {"kind": "sum", "holding": -80, "parts": {"a": STEP | {"amplitude": "8 uA/cm^2"}}}, "duration": 5},
        "e.clamp.parts.a.amplitude",
    ),
    ({"stimulus": {"kind": "sum", "parts": {}}, "duration": 5}, "a sum without parts"),
    ({"stimulus": {"kind": "sum", "parts": {"a.b": STEP}}, "duration": 5}, "becomes part of the names of columns"),
    ({"stimulus": {"kind": "sum", "parts": {"sodium": STEP | {"g": 1}}}, "duration": 5}, "there is no key 'g' here"),
    (
        {"stimulus": {"kind": "sum", "parts": {"a": STEP | {"holding": 1}}}, "duration": 5},
        "there is no key 'holding' here",
    ),
    (
        {"stimulus": {"kind": "sum", "parts": {"a": STEP | {"start": 9}}}, "duration": 5},
        "e.stimulus.parts.a: start 9.0 is not before stop 5.0",
    ),
]


@pytest.mark.parametrize(("body", "message"), MISTAKES, ids=[message[:40] for _, message in MISTAKES])
def test_a_mistake_is_one_sentence(body, message):
    with pytest.raises(hhcore.UserError) as error:
        read(**body)
    assert len(error.value.mistakes) == 1 and message in str(error.value)


# --- gates in closed form


@pytest.mark.parametrize(
    "name, method",
    [
        ("ten_tusscher_panfilov_2006", "rodas5p"),
        ("luo_rudy_1991", "tsit5"),
        pytest.param("ten_tusscher_panfilov_2006", "tsit5", marks=pytest.mark.slow),
        pytest.param("luo_rudy_1991", "rodas5p", marks=pytest.mark.slow),
    ],
)
def test_what_is_no_gate_is_integrated_beside_those_in_closed_form(name, method):
    """Concentrations, and gates that depend on them, against SciPy."""
    model = hhcore.load_model(name)
    command = Segments(holding=-80, test=(10, 30), tail=(-50, 20))
    run = hhcore.trace(model, {}, command, duration=50.0, interval=10.0, initial_state="model", **solver(method, 1e-9))
    settings = {"stimulus": type(command), "initial_state": "model", "method": "LSODA", "rtol": 1e-10, "atol": 1e-13}
    exact = reference(model, point(command), duration=50.0, **settings)
    for i in (np.flatnonzero(run["time"] == 20.0)[0], -1):
        expected = exact.at(run["time"][i])
        assert [run[state][i] for state in model.states] == pytest.approx(expected, rel=2e-6, abs=1e-9)


# Of a gate by the name of its b; above 0 mV: a, b in 1/ms.
PIECEWISE = {"drifts": (0.05, 0.0), "nearly": (0.02, -1e-16), "grows": (0.01, 0.2), "rests": (0.0, 0.0)}


def piecewise(folder: Path) -> str:
    """A file whose gates relax with 10 ms below 0 mV."""
    gates = "\n".join(
        f"dot({x}) = if(membrane.V > 0 [mV], {a} [1/ms] + {b} [1/ms] * {x}, (0.1 - {x}) / 10 [ms])\n    in [1]"
        for x, (a, b) in PIECEWISE.items()
    )
    text = MODEL.format(begun="\n".join(f"gate.{x} = 0.3" for x in PIECEWISE), gates=gates)
    (folder / "piecewise.mmt").write_text(text)
    return str(folder / "piecewise.mmt")


MODEL = """[[model]]
membrane.V = -65
{begun}

[engine]
time = 0 [ms] bind time
    in [ms]
pace = 0 [uA/cm^2] bind pace
    in [uA/cm^2]

[membrane]
dot(V) = (engine.pace - 0.3 [mS/cm^2] * (V + 65 [mV])) / 1 [uF/cm^2]
    in [mV]
    label membrane_potential

[gate]
{gates}
"""


@pytest.mark.parametrize("method", ["tsit5", "rodas5p", "rk4"])
def test_gates_without_a_steady_state_have_their_closed_form_too(tmp_path, method):
    """b = 0, b nearly 0, and b above 0, where x - x_inf cannot be told, is huge, or grows."""
    command = Segments(holding=-65, before=(-65, 5), test=(10, 10))
    settings = {"initial_state": "model", **solver(method, 0.5 if method == "rk4" else 1e-9)}
    run = hhcore.simulate(piecewise(tmp_path), {}, command, duration=15.0, **settings)
    begun, since = 0.1 + 0.2 * np.exp(-0.5), 10.0
    exact = [begun + (a + b * begun) * (np.expm1(b * since) / b if b else since) for a, b in PIECEWISE.values()]
    assert run.final[0, 1:] == pytest.approx(exact, rel=1e-14)


def test_gates_without_a_stable_steady_state_have_no_rest(tmp_path):
    settings = {"duration": 1.0, "initial_state": "rest"}
    run = hhcore.simulate(piecewise(tmp_path), {}, Segments(holding=[-65.0, 10.0], a=(-65, 1)), **settings)
    assert run.features.status.tolist() == ["ok", "no_stable_rest"]


def test_a_clamp_of_gates_alone_takes_one_step_for_each_segment():
    command = Segments(holding=-65, a=([-40.0, 0.0], 20), b=(-65, 5))
    run = hhcore.simulate(HH, {}, command, duration=25.0, local_error=1e-9)
    assert run.steps.tolist() == [2.0, 2.0]
