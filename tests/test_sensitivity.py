"""Sobol indices: against analytic ones, and those of an experiment against its own tables."""

import sys
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from matplotlib.container import BarContainer
from scipy.stats import qmc
from test_figures import POTENTIAL, STIMULUS, check_layout

from hhcore.base.errors import UserError
from hhcore.certify.calibration import calibrate
from hhcore.certify.certificate import provenance, write_numerics
from hhcore.config.reader import read_experiments
from hhcore.experiments.analysis import analyses
from hhcore.figures.context import FigureContext, Variable, figure_context
from hhcore.grid.designs import unit_points
from hhcore.protocols.fi.figures import sampled_curves
from hhcore.protocols.sensitivity import Sobol, figures
from hhcore.protocols.sensitivity.indices import DEFINITIONS, sobol_indices
from hhcore.protocols.sensitivity.noise import CONSTANT, NOISE, Errors
from hhcore.results.draw import draw
from hhcore.results.write import write_tables
from hhcore.sweep.store import update_shard


def ishigami(x, a=7.0, b=0.1):
    return np.sin(x[:, 0]) + a * np.sin(x[:, 1]) ** 2 + b * x[:, 2] ** 4 * np.sin(x[:, 0])


def test_the_indices_of_ishigami_s_function_are_the_analytic_ones():
    # Ishigami and Homma (1990): with a = 7, b = 0.1, V = a^2/8 + b pi^4/5 + b^2 pi^8/18 + 1/2
    a, b, pi = 7.0, 0.1, np.pi
    one, two, three = (1 + b * pi**4 / 5) ** 2 / 2, a**2 / 8, b**2 * pi**8 * (1 / 18 - 1 / 50)
    variance = one + two + three
    found = sobol_indices(ishigami(2 * pi * unit_points("saltelli", 2**14, 3, 1) - pi), 3)
    np.testing.assert_allclose(found["first_order"], np.array([one, two, 0.0]) / variance, atol=0.002)
    np.testing.assert_allclose(found["total"], np.array([one + three, two, three]) / variance, atol=0.002)
    for name, index in (("first_order", [one, two, 0.0]), ("total", [one + three, two, three])):
        half = found[f"{name}_ci95"]
        assert (half > 0).all() and (half < 0.03).all()
        assert (np.abs(found[name] - np.array(index) / variance) < half).all()


def test_the_indices_of_a_sum_are_the_shares_of_its_variance():
    outputs = unit_points("saltelli", 1024, 3, 2) @ [1.0, 2.0, 3.0]
    for name in ("first_order", "total"):
        np.testing.assert_allclose(sobol_indices(outputs, 3)[name], np.array([1, 4, 9]) / 14, atol=0.01)


@pytest.mark.parametrize("outputs", [np.full(40, 3.0), np.r_[np.nan, np.arange(39.0)], np.r_[np.inf, np.arange(39.0)]])
def test_without_variance_or_with_a_gap_there_are_no_indices(outputs):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert all(np.isnan(index).all() and index.shape == (3,) for index in sobol_indices(outputs, 3).values())


def test_the_confidence_is_the_same_every_time():
    outputs = ishigami(unit_points("saltelli", 32, 3, 1))
    first, second = sobol_indices(outputs, 3), sobol_indices(outputs, 3)
    assert all(first[name].tobytes() == second[name].tobytes() for name in first)


EXPERIMENT = {
    "model": "hodgkin_huxley_1952",
    "stimulus": {"kind": "step", "amplitude": {"values": [12, 0, 20]}},
    "parameters": {"sodium.g": {"uniform": [90, 150]}, "leak.g": {"uniform": [0.1, 0.5]}},
    "sample": {"kind": "saltelli", "n": 16, "seed": 1},
    "initial_state": "model",
    "duration": 60,
    "solver": {"method": "tsit5", "local_error": 1e-6},
}


def made(folder, **changes):
    """The tables of an experiment, and the experiment."""
    e = read_experiments({"experiments": {"e": EXPERIMENT | changes}})["e"]
    (folder / "shards").mkdir(parents=True)
    shard, numerics = folder / "shards/all.parquet", folder / "numerics.parquet"
    write_numerics(e, calibrate(e, progress=lambda *_: None), numerics)
    update_shard(e, "all", shard, progress=lambda *_: None)
    write_tables(e, [shard], numerics, folder)
    if Sobol.applies(e):
        Sobol(e).write(folder, provenance(e, numerics))
    return e


def draw_all(e, folder):
    """The figures of all analyses."""
    draw(e, [analysis.name for analysis in analyses(e)], folder)


