"""Figures: what is drawn is what the tables hold; nothing crashes, overlaps or changes from run to run."""

import itertools
import os
import subprocess
import sys
import warnings
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import matplotlib
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from matplotlib.collections import QuadMesh
from matplotlib.colors import BoundaryNorm
from matplotlib.image import imread

from hhcore.base.units import pretty_unit
from hhcore.config.reader import read_experiments
from hhcore.figures import style
from hhcore.figures.context import FigureContext, Variable, balanced, column_label, figure_context, texts
from hhcore.figures.save import save
from hhcore.figures.style import CATEGORIES, edges, level_colours, look
from hhcore.protocols.fi.figures import fi_curves, oscillation_range, rheobase_map, sampled_curves, spike_count_map
from hhcore.protocols.pacing.figures import apd_map, longest, restitution
from hhcore.protocols.traces.figures import last_beat, trace_panel

STIMULUS = Variable("stimulus_uA_cm2", "stimulus.amplitude", "uA/cm^2")
POTENTIAL = Variable("membrane_V_mV", "membrane.V", "mV", "Membrane potential")
GATES = tuple(Variable(f"{c}_{g}", f"{c}.{g}", "1") for c, g in (("sodium", "m"), ("sodium", "h"), ("potassium", "n")))
CURRENTS = tuple(Variable(f"{c}_i_uA_cm2", f"{c}.i", "uA/cm^2") for c in ("sodium", "potassium", "leak"))
AMPLITUDES = np.array([0.0, 2.0, 4.0, 6.0, 8.0])
NAMES = "abcdefgh"
ROOMS = ("certification", "fi", "pacing", "restitution", "sensitivity", "shapes", "traces")  # those that draw


def amplitude(values=AMPLITUDES):
    return Variable("amplitude_uA_cm2", "amplitude", "uA/cm^2", "Stimulus", np.asarray(values, dtype=float))


def axis(letter, values):
    values = np.asarray(values, dtype=float)
    return Variable(f"channel_{letter}_mS_cm2", f"channel.{letter}", "mS/cm^2", f"Conductance {letter}, eq. 1", values)


def context(*axes, **options):
    swept = "amplitude_uA_cm2" if any(a.name == "amplitude" for a in axes) else None
    return FigureContext(
        options.pop("title", "title"), STIMULUS, POTENTIAL, GATES, CURRENTS, axes, **{"along": swept, **options}
    )


def grid(axes, combine="product"):
    values = [a.values for a in axes]
    rows = list(zip(*values, strict=True)) if combine == "zip" else list(itertools.product(*values))
    return pd.DataFrame(rows, columns=[a.column for a in axes], index=range(len(rows)), dtype=float)


def value(row):
    """A different number for every neuron: the sum of its values, the k-th axis weighted by 10^k."""
    return sum(x * 10.0**k for k, x in enumerate(row))


def tables(axes, combine="product"):
    """features, fi_curves, fi_summary"""
    points = grid(axes, combine)
    sums = np.array([value(row) for row in points.to_numpy()])
    features = points.assign(
        spike_count=sums.round().astype(int),
        firing_rate_Hz=sums,
        spike_count_rate_Hz=sums,
        peak_mV=sums,
        trough_mV=-sums,
        turning_points=0,
        apd50_ms=sums / 2,
        apd90_ms=sums,
        diastolic_interval_ms=sums + 7,
        last_beat=2,
        status="ok",
    )
    curves = points.assign(steady_rate_Hz=sums, first_interval_rate_Hz=sums / 2, curve=0)
    others = [a for a in axes if a.name != "amplitude"]
    summary = grid(others, combine) if others else pd.DataFrame(index=[0])
    rheobase = np.array([value(row) for row in summary.to_numpy()])
    onsets = {"rheobase_uA_cm2": rheobase, "onset_amplitude_uA_cm2": rheobase + 1}
    return features, curves, summary.assign(curve=0, **onsets, failed_neurons=0)


def paced(features):
    """beats: three of each neuron, the last of them that of features"""
    columns = features[["apd50_ms", "apd90_ms", "diastolic_interval_ms"]]
    parts = [columns.assign(neuron=features.index, beat=i) for i in range(3)]
    parts[0]["diastolic_interval_ms"] = np.nan
    parts[1]["apd90_ms"] += 1
    return pd.concat(parts).sort_values(["neuron", "beat"], ignore_index=True)


def draw_all(axes, change=lambda table: table, **options):
    features, curves, summary = (change(table) for table in tables(axes, options.get("combine", "product")))
    shared = context(*axes, **options)
    return [
        restitution(features, paced(features), shared),
        apd_map(features, shared),
        fi_curves(curves, shared),
        spike_count_map(features, shared),
        rheobase_map(summary, shared),
        oscillation_range(features, shared),
    ]


def traces(count=1, duration=50.0, rate=0.08, status="ok"):
    time = np.arange(0, duration, 0.1)
    one = pd.DataFrame({"time_ms": time, "membrane_V_mV": 60 * np.sin(2 * np.pi * rate * time) - 20})
    one = one.assign(**{g.column: 0.5 + 0.1 * i for i, g in enumerate(GATES)})
    one = one.assign(**{c.column: 10.0 * (i + 1) for i, c in enumerate(CURRENTS)}, stimulus_uA_cm2=10.0, status=status)
    return pd.concat([one.assign(trace=i) for i in range(count)], ignore_index=True)


def panels(figure):
    """The axes with data, without colour bars."""
    return [a for a in figure.axes if a.get_label() != "<colorbar>"]


def bars(figure):
    return [a for a in figure.axes if a.get_label() == "<colorbar>"]


def legends(figure):
    return figure.legends + [a.get_legend() for a in figure.axes if a.get_legend()]


def legend_words(figure):
    return [text.get_text() for legend in legends(figure) for text in legend.get_texts()]


def heading(figure):
    return " ".join(figure._suptitle.get_text().split())


def boxes(figure):
    """Every text that is drawn, with its box in pixels."""
    with look():
        figure.draw_without_rendering()
    found = [t for a in figure.axes for t in (a.title, a.xaxis.label, a.yaxis.label)] + [figure._suptitle]
    found += [text for legend in legends(figure) for text in legend.get_texts()]
    for a in figure.axes:
        for side in (a.xaxis, a.yaxis):
            low, high = sorted(side.get_view_interval())
            slack = 1e-9 * (high - low)
            found += [
                tick.label1 if tick.label1.get_visible() else tick.label2
                for tick in side.get_major_ticks()
                if low - slack <= tick.get_loc() <= high + slack
                and (tick.label1.get_visible() or tick.label2.get_visible())
            ]
    return [(t.get_text(), t.get_window_extent()) for t in found if t.get_visible() and t.get_text().strip()]


def overlap(one, two):
    width = min(one.x1, two.x1) - max(one.x0, two.x0)
    height = min(one.y1, two.y1) - max(one.y0, two.y0)
    return width > 1 and height > 1


