"""Events: the text of the kernel against its twin and Myokit's pacing, events of a file, axes, wrong tables."""

import math
import random
from itertools import pairwise

import myokit
import numpy as np
import pytest
from test_stimuli import segments

import hhcore
from hhcore.config.reader import read_experiments
from hhcore.simulation.reference import reference
from hhcore.simulation.stimuli.events import FIELDS, Events

HH = hhcore.load_model("hodgkin_huxley_1952")
DURATION, SEEDS = 60.0, range(40)
CONFIG = {"model": HH.name, "initial_state": "rest", "duration": 60, "solver": {"tolerance": "1 us"}}
ONE = {"level": 20, "start": 5, "length": 1}
MMT = """[[model]]
membrane.V = -60

[engine]
time = 0 [ms] in [ms] bind time
pace = 0 [uA/cm^2] in [uA/cm^2] bind pace

[membrane]
dot(V) = (engine.pace - leak) / 1 [uF/cm^2] in [mV] label membrane_potential
leak = 0.1 [mS/cm^2] * (V + 60 [mV]) in [uA/cm^2]

[[protocol]]
# Level  Start  Length  Period  Multiplier
1.5      10     2       25      0
-2       30     4       0       0
"""


def table(seed: int) -> list[dict[str, float]]:
    """A random table; periods, lengths and starts are sometimes the same, so that events abut and begin at once."""
    draw, rows = random.Random(seed), []
    for i in range(draw.choice([1, 2, 3, 5])):
        period = draw.choice([0.0, 0.0, draw.uniform(2, 20), 5.0])
        length = draw.uniform(0, period) if period else draw.choice([draw.uniform(0, 10), 5.0])
        rows.append(
            {
                "level": draw.uniform(-5, 5),
                "start": draw.choice([draw.uniform(0, 30), float(i)]),
                "length": length,
                "period": period,
                "multiplier": float(draw.choice([0, 3])) if period else 0.0,
            }
        )
    return rows


def flat(rows: list[dict[str, float]]) -> dict[str, float]:
    values = {f"event{i}.{key}": float(row.get(key, 0.0)) for i, row in enumerate(rows, 1) for key in FIELDS}
    return values | {"holding": 0.0}


def played(rows: list[dict[str, float]]) -> list[tuple[float, float, float]]:
    """(begin, end, level) of each segment in the run, by the text of the kernel."""
    kind = Events.of(len(rows), "")
    (numbers,) = kind.table(np.array([[*flat(rows).values()]]), DURATION, 1.0, np.empty((1, 0))).tolist()
    named = {name.replace(".", "_"): x for name, x in zip(kind.numbers(), numbers, strict=True)}
    found = [(begin, min(end, DURATION), own["level"]) for _, begin, end, own in segments(kind, named)]
    found = [segment for segment in found if segment[0] < DURATION]
    most = kind.edge_counts({name: np.array([x]) for name, x in flat(rows).items()}, DURATION)[0]
    assert len(found) <= most + 1
    return found


def level(found: list[tuple[float, float, float]], t: float) -> float:
    return next(level for begin, end, level in found if begin <= t < end)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_text_injects_what_its_twin_says_and_myokit_paces(seed):
    """Myokit's own pacing in Python misses an event that begins while another one lasts; its simulation does not."""
    rows = table(seed)
    found, (_, current) = played(rows), Events.of(len(rows), "").twin(flat(rows), DURATION, 1.0)
    for begin, end, value in found:
        assert current(begin) == current((begin + end) / 2) == current(math.nextafter(end, 0)) == value
    if are_apart(rows):
        protocol = myokit.Protocol()
        for row in rows:
            protocol.schedule(row["level"], row["start"], row["length"], row["period"], int(row["multiplier"]))
        pacing = myokit.PacingSystem(protocol)
        for t in np.linspace(0.0, DURATION, 401)[:-1] + 1e-3:
            assert pacing.advance(t) == level(found, t)


def are_apart(rows: list[dict[str, float]]) -> bool:
    """Whether no event begins while another one lasts."""
    begun = []
    for row in rows:
        number = (row["multiplier"] or 999) if row["period"] else 1
        onsets = row["start"] + row["period"] * np.arange(number)
        begun += [(onset, onset + row["length"]) for onset in onsets if onset < DURATION]
    return all(end < after for (_, end), (after, _) in pairwise(sorted(begun)))


def test_tables_are_of_both_sorts():
    assert 10 < sum(are_apart(table(seed)) for seed in SEEDS) < 30


def test_events_that_abut_leave_no_gap():
    """0.1 + 0.2 is not 0.3."""
    rows = [{"level": 1, "start": 0.1, "length": 0.2}, {"level": 2, "start": 0.3, "length": 0.7}]
    assert [s[:2] for s in played(rows)] == [(0.0, 0.1), (0.1, 0.3), (0.3, 1.0), (1.0, 60.0)]


