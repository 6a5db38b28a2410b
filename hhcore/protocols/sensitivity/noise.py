"""The error of each feature, as it follows from the certified error of spike times, and what it leaves of a variance.

Indices of a feature whose variance comes from the solver's errors would be shares of noise. Errors that are independent
from point to point add their variance to every total index, so that a feature needs MARGIN times the spread of its
error: then an index moves by MARGIN^-2 = 0.01.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hhcore.base import tables
from hhcore.certify.certificate import NONE, certificate
from hhcore.experiments.experiment import Experiment

MARGIN = 10.0
OF_INTERVALS = ("cv_isi", "adaptation_index")

UNCERTIFIED = "error not certified"
CONSTANT = "the same everywhere"
NOISE = f"standard deviation below {MARGIN:g} times the error"


@dataclass(frozen=True)
class Errors:
    """The errors that those of features follow from; NaN if they are not certified.

    time       : largest certified error of a spike time [ms]
    heights    : those of peaks and the like, by feature [its unit]
    resolution : how closely the others are searched, as in Protocol.resolution
    """

    time: float
    heights: Mapping[str, float]
    resolution: Mapping[str, float] = field(default_factory=dict)

    def of(self, feature: str, unit: str, values: np.ndarray, interval: np.ndarray) -> np.ndarray:
        """The error of a feature of single neurons that is not a count, float64 like `values` [unit]; NaN if unknown.

        values   : of the feature
        interval : mean interval between spikes of the same neurons [ms]

        An interval ends in two spike times. Coefficient of variation and adaptation index are quotients of intervals.
        """
        return self._of_solver(feature, unit, values, interval) + self.resolution.get(feature, 0.0)

    def _of_solver(self, feature: str, unit: str, values: np.ndarray, interval: np.ndarray) -> np.ndarray:
        if feature in self.heights:
            return np.full(values.shape, self.heights[feature])
        if unit == "ms":
            return np.full(values.shape, 2.0 * self.time)
        if unit == "Hz" and feature != "spike_count_rate_Hz":
            return 2.0 * self.time * values**2 / 1000.0
        if feature in OF_INTERVALS:
            return 2.0 * self.time * (1.0 + np.abs(values)) / interval
        if unit == "mV":
            potentials = [error for name, error in self.heights.items() if name.endswith("_mV")]
            return np.full(values.shape, max(potentials, default=np.nan))
        return np.full(values.shape, 0.0 if feature == "spike_count_rate_Hz" else np.nan)

    def of_curve(self, feature: str, unit: str, largest: np.ndarray, spacing: float) -> np.ndarray:
        """The error of a feature of F-I curves, float64 like `largest` [unit]; 0 of amplitudes, which the grid sets.

        largest : largest rate of each curve [Hz]
        spacing : smallest distance of two amplitudes
        """
        rate = 2.0 * self.time * largest**2 / 1000.0
        if feature.startswith("onset_gain"):
            return 2.0 * rate / spacing
        return rate if unit == "Hz" else np.zeros(largest.shape)


def certified_errors(experiment: Experiment, features: Path) -> Errors:
    """The errors of an experiment whose solver is chosen, from features.parquet: its column of errors, its certificate.

    Fragile neurons do not count: their error says when a spike is lost, not how far spikes move.
    """
    accuracy = experiment.protocol.accuracy
    content = tables.read(features, [accuracy.column, "fragile"])
    error, fragile = (content[name].to_pandas().to_numpy(np.float64, na_value=np.nan) for name in content.column_names)
    error = error[(fragile == 0) & np.isfinite(error)] / accuracy.factor
    worst = float(error.max()) if error.size else np.nan
    says = certificate(features)
    names = {*tables.schema(features).names, *(height.value_column for height in accuracy.heights)}
    heights = {name: height for name in sorted(names) if (height := experiment.protocol.height_of(name))}
    known = {name: says[height.worst_key] for name, height in heights.items()}
    return Errors(
        worst if accuracy.tolerance[0] == "ms" else np.nan,
        {name: float(error) for name, error in known.items() if error != NONE},
        experiment.protocol.resolution(experiment),
    )


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
