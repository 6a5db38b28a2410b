"""Biphasic current pulses, whose two phases carry equal and opposite charges."""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf

import numpy as np

from hhcore.base.errors import UserError
from hhcore.base.units import Quantities
from hhcore.simulation.stimuli.checks import (
    as_many_as_fit,
    check_begin,
    check_last,
    check_most,
    check_number,
    check_positive,
    check_resolved,
)
from hhcore.simulation.stimuli.stimulus import CURRENT_ELSEWHERE, Field, Stimulus, Values


@dataclass(frozen=True)
class Biphasic(Stimulus):
    """Charge-balanced pulses: a phase of `amplitude` for `width`, a gap, and a phase of the opposite charge.

    The second phase lasts for width_ratio * width with -amplitude / width_ratio. A positive amplitude gives the
    depolarising phase first, a negative one the hyperpolarising phase.

    amplitude   : of the first phase, in the unit of the model's injected current (uA/cm^2)
    width, gap  : of the first phase and between the phases, in the model's unit of time (ms)
    width_ratio : width of the second phase over that of the first
    period      : from onset to onset, for a train of pulses; by default there is one
    number      : of pulses; by default all that end within the run
    start       : when the first begins
    """

    amplitude: Quantities
    width: Quantities
    gap: Quantities = 0.0
    width_ratio: Quantities = 1.0
    period: Quantities = inf
    number: Quantities = inf
    start: Quantities = 0.0

    kind = "biphasic"
    title = "biphasic current pulses"
    example = "{kind: biphasic, amplitude: -80, width: 0.2, gap: 0.1, start: 10}"
    axis = "amplitude"
    elsewhere = ("biphasic_pulse", "BiphasicPulse", "AsymmetricBiphasicPulse", "BiphasicPulseTrain", "charge_balanced")
    fields = {
        "amplitude": Field(
            "current",
            "Injected current, amplitude of the first phase",
            elsewhere=CURRENT_ELSEWHERE
            | dict.fromkeys(
                ("cathodic_first", "polarity", "phase_order"), "the sign of `amplitude`, that of the first phase"
            ),
        ),
        "width": Field(
            "time",
            "First phase, how long it lasts",
            elsewhere=dict.fromkeys(("dur", "duration", "phase_dur", "phase_duration", "pulse_width", "pw"), "`width`"),
        ),
        "gap": Field(
            "time",
            "Interphase gap, time between the two phases",
            0.0,
            elsewhere=dict.fromkeys(("interphase_dur", "interphase_gap", "ipg", "IPG", "interphase"), "`gap`"),
            spelled=True,
        ),
        "width_ratio": Field(
            "1",
            "Second phase, its width over that of the first",
            1.0,
            elsewhere=dict.fromkeys(("ratio", "asymmetry"), "`width_ratio`, at equal charge"),
        ),
        "period": Field(
            "time",
            "Pulses, time from onset to onset",
            inf,
            elsewhere=dict.fromkeys(("interval", "bcl"), "`period`")
            | dict.fromkeys(("freq", "frequency", "rate"), "`period`, from onset to onset: 1000 ms for 1 Hz"),
        ),
        "number": Field(
            "1", "Pulses, how many", inf, elsewhere=dict.fromkeys(("count", "n", "n_pulses"), "`number`"), whole=True
        ),
        "start": Field(
            "time",
            "Pulses, when the first begins",
            0.0,
            elsewhere=dict.fromkeys(("delay", "delay_dur", "del", "onset", "offset"), "`start`"),
        ),
    }
    quiet = {
        "amplitude": 0.0,
        "width": 1.0,
        "gap": 0.0,
        "width_ratio": 1.0,
        "period": 3.0,
        "number": 0.0,
        "start": 0.0,
    }
    segment = '''
def segment(k, amplitude, width, gap, width_ratio, period, number, start):
    """(end, level) of segment k = 4 i + j: before pulse i, its first phase, its gap, its second phase."""
    i = float(k >> 2)
    onset = start + i * period if i < number else inf
    if k & 3 == 0:
        return onset, 0.0
    if k & 3 == 1:
        return onset + width, amplitude
    if k & 3 == 2:
        return onset + width + gap, 0.0
    return onset + width + gap + width_ratio * width, -amplitude / width_ratio
'''

    @classmethod
    def check(cls, values: Values, duration: float, where: str) -> None:
        """Widths and periods above 0, gaps from 0 on, pulses that do not touch and end within the run."""
        check_positive(values, ("width", "period"), where)
        check_positive(values, ("width_ratio",), where, "number")
        check_begin(values["start"], where)
        if values["gap"].min() < 0:
            raise UserError(f"{where}.gap: {float(values['gap'].min())!r} is below 0; give 0, or a time above it")
        check_number(values["number"], where, "pulses")
        length, period = cls._lengths(values), values["period"]
        second = (values["number"] > 1) & (values["start"] + period + length <= duration)
        worst = np.where(second, length - period, -inf).argmax()
        if second[worst] and length[worst] >= period[worst]:
            raise UserError(
                f"{where}: both phases and the gap, {float(length[worst])!r} together, are not below period "
                f"{float(period[worst])!r}; pulses must not touch, so give a longer period or shorter phases"
            )
        number = np.where(np.isfinite(values["number"]), values["number"], 1)
        onset = values["start"] + (number - 1) * np.where(number > 1, period, 0.0)
        check_last(onset + length, number, duration, where, "pulse")
        if duration < inf:
            number = cls._numbers(values, duration)
            check_most(number, where, "pulses")
            check_resolved(values["width"], values["start"] + (number - 1) * period, where)

    @classmethod
    def edge_counts(cls, values: Values, duration: float) -> np.ndarray:
        """Four for each pulse."""
        return 4 * cls._numbers(values, duration).astype(np.int64)

    @classmethod
    def resolve(cls, values: Values, duration: float, ms: float, parameters: np.ndarray) -> dict[str, np.ndarray]:
        """Fill in the number of pulses of each neuron."""
        return {**values, "number": cls._numbers(values, duration)}

    @classmethod
    def twin(
        cls, values: Mapping[str, float], duration: float, ms: float
    ) -> tuple[list[float], Callable[[float], float]]:
        """All pulses that end within the run, up to rounding; the phases half-open, their charges opposite."""
        amplitude, width, gap, ratio, period, number, start, _ = (values[name] for name in cls.fields)
        second = ratio * width
        onsets: list[float] = []
        while len(onsets) < number:
            onset = start + len(onsets) * period if onsets else start
            if onset + width + gap + second > duration * (1 + 1e-12):
                break
            onsets.append(onset)
        edges = [(t, t + width, t + width + gap, t + width + gap + second) for t in onsets]

        def current(t: float) -> float:
            i = bisect_right(onsets, t) - 1
            if i < 0:
                return 0.0
            _, end, again, last = edges[i]
            return amplitude if t < end else -amplitude / ratio if again <= t < last else 0.0

        return [edge for pulse in edges for edge in pulse], current

    @staticmethod
    def _lengths(values: Values) -> np.ndarray:
        """How long a pulse lasts: both phases and the gap."""
        return values["width"] + values["gap"] + values["width_ratio"] * values["width"]

    @classmethod
    def _numbers(cls, values: Values, duration: float) -> np.ndarray:
        room = duration - values["start"]
        return as_many_as_fit(values["number"], cls._lengths(values), values["period"], room)