def check_layout(figure):
    all_boxes = boxes(figure)
    for (text, one), (other, two) in itertools.combinations(all_boxes, 2):
        assert not overlap(one, two), f"{text!r} covers {other!r}"
    for text, box in all_boxes:
        assert box.x0 >= 0 and box.y0 >= 0, f"{text!r} is cut off"
        assert box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1, f"{text!r} is cut off"
    data = [a.get_window_extent() for a in panels(figure)]
    for legend in legends(figure):
        assert not any(overlap(legend.get_window_extent(), box) for box in data), "a legend covers data"


def check_labels(figure):
    """Outer panels say what they show, with the unit in brackets (a count and a gate have none)."""
    shown = [a for a in panels(figure) if a.axison]
    labels = {a.get_xlabel() for a in shown} | {a.get_ylabel() for a in shown} | {a.get_ylabel() for a in bars(figure)}
    unitless = {"Spikes in the run", "Gating variable", ""}
    assert all(
        label in unitless or label.endswith(("(Hz)", "(mV)", "(ms)", "(µA/cm²)", "(mS/cm²)")) for label in labels
    )
    assert not shown or (any(a.get_xlabel() for a in shown) and any(a.get_ylabel() for a in shown))


GRIDS = {
    "none": [],
    "amplitude": [amplitude()],
    "one amplitude": [amplitude([10])],
    "one axis": [axis("a", [1, 2, 3])],
    "two": [amplitude(), axis("a", [1, 2, 3])],
    "two without amplitude": [axis("a", [1, 2, 3]), axis("b", [4, 5])],
    "three": [amplitude(), axis("a", np.arange(8) + 1), axis("b", [1, 2, 3])],
    "lengths of one": [amplitude(), axis("a", [1]), axis("b", [2, 3]), axis("c", [5])],
    "all lengths one": [amplitude([1]), axis("a", [1]), axis("b", [2])],
    "amplitude last": [axis("a", [1, 2, 3]), axis("b", [1, 2]), amplitude()],
    "unsorted": [amplitude([4, 0, 8]), axis("a", [3, 1, 2]), axis("b", [2, 9, 1])],
    "logarithmic": [amplitude([0.1, 1, 10]), axis("a", [1, 10, 100]), axis("b", [0.01, 0.1, 1])],
} | {f"{n} axes": [amplitude([0, 5, 10]), *(axis(c, [1, 2]) for c in NAMES[: n - 1])] for n in range(4, 9)}

NULLS = {
    "steady_rate_Hz": np.nan,
    "first_interval_rate_Hz": np.nan,
    "firing_rate_Hz": np.nan,
    "spike_count_rate_Hz": np.nan,
    "spike_count": np.nan,
    "peak_mV": np.nan,
    "trough_mV": np.nan,
    "apd50_ms": np.nan,
    "apd90_ms": np.nan,
    "diastolic_interval_ms": np.nan,
    "rheobase_uA_cm2": np.nan,
    "onset_amplitude_uA_cm2": np.nan,
}


def replaced(table, **columns):
    return table.assign(**{name: x for name, x in columns.items() if name in table})


AMPLITUDES_WITHOUT = dict.fromkeys(["rheobase_uA_cm2", "onset_amplitude_uA_cm2"], np.nan)
CHANGES = {
    "as it is": lambda table: table,
    "null": lambda table: replaced(table, **NULLS),
    "silent": lambda table: replaced(
        table, **dict.fromkeys(NULLS, 0) | dict.fromkeys(["rheobase_uA_cm2", "onset_amplitude_uA_cm2"], np.nan)
    ),
    "diverged": lambda table: replaced(table, **NULLS, status="diverged", failed_neurons=3),
    "not finite": lambda table: replaced(table, **dict.fromkeys(NULLS, np.inf)),
    "shuffled": lambda table: table.iloc[::-1],
    "arrow": lambda table: table.convert_dtypes(dtype_backend="pyarrow"),
}


DEGENERATE = ["none", "two", "logarithmic"]


@pytest.mark.parametrize(
    ("name", "change"),
    [(name, "as it is") for name in GRIDS] + list(itertools.product(DEGENERATE, list(CHANGES)[1:])),
)
def test_every_grid_gives_figures_without_a_warning(name, change):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for figure in draw_all(GRIDS[name], CHANGES[change]):
            check_layout(figure)
            check_labels(figure)


@pytest.mark.parametrize("change", ["as it is", "diverged", "silent"])
@pytest.mark.parametrize(("swept", "count"), [(True, 1), (True, 2), (True, 4), (False, 2)])
def test_zipped_axes_give_figures_without_a_warning(count, swept, change):
    axes = [amplitude([5, 10, 20])] * swept + [axis(c, [1, 2, 4]) for c in NAMES[: count - swept]]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for figure in draw_all(axes, CHANGES[change], combine="zip"):
            check_layout(figure)
            check_labels(figure)


@pytest.mark.parametrize(
    ("name", "held"),
    [
        ("two", ""),
        ("lengths of one", " at channel.a = 1 mS/cm², channel.c = 5 mS/cm²"),
        ("6 axes", " at channel.c = 2 mS/cm², channel.d = 2 mS/cm², channel.e = 2 mS/cm²"),  # of 1 and 2, the upper
    ],
)
def test_the_heading_names_every_axis_that_is_held(name, held):
    figure = fi_curves(tables(GRIDS[name])[1], context(*GRIDS[name]))
    assert heading(figure) == "title" + held


def test_fi_curves_draws_the_rates_of_each_facet_and_colour():
    a, b, c = axis("a", [1, 2, 3]), axis("b", [4, 5]), axis("c", [7, 8, 9])
    _, curves, _ = tables([amplitude(), a, b, c])
    figure = fi_curves(curves, context(amplitude(), a, b, c))
    assert [p.get_title() for p in panels(figure)] == ["channel.b = 4 mS/cm²", "channel.b = 5 mS/cm²"]
    shades = level_colours(a.values).mappable.to_rgba(a.values)
    for panel, at_b in zip(panels(figure), b.values, strict=True):
        drawn = [line for line in panel.lines if line.get_xdata().size]
        for at_a, shade in zip(a.values, shades, strict=True):
            steady, first = (line for line in drawn if np.array_equal(line.get_color(), shade))
            expected = [value((i, at_a, at_b, 8.0)) for i in AMPLITUDES]
            np.testing.assert_array_equal(steady.get_xdata(), AMPLITUDES)
            np.testing.assert_array_equal(steady.get_ydata(), expected)
            np.testing.assert_array_equal(first.get_ydata(), np.array(expected) / 2)
            assert steady.get_linestyle() == "-" and first.get_linestyle() == "--"
    assert legend_words(figure) == ["steady rate", "rate of the first interval"]
    assert [bar.get_ylabel() for bar in bars(figure)] == ["Conductance a channel.a (mS/cm²)"]
    assert [t.get_text() for t in bars(figure)[0].get_yticklabels()] == ["1", "2", "3"]


def test_fi_curves_stays_legible_on_a_large_grid():
    """At most 6 facets and 12 curves; evenly spaced with both ends; the dashed rate of three curves."""
    axes = [amplitude(), axis("a", np.arange(21)), axis("b", np.arange(21))]
    figure = fi_curves(tables(axes)[1], context(*axes))
    assert [p.get_title() for p in panels(figure)] == [f"channel.b = {b} mS/cm²" for b in (0, 4, 8, 12, 16, 20)]
    assert [t.get_text() for t in bars(figure)[0].get_yticklabels()] == [str(a) for a in range(0, 21, 2)]
    dashed = [line for line in panels(figure)[0].lines if line.get_linestyle() == "--"]
    assert [line.get_ydata()[0] for line in dashed] == [0.0, 50.0, 100.0]
    assert "rate of the first interval (3 of 11 curves)" in legend_words(figure)
    assert heading(figure) == "title 11 of 21 values of channel.a 6 of 21 values of channel.b"


