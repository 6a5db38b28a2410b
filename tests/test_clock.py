"""Models that pace themselves by a formula of time: their jumps are found, and steps end there."""

import math

import myokit
import numpy as np
import pytest

import hhcore
from hhcore.config.reader import read_experiments
from hhcore.model.clock import LONGEST_MS, find_clock
from hhcore.schemes.solver import METHODS
from hhcore.simulation.engine import engine
from hhcore.simulation.integration import integrate
from hhcore.simulation.jumps import CLOSE, jumps
from hhcore.simulation.reference import reference, rest
from hhcore.sweep.estimate import notes

# V takes up the formula p(t): with tau = 0.5 a leaky integrator, whose answer to a jump is an exponential.
TEXT = """
[[model]]
a.V = 0
a.total = 0
[a]
t = 0 bind time
start = 20
period = 30
width = 0.5
end = 200
height = 40
beat = floor((t - start) / period)
p = {formula}
tau = 0.5
dot(V) = (p - V) / tau
dot(total) = p
"""
CELLML = "piecewise(t >= start and t <= end and t - start - floor((t - start) / period) * period <= width, height, 0)"
ONSETS = [20.0, 50.0, 80.0, 110.0]
EDGES = sorted([*ONSETS, *(onset + 0.5 for onset in ONSETS)])
# The same pulses, as others write them: (t - start) mod period < width, from `start` on.
PULSES = {
    "cellml": CELLML,
    "remainder": "if(t >= start and (t - start) % period < width, height, 0)",
    "past": "if(t - start - beat * period < width and not (t < start), height, 0)",
    "quotient": "if(t < start, 0, if(t - start - ((t - start) // period) * period > width, 0, height))",
    "ceil": "if(t > start, if(t - start + ceil(-(t - start) / period) * period <= width, height, 0), 0)",
    "abs": "if(beat >= 0, if(abs((t - start) % period - width / 2) <= width / 2, height, 0), 0)",
    "heights": "height * if(beat < 0, 0, if(0 < width - ((t - start) - beat * period), 1, 0))",
    "no instant": "if(t == start + 7, 1e9, if(beat >= 0 and (t - start) % period < width, height, 0))",
}


def model(tmp_path, formula: str, **names):
    path = tmp_path / "own.mmt"
    path.write_text(TEXT.format(formula=formula))
    return hhcore.load_model(path, **{"potential": "a.V", "current": "none"} | names)


def run(own, points=None, *, method="rodas5p", duration=130.0, **settings):
    accuracy = {"dt": 0.05} if method == "rk4" else {"local_error": 1e-6}
    settings = {"duration": duration, "initial_state": "model", "method": method, "threshold": 15.0} | settings
    return hhcore.simulate(own, points or {}, hhcore.Step(0.0), **accuracy | settings)


def crossing(level: float, height: float = 40.0, tau: float = 0.5) -> float:
    """When height (1 - e^(-t / tau)) reaches a level."""
    return -tau * math.log(1 - level / height)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("formula", [PULSES["cellml"], PULSES["remainder"]], ids=["cellml", "remainder"])
def test_no_scheme_misses_a_pulse_inside_the_file(tmp_path, method, formula):
    """At rest, steps would grow beyond the pulses of 0.5; each must be there, and nothing else."""
    found = run(model(tmp_path, formula), method=method)
    assert found.spike_times == pytest.approx([onset + crossing(15) for onset in ONSETS], abs=1e-4)
    assert found.final[0, 1] == pytest.approx(4 * 0.5 * 40, rel=1e-12)


@pytest.mark.parametrize("formula", PULSES.values(), ids=PULSES.keys())
def test_jumps_are_found_however_they_are_written(tmp_path, formula):
    own = model(tmp_path, formula)
    assert own.clock().undecided == ()
    found = run(own, method="tsit5")
    assert found.spike_times == pytest.approx([onset + crossing(15) for onset in ONSETS], abs=1e-5)
    assert found.final[0, 1] == pytest.approx(4 * 0.5 * 40, rel=1e-12)
    values = {name: q.value for name, q in own.parameters.items()}
    edges = np.array(jumps(own, values, 130.0))
    assert [float(np.abs(edges - edge).min()) for edge in EDGES] == pytest.approx([0] * 8, abs=CLOSE * 130)
    assert len(edges) <= 24


