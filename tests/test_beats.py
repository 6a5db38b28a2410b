"""Pulse trains and action potentials: against formulas solved by hand, SciPy, and themselves in other company."""

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from scipy.optimize import brentq, minimize_scalar

import hhcore
from hhcore.base.units import column_name
from hhcore.certify.calibration import calibrate
from hhcore.certify.certificate import provenance, write_numerics
from hhcore.config.reader import read_experiments
from hhcore.protocols.traces.table import write_traces
from hhcore.results.write import write_tables
from hhcore.simulation.action_potentials import USUAL
from hhcore.simulation.beats import beat_columns, beat_definitions, last_beat_definitions, last_beats
from hhcore.simulation.reference import derivative, reference
from hhcore.simulation.stimuli.pulse_train import PulseTrain
from hhcore.simulation.stimuli.step import Step
from hhcore.sweep.store import update_shard

HH = "hodgkin_huxley_1952"
SQUID = hhcore.load_model(HH)
nan = math.nan
DEFINITIONS, LAST_BEAT = beat_definitions(), last_beat_definitions()

# The membrane without its voltage-gated channels: C dV/dt = I - g (V - E).
G, E, C = 0.5, -60.0, 2.0
TAU = C / G
PASSIVE = {"sodium.g": 0.0, "potassium.g": 0.0, "leak.g": G, "leak.E": E, "membrane.C": C}


def passive_beats(amplitude, width, period, number):
    """(resting potential, peak, largest slope, APD50, APD90) of each beat, solved by hand."""
    rest, beats = E, []
    for _ in range(number):
        target = E + amplitude / G
        peak = target + (rest - target) * math.exp(-width / TAU)
        fall = [width + TAU * math.log((peak - E) / (rest + part * (peak - rest) - E)) for part in (0.5, 0.1)]
        beats.append((rest, peak, (amplitude - G * (rest - E)) / C, *fall))
        rest = E + (peak - E) * math.exp(-(period - width) / TAU)
    return np.array(beats)


# --- the stimulus


@pytest.mark.parametrize(
    ("start", "width", "period"), [(0.0, 0.5, 5.0), (0.1, 0.3, 0.7), (1 / 3, 0.1, 1.1), (2.0, 4.9999, 5.0)]
)
def test_pulses_are_half_open_to_the_last_bit(start, width, period):
    texts: dict = {"inf": math.inf}
    exec(PulseTrain.segment + PulseTrain.beat, texts)
    fields = (3.0, width, period, 9.0, start)
    for i in range(9):
        onset = start + i * period
        assert texts["segment"](2 * i, *fields) == (onset, 0.0)
        assert texts["segment"](2 * i + 1, *fields) == (onset + width, 3.0)
        assert (texts["beat"](2 * i), texts["beat"](2 * i + 1)) == (-1, i)
    assert texts["segment"](18, *fields) == (math.inf, 0.0)


def test_the_charge_is_that_of_all_pulses_for_each_neuron():
    rng = np.random.default_rng(5)
    width, start = rng.uniform(0.1, 3.0, 50), rng.uniform(0, 9, 50)
    period = width + rng.uniform(0.01, 9, 50)
    capacitor = PASSIVE | {"leak.g": 0.0, "membrane.C": 1.0}  # its potential is the charge
    settings = {"duration": 100.0, "initial_state": "model", "analysis_window": (20.0, 33.3)}
    found = hhcore.simulate(HH, capacitor, PulseTrain(2.0, width, period, start=start), **settings)
    number = [sum(s + i * p + w <= 100.0 for i in range(1000)) for s, p, w in zip(start, period, width, strict=True)]
    charge = found.final[:, 0] - SQUID.states["membrane.V"].value
    assert charge == pytest.approx(2.0 * width * number, rel=1e-9)
    assert np.diff(found.beat_offsets).tolist() == number


