"""Rows of traces.parquet: straight lines between them follow the whole time course, and there are few."""

import itertools

import numpy as np
import pyarrow.parquet as pq
import pytest

import hhcore
from hhcore.config.reader import read_experiments
from hhcore.protocols.traces.table import BOUND, write_traces
from hhcore.protocols.traces.thinning import kept

RNG = np.random.default_rng(1)


def reachable(time, values, off, first, last) -> bool:
    """Whether a straight line from one sample to another passes all between."""
    line = values[first] + (values[last] - values[first]) * ((time - time[first]) / (time[last] - time[first]))[:, None]
    return bool((np.abs(line - values) <= off * (1 + 1e-9))[first : last + 1].all())


def farthest(time, values, bound) -> list[int]:
    """The same by trying every line: from each kept sample the last one, so far as all before it are reached."""
    off, found = bound * np.ptp(values, axis=0), [0]
    while found[-1] < len(time) - 1:
        first = found[-1]
        tried = ((end, reachable(time, values, off, first, end)) for end in range(first + 1, len(time)))
        found.append([end for end, _ in itertools.takewhile(lambda pair: pair[1], tried)][-1])
    return found


CURVES = {
    "walk": np.cumsum(RNG.normal(size=(300, 3)), axis=0),
    "waves": np.column_stack([np.sin(np.arange(300) / 7), np.exp(-np.arange(300) / 50)]),
    "step": np.column_stack([np.r_[np.zeros(100), np.ones(200)], np.arange(300.0)]),
}


@pytest.mark.parametrize("bound", [1e-4, 1e-2, 0.3])
@pytest.mark.parametrize("values", CURVES.values(), ids=CURVES)
def test_as_few_samples_are_kept_as_by_trying_every_line(values, bound):
    time = np.cumsum(RNG.uniform(0.01, 1, size=len(values)))
    assert kept(time, values, bound).tolist() == farthest(time, values, bound)


def test_a_line_keeps_its_ends_and_rounding_is_no_bend():
    time = np.arange(1000.0)
    noise = -65 + 1e-13 * RNG.normal(size=1000)
    assert kept(time, np.column_stack([3 * time, np.full(1000, 7.0), noise]), 1e-4).tolist() == [0, 999]
    assert kept(np.array([0.0]), np.zeros((1, 2)), 1e-4).tolist() == [0]


def written(tmp_path, **changes):
    config = {
        "model": "hodgkin_huxley_1952",
        "stimulus": {"kind": "step", "amplitude": 10, "start": 5.01},
        "initial_state": "rest",
        "duration": 100,
        "solver": {"method": "tsit5", "local_error": 1e-6},
        "traces": [{}, {"amplitude": 0}],
    }
    (experiment,) = read_experiments({"experiments": {"e": config | changes}}).values()
    write_traces(experiment, {}, tmp_path / "traces.parquet")
    return pq.read_table(tmp_path / "traces.parquet")


def test_straight_lines_between_rows_follow_the_time_course(tmp_path):
    table = written(tmp_path)
    assert "every 0.025 ms" in table.schema.metadata[b"hhcore.interval"].decode()
    found = table.to_pandas()
    assert (found.trace == 0).sum() < 4001 / 2 and (found.trace == 1).sum() < 10  # of 4001 each
    rows = found[found.trace == 0]
    exact = hhcore.trace("hodgkin_huxley_1952", {}, hhcore.Step(10, 5.01), duration=100).frame
    exact = exact[~exact.time_ms.duplicated(keep="last")]  # what flows from the edge on
    assert rows.time_ms.isin(exact.time_ms).all() and rows.time_ms.iloc[-1] == 100
    for name in exact:
        line = np.interp(exact.time_ms, rows.time_ms, rows[name])
        assert np.abs(line - exact[name]).max() <= BOUND * np.ptp(exact[name]) * (1 + 1e-9), name


@pytest.mark.parametrize("interval", [0.025, 0.7])
def test_a_pulse_is_a_rectangle(tmp_path, interval):
    """Its area is 10 uA/cm^2 times 0.1 ms, by the trapezoidal rule: off the grid of samples, and of the rows kept."""
    stimulus = {"kind": "step", "amplitude": 10, "start": 5.01, "stop": 5.11}
    rows = written(tmp_path, stimulus=stimulus, traces=[{}]).to_pandas()
    course = hhcore.trace("hodgkin_huxley_1952", {}, hhcore.Step(10, 5.01, 5.11), duration=100, interval=interval).frame
    for frame in (rows, course):
        assert np.trapezoid(frame.stimulus_uA_cm2, frame.time_ms) == pytest.approx(1.0, rel=1e-12)
        assert (frame.time_ms == 5.01).sum() == (frame.time_ms == 5.11).sum() == 2


def test_a_neuron_that_fails_keeps_all_samples(tmp_path):
    rows = written(tmp_path, duration=20, traces=[{"membrane.C": 1e-4, "start": 0}]).to_pandas()
    exact = hhcore.trace("hodgkin_huxley_1952", {"membrane.C": 1e-4}, hhcore.Step(10), duration=20)
    assert rows.status.eq(exact.status).all() and exact.status == "stalled" and len(rows) == len(exact["time"])