def test_each_neuron_has_the_jumps_of_its_own_parameters(tmp_path):
    """Periods, widths and starts as axes: the integral of the pulses is a formula."""
    rng = np.random.default_rng(1)
    n = 40
    points = {"a.period": rng.uniform(3, 40, n), "a.width": rng.uniform(0.01, 2.9, n), "a.start": rng.uniform(0, 50, n)}
    found = run(model(tmp_path, CELLML), {**points, "a.end": 1e9}, duration=137.0)
    since = 137.0 - points["a.start"]
    whole = np.floor(since / points["a.period"])
    on = whole * points["a.width"] + np.minimum(points["a.width"], since - whole * points["a.period"])
    assert found.final[:, 1] == pytest.approx(40 * on, rel=1e-11)


def test_jumps_that_fall_on_edges_of_the_stimulus_and_on_whole_numbers(tmp_path):
    """Onsets at 0.1 k, which are rounded; a stimulus that jumps there too; a run that ends there."""
    text = TEXT.format(formula="if(t % period < width, height, 0) + i").replace("tau =", "i = 0 bind pace\ntau =")
    (tmp_path / "own.mmt").write_text(text)
    own = hhcore.load_model(tmp_path / "own.mmt", potential="a.V")
    points = {"a.period": 0.1, "a.width": 0.03, "a.height": 2.0}
    for method in METHODS:
        accuracy = {"dt": 0.05} if method == "rk4" else {"local_error": 1e-8}
        settings = {"duration": 6.0, "initial_state": "model", "method": method, **accuracy}
        found = hhcore.simulate(own, points, hhcore.Step(7.0, 0.3, 5.9), **settings)
        assert found.final[0, 1] == pytest.approx(60 * 0.03 * 2 + 7 * 5.6, rel=1e-12)


def test_the_time_course_has_a_sample_at_each_jump(tmp_path):
    kept = hhcore.trace(
        model(tmp_path, CELLML), {}, hhcore.Step(0.0), duration=130.0, initial_state="model", method="tsit5", interval=7
    )
    for edge in EDGES:
        assert np.abs(kept["time"] - edge).min() < 1e-9
    assert kept["time"][-1] == 130.0 and kept["a.total"][-1] == pytest.approx(80, rel=1e-9)
    assert kept["a.total"] == pytest.approx([_integral(t) for t in kept["time"]], rel=1e-9, abs=1e-12)


def test_samples_at_stops_come_before_those_at_jumps(tmp_path):
    used = engine(model(tmp_path, CELLML), "tsit5", hhcore.Step)
    neuron = used.undisturbed(np.array([[q.value for q in used.model.parameters.values()]]))
    stops = np.linspace(0.0, 130.0, 14)[1:]
    for room, kept in [(13, stops), (16, sorted([0.0, 20.5, 50.0, *stops]))]:
        samples = integrate(used, neuron, np.zeros((1, 2)), stops, accuracy=1e-6, samples=room).samples
        assert samples.times[0] == pytest.approx(kept, rel=1e-12)


def _integral(t: float) -> float:
    return 40 * sum(min(max(t - onset, 0.0), 0.5) for onset in ONSETS)


# x lies on 0 until 10 of 20: equalities of an argument that rests there, and of one whose slope is a parameter.
EQUALITIES = {
    "equal": ("if(x == 0, height, 0)", {}, 400.0),
    "unequal": ("if(x != 0, height, 0)", {}, 400.0),
    "swapped": ("if(0 == x, height, 0) + if(t == 7, 1e6, 0)", {}, 400.0),
    "no slope": ("if(slope * t == 0, height, 0)", {}, 800.0),
    "rounded": ("if(if(t < 10, 3 * third, t) == 3 * third, height, 0)", {"a.third": 0.1}, 400.0),
    "a slope": ("if(slope * t == 0, height, 0)", {"a.slope": 1.0}, 0.0),
}


@pytest.mark.parametrize(("formula", "points", "total"), EQUALITIES.values(), ids=EQUALITIES.keys())
def test_an_equality_holds_as_long_as_its_argument_rests(tmp_path, formula, points, total):
    own = model(tmp_path, formula + "\nx = if(t < 10, 0, t - 10)\nslope = 0\nthird = 0.3")
    assert run(own, points, duration=20.0).final[0, 1] == pytest.approx(total, rel=1e-12)
    twin = reference(own, points, duration=20.0, initial_state="model", rtol=1e-10)
    assert twin.final["a.total"] == pytest.approx(total, rel=1e-9)


