"""Action potentials of paced cells: every column against an obvious slow evaluation of a finely sampled trace."""

import numpy as np
import pytest

import hhcore
from hhcore.config.reader import read_experiments
from hhcore.simulation.action_potentials import ActionPotentials
from hhcore.simulation.beats import durations
from hhcore.simulation.observers import standard_observers
from hhcore.simulation.simulate import simulate, trace
from hhcore.sweep.hashing import context_digest

EVERY = 0.02  # ms between samples
LEVEL, LIST = -70.0, (10, 30, 50, 70, 90, 95)
LUO_RUDY, TEN_TUSSCHER = "luo_rudy_1991", "ten_tusscher_panfilov_2006"
# Name, parameters as multiples of their own, amplitude, width, period, number of beats; the early afterdepolarisations
# that are counted by eye in a plot of the trace.
CELLS = [
    ("beeler_reuter_1977", {}, 50.0, 1.0, 800.0, 2, [0, 0]),
    (LUO_RUDY, {}, 80.0, 0.5, 1000.0, 2, [0, 0]),
    (LUO_RUDY, {"calcium.g": 2.0}, 80.0, 0.5, 2000.0, 1, [3]),
    (LUO_RUDY, {"calcium.g": 1.75}, 80.0, 0.5, 2000.0, 1, [1]),  # and repolarises
    (TEN_TUSSCHER, {}, 52.0, 1.0, 1000.0, 2, [0, 0]),  # notch and dome
    (TEN_TUSSCHER, {"ical.P": 8.0, "ikr.g": 0.04, "iks.g": 0.3}, 52.0, 1.0, 2000.0, 1, [7]),
]


def run(cell, measured, how=simulate):
    name, factors, amplitude, width, period, number, _ = cell
    model = hhcore.load_model(name)
    point = {parameter: factor * model.parameters[parameter].value for parameter, factor in factors.items()}
    kind = hhcore.PulseTrain
    observers = standard_observers(kind, 0.0, 0.0, (0.0, number * period), model.ms, model.mV, measured)
    settings = {"duration": number * period, "initial_state": "model", "method": "rodas5p", "local_error": 1e-9}
    settings |= {"interval": EVERY} if how is trace else {}
    return how(model, point, kind(amplitude, width, period), observers=observers, **settings)


@pytest.fixture(scope="module", params=CELLS, ids=lambda cell: " ".join([cell[0], *map(str, cell[1].values())]))
def cell(request):
    """A cell, its beats as measured in its run, and its sampled time course."""
    measured = ActionPotentials(LIST, "upstroke", LEVEL)
    course = run(request.param, measured, trace)
    return request.param, run(request.param, measured).beats, course["time"], course["membrane.V"]


def by_samples(time, v, onset, end, until=None):
    """What a beat has, from samples: linear between them. `until` : the last fall"""
    time, once = np.unique(time, return_index=True)  # where the current jumps there are two samples
    inside = (time >= onset) & (time < (until or end))
    t, v = time[inside], v[once][inside]
    rest, top = v[0], v[t < end].argmax()
    slope = np.diff(v[: top + 1]) / np.diff(t[: top + 1])
    upstroke = t[slope.argmax() :][:2].mean()

    def fall(level):
        after = np.flatnonzero(v[top:] < level)
        return (
            np.nan if not after.size else np.interp(-level, -v[top + after[0] - 1 :][:2], t[top + after[0] - 1 :][:2])
        )

    rise = np.flatnonzero(v >= LEVEL)[0]
    found = {f"apd{p}_ms": fall(rest + (100 - p) / 100 * (v[top] - rest)) - upstroke for p in LIST}
    found["apd_level_ms"] = fall(LEVEL) - np.interp(LEVEL, v[rise - 1 : rise + 1], t[rise - 1 : rise + 1])
    found["triangulation_ms"] = found["apd90_ms"] - found["apd30_ms"]
    found["diastolic_interval_after_ms"] = end - upstroke - found["apd90_ms"]
    found["ead_count"] = sum(
        high - low > 1.0
        for low, high in swings(v)
        if t[low_at(v, low)] > upstroke + 50.0 and low > rest + 0.1 * (v[top] - rest)
    )
    return found | {"ap_peak_mV": v[top], "resting_potential_mV": rest, "max_upstroke_V_s": slope.max()}


