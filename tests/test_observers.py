"""Observers: pieces of kernel text that cost nothing where nobody asks for them, and that do not see each other."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pytest

import hhcore
from hhcore.compile.language.translate import translate
from hhcore.compile.language.values import KernelError
from hhcore.compile.text import generate
from hhcore.simulation.engine import kernel_parts
from hhcore.simulation.observers import Beats, Extremes, Spikes, standard_observers
from hhcore.simulation.observers.observer import Observer, Recorder, RecordField
from hhcore.simulation.result import Ragged

HH = hhcore.load_model("hodgkin_huxley_1952")
METHODS = {"rk4": {"dt": 0.02}, "tsit5": {}, "dop853": {}, "rodas5p": {}}
TRAIN = hhcore.PulseTrain([25.0, 40.0, 5.0], 0.5, [10.0, 17.3, 8.1], start=1.1)
STANDARD = (Spikes(0.0, 0.0), Extremes(5.0, 40.0), Beats())


def words(text: str) -> str:
    """A kernel's text without its header, in small letters."""
    return text.split('"""', 2)[2].lower()


def test_a_kernel_has_no_trace_of_what_was_not_asked_for():
    bare = generate(HH, "tsit5", *kernel_parts(hhcore.PulseTrain, ()))
    assert not [word for word in ("beat", "spike", "extremes_", "armed", "peak", "steepest") if word in words(bare)]
    step = generate(HH, "tsit5", *kernel_parts(hhcore.Step))
    assert not [word for word in ("beat", "steepest", "upstroke") if word in words(step)]
    paced = words(generate(HH, "tsit5", *kernel_parts(hhcore.PulseTrain)))
    assert all(word in paced for word in ("def beat(", "def beats_step(", "def spikes_alert(", "def steepest_point("))
    for observer in (Spikes, Extremes):
        assert observer.text.strip() in step and observer.text.strip() not in bare


def run(observers, method, **settings) -> hhcore.Result:
    settings = {"duration": 50.0, "initial_state": "model", "method": method} | METHODS[method] | settings
    return hhcore.simulate(HH, {}, TRAIN, observers=observers, **settings)


def bits(column: np.ndarray | Ragged) -> bytes:
    return column.values.tobytes() + column.offsets.tobytes() if isinstance(column, Ragged) else column.tobytes()


@pytest.mark.parametrize("method", METHODS)
def test_what_an_observer_notes_does_not_depend_on_the_others(method):
    """The window stays: where it begins and ends, a step does."""
    whole = run(STANDARD, method).record
    assert len(whole["spikes"].values) > 2 and len(whole["beats"].values) > 10
    for size in (0, 1, 2):
        for some in combinations(STANDARD, size):
            window = [Window(5.0, 40.0)] if STANDARD[1] not in some else []
            found = run((*some, *window), method).record
            assert set(found) == {"status", "ended", "steps", "final"} | {f.name for o in some for f in o.fields}
            assert all(bits(column) == bits(whole[name]) for name, column in found.items()), some


PASSIVE = {"sodium.g": 0.0, "potassium.g": 0.0, "leak.E": -65.0}


@pytest.mark.parametrize(
    "stimulus", [hhcore.Step([21.3, -9.0, 21.3], 0, [200.0, 200.0, 60.0]), hhcore.PulseTrain(45, 5, 30)], ids=type
)
@pytest.mark.parametrize("method", METHODS)
def test_a_membrane_that_only_charges_has_no_turning_points(stimulus, method):
    """71 mV up, 30 mV down, up and down again: its corners are those of the stimulus."""
    settings = {"duration": 200.0, "initial_state": "model", "method": method} | METHODS[method]
    run = hhcore.simulate(HH, PASSIVE, stimulus, **settings)
    assert (run.peak - run.trough > 20).all() and not run.turning_points.any()


def by_hand(potential: np.ndarray, swing: float) -> int:
    """Turning points of samples: where a zigzag that ignores smaller swings changes its direction."""
    low = high = potential[0]
    direction, turns, last = 0, 0, 0
    for before, v, after in zip(potential, potential[1:], potential[2:], strict=False):
        if v > before and v >= after and v > high:
            high, low, direction = v, max(low, v - swing), 1 if v - swing > low else direction
        elif v < before and v <= after and v < low:
            low, high, direction = v, min(high, v + swing), -1 if v + swing < high else direction
        turns, last = turns + (direction != last), direction
    return turns


@pytest.mark.parametrize("method", METHODS)
def test_turning_points_are_those_of_a_fine_trace(method):
    """Rest, ringing after the step, two spikes a period, and oscillations below 0 mV: up to 5 mV none count."""
    amplitude = np.array([0.0, 5.0, 10.0, 20.0, 80.0, 140.0])
    settings = {"initial_state": "model", "duration": 200.0, "method": method} | METHODS[method]
    run = hhcore.simulate(HH, {}, hhcore.Step(amplitude), analysis_window=(20, 200), **settings)
    exact = []
    for one in amplitude:
        course = hhcore.trace(HH, {}, hhcore.Step(one), initial_state="model", duration=200.0, interval=0.01)
        exact.append(by_hand(course["membrane.V"][course["time"] >= 20], 5.0))
    assert run.turning_points.tolist() == [min(turns, 2) for turns in exact]
    assert exact[0] == 0 and exact[2] > 20 and exact[4] > 40


