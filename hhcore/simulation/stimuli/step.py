"""A current step."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf

import numpy as np

from hhcore.base.units import Quantities
from hhcore.simulation.stimuli.checks import check_times
from hhcore.simulation.stimuli.stimulus import CURRENT_ELSEWHERE, Field, Stimulus, Values


@dataclass(frozen=True)
class Step(Stimulus):
    """A current step: `amplitude` while start <= t < stop, zero otherwise.

    amplitude : in the unit of the model's injected current (uA/cm^2)
    start, stop : in the model's unit of time (ms); stop defaults to the end of the run

    Each is a number, text with a unit, or a list with a value for each neuron: Step(["5 uA/cm^2", 10], start="5 ms").
    Times need not lie on the integration grid: steps of the integration end exactly at the edges.
    """

    amplitude: Quantities
    start: Quantities = 0.0
    stop: Quantities = inf

    kind = "step"
    title = "current step"
    example = "{kind: step, amplitude: 10}"
    axis = "amplitude"
    elsewhere = ("IClamp", "dc", "constant", "square", "current_step")
    fields = {
        "amplitude": Field("current", "Injected current, amplitude of the stimulus", elsewhere=CURRENT_ELSEWHERE),
        "start": Field(
            "time",
            "Step, when it begins",
            0.0,
            elsewhere=dict.fromkeys(("delay", "del", "onset", "t_start", "tstart"), "`start`"),
        ),
        "stop": Field(
            "time",
            "Step, when it ends",
            inf,
            elsewhere=dict.fromkeys(("dur", "duration", "width"), "`stop`, when the step ends: delay + dur in NEURON")
            | dict.fromkeys(("end", "t_stop", "tstop"), "`stop`"),
        ),
    }
    quiet = {"amplitude": 0.0, "start": 0.0, "stop": inf}
    segment = '''
def segment(k, amplitude, start, stop):
    """(end, level) of segment k: before the step, the step, after it."""
    if k == 0:
        return start, 0.0
    if k == 1:
        return stop, amplitude
    return inf, 0.0
'''

    @classmethod
    def check(cls, values: Values, duration: float, where: str) -> None:
        """0 <= start < stop <= duration."""
        check_times(values, ("start", "stop"), duration, where)

    @classmethod
    def edge_counts(cls, values: Values, duration: float) -> np.ndarray:
        """Two: the start and the stop."""
        return np.full(len(values["start"]), 2, dtype=np.int64)

    @classmethod
    def twin(
        cls, values: Mapping[str, float], duration: float, ms: float
    ) -> tuple[list[float], Callable[[float], float]]:
        """The step, half-open."""
        amplitude, start, stop = values["amplitude"], values["start"], values["stop"]
        return [start, stop], lambda t: amplitude if start <= t < stop else 0.0