@pytest.mark.parametrize(("start", "width", "period"), [(0.0, 0.5, 20.0), (1.2345, 0.777, 14.0071), (2.0, 1.0, 9.99)])
def test_beats_agree_with_scipy(start, width, period):
    point = {"amplitude": 25.0, "width": width, "period": period, "start": start}
    exact = reference(SQUID, point, duration=60.0, stimulus="pulse_train", initial_state="model")
    found = hhcore.simulate(HH, {}, PulseTrain(**point), duration=60.0, initial_state="model", local_error=1e-10).beats
    assert exact.spike_times.size == found.beat_spike_count.sum() >= 3
    onsets = [start + i * period for i in range(len(found))]
    for row, (onset, end) in zip(found.itertuples(), pairwise([*onsets, 60.0]), strict=True):
        rest, peak, slope, at, *durations = scipy_beat(exact, onset, end, width, 25.0)
        assert (row.onset_ms, row.resting_potential_mV) == pytest.approx((onset, rest), abs=1e-7)
        if row.beat_status == "no_action_potential":
            assert peak < 0 and np.isnan([row.ap_peak_mV, row.max_upstroke_V_s, row.apd50_ms, row.apd90_ms]).all()
            continue
        assert row.ap_peak_mV == pytest.approx(peak, abs=1e-6)
        assert row.max_upstroke_V_s == pytest.approx(slope, rel=1e-6)
        assert row.upstroke_ms == pytest.approx(at, abs=2e-5)  # where a slope is largest, it is flat
        assert [row.apd50_ms, row.apd90_ms] == pytest.approx(durations, abs=2e-5, nan_ok=True)


def scipy_beat(exact, onset, end, width, amplitude):
    """The definitions, word for word, on SciPy's dense output: a fine grid first, then a search."""

    def potential(t):
        return exact.at(t)[0]

    def slope(t):
        state = dict(zip(SQUID.states, map(float, exact.at(t)), strict=True))
        return derivative(SQUID, state, {}, amplitude if t < onset + width else 0.0)["membrane.V"]

    grid = np.arange(onset + 1e-9, end, 0.02)
    V = np.array([potential(t) for t in grid])
    top = grid[V.argmax()]
    top = minimize_scalar(lambda t: -potential(t), bounds=(top - 0.02, min(end, top + 0.02)), options={"xatol": 1e-9}).x
    rest, peak = potential(onset), potential(top)
    rising = grid[grid < top]
    steepest = rising[np.argmax([slope(t) for t in rising])]
    around = max(onset, steepest - 0.02), steepest + 0.02
    steepest = minimize_scalar(lambda t: -slope(t), bounds=around, options={"xatol": 1e-10}).x
    falls = []
    for part in (0.5, 0.1):
        level = rest + part * (peak - rest)
        after = np.flatnonzero((grid > top) & (level > V))
        falls.append(
            brentq(lambda t, v=level: potential(t) - v, grid[after[0] - 1], grid[after[0]]) if after.size else nan
        )
    return rest, peak, slope(steepest), steepest, *(t - steepest for t in falls)


@pytest.mark.parametrize(
    ("train", "message"),
    [
        (PulseTrain(10, 5, [20, 3]), r"stimulus: width 5\.0 is above period 3\.0"),
        (PulseTrain(10, -1, 3), r"stimulus\.width: -1\.0 is not above 0"),
        (PulseTrain(10, 1, 3, number=1.5), r"stimulus\.number: 1\.5 is not a number of pulses"),
        (PulseTrain(10, 1, 3, number=9), r"9th pulse ends at 25\.0, after the end of the simulation, 20\.0"),
        (PulseTrain(10, 1, 3, start=19.5), "first pulse ends at 20.5"),
        (PulseTrain(10, [1, 1], [3, 3, 3]), "one length"),
        (Step(10, 30.0), r"stimulus: start 30\.0 is not before stop 20\.0"),
    ],
)
def test_a_stimulus_that_cannot_be_gets_one_message(train, message):
    with pytest.raises(hhcore.UserError, match=message):
        hhcore.simulate(HH, {}, train, duration=20.0)


# --- action potentials solved by hand


