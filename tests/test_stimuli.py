"""Kinds of stimuli as text in the kernel: against their twins in plain Python, SciPy, and formulas solved by hand."""

import inspect
import math
import sys
import tracemalloc
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from itertools import islice

import kernel_python
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import hhcore
from hhcore.base import registry
from hhcore.compile.parts import SHOCK
from hhcore.compile.text import generate
from hhcore.schemes.solver import SCHEMES, setting_of
from hhcore.simulation import stimuli
from hhcore.simulation.engine import engine, kernel_parts
from hhcore.simulation.integration import integrate
from hhcore.simulation.observers import Extremes, Spikes
from hhcore.simulation.reference import reference
from hhcore.simulation.stimuli.biphasic import Biphasic
from hhcore.simulation.stimuli.chirp import Chirp
from hhcore.simulation.stimuli.events import Events
from hhcore.simulation.stimuli.file import FromFile
from hhcore.simulation.stimuli.hyper_depol import HyperDepol
from hhcore.simulation.stimuli.noise import Noise
from hhcore.simulation.stimuli.paired_pulses import PairedPulses
from hhcore.simulation.stimuli.pulse import Pulse
from hhcore.simulation.stimuli.pulse_train import PulseTrain
from hhcore.simulation.stimuli.ramp import Ramp
from hhcore.simulation.stimuli.sahp import SAHP
from hhcore.simulation.stimuli.shock import Shock
from hhcore.simulation.stimuli.sine import Sine
from hhcore.simulation.stimuli.staircase import Staircase
from hhcore.simulation.stimuli.step import Step
from hhcore.simulation.stimuli.stimulus import Field, Stimulus
from hhcore.simulation.stimuli.sum import Sum
from hhcore.simulation.stimuli.triangle import Triangle
from hhcore.simulation.stimuli.waveform import Waveform

HH = hhcore.load_model("hodgkin_huxley_1952")
INF = math.inf


@dataclass(frozen=True)
class Waves(Stimulus):
    """A ramp while start <= t < stop, then a sine: one expression, of which the level chooses the part."""

    slope: float
    frequency: float = 0.05
    start: float = 0.0
    stop: float = INF

    kind = "waves"
    title = "ramp and sine"
    example = "{kind: waves, slope: 1}"
    axis = "slope"
    fields = {
        "slope": Field("1", "Slope"),
        "frequency": Field("1", "Frequency", 0.05),
        "start": Field("time", "Ramp, when it begins", 0.0),
        "stop": Field("time", "Ramp, when it ends", INF),
    }
    quiet = {"slope": 0.0, "frequency": 0.0, "start": 0.0, "stop": INF}
    segment = """
def segment(k, slope, frequency, start, stop):
    if k == 0:
        return start, 0.0
    if k == 1:
        return stop, 1.0
    return inf, 2.0
"""
    expression = "slope * if(level == 1, time - onset, level * sin(6.283185307179586 * frequency * (time - onset)))"

    @classmethod
    def check(cls, values, duration, where):
        """Anything goes."""

    @classmethod
    def edge_counts(cls, values, duration):
        return np.full(len(values["start"]), 2)

    @classmethod
    def twin(cls, values, duration, ms):
        slope, frequency, start, stop = (values[name] for name in ("slope", "frequency", "start", "stop"))

        def current(t):
            if t < start:
                return 0.0
            return slope * (t - start) if t < stop else 2 * slope * math.sin(2 * math.pi * frequency * (t - stop))

        return [start, stop], current


RAMP = {"slope": 1.3, "frequency": 0.04, "start": 2.123, "stop": 25.7}


def solver(method: str, accuracy: float) -> dict:
    return {"method": method, setting_of(method): accuracy}


# --- the texts against their twins


@lru_cache
def kernel_functions() -> dict[str, object]:
    """What texts may call, run as Python."""
    space = dict(kernel_python.BUILTINS)
    for name in ("primitives.py.in", "random.py.in"):
        exec((resources.files("hhcore") / "compile" / "runtime" / name).read_text(encoding="utf-8"), space)
    return space