@pytest.fixture(scope="module")
def curves(tmp_path_factory):
    folder = tmp_path_factory.mktemp("curves")
    return folder, made(folder)


def by_hand(outputs):
    """First-order and total indices of two quantities as Saltelli et al. (2010) write them, table 2 (b) and (f)."""
    a, *mixed, b = outputs.reshape(16, 4).T
    variance = np.var(np.r_[a, b])
    a, b, *mixed = (x - outputs.mean() for x in (a, b, *mixed))
    first = [np.mean(b * (one - a)) / variance for one in mixed]
    return first, [np.mean((a - one) ** 2) / 2 / variance for one in mixed]


def test_the_table_has_the_indices_of_every_feature_at_every_amplitude(curves):
    folder, _ = curves
    features, table = pd.read_parquet(folder / "features.parquet"), pd.read_parquet(folder / "sobol_indices.parquet")
    assert features.status.eq("ok").all()
    for amplitude in (12, 20):
        at = features[features.amplitude_uA_cm2 == amplitude]
        for name in ("peak_mV", "first_spike_ms", "spike_count_rate_Hz"):
            first, total = by_hand(at[name].to_numpy())  # leak.g comes before sodium.g in the design
            rows = table[(table.amplitude_uA_cm2 == amplitude) & (table.feature == name)].set_index("parameter")
            np.testing.assert_allclose(rows.loc[["leak.g", "sodium.g"], "first_order"], first, rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose(rows.loc[["leak.g", "sodium.g"], "total"], total, rtol=1e-9, atol=1e-12)
            assert rows.points.tolist() == [64, 64] and rows.undefined.tolist() == [0, 0]
    assert table.parameter[:2].tolist() == ["sodium.g", "leak.g"]


def test_features_of_whole_curves_have_no_amplitude(curves):
    folder, _ = curves
    summary, table = pd.read_parquet(folder / "fi_summary.parquet"), pd.read_parquet(folder / "sobol_indices.parquet")
    assert len(summary) == 64
    whole = table[table.amplitude_uA_cm2.isna()].set_index(["feature", "parameter"])
    assert set(whole.index.levels[0]) > {"rheobase_uA_cm2", "max_rate_Hz", "onset_amplitude_uA_cm2"}
    assert not {"curve", "failed_neurons", "sodium_g_mS_cm2"} & set(table.feature)
    first, total = by_hand(summary.max_rate_Hz.to_numpy())
    np.testing.assert_allclose(whole.loc["max_rate_Hz"].loc[["leak.g", "sodium.g"], "total"], total, rtol=1e-9)


def test_a_feature_that_neurons_lack_has_no_indices_and_says_how_many(curves):
    folder, _ = curves
    features, table = pd.read_parquet(folder / "features.parquet"), pd.read_parquet(folder / "sobol_indices.parquet")
    silent = table[(table.amplitude_uA_cm2 == 0) & (table.feature == "first_spike_ms")]
    lacking = features[features.amplitude_uA_cm2 == 0].first_spike_ms.isna().sum()
    assert 0 < lacking == silent.undefined.iloc[0] == silent.undefined.iloc[1]
    assert silent[["first_order", "first_order_ci95", "total", "total_ci95", "variance"]].isna().all(axis=None)
    assert set(silent.no_indices) == {f"{lacking} of 64 points lack it"}


@pytest.mark.parametrize("window", [(100, 500), (0, 100)])
def test_rounding_noise_has_no_indices(tmp_path, window):
    """A squid axon that has settled fires like a clock: how its intervals differ is the solver's error."""
    scales = {"sodium.g": {"scale": {"uniform": [0.9, 1.1]}}, "leak.g": {"scale": {"uniform": [0.9, 1.1]}}}
    stimulus = {"kind": "step", "amplitude": 20}
    made(tmp_path, stimulus=stimulus, parameters=scales, initial_state="rest", duration=500, analysis_window=window)
    table = pd.read_parquet(tmp_path / "sobol_indices.parquet").drop_duplicates("feature").set_index("feature")
    settled, irregular = window[0] > 0, ["cv_isi", "adaptation_index"] if window[0] > 0 else ["cv_isi"]
    for name in irregular:
        row = table.loc[name]
        assert (row.variance < 1e-12) == (row.no_indices == NOISE) == np.isnan(row.total) == settled, name
    judged = table.loc[["first_spike_ms", "mean_isi_ms", "peak_mV", "trough_mV"]]
    assert judged.no_indices.isna().all() and judged.total.notna().all() and (judged.error > 0).all()
    assert "last_spike_ms" not in table.index


def test_errors_of_features_are_those_that_shifted_spikes_make():
    """The largest of many shifts by up to the error comes close to the bound, and does not exceed it."""
    random, error = np.random.default_rng(1), 1e-4
    train = np.cumsum(random.uniform(5, 15, 5))
    shifted = train + error * random.choice([-1.0, 1.0], (500, 5))

    def of(times):
        intervals = np.diff(times)
        before, after = intervals[:-1], intervals[1:]
        return {
            "first_spike_ms": times[0],
            "mean_isi_ms": intervals.mean(),
            "firing_rate_Hz": 1000 / intervals.mean(),
            "cv_isi": intervals.std() / intervals.mean(),
            "adaptation_index": np.mean((after - before) / (after + before)),
        }

    plain, moved = of(train), [of(times) for times in shifted]
    for name, value in plain.items():
        unit = next((u for u in ("ms", "Hz") if name.endswith(f"_{u}")), "1")
        bound = Errors(error, {}).of(name, unit, np.array([value]), np.array([plain["mean_isi_ms"]]))[0]
        largest = max(abs(other[name] - value) for other in moved)
        assert 0.15 * bound < largest < 1.001 * bound, name
    heights = Errors(error, {"peak_mV": 65e-6, "trough_mV": 1e-6, "max_upstroke_V_s": 0.03, "apd90_ms": 0.002})
    values, nothing = np.array([40.0, 300.0]), np.full(2, np.nan)
    assert heights.of("peak_mV", "mV", values, nothing) == pytest.approx([65e-6, 65e-6])
    assert heights.of("max_upstroke_V_s", "V/s", values, nothing).tolist() == [0.03, 0.03]
    assert heights.of("apd90_ms", "ms", values, nothing).tolist() == [0.002, 0.002]
    assert heights.of("resting_potential_mV", "mV", values, nothing).tolist() == [65e-6, 65e-6]
    assert np.isnan(Errors(error, {}).of("peak_mV", "mV", values, nothing)).all()
    assert heights.of("spike_count_rate_Hz", "Hz", values, nothing).tolist() == [0, 0]
    assert np.isnan(heights.of("charge_nC", "nC", values, nothing)).all(), "nothing is known of it"


def test_the_table_carries_certificate_units_and_definitions(curves):
    schema = pq.read_schema(curves[0] / "sobol_indices.parquet")
    assert all(field.metadata[b"unit"] and field.metadata[b"definition"] for field in schema)
    assert schema.metadata[b"hhcore.reference_runs"] and schema.metadata[b"hhcore.version_salib"]


def test_every_figure_of_a_sample_is_drawn(curves, tmp_path):
    folder, e = curves
    draw_all(e, folder)
    drawn = {path.stem for path in (folder / "figures").glob("*.svg")}
    assert drawn == {"sample_scatter", "work_precision", "accuracy_map", "fi_curves", "sobol_indices"}


QUANTITIES = [Variable(f"channel_{c}", f"channel.{c}", "mS/cm^2", f"Conductance {c}", np.arange(3.0)) for c in "abcdef"]


def indices_table(features=("firing_rate_Hz", "peak_mV"), quantities=QUANTITIES, axis=()):
    names = [q.name for q in quantities]
    rows = [
        (*at, feature, name, 0.01 * i + 0.1 * j, 0.05, 0.02 * i + 0.1 * j, 0.1, 1.0, 1e-6, 64, 0, None)
        for at in ([(value,) for value in axis] or [()])
        for j, feature in enumerate(features)
        for i, name in enumerate(names)
    ]
    return pd.DataFrame(rows, columns=[*(["amplitude_uA_cm2"] if axis else []), *DEFINITIONS])


def sampled_context(quantities=QUANTITIES, **options):
    headline = Variable("firing_rate_Hz", "Firing rate", "Hz")
    return FigureContext("title", STIMULUS, POTENTIAL, sampled=tuple(quantities), headline=headline, **options)


def test_bars_are_the_indices_and_their_intervals():
    figure = figures.sobol_indices(indices_table(), sampled_context())
    assert [a.get_title() for a in figure.axes] == ["firing_rate_Hz", "peak_mV"]
    first, total = (bars for bars in figure.axes[1].containers if isinstance(bars, BarContainer))
    whiskers = figure.axes[1].collections
    assert [bar.get_width() for bar in first] == pytest.approx([0.1, 0.11, 0.12, 0.13, 0.14, 0.15])
    assert [bar.get_width() for bar in total] == pytest.approx([0.1, 0.12, 0.14, 0.16, 0.18, 0.2])
    assert whiskers[0].get_segments()[0][:, 0] == pytest.approx([0.05, 0.15])
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == [f"{q.description} {q.name}" for q in QUANTITIES]
    check_layout(figure)


def test_what_leaves_the_scale_of_indices_has_an_arrow():
    """The total index of the first quantity is 1.4, and the interval of the first order of the last reaches -0.4."""
    table = indices_table(("peak_mV",))
    table.loc[table.parameter == QUANTITIES[0].name, "total"] = 1.4
    table.loc[table.parameter == QUANTITIES[-1].name, ["first_order", "first_order_ci95"]] = 0.0, 0.4
    figure = figures.sobol_indices(table, sampled_context(), {"peak_mV": "Peak (mV)"})
    (panel,), last = figure.axes, len(QUANTITIES) - 1
    arrows = {
        line.get_marker(): np.transpose(line.get_data()).tolist() for line in panel.lines if line.get_marker() in "<>"
    }
    assert arrows == {"<": [[-0.25, last - 0.2]], ">": [[1.25, 0.2]]}
    assert panel.get_title() == "Peak" and "goes on outside" in [t.get_text() for t in figure.legends[0].get_texts()]
    check_layout(figure)


def test_the_figure_says_what_it_leaves_out():
    many = [replace(QUANTITIES[0], name=f"c.{i}", column=f"c_{i}") for i in range(20)]
    table = indices_table(("a", "b", "c"), many, axis=(0.0, 5.0, np.nan))
    amplitude = Variable("amplitude_uA_cm2", "amplitude", "uA/cm^2", "Stimulus", np.array([0.0, 5.0]))
    lacking = table.assign(no_indices=table.feature.map({"b": "3 of 64 points lack it", "c": CONSTANT}))
    lacking.loc[table.feature != "a", ["first_order", "total"]] = np.nan
    figure = figures.sobol_indices(lacking, sampled_context(many, axes=(amplitude,), along="amplitude_uA_cm2"))
    heading = " ".join(figure._suptitle.get_text().split())
    assert "features of single neurons at amplitude = 5" in heading and "the 12 of 20 quantities" in heading
    assert "no indices: b (3 of 64 points lack it); c (the same everywhere)" in heading
    assert [a.get_title() for a in figure.axes] == ["a"]
    check_layout(figure)
    none = figures.sobol_indices(lacking[lacking.feature == "b"], sampled_context(many))
    assert "No feature has Sobol indices." in none.axes[0].texts[0].get_text()


def test_the_curves_of_a_sample_have_the_median_of_all_neurons():
    rates = np.random.default_rng(1).uniform(0, 100, (101, 3))
    rates[7, 1] = np.nan
    x = Variable("amplitude_uA_cm2", "amplitude", "uA/cm^2", "Stimulus", np.array([0.0, 5.0, 10.0]))
    columns = {"curve": np.repeat(np.arange(101), 3), x.column: np.tile(x.values, 101), "steady_rate_Hz": rates.ravel()}
    figure = sampled_curves(pd.DataFrame(columns), sampled_context(axes=(x,), along=x.column))
    *single, median = (line for line in figure.axes[0].lines if line.get_marker() != ".")
    assert len(single) == 40 and median.get_ydata() == pytest.approx(np.nanmedian(rates, axis=0))
    assert single[3].get_ydata().tolist() == rates[3].tolist()
    check_layout(figure)


def test_the_scatter_has_every_neuron_against_every_quantity():
    points = np.random.default_rng(1).uniform(0, 1, (50, 6))
    table = pd.DataFrame(points, columns=[q.column for q in QUANTITIES]).assign(firing_rate_Hz=np.arange(50.0))
    table.loc[4, "firing_rate_Hz"] = np.nan
    figure = figures.sample_scatter(table, sampled_context())
    assert len(figure.axes) == 6
    for i, panel in enumerate(figure.axes):
        drawn = panel.collections[0].get_offsets()
        assert np.ma.getdata(drawn)[:, 0].tolist() == points[:, i].tolist()
        assert panel.lines[0].get_xdata().tolist() == [points[4, i]]
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["no value (1)"]
    check_layout(figure)


def test_failed_neurons_leave_gaps_and_no_crash(tmp_path):
    # A conductance far below 0 makes the potential run away: for about half of the points.
    parameters = {"leak.g": {"uniform": [-1000, 1000]}, "sodium.g": {"uniform": [100, 140]}}
    sample = {"kind": "saltelli", "n": 4, "seed": 1}
    e = made(tmp_path, parameters=parameters, stimulus={"kind": "step", "amplitude": 10}, sample=sample, duration=10)
    features, table = (pd.read_parquet(tmp_path / f"{name}.parquet") for name in ("features", "sobol_indices"))
    failed = features.status.isin(["diverged", "stalled"]).sum()
    assert 4 < failed < 16 and (table.undefined >= failed).all() and table.total.isna().all()
    assert not (tmp_path / "fi_curves.parquet").exists()
    draw_all(e, tmp_path)


def test_pulse_trains_have_indices_of_their_action_potentials(tmp_path):
    pulses = {"kind": "pulse_train", "amplitude": 25, "width": 1, "period": {"uniform": [15, 25]}}
    sample = {"kind": "saltelli", "n": 16, "seed": 1}
    e = made(tmp_path, stimulus=pulses, parameters={"sodium.g": {"uniform": [110, 130]}}, sample=sample)
    table = pd.read_parquet(tmp_path / "sobol_indices.parquet")
    assert table.columns[0] == "feature" and {"apd90_ms", "max_upstroke_V_s"} <= set(table.feature)
    first, total = by_hand(pd.read_parquet(tmp_path / "features.parquet").peak_mV.to_numpy())
    peak = table[table.feature == "peak_mV"].set_index("parameter")
    np.testing.assert_allclose(peak.loc[["period", "sodium.g"], "total"], total, rtol=1e-9, atol=1e-12)
    draw_all(e, tmp_path)


def test_zipped_axes_are_held_at_their_middle_point(tmp_path):
    stimulus = {"kind": "step", "amplitude": {"values": [20, 10, 15]}, "stop": {"values": [60, 50, 40]}}
    e = made(tmp_path, stimulus=stimulus, combine="zip")
    table, features = (pd.read_parquet(tmp_path / f"{name}.parquet") for name in ("sobol_indices", "features"))
    at = features[(features.amplitude_uA_cm2 == 10) & (features.stop_ms == 50)]
    first, _ = by_hand(at.peak_mV.to_numpy())
    peak = table[(table.feature == "peak_mV") & (table.amplitude_uA_cm2 == 10)].set_index("parameter")
    assert peak.stop_ms.tolist() == [50, 50]
    np.testing.assert_allclose(peak.loc[["leak.g", "sodium.g"], "first_order"], first, rtol=1e-9, atol=1e-12)
    context = figure_context(e)
    panel = figures.sample_scatter(features, context).axes[0]
    drawn = np.ma.getdata(panel.collections[0].get_offsets())
    np.testing.assert_array_equal(drawn, at[["sodium_g_mS_cm2", "firing_rate_Hz"]].to_numpy())
    shown = {a.get_title(): a for a in figures.sobol_indices(table, context).axes}
    bars = next(c for c in shown["peak_mV"].containers if isinstance(c, BarContainer))
    assert [bar.get_width() for bar in bars] == pytest.approx(first[::-1])


def test_a_sample_without_an_axis_has_no_curves(tmp_path):
    e = made(
        tmp_path,
        stimulus={"kind": "step", "amplitude": {"uniform": [0, 20]}},
        sample={"kind": "latin_hypercube", "n": 12, "seed": 1},
    )
    assert {path.stem for path in tmp_path.glob("*.parquet")} == {"features", "spikes", "failures", "numerics"}
    features = pd.read_parquet(tmp_path / "features.parquet")
    u = qmc.LatinHypercube(3, rng=1).random(12)
    np.testing.assert_allclose(features.amplitude_uA_cm2, 20 * u[:, 0], rtol=1e-14)
    draw_all(e, tmp_path)
    assert "latin_hypercube, n = 12, seed 1" in (tmp_path / "summary.html").read_text()
    assert "uniform from 0.1 to 0.5 mS/cm²" in (tmp_path / "summary.html").read_text()


def test_a_missing_extra_is_named_before_anything_runs(monkeypatch):
    monkeypatch.setitem(sys.modules, "SALib", None)
    says = r"^experiments.e: the analysis 'sobol' needs SALib, which is missing; pip install 'hhcore\[sensitivity\]'$"
    with pytest.raises(UserError, match=says):
        read_experiments({"experiments": {"e": EXPERIMENT}})
    plain = {"kind": "latin_hypercube", "n": 4, "seed": 1}
    assert read_experiments({"experiments": {"e": {**EXPERIMENT, "sample": plain}}})