def test_fi_curves_of_one_neuron_states_its_rates():
    curves = pd.DataFrame({"curve": [0], "steady_rate_Hz": [68.3237], "first_interval_rate_Hz": [np.nan]})
    words = fi_curves(curves, context()).axes[0].texts[0].get_text()
    assert "steady rate: 68.32 Hz" in words and "rate of the first interval: none" in words


def test_failed_neurons_leave_marked_gaps_in_the_curves():
    curves = tables([amplitude()])[1]
    curves.loc[2, ["steady_rate_Hz", "first_interval_rate_Hz"]] = np.nan
    figure = fi_curves(curves, context(amplitude()))
    [marks] = [line for line in panels(figure)[0].lines if line.get_marker() == "x"]
    np.testing.assert_array_equal(marks.get_xdata(), [4.0])
    assert "failed" in legend_words(figure)


@pytest.mark.parametrize("count", [5, 41])
def test_no_line_joins_silence_and_firing(count):
    """Firing from the second amplitude to the last but one: three lines with a gap at either end of it."""
    x = amplitude(np.arange(float(count)))
    firing = np.where((x.values > 0) & (x.values < count - 1), 50.0 + x.values, 0.0)
    curves = tables([x])[1].assign(steady_rate_Hz=firing, first_interval_rate_Hz=np.nan)
    figure = fi_curves(curves, context(x))
    steady = next(line for line in panels(figure)[0].lines if line.get_linestyle() == "-")
    at, rate = np.asarray(steady.get_xdata()), np.asarray(steady.get_ydata())
    ends = np.flatnonzero(np.isnan(at))
    assert ends.tolist() == np.flatnonzero(np.isnan(rate)).tolist() == [1, count]
    assert rate[~np.isnan(rate)].tolist() == firing.tolist()
    lone = [line.get_xdata().tolist() for line in panels(figure)[0].lines if line.get_marker() == "."]
    assert lone == ([[0.0, count - 1.0]] if count > 30 else [])  # else all have markers
    assert ("one amplitude between gaps" in legend_words(figure)) == (count > 30)


def test_the_band_of_a_sample_does_not_join_silence_and_firing():
    """Of ten neurons all are silent at 0, all but one at 2, none from 4 on: a gap, one bar, a gap, a band."""
    x = amplitude([0, 2, 4, 6])
    curves = grid([axis("a", range(10)), x]).assign(steady_rate_Hz=np.tile([0.0, 0.0, 50.0, 60.0], 10))
    curves["curve"] = np.repeat(range(10), 4)
    curves.loc[1, "steady_rate_Hz"] = 40.0
    figure = sampled_curves(curves, context(x, sampled=(axis("a", range(10)),), neurons=40))
    band, bars = panels(figure)[0].collections
    assert [path.vertices[:, 0].min() for path in band.get_paths() if np.ptp(path.vertices[:, 0])] == [4]
    np.testing.assert_allclose([path.vertices for path in bars.get_paths()], [[[0, 0], [0, 0]], [[2, 0], [2, 22]]])


def test_the_range_of_zipped_neurons_is_points():
    axes = [amplitude([5, 10, 20]), axis("a", [1, 2, 4])]
    figure = oscillation_range(tables(axes, "zip")[0], context(*axes, combine="zip"))
    peak, trough, _ = panels(figure)[0].lines
    assert {line.get_linestyle() for line in (peak, trough)} == {"None"} and peak.get_marker() == "o"
    assert not panels(figure)[0].collections


def test_restitution_joins_the_last_beats_of_each_curve_in_the_order_of_their_periods():
    a, b = axis("a", [1, 2, 3]), axis("b", [4, 5])
    features, _, _ = tables([amplitude(), a, b])
    features["diastolic_interval_ms"] = 50 - features.amplitude_uA_cm2
    beats = paced(features)
    features.loc[features.amplitude_uA_cm2 == 2, "apd90_ms"] = np.nan
    figure = restitution(features, beats, context(amplitude(), a, b))
    assert [p.get_title() for p in panels(figure)] == ["channel.b = 4 mS/cm²", "channel.b = 5 mS/cm²"]
    words = "last beat at each amplitude, the one before as open circles; 6 of 30 have no value"
    assert words in heading(figure).replace("\n", " ")
    for panel, at_b in zip(panels(figure), b.values, strict=True):
        for before, line, at_a in zip(panel.lines[::2], panel.lines[1::2], a.values, strict=True):
            assert line.get_xdata().tolist() == [50, 46, 44, 42]
            assert line.get_ydata().tolist() == [value((i, at_a, at_b)) for i in (0, 4, 6, 8)]
            # Where the last beat is blocked, the one before is seen; its APD is 1 ms longer.
            assert before.get_xdata().tolist() == [50, 48, 46, 44, 42]
            assert before.get_ydata().tolist() == [value((i, at_a, at_b)) + 1 for i in (0, 2, 4, 6, 8)]
            assert (before.get_linestyle(), before.get_markerfacecolor()) == ("None", "white")
    assert [bar.get_ylabel() for bar in bars(figure)] == ["Conductance a channel.a (mS/cm²)"]


def test_restitution_without_a_swept_period_shows_every_beat():
    features, _, _ = tables([axis("a", [1, 2])])
    figure = restitution(features, paced(features), context(axis("a", [1, 2])))
    assert [line.get_xdata().tolist() for line in panels(figure)[0].lines] == [[8, 8], [9, 9]]
    assert [sorted(line.get_ydata()) for line in panels(figure)[0].lines] == [[1, 2], [2, 3]]
    assert "every beat; 2 of 6 have no value" in heading(figure)


def cells(panel):
    """The coloured cells: centres along x, along y, and values (rows of y)."""
    meshes = [c for c in panel.collections if isinstance(c, QuadMesh)]
    corners = meshes[0].get_coordinates()
    x, y = corners[0, :, 0], corners[:, 0, 1]
    values = np.ma.masked_invalid(np.fmax.reduce([mesh.get_array().filled(np.nan) for mesh in meshes]))
    return (x[1:] + x[:-1]) / 2, (y[1:] + y[:-1]) / 2, values


@pytest.mark.parametrize("sizes", [(20,), (20, 30), (20, 30, 35), (5, 17, 17, 17)])
def test_figures_are_the_same_from_the_rows_that_they_may_show(sizes, tmp_path):
    axes = [amplitude(np.arange(sizes[0])), *(axis(NAMES[i], np.arange(n)) for i, n in enumerate(sizes[1:]))]
    whole = draw_all(axes)
    kept = []

    def shown(table):
        inside = context(*axes).shows(pa.RecordBatch.from_pandas(table))
        kept.append(inside.mean())
        return table[inside]

    for i, (all_rows, some) in enumerate(zip(whole, draw_all(axes, shown), strict=True)):
        for name, figure in (("whole", all_rows), ("some", some)):
            save(figure, tmp_path / f"{name}{i}")
        assert (tmp_path / f"some{i}.svg").read_bytes() == (tmp_path / f"whole{i}.svg").read_bytes()
    assert (min(kept) < 0.9) == (len(sizes) > 2)


