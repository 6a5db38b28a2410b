"""Two current pulses, for refractoriness and restitution."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf

import numpy as np

from hhcore.base.errors import UserError
from hhcore.base.units import Quantities
from hhcore.simulation.stimuli.checks import check_begin, check_finite, check_positive, check_resolved
from hhcore.simulation.stimuli.stimulus import CURRENT_ELSEWHERE, Field, Stimulus, Values


@dataclass(frozen=True)
class PairedPulses(Stimulus):
    """Two current pulses of one width: the second begins an `interval` after the onset of the first.

    amplitude       : of the first pulse, in the unit of the model's injected current (uA/cm^2)
    width, interval : in the model's unit of time (ms); with interval = width the pulses touch
    amplitude_ratio : amplitude of the second pulse over that of the first
    start           : when the first begins

    Each pulse begins a beat.
    """

    amplitude: Quantities
    width: Quantities
    interval: Quantities
    amplitude_ratio: Quantities = 1.0
    start: Quantities = 0.0

    kind = "paired_pulses"
    title = "two current pulses"
    example = "{kind: paired_pulses, amplitude: 80, width: 0.5, interval: 12}"
    axis = "interval"
    elsewhere = ("paired_pulse", "PPR", "double_pulse", "twin_pulse", "S1S2", "s1s2", "doublet")
    fields = {
        "amplitude": Field("current", "Injected current, amplitude of the first pulse", elsewhere=CURRENT_ELSEWHERE),
        "width": Field(
            "time", "Pulse, how long each lasts", elsewhere=dict.fromkeys(("dur", "duration", "length"), "`width`")
        ),
        "interval": Field(
            "time",
            "Pulses, time from onset to onset",
            elsewhere=dict.fromkeys(("isi", "ISI", "ipi", "IPI", "s2", "CI", "period", "bcl"), "`interval`")
            | dict.fromkeys(("gap",), "`interval`, from onset to onset: gap + width"),
        ),
        "amplitude_ratio": Field(
            "1",
            "Second pulse, its amplitude over that of the first",
            1.0,
            elsewhere=dict.fromkeys(
                ("amp2", "amplitude2", "second_amplitude", "ratio"), "`amplitude_ratio`, of the second to the first"
            ),
        ),
        "start": Field(
            "time",
            "Pulses, when the first begins",
            0.0,
            elsewhere=dict.fromkeys(("delay", "del", "onset", "offset"), "`start`"),
        ),
    }
    quiet = {"amplitude": 0.0, "width": 1.0, "interval": 2.0, "amplitude_ratio": 0.0, "start": inf}
    segment = '''
def segment(k, amplitude, width, interval, amplitude_ratio, start):
    """(end, level) of segment k: before the pulses, the first, between them, the second, after them."""
    if k == 0:
        return start, 0.0
    if k == 1:
        return start + width, amplitude
    if k == 2:
        return start + interval, 0.0
    if k == 3:
        return start + interval + width, amplitude_ratio * amplitude
    return inf, 0.0
'''
    beat = '''
def beat(k):
    """The number of the beat that begins with segment k, that of the pulse, or -1."""
    return k >> 1 if k == 1 or k == 3 else -1
'''

    @classmethod
    def check(cls, values: Values, duration: float, where: str) -> None:
        """0 < width <= interval, 0 <= start, a finite ratio, and the second pulse ends within the run."""
        width, interval, start = (values[name] for name in ("width", "interval", "start"))
        check_positive(values, ("width", "interval"), where)
        check_begin(start, where)
        check_finite(values, ("amplitude_ratio",), where)
        worst = (width - interval).argmax()
        if width[worst] > interval[worst]:
            raise UserError(
                f"{where}: width {float(width[worst])!r} is above interval {float(interval[worst])!r}, from onset to "
                f"onset; pulses must not overlap, so give a longer interval or a shorter width"
            )
        end = start + interval + width
        worst = end.argmax()
        if end[worst] > duration:
            raise UserError(
                f"{where}: the second pulse ends at {float(end[worst])!r}, after the end of the simulation, "
                f"{duration!r}; give a longer duration or a shorter interval"
            )
        check_resolved(width, start + interval, where)

    @classmethod
    def edge_counts(cls, values: Values, duration: float) -> np.ndarray:
        """Four: two of each pulse."""
        return np.full(len(values["start"]), 4, dtype=np.int64)

    @classmethod
    def beat_counts(cls, values: Values, duration: float) -> np.ndarray:
        """Two: one of each pulse."""
        return np.full(len(values["start"]), 2, dtype=np.int64)

    @classmethod
    def twin(
        cls, values: Mapping[str, float], duration: float, ms: float
    ) -> tuple[list[float], Callable[[float], float]]:
        """The sum of two pulses, each half-open."""
        amplitude, width, ratio = (values[name] for name in ("amplitude", "width", "amplitude_ratio"))
        onsets = [values["start"], values["start"] + values["interval"]]
        pulses = list(zip(onsets, (amplitude, ratio * amplitude), strict=True))
        edges = [*onsets, *(onset + width for onset in onsets)]
        return edges, lambda t: sum((level for onset, level in pulses if onset <= t < onset + width), 0.0)