def swings(v):
    """(minimum, the maximum after it, or the last value) of samples."""
    turns = np.flatnonzero(np.diff(np.sign(np.diff(v)))) + 1
    lows = [i for i in turns if v[i] < v[i - 1]]
    return [(v[i], v[i:][: np.argmax(np.r_[np.diff(v[i:]) < 0, True]) + 1].max()) for i in lows]


def low_at(v, low):
    return int(np.flatnonzero(v == low)[-1])


def test_every_column_is_that_of_the_sampled_trace(cell):
    (name, *_, period, number, eads), beats, time, v = cell
    assert beats.ead_count.tolist() == eads and len(beats) == number
    for i, row in beats.iterrows():
        exact = by_samples(time, v, i * period, (i + 1) * period)
        for column, value in exact.items():
            tolerance = {"rel": 0.02} if column == "max_upstroke_V_s" else {"abs": 2 * EVERY}
            assert row[column] == pytest.approx(value, **tolerance, nan_ok=True), (i, column)


# Every second, or two of three pulses meet an action potential that lasts past them.
BLOCKED = [
    (LUO_RUDY, {}, 25.5, 2.0, 310.0, 7, "ok early ok early ok early not"),
    (LUO_RUDY, {"calcium.g": 1.6}, 25.5, 2.0, 200.0, 6, "ok no early ok early no"),
    (TEN_TUSSCHER, {"iks.g": 0.0, "ikr.g": 0.5}, 52.0, 1.0, 500.0, 5, "ok early ok early not"),
]
WORDS = {"no": "no_action_potential", "early": "depolarised_at_onset", "not": "not_repolarised"}


@pytest.mark.parametrize("cell", BLOCKED, ids=lambda cell: f"{cell[0]} {cell[4]:g}")
def test_an_action_potential_lasts_past_pulses_that_start_none(cell):
    measured = ActionPotentials(LIST, "upstroke", LEVEL)
    course, period, number = run(cell, measured, trace), *cell[4:6]
    beats = run(cell, measured).beats
    assert beats.beat_status.tolist() == [WORDS.get(word, word) for word in cell[6].split()]
    ends = []
    for i, row in beats[beats.beat_status == "ok"].iterrows():
        exact = by_samples(course["time"], course["membrane.V"], i * period, (i + 1) * period, number * period)
        names = [name for name in exact if name.startswith(("apd", "triang", "ap_peak", "resting"))]
        names.remove("apd95_ms")  # the next one may begin before
        assert [row[name] for name in names] == pytest.approx([exact[name] for name in names], abs=2 * EVERY)
        ends.append(row.upstroke_ms + exact["apd90_ms"])
        assert row.diastolic_interval_after_ms == pytest.approx(-ends[-1] % period, abs=2 * EVERY)
        if len(ends) > 1:
            assert row.diastolic_interval_ms == pytest.approx(i * period - ends[-2], abs=2 * EVERY)
    assert (beats.apd90_ms > period).any()


# By measure: what it is of samples t from the onset on, v.
MEASURED = {
    "max": lambda t, v: v.max(),
    "min": lambda t, v: v.min(),
    "swing": lambda t, v: np.ptp(v),
    "first": lambda t, v: v[0],
    "max_time": lambda t, v: t[v.argmax()],
    "integral": lambda t, v: np.trapezoid(v, t),
    "mean": lambda t, v: np.trapezoid(v, t) / (t[-1] - t[0]),
}


DURATION = {"variable": "calcium.c", "measure": "duration", "window": "beat"}


def transients(time, v, levels):
    """Durations at levels, from samples: from the largest slope to the first sample below the level."""
    time, once = np.unique(time, return_index=True)
    v = v[once]
    top = v.argmax()
    start = time[np.diff(v[: top + 1]).argmax() :][:2].mean()
    falls = [np.flatnonzero(v[top:] < v[0] + (100 - level) / 100 * (v[top] - v[0])) for level in levels]
    return [time[top + fall[0]] - start if fall.size else np.nan for fall in falls]


