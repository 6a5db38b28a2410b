"""A current ramp."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf

import numpy as np

from hhcore.base.units import Quantities
from hhcore.simulation.stimuli.checks import check_times
from hhcore.simulation.stimuli.stimulus import CURRENT_ELSEWHERE, Field, Stimulus, Values


@dataclass(frozen=True)
class Ramp(Stimulus):
    """A current ramp: from `start_amplitude` at start to `amplitude` at stop, along a straight line; then nothing.

    amplitude, start_amplitude : in the unit of the model's injected current (uA/cm^2)
    start, stop                : in the model's unit of time (ms); stop defaults to the end of the run
    """

    amplitude: Quantities
    start_amplitude: Quantities = 0.0
    start: Quantities = 0.0
    stop: Quantities = inf

    kind = "ramp"
    title = "current ramp"
    example = "{kind: ramp, amplitude: 20, start: 10, stop: 510}"
    axis = "amplitude"
    elsewhere = ("Ramp", "rampGenerator", "RampCurrent", "ramp_current", "SlowRamp")
    fields = {
        "amplitude": Field(
            "current",
            "Injected current, amplitude at the end of the ramp",
            elsewhere=CURRENT_ELSEWHERE
            | dict.fromkeys(("finishAmplitude", "finish_amplitude", "amp_end", "ramp_end"), "`amplitude`, at the end")
            | dict.fromkeys(("slope", "rate"), "`amplitude`, at the end: slope times length"),
        ),
        "start_amplitude": Field(
            "current",
            "Ramp, amplitude at its start",
            0.0,
            elsewhere=dict.fromkeys(("startAmplitude", "amp_start", "ramp_begin"), "`start_amplitude`"),
        ),
        "start": Field(
            "time", "Ramp, when it begins", 0.0, elsewhere=dict.fromkeys(("delay", "del", "onset"), "`start`")
        ),
        "stop": Field(
            "time",
            "Ramp, when it ends",
            inf,
            elsewhere=dict.fromkeys(("dur", "duration", "width"), "`stop`, when the ramp ends: delay + duration")
            | dict.fromkeys(("end", "toff"), "`stop`"),
        ),
    }
    quiet = {"amplitude": 0.0, "start_amplitude": 0.0, "start": 0.0, "stop": inf}
    segment = '''
def segment(k, amplitude, start_amplitude, start, stop):
    """(end, level, rise) of segment k: before the ramp, the ramp, after it."""
    if k == 0:
        return start, 0.0, 0.0
    if k == 1:
        return stop, start_amplitude, (amplitude - start_amplitude) / (stop - start)
    return inf, 0.0, 0.0
'''
    expression = "level + rise * (time - onset)"

    @classmethod
    def check(cls, values: Values, duration: float, where: str) -> None:
        """0 <= start < stop <= duration."""
        check_times(values, ("start", "stop"), duration, where)

    @classmethod
    def edge_counts(cls, values: Values, duration: float) -> np.ndarray:
        """Two: the start and the end."""
        return np.full(len(values["start"]), 2, dtype=np.int64)

    @classmethod
    def twin(
        cls, values: Mapping[str, float], duration: float, ms: float
    ) -> tuple[list[float], Callable[[float], float]]:
        """As far between both ends as the time is."""
        first, last, start = (values[name] for name in ("start_amplitude", "amplitude", "start"))
        stop = min(values["stop"], duration)

        def current(t: float) -> float:
            part = (t - start) / (stop - start)
            return (1 - part) * first + part * last if start <= t < stop else 0.0

        return [start, stop], current