@pytest.mark.parametrize("solver", [{"local_error": 1e-10}, {"method": "rk4", "dt": 0.002}])
def test_a_passive_membrane_by_hand(solver):
    amplitude, width, period = 20.0, 1.7, 8.3
    train = PulseTrain(amplitude, width, period, start=2.05)
    found = hhcore.simulate(HH, PASSIVE, train, duration=45.0, threshold=-55.0, **solver).beats
    exact = passive_beats(amplitude, width, period, len(found))
    columns = ["resting_potential_mV", "ap_peak_mV", "max_upstroke_V_s", "apd50_ms"]
    assert len(found) == 5
    assert found[columns].to_numpy() == pytest.approx(exact[:, :4], rel=1e-8)
    # The first beat begins at rest, so that its tenth is reached after TAU ln 10, which is longer than the period.
    assert np.isnan(found.apd90_ms[0]) and width + TAU * math.log(10) > period
    assert found.upstroke_ms.to_numpy() == pytest.approx(found.onset_ms.to_numpy(), abs=1e-12)
    assert found.beat_status[0] == "not_repolarised"


def test_apd90_and_diastolic_interval_by_hand():
    train = PulseTrain(20.0, 1.7, 12.5, number=3)
    found = hhcore.simulate(HH, PASSIVE, train, duration=60.0, threshold=-55.0, local_error=1e-10).beats
    exact = passive_beats(20.0, 1.7, 12.5, 3)
    assert found.apd90_ms.to_numpy() == pytest.approx(exact[:, 4], rel=1e-8)
    # It is the onset from which durations count: the potential rises fastest there.
    assert found.diastolic_interval_ms.tolist() == pytest.approx([nan, *(12.5 - exact[:2, 4])], rel=1e-8, nan_ok=True)
    assert found.cycle_length_ms.tolist() == pytest.approx([12.5, 12.5, 35.0])


# --- whose bits they are

RNG = np.random.default_rng(11)
N = 37
POINTS = {"sodium.g": RNG.uniform(96, 144, N), "potassium.g": RNG.uniform(29, 43, N)}
TRAINS = RNG.uniform([10, 0.1, 5, 0], [60, 3, 20, 9], (N, 4))


def bits(rows, threads=1):
    """The beats of each neuron as bytes."""
    points = {name: column[rows] for name, column in POINTS.items()}
    amplitude, width, period, start = TRAINS[rows].T
    train = PulseTrain(amplitude, width, period, start=start)
    run = hhcore.simulate(HH, points, train, duration=60.0, threads=threads)
    return [run.beat_values[a:b].tobytes() for a, b in pairwise(run.beat_offsets)]


def test_beats_of_a_neuron_do_not_depend_on_its_neighbours_or_on_threads():
    together = bits(slice(None))
    order = RNG.permutation(N)
    assert [together[i] for i in order] == bits(order) == bits(order, threads=2)
    for i in (0, 15, 36):
        assert bits(slice(i, i + 1)) == [together[i]]


def test_watching_beats_moves_no_spike():
    """One long pulse is a step."""
    step = hhcore.simulate(HH, {}, Step(10.0, 5.0, 55.0), duration=60.0)
    pulse = hhcore.simulate(HH, {}, PulseTrain(10.0, 50.0, 55.0, start=5.0), duration=60.0)
    assert step.spike_times.tobytes() == pulse.spike_times.tobytes() and len(pulse.beats) == 1
    assert (pulse.peak, pulse.trough) == (step.peak, step.trough)


# --- columns from what the kernel found


def columns(rows, counts, spikes, offsets, failed=None, ms=1.0):
    """rows: the columns of ActionPotentials of each beat."""
    beats = np.array(rows, dtype=float).reshape(-1, len(USUAL.columns))
    failed = np.zeros(len(counts), dtype=bool) if failed is None else np.array(failed)
    times = np.array(spikes, dtype=float), np.array(offsets)
    return beat_columns(beats, np.cumsum([0, *counts]), *times, failed, ms, mV=1.0)


def beat(onset, end, up=1.0, half=50.0, ninety=80.0):
    return (onset, end, -80.0, 40.0, 300.0, onset + up, nan, 0.0, onset + up + ninety, onset + up + half)


def test_two_to_one_block_by_hand():
    rows = [beat(0, 100), beat(100, 200), beat(200, 300)]
    found = columns(rows, [3], [1.5, 201.5], [0, 2])
    assert found["beat_status"].tolist() == ["ok", "no_action_potential", "ok"]
    assert found["apd90_ms"].tolist() == pytest.approx([80, nan, 80], nan_ok=True)
    assert found["apd50_ms"].tolist() == pytest.approx([50, nan, 50], nan_ok=True)
    assert found["resting_potential_mV"].tolist() == [-80, -80, -80]
    assert found["diastolic_interval_ms"].tolist() == pytest.approx([nan, 19, 119], nan_ok=True)
    assert found["beat_spike_count"].tolist() == [1, 0, 1]