def test_spike_count_map_has_a_panel_per_amplitude_with_the_right_cells():
    a, b = axis("a", [3, 1, 2]), axis("b", [40, 50])
    features, _, _ = tables([amplitude(), a, b])
    features.loc[
        (features.amplitude_uA_cm2 == 4) & (features[a.column] == 2) & (features[b.column] == 50), "status"
    ] = "diverged"
    figure = spike_count_map(features, context(amplitude(), a, b))
    assert [p.get_title() for p in panels(figure)] == [f"amplitude = {i:g} µA/cm²" for i in AMPLITUDES]
    for panel, i in zip(panels(figure), AMPLITUDES, strict=True):
        x, y, counts = cells(panel)
        np.testing.assert_allclose(x, [1, 2, 3])
        np.testing.assert_allclose(y, [40, 50])
        assert counts.mask.sum() == (i == 4)
        for (row, column), count in np.ndenumerate(counts):
            assert (i, row, column) == (4, 1, 1) or count == value((i, x[column], y[row]))
        [crosses] = panel.lines
        np.testing.assert_array_equal(np.transpose(crosses.get_data()), [[2, 50]] if i == 4 else np.empty((0, 2)))
    assert legend_words(figure) == ["failed"]
    assert [bar.get_ylabel() for bar in bars(figure)] == ["Spikes in the run"]


def test_no_spike_and_one_spike_have_colours_of_their_own_and_silent_amplitudes_no_panel():
    a, b = axis("a", [1, 2]), axis("b", [3, 4])
    features = grid([amplitude([0, 5, 10]), a, b]).assign(status="ok")
    features["spike_count"] = [0, 0, 0, 0, 0, 1, 0, 1, 1, 20, 30, 40]
    figure = spike_count_map(features, context(amplitude([0, 5, 10]), a, b))
    assert [p.get_title() for p in panels(figure)] == ["amplitude = 5 µA/cm²", "amplitude = 10 µA/cm²"]
    assert "no spikes at amplitude = 0 µA/cm²" in heading(figure)
    assert legend_words(figure) == ["no spikes", "one spike"]
    assert [t.get_text() for t in bars(figure)[0].get_yticklabels()] == ["20", "30", "40"]
    np.testing.assert_array_equal(cells(panels(figure)[1])[2], [[1, 30], [20, 40]])
    [hatch] = panels(figure)[0].patches  # colour vision and print may not tell one spike from some number of them
    assert hatch.get_hatch() and [entry.get_hatch() for entry in figure.legends[0].get_patches()] == [
        "",
        hatch.get_hatch(),
    ]
    np.testing.assert_array_equal(
        hatch.get_path().vertices, [[0.5, 3.5], [2.5, 3.5], [2.5, 4.5], [0.5, 4.5], [0.5, 3.5]]
    )


def test_a_map_of_one_number_names_it_in_its_legend():
    axes = [axis("a", [1, 2]), axis("b", [3, 4])]
    features = grid(axes).assign(status="ok", spike_count=[0, 2, 2, 2])
    figure = spike_count_map(features, context(*axes, duration="50 ms"))
    assert legend_words(figure) == ["no spikes", "Spikes in 50 ms: 2"] and not bars(figure)


def test_apd_map_has_hatches_where_there_is_none():
    features, _, _ = tables([amplitude(), axis("a", [1, 2])])
    features.loc[3, "apd90_ms"] = np.nan
    figure = apd_map(features, context(amplitude(), axis("a", [1, 2])))
    x, y, durations = cells(panels(figure)[0])
    np.testing.assert_allclose(x, AMPLITUDES)
    assert durations.mask.sum() == 1 and durations.mask[1, 1]
    np.testing.assert_array_equal(durations[0], AMPLITUDES + 10)
    assert legend_words(figure) == ["no action potential that ends before the next one"]
    assert [bar.get_ylabel() for bar in bars(figure)] == ["APD90 (ms)"]


def test_apd_map_of_one_axis_is_a_curve_and_of_one_neuron_words():
    figure = apd_map(tables([amplitude()])[0], context(amplitude()))
    half, whole = (line.get_ydata().tolist() for line in panels(figure)[0].lines if line.get_xdata().size)
    assert whole == AMPLITUDES.tolist() and half == (AMPLITUDES / 2).tolist()
    assert legend_words(figure) == ["APD50", "APD90"]
    words = apd_map(tables([])[0].assign(apd90_ms=np.nan), context()).axes[0].texts[0].get_text()
    assert "APD90: none" in words and "APD50: 0 ms" in words


def settled():
    """Cells at 1:1, 2:1, 2:2, and 2:2 with an action potential that the next one cuts short: features and beats."""
    a, b = axis("a", [1, 2]), axis("b", [4, 5])
    durations = [[300, 300, 300], [500, np.nan, 500], [250, 220, 250], [np.nan, 40, np.nan]]
    status = [
        ["ok"] * 3,
        ["ok", "depolarised_at_onset", "ok"],
        ["ok"] * 3,
        ["not_repolarised", "ok", "not_repolarised"],
    ]
    beats = pd.DataFrame({"neuron": np.repeat(range(4), 3), "beat": [0, 1, 2] * 4, "beat_status": sum(status, [])})
    beats = beats.assign(apd90_ms=sum(durations, []), diastolic_interval_ms=50.0)
    features = grid([a, b]).assign(status="ok", last_beat=[2, 2, 1, 1], repeat_beats=[1, 2, 2, 2])
    features = features.assign(response=["1:1", "2:1", "2:2", "2:2"], apd90_ms=[300, 500, 220, 40.0])
    return features, beats, context(a, b)


def test_the_map_of_a_steady_state_has_the_longest_of_the_beats_that_repeat():
    features, beats, shared = settled()
    found = longest(features, beats)
    np.testing.assert_array_equal(found.apd90_ms, [300, 500, 250, np.nan])
    figure = apd_map(found, shared)
    words = ["not 1:1: the longest until the state repeats", "no action potential that ends before the next one"]
    assert legend_words(figure) == words
    [hatch] = [patch for patch in panels(figure)[0].patches if patch.get_hatch()]
    assert len(hatch.get_path().vertices) == 2 * 5  # two cells, of the four
    assert longest(features.drop(columns="repeat_beats"), beats).apd90_ms.tolist() == [300, 500, 220, 40]


def test_restitution_of_a_steady_state_has_a_gap_where_the_response_changes():
    features, beats, _ = settled()
    features = features.assign(period_ms=[500.0, 400, 300, 200]).drop(columns=["channel_a_mS_cm2", "channel_b_mS_cm2"])
    period = Variable("period_ms", "period", "ms", "Period", np.array([500.0, 400, 300, 200]))
    features = features.assign(diastolic_interval_ms=[200.0, 150, 120, 100])
    figure = restitution(features, beats, replace(context(period), along="period_ms"))
    line = panels(figure)[0].lines[-1]
    np.testing.assert_array_equal(line.get_ydata(), [40, 220, np.nan, 500, np.nan, 300])


