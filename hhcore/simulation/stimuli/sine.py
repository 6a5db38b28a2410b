"""A sinusoidal current."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf, pi, sin

import numpy as np

from hhcore.base.units import Quantities
from hhcore.simulation.stimuli.checks import check_cycles, check_times
from hhcore.simulation.stimuli.stimulus import CURRENT_ELSEWHERE, Field, Stimulus, Values

TURN = 2 * pi / 1000  # the phase that 1 Hz adds in 1 ms


@dataclass(frozen=True)
class Sine(Stimulus):
    """A sinusoidal current: amplitude * sin(2 pi frequency (t - start) + phase) while start <= t < stop.

    amplitude   : half from peak to peak, in the unit of the model's injected current (uA/cm^2)
    frequency   : in Hz
    start, stop : in the model's unit of time (ms); stop defaults to the end of the run
    phase       : at start, in rad
    """

    amplitude: Quantities
    frequency: Quantities
    start: Quantities = 0.0
    stop: Quantities = inf
    phase: Quantities = 0.0

    kind = "sine"
    title = "sinusoidal current"
    example = "{kind: sine, amplitude: 5, frequency: 50}"
    axis = "frequency"
    elsewhere = ("sin", "sinusoid", "sinusoidal", "sineGenerator", "ACSource", "ac_generator", "SEClamp_sine")
    fields = {
        "amplitude": Field(
            "current", "Injected current, amplitude of the sine", elsewhere=CURRENT_ELSEWHERE | {"pkamp": "`amplitude`"}
        ),
        "frequency": Field(
            "frequency",
            "Sine, its frequency",
            elsewhere=dict.fromkeys(("freq", "f"), "`frequency`, in Hz")
            | dict.fromkeys(("period", "T"), "`frequency`, in Hz: 1000 / period in ms"),
        ),
        "start": Field(
            "time", "Sine, when it begins", 0.0, elsewhere=dict.fromkeys(("delay", "del", "onset"), "`start`")
        ),
        "stop": Field(
            "time",
            "Sine, when it ends",
            inf,
            elsewhere=dict.fromkeys(("dur", "duration"), "`stop`, when the sine ends: delay + duration")
            | dict.fromkeys(("end", "toff"), "`stop`"),
        ),
        "phase": Field("rad", "Sine, its phase at the start", 0.0),
    }
    derived = ("omega",)  # the phase that a unit of time adds
    quiet = {"amplitude": 0.0, "frequency": 0.0, "start": 0.0, "stop": inf, "phase": 0.0, "omega": 0.0}
    segment = '''
def segment(k, amplitude, start, stop):
    """(end, level) of segment k: before the sine, the sine, after it; the level is the amplitude."""
    if k == 0:
        return start, 0.0
    if k == 1:
        return stop, amplitude
    return inf, 0.0
'''
    expression = "level * sin(omega * (time - onset) + phase)"

    @classmethod
    def check(cls, values: Values, duration: float, where: str) -> None:
        """0 <= start < stop <= duration, and a frequency above 0."""
        check_times(values, ("start", "stop"), duration, where)
        check_cycles(values, "frequency", duration, where)

    @classmethod
    def edge_counts(cls, values: Values, duration: float) -> np.ndarray:
        """Two: the start and the end."""
        return np.full(len(values["start"]), 2, dtype=np.int64)

    @classmethod
    def resolve(cls, values: Values, duration: float, ms: float, parameters: np.ndarray) -> dict[str, np.ndarray]:
        """With the angular frequency."""
        return {**values, "omega": TURN * ms * values["frequency"]}

    @classmethod
    def twin(
        cls, values: Mapping[str, float], duration: float, ms: float
    ) -> tuple[list[float], Callable[[float], float]]:
        """The sine, half-open."""
        amplitude, frequency, start, stop, phase, _ = (values[name] for name in cls.fields)

        def current(t: float) -> float:
            cycles = frequency * (t - start) * ms / 1000
            return amplitude * sin(2 * pi * cycles + phase) if start <= t < stop else 0.0

        return [start, stop], current