def test_a_stimulus_replaces_the_formula_and_its_jumps(tmp_path):
    own = model(tmp_path, CELLML, current="a.p")
    assert own.clock().switches == ()
    assert run(own).final[0, 1] == 0


@pytest.mark.parametrize("method", ["LSODA", "DOP853"])
def test_the_twin_finds_the_same(tmp_path, method):
    exact = reference(
        model(tmp_path, CELLML), {}, duration=130.0, initial_state="model", threshold=15.0, method=method, rtol=1e-10
    )
    assert exact.spike_times == pytest.approx([onset + crossing(15) for onset in ONSETS], abs=1e-8)
    assert exact.final["a.total"] == pytest.approx(80, rel=1e-9)


@pytest.mark.parametrize("bound", ["0", "period / 3e8"], ids=["open all the way", "open until intervals are short"])
def test_the_twin_gives_up_where_bounds_of_an_interval_cannot_tell(tmp_path, bound):
    """t - t / 2 - t / 2 is 0; by bounds over an interval it is anything up to the interval's length, to either side."""
    own = model(tmp_path, f"if(t - 0.5 * t - 0.5 * t < {bound}, 1, 0)")
    with pytest.raises(ArithmeticError, match="jump more than|cannot be told"):
        reference(own, {}, duration=20.0, initial_state="model")


@pytest.mark.parametrize(("lines", "undecided"), [(10, ()), (40, ("a.p",))])
def test_a_chain_of_variables_that_doubles_with_each_line(tmp_path, lines, undecided):
    """y40 is 2^40 t; with y39 and so on in its place it has as many terms, more than a machine can hold."""
    chain = "".join(f"\ny{k + 1} = y{k} + y{k}" for k in range(lines))
    own = model(tmp_path, f"if(y{lines} < 7 * 2^{lines}, height, 0)\ny0 = t{chain}")
    assert own.clock().undecided == undecided
    assert run(own, duration=20.0).final[0, 1] == pytest.approx(7 * 40, rel=1e-6 if undecided else 1e-12)


def test_a_chain_of_very_many_variables_is_one_sentence(tmp_path):
    chain = "".join(f"\ny{k + 1} = y{k} + 1" for k in range(600))
    with pytest.raises(hhcore.UserError, match="formula of time in .* goes through too many variables"):
        model(tmp_path, f"if(y600 < 607, height, 0)\ny0 = t{chain}")


UNDECIDED = {
    "sine": "if(sin(2 * 3.141592653589793 * t / period) > 0.9, height, 0)",
    "with a state": "if(t - 20 > -V / 100 and t < 23, height, 0)",
    "bell": "height * exp(-((t - start) / width)^2)",
    "quadratic": "if((t - start)^2 < width^2, height, 0)",
}


@pytest.mark.parametrize("formula", UNDECIDED.values(), ids=UNDECIDED.keys())
def test_where_jumps_cannot_be_found_steps_are_short_and_a_note_says_so(tmp_path, formula):
    own = model(tmp_path, formula)
    assert own.clock().undecided == ("a.p",)
    assert any("a.p jumps in time cannot be decided" in note for note in own.notes)
    found = run(own, method="rodas5p", duration=60.0)
    exact = reference(own, {}, duration=60.0, initial_state="model", threshold=15.0, rtol=1e-8)
    assert found.steps[0] >= 60.0 / LONGEST_MS
    assert len(found.spike_times) == len(exact.spike_times) >= 1
    assert found.spike_times == pytest.approx(exact.spike_times, abs=0.01)


def test_a_condition_on_the_slope_of_the_potential_under_a_pulse_is_no_jump_in_time(tmp_path):
    """As in Faber and Rudy 2000: between two jumps of the pulse the condition is one on states."""
    path = tmp_path / "own.mmt"
    path.write_text(TEXT.format(formula=CELLML) + "dot(track) = if(dot(V) > 30, 1, 0) - track\n")
    path.write_text(path.read_text().replace("a.total = 0\n", "a.total = 0\na.track = 0\n"))
    own = hhcore.load_model(path, potential="a.V", current="none")
    assert own.clock().undecided == () and len(own.clock().switches) == 4
    found = run(own, duration=25.0)
    # 2 (40 - V) > 30 until V = 25; then track decays.
    until = crossing(25.0)
    assert found.final[0, 2] == pytest.approx((1 - math.exp(-until)) * math.exp(-(5 - until)), rel=1e-3)


