"""F-I curves: rate against amplitude, and what is read off each curve.

A curve is all points that share every axis but the amplitude. A neuron fires repetitively where at least two
spikes lie inside the analysis window: the few spikes that a step from rest evokes before the neuron falls
silent lie before the window, if the window starts late enough.
"""

from dataclasses import dataclass

import numpy as np

OSCILLATION_MV = 5.0  # a larger swing of the potential inside the window without a spike is counted as undetected

CURVE_DEFINITIONS = {
    "curve": ("1", "number of the curve, in the order of the grid"),
    "steady_rate_Hz": ("Hz", "spikes in the analysis window over the length of the window"),
    "first_interval_rate_Hz": ("Hz", "1 over the interval between the first two spikes of the run"),
}


def summary_definitions(unit: str, suffix: str) -> dict[str, tuple[str, str]]:
    """Columns of the F-I summary, (unit, definition) each, for amplitudes in `unit`."""
    return {
        "curve": CURVE_DEFINITIONS["curve"],
        f"rheobase_{suffix}": (unit, "smallest amplitude of the grid with a spike in the run"),
        f"onset_amplitude_{suffix}": (
            unit,
            "smallest amplitude of the grid with repetitive firing: at least two spikes in the analysis window",
        ),
        "onset_rate_Hz": ("Hz", "steady rate at the onset amplitude"),
        f"onset_gain_Hz_per_{suffix}": (
            f"Hz/({unit})",
            "slope of the steady rate from the onset amplitude to the next amplitude, if that fires repetitively too",
        ),
        "max_rate_Hz": ("Hz", "largest steady rate of the curve"),
        f"firing_ends_{suffix}": (
            unit,
            "largest amplitude of the grid with repetitive firing, if the curve goes on beyond it",
        ),
        "failed_neurons": ("1", "neurons of the curve that diverged"),
        "undetected_oscillations": (
            "1",
            f"neurons that swing by more than {OSCILLATION_MV:g} mV inside the analysis window without a spike",
        ),
    }


@dataclass(frozen=True)
class Curves:
    """The points of a grid sorted into curves.

    row    : int64 (curves, m), row of the grid for each amplitude, in increasing amplitude; -1 pads short curves
    first  : int64 (curves,), the first row of each curve in the grid
    number : int64 (n,), curve of each row of the grid
    """

    row: np.ndarray
    first: np.ndarray
    number: np.ndarray


def curves(amplitude: np.ndarray, others: list[np.ndarray]) -> Curves:
    """Sort n points into curves: amplitude float64 (n,), the other axes as float64 (n,) each."""
    n = len(amplitude)
    key = np.zeros(n, dtype=np.int64)
    for column in others:
        _, level = np.unique(column, return_inverse=True)
        _, key = np.unique(key * (level.max() + 1) + level, return_inverse=True)
    _, first, number = np.unique(key, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))  # curves in order of first appearance
    number, first = rank[number], np.sort(first)
    order = np.lexsort((amplitude, number))
    length = np.bincount(number)
    starts = np.r_[0, np.cumsum(length)[:-1]]
    place = np.arange(n) - starts[number[order]]
    row = np.full((len(first), length.max()), -1, dtype=np.int64)
    row[number[order], place] = order
    return Curves(row, first, number)


def curve_table(found: Curves, features: dict[str, np.ndarray], first_interval: np.ndarray) -> dict[str, np.ndarray]:
    """Columns of the F-I curves in the order (curve, amplitude), and `row`, the grid row of each."""
    rows = found.row[found.row >= 0]
    return {
        "row": rows,
        "curve": found.number[rows],
        "steady_rate_Hz": features["firing_rate_Hz"][rows],
        "first_interval_rate_Hz": 1000.0 / first_interval[rows],
    }


def summary_table(
    found: Curves, amplitude: np.ndarray, features: dict[str, np.ndarray], window: tuple[float, float], suffix: str
) -> dict[str, np.ndarray]:
    """Columns of the F-I summary, one value per curve. Failed neurons count as neither firing nor silent."""
    there = found.row >= 0
    x = np.where(there, amplitude[found.row], np.nan)
    rate = np.where(there, features["firing_rate_Hz"][found.row], np.nan)
    spiked = there & (features["spike_count"][found.row] > 0)
    repetitive = there & (np.rint(rate * (window[1] - window[0]) / 1000.0) >= 2)
    swing = features["peak_mV"][found.row] - features["trough_mV"][found.row]
    onset, end = _first(repetitive), _last(repetitive)
    onset_x, onset_rate = _at(x, onset), _at(rate, onset)
    following = np.where((onset >= 0) & (onset + 1 < x.shape[1]), onset + 1, -1)
    following = np.where(_at(repetitive.astype(float), following) == 1.0, following, -1)
    goes_on = end + 1 < there.sum(axis=1)
    return {
        "curve": np.arange(len(x)),
        f"rheobase_{suffix}": _at(x, _first(spiked)),
        f"onset_amplitude_{suffix}": onset_x,
        "onset_rate_Hz": onset_rate,
        f"onset_gain_Hz_per_{suffix}": (_at(rate, following) - onset_rate) / (_at(x, following) - onset_x),
        "max_rate_Hz": np.fmax.reduce(rate, axis=1),
        f"firing_ends_{suffix}": np.where(goes_on, _at(x, end), np.nan),
        "failed_neurons": (there & (features["status"][found.row] == "diverged")).sum(axis=1),
        "undetected_oscillations": (there & (rate == 0.0) & (swing > OSCILLATION_MV)).sum(axis=1),
    }


def undetected(features: dict[str, np.ndarray]) -> int:
    """Neurons that oscillate inside the analysis window without a detected spike."""
    swing = features["peak_mV"] - features["trough_mV"]
    return int(((features["firing_rate_Hz"] == 0.0) & (swing > OSCILLATION_MV)).sum())


def _first(condition: np.ndarray) -> np.ndarray:
    """Place of the first true value of each row, -1 without any."""
    return np.where(condition.any(axis=1), condition.argmax(axis=1), -1)


def _last(condition: np.ndarray) -> np.ndarray:
    return np.where(condition.any(axis=1), condition.shape[1] - 1 - condition[:, ::-1].argmax(axis=1), -1)


def _at(values: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Value of each row at its place, NaN at -1."""
    return np.where(place >= 0, values[np.arange(len(values)), place], np.nan)
