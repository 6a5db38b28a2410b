"""Neurons that are simulated again and again, each time with other numbers of the stimulus."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from hhcore.simulation.engine import Engine
from hhcore.simulation.result import Record
from hhcore.simulation.threads import integrate_all


@dataclass(frozen=True)
class Population:
    """n neurons.

    engine   : of them all, with the observers of their runs
    points   : float64 (n, p + fields), parameters of the model and fields of the stimulus
    accuracy : of the integration
    """

    engine: Engine
    points: np.ndarray
    accuracy: float
    threads: int = 1
    _column: dict[str, int] = field(init=False, default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        names = self.engine.kind.fields
        self._column.update({name: len(self.engine.model.parameters) + i for i, name in enumerate(names)})

    def of(self, rows: np.ndarray) -> Self:
        """Some of the neurons, by index."""
        return replace(self, points=self.points[rows])

    def with_fields(self, **values: np.ndarray | float) -> Self:
        """The same neurons with other fields of the stimulus, each a number or float64 (n,)."""
        points = self.points.copy()
        for name, value in values.items():
            points[:, self._column[name]] = value
        return replace(self, points=points)

    def values(self, name: str) -> np.ndarray:
        """One field of the stimulus, float64 (n,)."""
        return self.points[:, self._column[name]]

    def run(self, states: np.ndarray, stops: Sequence[float] | np.ndarray) -> tuple[Record, float]:
        """Integrate from `states`, float64 (n, N), to the last of `stops`: as `integrate_all` does."""
        stops = np.asarray(stops, dtype=np.float64)
        table = self.engine.arguments(self.points, float(stops[-1]))
        return integrate_all(self.engine, table, states, stops, accuracy=self.accuracy, threads=self.threads)
