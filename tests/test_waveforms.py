"""Waveforms: the text of the kernel against its twin and SciPy, files and units, jumps, the clamp, wrong files."""

import numpy as np
import pytest
from test_stimuli import flowing, segments

import hhcore
from hhcore.base import tables
from hhcore.config.reader import read_experiments
from hhcore.schemes.solver import Solver
from hhcore.simulation.reference import reference
from hhcore.simulation.stimuli.waveform import Waveform
from hhcore.sweep.estimate import estimate
from hhcore.sweep.hashing import context_digest

HH = hhcore.load_model("hodgkin_huxley_1952")
CAPACITOR = {"sodium.g": 0.0, "potassium.g": 0.0, "leak.g": 0.0}
CONFIG = {
    "model": HH.name,
    "initial_state": "rest",
    "duration": 60,
    "solver": {"method": "tsit5", "local_error": 1e-10},
}
RANDOM = np.random.default_rng(1)
TIMES = np.cumsum(RANDOM.uniform(0.1, 2.0, 25))
TIMES[10] = TIMES[9]  # a jump
TABLE = {"time_ms": TIMES, "current_uA_cm2": RANDOM.uniform(-10, 40, 25)}
ONES = {"unit": 1.0, "time_unit": 1.0, "holding": 0.0}
CSV = "time_ms,current_uA_cm2\n0,1\n5,20\n20,10\n"


@pytest.mark.parametrize(
    "fields",
    [
        {"scale": 1.0, "offset": 0.0, "start": 0.0, "period": 0.0},
        {"scale": -0.3, "offset": 2.0, "start": 1.7, "period": 0.0},
        {"scale": 2.0, "offset": -1.0, "start": -TIMES[0], "period": TIMES[-1] - TIMES[0]},
        {"scale": 1.0, "offset": 0.0, "start": 3.0, "period": 41.3},
    ],
)
def test_the_text_injects_what_its_twin_says(fields):
    kind, duration, values = type(Waveform(TABLE)), 99.0, fields | ONES
    edges, current = kind.twin(values, duration, 1.0)
    (numbers,) = kind.table(np.array([[values[name] for name in kind.fields]]), duration, 1.0, np.empty((1, 0)))
    named, seen = dict(zip(kind.numbers(), numbers.tolist(), strict=True)) | {"table": kind.data}, 0
    for _, begin, end, own in segments(kind, named):
        if begin >= duration:
            break
        for t in np.linspace(begin, min(end, duration), 7)[1:-1]:
            assert flowing(kind, named)(t, begin, own) == pytest.approx(current(t), abs=1e-9)
        assert end > duration or min(abs(end - np.array(edges))) < 1e-12
        seen += 1
    assert seen <= 1 + kind.edge_counts({name: np.array([x]) for name, x in values.items()}, duration)[0]


def test_spikes_are_those_of_scipy():
    scales = [0.5, 1.0, 1.5]
    found = hhcore.simulate(HH, {}, Waveform(TABLE, scale=scales, start=0.3, period=40), duration=80, local_error=1e-10)
    for i, scale in enumerate(scales):
        point = {"scale": scale, "offset": 0.0, "start": 0.3, "period": 40.0} | ONES
        exact = reference(HH, point, stimulus=type(Waveform(TABLE)), duration=80.0).spike_times
        own = found.spike_times[found.offsets[i] : found.offsets[i + 1]]
        assert len(exact) > 4 and own == pytest.approx(exact, abs=1e-8)


@pytest.mark.parametrize("method", ["rk4", "tsit5", "rodas5p"])
def test_the_charge_of_a_capacitor_is_the_integral(method):
    """Straight lines and a jump, off the grid, held before and after: the trapezoidal rule is exact."""
    accuracy = {"dt": 0.25} if method == "rk4" else {"local_error": 1e-9}
    settings = {"duration": 40.0, "initial_state": "model", "method": method} | accuracy
    times, levels = np.r_[0.0, TIMES + 1 / 3, 40.0], 0.05 * TABLE["current_uA_cm2"][np.r_[0, 0:25, 24]]
    found = hhcore.simulate(HH, CAPACITOR, Waveform(TABLE, scale=0.05, start=1 / 3), **settings).final[0, 0]
    assert found - HH.states["membrane.V"].value == pytest.approx(np.trapezoid(levels, times), rel=1e-9)


def test_part_of_a_sum_finds_its_samples():
    """Two tables lie one after the other in the memory that all neurons share."""
    one, two = Waveform(TABLE), Waveform({"t (ms)": [0, 30], "I (uA/cm^2)": [3, 5]})
    settings = {"duration": 40, "initial_state": "model", "local_error": 1e-9}
    start = HH.states["membrane.V"].value
    alone = [hhcore.simulate(HH, CAPACITOR, wave, **settings).final[0, 0] - start for wave in (one, two)]
    both = hhcore.simulate(HH, CAPACITOR, hhcore.Sum(one=one, two=two), **settings).final[0, 0] - start
    assert both == pytest.approx(sum(alone), rel=1e-9)