def segments(kind: type[Stimulus], values: dict[str, float]):
    """(k, begin, end, numbers) of each segment that has a length, by the text, run as Python: its level and rise."""
    space = dict(kernel_functions())
    exec(kind.segment, space)
    names = inspect.signature(space["segment"]).parameters
    begin, k, numbers = 0.0, 0, {"level": 0.0, "rise": 0.0}
    while begin < INF:
        known = values | numbers | {"k": k}
        end, *found = space["segment"](*(known[name] for name in names))
        numbers = dict(zip(("level", "rise"), [*found, 0.0], strict=False))
        if end > begin:
            yield k, begin, end, numbers
        begin, k = max(begin, end), k + 1


def flowing(kind: type[Stimulus], values: dict[str, float]):
    """The current by the expression of a kind, run as Python: of time, onset and the numbers of a segment."""
    code = compile(kind.expression, kind.kind, "eval")
    known = {"sin": math.sin, "exp": math.exp, "formula": 1.0} | values
    if kind.acts == SHOCK:
        return lambda t, onset, numbers: 0.0
    return lambda t, onset, numbers: eval(code, known | numbers | {"time": t, "onset": onset})


CURRENTS, TIMES = st.floats(-50, 50), st.floats(0.0, 50.0)
ORDERED = st.lists(st.integers(0, 10**9), min_size=4, max_size=4, unique=True).map(
    lambda ts: [5e-8 * t for t in sorted(ts)]
)
LENGTHS = st.floats(0.3, 9)
NUMBERS = st.one_of(st.just(INF), st.integers(1, 9).map(float))
FREQUENCIES = st.floats(0.1, 2000)
LINEAR_NOISE = Noise.of({"interpolation": "linear"}, "")
EXPONENTIAL_CHIRP = Chirp.of({"sweep": "exponential"}, "")
FIELDS = {
    Step: st.tuples(CURRENTS, TIMES, TIMES).filter(lambda f: f[1] < f[2]),
    PulseTrain: st.tuples(CURRENTS, LENGTHS, LENGTHS, NUMBERS, TIMES).map(lambda f: (*f[:2], f[1] + f[2], *f[3:])),
    FromFile: st.tuples(st.floats(-5, 5)),
    Ramp: st.tuples(CURRENTS, CURRENTS, ORDERED).map(lambda f: (*f[:2], *f[2][:2])),
    Triangle: st.tuples(CURRENTS, ORDERED, st.floats(0.01, 0.99)).map(lambda f: (f[0], *f[1][:2], f[2])),
    Sine: st.tuples(CURRENTS, FREQUENCIES, ORDERED, st.floats(-4, 4)).map(lambda f: (*f[:2], *f[2][:2], f[3])),
    **dict.fromkeys((Chirp, EXPONENTIAL_CHIRP), st.tuples(CURRENTS, FREQUENCIES, FREQUENCIES, ORDERED).map(
        lambda f: (*f[:3], *f[3][:2])
    )),
    PairedPulses: st.tuples(CURRENTS, LENGTHS, st.one_of(st.just(0.0), LENGTHS), st.floats(-2, 2), TIMES).map(
        lambda f: (*f[:2], f[1] + f[2], *f[3:])
    ),
    Pulse: st.tuples(CURRENTS, LENGTHS, TIMES),
    Biphasic: st.tuples(
        CURRENTS, LENGTHS, st.one_of(st.just(0.0), LENGTHS), st.floats(0.1, 10), st.one_of(st.just(80.0), TIMES),
        NUMBERS, TIMES,
    ),
    Staircase: st.tuples(CURRENTS, CURRENTS, LENGTHS, NUMBERS, TIMES),
    SAHP: st.tuples(CURRENTS, CURRENTS, ORDERED).map(lambda f: (*f[:2], f[2][1], f[2][2], f[2][0], f[2][3])),
    **dict.fromkeys((Noise, LINEAR_NOISE), st.tuples(
        CURRENTS, st.floats(0, 9), LENGTHS, LENGTHS, st.integers(0, 2**32 - 1).map(float), ORDERED
    ).map(lambda f: (*f[:5], *f[5][:2]))),
    Shock: st.tuples(CURRENTS, TIMES),
    HyperDepol: st.tuples(CURRENTS, CURRENTS, ORDERED).map(lambda f: (*f[:2], f[2][1], f[2][0], f[2][2])),
}  # fmt: skip


