"""A sinusoidal current of changing frequency: chirp, or ZAP."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf, log, log2, pi, sin

import numpy as np

from hhcore.base.checks import Key
from hhcore.base.errors import UserError
from hhcore.base.units import Quantities
from hhcore.simulation.stimuli.checks import check_cycles, check_times
from hhcore.simulation.stimuli.sine import TURN
from hhcore.simulation.stimuli.stimulus import CURRENT_ELSEWHERE, Field, Values
from hhcore.simulation.stimuli.worded import Worded, word

LINEAR, EXPONENTIAL = "linear", "exponential"
# The text of `segment`, and the expression.
_LINEAR = (
    '''
def segment(k, amplitude, start, stop, growth):
    """(end, level, rise) of segment k: before the chirp, the chirp, after it; the level is the amplitude."""
    if k == 0:
        return start, 0.0, 0.0
    if k == 1:
        return stop, amplitude, growth
    return inf, 0.0, 0.0
''',
    "level * sin((omega + rise * (time - onset)) * (time - onset))",
)
# The phase is level (exp(rise t) - 1), t since the start; beside the chirp both numbers are 0, and so is the sine.
_EXPONENTIAL = (
    '''
def segment(k, start_frequency, stop_frequency, start, stop, omega):
    """(end, level, rise) of segment k: before the chirp, the chirp, after it; the frequency grows as exp(rise t)."""
    if k == 0:
        return start, 0.0, 0.0
    if k == 1:
        rise = log(stop_frequency / start_frequency) / (stop - start)
        return stop, omega / rise, rise
    return inf, 0.0, 0.0
''',
    "amplitude * sin(level * (exp(rise * (time - onset)) - 1))",
)


@dataclass(frozen=True)
class Chirp(Worded):
    """A sinusoidal current whose frequency changes from `start_frequency` to `stop_frequency`: ZAP.

    amplitude                       : in the unit of the model's injected current (uA/cm^2)
    start_frequency, stop_frequency : at start and at stop, in Hz
    start, stop                     : in the model's unit of time (ms); stop defaults to the end of the run
    sweep                           : "linear", or "exponential": each octave takes the same time

    With the frequency from f0 to f1 in the time T, and t since start, the current is amplitude * sin(2 pi c), where the
    cycles c are f0 t + (f1 - f0) t^2 / 2 T, or exponentially f0 T / log(f1 / f0) ((f1 / f0)^(t / T) - 1). The linear
    one is that of Puil, Gimbarzevsky & Miura (1986), J. Neurophysiol. 55:995.
    """

    amplitude: Quantities
    start_frequency: Quantities
    stop_frequency: Quantities
    start: Quantities = 0.0
    stop: Quantities = inf
    sweep: str = word(LINEAR)

    kind = "chirp"
    title = "chirp"
    example = "{kind: chirp, amplitude: 1, start_frequency: 1, stop_frequency: 100}"
    axis = "amplitude"
    elsewhere = ("ZAP", "zap", "Chirp", "SineSpec", "sinespec", "impedance")
    fields = {
        "amplitude": Field("current", "Injected current, amplitude of the chirp", elsewhere=CURRENT_ELSEWHERE),
        "start_frequency": Field(
            "frequency",
            "Chirp, its frequency at the start",
            elsewhere=dict.fromkeys(("f0", "Fstart", "fmin", "f_min", "freq_min"), "`start_frequency`"),
        ),
        "stop_frequency": Field(
            "frequency",
            "Chirp, its frequency at the end",
            elsewhere=dict.fromkeys(
                ("f1", "Fstop", "fmax", "f_max", "freq_max", "frequency", "freq"), "`stop_frequency`"
            ),
        ),
        "start": Field(
            "time", "Chirp, when it begins", 0.0, elsewhere=dict.fromkeys(("delay", "del", "onset"), "`start`")
        ),
        "stop": Field(
            "time",
            "Chirp, when it ends",
            inf,
            elsewhere=dict.fromkeys(("dur", "duration", "t1"), "`stop`, when the chirp ends: delay + duration")
            | dict.fromkeys(("end", "toff"), "`stop`"),
        ),
    }
    derived = ("omega", "growth")  # the phase that a unit of time adds at first, and half of what that grows by in it
    quiet = dict.fromkeys((*fields, *derived), 0.0) | {"start": inf, "stop": inf}
    segment, expression = _LINEAR
    words = {
        "sweep": Key(
            "How the frequency changes", f"sweep: {EXPONENTIAL}", otherwise=f"`{LINEAR}`", legal=(LINEAR, EXPONENTIAL)
        )
    }

    @classmethod
    def variants(cls, *chosen: str) -> dict[str, object]:
        return dict(zip(("segment", "expression"), _EXPONENTIAL if EXPONENTIAL in chosen else _LINEAR, strict=True))

    @classmethod
    def check(cls, values: Values, duration: float, where: str) -> None:
        """0 <= start < stop <= duration, and frequencies above 0."""
        check_times(values, ("start", "stop"), duration, where)
        for name in ("start_frequency", "stop_frequency"):
            check_cycles(values, name, duration, where)
        first, last = values["start_frequency"], values["stop_frequency"]
        same = first == last
        if EXPONENTIAL in cls.settings and same.any():
            raise UserError(
                f"{where}: both frequencies are {first[same][0]:g} Hz, where an exponential sweep has two; "
                f"give another one, or a sine"
            )

    @classmethod
    def edge_counts(cls, values: Values, duration: float) -> np.ndarray:
        """Two: the start and the end."""
        return np.full(len(values["start"]), 2, dtype=np.int64)

    @classmethod
    def resolve(cls, values: Values, duration: float, ms: float, parameters: np.ndarray) -> dict[str, np.ndarray]:
        """With the angular frequency at the start and half its slope."""
        first, last = (TURN * ms * values[name] for name in ("start_frequency", "stop_frequency"))
        return {**values, "omega": first, "growth": (last - first) / (values["stop"] - values["start"]) / 2}

    @classmethod
    def twin(
        cls, values: Mapping[str, float], duration: float, ms: float
    ) -> tuple[list[float], Callable[[float], float]]:
        """The cycles so far: times the mean of the first and the present frequency, or by an integral."""
        amplitude, first, last, start, stop, _ = (values[name] for name in cls.fields)
        stop = min(stop, duration)

        def current(t: float) -> float:
            if not start <= t < stop:
                return 0.0
            part, octaves = (t - start) / (stop - start), log2(last / first)
            mean = first + (last - first) * part / 2
            if EXPONENTIAL in cls.settings:
                mean = first * (2 ** (octaves * part) - 1) / (octaves * part * log(2)) if part else first
            return amplitude * sin(2 * pi * mean * (t - start) * ms / 1000)

        return [start, stop], current
