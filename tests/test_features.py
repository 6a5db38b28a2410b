"""Features of spike trains: hand calculation, an obvious slow twin, and independence of neighbours."""

import math
import statistics
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hhcore.simulation.features import DEFINITIONS, features, first_intervals
from hhcore.simulation.spike_errors import spike_time_errors

pytestmark = pytest.mark.filterwarnings("error")
WINDOW = (200.0, 1000.0)
nan = math.nan


def pack(trains):
    """Spike times one after the other, and offsets."""
    offsets = np.cumsum([0, *map(len, trains)])
    return np.array([t for train in trains for t in train], dtype=np.float64), offsets


def of(trains, window=WINDOW, status=None):
    n = len(trains)
    status = np.array(status if status is not None else ["ok"] * n, dtype=object)
    error, fragile = np.full(n, nan), np.full(n, nan)
    extremes = np.arange(n) + 30.0, np.arange(n) - 70.0, np.arange(n) + 2.0
    return features(*pack(trains), window, *extremes, status, np.full(n, 44.0), error, fragile)


PASSED_THROUGH = ("peak_mV", "trough_mV", "turning_points", "status", "failed_ms", "spike_time_error_us", "fragile")


def row(found, i=0):
    return {name: found[name][i] for name in DEFINITIONS if name not in PASSED_THROUGH}


def bits(found):
    """Everything but the words, as raw bytes: NaN equals NaN, 0.0 does not equal -0.0."""
    return {name: np.ma.filled(found[name], -1).tobytes() for name in DEFINITIONS if name != "status"}


EDGES = {
    # train: spike_count, firing_rate_Hz, spike_count_rate_Hz, first, last, mean_isi, cv_isi, adaptation_index, by hand
    "no spike": ([], [0, 0, 0, nan, nan, nan, nan, nan]),
    "one spike": ([500], [1, nan, 1.25, 500, 500, nan, nan, nan]),
    "two spikes": ([500, 600], [2, 10, 2.5, 500, 600, 100, nan, nan]),
    # intervals 100 and 300: mean 200, deviation 100, adaptation (300 - 100) / 400
    "three spikes": ([500, 600, 900], [3, 5, 3.75, 500, 900, 200, 0.5, 0.5]),
    # intervals 300, 100, 300: mean 700 / 3, variance 80000 / 9, adaptation (-0.5 + 0.5) / 2
    "four spikes": ([210, 510, 610, 910], [4, 30 / 7, 5, 210, 910, 700 / 3, math.sqrt(80000) / 700, 0]),
    "a spike at the start counts": ([200], [1, nan, 1.25, 200, 200, nan, nan, nan]),
    "a spike at the stop does not": ([1000], [1, 0, 0, 1000, 1000, nan, nan, nan]),
    "at both edges": ([200, 600, 1000], [3, 2.5, 2.5, 200, 1000, 400, nan, nan]),
    "none inside": ([10, 30, 60], [3, 0, 0, 10, 60, nan, nan, nan]),
    "an interval across the edge is left out": ([190, 210, 240], [3, 100 / 3, 2.5, 190, 240, 30, nan, nan]),
    "on both sides of the window": ([100, 1100], [2, 0, 0, 100, 1100, nan, nan, nan]),
}


@pytest.mark.parametrize(("train", "expected"), EDGES.values(), ids=EDGES)
@pytest.mark.parametrize("others", [[], [[], [300, 301, 350]]], ids=["alone", "between others"])
def test_edge_trains(train, expected, others):
    found = row(of([*others, train, *others]), len(others))
    assert list(found.values()) == pytest.approx(expected, rel=1e-14, nan_ok=True)


def test_peak_trough_and_status_are_passed_through():
    found = of([[300], []], status=["ok", "no_stable_rest"])
    assert found["peak_mV"].tolist() == [30, 31]
    assert found["trough_mV"].tolist() == [-70, -69]
    assert found["turning_points"].tolist() == [2, 3]
    assert found["status"].tolist() == ["ok", "no_stable_rest"]
    assert row(found)["spike_count"] == 1


def test_errors_are_in_microseconds_and_fragile_is_null_where_it_is_not_known():
    nothing = np.zeros(3)
    status = np.array(["ok"] * 3)
    numerics = np.array([nan, 2e-3, 0.0]), np.array([nan, 1.0, 0.0])
    found = features(*pack([[], [300], [400]]), WINDOW, nothing, nothing, nothing, status, nothing, *numerics)
    assert found["spike_time_error_us"] == pytest.approx([nan, 2.0, 0.0], nan_ok=True)
    assert found["fragile"].tolist() == [None, True, False]


def test_a_spike_that_one_train_lacks_counts_as_one_at_the_end_of_the_run():
    trains = [[1.0, 2.5], [3.0], [], [7.0], [], [1.0, 9.75]]
    exact = [[1.1, 2.0, 9.9], [3.0], [5.0, 6.0], [], [], [1.0]]
    errors = [0.5, 0.0, 5.0, 3.0, nan, 0.25]
    assert spike_time_errors(*pack(trains), *pack(exact), 10.0) == pytest.approx(errors, nan_ok=True)


def test_names_and_types_are_those_of_the_definitions():
    found = of([[300], []])
    assert list(found) == list(DEFINITIONS)
    counts = ("spike_count", "turning_points")
    assert all(found[name].dtype == np.int32 for name in counts)
    kinds = {found[name].dtype for name in DEFINITIONS if name not in (*counts, "status", "fragile")}
    assert found["fragile"].dtype == np.bool_
    assert kinds == {np.dtype(np.float64)}


