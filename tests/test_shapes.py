"""Shapes of action potentials and responses: against eFEL on the same runs, formulas by hand, and fine traces."""

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import QuadMesh

import hhcore
from hhcore.config.reader import read_experiments
from hhcore.figures.context import FigureContext, Variable
from hhcore.protocols.shapes.figures import half_widths, potentials, response
from hhcore.schemes.solver import Solver
from hhcore.simulation.bursts import burst_columns
from hhcore.simulation.observers import Beats, Extremes, Spikes, shape_observers
from hhcore.simulation.shapes import DEFINITIONS, OF_NEURONS
from hhcore.sweep.gather import row_blocks
from hhcore.sweep.hashing import context_digest

pytestmark = pytest.mark.filterwarnings("ignore:Use ISIs:DeprecationWarning")  # of eFEL, by itself
HH = "hodgkin_huxley_1952"
METHODS = {"rk4": {"dt": 0.002}, **dict.fromkeys(("tsit5", "dop853", "rodas5p"), {"local_error": 1e-8})}
DT = 0.005  # between the samples that eFEL gets [ms]

# The names of eFEL, and what its samples leave open: of a time up to one interval, of a duration up to two.
TIMES = {"peak_time": "ap_peak_ms", "AP_begin_time": "ap_begin_ms"}
DURATIONS = {
    "AP_duration_half_width": "ap_half_width_ms",
    "AP_width": "ap_width_ms",
    "AP_begin_width": "ap_begin_width_ms",
    "AP_duration": "ap_duration_ms",
    "AP_rise_time": "ap_rise_time_ms",
    "AP_fall_time": "ap_fall_time_ms",
    "AHP_time_from_peak": "ahp_time_ms",
}
BEGINS = {"AP_begin_voltage": "ap_begin_mV", "AP_amplitude": "ap_amplitude_mV", "fast_AHP": "fast_ahp_mV"}
TURNS = {
    "peak_voltage": "ap_peak_mV",
    "min_AHP_values": "ahp_mV",
    "AHP_depth": "ahp_depth_mV",
    "AHP_depth_from_peak": "ahp_depth_from_peak_mV",
    "min_between_peaks_values": "interspike_minimum_mV",
}
RATES = {
    "AP_rise_rate": ("ap_rise_rate_V_s", "ap_rise_time_ms"),
    "AP_fall_rate": ("ap_fall_rate_V_s", "ap_fall_time_ms"),
}
SLOPES = {"AP_peak_upstroke": "ap_upstroke_V_s", "AP_peak_downstroke": "ap_downstroke_V_s"}
OF_RUN = {
    "time_to_first_spike": "time_to_first_spike_ms",
    "spike_count_stimint": "stimulus_spike_count",
    "burst_number": "burst_number",
    "strict_burst_number": "strict_burst_number",
}
OF_RESPONSE = {
    "voltage_base": "voltage_base_mV",
    "steady_state_voltage_stimend": "steady_voltage_mV",
    "minimum_voltage": "minimum_voltage_mV",
    "sag_amplitude": "sag_amplitude_mV",
    "sag_ratio1": "sag_ratio1",
    "sag_ratio2": "sag_ratio2",
    "decay_time_constant_after_stim": "decay_time_constant_ms",
}


def run(model, stimulus, duration, observers=None, **settings) -> hhcore.Result:
    observers = (Spikes(0.0, 0.0), Extremes(), *shape_observers()) if observers is None else observers
    return hhcore.simulate(model, {}, stimulus, duration=duration, observers=observers, **settings)


def by_efel(model, step, duration, names, threshold=0.0) -> dict[str, np.ndarray]:
    """Features of one neuron by eFEL, from samples every DT."""
    efel = pytest.importorskip("efel")
    course = hhcore.trace(model, {}, step, duration=duration, interval=DT)
    once = np.r_[True, np.diff(course["time"]) > 0]  # where the stimulus jumps there are two samples
    trace = {"T": course["time"][once], "V": course["membrane.V"][once]}
    efel.reset()
    efel.set_setting("interp_step", DT)
    efel.set_setting("Threshold", threshold)
    trace |= {"stim_start": [step.start], "stim_end": [step.stop]}
    return efel.get_feature_values([trace], list(names))[0]


