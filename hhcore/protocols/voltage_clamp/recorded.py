"""What a clamp records of each neuron: numbers of every current in every segment, and time courses."""

from dataclasses import dataclass

import numpy as np

from hhcore.simulation.observers import COURSE, OUTPUT
from hhcore.simulation.result import Result

ROUNDING = 1e-9  # of the larger extreme: the other one is 0


@dataclass(frozen=True, eq=False)
class Recorded:
    """Outputs of n neurons.

    names  : what is recorded: the potential, currents, conductances
    values : float64 (n, segments, names, outputs), NaN of a segment that a neuron did not reach
    """

    names: tuple[str, ...]
    values: np.ndarray

    @classmethod
    def of(cls, result: Result, names: tuple[str, ...], segments: int) -> "Recorded":
        """The outputs in the record of a result; those after the last segment are left out."""
        values = result.record["outputs"].values
        return cls(names, values.reshape(len(result.status), -1, len(names), len(OUTPUT))[:, :segments])

    def __call__(self, output: str, segment: int, name: str) -> np.ndarray:
        """One of OUTPUT of a name in a segment, float64 (n,)."""
        return self.values[:, segment, self.names.index(name), OUTPUT.index(output)]

    def peak(self, segment: int, name: str) -> tuple[np.ndarray, np.ndarray]:
        """The extreme of a current that is farther from 0, and how long after the start it is, float64 (n,) each."""
        high, low = self("max", segment, name), self("min", segment, name)
        outward = np.abs(high) >= np.abs(low)
        time = np.where(outward, self("max_time", segment, name), self("min_time", segment, name))
        return np.where(outward, high, low), time - self("begin", segment, name)

    def both_ways(self, segment: int, name: str) -> np.ndarray:
        """Whether a current flows inward and outward in the segment, but for errors of rounding, bool (n,)."""
        high, low = self("max", segment, name), self("min", segment, name)
        return np.minimum(high, -low) > ROUNDING * np.maximum(high, -low)

    @property
    def begins(self) -> np.ndarray:
        """When each segment begins, float64 (n, segments)."""
        return self.values[:, :, 0, OUTPUT.index("begin")]

    @property
    def lengths(self) -> np.ndarray:
        """How long each segment lasts, float64 (n, segments)."""
        return self.values[:, :, 0, OUTPUT.index("end")] - self.begins


def courses(result: Result, names: tuple[str, ...], segments: int) -> np.ndarray:
    """Time courses at the shares COURSE of each segment: float64 (n, segments, names, samples).

    NaN where a neuron did not get to.
    """
    values = result.record["courses"].values
    return values.reshape(len(result.status), -1, len(names), len(COURSE))[:, :segments]
