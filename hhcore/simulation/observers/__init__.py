"""Observers note events while a kernel runs: each is a file of Python and one of kernel text."""

from math import inf

from hhcore.simulation.observers.beats import Beats
from hhcore.simulation.observers.extremes import Extremes
from hhcore.simulation.observers.observer import Observer
from hhcore.simulation.observers.spikes import Spikes
from hhcore.simulation.stimuli.stimulus import Stimulus


def standard_observers(
    kind: type[Stimulus], threshold: float = inf, rearm: float = -inf, window: tuple[float, float] = (0.0, inf)
) -> tuple[Observer, ...]:
    """Spikes, extremes inside the window, and beats if the kind of stimulus has some."""
    return (Spikes(threshold, rearm), Extremes(*window), *([Beats()] if kind.beat else []))
