"""Errors of heights and durations: a run compared with a finer one."""

import numpy as np

from hhcore.simulation.result import Result

OF_BEATS = ("ap_peak_mV", "max_upstroke_V_s", "apd50_ms", "apd90_ms")
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
    """The largest errors of OF_BEATS over the beats of each neuron that have an action potential in both runs."""
    ours, theirs = run.beat_columns, exact.beat_columns
    found = {}
    for name in OF_BEATS:
        error = np.full(len(exact.status), np.nan)
        np.fmax.at(error, theirs["neuron"], np.abs(ours[name] - theirs[name]))
        size = theirs[name] - (theirs["resting_potential_mV"] if name == "ap_peak_mV" else 0.0)
        found[name] = error, float(np.nanmax(size, initial=0.0))
    return found
