"""F-I curves: steady rate against amplitude, and the features of each curve.

A curve is all points that share every axis but the amplitude. A neuron fires repetitively if at least two spikes lie
inside the analysis window and the last spike of the run is not before the middle of the window. This separates lasting
firing from the few spikes that a step from rest evokes before the neuron falls silent. It loses no periodic train: of
two or more spikes at even intervals, the last always lies in the later half. Only repetitive firing has a steady
rate above 0. The amplitudes of the grid are the only ones, so an onset is known to their spacing.
"""

from dataclasses import dataclass

import numpy as np

from hhcore.protocols.current_clamp.oscillation import undetected
from hhcore.simulation.features import FAILED
from hhcore.simulation.observers.extremes import OSCILLATION_MV

REPETITIVE = (
    "at least two spikes in the analysis window, and the last spike of the run not before the middle of the window "
    "(of its part with stimulus, if it has one)"
)
CURVE_DEFINITIONS = {
    "curve": ("1", "number of the curve, in the order of the grid"),
    "steady_rate_Hz": (
        "Hz",
        f"1 over the mean interval between spikes in the analysis window; 0 without repetitive firing: {REPETITIVE}",
    ),
    "spike_count_rate_Hz": ("Hz", "spikes in the analysis window over the length of the window"),
    "first_interval_rate_Hz": ("Hz", "1 over the interval between the first two spikes of the run"),
}


def summary_definitions(unit: str, suffix: str) -> dict[str, tuple[str, str]]:
    """Columns of the F-I summary, (unit, definition) each, for amplitudes in `unit`, written `suffix` in names."""
    gain_unit = f"Hz/({unit})" if suffix else "Hz"
    return {
        "curve": CURVE_DEFINITIONS["curve"],
        _name("rheobase", suffix): (
            unit,
            "smallest amplitude of the grid, from 0 on, with a spike in the run; as fine as the grid",
        ),
        _name("onset_amplitude", suffix): (
            unit,
            f"smallest amplitude of the grid with repetitive firing: {REPETITIVE}",
        ),
        "onset_rate_Hz": ("Hz", "steady rate at the onset amplitude"),
        _gain_name(suffix): (
            gain_unit,
            "slope of the steady rate from the onset amplitude to the next higher one with repetitive firing",
        ),
        "max_rate_Hz": ("Hz", "largest steady rate of the curve"),
        _name("firing_ends", suffix): (
            unit,
            "largest amplitude of the grid with repetitive firing, if at a larger one the neuron neither fires so nor "
            "diverges",
        ),
        "failed_neurons": ("1", "neurons of the curve that failed; they count as neither firing nor silent"),
        "undetected_oscillations": (
            "1",
            f"neurons that oscillate by more than {OSCILLATION_MV:g} mV, with a maximum and a minimum at least, inside "
            "the analysis window without a spike there",
        ),
    }


@dataclass(frozen=True)
class Curves:
    """The points of a grid sorted into curves.

    row    : int64 (curves, m), rows of the grid by increasing amplitude; -1 pads short curves
    first  : int64 (curves,), the first row of each curve in the grid
    number : int64 (n,), the curve of each row of the grid
    """

    row: np.ndarray
    first: np.ndarray
    number: np.ndarray


def curves(amplitude: np.ndarray, others: list[np.ndarray]) -> Curves:
    """Sort n points into curves: amplitude float64 (n,), the other axes as float64 (n,) each."""
    n = len(amplitude)
    key = np.zeros(n, dtype=np.int64)
    for values in others:
        _, level = np.unique(values, return_inverse=True)
        _, key = np.unique(key * (level.max() + 1) + level, return_inverse=True)
    _, first, number = np.unique(key, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))  # curves in order of first appearance
    number, first = rank[number], np.sort(first)
    order = np.lexsort((amplitude, number))
    length = np.bincount(number)
    starts = np.r_[0, np.cumsum(length)[:-1]]
    column = np.arange(n) - starts[number[order]]
    row = np.full((len(first), length.max()), -1, dtype=np.int64)
    row[number[order], column] = order
    return Curves(row, first, number)