def test_durations_have_scales_of_their_size():
    """300, 301 and 320 ms: the colour of 301 is near that of 300, and a curve fills its panel."""
    a, b = axis("a", [1, 2, 3]), axis("b", [4, 5])
    features = grid([a, b]).assign(status="ok", apd90_ms=[300.0, 301, 320] * 2)
    [mesh] = [c for c in panels(apd_map(features, context(a, b)))[0].collections if isinstance(c, QuadMesh)]
    assert mesh.norm(301.0) == pytest.approx(0.05)
    one = grid([a]).assign(status="ok", apd90_ms=[300.0, 301, 320], apd50_ms=[250.0, 251, 260])
    low, high = panels(apd_map(one, context(a)))[0].get_ylim()
    assert 240 < low < 250 and 320 < high < 330


def test_spike_count_map_of_one_conductance_is_over_the_amplitude():
    axes = [amplitude(), axis("a", [1, 2])]
    x, y, counts = cells(panels(spike_count_map(tables(axes)[0], context(*axes)))[0])
    np.testing.assert_allclose(x, AMPLITUDES)
    np.testing.assert_allclose(y, [1, 2])
    np.testing.assert_array_equal(counts, [AMPLITUDES + 10, AMPLITUDES + 20])


def test_zipped_spike_counts_are_points():
    axes = [amplitude([5, 10, 20]), axis("a", [1, 2, 4]), axis("b", [7, 6, 5])]
    features = tables(axes, "zip")[0]
    features.loc[1, "status"] = "diverged"
    figure = spike_count_map(features, context(*axes, combine="zip"))
    [panel] = panels(figure)
    np.testing.assert_array_equal(panel.collections[0].get_offsets(), [[1, 7], [4, 5]])
    np.testing.assert_array_equal(panel.lines[0].get_data(), [[2], [6]])
    assert [t.get_text() for t in bars(figure)[0].get_yticklabels()] == ["560", "715"]  # 20 + 40 + 500, 5 + 10 + 700
    assert legend_words(figure) == ["failed"]


def test_rheobase_map_tells_silent_curves_from_failed_ones():
    a, b = axis("a", [1, 2, 3]), axis("b", [40, 50])
    summary = tables([amplitude(), a, b])[2]
    summary.loc[0, "rheobase_uA_cm2"] = np.nan  # a = 1, b = 40
    summary.loc[5, "failed_neurons"] = 2  # a = 3, b = 50
    figure = rheobase_map(summary, context(amplitude(), a, b))
    panel, onset = panels(figure)
    assert [p.get_title() for p in (panel, onset)] == ["Rheobase", "Onset of repetitive firing"]
    assert [p.get_title(loc="left") for p in (panel, onset)] == ["a", "b"]
    _, _, rheobase = cells(panel)
    np.testing.assert_array_equal(cells(onset)[2], [[402, 403, 404], [502, 503, 504]])
    np.testing.assert_array_equal(rheobase.filled(-1), [[-1, 402, 403], [501, 502, 503]])
    assert panel.patch.get_hatch()
    np.testing.assert_array_equal(panel.lines[0].get_data(), [[3], [50]])
    assert legend_words(figure) == ["none from 0 to 8 µA/cm²", "some amplitudes failed"]
    assert [bar.get_ylabel() for bar in bars(figure)] == ["Amplitude (µA/cm²)"]


def test_rheobase_against_one_conductance_marks_what_is_missing():
    axes = [amplitude(), axis("a", [1, 2, 3])]
    summary = tables(axes)[2].assign(rheobase_uA_cm2=[np.nan, 4.0, 2.0], failed_neurons=[0, 0, 1])
    figure = rheobase_map(summary, context(*axes))
    curve, onset, crossed, missing = panels(figure)[0].lines
    assert panels(figure)[0].get_ylim()[0] < 0  # a curve at 0 would be seen
    np.testing.assert_array_equal(curve.get_ydata(), [np.nan, 4.0, 2.0])
    np.testing.assert_array_equal(onset.get_ydata(), summary.onset_amplitude_uA_cm2)
    np.testing.assert_array_equal(crossed.get_ydata(), [np.nan, np.nan, 2.0])
    np.testing.assert_array_equal(missing.get_xdata(), [1.0])
    assert "rheobase: none from 0 to 8 µA/cm²" in legend_words(figure)


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ([amplitude()], "Rheobase: 2.25 µA/cm²\nOnset of repetitive firing: none from 0 to 8 µA/cm²"),
        ([axis("a", [1, 2])], "No rheobase"),
        ([], "No rheobase"),
    ],
)
def test_rheobase_without_a_second_axis_is_written(axes, words):
    columns = {"rheobase_uA_cm2": [2.25], "onset_amplitude_uA_cm2": [np.nan], "failed_neurons": [0]}
    summary = pd.DataFrame({"curve": [0], **columns})
    assert rheobase_map(summary, context(*axes)).axes[0].texts[0].get_text().startswith(words)


def test_figures_in_words_have_minus_signs_and_no_orphans():
    one = tables([])[0].assign(peak_mV=-60.5, trough_mV=-75.08)
    words = oscillation_range(one, context(threshold=-20.0)).axes[0].texts[0].get_text()
    assert words == "peak: −60.5 mV\ntrough: −75.08 mV\nspike threshold: −20 mV"  # noqa: RUF001
    lines = rheobase_map(tables([])[2], context()).axes[0].texts[0].get_text().splitlines()
    assert len(lines) == 2 and min(map(len, lines)) > 20


def test_oscillation_range_marks_oscillations_that_are_not_spikes():
    """At 2 the potential only falls, at 4 it oscillates; at 6 there are spikes; at 8 the neuron failed."""
    a = axis("a", [1, 2, 3])
    features = grid([amplitude(), a]).assign(status="ok", peak_mV=99.0, trough_mV=-99.0, spike_count_rate_Hz=0.0)
    middle = features[a.column] == 2
    features.loc[middle, "peak_mV"] = [-65, -60, -20, 30, np.nan]
    features.loc[middle, "trough_mV"] = [-65, -74, -60, -75, np.nan]
    features.loc[middle, "turning_points"] = [0, 1, 9, 20, np.nan]
    features.loc[middle, "spike_count_rate_Hz"] = [0, 0, 0, 50, np.nan]
    figure = oscillation_range(features, context(amplitude(), a, threshold=-10.0))
    lines = {line.get_label(): line for line in panels(figure)[0].lines}
    gap = np.nan
    np.testing.assert_array_equal(lines["peak"].get_ydata(), [-65, -60, gap, -20, 30, gap, np.nan])
    np.testing.assert_array_equal(lines["trough"].get_ydata(), [-65, -74, gap, -60, -75, gap, np.nan])
    np.testing.assert_array_equal(lines["oscillates by more than 5 mV, no spikes"].get_data(), [[4], [-20]])
    np.testing.assert_array_equal(lines["failed"].get_xdata(), [8])
    assert set(lines["spike threshold"].get_ydata()) == {-10.0}
    assert heading(figure) == "title at channel.a = 2 mS/cm²"