def test_a_sum_is_written_as_a_config_has_it(tmp_path):
    (tmp_path / "wave.csv").write_text(CSV)
    wave, pulse = Waveform(tmp_path / "wave.csv", scale=[0, 1]), hhcore.Events([{"level": 9, "start": 30, "length": 2}])
    written = hhcore.Sum(wave=wave, pulse=pulse, holding=0.5).written()
    assert written == {"kind": "sum", "holding": 0.5, "parts": {"wave": wave.written(), "pulse": pulse.written()}}
    (e,) = read_experiments(
        {
            "experiments": {
                "e": CONFIG
                | {"stimulus": written | {"parts": written["parts"] | {"wave": wave.written() | {"scale": 1}}}}
            }
        }
    ).values()
    assert e.defaults["wave.unit"] == 1 and e.defaults["pulse.event1.level"] == 9
    with pytest.raises(hhcore.UserError, match="wave has a holding level of its own"):
        hhcore.Sum(wave=Waveform(TABLE, holding=2))


def read(text=CSV, path="wave.csv", folder=None, **stimulus):
    if text is not None:
        (folder / path).write_text(text)
    body = CONFIG | {"stimulus": {"kind": "waveform", "file": path} | stimulus}
    (found,) = read_experiments({"experiments": {"e": body}}, folder).values()
    return found


@pytest.mark.parametrize(
    "text",
    [
        "t (s);I [uA/cm^2]\n0;1\n0.005;20\n0.02;10\n",
        "# made by hand\ntime_us\tI_A_m2\tnote\n\n0\t0.01\ta\n5000\t0.2\tb\n20000\t0.1\tc\n",
        '"time (ms)", "I (uA/cm2)"\n0, 1.0\n5, 2e1\n20, 10\n',
        "time_ms  I_uA_cm2\n0  1\n5  20\n20  10\n",
    ],
)
def test_the_units_of_a_file_are_those_of_its_columns(text, tmp_path):
    """The same samples in other units and forms."""
    column = {"column": "I"} if "note" in text else {}
    runs = [read(own, folder=tmp_path, **more) for own, more in ((CSV, {}), (text, column))]
    twins = [e.stimulus.twin(e.defaults, 60.0, 1.0)[1] for e in runs]
    times = np.linspace(0, 25, 101)
    assert [*map(twins[1], times)] == pytest.approx([*map(twins[0], times)], rel=1e-12)


def test_our_own_tables_are_waveforms(tmp_path):
    """A Parquet file names units in its fields."""
    fields = {"time": ("ms", "time"), "course": ("uA/cm^2", "current")}
    columns = {"time": np.array([0.0, 5, 20]), "course": np.array([1.0, 20, 10])}
    tables.write(tmp_path / "wave.parquet", tables.table(columns, fields), {})
    found, own = read(None, "wave.parquet", tmp_path), read(folder=tmp_path)
    assert np.array_equal(found.stimulus.data, own.stimulus.data) and found.defaults == own.defaults
    assert context_digest(found) == context_digest(own)


def test_another_sample_is_another_result(tmp_path):
    one = context_digest(read(folder=tmp_path))
    assert one == context_digest(read("# a note\n" + CSV, "other.csv", tmp_path))
    assert one != context_digest(read(CSV.replace("20,10", "20,11"), "third.csv", tmp_path))


def test_every_number_may_be_an_axis(tmp_path):
    (tmp_path / "wave.csv").write_text(CSV)
    wave = Waveform(tmp_path / "wave.csv", scale=[0.1, 1])
    run = hhcore.run(model=HH.name, stimulus=wave, duration=60, solver={"tolerance": "1 us"})
    assert run.features.scale.tolist() == [0.1, 1] and run.features.spike_count[0] == 0 < run.features.spike_count[1]


def test_the_command_of_a_clamp_is_the_waveform(tmp_path):
    """An action potential as the command: the potential follows it, and rests at the holding potential."""
    course = hhcore.trace(HH, {}, hhcore.Step(20, start=5, stop=6), duration=30, interval=0.5, local_error=1e-9)
    course.frame[["time_ms", "membrane_V_mV"]].to_csv(tmp_path / "ap.csv", index=False)
    clamp = {"kind": "waveform", "file": "ap.csv", "holding": -70, "offset": {"values": [0, 5]}}
    config = {"experiments": {"e": CONFIG | {"duration": 20.2, "clamp": clamp}}}
    (e,) = read_experiments(config, tmp_path).values()
    points = e.points(np.arange(2))
    between = np.interp(20.2, course["time"], course["membrane.V"])
    run = e.protocol.measure(e, Solver("tsit5", 1e-10), points)
    for i, point in enumerate(points):
        values = dict(zip(e.quantities, point.tolist(), strict=True))
        exact = reference(HH, values, stimulus=e.stimulus, duration=20.2, rtol=1e-10, atol=1e-12)
        assert run.final[i, 0] == pytest.approx(between + [0, 5][i], abs=1e-9)
        assert run.final[i] == pytest.approx([*exact.final.values()], abs=1e-7)
        m = 1 / (1 + 4 * np.exp(-(-70 + 65) / 18) / (0.1 * (-70 + 40) / (1 - np.exp(-(-70 + 40) / 10))))
        assert exact.at(0.0)[1] == pytest.approx(m, rel=1e-9)


