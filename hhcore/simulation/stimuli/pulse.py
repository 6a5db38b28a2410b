"""One rectangular current pulse."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf

import numpy as np

from hhcore.base.units import Quantities
from hhcore.simulation.stimuli.checks import check_begin, check_last, check_positive, check_resolved
from hhcore.simulation.stimuli.stimulus import CURRENT_ELSEWHERE, Field, Stimulus, Values


@dataclass(frozen=True)
class Pulse(Stimulus):
    """A current pulse: `amplitude` while start <= t < start + width, zero otherwise.

    amplitude : in the unit of the model's injected current (uA/cm^2)
    width, start : in the model's unit of time (ms)

    It is a step that is given by its width. A train of pulses, each of which begins a beat, is a `PulseTrain`.

    >>> import hhcore
    >>> run = hhcore.simulate("hodgkin_huxley_1952", {}, hhcore.Pulse([13.2, 13.3], 0.5), duration=50)
    >>> run.spike_counts.tolist()
    [0, 1]
    """

    amplitude: Quantities
    width: Quantities
    start: Quantities = 0.0

    kind = "pulse"
    title = "current pulse"
    example = "{kind: pulse, amplitude: 80, width: 0.5}"
    axis = "amplitude"
    elsewhere = ("single_pulse", "rectangular", "rect", "brief_pulse")
    fields = {
        "amplitude": Field("current", "Injected current, amplitude of the stimulus", elsewhere=CURRENT_ELSEWHERE),
        "width": Field(
            "time",
            "Pulse, how long it lasts",
            elsewhere=dict.fromkeys(("dur", "duration", "length", "pulse_width", "pw"), "`width`")
            | dict.fromkeys(("stop", "end", "t_stop", "tstop"), "`width`, from start to stop"),
        ),
        "start": Field(
            "time",
            "Pulse, when it begins",
            0.0,
            elsewhere=dict.fromkeys(("delay", "del", "onset", "t_start", "tstart"), "`start`")
            | dict.fromkeys(("period", "number", "count"), "for several pulses, `kind: pulse_train`"),
        ),
    }
    quiet = {"amplitude": 0.0, "width": inf, "start": 0.0}
    segment = '''
def segment(k, amplitude, width, start):
    """(end, level) of segment k: before the pulse, the pulse, after it."""
    if k == 0:
        return start, 0.0
    if k == 1:
        return start + width, amplitude
    return inf, 0.0
'''

    @classmethod
    def check(cls, values: Values, duration: float, where: str) -> None:
        """0 < width, 0 <= start, and the pulse ends within the run."""
        width, start = values["width"], values["start"]
        check_positive(values, ("width",), where)
        check_begin(start, where)
        check_last(start + width, np.ones(len(start)), duration, where, "pulse")
        check_resolved(width, start, where)

    @classmethod
    def edge_counts(cls, values: Values, duration: float) -> np.ndarray:
        """Two: the onset and the end."""
        return np.full(len(values["start"]), 2, dtype=np.int64)

    @classmethod
    def twin(
        cls, values: Mapping[str, float], duration: float, ms: float
    ) -> tuple[list[float], Callable[[float], float]]:
        """The pulse, half-open."""
        amplitude, start, end = values["amplitude"], values["start"], values["start"] + values["width"]
        return [start, end], lambda t: amplitude if start <= t < end else 0.0