def test_figures_of_neurons_that_all_failed_say_only_that():
    axes = [amplitude(), axis("a", [1, 2]), axis("b", [3, 4])]
    features, _, summary = (CHANGES["diverged"](table) for table in tables(axes))
    assert not bars(spike_count_map(features, context(*axes))) + bars(rheobase_map(summary, context(*axes)))
    figure = oscillation_range(features, context(*axes, threshold=-20.0))
    assert panels(figure)[0].get_ylim() == (-30.0, -10.0)
    assert "failed" in legend_words(figure)


STEP, PULSES = {"kind": "step", "amplitude": 7}, {"kind": "pulse_train", "amplitude": 7, "width": 1, "period": 9}
TITLED = {
    "amplitude = 7 µA/cm²": {},
    "amplitude = 7 µA/cm², start = 5 ms": {"start": 5},
    "amplitude = 7 µA/cm², start = 5 ms, stop = 30 ms": {"start": 5, "stop": 30},
    "amplitude = 7 µA/cm², stop = 30 ms, leak.g = 0.2 mS/cm²": {"stop": 30, "leak.g": 0.2},
}
PACED = {
    "amplitude = 7 µA/cm², width = 1 ms, period = 9 ms": {},
    "amplitude = 7 µA/cm², width = 2 ms, period = 9 ms": {"width": 2},
    "amplitude = 7 µA/cm², width = 1 ms, period = 9 ms, start = 3 ms": {"start": 3},
}
CLOSE = {f"amplitude = {x:.7g} µA/cm²": {"amplitude": x} for x in (6.000001, 6.000002)}


@pytest.mark.parametrize(("stimulus", "titles"), [(STEP, TITLED), (PULSES, PACED), (STEP, CLOSE)])
def test_different_traces_have_different_titles(stimulus, titles):
    experiment = {"model": "hodgkin_huxley_1952", "stimulus": stimulus, "duration": 40, "initial_state": "model"}
    experiment |= {"solver": {"method": "tsit5", "local_error": 1e-6}, "traces": [*titles.values()]}
    found = figure_context(read_experiments({"experiments": {"e": experiment}})["e"]).traces
    assert found == tuple(titles)


def test_titles_of_traces_have_swept_values_and_those_of_figures_the_variant():
    experiment = {"model": "morris_lecar_1981:snic", "stimulus": STEP, "duration": 40, "initial_state": "model"}
    experiment |= {"solver": {"method": "tsit5", "local_error": 1e-6}, "traces": [{"calcium.g": 4}]}
    experiment |= {"parameters": {"calcium.g": {"values": [4, 5]}}}
    context = figure_context(read_experiments({"experiments": {"e": experiment}})["e"])
    assert context.traces == ("amplitude = 7 µA/cm², calcium.g = 4 mS/cm²",)
    assert context.title == "e: Morris and Lecar 1981 (snic)"


def test_long_titles_of_neighbouring_traces_do_not_touch():
    words = ["amplitude = 7.123456 µA/cm²", "sodium_calcium_exchanger.maximal_current = 1e-05 mS/cm²", "leak.g = 0.25"]
    figure = trace_panel(traces(4), context(traces=(", ".join(words),) * 4))
    check_layout(figure)
    assert {"7.123456 µA/cm²", "1e-05 mS/cm²"} <= set(panels(figure)[0].get_title().split("\n"))


def test_trace_panel_stacks_potential_gates_currents_and_stimulus():
    table = traces(2)
    figure = trace_panel(table, context(traces=("first", "second"), threshold=-5.0))
    stacked = np.array(panels(figure)).reshape(4, 2)
    columns = [[POTENTIAL], GATES, CURRENTS, [STIMULUS]]
    for trace, column in enumerate(stacked.T):
        part = table[table.trace == trace]
        for axes, variables in zip(column, columns, strict=True):
            for line, variable in zip(axes.lines, variables, strict=False):
                np.testing.assert_array_equal(line.get_xdata(), part.time_ms)
                np.testing.assert_array_equal(line.get_ydata(), part[variable.column])
        assert all(axes.get_xlim() == column[0].get_xlim() for axes in column)
        assert set(column[0].lines[1].get_ydata()) == {-5.0}
    assert [a.get_title() for a in stacked[0]] == ["first", "second"]
    words = [
        "membrane.V",
        "spike threshold",
        "sodium.m",
        "sodium.h",
        "potassium.n",
        "sodium.i",
        "potassium.i",
        "leak.i",
    ]
    assert legend_words(figure) == words
    colours = {line.get_label(): line.get_color() for axes in stacked[1:3, 0] for line in axes.lines}
    assert colours["sodium.i"] == colours["sodium.m"] and colours["potassium.i"] == colours["potassium.n"]
    assert len({colours[name] for name in ("sodium.m", "sodium.h", "potassium.n", "leak.i")}) == 4
    assert set(colours.values()) <= set(CATEGORIES)
    check_layout(figure)
    check_labels(figure)


def test_a_trace_says_that_its_neuron_failed():
    assert panels(trace_panel(traces(status="stalled"), context()))[0].get_title() == "trace 0\nstalled at 49.9 ms"


def test_trace_panel_shows_four_traces_and_says_so():
    figure = trace_panel(traces(5), context())
    assert len(panels(figure)) == 16
    assert "the first 4 of 5 traces" in heading(figure)
    check_layout(figure)


def test_a_long_spike_train_is_cut_after_the_tenth_spike():
    """A sine of 80 Hz over 1000 ms, spikes at 0.68 + 12.5 k ms: the cut is half way between the 10th and the 11th."""
    figure = trace_panel(traces(duration=1000.0), context())
    line = panels(figure)[0].lines[0]
    assert line.get_xdata()[-1] == pytest.approx(0.68 + 12.5 * 9.5, abs=0.2)
    assert panels(figure)[0].get_title() == "trace 0\nthe first 119 of 999.9 ms"


@pytest.mark.parametrize(("count", "first"), [(3, 0.0), (20, 17 * 50.0)])
def test_of_a_paced_cell_the_last_beats_are_drawn(count, first):
    """Pulses of 1 ms every 50 ms, from 0 on."""
    table = traces(duration=50.0 * count)
    table["stimulus_uA_cm2"] = np.where(table.time_ms % 50 < 1, 10.0, 0.0)
    panel = panels(trace_panel(table, context(paced=True)))[0]
    assert first - 3 < panel.lines[0].get_xdata()[0] <= first
    assert panel.lines[0].get_xdata()[-1] == table.time_ms.max()
    assert panel.get_title() == ("trace 0\nthe last 3 of 20 beats" if count > 3 else "trace 0")