@pytest.mark.parametrize(
    ("model", "amplitude"),
    [
        (HH, 9.0),
        (HH, 12.0),  # begins with more than 10 V/s
        ("pospischil_2008:rs", 5.0),
        ("pospischil_2008:fs", 7.0),
        ("pospischil_2008:ib", 1.5),
        ("destexhe_1996:relay", 3.0),
    ],
)
def test_spikes_are_shaped_as_efel_finds_them(model, amplitude):
    step = hhcore.Step(amplitude, 20.0, 160.0)
    found = run(model, step, 200.0)
    ours = found.shapes
    names = [*TIMES, *DURATIONS, *BEGINS, *TURNS, *RATES, *SLOPES, *OF_RUN]
    theirs = by_efel(model, step, 200.0, names)
    spikes = len(theirs["peak_time"])
    assert len(ours) == spikes > 3

    def off(name, column):
        k = len(theirs[name])  # eFEL leaves out the last fast_AHP, and amplitudes after the stimulus
        assert spikes - k <= 1
        return np.abs(theirs[name] - ours[column].to_numpy()[:k])

    for name, column in TIMES.items():
        assert off(name, column).max() < 1.01 * DT, name
    for name, column in DURATIONS.items():
        assert off(name, column).max() < 2 * DT, name
    for name, column in BEGINS.items():  # where it rises by 10 V/s and soon faster, at the onset by `amplitude`
        assert off(name, column).max() < 1.1 * max(10.0, amplitude) * DT, name
    for name, column in TURNS.items():
        assert off(name, column).max() < 0.005, name
    for name, (column, time) in RATES.items():
        assert (off(name, column) < 2.5 * DT / ours[time] * abs(ours[column])).all(), name
    for name, column in SLOPES.items():
        assert (off(name, column) < 0.005 * abs(ours[column])).all(), name
    features = found.features.iloc[0]
    for name, column in OF_RUN.items():
        assert features[column] == pytest.approx(theirs[name][0], abs=DT), name
    assert features["mean_ap_half_width_ms"] == pytest.approx(theirs["AP_duration_half_width"].mean(), abs=2 * DT)
    assert features["first_ahp_mV"] == pytest.approx(theirs["min_AHP_values"][0], abs=1e-3)


@pytest.mark.parametrize(("model", "amplitude"), [("destexhe_1996:relay", -1.0), ("destexhe_1996:relay", -0.5)])
def test_a_sag_is_that_of_efel(model, amplitude):
    step = hhcore.Step(amplitude, 300.0, 900.0)
    ours = run(model, step, 950.0).features.iloc[0]
    theirs = by_efel(model, step, 950.0, OF_RESPONSE)
    for name, column in OF_RESPONSE.items():
        # The decay is not quite exponential, and eFEL's last sample is up to 0.1 ms later than ours.
        rel = 3e-3 if name.startswith("decay") else 1e-4
        assert ours[column] == pytest.approx(theirs[name][0], rel=rel, abs=1e-3), name
    assert ours["sag_ratio1"] > 0.2


