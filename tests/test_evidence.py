"""Where the evidence is shown: the figures of accuracy, the page of an experiment, the tables a row block at a time."""

import re
from dataclasses import replace
from html import unescape

import numpy as np
import pandas as pd
import pytest
from test_figures import AMPLITUDES, amplitude, axis, bars, check_layout, grid, heading, legend_words, panels
from test_figures import context as of_axes

from hhcore.certify.calibration import calibrate
from hhcore.certify.certificate import write_numerics
from hhcore.config.reader import read_experiments
from hhcore.figures.context import FigureContext, Variable
from hhcore.figures.style import BLACK, CATEGORIES, VERMILLION
from hhcore.protocols.certification.figures import accuracy_map, work_precision
from hhcore.results.summary import Totals, summary
from hhcore.results.write import write_tables
from hhcore.schemes.solver import Solver
from hhcore.simulation.result import Result
from hhcore.sweep.store import update_shard

NAN = np.nan
SILENT = "No neuron of the sample fires: no spike times to judge solvers by."
SOLVERS = [  # method, accuracy, chosen, operations, errors of three neurons, whether each failed
    ("tsit5", 1e-4, False, 100.0, (3.0, 20.0, NAN), (False, False, False)),
    ("tsit5", 1e-6, True, 300.0, (0.5, 0.2, NAN), (False, False, False)),
    ("tsit5", 1e-5, False, 200.0, (5.0, 1.0, NAN), (False, False, False)),
    ("dop853", 1e-5, False, 250.0, (4.0, 6.0, NAN), (False, False, False)),
    ("dop853", 1e-9, False, 900.0, (0.0, 0.0, NAN), (False, False, False)),
    ("dop853", 1e-3, False, 80.0, (1.0, 1.0, NAN), (False, True, False)),
]


def tried() -> pd.DataFrame:
    rows = [
        (method, accuracy, chosen, work, neuron, error, lost)
        for method, accuracy, chosen, work, errors, failed in SOLVERS
        for neuron, error, lost in zip((3, 8, 9), errors, failed, strict=True)
    ]
    columns = ["method", "accuracy", "chosen", "operations_per_ms", "neuron", "spike_time_error_us", "failed"]
    return pd.DataFrame(rows, columns=columns).assign(uncertain=False)


def context(*axes, **options) -> FigureContext:
    """With the words of current clamp."""
    error = Variable("spike_time_error_us", "Spike-time error", "us")
    words = {"missing": "does not fire", "nothing": SILENT, "outcome": "spike count"}
    return of_axes(*axes, error=error, **words, **options)


def drawn(line) -> list[tuple[float, float]]:
    return [tuple(map(float, xy)) for xy in line.get_xydata()]


def by_label(figure) -> dict[str, object]:
    (axes,) = panels(figure)
    return {line.get_label(): line for line in axes.lines}


# --- work against precision


def test_work_precision_draws_the_error_of_each_solver_that_kept_all_neurons():
    figure = work_precision(tried(), context(amplitude(), tolerance=1.0))
    lines = by_label(figure)
    assert list(lines) == ["tsit5", "dop853", "chosen", "tolerance"] == legend_words(figure)
    assert drawn(lines["tsit5"]) == [(0.5, 300.0), (5.0, 200.0), (20.0, 100.0)]  # by accuracy
    assert drawn(lines["dop853"]) == [(1e-9, 900.0), (6.0, 250.0)]  # no error is drawn at the least one; one failed
    assert drawn(lines["chosen"]) == [(0.5, 300.0)] and lines["chosen"].get_color() == BLACK
    assert set(lines["tolerance"].get_xdata()) == {1.0}
    assert [lines[name].get_color() for name in ("tsit5", "dop853")] == list(CATEGORIES[:2])
    (axes,) = panels(figure)
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert axes.get_xlabel() == "Spike-time error (µs), 99 % quantile"
    assert axes.get_ylabel() == "Operations per neuron and ms"
    assert heading(figure) == "title sample of 3 neurons errors of 0 are drawn at 10⁻⁹"
    check_layout(work_precision(tried().replace(0.0, 0.01), context(amplitude(), tolerance=1.0)))
    irregular = tried().assign(uncertain=lambda table: table["neuron"] == 8)  # the second of the three
    lines = by_label(work_precision(irregular, context(amplitude())))
    assert drawn(lines["tsit5"]) == [(0.5, 300.0), (5.0, 200.0), (3.0, 100.0)]


def test_work_precision_without_tolerance_or_spikes():
    assert "tolerance" not in by_label(work_precision(tried(), context(amplitude())))
    silent = work_precision(tried().assign(spike_time_error_us=NAN), context(amplitude(), tolerance=1.0))
    assert written(silent) == SILENT


