"""Errors of heights and durations: a run compared with a finer one."""

import numpy as np

from hhcore.simulation.beats import durations
from hhcore.simulation.result import Result

OF_SPIKES = ("ap_begin_mV", "ap_peak_mV", "ap_half_width_ms", "ap_upstroke_V_s", "ap_downstroke_V_s", "ahp_mV")
OF_RESPONSES = ("steady", "lowest")  # fields of a record
Errors = tuple[
    np.ndarray, float
]  # float64 (n,), NaN where there is nothing to compare; and the size of what they are of


def extreme_errors(run: Result, exact: Result) -> dict[str, Errors]:
    """Errors of `peak` and `trough` [mV], and their size: the swing from the lowest trough to the highest peak."""
    failed = run.failed | exact.failed
    ours, theirs = ({"peak": r.mV * r.peak[~failed], "trough": r.mV * r.trough[~failed]} for r in (run, exact))
    swing = float(max(theirs["peak"], default=0.0) - min(theirs["trough"], default=0.0))
    errors = {name: np.full(len(failed), np.nan) for name in theirs}
    for name in errors:
        errors[name][~failed] = np.abs(ours[name] - theirs[name])
    return {name: (error, swing) for name, error in errors.items()}


def beat_errors(run: Result, exact: Result) -> dict[str, Errors]:
    """The largest errors over the beats of each neuron that have an action potential in both runs.

    They are those of the peak, the largest dV/dt, and all durations that are measured.
    """
    ours, theirs = run.beat_columns, exact.beat_columns
    found = {}
    for name in ("ap_peak_mV", "max_upstroke_V_s", *durations(exact.measured)):
        error = np.full(len(exact.status), np.nan)
        np.fmax.at(error, theirs["neuron"], np.abs(ours[name] - theirs[name]))
        size = theirs[name] - (theirs["resting_potential_mV"] if name == "ap_peak_mV" else 0.0)
        found[name] = error, float(np.nanmax(size, initial=0.0))
    return found


def shape_errors(run: Result, exact: Result) -> dict[str, Errors]:
    """The largest errors of OF_SPIKES over the spikes that each neuron has in both runs, and those of OF_RESPONSES.

    Spikes are compared by their numbers. The size of potentials is the swing of `extreme_errors`, that of others the
    largest.
    """
    (_, swing), *_ = extreme_errors(run, exact).values()
    ours, theirs, n = run.shape_columns, exact.shape_columns, len(exact.status)
    rows = _in_both(run.record["shapes"].counts, exact.record["shapes"].counts)
    found = {}
    for name in OF_SPIKES:
        error = np.full(n, np.nan)
        np.fmax.at(error, theirs["neuron"][rows[1]], np.abs(ours[name][rows[0]] - theirs[name][rows[1]]))
        found[name] = error, swing if name.endswith("_mV") else float(np.nanmax(np.abs(theirs[name]), initial=0.0))
    sound = ~(run.failed | exact.failed)
    for name in OF_RESPONSES:
        error = np.full(n, np.nan)
        error[sound] = run.mV * np.abs(run.record[name][sound] - exact.record[name][sound])
        found[name] = error, swing
    return found


def _in_both(ours: np.ndarray, theirs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows of the items that lists of these lengths, int64 (n,) each, have both: int64 (k,) of each list."""
    both = np.minimum(ours, theirs)
    item = np.arange(both.sum()) - np.repeat(np.cumsum(both) - both, both)
    return tuple(np.repeat(np.cumsum(counts) - counts, both) + item for counts in (ours, theirs))