def test_bursts_are_those_of_efel():
    """Of random trains, regular ones, and bursts; eFEL finds their spikes in a potential that jumps."""
    efel = pytest.importorskip("efel")
    random = np.random.default_rng(1)
    short, long = (lambda n: random.integers(20, 40, n)), (lambda n: random.integers(200, 900, n))
    trains = [random.integers(20, 20 + spread, n) for spread in (5, 300, 3000) for n in (2, 3, 4, 5, 6, 12, 60)]
    trains += [np.concatenate([np.r_[long(1), short(k)] for k in random.integers(0, 6, 8)]) for _ in range(12)]
    efel.reset()
    efel.set_setting("interp_step", 0.125)
    names = ("burst_number", "burst_mean_freq", "strict_burst_number", "strict_burst_mean_freq")
    for intervals in trains:
        peaks = 40 + np.r_[0, np.cumsum(intervals)]
        potential = np.full(peaks[-1] + 40, -60.0)
        potential[peaks] = 20.0
        trace = {"T": 0.125 * np.arange(len(potential)), "V": potential, "stim_start": [0.0], "stim_end": [1e4]}
        theirs = efel.get_feature_values([trace], names)[0]
        ours = burst_columns(0.125 * peaks, np.array([0, len(peaks)]))
        for name, column, mean in zip(names[::2], list(ours)[::2], list(ours)[1::2], strict=True):
            frequencies = theirs[name.replace("number", "mean_freq")]
            assert ours[column][0] == theirs[name][0]
            expected = math.nan if frequencies is None else frequencies.mean()
            assert ours[mean][0] == pytest.approx(expected, rel=1e-12, nan_ok=True)


def crossings(t, v, level):
    """Times at which samples cross a level, by straight lines: (upwards, downwards)."""
    above = v >= level
    i = np.flatnonzero(above[1:] != above[:-1])
    times = t[i] + (level - v[i]) / (v[i + 1] - v[i]) * (t[i + 1] - t[i])
    return times[above[i + 1]], times[~above[i + 1]]


@pytest.mark.parametrize("method", METHODS)
def test_spikes_are_shaped_as_a_fine_trace_shows(method):
    dt = 0.002
    step = hhcore.Step(15.0, 5.0, 60.0)
    ours = run(HH, step, 75.0, method=method, **METHODS[method]).shapes
    course = hhcore.trace(HH, {}, step, duration=75.0, interval=dt, local_error=1e-9)
    once = np.r_[True, np.diff(course["time"]) > 0]
    keep = once & (course["time"] >= 8.0)  # after the first spike, which begins with the step
    t, v = course["time"][keep], course["membrane.V"][keep]
    slope = np.gradient(v, t)
    begins, _ = crossings(t, slope, 10.0)
    fallen, _ = crossings(t, slope, -12.0)
    rows = ours[ours["ap_begin_ms"] > 8.0]
    assert len(rows) == 4
    for row in rows.itertuples():
        begin = begins[begins < row.ap_peak_ms][-1]
        ends = fallen[fallen > row.ap_peak_ms][0]
        level = np.interp(begin, t, v)
        inside = (t >= begin) & (t <= ends)
        peak = v[inside].max()
        ups, downs = crossings(t, v, 0.5 * (level + peak))
        width = downs[downs > row.ap_peak_ms][0] - ups[ups < row.ap_peak_ms][-1]
        after = (t > row.ap_peak_ms) & (t < row.ap_peak_ms + 8.0)
        assert row.ap_begin_ms == pytest.approx(begin, abs=1e-4)
        assert row.ap_begin_mV == pytest.approx(level, abs=1e-3)
        assert row.ap_peak_mV == pytest.approx(peak, abs=1e-3)
        assert row.ap_half_width_ms == pytest.approx(width, abs=1e-4)
        assert row.ap_begin_ms + row.ap_duration_ms == pytest.approx(ends, abs=1e-4)
        assert row.ap_upstroke_V_s == pytest.approx(slope[inside].max(), rel=5e-4)
        assert row.ap_downstroke_V_s == pytest.approx(slope[inside].min(), rel=5e-4)
        assert row.ahp_mV == pytest.approx(v[after].min(), abs=1e-4)


G, E, C = 0.5, -60.0, 2.0
PASSIVE = {"sodium.g": 0.0, "potassium.g": 0.0, "leak.g": G, "leak.E": E, "membrane.C": C}