def test_a_current_of_the_file_without_jumps_needs_no_note(tmp_path):
    own = model(tmp_path, "height * t / 100 - t * V / 1000")
    assert own.clock().switches == own.clock().undecided == () and own.notes == ()


def test_a_trace_of_a_formula_that_jumps_all_the_time_is_one_sentence(tmp_path):
    own = model(tmp_path, "if(t % period < width, 1, 0)")
    with pytest.raises(hhcore.UserError, match="jumps more than 100,000 times"):
        hhcore.trace(own, {"a.period": 1e-9}, hhcore.Step(0.0), duration=1.0, initial_state="model")


@pytest.mark.parametrize("method", METHODS)
def test_a_formula_that_jumps_all_the_time_stalls(tmp_path, method):
    """A step for each jump: of 1,000 steps in 1 ms, the first neuron needs 2e10, the second one 800."""
    own = model(tmp_path, "if(t % period < width, 1, 0)")
    periods = np.array([1e-10, 0.0025])
    found = run(own, {"a.period": periods, "a.width": periods / 2}, method=method, duration=1.0)
    assert found.status.tolist() == [3, 0]


def test_models_of_the_catalogue_have_no_clock():
    for name in hhcore.models():
        assert hhcore.load_model(name).clock().switches == ()


def test_parts_are_written_as_floor_and_less():
    parsed = myokit.parse_model(TEXT.format(formula=PULSES["cellml"]))
    parts = [switch.part.code() for switch in find_clock(parsed, None).switches]
    assert parts[:3] == ["a.t < a.start", "a.end < a.t", "floor((a.t - a.start) / a.period)"] and len(parts) == 4


# --- the stimulus in the file as the stimulus: `current: file`

PACED = """
[[model]]
membrane.V = -60
[engine]
t = 0 [ms] bind time
    in [ms]
[membrane]
dot(V) = (i_stim - 2 [uS/cm^2] * (V + 60 [mV]) * 1 [mS/uS]) / C
    in [mV]
    label membrane_potential
C = 1 [uF/cm^2]
    in [uF/cm^2]
height = 30 [uA/cm^2]
    in [uA/cm^2]
i_stim = if(engine.t % 40 [ms] < 2 [ms], height, 0 [uA/cm^2])
    in [uA/cm^2]
"""
TAU = 0.5  # of PACED


def paced(tmp_path, text=PACED):
    (tmp_path / "paced.mmt").write_text(text)
    return hhcore.load_model(tmp_path / "paced.mmt", current="file")


def test_the_stimulus_in_the_file_flows_also_from_time_0_on_and_not_at_rest(tmp_path):
    own = paced(tmp_path)
    assert own.current.name == "membrane.i_stim" and own.clock().switches == ()
    settings = {"duration": 100.0, "threshold": -50.0}
    found = hhcore.simulate(own, {}, hhcore.FromFile(), method="rodas5p", **settings)
    late = -TAU * math.log(1 - 10 / 15)
    assert found.spike_times == pytest.approx([late, 40 + late, 80 + late], abs=1e-5)
    assert found.status.tolist() == [0] and found.features.trough_mV.tolist() == pytest.approx([-60], abs=1e-9)
    exact = reference(own, {}, stimulus="file", **settings)
    assert exact.spike_times == pytest.approx(found.spike_times, abs=1e-5)
    assert rest(own, {}) == pytest.approx({"membrane.V": -60})


SECOND = (
    PACED.replace("(i_stim -", "(i_stim + i_late -")
    + """
i_late = if(engine.t > 5 [ms], height, 0 [uA/cm^2])
    in [uA/cm^2]
"""
)


