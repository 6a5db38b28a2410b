"""The error of each feature, as it follows from the certificate of the solver, and what it leaves of a variance.

Indices of a feature whose variance comes from the solver's errors would be shares of noise. Errors that are independent
from point to point add their variance to every total index, so that a feature needs MARGIN times the spread of its
error: then an index moves by MARGIN^-2 = 0.01.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from hhcore.base import tables
from hhcore.experiments.experiment import Experiment

MARGIN = 10.0
OF_INTERVALS = ("cv_isi", "adaptation_index")

UNCERTIFIED = "error not certified"
CONSTANT = "the same everywhere"
NOISE = f"standard deviation below {MARGIN:g} times the error"


@dataclass(frozen=True)
class Errors:
    """The certified errors that those of features follow from.

    time : largest error of a spike time [ms], NaN if it is not certified
    own  : largest error of the features that are certified themselves, by feature
    """

    time: float
    own: Mapping[str, float]

    def of(self, feature: str, unit: str, values: np.ndarray, interval: np.ndarray) -> np.ndarray:
        """The error of a feature of single neurons, float64 like `values` [unit]: 0 of counts, NaN if not certified.

        values   : of the feature
        interval : mean interval between spikes of the same neurons [ms]

        An interval ends in two spike times. Coefficient of variation and adaptation index are quotients of intervals.
        Other potentials than the certified ones, such as that at rest, count as no better than the worst of these.
        """
        if feature in self.own:
            return np.full(values.shape, self.own[feature])
        if feature in OF_INTERVALS:
            return 2.0 * self.time * (1.0 + np.abs(values)) / interval
        if unit == "Hz" and feature != "spike_count_rate_Hz":
            return 2.0 * self.time * values**2 / 1000.0
        potentials = [error for name, error in self.own.items() if name.endswith("_mV")]
        constants = {"ms": 2.0 * self.time, "mV": max(potentials, default=np.nan), "V/s": np.nan}
        return np.full(values.shape, constants.get(unit, 0.0))

    def of_curve(self, feature: str, unit: str, largest: np.ndarray, spacing: float) -> np.ndarray:
        """The error of a feature of F-I curves, float64 like `largest` [unit]: 0 of amplitudes, which the grid sets.

        largest : largest rate of each curve [Hz]
        spacing : smallest distance of two amplitudes
        """
        rate = 2.0 * self.time * largest**2 / 1000.0
        if feature.startswith("onset_gain"):
            return 2.0 * rate / spacing
        return rate if unit == "Hz" else np.zeros(largest.shape)


def certified_errors(experiment: Experiment, features: Path, numerics: Path) -> Errors:
    """The errors of an experiment: its main error from features.parquet, those of heights from numerics.parquet.

    Fragile neurons do not count: their error says when a spike is lost, not how far spikes move.
    """
    accuracy = experiment.protocol.accuracy
    trials = tables.read(numerics)
    sample = trials.filter(trials["chosen"])
    main = _worst(tables.read(features, [accuracy.column, "fragile"]), accuracy.column)
    own = {accuracy.column: main} | {height.column: _worst(sample, height.column) for height in accuracy.heights}
    time = main / accuracy.factor if accuracy.tolerance[0] == "ms" else np.nan
    return Errors(time, {column.replace("_error_", "_"): error for column, error in own.items()})


def _worst(content: pa.Table, column: str) -> float:
    """The largest error of neurons that are not fragile, NaN without any."""
    error, fragile = (content[name].to_pandas().to_numpy(np.float64, na_value=np.nan) for name in (column, "fragile"))
    error = error[(fragile == 0) & np.isfinite(error)]
    return float(error.max()) if error.size else np.nan


def without_indices(outputs: np.ndarray, base: np.ndarray, error: float) -> str | None:
    """Why a feature has no indices, or None if it has some.

    outputs : float64 (n (d + 2),), at all points of the design
    base    : those of its two independent samples
    error   : root mean square of their errors
    """
    undefined = int((~np.isfinite(outputs)).sum())
    if undefined:
        return f"{undefined:,} of {len(outputs):,} points lack it"
    if np.ptp(base) == 0:
        return CONSTANT
    if np.isnan(error):
        return UNCERTIFIED
    return NOISE if base.std() < MARGIN * error else None