def test_every_kind_is_compared_with_its_twin():
    own = {LINEAR_NOISE, EXPONENTIAL_CHIRP}
    assert set(FIELDS) - own == set(stimuli.kinds().values()) - {Sum, Events, Waveform}


def is_legal(kind: type[Stimulus], fields: dict[str, float], duration: float) -> bool:
    """Whether a config may say so: not with a pulse that ends after the run, for one."""
    try:
        kind.check({name: np.array([value]) for name, value in fields.items()}, duration, "stimulus")
    except hhcore.UserError:
        return False
    return True


@pytest.mark.parametrize("kind", FIELDS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_the_text_of_a_kind_injects_what_its_twin_says(kind, data):
    duration, fields = 80.0, data.draw(FIELDS[kind])
    named = dict(zip(kind.fields, [*fields, 0.0], strict=True))
    assume(is_legal(kind, named, duration))
    (resolved,) = kind.table(np.array([[*fields, 0.0]]), duration, 1.0, np.ones((1, 2))).tolist()
    values = dict(zip(kind.numbers(), resolved, strict=True))
    edges, current = kind.twin(values | named, duration, 1.0)
    written = flowing(kind, values)
    exact = kind.expression in ("level", "level * formula") and kind is not Noise
    close = {"rel": 0.0, "abs": 0.0 if exact else 1e-9}
    with np.errstate(all="ignore"):
        inside = [s for s in islice(segments(kind, values), 10_000) if s[1] < duration]
    levels = [(begin, numbers["level"]) for _, begin, _, numbers in inside if kind.acts == SHOCK and numbers["level"]]
    assert levels == [shock for shock in kind.shocks(named, duration) if shock[1]]
    for k, begin, end, numbers in inside:
        for t in (begin, (begin + min(end, duration)) / 2, math.nextafter(min(end, duration), 0)):
            assert current(t) == pytest.approx(written(t, begin, numbers), **close), (k, t)
        assert end in edges or end == INF
    found = {end for _, _, end, _ in inside if end < duration}
    assert {edge for edge in edges if 0 < edge < duration} == found
    columns = {name: np.array([value]) for name, value in values.items()}
    assert len(found) <= kind.edge_counts(columns, duration)[0]


@pytest.mark.parametrize("kind", [*FIELDS, Waves])
def test_nothing_flows_where_a_stimulus_is_quiet(kind):
    times = np.linspace(0.0, 20.0, 77)
    assert not any(map(kind.twin(kind.quiet, 20.0, 1.0)[1], times))
    used = engine(HH, "tsit5", kind)
    own = used.undisturbed(np.array([[q.value for q in HH.parameters.values()]]))
    states = np.array([[q.value + 1.0 for q in HH.states.values()]])
    kept = integrate(used, own, states, times[1:], accuracy=1e-8, samples=len(times) - 1).samples
    settings = {"duration": 20.0, "interval": times[1], "local_error": 1e-8}
    exact = hhcore.trace(HH, {}, Step(0.0), initial_state=states[0], **settings)
    assert kept.times[0] == pytest.approx(times[1:], rel=1e-14)
    assert kept.states[0, :, 0] == pytest.approx(exact["membrane.V"][1:], rel=1e-9)


@pytest.mark.parametrize("kind", FIELDS)
def test_a_quiet_stimulus_is_finite_before_its_first_segment(kind):
    """Rest is found there, where numbers of a segment, onset and time are 0."""
    assert flowing(kind, kind.quiet)(0.0, 0.0, {"level": 0.0, "rise": 0.0}) == 0.0


@pytest.mark.parametrize("given", [
    lambda: Chirp(1.0, 5.0, 100.0, sweep="exponential"),
    lambda: Sum(zap=Chirp(1.0, 5.0, 100.0, sweep="exponential"), step=Step(1.0, start=1.0)),
    lambda: EXPONENTIAL_CHIRP.command()(1.0, 5.0, 100.0, holding=-65.0),
], ids=["alone", "in a sum", "as a command"])  # fmt: skip
def test_rest_is_found_under_a_chirp_whose_frequency_grows_exponentially(given):
    run = hhcore.simulate(HH, {}, given(), duration=2.0, initial_state="rest")
    assert run.features.status.tolist() == ["ok"]


# --- a current that is not constant in its segments


@pytest.mark.parametrize("method", [name for name, scheme in SCHEMES.items() if scheme.adaptive])
def test_spikes_under_an_expression_agree_with_scipy(method):
    exact = reference(HH, RAMP, duration=60.0, stimulus=Waves, initial_state="model").spike_times
    found = hhcore.simulate(
        HH, {}, Waves(**RAMP), duration=60.0, initial_state="model", method=method, local_error=1e-11
    ).spike_times
    assert len(exact) >= 3 and np.abs(found - exact).max() < 1e-9


@pytest.mark.parametrize(
    ("method", "numbers"),
    [("rk4", (80, 160, 320)), ("tsit5", (80, 120, 160)), ("dop853", (24, 30, 36)), ("rodas5p", (80, 160, 320))],
)
def test_declared_order_under_an_expression(method, numbers, monkeypatch):
    """As test_solvers.py measures it for a constant current: equal steps, here through a ramp from its beginning on."""
    monkeypatch.setattr("hhcore.schemes.solver.LARGEST_ERROR", 1.0)
    point = {"slope": 3.0, "frequency": 0.0, "start": 0.0, "stop": 99.0}
    run = reference(HH, point, duration=10.0, stimulus=Waves, initial_state="model", rtol=3e-14, atol=1e-14)
    times, errors = np.linspace(0.5, 10.0, 20), []
    for number in numbers:
        interval = times[0] / number
        accuracy = 0.99 if SCHEMES[method].adaptive else interval
        settings = {"duration": 10.0, "initial_state": "model", "interval": interval} | solver(method, accuracy)
        found = hhcore.trace(HH, {}, Waves(**point), **settings)["membrane.V"][number::number][: len(times)]
        errors.append(np.abs(found - [run.at(t)[0] for t in times]).max())
    order = -np.polyfit(np.log(numbers), np.log(errors), 1)[0]
    assert abs(order - SCHEMES[method].order) < 0.45, (order, errors)


@pytest.mark.parametrize(("start", "stop"), [(0.0, 10.0), (1 / 3, 7.1), (2.0, 2.0), (0.0, 0.0), (0.1, 30.0)])
@pytest.mark.parametrize("method", SCHEMES)
def test_edges_of_an_expression_are_exact(method, start, stop):
    """The charge of a capacitor is the integral: at t = 0, off the grid, abutting, after the end of the run."""
    capacitor = {"sodium.g": 0.0, "potassium.g": 0.0, "leak.g": 0.0}
    point = {"slope": 3.0, "frequency": 0.03, "start": start, "stop": stop}
    settings = {"duration": 20.0, "initial_state": "model"} | solver(method, 0.25 if method == "rk4" else 1e-9)
    found = hhcore.simulate(HH, capacitor, Waves(**point), **settings).final[0, 0] - HH.states["membrane.V"].value
    ramp = 1.5 * (min(stop, 20.0) - start) ** 2
    omega = 2 * math.pi * 0.03
    sine = 6.0 / omega * (1 - math.cos(omega * max(20.0 - stop, 0.0)))
    assert found == pytest.approx(ramp + sine, rel=1e-7)


def test_a_trace_shows_what_flows_from_each_time_on():
    traced = hhcore.trace(HH, {}, Waves(**RAMP), duration=60.0, initial_state="model", interval=0.37)
    current = Waves.twin(RAMP, 60.0, 1.0)[1]
    assert {RAMP["start"], RAMP["stop"]} <= set(traced["time"])
    before = np.append(np.diff(traced["time"]) == 0, False)  # of two rows, the first
    assert 0 < before.sum() <= 2
    exact = [current(np.nextafter(t, 0.0) if early else t) for t, early in zip(traced["time"], before, strict=True)]
    assert traced["stimulus"] == pytest.approx(exact, rel=1e-12, abs=1e-11)


def test_neurons_under_an_expression_keep_their_bits_in_any_company():
    slopes = np.linspace(0.1, 2.0, 37)
    together = hhcore.simulate(HH, {}, Waves(slopes, start=1.1, stop=30.0), duration=50.0)
    alone = hhcore.simulate(HH, {}, Waves(slopes[17], start=1.1, stop=30.0), duration=50.0)
    train = together.spike_times[together.offsets[17] : together.offsets[18]]
    assert len(train) and train.tobytes() == alone.spike_times.tobytes()


@pytest.mark.parametrize(
    ("expression", "message"),
    [("level * amplitude", "amplitude"), ("level +", "level"), ("10^400 * level", "not a finite")],
)
def test_an_expression_that_cannot_be_compiled_is_one_message(expression, message):
    broken = type("Broken", (Waves,), {"expression": expression, "kind": "broken"})
    with pytest.raises(hhcore.UserError, match=rf"stimulus broken.*{message}"):
        generate(HH, "rk4", *kernel_parts(broken))


def test_what_depends_on_fields_alone_is_hoisted():
    class Scaled(Waves):
        """One exponential of a field."""

        kind = "scaled"
        expression = "level * exp(slope) * time"

    text = generate(HH, "rk4", *kernel_parts(Scaled))
    derivatives, invariants = (
        text.split(f"def {name}(")[1].split("\n\n\n")[0] for name in ("derivatives", "invariants")
    )
    calls = [line.split("#")[0] for line in derivatives.splitlines()]
    assert "exp(stimulus_slope)" in invariants and not any("stimulus_slope" in line for line in calls)


# --- kinds are found


def test_a_kind_of_another_package_is_found(monkeypatch):
    class Entry:
        """As importlib.metadata has it."""

        value = __name__

        @staticmethod
        def load():
            return sys.modules[__name__]

    monkeypatch.setattr(registry, "entry_points", lambda group: [Entry] if group == "hhcore.stimuli" else [])
    registry.discover.cache_clear()
    try:
        assert stimuli.kinds().items() >= {"step": Step, "waves": Waves}.items()
        assert len(reference(HH, RAMP, duration=30.0, stimulus="waves", initial_state="model").spike_times) > 1
    finally:
        registry.discover.cache_clear()


# --- memory


def test_many_pulses_of_many_neurons_need_no_array_of_them_all():
    """Not a byte for each pulse of each neuron."""
    neurons, pulses = 1024, 10_000
    train = PulseTrain(np.linspace(0, 1, neurons), 1e-4, 2e-4)
    settings = {"duration": 2.0, "initial_state": "model", "method": "rk4", "dt": 2.0}
    tracemalloc.start()
    found = hhcore.simulate(HH, {}, train, observers=(Spikes(), Extremes()), **settings)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.steps.min() == 2 * pulses and peak < neurons * pulses


@pytest.mark.parametrize(
    ("kind", "given", "sentence"),
    [
        (PulseTrain, {"bcl": 1000}, "PulseTrain: there is no field 'bcl'; .*; write `period`$"),
        (Step, {"amplitude": 5, "dur": 5}, "Step: there is no field 'dur'; .* delay \\+ dur in NEURON$"),
        (Step, {"amplitud": 5}, "did you mean 'amplitude'"),
    ],
)
def test_a_field_of_other_programs_is_known(kind, given, sentence):
    with pytest.raises(hhcore.UserError, match=sentence):
        kind(**given)


def test_a_stimulus_is_written_as_a_config_has_it():
    assert Step([5, 10], stop=20.0).written() == {"kind": "step", "amplitude": [5, 10], "stop": 20.0}
    assert FromFile().written() == {"kind": "file"}