def test_outputs_of_each_beat_are_those_of_the_sampled_trace():
    variables = {"calcium.c": ("max", "min", "swing", "first", "max_time"), "calcium.i": ("integral", "mean")}
    wanted = [(variable, measure) for variable, measures in variables.items() for measure in measures]
    outputs = {f"o_{m}": {"variable": v, "measure": m, "window": "beat"} for v, m in wanted}
    levels = (30, 50, 80, 90)
    outputs |= {f"catd{p}": DURATION | {"level": p} for p in levels}
    outputs["all"] = {"variable": "calcium.i", "measure": "integral", "window": [20, 1020]}
    train, settings = hhcore.PulseTrain(80, 0.5, 500, start=20), {"duration": 1270, "initial_state": "model"}
    settings |= {"method": "rodas5p", "local_error": 1e-8}
    run = hhcore.simulate(LUO_RUDY, {}, train, outputs=outputs, **settings)
    course = hhcore.trace(LUO_RUDY, {}, train, interval=EVERY, **settings)
    time = course["time"]
    for beat, (onset, end) in enumerate([(20, 520), (520, 1020), (1020, 1270)]):
        inside = (time >= onset) & (time <= end)
        for variable, measure in wanted:
            unit = {"max_time": "ms", "integral": "nC_cm2", "mean": "uA_cm2"}.get(measure, "mM")
            column = f"o_{measure}_{unit}"
            exact = MEASURED[measure](time[inside] - onset, course[variable][inside])
            assert run.beats[column][beat] == pytest.approx(exact, rel=2e-3, abs=1e-7), (beat, measure)
        exact = transients(time[inside], course["calcium.c"][inside], levels)
        found = [run.beats[f"catd{level}_ms"][beat] for level in levels]
        assert found == pytest.approx(exact, abs=2 * EVERY, nan_ok=True)
    assert run.beats.catd90_ms.isna().tolist() == [False, False, True]
    (row,) = run.features.to_dict("records")
    assert row["last_beat"] == 1 and row["o_max_mM"] == run.beats.o_max_mM[1]
    assert row["all_nC_cm2"] == pytest.approx(run.beats.o_integral_nC_cm2[:2].sum(), rel=1e-9)


def test_outputs_of_beats_are_columns_of_both_tables_with_errors(tmp_path):
    opening = {"variable": "sodium.m", "measure": "duration", "level": 50, "window": "beat"}
    charge = {"variable": "sodium.i", "measure": "integral", "window": "beat"}
    body = EXPERIMENT | {"outputs": {"charge": charge, "opening": opening}}
    run = hhcore.run(**body | {"solver": {"tolerance": "1 us"}}, results=tmp_path, progress=False)
    assert "in the beat" in run.beats.attrs["definitions"]["charge_nC_cm2"]
    assert run.features.charge_nC_cm2[0] == run.beats.charge_nC_cm2[3]
    (chosen,) = run.numerics[run.numerics.chosen].itertuples()
    assert 0 < chosen.opening_error_ms < 1e-3 * run.beats.opening_ms.max()
    assert 0 < chosen.charge_error_nC_cm2 < 1e-3 * abs(run.beats.charge_nC_cm2).max()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"level": 100}, "outputs.x.level: 100 is not a percentage between 0 and 100, as in `level: 90`"),
        ({"measure": "max"}, "outputs.x.level: only `measure: duration` has a level; leave it out"),
        ({"window": [0, 10]}, "outputs.x: a duration is that of a transient in a beat; write `window: beat`"),
    ],
)
def test_mistakes_in_a_duration(changes, says):
    outputs = {"x": DURATION | {"variable": "sodium.m", "level": 50} | changes}
    with pytest.raises(hhcore.UserError) as error:
        read_experiments({"experiments": {"e": EXPERIMENT | {"outputs": outputs}}})
    assert says in str(error.value)


