"""A short step on a long one, for the slow afterhyperpolarisation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf

import numpy as np

from hhcore.base.units import Quantities
from hhcore.simulation.stimuli.checks import check_times
from hhcore.simulation.stimuli.stimulus import CURRENT_ELSEWHERE, Field, Stimulus, Values


@dataclass(frozen=True)
class SAHP(Stimulus):
    """A long step, interrupted by a short one: the slow afterhyperpolarisation that follows spikes.

    `long_amplitude` flows from start to tmid and from tmid2 to stop, `amplitude` from tmid to tmid2, as in the eCode
    sAHP of BluePyEModel.

    amplitude, long_amplitude : in the unit of the model's injected current (uA/cm^2)
    start, tmid, tmid2, stop  : in the model's unit of time (ms); stop defaults to the end of the run
    """

    amplitude: Quantities
    long_amplitude: Quantities
    tmid: Quantities
    tmid2: Quantities
    start: Quantities = 0.0
    stop: Quantities = inf

    kind = "sahp"
    title = "short step on a long one"
    example = "{kind: sahp, amplitude: 20, long_amplitude: 5, start: 250, tmid: 500, tmid2: 725, stop: 1175}"
    axis = "amplitude"
    elsewhere = ("sAHP", "sahp_ecode")
    fields = {
        "amplitude": Field(
            "current",
            "Injected current, amplitude of the short step",
            elsewhere=CURRENT_ELSEWHERE | dict.fromkeys(("amp2", "sahp_amp"), "`amplitude`, of the short step"),
        ),
        "long_amplitude": Field(
            "current",
            "Long step, its amplitude before and after the short one",
            elsewhere=dict.fromkeys(("long_amp", "phase1_amplitude", "phase3_amplitude"), "`long_amplitude`"),
        ),
        "tmid": Field("time", "Short step, when it begins", elsewhere=dict.fromkeys(("t_mid", "sahp_tmid"), "`tmid`")),
        "tmid2": Field(
            "time", "Short step, when it ends", elsewhere=dict.fromkeys(("t_mid2", "sahp_tmid2"), "`tmid2`")
        ),
        "start": Field(
            "time",
            "Long step, when it begins",
            0.0,
            elsewhere=dict.fromkeys(("delay", "del", "onset", "ton"), "`start`"),
        ),
        "stop": Field(
            "time", "Long step, when it ends", inf, elsewhere=dict.fromkeys(("toff", "sahp_toff", "end"), "`stop`")
        ),
    }
    quiet = {"amplitude": 0.0, "long_amplitude": 0.0, "tmid": 0.0, "tmid2": 0.0, "start": 0.0, "stop": inf}
    segment = '''
def segment(k, amplitude, long_amplitude, tmid, tmid2, start, stop):
    """(end, level) of segment k: before it, the long step, the short one, the long step again, after it."""
    if k == 0:
        return start, 0.0
    if k == 1:
        return tmid, long_amplitude
    if k == 2:
        return tmid2, amplitude
    if k == 3:
        return stop, long_amplitude
    return inf, 0.0
'''

    @classmethod
    def check(cls, values: Values, duration: float, where: str) -> None:
        """0 <= start < tmid < tmid2 < stop <= duration."""
        check_times(values, ("start", "tmid", "tmid2", "stop"), duration, where)

    @classmethod
    def edge_counts(cls, values: Values, duration: float) -> np.ndarray:
        """Four."""
        return np.full(len(values["start"]), 4, dtype=np.int64)

    @classmethod
    def twin(
        cls, values: Mapping[str, float], duration: float, ms: float
    ) -> tuple[list[float], Callable[[float], float]]:
        """Two steps, of which the short one goes first."""
        edges = [values[name] for name in ("start", "tmid", "tmid2", "stop")]

        def current(t: float) -> float:
            if values["tmid"] <= t < values["tmid2"]:
                return values["amplitude"]
            return values["long_amplitude"] if values["start"] <= t < values["stop"] else 0.0

        return edges, current
