"""A compiled model, with its kind of stimulus and its observers."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from hhcore.compile.module import load_kernel
from hhcore.compile.parts import HOLDING, ObserverText, StimulusText
from hhcore.model.model import Model
from hhcore.simulation.observers import Observer, standard_observers
from hhcore.simulation.stimuli.stimulus import Stimulus


@dataclass(frozen=True)
class Engine:
    """Integrates the neurons of an experiment: one kernel finds rest, simulates, and traces."""

    model: Model
    kernel: SimpleNamespace
    kind: type[Stimulus]
    observers: tuple[Observer, ...]

    def values(self, parameters: np.ndarray) -> dict[str, np.ndarray]:
        """The numbers of the stimulus by name, float64 (n,), in parameters (n, p + f)."""
        return dict(zip(self.kind.numbers(), parameters[:, len(self.model.parameters) :].T, strict=True))

    def arguments(self, points: np.ndarray, duration: float) -> np.ndarray:
        """What a kernel takes, (n, p + f), from parameters and fields of the stimulus, float64 (n, p + fields)."""
        parameters, fields = np.split(points, [len(self.model.parameters)], axis=1)
        return np.column_stack([parameters, self.kind.table(fields, duration, self.model.ms, parameters)])

    def undisturbed(self, parameters: np.ndarray) -> np.ndarray:
        """The same neurons, float64 (n, p + f), at their holding level: no more of a stimulus flows.

        Of parameters of the model alone, float64 (n, p), the holding level is 0.
        """
        own, stimulus = np.split(parameters, [len(self.model.parameters)], axis=1)
        quiet = np.tile(np.array(self.kernel.QUIET), (len(own), 1))
        holding = self.kind.numbers().index(HOLDING)
        if stimulus.shape[1]:
            quiet[:, holding] = stimulus[:, holding]
            levels = [i for i, field in enumerate(self.kind.fields.values()) if field.unit == "potential"]
            quiet[:, levels if self.kind.absolute else []] = stimulus[:, [holding]]
        return np.column_stack([own, quiet])


def engine(model: Model, method: str, kind: type[Stimulus], observers: Sequence[Observer] | None = None) -> Engine:
    """Build the engine of a model, a scheme, a kind of stimulus and observers, by default the standard ones."""
    chosen = standard_observers(kind) if observers is None else tuple(observers)
    return Engine(model, load_kernel(model, method, *kernel_parts(kind, chosen)), kind, chosen)


def kernel_parts(
    kind: type[Stimulus], observers: Sequence[Observer] | None = None
) -> tuple[StimulusText, tuple[ObserverText, ...]]:
    """The parts of a kernel besides model and scheme; by default with the standard observers."""
    chosen = standard_observers(kind) if observers is None else observers
    return kind.text(), tuple(observer.kernel_text() for observer in chosen)