def test_windows_of_beats_need_beats():
    outputs = {"charge": {"variable": "sodium.i", "measure": "integral", "window": "beat"}}
    for body in ({"protocol": {"kind": "current_clamp"}}, {"stimulus": {"kind": "step", "amplitude": 10}}):
        with pytest.raises(hhcore.UserError, match="outputs.charge.window: no beats are measured here; use a stimulus"):
            read_experiments({"experiments": {"e": EXPERIMENT | {"outputs": outputs} | body}})
    taken = {"upstroke": {"variable": "membrane.V", "measure": "max_time", "window": "beat"}}
    with pytest.raises(hhcore.UserError, match="there is a column upstroke_ms already"):
        read_experiments({"experiments": {"e": EXPERIMENT | {"outputs": taken}}})


EXPERIMENT = {
    "model": "hodgkin_huxley_1952",
    "stimulus": {"kind": "pulse_train", "amplitude": 25, "width": 0.5, "period": 15},
    "duration": 60,
    "initial_state": "model",
    "solver": {"method": "tsit5", "local_error": 1e-8},
}


def paced(**protocol):
    body = EXPERIMENT | {"protocol": {"kind": "pacing", **protocol}}
    if protocol.get("kind") == "steady_state":
        del body["duration"]
    return read_experiments({"experiments": {"e": body}})["e"]


def test_keys_of_pacing_name_columns_heights_and_definitions():
    e = paced(apd=[70, 30], apd_from="onset", apd_to="-0.05 V")
    result = e.protocol.measure(e, e.solver, e.points(np.arange(1)))
    columns = ["apd30_ms", "apd70_ms", "apd90_ms", "apd_level_ms", "triangulation_ms"]
    assert list(durations(e.protocol.measured)) == columns and set(columns) <= set(result.columns)
    assert {f"{name[:-3]}_error_ms" for name in columns} <= {height.column for height in e.protocol.accuracy.heights}
    assert "-50 mV" in e.protocol.definitions["apd_level_ms"][1]
    assert set(result.columns) <= set(e.protocol.definitions)
    assert all(result.columns[name] > 0 for name in columns)
    usual = paced().protocol.measure(paced(), e.solver, e.points(np.arange(1)))
    later = usual.beats.apd90_ms + usual.beats.upstroke_ms - usual.beats.onset_ms
    assert result.beats.apd90_ms.tolist() == pytest.approx(later.tolist(), abs=1e-9)


def test_where_durations_begin_simulates_nothing_again_and_another_level_does():
    usual = context_digest(paced())
    assert context_digest(paced(apd_from="onset")) == context_digest(paced(apd=[90, 50])) == usual
    assert len({usual, context_digest(paced(apd=[30, 50])), context_digest(paced(apd_to=-50))}) == 3
    kernels = {e.kernel_name("tsit5") for e in (paced(), paced(apd=[30, 50]), paced(apd_to=-50, apd_from="onset"))}
    assert len(kernels) == 1


@pytest.mark.parametrize(
    ("protocol", "says"),
    [
        ({"apd": [30, 100]}, "protocol.apd: 100 is not a whole percentage from 1 to 99, as in [30, 50, 90]"),
        ({"apd": [0.5]}, "protocol.apd: 0.5 is not a whole percentage"),
        ({"apd": []}, "protocol.apd: [] has no percentages; give some, as in [30, 50, 90], or leave it out"),
        ({"apd": 90}, "protocol.apd: 90 does not have the form [30, 50, 90]"),
        ({"apd_from": "max_dvdt"}, "mean 'upstroke'?"),
        ({"apd_to": "3 ms"}, "protocol.apd_to"),
        ({"apds": [30]}, "write `apd: [30, 50, 90]`"),
    ],
)
def test_mistakes_in_the_keys_of_pacing(protocol, says):
    with pytest.raises(hhcore.UserError) as error:
        paced(**protocol)
    assert says in str(error.value)


def test_a_protocol_built_on_pacing_has_the_columns_of_both():
    e = paced(kind="steady_state", apd=[30], by="pacing")
    columns = e.protocol.columns(e.protocol.measure(e, e.solver, e.points(np.arange(1))))
    assert {"triangulation_ms", "apd30_ms", "residual"} <= columns.keys() <= e.protocol.definitions.keys()
    assert {"beats", "residual"} <= set(e.protocol.schema.names)