def test_a_spike_belongs_to_the_beat_in_which_it_lies():
    rows = [beat(10, 20), beat(20, 30), beat(0, 10), beat(10, 20)]
    found = columns(rows, [2, 2], [5.0, 20.0, 25.0, 9.0], [0, 3, 4])
    assert found["beat_spike_count"].tolist() == [0, 2, 1, 0]  # at 20 the second has begun; at 5 none has
    assert found["neuron"].tolist() == [0, 0, 1, 1] and found["beat"].tolist() == [0, 1, 0, 1]


def test_an_action_potential_that_outlasts_its_beat():
    rows = [beat(0, 60, ninety=nan), beat(60, 200)]
    found = columns(rows, [2], [1.0, 61.0], [0, 2])
    assert found["beat_status"].tolist() == ["not_repolarised", "ok"]
    assert found["apd50_ms"].tolist() == [50, 50] and np.isnan(found["diastolic_interval_ms"]).all()


def test_an_action_potential_ends_before_the_next_one():
    """A fall at 81 ms, after a pulse at 60 ms that starts none, or one."""
    rows = [beat(0, 60), beat(60, 120, ninety=nan), beat(120, 160, ninety=nan)]
    blocked, fires = columns(rows, [3], [1.0, 121.0], [0, 2]), columns(rows, [3], [1.0, 61.0, 121.0], [0, 3])
    assert blocked["beat_status"].tolist() == ["ok", "no_action_potential", "not_repolarised"]
    assert blocked["apd90_ms"].tolist() == pytest.approx([80, nan, nan], nan_ok=True)
    assert blocked["diastolic_interval_ms"].tolist() == pytest.approx([nan, nan, 39], nan_ok=True)
    assert blocked["diastolic_interval_after_ms"].tolist() == pytest.approx([39, nan, nan], nan_ok=True)
    assert fires["beat_status"].tolist() == ["not_repolarised"] * 3
    assert fires["apd50_ms"].tolist() == [50, 50, 50] and np.isnan(fires["apd90_ms"]).all()


def test_the_interval_after_is_null_where_the_run_cuts_the_beat_short():
    whole, cut, single = [beat(0, 100), beat(100, 200)], [beat(0, 100), beat(100, 190)], [beat(0, 90)]
    found = columns([*whole, *cut, *single], [2, 2, 1], [1, 101, 1, 101, 1], [0, 2, 4, 5])
    assert found["diastolic_interval_after_ms"].tolist() == pytest.approx([19, 19, 19, nan, 9], nan_ok=True)


def test_a_pulse_on_a_plateau_is_no_action_potential():
    """From -80 to 40 mV, a quarter is -50 mV. A beat that begins above it does not set the level of the next."""
    rests = [-80, -49, -20, -51, -80, -49]
    plateau = [beat(100 * i, 100 * (i + 1), half=15.0, ninety=20.0) for i in range(len(rests))]
    rows = [(*row[:2], rest, *row[3:]) for row, rest in zip(plateau, rests, strict=True)]
    found = columns([*rows, rows[1]], [6, 1], [*np.arange(1.0, 600, 100), 101.0], [0, 6, 7])
    early = np.array([False, True, True, False, False, True, False])
    assert found["beat_status"].tolist() == np.where(early, "depolarised_at_onset", "ok").tolist()
    for name in ("ap_peak_mV", "max_upstroke_V_s", "apd50_ms", "apd90_ms", "upstroke_ms"):
        assert np.isnan(found[name]).tolist() == early.tolist()
    assert found["diastolic_interval_ms"].tolist() == pytest.approx([nan, nan, nan, 279, 79, nan, nan], nan_ok=True)
    assert found["resting_potential_mV"].tolist() == [*rests, -49]
    assert found["beat_spike_count"].tolist() == [1] * 7


