"""Pacing: current clamp with pulses, each of which starts a beat; keep the action potential of every beat."""

from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from hhcore.experiments.experiment import Experiment
from hhcore.experiments.protocol import Height, schema_of
from hhcore.protocols.current_clamp.protocol import SPIKE_TIMES, CurrentClamp
from hhcore.simulation.beats import LAST_BEAT
from hhcore.simulation.heights import Errors, beat_errors
from hhcore.simulation.observers.beats import BEAT, Beats
from hhcore.simulation.observers.extremes import Extremes
from hhcore.simulation.observers.spikes import Spikes
from hhcore.simulation.result import Result
from hhcore.simulation.stimuli.stimulus import Stimulus

OVER_BEATS = "the largest over the beats with an action potential in both runs"
BEAT_HEIGHTS = (
    Height("ap_peak_error_mV", "mV", f"error of ap_peak_mV, {OVER_BEATS}"),
    Height("max_upstroke_error_V_s", "V/s", f"error of max_upstroke_V_s, {OVER_BEATS}", share=1e-2),
    Height("apd50_error_ms", "ms", f"error of apd50_ms, {OVER_BEATS}"),
    Height("apd90_error_ms", "ms", f"error of apd90_ms, {OVER_BEATS}"),
)


@dataclass(frozen=True)
class Pacing(CurrentClamp):
    """Pacing; errors are those of spike times."""

    kind = "pacing"
    title = "pacing"
    schema = schema_of(Spikes, Extremes, Beats)
    accuracy = replace(SPIKE_TIMES, heights=(*SPIKE_TIMES.heights, *BEAT_HEIGHTS))
    definitions = CurrentClamp.definitions | LAST_BEAT
    headline = ("apd90_ms", "APD90", "ms")

    @classmethod
    def default_for(cls, stimulus: type[Stimulus]) -> bool:
        return cls.takes(stimulus)

    @classmethod
    def takes(cls, stimulus: type[Stimulus]) -> bool:
        """It takes a stimulus with beats."""
        return super().takes(stimulus) and bool(stimulus.beat)

    def heights(self, run: Result, exact: Result, experiment: Experiment) -> dict[str, Errors]:
        """Errors of extremes and of action potentials."""
        errors = super().heights(run, exact, experiment)
        of_beats = zip(BEAT_HEIGHTS, beat_errors(run, exact).values(), strict=True)
        return errors | {height.column: found for height, found in of_beats}

    def numbers(self, experiment: Experiment) -> float:
        return super().numbers(experiment) + len(BEAT) * most_beats(experiment)


def most_beats(experiment: Experiment) -> int:
    """The largest number of beats of a neuron: at a corner of the grid, since it is monotone in each field."""
    e = experiment
    corners = dict(zip(e.stimulus.fields, np.array(list(product(*ends(e).values()))).T, strict=True))
    return int(e.stimulus.beat_counts(corners, e.duration).max())


def ends(experiment: Experiment) -> dict[str, tuple[float, float]]:
    """The smallest and the largest value of each field of the stimulus in the grid."""
    e = experiment
    found = {name: (float(e.defaults[name]),) * 2 for name in e.stimulus.fields}
    for factor in e.factors:
        swept = zip(factor.names, factor.values.min(axis=0), factor.values.max(axis=0), strict=True)
        found |= {name: (low, high) for name, low, high in swept if name in found}
    return found