def test_errors_of_0_are_no_points():
    exact = tried().query("method == 'tsit5'").assign(spike_time_error_us=0.0)
    words = written(work_precision(exact, context(amplitude(), tolerance=1.0)))
    assert (
        words.startswith("With every solver, all errors are 0 (sample of 3 neurons).")
        and "tsit5 at 1e-06: 300, chosen" in words
    )
    shown = [amplitude(), axis("a", A)]
    table = features(POINTS, shown).assign(spike_time_error_us=0.0).assign(fragile=pd.array([False] * 10, "boolean"))
    assert written(accuracy_map(table, context(*shown, neurons=10))).endswith("Spike-time error: all are 0.")
    table.loc[0, "spike_time_error_us"] = 0.5
    assert "errors of 0 are drawn at 10⁻⁹" in heading(accuracy_map(table, context(*shown, neurons=10)))


def written(figure) -> str:
    """The words of a figure that draws nothing."""
    (axes,) = figure.axes
    (text,) = axes.texts
    assert not axes.lines and not axes.collections
    return " ".join(text.get_text().split())


# --- the error over the grid

A = np.array([1.0, 2.0])
POINTS = [(x, a) for a in A for x in AMPLITUDES]  # amplitude varies fastest
ERROR = {1: 0.4, 2: 0.02, 4: 7.0, 8: 3.0}  # by row of the grid; 0, 3 and 9 do not fire, the others were not tested
FRAGILE = {**dict.fromkeys((0, 1, 2, 3, 9), False), 4: True, 8: True}


def features(points, axes) -> pd.DataFrame:
    table = pd.DataFrame(points, columns=[a.column for a in axes])
    error = [ERROR.get(i, NAN) for i in table.index]
    fragile = pd.array([FRAGILE.get(i) for i in table.index], dtype="boolean")
    return table.assign(spike_time_error_us=error, fragile=fragile)


def marks(axes) -> dict[str, set]:
    """Points that are drawn one by one: rings of fragile neurons, dots of those that do not fire."""
    return {{"o": "rings", ".": "dots"}[line.get_marker()]: set(drawn(line)) for line in axes.lines}


def test_accuracy_map_colours_each_tested_neuron_by_its_error():
    shown = [amplitude(), axis("a", A)]
    figure = accuracy_map(features(POINTS, shown), context(*shown, neurons=10))
    (axes,), (bar,) = panels(figure), bars(figure)
    (points,) = axes.collections
    place = {tuple(map(float, xy)): float(e) for xy, e in zip(points.get_offsets(), points.get_array(), strict=True)}
    assert place == {POINTS[row]: error for row, error in ERROR.items()}
    assert list(points.get_array()) == sorted(ERROR.values())  # the largest on top
    assert (points.norm.vmin, points.norm.vmax) == (0.02, 7.0) and bar.get_ylim() == pytest.approx((0.02, 7.0))
    assert marks(axes) == {"rings": {POINTS[4], POINTS[8]}, "dots": {POINTS[0], POINTS[3], POINTS[9]}}
    (rings,) = [line for line in axes.lines if line.get_marker() == "o"]
    assert rings.get_color() == VERMILLION
    assert bar.get_ylabel() == "Spike-time error (µs)"
    assert axes.get_xlabel() == shown[0].label and axes.get_ylabel() == shown[1].label
    assert legend_words(figure) == ["fragile spike count (2)", "does not fire"]
    assert heading(figure) == "title 7 of 10 neurons were tested"
    check_layout(figure)


def test_accuracy_map_has_the_worst_of_neurons_at_one_place_on_top():
    """Three neurons at each place, which differ in b: a silent one, a poor one, a good one."""
    shown = [amplitude([1, 2]), axis("a", [1, 2]), axis("b", [1, 2, 3])]
    table = grid(shown).assign(fragile=False, spike_time_error_us=[NAN, 5.0, 0.1] * 4)
    figure = accuracy_map(table, context(*shown, neurons=12))
    (axes,) = panels(figure)
    (points,), (dots, _) = axes.collections, axes.lines
    assert list(points.get_array()) == [0.1] * 4 + [5.0] * 4 and dots.get_zorder() < points.get_zorder()
    assert "of those that differ in channel.b alone, the worst is on top" in heading(figure)
    design = context(amplitude([1, 2]), sampled=tuple(shown[1:]), neurons=12)
    assert "differ in amplitude alone" in heading(accuracy_map(table, design.scattered))


def test_accuracy_map_of_one_axis_is_the_error_against_it():
    shown = [amplitude()]
    figure = accuracy_map(features([(x,) for x in AMPLITUDES], shown), context(*shown, neurons=5))
    (axes,) = panels(figure)
    (points,) = axes.collections
    assert {tuple(map(float, xy)) for xy in points.get_offsets()} == {(2.0, 0.4), (4.0, 0.02), (8.0, 7.0)}
    assert marks(axes)["rings"] == {(8.0, 7.0)} and {x for x, _ in marks(axes)["dots"]} == {0.0, 6.0}
    assert axes.get_yscale() == "log" and axes.get_ylabel() == "Spike-time error (µs)"
    check_layout(figure)