NO = ".file: {folder}/wave.csv"


@pytest.mark.parametrize(
    ("text", "stimulus", "where", "part"),
    [
        ("", {}, NO, "is empty"),
        ("time_ms,current_uA_cm2\n0,1\n", {}, NO, "1 sample; a waveform has from 2"),
        ("time_ms,current_uA_cm2\n0,1\n\n5,x\n", {}, NO, "line 4: 'x' in column 'current_uA_cm2' is not a finite"),
        ("time_ms,current_uA_cm2\n0,1\n5,inf\n", {}, NO, "line 3: 'inf'"),
        ("time_ms,current_uA_cm2\n0,1\n5\n", {}, NO, "line 3: 1 value for 2 columns"),
        ("time_ms,current_uA_cm2\n0,1\n5,1\n2,1\n", {}, NO, "line 4: the time falls from 5.0 to 2.0"),
        ("time_ms,current\n0,1\n5,1\n", {}, NO, "the column 'current' names no unit; write it like `current_uA_cm2`"),
        ("time,current_nA\n0,1\n5,1\n", {}, NO, "the column 'time' names no unit"),
        ("time_ms,I (mS)\n0,1\n5,1\n", {}, NO, "has the unit 'mS'; legal: mV, uA/cm^2"),
        ("when,current_nA\n0,1\n5,1\n", {}, NO, "no columns of times among when, current_nA"),
        ("time_ms,a_nA,b_nA\n0,1,1\n5,1,1\n", {}, NO, "which column is played? Beside time_ms there are a_nA, b_nA"),
        ("time_ms,a_nA,b_nA\n0,1,1\n5,1,1\n", {"column": "c"}, ".column", "no column 'c' in the file; legal: a_nA"),
        (
            "time_ms,current_nA\n0,1\n5,1\n",
            {},
            ".column",
            "'1 nA' cannot be converted to uA/cm^2; the model counts per",
        ),
        ("time_ms,V_mV\n0,1\n5,1\n", {}, ": wave.csv: column V_mV is", "in mV; a current in uA/cm^2 is needed"),
        ("time_ms,i_uA_cm2\n-5,1\n5,1\n", {}, ".start", "at -5.0, before the simulation"),
        (CSV, {"period": 5}, ".period", "5.0 is shorter than the waveform, 20.0"),
        (CSV, {"scale": "2 mV"}, ".scale", "cannot be converted"),
        (CSV, {"unit": 3}, "", "no key 'unit'"),
        (CSV, {"file": "gone.csv"}, ".file", "gone.csv cannot be read (No such file or directory)"),
        (CSV, {"file": 3}, ".file", "3 is not text"),
        (None, {"file": "wave.parquet"}, ".file", "is not a Parquet file"),
    ],
)
def test_a_wrong_file_is_one_sentence_with_its_line(text, stimulus, where, part, tmp_path):
    (tmp_path / "wave.parquet").write_text("no")
    with pytest.raises(hhcore.UserError) as caught:
        read(text, folder=tmp_path, **stimulus)
    message = str(caught.value)
    assert message.startswith(f"experiments.e.stimulus{where.format(folder=tmp_path)}"), message
    assert part in message and "\n" not in message, message


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"time_ms": [0, 1], "I_nA": [1]}, "columns of one length"),
        ({"time_ms": [0, 1], "I_nA": [1, None]}, "row 1: nothing in column 'I_nA' is not a finite number"),
        (3, "3 is neither the path of a file nor a mapping of columns"),
    ],
)
def test_a_wrong_table_is_one_sentence(source, message):
    with pytest.raises(hhcore.UserError, match=message):
        Waveform(source)


def test_samples_that_are_in_no_file_cannot_be_written_into_a_config():
    with pytest.raises(hhcore.UserError, match="these samples are in no file"):
        hhcore.run(model=HH.name, stimulus=Waveform(TABLE), duration=60, solver={"tolerance": "1 us"})


def test_the_estimate_counts_the_steps_that_samples_end(tmp_path):
    """Each sample ends one: 20,000 in 200 ms."""
    times = np.arange(0, 200, 0.01)
    np.savetxt(
        tmp_path / "fine.csv",
        np.column_stack([times, np.sin(times)]),
        "%g",
        ",",
        header="time_ms,i_uA_cm2",
        comments="",
    )
    wave = {"kind": "waveform", "file": str(tmp_path / "fine.csv")}
    config = CONFIG | {"duration": 200, "solver": {"method": "tsit5", "local_error": 1e-6}}
    costs = [
        estimate(read_experiments({"experiments": {"e": config | {"stimulus": stimulus}}})["e"]).steps
        for stimulus in (wave, {"kind": "step", "amplitude": 1})
    ]
    assert costs[0] > 20_000 + costs[1] > costs[1] > 1000
