"""What solvers did on the sample of a grid, and what can be said of it: the trial of each, and the evidence for one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from hhcore.experiments.protocol import Height
from hhcore.schemes.solver import Solver

QUANTILE = 0.99  # of the neurons that can be certified: so many keep the tolerance
MOST = f"{100 * QUANTILE:g} %"  # in words


def quantile(errors: np.ndarray) -> float:
    """The error that QUANTILE of the neurons do not exceed; NaN: a neuron has none. 0 if none has one."""
    known = np.sort(errors[~np.isnan(errors)])
    return float(known[ceil(QUANTILE * (len(known) - 1))]) if len(known) else 0.0


@dataclass(frozen=True)
class Trial:
    """One solver on the sample of k neurons.

    cost    : weighted operations per neuron and ms, the mean over the sample
    error   : float64 (k,), largest error, as `Protocol.errors` defines it
    heights : further errors, float64 (k,), and the size to compare them with, as `Protocol.heights` defines them
    outcome : int64 (k,), the number that must not depend on the solver, such as the spike count
    differs : bool (k,), whether the outcome is not that of the reference
    failed  : bool (k,), whether the neuron failed although that of the reference did not
    certain : bool (k,), whether the neuron can be certified: only those count in what follows
    """

    solver: Solver
    cost: float
    error: np.ndarray
    heights: Mapping[str, tuple[np.ndarray, float]]
    outcome: np.ndarray
    differs: np.ndarray
    failed: np.ndarray
    certain: np.ndarray

    @property
    def errors(self) -> np.ndarray:
        """Errors of the neurons that have one, infinite of those that fail."""
        errors = np.where(self.failed, np.inf, self.error)[self.certain]
        return errors[~np.isnan(errors)]

    @property
    def worst(self) -> float:
        """Largest error in the sample: 0 if no neuron has one, infinite if one fails."""
        return float(np.max(self.errors, initial=0.0))

    @property
    def median(self) -> float:
        """Median error of the neurons that have one, NaN if none does."""
        return float(np.median(self.errors)) if self.errors.size else np.nan

    def height_errors(self, column: str) -> np.ndarray:
        """Errors of a height, of the neurons that have one."""
        errors = self.heights[column][0][self.certain]
        return errors[~np.isnan(errors)]

    def keeps(self, tolerance: float, heights: Sequence[Height]) -> bool:
        """Whether QUANTILE of the neurons keep the tolerance [unit of `error`] and the bound of each height."""
        kept = (quantile(self.height_errors(h.column)) <= h.share * self.heights[h.column][1] for h in heights)
        return quantile(self.errors) <= tolerance and all(kept)


@dataclass(frozen=True)
class Evidence:
    """The evidence for a choice of solver.

    neurons   : int64 (k,), the sample: rows of the grid
    trials    : all trials, in their order
    trial     : that of the chosen solver
    exact     : the solver of the reference
    reference : the outcome of each neuron of the sample by the reference, int64 (k,)
    uncertain : bool (k,), the neurons that no solver can be certified on
    checked   : rows of the grid that an independent program simulated too
    agreement : largest difference between it and the reference, in the unit of `Protocol.errors`
    """

    neurons: np.ndarray
    trials: list[Trial]
    trial: Trial
    exact: Solver
    reference: np.ndarray
    uncertain: np.ndarray
    checked: list[int]
    agreement: float

    @property
    def chosen(self) -> Solver:
        """The chosen solver."""
        return self.trial.solver

    @property
    def fragile(self) -> np.ndarray:
        """bool (k,): the outcome of the chosen solver, or of a finer setting of its scheme, is not the reference's.

        So are neurons that cannot be certified.
        """
        same = [t for t in self.trials if t.solver.method == self.chosen.method]
        finer = [t for t in same if t.solver.accuracy <= self.chosen.accuracy]
        return self.uncertain | np.any([t.differs for t in finer], axis=0)
