"""A compiled model with the kind of stimulus that it takes and the observers that are in it."""

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
    """What integrates the neurons of an experiment: the same kernel finds rest, simulates, and traces."""

    model: Model
    kernel: SimpleNamespace
    kind: type[Stimulus]
    observers: tuple[Observer, ...]

    def values(self, parameters: np.ndarray) -> dict[str, np.ndarray]:
        """The fields of the stimulus by name, float64 (n,), in parameters (n, p + f)."""
        return dict(zip(self.kind.fields, parameters[:, len(self.model.parameters) :].T, strict=True))

    def most_samples(self, parameters: np.ndarray, stops: np.ndarray) -> int:
        """How many samples `integrate` may keep of a neuron: one at each stop, and where a segment ends."""
        edges = self.kind.edge_counts(self.values(parameters), float(stops[-1]))
        return len(stops) + int(edges.max(initial=0))

    def undisturbed(self, parameters: np.ndarray) -> np.ndarray:
        """Parameters of the model, float64 (n, p), with fields of the stimulus that inject nothing: (n, p + f)."""
        return np.column_stack([parameters, np.tile(self.kernel.QUIET, (len(parameters), 1))])


def engine(model: Model, method: str, kind: type[Stimulus], observers: Sequence[Observer] | None = None) -> Engine:
    """The engine of a model, a scheme, a kind of stimulus and observers, by default the standard ones."""
    chosen = standard_observers(kind) if observers is None else tuple(observers)
    return Engine(model, load_kernel(model, method, *kernel_parts(kind, chosen)), kind, chosen)


def kernel_parts(
    kind: type[Stimulus], observers: Sequence[Observer] | None = None
) -> tuple[StimulusText, tuple[ObserverText, ...]]:
    """What the names and texts of kernels depend on besides a model and a scheme; by default the standard observers."""
    chosen = standard_observers(kind) if observers is None else observers
    return kind.text(), tuple(observer.kernel_text() for observer in chosen)
