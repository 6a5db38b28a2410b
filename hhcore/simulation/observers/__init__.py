"""Observers note events while a kernel runs: each is a file of Python and one of kernel text."""

from math import inf

from hhcore.simulation.observers.beats import Beats
from hhcore.simulation.observers.courses import COURSE, Courses
from hhcore.simulation.observers.extremes import OSCILLATION_MV, Extremes
from hhcore.simulation.observers.observer import Observer
from hhcore.simulation.observers.outputs import OUTPUT, Outputs
from hhcore.simulation.observers.spikes import Spikes
from hhcore.simulation.stimuli.stimulus import Stimulus

__all__ = [
    "COURSE",
    "OSCILLATION_MV",
    "OUTPUT",
    "Beats",
    "Courses",
    "Extremes",
    "Observer",
    "Outputs",
    "Spikes",
    "standard_observers",
]


def standard_observers(
    kind: type[Stimulus],
    threshold: float = inf,
    rearm: float = -inf,
    window: tuple[float, float] = (0.0, inf),
    mV: float = 1.0,
) -> tuple[Observer, ...]:
    """Spikes, extremes inside the window, and beats if the kind of stimulus has some.

    mV : millivolts in the model's unit of the potential
    """
    extremes = Extremes(*window, OSCILLATION_MV / mV)
    return (Spikes(threshold, rearm), extremes, *([Beats()] if kind.beat else []))
