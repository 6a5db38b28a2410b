"""The way of a neuron in all its variables, as pages draw it: at the ends of steps, and inside long ones."""

from dataclasses import dataclass

import numpy as np

from hhcore.simulation.observers.observer import Neurons, Observer, Recorder, source

ROOM = 1 << 12  # points after which a kernel hands them over


@dataclass(frozen=True)
class Path(Observer):
    """Time and the values of `names`: where a segment begins or ends, and at `inside` of every step.

    names : variables, as hhcore.model.variables explains them

    Points lie `apart` or further, in the model's unit of time. Only a page asks for them: static/kernel.js has the
    arrays, and the recorder here, of a kernel of one lane, is for the tests.
    """

    names: tuple[str, ...]
    apart: float = 0.0
    inside: tuple[float, ...] = (0.25, 0.5, 0.75, 1.0)

    name = "path"
    rows = ("LAST_POINT",)
    arguments = {"apart": "f8", "inside": "f8[:]", "points": "f8[:, :]", "count": "i8[:]"}
    text = source(__file__)
    fields = ()

    @property
    def variables(self) -> tuple[str, ...]:
        """The names."""
        return self.names

    def recorder(self, neurons: Neurons) -> Recorder:
        """The points of one neuron."""
        return _Points(self)


class _Points(Recorder):
    def __init__(self, observer: Path):
        self.observer, self.count = observer, np.zeros(1, dtype=np.int64)
        self.points = np.empty((ROOM, 1 + len(observer.names)))
        self.drained = [self.points[:0]]

    def arguments(self) -> tuple:
        return self.observer.apart, np.array(self.observer.inside), self.points, self.count

    def drain(self) -> None:
        self.drained.append(self.points[: self.count[0]].copy())
        self.count[0] = 0

    def record(self) -> dict:
        return {"path": np.concatenate(self.drained)[None]}