def test_the_last_whole_beat_of_each_trace_is_drawn_from_its_onset():
    """Pulses of 1 ms every 50 ms, from 10 ms on; the run ends 20 ms after the last one, so the beat before is drawn."""
    table = traces(2, duration=180.0)
    table["stimulus_uA_cm2"] = np.where((table.time_ms >= 10) & ((table.time_ms - 10) % 50 < 0.99), 10.0, 0.0)
    table["sodium_m"] = table.time_ms
    paced = context(paced=True, traces=("sodium.g = 1, dose = 0", "sodium.g = 1, dose = 3"))
    name = next(gate.name for gate in GATES if gate.column == "sodium_m")
    figure = last_beat(table, [name], paced)
    potential, gate = panels(figure)
    assert len(potential.lines) == len(gate.lines) == 2
    assert gate.lines[0].get_xdata() == pytest.approx(gate.lines[0].get_ydata() - 110.0)
    assert gate.lines[0].get_xdata()[-1] == pytest.approx(50.0) and -1.1 < gate.lines[0].get_xdata()[0] < 0
    assert legend_words(figure) == ["dose = 0", "dose = 3"] and "last whole beat" in heading(figure)
    assert potential.get_ylabel().replace("\n", " ") == "Membrane potential (mV)"
    assert len({(line.get_color(), str(line.get_linestyle())) for line in gate.lines}) == 2
    silent = table.assign(stimulus_uA_cm2=0.0)
    assert "No trace has a beat" in last_beat(silent, [name], paced).axes[0].texts[0].get_text()


@pytest.mark.parametrize("broken", [np.nan, np.inf, 1e300])
def test_traces_that_diverge_are_drawn_as_far_as_they_go(broken):
    table = traces()
    table.loc[table.time_ms > 20, [v.column for v in (POTENTIAL, *GATES, *CURRENTS)]] = broken
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = trace_panel(table, context())
    assert panels(figure)[0].get_ylim()[1] < 100


def test_trace_panel_of_a_large_model_and_of_one_without_gates():
    """30 gates, and currents of 0 to 2.9, three below a tenth of the largest: three panels of eight of each kind."""
    gates = tuple(Variable(f"g{i}", f"channel{i}.gate", "1") for i in range(30))
    currents = tuple(Variable(f"i{i}", f"channel.i{i}", "pA/pF" if i else "pA") for i in range(30))
    table = traces().assign(**{v.column: 0.1 * i for i, v in enumerate(gates + currents[:-1])}, i29=2.9)
    table = table.assign(**{v.column: 0.1 * i for i, v in enumerate(currents)})
    figure = trace_panel(table, FigureContext("title", STIMULUS, POTENTIAL, gates, currents))
    assert "9 further gates and currents are in the table" in heading(figure)
    labels = [panel.get_ylabel() for panel in panels(figure)]
    assert labels[4:7] == ["Membrane current\n(pA/pF)"] * 3 and labels[7] == "Small currents\n(pA or pA/pF)"
    for panel in panels(figure)[1:7]:
        looks = {(line.get_color(), str(line._unscaled_dash_pattern)) for line in panel.lines}
        assert len(looks) == len(panel.lines) == 8
    check_layout(figure)
    assert len(panels(trace_panel(traces(), FigureContext("title", STIMULUS, POTENTIAL)))) == 2
    assert "No trace" in trace_panel(traces().head(0), context()).axes[0].texts[0].get_text()


def test_concentrations_have_a_logarithmic_panel_and_small_currents_their_own():
    """As in a ventricular cell: calcium 0.1 uM, potassium 138 mM; a sodium current of 400, the others below a tenth."""
    amounts = tuple(Variable(name, name, "mM") for name in ("calcium.c", "potassium.c"))
    table = traces().assign(**{"calcium.c": 1e-4, "potassium.c": 138.0, "sodium_i_uA_cm2": -400.0})
    figure = trace_panel(table, FigureContext("title", STIMULUS, POTENTIAL, (*GATES, *amounts), CURRENTS))
    names = [[line.get_label() for line in panel.lines] for panel in panels(figure)]
    assert names[1] == [gate.name for gate in GATES] and names[2] == ["calcium.c", "potassium.c"]
    assert names[3] == ["sodium.i"] and names[4] == ["potassium.i", "leak.i"]
    assert panels(figure)[2].get_yscale() == "log" and panels(figure)[2].get_ylabel() == "Concentration\n(mM)"


def luminance(rgba):
    """Relative luminance of sRGB, as WCAG 2.1 defines it."""
    c = np.asarray(rgba)[..., :3]
    return np.where(c <= 0.03928, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]


def test_colours_are_ordered_in_lightness_and_seen_on_white():
    """An order in lightness can be read by every kind of colour vision, and in print."""
    shades = level_colours(np.arange(12.0)).mappable.to_rgba(np.arange(12.0))
    assert (np.diff(luminance(shades)) > 0).all()
    assert (1.05 / (luminance(shades) + 0.05) > 1.4).all()
    categories = [matplotlib.colors.to_rgb(colour) for colour in CATEGORIES]
    assert (1.05 / (luminance(categories) + 0.05) > 2).all()


def test_level_colours_give_each_level_its_own():
    levels = np.array([0.0, 1.0, 10.0, 11.0])
    colours = level_colours(levels)
    assert isinstance(colours.mappable.norm, BoundaryNorm)
    assert len({tuple(c) for c in colours.mappable.to_rgba(levels)}) == 4


def test_cell_borders_lie_between_the_values():
    np.testing.assert_allclose(edges(np.array([1.0, 2.0, 4.0])), [0.5, 1.5, 3.0, 5.0])
    np.testing.assert_allclose(edges(np.array([1.0, 100.0]), logarithmic=True), [0.1, 10.0, 1000.0])


@pytest.mark.parametrize(
    ("unit", "pretty"),
    [
        ("uA/cm^2", "µA/cm²"),
        ("mS/cm^2", "mS/cm²"),
        ("mV", "mV"),
        ("us", "µs"),
        ("unit*m^-3", "unit·m⁻³"),
        ("1/ms", "1/ms"),
    ],
)
def test_units_are_printed_as_one_writes_them(unit, pretty):
    assert pretty_unit(unit) == pretty


@pytest.mark.parametrize(
    ("length", "most", "chosen"),
    [
        (3, 6, [0, 1, 2]),
        (21, 6, [0, 4, 8, 12, 16, 20]),
        (22, 12, [0, 3, 6, 9, 12, 15, 18, 21]),
        (1, 6, [0]),
        (9, 2, [0, 8]),
    ],
)
def test_spread_is_even_and_keeps_the_ends(length, most, chosen):
    assert axis("a", np.arange(length)[::-1]).spread(most).tolist() == chosen


@pytest.mark.parametrize(
    ("own", "chosen"), [(10, [0, 5, 10, 15, 20]), (9.2, [0, 4, 9, 12, 16, 20]), (8, [0, 4, 8, 12, 16, 20])]
)
def test_spread_has_the_value_nearest_the_models_own(own, chosen):
    varied = replace(axis("a", np.arange(21)), own=own)
    assert varied.spread(6).tolist() == chosen


def test_the_models_own_value_is_marked_in_the_colour_bar():
    """81 conductances: an even choice of twelve has 9.5 for 10."""
    a = replace(axis("a", np.linspace(0, 40.5, 82)), own=10.0)
    figure = fi_curves(tables([amplitude(), a])[1], context(amplitude(), a))
    words = [t.get_text() for t in bars(figure)[0].get_yticklabels()]
    assert "10 (model)" in words and len(words) <= 12


@pytest.mark.parametrize("length", range(1, 60))
def test_spread_of_any_length(length):
    chosen = axis("a", np.arange(length)).spread(6)
    assert len(chosen) == len(set(chosen)) <= 6 and chosen[0] == 0 and chosen[-1] == length - 1


