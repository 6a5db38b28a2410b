"""A compiled model, with its kind of stimulus and its observers."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from hhcore.compile.module import load_kernel
from hhcore.compile.parts import ObserverText, StimulusText
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
        """The fields of the stimulus by name, float64 (n,), in parameters (n, p + f)."""
        return dict(zip(self.kind.fields, parameters[:, len(self.model.parameters) :].T, strict=True))

    def undisturbed(self, parameters: np.ndarray) -> np.ndarray:
        """Add to parameters of the model, float64 (n, p), fields of a stimulus that injects nothing: (n, p + f)."""
        return np.column_stack([parameters, np.tile(self.kernel.QUIET, (len(parameters), 1))])


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