@pytest.mark.parametrize("method", METHODS)
def test_the_response_of_a_passive_membrane_by_hand(method):
    """It charges with tau = C / g, and no sag; a step that depolarises has none either."""
    on, off, tau, amplitude = 30.3, 47.1, C / G, np.array([-8.0, 5.0])
    step, settings = hhcore.Step(amplitude, on, off), {"method": method, **METHODS[method]}
    observers = Spikes(), Extremes(), *shape_observers()
    ours = hhcore.simulate(HH, PASSIVE, step, duration=60.0, observers=observers, **settings).features
    length = off - on
    late = tau / (0.1 * length) * (math.exp(-0.9 * length / tau) - math.exp(-length / tau))
    steady = E + amplitude / G * (1 - late)
    lowest = np.where(amplitude < 0, E + amplitude / G * (1 - math.exp(-length / tau)), E)
    assert ours["voltage_base_mV"].to_numpy() == pytest.approx(E, abs=1e-6)
    assert ours["steady_voltage_mV"].to_numpy() == pytest.approx(steady, abs=1e-4)
    assert ours["minimum_voltage_mV"].to_numpy() == pytest.approx(lowest, abs=1e-4)
    assert ours["decay_time_constant_ms"].to_numpy() == pytest.approx(tau, rel=1e-4)
    assert np.isnan(ours["sag_amplitude_mV"][1]) and ours["sag_amplitude_mV"][0] == pytest.approx(steady[0] - lowest[0])
    assert (ours["stimulus_spike_count"] == 0).all() and ours["first_ap_peak_mV"].isna().all()


@pytest.mark.parametrize("method", METHODS)
def test_shapes_have_a_row_for_each_spike_and_do_not_depend_on_other_observers(method):
    train = hhcore.PulseTrain([25.0, 40.0, 5.0], 0.5, [10.0, 17.3, 8.1], start=1.1)
    settings = {"method": method, "initial_state": "model"} | METHODS[method]
    whole = run(HH, train, 50.0, (Spikes(0, -20), Extremes(3, 40), Beats(), *shape_observers(0, -20)), **settings)
    fewer = run(HH, train, 50.0, (Extremes(3, 40), *shape_observers(0, -20)), **settings)  # whose window ends steps
    shapes = whole.record["shapes"]
    assert shapes.values[:, 0].tobytes() == whole.spike_times.tobytes() and len(whole.spike_times) > 5
    assert shapes.offsets.tolist() == whole.offsets.tolist()
    assert shapes.values.tobytes() == fewer.record["shapes"].values.tobytes()


def test_the_shape_of_a_neuron_does_not_depend_on_its_neighbours():
    amplitude = [-5.0, 8.0, 12.0, 20.0, 40.0] * 9  # more than one register of lanes, each of which takes several
    together = run(HH, hhcore.Step(amplitude, 5.0, 30.0), 40.0).record
    for i in (0, 1, 44):
        alone = run(HH, hhcore.Step(amplitude[i], 5.0, 30.0), 40.0).record
        rows = slice(*together["shapes"].offsets[i : i + 2])
        assert together["shapes"].values[rows].tobytes() == alone["shapes"].values.tobytes()
        for name in ("base", "steady", "lowest", "decay"):
            assert together[name][i : i + 1].tobytes() == alone[name].tobytes()