def steady_rate(
    features: dict[str, np.ndarray],
    window: tuple[float, float],
    start: float | np.ndarray = -np.inf,
    stop: float | np.ndarray = np.inf,
) -> np.ndarray:
    """Rate of repetitive firing (see REPETITIVE), float64 (n,) [Hz]: 0 without it, NaN of neurons that failed.

    features    : columns of features, (n,) each
    window      : (start, stop) of the analysis window [ms]
    start, stop : when the stimulus begins and ends [ms], a number or float64 (n,) each
    """
    spikes_in_window = np.rint(features["spike_count_rate_Hz"] * (window[1] - window[0]) / 1000.0)
    begin, end = np.maximum(window[0], start), np.minimum(window[1], stop)
    middle = np.where(begin < end, (begin + end) / 2, sum(window) / 2)
    repetitive = (spikes_in_window >= 2) & (features["last_spike_ms"] >= middle)
    return np.where(repetitive | np.isnan(spikes_in_window), features["firing_rate_Hz"], 0.0)


def curve_table(
    curves: Curves, features: dict[str, np.ndarray], steady: np.ndarray, first_interval: np.ndarray
) -> dict[str, np.ndarray]:
    """Columns of the F-I curves in the order (curve, amplitude), and `row`, the grid row of each.

    features       : columns of features, (n,) each
    steady         : float64 (n,) [Hz], see `steady_rate`
    first_interval : float64 (n,) [ms], see hhcore.simulation.features.first_intervals
    """
    rows = curves.row[curves.row >= 0]
    failed = np.isin(np.asarray(features["status"])[rows], FAILED)
    return {
        "row": rows,
        "curve": curves.number[rows],
        "steady_rate_Hz": steady[rows],
        "spike_count_rate_Hz": features["spike_count_rate_Hz"][rows],
        "first_interval_rate_Hz": np.where(failed, np.nan, 1000.0 / first_interval[rows]),
    }


def summary_table(
    curves: Curves,
    amplitude: np.ndarray,
    features: dict[str, np.ndarray],
    steady: np.ndarray,
    suffix: str,
) -> dict[str, np.ndarray]:
    """Columns of the F-I summary, one value per curve, NaN if it has none; see summary_definitions.

    amplitude : float64 (n,)
    features  : columns of features, (n,) each
    steady    : float64 (n,) [Hz], see `steady_rate`
    suffix    : the unit of the amplitude as column names have it, "" without a unit
    """
    row, is_point = curves.row, curves.row >= 0
    failed = is_point & np.isin(np.asarray(features["status"])[row], FAILED)
    x = amplitude[row]
    rate = np.where(is_point, steady[row], np.nan)
    spiked = is_point & (np.ma.filled(features["spike_count"], 0)[row] > 0)
    repetitive = rate > 0
    onset, end = _first(repetitive), _last(repetitive)
    following = _first(repetitive & (np.arange(x.shape[1]) > onset[:, None]))
    falls_silent = _last(is_point & ~repetitive & ~failed) > end
    return {
        "curve": np.arange(len(x)),
        _name("rheobase", suffix): _at(x, _first(spiked & (x >= 0))),  # no spike after a hyperpolarisation
        _name("onset_amplitude", suffix): _at(x, onset),
        "onset_rate_Hz": _at(rate, onset),
        _gain_name(suffix): (_at(rate, following) - _at(rate, onset)) / (_at(x, following) - _at(x, onset)),
        "max_rate_Hz": np.fmax.reduce(rate, axis=1),
        _name("firing_ends", suffix): np.where(falls_silent, _at(x, end), np.nan),
        "failed_neurons": failed.sum(axis=1),
        "undetected_oscillations": (is_point & undetected(features)[row]).sum(axis=1),
    }


def _name(quantity: str, suffix: str) -> str:
    return f"{quantity}_{suffix}" if suffix else quantity


def _gain_name(suffix: str) -> str:
    return _name("onset_gain_Hz", suffix and f"per_{suffix}")


def _first(condition: np.ndarray) -> np.ndarray:
    """Index of the first true value of each row, -1 without any."""
    return np.where(condition.any(axis=1), condition.argmax(axis=1), -1)


def _last(condition: np.ndarray) -> np.ndarray:
    return np.where(condition.any(axis=1), condition.shape[1] - 1 - condition[:, ::-1].argmax(axis=1), -1)


def _at(values: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Value of each row at its index, NaN at -1."""
    return np.where(index >= 0, values[np.arange(len(values)), index], np.nan)
