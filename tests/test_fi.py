"""F-I curves and their summary on tables small enough to check by eye."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hhcore.protocols.current_clamp.oscillation import undetected
from hhcore.protocols.fi import curves as fi
from hhcore.simulation.features import features as features_of

pytestmark = pytest.mark.filterwarnings("error")
WINDOW = (200.0, 1000.0)
nan = math.nan


def neurons(rates, counts=None, last=None, turns=0, failed=(), inside=None):
    """Features as `features` makes them. By default a neuron that fires in the window does so to its end.

    inside : spikes in the window, by default enough for repetitive firing
    """
    rates = np.array(rates, dtype=float)
    inside = 9 * (rates > 0) if inside is None else np.array(inside)
    counts = rates if counts is None else np.array(counts, dtype=float)
    last = np.where(rates > 0, 990.0, np.where(counts > 0, 50.0, nan)) if last is None else np.array(last, dtype=float)
    bad = np.isin(np.arange(len(rates)), failed)
    return {
        "spike_count": np.ma.masked_array(counts.astype(np.int32), bad),
        **{
            name: np.where(bad, nan, column)
            for name, column in {
                "firing_rate_Hz": np.where(inside == 1, nan, rates),
                "spike_count_rate_Hz": inside / 0.8,
                "last_spike_ms": last,
            }.items()
        },
        "turning_points": np.ma.masked_array(np.broadcast_to(turns, len(rates)), bad),
        "status": np.where(bad, "diverged", "ok").astype(object),
    }


def summary(amplitude, features, others=(), start=-np.inf, stop=np.inf):
    amplitude = np.array(amplitude, dtype=float)
    found = fi.curves(amplitude, [np.array(column, dtype=float) for column in others])
    return fi.summary_table(found, amplitude, features, fi.steady_rate(features, WINDOW, start, stop), "uA_cm2")


def one(amplitude, features, **options):
    """The summary of a single curve, without its number."""
    table = summary(amplitude, features, **options)
    assert all(len(column) == 1 for column in table.values())
    return {name: column[0] for name, column in table.items() if name != "curve"}


def expected(**values):
    nothing = dict.fromkeys(
        ["rheobase_uA_cm2", "onset_amplitude_uA_cm2", "onset_rate_Hz", "onset_gain_Hz_per_uA_cm2", "max_rate_Hz"], nan
    )
    counts = {"firing_ends_uA_cm2": nan, "failed_neurons": 0, "undetected_oscillations": 0}
    return pytest.approx(nothing | counts | values, nan_ok=True, rel=1e-14)


# Silent, one spike at the onset of the step, three, then lasting firing, then block by depolarisation.
AMPLITUDE = [0, 2, 4, 6, 8, 10, 12]
RATES = [0, 0, 0, 50, 60, 65, 0]
COUNTS = [0, 1, 3, 52, 62, 67, 2]
FACTS = {
    "rheobase_uA_cm2": 2,
    "onset_amplitude_uA_cm2": 6,
    "onset_rate_Hz": 50,
    "onset_gain_Hz_per_uA_cm2": 5,  # (60 - 50) / (8 - 6)
    "max_rate_Hz": 65,
    "firing_ends_uA_cm2": 10,
}


def test_a_curve_with_onset_spikes_firing_and_block():
    assert one(AMPLITUDE, neurons(RATES, COUNTS)) == expected(**FACTS)


def test_amplitudes_in_any_order():
    order = [4, 0, 6, 2, 5, 1, 3]
    shuffled = [[values[i] for i in order] for values in (AMPLITUDE, RATES, COUNTS)]
    assert one(shuffled[0], neurons(*shuffled[1:])) == expected(**FACTS)


def test_negative_amplitudes():
    """The rheobase is a depolarising current, or 0 of a neuron that fires by itself."""
    found = one([2, -2, 0, -4], neurons([30, 10, 20, 0], [9, 9, 9, 0]))
    facts = {"rheobase_uA_cm2": 0, "onset_amplitude_uA_cm2": -2, "onset_rate_Hz": 10, "onset_gain_Hz_per_uA_cm2": 5}
    assert found == expected(**facts, max_rate_Hz=30)


def test_spikes_after_hyperpolarisation_have_no_rheobase():
    """Anode break: at -10 a spike, then silence up to 5."""
    assert math.isnan(one([-10, -5, 0, 5], neurons([0, 0, 0, 0], [1, 0, 0, 0]))["rheobase_uA_cm2"])
    assert one([-10, -5, 0, 5], neurons([0, 0, 0, 0], [1, 0, 0, 1]))["rheobase_uA_cm2"] == 5


def test_all_silent():
    assert one([0, 1, 2], neurons([0, 0, 0])) == expected(max_rate_Hz=0)


def test_fires_everywhere():
    """Onset and end lie outside the amplitudes: the smallest one is the onset, an end is not known."""
    facts = {"rheobase_uA_cm2": 1, "onset_amplitude_uA_cm2": 1, "onset_rate_Hz": 40, "onset_gain_Hz_per_uA_cm2": -2.5}
    assert one([1, 3, 4], neurons([40, 35, 60])) == expected(**facts, max_rate_Hz=60)


def test_spikes_that_die_out_are_no_largest_rate():
    found = one([1, 2], neurons([20, 30], last=[990, 400]))
    assert found["max_rate_Hz"] == 20
    assert found["firing_ends_uA_cm2"] == 1


@pytest.mark.parametrize(("inside", "onset", "rate"), [(0, nan, 0.0), (1, nan, 0.0), (2, 7.0, 3.0)])
def test_one_amplitude(inside, onset, rate):
    """One spike in the window is no repetitive firing and has no rate. Two are, with that of their interval."""
    found = one([7], neurons([3.0 * (inside > 0)], [3], inside=[inside]))
    onset_rate = nan if math.isnan(onset) else rate
    assert found == expected(
        rheobase_uA_cm2=7, onset_amplitude_uA_cm2=onset, onset_rate_Hz=onset_rate, max_rate_Hz=rate
    )


def test_firing_that_dies_out_in_the_window_is_not_repetitive():
    found = one([1, 2, 3], neurons([0, 10, 40], [0, 9, 45], last=[nan, 599.9, 990]))
    assert found["onset_amplitude_uA_cm2"] == 3
    assert found["rheobase_uA_cm2"] == 2


@pytest.mark.parametrize("period", [7.0, 133.0, 399.0, 533.0, 799.0])
def test_no_periodic_train_is_lost(period):
    """Whatever the phase, a train with two spikes in the window fires repetitively."""
    for phase in np.linspace(0, period, 50, endpoint=False):
        train = np.arange(phase, 1000.0, period)
        inside = train[train >= WINDOW[0]]
        if len(inside) >= 2:
            features = neurons([1000 / period], [len(train)], last=[train[-1]], inside=[len(inside)])
            assert one([1], features)["onset_amplitude_uA_cm2"] == 1


def test_firing_to_the_end_of_a_stimulus_that_ends_in_the_window():
    features = neurons([20, 20], last=[390, 290])
    assert one([1, 2], features, stop=400.0)["onset_amplitude_uA_cm2"] == 1
    assert one([1, 2], features, stop=400.0)["firing_ends_uA_cm2"] == 1
    assert math.isnan(one([1, 2], features)["onset_amplitude_uA_cm2"])
    assert one([1, 2], features, stop=np.array([900.0, 300.0]))["onset_amplitude_uA_cm2"] == 2


def test_onset_spikes_of_a_stimulus_that_starts_late():
    """Two spikes as the step begins at 700, then silence: the last must reach (700 + 1000) / 2, or (700 + 800) / 2."""
    features = neurons([2.5, 2.5], last=[712, 851], inside=[2, 2])
    assert one([1, 2], features, start=700.0)["onset_amplitude_uA_cm2"] == 2
    assert one([1, 2], neurons([2.5, 2.5], last=[712, 751]), start=700.0, stop=800.0)["onset_amplitude_uA_cm2"] == 2
    assert one([1, 2], features, start=np.array([100.0, 900.0]))["onset_amplitude_uA_cm2"] == 1


def test_a_stimulus_that_is_over_before_the_window_leaves_the_whole_window_to_judge():
    features = neurons([20, 20], last=[590, 610])
    for stop in (50.0, WINDOW[0]):
        assert one([1, 2], features, stop=stop)["onset_amplitude_uA_cm2"] == 2


def test_two_spikes_are_two_in_a_window_of_any_length():
    """From spikes to rate and back: in windows such as 2.7 ms, 2 * 1000 / 2.7 * 2.7 / 1000 is below 2."""
    amplitude = np.array([1.0, 2.0])
    found = fi.curves(amplitude, [])
    for length in np.arange(1, 400) / 10:
        window = (0.0, float(length))
        times, offsets = np.array([0.5, 0.4, 0.6]) * length, np.array([0, 1, 3])
        nothing = np.zeros(2)
        features = features_of(
            times, offsets, window, nothing, nothing, nothing, np.array(["ok", "ok"]), nothing, nothing, nothing
        )
        steady = fi.steady_rate(features, window)
        assert fi.summary_table(found, amplitude, features, steady, "")["onset_amplitude"] == [2], length


def test_failures_are_neither_firing_nor_silent():
    rates, counts = [0, 9, 0, 50, 9, 70, 9], [0, 9, 3, 52, 9, 72, 9]
    found = one(AMPLITUDE, neurons(rates, counts, failed=[1, 4, 6]))
    # The failure at 8 is skipped: (70 - 50) / (10 - 6). That at 12 does not say that firing ends.
    facts = {"rheobase_uA_cm2": 4, "onset_amplitude_uA_cm2": 6, "onset_rate_Hz": 50, "onset_gain_Hz_per_uA_cm2": 5}
    assert found == expected(**facts, max_rate_Hz=70, failed_neurons=3)


def test_all_failed():
    assert one([0, 1], neurons([5, 5], failed=[0, 1])) == expected(failed_neurons=2)


def test_a_gap_between_two_ranges_of_firing():
    """Where firing comes back, it ends at the end of the last range; the gain skips the gap."""
    found = one([1, 2, 3, 4], neurons([10, 0, 30, 0]))
    assert found["onset_gain_Hz_per_uA_cm2"] == 10
    assert found["firing_ends_uA_cm2"] == 3


def test_undetected_oscillations_turn_twice_without_a_spike_in_the_window():
    turns = neurons([0, 0, 0, 40], turns=np.array([1, 2, 20, 20]))
    assert one([1, 2, 3, 4], turns)["undetected_oscillations"] == 2
    assert undetected(turns).tolist() == [False, True, True, False]
    failed = one([1, 2], neurons([0, 0], turns=20, failed=[1]))
    assert failed["undetected_oscillations"] == 1


def test_curves_are_numbered_in_the_order_of_the_grid():
    #      curve:  0   1   0   1   2   2
    g_na = [120, 100, 120, 100, 120, 120]
    g_k = [36, 36, 36, 36, 20, 20]
    found = fi.curves(np.array([2.0, 1.0, 1.0, 2.0, 2.0, 1.0]), [np.array(g_na), np.array(g_k)])
    assert found.number.tolist() == [0, 1, 0, 1, 2, 2]
    assert found.first.tolist() == [0, 1, 4]
    assert found.row.tolist() == [[2, 0], [1, 3], [5, 4]]


def test_curves_do_not_see_each_other():
    amplitude = [2, 1, 3, 1, 2, 3, 1, 2, 3]
    other = [7, 7, 7, 5, 5, 5, 6, 6, 6]
    table = summary(amplitude, neurons([40, 0, 50, 0, 0, 0, 20, 22, 0]), [other])
    assert table["curve"].tolist() == [0, 1, 2]
    assert table["onset_amplitude_uA_cm2"].tolist() == pytest.approx([2, nan, 1], nan_ok=True)
    assert table["onset_gain_Hz_per_uA_cm2"].tolist() == pytest.approx([10, nan, 2], nan_ok=True)
    assert table["firing_ends_uA_cm2"].tolist() == pytest.approx([nan, nan, 2], nan_ok=True)
    assert table["max_rate_Hz"].tolist() == [50, 0, 22]


def test_curves_of_unequal_length():
    """Rows of one curve each, as zipped axes make them, beside a longer one."""
    found = summary([1, 2, 1, 5], neurons([0, 30, 0, 60]), [[1, 1, 1, 2], [4, 4, 5, 5]])
    assert found["max_rate_Hz"].tolist() == [30, 0, 60]
    assert found["rheobase_uA_cm2"].tolist() == pytest.approx([2, nan, 5], nan_ok=True)
    assert found["onset_amplitude_uA_cm2"].tolist() == pytest.approx([2, nan, 5], nan_ok=True)
    assert found["firing_ends_uA_cm2"].tolist() == pytest.approx([nan, nan, nan], nan_ok=True)


@pytest.mark.parametrize("last", ["fires", "failed", "swings"])
def test_what_pads_a_short_curve_does_not_count(last):
    """The second of three curves is shorter than the first; the last row of the grid is another curve's."""
    amplitude, other = [1, 2, 3, 1, 2, 5], [7, 7, 7, 8, 8, 9]
    fires, failed = last == "fires", [5] if last == "failed" else []
    turns = np.array([0, 0, 0, 0, 0, 20 * (last == "swings")])
    features = neurons([0, 0, 0, 10, 0, 60 * fires], [0, 0, 0, 9, 0, 60 * fires], turns=turns, failed=failed)
    table = summary(amplitude, features, [other])
    short = {name: column[1] for name, column in table.items() if name != "curve"}
    facts = {"rheobase_uA_cm2": 1, "onset_amplitude_uA_cm2": 1, "onset_rate_Hz": 10, "max_rate_Hz": 10}
    assert short == expected(**facts, firing_ends_uA_cm2=1)