def test_texts_keep_values_apart_and_are_exact():
    assert texts(np.array([100.8, 139.2])) == ["100.8", "139.2"]
    assert texts(np.array([0.5, 120.0])) == ["0.5", "120"]
    assert texts(np.array([1000.01, 1000.02])) == ["1000.01", "1000.02"]


def test_numbers_below_0_have_the_minus_sign_of_ticks():
    levels = axis("a", np.array([-10.0, 0.0, 10.0]))
    figure, [panel] = style.panels("title", [f"at {levels.at(-10.0)}"], [levels.at(-10.0)], "x", "y")
    style.level_colours(levels.values).bar(figure, levels)
    style.value_ticks(panel, "y", levels)
    found = [text.get_text() for text in figure.findobj(matplotlib.text.Text)]
    assert not any("-" in text for text in found)
    assert sum("\N{MINUS SIGN}10" in text for text in found) >= 4  # heading, title, bar, tick


def test_labels():
    g = Variable("sodium_g_mS_cm2", "sodium.g", "mS/cm^2", "Sodium conductance, equation 3")
    assert g.label.replace("\n", " ") == "Sodium conductance sodium.g (mS/cm²)"
    long = Variable("sodium_g_mS_cm2", "sodium.g", "mS/cm^2", "Maximal sodium conductance (of the axon)")
    assert long.label == "Maximal sodium conductance\nsodium.g (mS/cm²)"
    assert g.at(120.0) == "sodium.g = 120 mS/cm²"
    assert Variable("q10", "temperature.q10", "1").at(3.0) == "temperature.q10 = 3"


def test_a_field_of_a_part_is_labelled_by_both_names():
    parts = {"pulse": STEP | {"amplitude": {"values": [1, 2]}}, "hum": {"kind": "sine", "amplitude": 1, "frequency": 8}}
    ramp = {"slow_ramp": {"potential": -80, "to": {"values": [0, 40]}, "duration": {"values": [1, 5]}}}
    shared = {
        "model": "hodgkin_huxley_1952",
        "initial_state": "rest",
        "solver": {"method": "tsit5", "local_error": 1e-6},
    }
    sum_of = shared | {"stimulus": {"kind": "sum", "parts": parts}, "duration": 40}
    clamp = shared | {"clamp": {"kind": "segments", "holding": -80, "segments": ramp}}
    found = [figure_context(e).axes for e in read_experiments({"experiments": {"s": sum_of, "c": clamp}}).values()]
    labels = [axis.label for axes in found for axis in axes]
    assert labels == ["Pulse amplitude (µA/cm²)", "Slow ramp end potential (mV)", "Slow ramp duration (ms)"]


@pytest.mark.parametrize(
    ("column", "unit", "label"),
    [
        ("onset_amplitude_uA_cm2", "uA/cm^2", "Onset amplitude (µA/cm²)"),
        ("onset_gain_Hz_per_uA_cm2", "Hz/(uA/cm^2)", "Onset gain (Hz/(µA/cm²))"),
        ("apd90_ms", "ms", "APD90 (ms)"),
        ("cv_isi", "1", "CV ISI"),
    ],
)
def test_columns_are_named_in_words(column, unit, label):
    assert column_label(column, unit) == label


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("Hodgkin and Huxley 1952, squid giant axon", ["Hodgkin and Huxley", "1952, squid giant axon"]),
        ("short", ["short"]),
    ],
)
def test_no_line_of_a_heading_is_a_single_word(text, lines):
    assert balanced(text, 36).splitlines() == lines


def test_save_writes_both_formats_and_nothing_else(tmp_path):
    svg, png = save(draw_all([amplitude()])[0], tmp_path / "new" / "fi.curves")
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == ["fi.curves.png", "fi.curves.svg"]
    assert ElementTree.parse(svg).getroot().tag.endswith("svg")
    assert imread(png).shape[1] == 1050  # 3.5 inch at 300 dpi
    text = svg.read_text()
    assert "date>" not in text
    words = [element.text for element in ElementTree.parse(svg).iter("{http://www.w3.org/2000/svg}text")]
    assert "APD90 (ms)" in words and "title" in words  # text can be searched, and edited in a drawing program
    assert "sans-serif" in text  # where no font of the list is installed


def test_text_stays_text_in_what_a_user_saves(tmp_path):
    figure = fi_curves(tables([amplitude()])[1], context(amplitude()))
    with matplotlib.rc_context({"svg.fonttype": "path", "savefig.dpi": 50}):
        figure.savefig(tmp_path / "own.svg")
        figure.savefig(tmp_path / "own.png")
    words = [text.text for text in ElementTree.parse(tmp_path / "own.svg").iter("{http://www.w3.org/2000/svg}text")]
    assert "Firing rate (Hz)" in words
    assert imread(tmp_path / "own.png").shape[1] == 3.5 * 50  # the user's resolution


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    figure = draw_all([amplitude()])[0]
    svg, _ = save(figure, tmp_path / "figure")
    old = svg.read_bytes()
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        save(draw_all([amplitude([1, 2])])[0], tmp_path / "figure")
    assert svg.read_bytes() == old
    assert sorted(p.name for p in tmp_path.iterdir()) == ["figure.png", "figure.svg"]


AXES = [amplitude(), axis("a", [1, 2, 3]), axis("b", [40, 50])]


def test_figures_are_the_same_bytes_each_time(tmp_path):
    """Drawn again, saved again, and whatever the user has set in matplotlib."""
    crossed = CHANGES["diverged"]
    first = [save(f, tmp_path / f"first{i}") for i, f in enumerate(draw_all(AXES, crossed))]
    user = {"font.size": 20, "axes.facecolor": "red", "svg.fonttype": "none", "savefig.dpi": 50, "image.cmap": "jet"}
    with matplotlib.rc_context(user):
        figures = draw_all(AXES, crossed)
        for i, figure in enumerate(figures):
            save(figure, tmp_path / f"once{i}")
        second = [save(f, tmp_path / f"second{i}") for i, f in enumerate(figures)]
        assert matplotlib.rcParams["font.size"] == 20
    for one, two in zip(itertools.chain(*first), itertools.chain(*second), strict=True):
        assert one.read_bytes() == two.read_bytes()


def test_positions_are_rounded():
    """The solver behind matplotlib's layouts gives other last bits in other processes."""
    for figure in draw_all(AXES):
        for axes in figure.axes:
            position = np.array(axes.get_position(original=True).bounds)
            np.testing.assert_allclose(position, position.round(5), rtol=0, atol=1e-12)


def test_figures_are_the_same_bytes_in_another_process(tmp_path):
    script = "import sys; from tests.test_figures import *; save(trace_panel(traces(2), context()), sys.argv[1])"
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        subprocess.run([sys.executable, "-c", script, str(tmp_path / seed)], check=True, env=environment)
    for end in ("svg", "png"):
        assert (tmp_path / f"1.{end}").read_bytes() == (tmp_path / f"2.{end}").read_bytes()


def test_pyplot_is_not_needed():
    rooms = ", ".join(f"hhcore.protocols.{room}.figures" for room in ROOMS)
    script = f"import sys, {rooms}; sys.exit('matplotlib.pyplot' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", script], env=environment).returncode == 0
