"""Figures of grids that are too large to be drawn whole: which rows they hold, and that the heading tells."""

import numpy as np
import pyarrow as pa
import pytest

from hhcore.config.reader import read_experiments
from hhcore.figures.context import figure_context
from hhcore.figures.limits import MAX_POINTS, MAX_VALUES
from hhcore.protocols.certification.figures import accuracy_map
from hhcore.protocols.fi.figures import fi_curves, oscillation_range, sampled_curves, spike_count_map
from hhcore.protocols.sensitivity.figures import sample_scatter

DESIGN = {
    "parameters": {"sodium.g": {"uniform": [90, 150]}, "leak.g": {"uniform": [0.1, 0.5]}},
    "sample": {"kind": "sobol", "n": 1 << 16, "seed": 1},
}
GRID = {"parameters": {"sodium.g": {"linspace": [90, 150, 400]}}}


def experiment(amplitudes, certify="sample", **changes):
    config = {
        "model": "hodgkin_huxley_1952",
        "stimulus": {"kind": "step", "amplitude": {"linspace": [0, 40, amplitudes]}},
        "initial_state": "model",
        "duration": 60,
        "solver": {"method": "tsit5", "local_error": 1e-6, "certify": certify},
    }
    return read_experiments({"experiments": {"e": config | changes}})["e"]


def features(e):
    """What the figures read of features and fi_curves: a rate that is the amplitude, and no spikes."""
    axes, n = e.coordinates(range(e.n_points)), e.n_points
    amplitude = axes["amplitude_uA_cm2"]
    tested = np.full(n, False if e.certify == "all" else None, dtype=object)
    tested[:7] = True
    columns = {"spike_count": amplitude, "firing_rate_Hz": amplitude, "fragile": tested}
    columns |= {"steady_rate_Hz": amplitude, "spike_count_rate_Hz": amplitude}
    columns |= {
        "peak_mV": amplitude,
        "trough_mV": -amplitude,
        "turning_points": amplitude,
        "first_interval_rate_Hz": amplitude,
    }
    columns |= {
        "status": np.full(n, "ok"),
        "spike_time_error_us": np.ones(n),
        "curve": np.arange(n) // len(e.axes[0].values),
    }
    return pa.RecordBatch.from_pydict(axes | columns)


def drawable(e, *without):
    """The rows that figures may show of a table without some columns, as a frame, and their context."""
    rows, context = features(e).drop_columns(list(without)), figure_context(e)
    return rows.filter(pa.array(context.shows(rows))).to_pandas(), context


def heading(figure) -> str:
    return " ".join(figure._suptitle.get_text().split())


def close(count: int, expected: float) -> bool:
    """Within five standard deviations of a binomial number."""
    return abs(count - expected) < 5 * expected**0.5


def test_a_large_design_is_drawn_in_part_the_same_points_in_every_table():
    e = experiment(3, **DESIGN)
    table, context = drawable(e, "fragile")
    middle = table[table.amplitude_uA_cm2 == 20]
    assert close(len(middle), MAX_POINTS) and len(table) == 3 * len(middle)
    assert close((middle.sodium_g_mS_cm2 < 105).sum(), len(middle) / 4)
    assert close((middle.leak_g_mS_cm2 < 0.2).sum(), len(middle) / 4)
    curves, _ = drawable(e, "fragile", "peak_mV", "status")
    assert curves.sodium_g_mS_cm2.tolist() == table.sodium_g_mS_cm2.tolist()
    assert f"{len(middle):,} of 65,536 points of the design" in heading(sample_scatter(table, context))
    assert f"{len(middle):,} of 65,536 neurons" in heading(sampled_curves(curves, context))


def test_a_small_design_is_drawn_whole():
    e = experiment(3, **DESIGN | {"sample": {"kind": "sobol", "n": 1 << 10, "seed": 1}})
    table, context = drawable(e, "fragile")
    assert len(table) == 3 * 1024
    assert "points of the design" not in heading(sample_scatter(table, context))


@pytest.mark.parametrize(("certify", "expected"), [("sample", 7), ("all", MAX_POINTS)])
def test_tested_neurons_are_all_shown_or_as_many_as_fit(certify, expected):
    e = experiment(200, certify, **GRID)
    table, context = drawable(e)
    tested = context.tested(table)
    assert (tested.fragile == True).sum() == 7  # noqa: E712 (null where not tested)
    assert len(tested) == 7 if certify == "sample" else close(len(tested), expected)
    words = {
        "sample": "7 of 80,000 neurons were",
        "all": f"{len(tested):,} of 80,000 are shown",
    }
    told = heading(accuracy_map(tested, context))
    assert words[certify] in told and ("all 80,000 neurons were tested" in told) == (certify == "all")


def test_of_long_axes_every_other_value_is_drawn_whatever_was_tested():
    e = experiment(1001, "all", **GRID)
    table, context = drawable(e)
    amplitude, sodium = context.axes
    assert len(amplitude.values) == 251 and len(sodium.values) <= MAX_VALUES
    assert {0.0, 40.0} <= set(amplitude.values) < set(e.coordinates(range(1001))["amplitude_uA_cm2"])
    assert len(table) < 251 * len(sodium.values) + 1.1 * MAX_POINTS
    figure = spike_count_map(table, context)
    assert "251 of 1,001 values of amplitude" in heading(figure)
    assert f"{len(sodium.values)} of 400 values of sodium.g" in heading(figure)
    cells = figure.axes[0].collections[0].get_array()
    assert cells.shape == (len(sodium.values), 251) and (cells == np.sort(amplitude.values)).all()
    family = fi_curves(table, context)
    assert "251 of 1,001 values of amplitude" in heading(family) and "12 of 400 values of sodium.g" in heading(family)
    x = family.axes[0].lines[0].get_xdata()
    x = x[np.isfinite(x)]  # a gap lies between 0 and the rest
    assert x.tolist() == np.sort(amplitude.values).tolist()


def test_zipped_axes_keep_a_part_of_their_points():
    e = experiment(80000, combine="zip", parameters={"sodium.g": {"linspace": [90, 150, 80000]}})
    table, context = drawable(e, "fragile")
    assert close(len(table), MAX_POINTS)
    for draw in (fi_curves, spike_count_map, oscillation_range):
        assert f"{len(table):,} of 80,000 neurons" in heading(draw(table, context))