def slow(points, start, stop):
    """The summary of one curve as its definitions read.

    points : (amplitude, status, count, inside, rate, last, turns)
    """
    points = sorted(points)
    fine = [point for point in points if point[1] != "diverged"]
    begin, end = max(start, WINDOW[0]), min(stop, WINDOW[1])
    middle = (begin + end) / 2 if begin < end else 600.0
    firing = [(x, rate) for x, _, _, inside, rate, last, _ in fine if inside >= 2 and last >= middle]
    silent = [x for x, *_ in fine if x not in dict(firing)]
    (onset, rate), (end, _) = (firing[0], firing[-1]) if firing else ((nan, nan), (nan, nan))
    return [
        min((x for x, _, count, *_ in fine if count and x >= 0), default=nan),
        onset,
        rate,
        (firing[1][1] - rate) / (firing[1][0] - onset) if len(firing) > 1 else nan,
        max((rate for _, rate in firing), default=0.0 if fine else nan),
        end if firing and silent and max(silent) > end else nan,
        len(points) - len(fine),
        sum(inside == 0 and turns >= 2 for *_, inside, _, _, turns in fine),
    ]


@st.composite
def neuron(draw):
    """Status, spikes in the run, spikes in the window, their rate, last spike, turning points."""
    status = draw(st.sampled_from(["ok", "ok", "no_stable_rest", "diverged"]))
    inside, outside = draw(st.integers(0, 4)), draw(st.integers(0, 2))
    last = draw(st.sampled_from([200.0, 300.0, 599.0, 600.0, 900.0])) if inside else 50.0 if outside else nan
    rate = draw(st.sampled_from([2.0, 30.0, 31.5])) if inside else 0.0
    return status, inside + outside, inside, rate, last, draw(st.integers(0, 3))