def test_an_action_potential_that_a_drug_prolongs_is_not_reported_short():
    """Half the rapid, no slow potassium current: every second pulse meets the plateau, which lasts past it."""
    model = hhcore.load_model("ten_tusscher_panfilov_2006")
    blocked = {"iks.g": 0.0, "ikr.g": 0.5 * model.parameters["ikr.g"].value}
    train = PulseTrain(52.0, 1.0, 500.0)
    run = hhcore.simulate(model, blocked, train, duration=2000.0, initial_state="model", method="rodas5p")
    assert run.beats.beat_status.tolist() == ["ok", "depolarised_at_onset"] * 2
    assert run.beats.apd90_ms.gt(500).tolist() == [True, False] * 2
    assert run.features.apd90_ms[0] == run.beats.apd90_ms[2]


def test_nothing_of_a_neuron_that_failed():
    found = columns([beat(0, 100), beat(100, 110), beat(0, 100)], [2, 1], [1.0, 1.0], [0, 1, 2], [True, False])
    assert found["beat_status"].tolist() == ["failed", "failed", "ok"]
    assert np.isnan(found["resting_potential_mV"]).tolist() == [True, True, False]
    assert found["beat_spike_count"].tolist() == [None, None, 1]


def test_the_last_whole_beat():
    whole, cut, single = [beat(0, 100), beat(100, 200)], [beat(0, 100), beat(100, 150)], [beat(0, 40)]
    found = last_beats(columns([*whole, *cut, *single], [2, 2, 1], [1, 101, 1, 101, 1], [0, 2, 4, 5]))
    assert found["last_beat"].tolist() == [1, 0, 0]
    assert list(found) == list(LAST_BEAT)


@pytest.mark.parametrize(
    ("durations", "last", "alternans"),
    [
        ([80, 70, 80, 75], 3, 5),  # each beat has an action potential; None: this one is blocked
        ([170, None, 150, None], 2, 20),
        ([170, None, 160, None, nan], 2, 10),  # the last one is not over at the end of the run
        ([170, None, None, 160, None, None], 3, 10),
        ([nan, 70, nan, 70, nan], 3, nan),  # the next one begins before
        ([nan, None], 0, nan),
        ([80, None, None, None, None], 4, nan),  # it does not follow any more
        ([None, None], 1, nan),
    ],
)
def test_features_are_about_the_last_action_potential_that_has_ended(durations, last, alternans):
    rows = [beat(100 * i, 100 * (i + 1), ninety=nan if d is None else d) for i, d in enumerate(durations)]
    spikes = [100 * i + 1.0 for i, d in enumerate(durations) if d is not None]
    k, other = len(spikes), beat(0, 100)
    counts, offsets = [len(rows), 1, len(rows)], [0, k, k + 1, 2 * k + 1]
    found = last_beats(columns([*rows, other, *rows], counts, [*spikes, 1.0, *spikes], offsets))
    assert found["last_beat"].tolist() == [last, 0, last]
    assert found["apd90_alternans_ms"].tolist() == pytest.approx([alternans, nan, alternans], nan_ok=True)


def test_every_definition_has_a_unit_that_its_name_ends_in():
    for name, (unit, definition) in (DEFINITIONS | LAST_BEAT).items():
        assert definition
        assert unit == "1" or name.endswith(column_name("", unit))


# --- a model whose unit of time is the second

SECONDS = """
[[model]]
name: seconds
membrane.V = -60
[engine]
time = 0 [s] bind time
    in [s]
[stimulus]
i = 0 [uA/cm^2] bind pace
    in [uA/cm^2]
[membrane]
C = 2 [uF/cm^2]
    in [uF/cm^2]
g = 0.5 [mS/cm^2]
    in [mS/cm^2]
E = -60 [mV]
    in [mV]
i = g * (V - E)
    in [uA/cm^2]
dot(V) = 1000 [ms/s] * (stimulus.i - i) / C
    in [mV]
    label membrane_potential
"""
PACED = """
model: seconds.mmt
stimulus: {kind: pulse_train, amplitude: {values: [2, 20]}, width: 1.7 ms, period: 12.5 ms, number: 3}
initial_state: model
duration: 60 ms
analysis_window: [0.02, 0.06]
spikes: {threshold: -55}
solver: {method: tsit5, local_error: 1e-10}
traces: [{amplitude: 20}]
"""