def test_a_diverged_neuron_has_no_features():
    found = of([[300, 310, 330], [300, 310, 330]], status=["diverged", "no_stable_rest"])
    numbers = [name for name in DEFINITIONS if name not in PASSED_THROUGH[3:]]
    assert all(np.isnan(np.ma.filled(found[name].astype(float), np.nan)[0]) for name in numbers)
    assert not any(np.isnan(np.ma.filled(found[name].astype(float), np.nan)[1]) for name in numbers)
    assert found["failed_ms"] == pytest.approx([44, nan], nan_ok=True)


def test_counts_are_integers_in_pandas_unless_one_is_missing():
    pandas = pytest.importorskip("pandas")
    assert pandas.DataFrame(of([[300], []])).spike_count.tolist() == [1, 0]
    missing = pandas.DataFrame(of([[300], []], status=["diverged", "ok"])).spike_count
    assert missing.isna().tolist() == [True, False]


def test_no_neurons_at_all():
    assert all(len(column) == 0 for column in of([]).values())


def test_adaptation_is_positive_where_firing_slows_down():
    slowing, speeding = np.cumsum(1.1 ** np.arange(30)), np.cumsum(0.9 ** np.arange(30))
    found = of([slowing, speeding], window=(0.0, 1000.0))
    # b = 1.1 a everywhere: (1.1 - 1) / (1.1 + 1)
    assert found["adaptation_index"] == pytest.approx([0.1 / 2.1, -0.1 / 1.9], rel=1e-9)


@pytest.mark.parametrize("length", [300.0, 700.0, 800.0, 33.3])
def test_counted_rates_are_rounded_once(length):
    """The double nearest to the exact quotient, so that equal rates of different windows are equal."""
    trains = [np.arange(count) / 8 for count in range(100)]
    exact = [float(Fraction(count) * 1000 / Fraction(length)) for count in range(100)]
    assert of(trains, window=(0.0, length))["spike_count_rate_Hz"].tolist() == exact


def test_the_rate_of_regular_firing_is_one_over_its_period():
    """Whatever the phase and the period; the count in a window of 0.8 s moves in steps of 1.25 Hz."""
    periods = np.linspace(11.0, 12.0, 41)
    for phase in (0.0, 3.3):
        found = of([np.arange(phase, 1000.0, period) for period in periods])
        assert found["firing_rate_Hz"] == pytest.approx(1000 / periods, rel=1e-12)
        assert set(found["spike_count_rate_Hz"] / 1.25) <= set(range(66, 75))


def slow(train, window):
    """The definitions, word for word, for one train."""
    inside = [t for t in train if window[0] <= t < window[1]]
    isi = [b - a for a, b in zip(inside, inside[1:], strict=False)]
    return {
        "spike_count": len(train),
        "firing_rate_Hz": 1000 / statistics.fmean(isi) if isi else nan if inside else 0.0,
        "spike_count_rate_Hz": len(inside) / ((window[1] - window[0]) / 1000),
        "first_spike_ms": train[0] if train else nan,
        "last_spike_ms": train[-1] if train else nan,
        "mean_isi_ms": statistics.fmean(isi) if isi else nan,
        "cv_isi": statistics.pstdev(isi) / statistics.fmean(isi) if len(isi) >= 2 else nan,
        "adaptation_index": statistics.fmean((b - a) / (b + a) for a, b in zip(isi, isi[1:], strict=False))
        if len(isi) >= 2
        else nan,
    }


# Times on a grid of 1/8 ms meet the edges of the window often, and no two spikes are closer than the grid.
trains = st.lists(st.lists(st.integers(0, 9600), max_size=12, unique=True).map(lambda t: [x / 8 for x in sorted(t)]))
irregular = st.lists(st.floats(0.01, 400.0), max_size=12).map(lambda isi: np.cumsum(isi).tolist())


@settings(deadline=None)
@given(st.one_of(trains, st.lists(irregular)))
def test_against_the_slow_twin(trains):
    found = of(trains)
    for i, train in enumerate(trains):
        assert row(found, i) == pytest.approx(slow(train, WINDOW), rel=1e-12, abs=1e-13, nan_ok=True)


def random_trains(n=300, seed=1):
    random = np.random.default_rng(seed)
    counts = random.integers(0, 40, n) * (random.random(n) < 0.7)
    return [np.cumsum(random.uniform(1, 60, count)) for count in counts]


def test_a_neuron_does_not_depend_on_its_neighbours():
    trains = random_trains()
    together = bits(of(trains))
    numbers = [name for name in together if name not in PASSED_THROUGH[:3]]
    for i in range(0, len(trains), 7):
        alone = bits(of([trains[i]]))
        for name in numbers:
            size = len(alone[name])
            assert alone[name] == together[name][i * size : (i + 1) * size], (name, i)


def test_order_does_not_matter():
    trains = random_trains()
    order = np.random.default_rng(2).permutation(len(trains))
    there, here = of(trains), of([trains[i] for i in order])
    for name in ("firing_rate_Hz", "spike_count_rate_Hz", "mean_isi_ms", "cv_isi", "adaptation_index"):
        assert there[name][order].tobytes() == here[name].tobytes()


def test_first_intervals():
    found = first_intervals(*pack([[], [5], [5, 8], [], [1, 2.5, 9]]))
    assert found.tolist() == pytest.approx([nan, nan, 3, nan, 1.5], nan_ok=True)


def test_every_definition_has_a_unit_that_its_name_ends_in():
    for name, (unit, definition) in DEFINITIONS.items():
        assert definition
        assert (unit == "1") != name.endswith(f"_{unit}")
