"""Current clamp by pulses, each of which begins a beat; the action potential of every beat is kept."""

from dataclasses import dataclass

import pyarrow as pa

from hhcore.experiments.experiment import Experiment
from hhcore.protocols.current_clamp.protocol import CurrentClamp
from hhcore.simulation.beats import LAST_BEAT
from hhcore.simulation.integration import BEAT
from hhcore.simulation.stimulus import Stimulus


@dataclass(frozen=True)
class Pacing(CurrentClamp):
    """Pacing; errors are those of spike times."""

    kind = "pacing"
    title = "pacing"
    schema = pa.schema(
        [
            *CurrentClamp.schema,
            pa.field("beats", pa.large_list(pa.float64()), metadata={"width": str(len(BEAT))}),
        ]
    )
    definitions = CurrentClamp.definitions | LAST_BEAT
    headline = ("apd90_ms", "APD90", "ms")

    @classmethod
    def default_for(cls, stimulus: type[Stimulus]) -> bool:
        return stimulus.paces

    @classmethod
    def takes(cls, stimulus: type[Stimulus]) -> bool:
        """Only a stimulus that paces has beats."""
        return stimulus.paces

    def numbers(self, experiment: Experiment) -> float:
        return super().numbers(experiment) + len(BEAT) * most_beats(experiment)


def most_beats(experiment: Experiment) -> float:
    """The most beats of a neuron."""
    e = experiment
    periods = [factor.values[:, factor.names.index("period")] for factor in e.factors if "period" in factor.names]
    shortest = min([float(values.min()) for values in periods], default=e.defaults["period"])
    return min(e.defaults["number"], e.duration / shortest + 1)