@settings(deadline=None)
@given(
    grid=st.dictionaries(st.tuples(*[st.integers(-3, 3)] * 3), neuron(), min_size=1, max_size=40),
    start=st.sampled_from([0.0, 200.0, 450.0, 850.0, 1000.0]),
    stop=st.sampled_from([100.0, 200.0, 500.0, 1000.0, math.inf]),
    random=st.randoms(use_true_random=False),
)
def test_against_the_slow_twin(grid, start, stop, random):
    """Grids with any points left out, in any order, of an amplitude and two other axes."""
    points = list(grid.items())
    random.shuffle(points)
    x, a, b = np.array([point for point, _ in points], dtype=float).T
    status, count, inside, rate, last, turns = map(np.array, zip(*(values for _, values in points), strict=True))
    failed = np.flatnonzero(status == "diverged")
    features = neurons(rate, count, last, failed=failed, inside=inside, turns=turns) | {"status": status}
    found = summary(x, features, [a, b], start=start, stop=stop)

    curves = {}
    for (amplitude, *others), values in points:
        curves.setdefault(tuple(others), []).append((amplitude, *values))
    rows = np.array(list(found.values())[1:]).T
    assert len(rows) == len(curves)
    for row, curve in zip(rows, curves.values(), strict=True):
        assert row.tolist() == pytest.approx(slow(curve, start, stop), rel=1e-12, nan_ok=True)