@pytest.mark.parametrize("method", ["tsit5", "rodas5p"])
def test_spikes_are_those_of_scipy(method):
    """Periods, an event that ends another one, and two that abut."""
    rows = [
        {"level": 20, "start": 1 / 3, "length": 1, "period": 15.3, "multiplier": 3},
        {"level": -5, "start": 1.1, "length": 8.2},
        {"level": 10, "start": 40, "length": 7},
        {"level": 5, "start": 47, "length": 3},
    ]
    exact = reference(HH, flat(rows), stimulus=Events.of(4, ""), duration=60.0).spike_times
    found = hhcore.simulate(HH, {}, Events(rows), duration=60, method=method, local_error=1e-11).spike_times
    assert len(exact) >= 3 and found == pytest.approx(exact, abs=1e-8)


def read(**stimulus):
    (found,) = read_experiments({"experiments": {"e": CONFIG | {"stimulus": {"kind": "events"} | stimulus}}}).values()
    return found


def test_events_of_a_file_are_those_of_its_protocol_and_may_be_changed(tmp_path):
    file = tmp_path / "paced.mmt"
    file.write_text(MMT)
    rows = [{"level": 1.5, "start": 10, "length": 2, "period": 25}, {"level": -2, "start": 30, "length": 4}]
    assert read(file=str(file)).defaults == read(events=rows).defaults
    swept = read(file=str(file), events=[{"level": {"values": [1, 2]}}])
    assert swept.axis_fields == {"event1_level_uA_cm2": ("uA/cm^2", "Event 1, level")}
    assert swept.defaults["event2.length"] == 4 and swept.defaults["event1.period"] == 25
    assert Events(file).written()["events"] == rows
    own = hhcore.load_model(file)
    fast = {"duration": 60, "initial_state": "model", "local_error": 1e-8, "method": "tsit5"}
    assert hhcore.simulate(own, {}, Events(file), **fast) == hhcore.simulate(own, {}, Events(rows), **fast)


def test_a_mistake_inside_a_sum_says_where_it_stands():
    parts = {"a": {"kind": "events", "events": [ONE, ONE | {"start": "1 mV"}]}}
    with pytest.raises(hhcore.UserError, match=r"^experiments.e.stimulus.parts.a.events\[1\].start: '1 mV' cannot"):
        read(kind="sum", parts=parts)


def test_every_number_may_be_an_axis():
    train = Events([{"level": [5, 20], "start": 5, "length": 1, "period": 20, "multiplier": [2, 1]}])
    run = hhcore.run(model=HH.name, stimulus=train, combine="zip", duration=60, solver={"tolerance": "1 us"})
    assert run.features.event1_level_uA_cm2.tolist() == [5, 20]
    assert run.features.spike_count.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("stimulus", "where", "parts"),
    [
        ({}, "", ["no events", "`file: model.mmt`"]),
        ({"events": []}, "", ["no events"]),
        ({"events": {"level": 1}}, ".events", ["does not have the form [{level"]),
        ({"events": [ONE, 3]}, ".events[1]", ["3 is not a mapping"]),
        ({"events": [{"level": 1, "start": 0}]}, ".events[0]", ["'length' is missing"]),
        ({"events": [ONE | {"dur": 1}]}, ".events[0]", ["no key 'dur'", "write `length`"]),
        ({"events": [ONE | {"length": -1}]}, ".events[0].length", ["-1.0 is below 0"]),
        ({"events": [ONE | {"length": "1 mV"}]}, ".events[0].length", ["cannot be converted to ms"]),
        ({"events": [ONE | {"level": "50 x"}]}, ".events[0].level", ["the unit 'x' of '50 x' is unknown"]),
        ({"events": [ONE | {"period": 0.5}]}, ".events[0]", ["length 1.0 is longer than period 0.5"]),
        ({"events": [ONE | {"multiplier": 2}]}, ".events[0].multiplier", ["without a period"]),
        ({"events": [ONE | {"period": 2, "multiplier": 1.5}]}, ".events[0].multiplier", ["1.5 is not a whole number"]),
        ({"events": [ONE, ONE]}, "", ["events 0 and 1 both begin at 5.0"]),
        ({"events": [ONE | {"length": 1e-4, "period": 1e-3}]}, "", ["begin 55000 times", "10000"]),
        ({"events": [ONE] * 65}, ".events", ["65 events", "from 1 to 64"]),
        ({"file": "nowhere.mmt"}, ".file", ["nowhere.mmt cannot be read (No such file"]),
        ({"file": 3}, ".file", ["3 is not text"]),
    ],
)
def test_a_wrong_table_is_one_sentence(stimulus, where, parts):
    with pytest.raises(hhcore.UserError) as caught:
        read(**stimulus)
    message = str(caught.value)
    assert message.startswith(f"experiments.e.stimulus{where}: ") and "\n" not in message, message
    assert all(part in message for part in parts), message


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[[model]]\n", "not a .mmt file that Myokit reads"),
        (MMT.partition("[[protocol]]")[0], "has no [[protocol]]"),
    ],
)
def test_a_file_without_events_is_one_sentence(text, part, tmp_path):
    (tmp_path / "m.mmt").write_text(text)
    with pytest.raises(hhcore.UserError) as caught:
        read(file=str(tmp_path / "m.mmt"))
    assert part in str(caught.value) and "\n" not in str(caught.value)