def test_a_shock_across_the_threshold_is_a_spike_whose_peak_may_be_its_start():
    """It has no beginning. One by 15 mV starts a spike like any other."""
    displacement = np.array([5.0, 15.0, 66.0, 90.0, 150.0, -30.0])
    found = run(HH, hhcore.Shock(displacement, 5.0), 40.0, local_error=1e-8)
    shapes = found.shapes.set_index(["neuron", "spike"])
    assert found.record["shapes"].values[:, 0].tobytes() == found.spike_times.tobytes()
    assert found.spike_counts.tolist() == [0, 1, 2, 1, 1, 1]
    assert np.ma.getmaskarray(found.columns["stimulus_spike_count"]).all()  # it begins, and does not end
    rest = found.features["voltage_base_mV"][0]
    for row in ((2, 0), (4, 0)):
        assert shapes.loc[row, "ap_peak_ms"] == 5.0 and np.isnan(shapes.loc[row, "ap_begin_ms"])
        assert shapes.loc[row, "ap_peak_mV"] == pytest.approx(rest + displacement[row[0]], abs=1e-4)
    assert shapes["ahp_mV"].drop((2, 0)).between(-76.3, -76.1).all() and (shapes["ap_peak_mV"] > 0).all()


def test_what_a_spike_does_not_have_is_null():
    """The run ends before the minimum; nothing is so steep; the stimulus begins at 0."""
    shapes = run(HH, hhcore.Step(10.0), 18.5).shapes
    last = shapes.iloc[-1]
    assert np.isfinite(last[["ap_peak_mV", "ap_half_width_ms"]].astype(float)).all()
    assert last[["ahp_mV", "ahp_time_ms", "fast_ahp_mV"]].isna().all()
    assert shapes["ahp_depth_mV"].isna().all()
    flat = run(HH, hhcore.Step(10.0, 5.0), 50.0, (Spikes(0, 0), Extremes(), *shape_observers(begin_slope=1e3))).shapes
    assert flat[["ap_begin_ms", "ap_half_width_ms", "ap_upstroke_V_s"]].isna().all(axis=None)
    assert np.isfinite(flat[["ap_peak_mV", "ap_width_ms", "ap_downstroke_V_s"]]).all(axis=None)


CONFIG = {
    "model": HH,
    "protocol": {"kind": "shapes"},
    "stimulus": {"kind": "step", "amplitude": {"values": [-5, 3, 10]}, "start": 10, "stop": 40},
    "parameters": {"sodium.g": {"values": [110, 120]}},
    "initial_state": "rest",
    "duration": 60,
    "solver": {"tolerance": "10 us"},
}


def test_an_experiment_has_shapes_with_certified_errors(tmp_path):
    found = hhcore.run(**CONFIG, results=tmp_path, progress=False)
    features, shapes, numerics = found.features, found.shapes, found.numerics
    assert list(shapes) == list(DEFINITIONS) and set(OF_NEURONS) < set(features)
    spikes = found.spikes
    assert (shapes["neuron"].to_numpy() == spikes["neuron"].to_numpy()).all()
    means = shapes.groupby("neuron")["ap_half_width_ms"].mean()
    assert features["mean_ap_half_width_ms"].dropna().to_numpy() == pytest.approx(means.to_numpy())
    assert features["sag_amplitude_mV"].notna().sum() >= 2
    chosen = numerics[numerics["chosen"]] if "chosen" in numerics else numerics
    assert chosen["ap_half_width_error_ms"].min() < 1e-3
    assert {"half_widths", "ap_potentials", "response"} <= set(found.figures())


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"begin_slope": 0}, r"protocol\.begin_slope: 0 is not above 0 V/s; give it, like `begin_slope: 10 V/s`"),
        (
            {"end_slope": "12 V/s"},
            r"protocol\.end_slope: '12 V/s' is not below 0 V/s; give it, like `end_slope: -12 V/s`",
        ),
        ({"begin_slope": "10 mV"}, r"protocol\.begin_slope: .*V/s"),
        ({"DerivativeThreshold": 10}, r"begin_slope: 10 V/s"),
    ],
)
def test_a_wrong_key_gets_one_sentence(body, message):
    with pytest.raises(hhcore.UserError, match=message):
        read_experiments({"experiments": {"e": CONFIG | {"protocol": {"kind": "shapes", **body}}}})


def test_slopes_of_a_config_may_have_another_unit():
    body = {"kind": "shapes", "begin_slope": "0.02 V/ms", "end_slope": -5}
    (e,) = read_experiments({"experiments": {"e": CONFIG | {"protocol": body}}}).values()
    assert (e.protocol.begin_slope, e.protocol.end_slope) == (20.0, -5.0)