@pytest.mark.parametrize(
    ("text", "current", "message"),
    [
        (PACED, "none", "but in 'paced' membrane.i_stim follows .* initial_state: model, or `current: file`"),
        (SECOND, "none", "membrane.i_late and membrane.i_stim follow a formula of time; use initial_state: model$"),
        (SECOND, "membrane.i_stim", "membrane.i_late follows a formula of time; use initial_state: model$"),
    ],
)
def test_there_is_no_rest_while_a_stimulus_in_the_file_flows(tmp_path, text, current, message):
    """At time 0 it is on: with 30 uA/cm^2 the potential would rest at -45 mV, and at -60 mV without."""
    (tmp_path / "paced.mmt").write_text(text)
    own = hhcore.load_model(tmp_path / "paced.mmt", current=current)
    with pytest.raises(hhcore.UserError, match="^initial_state: rest is without stimulus, .*" + message):
        hhcore.simulate(own, {}, hhcore.Step(0.0), duration=10.0)
    step = {"kind": "step", "amplitude": 0}
    with pytest.raises(hhcore.UserError, match="e.initial_state: rest is without stimulus, .*" + message):
        read_experiments(config(current=current, stimulus=step), tmp_path)
    assert hhcore.simulate(own, {}, hhcore.Step(0.0), duration=10.0, initial_state="model").status.tolist() == [0]


def test_the_stimulus_in_the_file_times_a_factor(tmp_path):
    factors = np.array([-1.0, 0.0, 0.5, 2.0])
    found = hhcore.simulate(paced(tmp_path), {}, hhcore.FromFile(factors), duration=2.0, local_error=1e-9)
    assert found.final[:, 0] == pytest.approx(-60 + factors * 15 * (1 - math.exp(-2 / TAU)), rel=1e-8)


def test_the_stimulus_in_the_file_is_drawn(tmp_path):
    kept = hhcore.trace(paced(tmp_path), {}, hhcore.FromFile(), duration=50.0, interval=0.5)
    inside = kept["time"] % 40 < 2 - 1e-9
    assert kept["stimulus"].tolist() == np.where(inside, 30.0, 0.0).tolist()


def config(**changes) -> dict:
    body = {"model": "paced.mmt", "current": "file", "initial_state": "rest", "duration": 50}
    return {"experiments": {"e": body | {"solver": {"tolerance": "1 us"}} | changes}}


def test_a_config_needs_no_stimulus_beside_that_of_the_file(tmp_path):
    paced(tmp_path)
    bare = read_experiments(config(), tmp_path)["e"]
    assert bare.stimulus is hhcore.FromFile and bare.defaults["factor"] == 1.0
    swept = read_experiments(config(stimulus={"kind": "file", "factor": {"values": [1, 2]}}), tmp_path)["e"]
    assert swept.n_points == 2
    named = read_experiments(config(stimulus={"kind": "file"}, current="membrane.i_stim"), tmp_path)["e"]
    assert named.kernel_name("tsit5") == bare.kernel_name("tsit5")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stimulus": {"kind": "step", "amplitude": 1}}, "beside which there is no 'step'; leave the stimulus out"),
        ({"model": "hodgkin_huxley_1952"}, "no current follows a formula of time, so give a stimulus"),
        (
            {"stimulus": {"kind": "file"}, "current": "none"},
            "nothing is injected into 'paced'; name membrane.i_stim as `current`",
        ),
        (
            {"stimulus": {"kind": "file"}, "current": "membrane.height"},
            "membrane.height of 'paced' follows no formula of time",
        ),
        ({"current": "membrane.i_stim"}, "the key 'stimulus' is missing"),
    ],
)
def test_what_is_no_stimulus_in_the_file_is_one_sentence(tmp_path, changes, message):
    paced(tmp_path)
    with pytest.raises(hhcore.UserError, match=message):
        read_experiments(config(**changes), tmp_path)


def test_of_several_stimuli_in_the_file_one_is_named(tmp_path):
    with pytest.raises(hhcore.UserError, match="several currents .*: membrane.i_late, membrane.i_stim; name one"):
        paced(tmp_path, SECOND)


def test_the_note_on_a_stimulus_whose_jumps_cannot_be_found(tmp_path):
    paced(tmp_path, PACED.replace("engine.t % 40 [ms] < 2 [ms]", "sin(engine.t / 9 [ms]) > 0.9"))
    own = read_experiments(config(), tmp_path)["e"]
    other = read_experiments(config(current="membrane.i_stim", stimulus={"kind": "step", "amplitude": 1}), tmp_path)[
        "e"
    ]
    assert "cannot be decided" in notes([own]) and notes([other]) == ""