@pytest.mark.parametrize(("row", "words"), [(4, "7 µs"), (0, "none, it does not fire")])
def test_accuracy_map_of_one_neuron_is_written(row, words):
    one = features(POINTS, [amplitude(), axis("a", A)]).iloc[[row]]
    assert written(accuracy_map(one, context(neurons=1))) == f"Estimated spike-time error: {words}"


# --- the page


def experiment(**changes):
    config = {
        "model": "hodgkin_huxley_1952",
        "stimulus": {"kind": "step", "amplitude": {"linspace": [0, 40, 21]}},
        "parameters": {"sodium.g": {"linspace": [110, 130, 15]}},
        "initial_state": "rest",
        "duration": 40,
        "solver": {"method": "rk4", "dt": 0.05},
    }
    return read_experiments({"experiments": {"e": config | changes}})["e"]


def part(errors_us, fragile) -> Result:
    """What the page counts of neurons that are simulated in ms; NaN: not tested."""
    status = np.zeros(len(errors_us), dtype=np.int8)
    return Result(
        {"status": status, "error": np.array(errors_us) / 1000, "fragile": np.array(fragile)}, (0, 40), 1.0, mV=1.0
    )


MADE = {
    "tolerance_us": "3",
    "reference": "dop853",
    "reference_runs": "5",
    "reference_checked_by_scipy": "neuron 7",
    "reference_agreement_us": "1e-07",
    "peak_error_worst_mV": "0.02",
    "trough_error_worst_mV": "none",
    "uncertain_in_sample": "3, 17",
}


def accuracy_rows(e) -> dict[str, str]:
    """The section on accuracy of two row blocks of a grid."""
    totals = Totals()
    totals.add(part([0.25, NAN, NAN, 4.0], [0, 0, NAN, 1]), e, {})
    totals.add(part([NAN, 0.5, 0.75], [NAN, 1, 1]), e, {})
    section = summary(e, totals, [], MADE).split("<h2>Accuracy</h2>")[1].split("<h2>")[0]
    return dict(re.findall(r"<th>(.*?)</th><td>(.*?)</td>", unescape(section)))


def test_the_page_says_what_was_tested_and_what_is_fragile():
    found = accuracy_rows(experiment())
    assert found["Tested"] == "a sample of 5 neurons; no tolerance was given"
    assert found["Spike-time error"] == "worst 4 µs, 99 % at most 4 µs, median 0.625 µs"
    assert found["Error of peak"] == "worst 0.02 mV in the sample" and found["Error of trough"] == "none"
    assert found["Cannot be certified"].startswith("2 of the sample (row 3, 17): two references differ")
    assert found["Fragile"] == "3 of 5 tested have a spike count that depends on the solver's accuracy"
    assert found["Reference"] == "dop853, for 5 neurons of a sample"
    assert found["Checked by SciPy"] == "neuron 7: the reference agrees within 1e-07 µs"
    all_of_them = experiment(solver={"tolerance": "3 us", "certify": "all"})
    chosen = replace(all_of_them, solver=Solver("tsit5", 1e-6))
    assert accuracy_rows(chosen)["Tested"] == (
        "every neuron; at most 3 µs in 99 % of the sample that chose the solver was asked for"
    )


def test_the_page_counts_a_single_neuron():
    totals = Totals()
    totals.add(part([4.0], [1]), experiment(), {})
    page = unescape(summary(experiment(), totals, [], MADE | {"reference_runs": "1"}))
    assert "a sample of 1 neuron;" in page and "for 1 neuron of a sample" in page
    assert "1 of 1 tested has a spike count" in page and "1 neurons" not in page


# --- the tables


def test_errors_of_the_sample_find_their_neurons_in_every_row_block(tmp_path, monkeypatch):
    monkeypatch.setattr("hhcore.sweep.gather.NEURONS", 1)  # a row block holds whole F-I curves: 21 neurons
    e = experiment()
    numerics, shard = tmp_path / "numerics.parquet", tmp_path / "shards" / "all.parquet"
    write_numerics(e, calibrate(e, progress=lambda *_: None), numerics)
    update_shard(e, "all", shard, progress=lambda *_: None)
    write_tables(e, [shard], numerics, tmp_path)
    sample = pd.read_parquet(numerics).query("chosen").set_index("neuron")
    found = pd.read_parquet(tmp_path / "features.parquet")
    assert set(found.index[found.fragile.notna()]) == set(sample.index)
    assert len({row // 21 for row in sample.index}) > 10 and 50 < len(sample) < len(found) == 315
    of_sample = found.loc[sample.index]
    assert of_sample.spike_time_error_us.tolist() == pytest.approx(sample.spike_time_error_us.tolist(), nan_ok=True)
    assert of_sample.fragile.astype(bool).tolist() == sample.fragile.tolist()
    page = (tmp_path / "summary.html").read_text()
    assert f"a sample of {len(sample)} neurons" in page and f"{sample.fragile.sum()} of {len(sample)} tested" in page