def drawn(sodium: list[float], combine: str = "product") -> dict:
    """The figures of neurons at three amplitudes: one hyperpolarised, one silent, one that fires."""
    axes = (
        Variable("amplitude", "amplitude", "uA/cm^2", values=np.array([-5.0, 0.0, 10.0])),
        Variable("sodium", "sodium.g", "mS/cm^2", values=np.array(sodium)),
    )
    rows = zip(axes[0].values, sodium, strict=True) if combine == "zip" else product(axes[0].values, sodium)
    table = pd.DataFrame(list(rows), columns=["amplitude", "sodium"])
    fires = table["amplitude"] == 10
    table = table.assign(status="ok", stimulus_spike_count=np.where(fires, 3, 0))
    of_spikes = (
        "mean_ap_half_width_ms",
        "first_ap_half_width_ms",
        "mean_ap_peak_mV",
        "mean_ap_begin_mV",
        "mean_ahp_mV",
    )
    table = table.assign(**{name: np.where(fires, 1.0 + i, np.nan) for i, name in enumerate(of_spikes)})
    table = table.assign(steady_voltage_mV=-70.0, minimum_voltage_mV=-72.0, voltage_base_mV=-65.0)
    along = "amplitude" if combine == "product" else None
    context = FigureContext("title", axes[0], axes[0], axes=axes, along=along, neurons=len(table), combine=combine)
    return {draw.__name__: draw(table, context) for draw in (half_widths, potentials, response)}


def test_figures_show_what_a_neuron_has_and_mark_what_it_has_not():
    line, grid = drawn([120.0]), drawn([110.0, 120.0])
    (panel,) = line["response"].axes[:1]
    shown = {each.get_linestyle(): each.get_ydata() for each in panel.lines[:3]}
    assert all(np.isfinite(y).tolist() == [True, True, False] for y in shown.values())
    assert [np.nanmax(each.get_ydata()) for each in line["half_widths"].axes[0].lines[:2]] == [1.0, 2.0]
    assert [np.nanmax(each.get_ydata()) for each in line["potentials"].axes[0].lines[:3]] == [3.0, 4.0, 5.0]
    (mesh,) = (c for c in grid["half_widths"].axes[0].collections if isinstance(c, QuadMesh))
    assert mesh.get_array().compressed().tolist() == [1.0, 1.0]
    assert all(figure.axes for figure in drawn([110.0, 115.0, 120.0], "zip").values())


def test_tables_of_many_spikes_are_made_of_smaller_row_blocks():
    many = {"duration": 1000, "stimulus": CONFIG["stimulus"] | {"amplitude": {"linspace": [0, 10, 100_000]}}}
    kinds = {kind: CONFIG | many | {"protocol": {"kind": kind}} for kind in ("current_clamp", "shapes")}
    plain, shaped = (len(row_blocks(e, 1)[0]) for e in read_experiments({"experiments": kinds}).values())
    assert plain == 32768 and 10 * shaped < plain


def test_outputs_of_any_variable_go_with_shapes():
    outputs = {"sodium_charge": {"variable": "sodium.i", "measure": "integral"}}
    (e,) = read_experiments({"experiments": {"e": CONFIG | {"outputs": outputs}}}).values()
    (column,) = (output.column for output in e.protocol.outputs)
    found = e.protocol.columns(e.protocol.measure(e, Solver("tsit5", 1e-6), e.points(np.arange(2))))
    assert {column, "first_ap_peak_mV"} <= set(found) & set(e.protocol.definitions)
    slopes = {"begin_slope": 20.0}, {"end_slope": -5.0}, {}
    digests = {context_digest(replace(e, protocol=replace(e.protocol, **slope))) for slope in slopes}
    assert len(digests) == 3