def test_ten_thousand_curves():
    """Curve i fires from its amplitude i % 150 on, with 10 Hz more at each next one."""
    curve, place = np.divmod(np.arange(10_000 * 161), 161)
    onset = np.arange(10_000) % 150
    features = neurons(np.maximum(0, 10.0 * (place - onset[curve] + 1)))
    found = summary(place / 4, features, [curve // 100, curve % 100])
    assert found["onset_amplitude_uA_cm2"].tolist() == (onset / 4).tolist()
    assert found["max_rate_Hz"].tolist() == (10.0 * (161 - onset)).tolist()
    assert set(found["onset_gain_Hz_per_uA_cm2"].tolist()) == {40.0}


def test_curve_table():
    amplitude, other = np.array([3.0, 1.0, 2.0, 1.0]), np.array([9.0, 9.0, 9.0, 8.0])
    features = neurons([60, 10, 20, 5], failed=[2], inside=[48, 8, 16, 1])
    steady = fi.steady_rate(features, WINDOW)
    found = fi.curve_table(fi.curves(amplitude, [other]), features, steady, np.array([10.0, nan, 20.0, 4.0]))
    assert found["row"].tolist() == [1, 2, 0, 3]
    assert found["curve"].tolist() == [0, 0, 0, 1]
    assert found["steady_rate_Hz"].tolist() == pytest.approx([10, nan, 60, 0], nan_ok=True)
    assert found["spike_count_rate_Hz"].tolist() == pytest.approx([10, nan, 60, 1.25], nan_ok=True)
    # The neuron in row 2 had fired twice before it diverged: that counts for nothing.
    assert found["first_interval_rate_Hz"].tolist() == pytest.approx([nan, nan, 100, 250], nan_ok=True)


@pytest.mark.parametrize(("unit", "suffix"), [("uA/cm^2", "uA_cm2"), ("1", "")])
def test_every_column_of_the_summary_is_defined(unit, suffix):
    amplitude = np.array([1.0, 2.0])
    table = fi.summary_table(fi.curves(amplitude, []), amplitude, neurons([0, 10]), np.array([0.0, 10.0]), suffix)
    definitions = fi.summary_definitions(unit, suffix)
    assert list(table) == list(definitions)
    assert all(definition for _, definition in definitions.values())
    assert not any(name.endswith("_") for name in definitions)
    assert definitions["rheobase_uA_cm2" if suffix else "rheobase"][0] == unit