@pytest.mark.parametrize(("model", "amplitude"), [("destexhe_1996:relay", -1.0), ("prinz_2003", -1.0)])
def test_the_trough_of_a_slow_sag_in_short_steps_is_that_of_a_trace(model, amplitude):
    """Steps of `tsit5` are kept short by stability; in one of them the potential hardly turns."""
    step, settings = hhcore.Step(amplitude, 100.0, 500.0), {"duration": 500.0, "method": "tsit5"}
    course = hhcore.trace(model, {}, step, **settings)["membrane.V"]
    assert hhcore.simulate(model, {}, step, **settings).trough == pytest.approx(course.min(), abs=1e-3)


@dataclass(frozen=True)
class Window(Observer):
    """Notes nothing, and stops where a window begins and ends."""

    start: float
    stop: float

    name = "window"
    rows = ()
    arguments = {}
    text = ""
    fields = ()

    @property
    def stops(self) -> tuple[float, ...]:
        return self.start, self.stop

    def recorder(self, neurons) -> Recorder:
        return Nothing()


class Nothing(Recorder):
    def arguments(self):
        return ()

    def record(self):
        return {}


@dataclass(frozen=True)
class Entries(Observer):
    """When each segment begins, and how many steps end above a potential: by every hook, with little room."""

    above: float
    capacity: int

    name = "entries"
    rows = ("STEPS_ABOVE",)
    arguments = {"above": "f8", "times": "f8[:, :]", "count": "i8[:]", "steps": "f8[:]"}
    fields = (RecordField("begun", "float64", 2), RecordField("steps_above"))
    text = """
@inline
def entries_alert(Z, above, times, count, steps, accepted, turned, high, low, v1, d0, d1, j):
    Z[STEPS_ABOVE + j] = Z[STEPS_ABOVE + j] + (1.0 if accepted & (v1 > above) else 0.0)
    return False


def entries_start(Z, above, times, count, steps, i, j):
    Z[STEPS_ABOVE + j] = 0.0


def entries_enter(Z, above, times, count, steps, i, k, begins, j):
    if begins:
        n = count[0]
        times[n, 0], times[n, 1], times[n, 2] = float(i), float(k), Z[TIME + j]
        count[0] = n + 1


def entries_end(Z, above, times, count, steps, i, j):
    steps[i] = Z[STEPS_ABOVE + j]


def entries_room(above, times, count, steps, lanes):
    return count[0] + 2 * lanes <= len(times)
"""

    def recorder(self, neurons) -> Recorder:
        return Log(self, neurons)


class Log(Recorder):
    def __init__(self, observer, neurons):
        self.observer, self.n, self.parts = observer, neurons.n, []
        self.times, self.count = np.empty((observer.capacity, 3)), np.zeros(1, dtype=np.int64)
        self.steps = np.empty(neurons.n)

    def arguments(self):
        return self.observer.above, self.times, self.count, self.steps

    def drain(self):
        self.parts.append(self.times[: self.count[0]].copy())
        self.count[0] = 0

    def record(self):
        rows = np.concatenate(self.parts)
        rows = rows[np.argsort(rows[:, 0], kind="stable")]
        return {
            "begun": Ragged.of(rows[:, 1:], np.bincount(rows[:, 0].astype(int), minlength=self.n)),
            "steps_above": self.steps,
        }


@pytest.mark.parametrize("method", METHODS)
def test_an_observer_of_ones_own(method):
    found = run((Entries(0.0, 100),), method)
    begun = found.record["begun"]
    for i, (period, number) in enumerate(zip(TRAIN.period, (5, 3, 6), strict=True)):
        onsets = TRAIN.start + np.arange(number) * period
        expected = np.r_[0.0, np.sort(np.r_[onsets, onsets + TRAIN.width])]
        own = begun.values[begun.offsets[i] : begun.offsets[i + 1]]
        assert own[:, 0].tolist() == list(range(2 * number + 1)) and own[:, 1].tolist() == expected.tolist()
    spikes = run((Spikes(0.0, 0.0),), method).spike_counts
    assert ((found.record["steps_above"] > 0) == (spikes > 0)).all()
    assert found.final.tobytes() == run((), method).final.tobytes()


@pytest.mark.parametrize("observer", STANDARD)
def test_what_an_observer_leaves_is_what_it_declares(observer):
    found = run((observer,), "tsit5")
    n = len(found.status)
    for field in observer.fields:
        column = found.record[field.name]
        values = column.values if isinstance(column, Ragged) else column
        assert values.dtype == np.dtype(field.dtype) and isinstance(column, Ragged) == (field.width is not None)
        assert values.shape[1:] == ((field.width,) if (field.width or 1) > 1 else ())
        assert (len(column.offsets) == n + 1) if field.width else (values.shape == (n,))


def test_kinds_without_beats_are_not_asked_for_them():
    assert [type(o) for o in standard_observers(hhcore.Step)] == [Spikes, Extremes]
    assert [type(o) for o in standard_observers(hhcore.PulseTrain)] == [Spikes, Extremes, Beats]


def test_observers_that_would_be_in_each_others_way_are_refused():
    class Twice(Window):
        rows = ("ARMED",)

    class Hook(Window):
        arguments = {"step": "f8"}

    class Constant(Window):
        rows = ("ROUNDS",)  # of the driver

    with pytest.raises(ValueError, match=f"two rows with the name {Twice.rows[0]}"):
        generate(HH, "rk4", *kernel_parts(hhcore.Step, (Spikes(), Twice(0.0, 1.0))))
    with pytest.raises(KernelError, match=f"{Constant.rows[0]} is defined twice"):
        translate(generate(HH, "rk4", *kernel_parts(hhcore.Step, (Spikes(), Constant(0.0, 1.0)))))
    with pytest.raises(ValueError, match="no argument may have the name of a hook, step"):
        generate(HH, "rk4", *kernel_parts(hhcore.Step, (Hook(0.0, 1.0),)))