@pytest.fixture(scope="module")
def seconds(tmp_path_factory) -> Path:
    """The tables of a passive membrane whose model counts time in seconds."""
    folder = tmp_path_factory.mktemp("seconds")
    (folder / "seconds.mmt").write_text(SECONDS)
    experiment = read_experiments({"experiments": {"e": yaml.safe_load(PACED)}}, folder)["e"]
    write_numerics(experiment, calibrate(experiment, progress=lambda *_: None), folder / "numerics.parquet")
    update_shard(experiment, "all", folder / "all.parquet", progress=lambda *_: None)
    write_tables(experiment, [folder / "all.parquet"], folder / "numerics.parquet", folder)
    write_traces(experiment, provenance(experiment, folder / "numerics.parquet"), folder / "traces.parquet")
    return folder


def test_tables_are_in_ms_whatever_the_unit_of_the_model(seconds):
    exact = passive_beats(20.0, 1.7, 12.5, 3)
    target = E + 20.0 / G
    crossings = [12.5 * i + TAU * math.log((target - rest) / (target + 55.0)) for i, rest in enumerate(exact[:, 0])]
    spikes = pd.read_parquet(seconds / "spikes.parquet")
    assert spikes.neuron.tolist() == [1, 1, 1] and spikes.time_ms.tolist() == pytest.approx(crossings, rel=1e-7)
    beats = pd.read_parquet(seconds / "beats.parquet")
    assert beats.onset_ms.tolist() == pytest.approx([0, 12.5, 25.0] * 2)
    assert beats[beats.neuron == 1][["max_upstroke_V_s", "apd50_ms", "apd90_ms"]].to_numpy() == pytest.approx(
        exact[:, 2:], rel=1e-7
    )
    silent, fires = pd.read_parquet(seconds / "features.parquet").itertuples(index=False)
    assert silent.beat_status == "no_action_potential" and math.isnan(silent.apd90_ms)
    assert silent.resting_potential_mV == pytest.approx(passive_beats(2.0, 1.7, 12.5, 3)[2, 0], rel=1e-9)
    assert (fires.first_spike_ms, fires.mean_isi_ms) == pytest.approx((crossings[0], nan), rel=1e-7, nan_ok=True)
    assert fires.spike_count_rate_Hz == 25.0 and math.isnan(fires.firing_rate_Hz)  # one spike in 40 ms
    assert fires.apd90_ms == pytest.approx(exact[2, 4], rel=1e-7) and fires.last_beat == 2
    traces = pd.read_parquet(seconds / "traces.parquet")
    assert traces.time_ms.iloc[-1] == pytest.approx(60.0) and traces.stimulus_uA_cm2[traces.time_ms < 1.69].eq(20).all()


def test_the_page_tells_of_pulses_that_cross_the_threshold_by_themselves(tmp_path):
    """From -65 mV, 0.2 ms of 320 and 330 uA/cm^2 reach -1 and 1 mV on 1 uF/cm^2, and 63 and 67 mV on half of it."""
    run = hhcore.run(
        model=HH,
        stimulus={"kind": "pulse_train", "amplitude": {"values": [100, 320, 330]}, "width": 0.2, "period": 20},
        parameters={"membrane.C": {"values": [1.0, 0.5]}},
        duration=40,
        solver={"method": "tsit5", "local_error": 1e-5},
        results=tmp_path,
        progress=False,
    )
    assert "<th>pulse alone</th><td>3 are taken" in (run.folder / "summary.html").read_text()
    assert "; error of apd90 at most " in run.certificate and " ms, spike-time error at most " in run.certificate


def test_tables_of_pulse_trains_have_units_and_definitions(seconds):
    assert not list(seconds.glob("fi_*"))
    schema = pq.read_schema(seconds / "beats.parquet")
    assert schema.names == list(DEFINITIONS)
    for field in schema:
        assert field.metadata == {
            b"unit": DEFINITIONS[field.name][0].encode(),
            b"definition": DEFINITIONS[field.name][1].encode(),
        }
    assert set(LAST_BEAT) <= set(pq.read_schema(seconds / "features.parquet").names)
