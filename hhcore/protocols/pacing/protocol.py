"""Pacing: current clamp with pulses, each of which starts a beat; keep the action potential of every beat."""

from dataclasses import dataclass

from hhcore.experiments.experiment import Experiment
from hhcore.experiments.protocol import schema_of
from hhcore.protocols.current_clamp.protocol import CurrentClamp
from hhcore.simulation.beats import LAST_BEAT
from hhcore.simulation.observers.beats import BEAT, Beats
from hhcore.simulation.observers.extremes import Extremes
from hhcore.simulation.observers.spikes import Spikes
from hhcore.simulation.stimuli.stimulus import Stimulus


@dataclass(frozen=True)
class Pacing(CurrentClamp):
    """Pacing; errors are those of spike times."""

    kind = "pacing"
    title = "pacing"
    schema = schema_of(Spikes, Extremes, Beats)
    definitions = CurrentClamp.definitions | LAST_BEAT
    headline = ("apd90_ms", "APD90", "ms")

    @classmethod
    def default_for(cls, stimulus: type[Stimulus]) -> bool:
        return bool(stimulus.beat)

    @classmethod
    def takes(cls, stimulus: type[Stimulus]) -> bool:
        """It takes a stimulus with beats."""
        return bool(stimulus.beat)

    def numbers(self, experiment: Experiment) -> float:
        return super().numbers(experiment) + len(BEAT) * most_beats(experiment)


def most_beats(experiment: Experiment) -> float:
    """The largest number of beats of a neuron."""
    e = experiment
    periods = [factor.values[:, factor.names.index("period")] for factor in e.factors if "period" in factor.names]
    shortest = min([float(values.min()) for values in periods], default=e.defaults["period"])
    return min(e.defaults["number"], e.duration / shortest + 1)
