"""Observers note events while a kernel runs: each is a file of Python and one of kernel text."""

from math import inf

from hhcore.simulation.action_potentials import EAD_MS, EAD_MV, USUAL, ActionPotentials
from hhcore.simulation.observers.beats import Beats
from hhcore.simulation.observers.courses import COURSE, Courses
from hhcore.simulation.observers.extremes import OSCILLATION_MV, Extremes
from hhcore.simulation.observers.observer import Observer
from hhcore.simulation.observers.onsets import Onsets
from hhcore.simulation.observers.outputs import OUTPUT, BeatMeasures, Measures, Outputs
from hhcore.simulation.observers.response import Response
from hhcore.simulation.observers.settled import Settled
from hhcore.simulation.observers.shapes import Shapes
from hhcore.simulation.observers.spikes import Spikes
from hhcore.simulation.observers.transients import Transients
from hhcore.simulation.stimuli.stimulus import Stimulus

__all__ = [
    "COURSE",
    "OSCILLATION_MV",
    "OUTPUT",
    "BeatMeasures",
    "Beats",
    "Courses",
    "Extremes",
    "Measures",
    "Observer",
    "Onsets",
    "Outputs",
    "Response",
    "Settled",
    "Shapes",
    "Spikes",
    "Transients",
    "shape_observers",
    "standard_observers",
]
BEGIN_V_S, END_V_S = 10.0, -12.0  # dV/dt at which spikes begin and end: DerivativeThreshold, DownDerivativeThreshold
REBOUND_MV = 0.01  # by how much the potential rises from the minimum after a spike, at least


def standard_observers(
    kind: type[Stimulus],
    threshold: float = inf,
    rearm: float = -inf,
    window: tuple[float, float] = (0.0, inf),
    ms: float = 1.0,
    mV: float = 1.0,
    measured: ActionPotentials = USUAL,
) -> tuple[Observer, ...]:
    """Spikes, extremes inside the window, and beats if the kind of stimulus has some.

    ms, mV   : milliseconds in the model's unit of time, millivolts in its unit of the potential
    measured : of the action potential of each beat
    """
    extremes = Extremes(*window, OSCILLATION_MV / mV)
    beats = Beats(measured, threshold, EAD_MV / mV, EAD_MS / ms)
    return (Spikes(threshold, rearm), extremes, *([beats] if kind.beat else []))


def shape_observers(
    threshold: float = 0.0,
    rearm: float | None = None,
    begin_slope: float = BEGIN_V_S,
    end_slope: float = END_V_S,
    ms: float = 1.0,
    mV: float = 1.0,
) -> tuple[Observer, ...]:
    """What the shape of each spike, and the response to a stimulus that begins and ends, are measured by.

    threshold, rearm : in the model's unit of the potential, as for `Spikes`; rearm is by default the threshold
    begin_slope, end_slope : dV/dt at which a spike begins and ends [V/s]
    ms, mV : milliseconds in the model's unit of time, millivolts in its unit of the potential
    """
    slopes = begin_slope * ms / mV, end_slope * ms / mV
    return Shapes(threshold, threshold if rearm is None else rearm, *slopes, REBOUND_MV / mV), Response(ms)
