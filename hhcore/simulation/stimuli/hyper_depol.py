"""A hyperpolarising step, then a depolarising one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf

import numpy as np

from hhcore.base.units import Quantities
from hhcore.simulation.stimuli.checks import check_times
from hhcore.simulation.stimuli.stimulus import Field, Stimulus, Values


@dataclass(frozen=True)
class HyperDepol(Stimulus):
    """A step that hyperpolarises, and one after it that depolarises: what is de-inactivated by the first.

    `hyper_amplitude` flows from start to tmid, `depol_amplitude` from tmid to stop, as in the eCode HyperDepol of
    BluePyEModel. Their signs are as written.

    hyper_amplitude, depol_amplitude : in the unit of the model's injected current (uA/cm^2)
    start, tmid, stop                : in the model's unit of time (ms); stop defaults to the end of the run
    """

    hyper_amplitude: Quantities
    depol_amplitude: Quantities
    tmid: Quantities
    start: Quantities = 0.0
    stop: Quantities = inf

    kind = "hyper_depol"
    title = "hyperpolarising step, then a depolarising one"
    example = "{kind: hyper_depol, hyper_amplitude: -5, depol_amplitude: 10, start: 250, tmid: 700, stop: 970}"
    axis = "hyper_amplitude"
    elsewhere = ("HyperDepol", "hyperdepol", "hyperpolarization", "prepulse")
    fields = {
        "hyper_amplitude": Field(
            "current",
            "Injected current, amplitude of the hyperpolarising step",
            elsewhere=dict.fromkeys(("hyper_amp", "amp", "amplitude", "hyperpol"), "`hyper_amplitude`, negative"),
        ),
        "depol_amplitude": Field(
            "current",
            "Depolarising step, its amplitude",
            elsewhere=dict.fromkeys(("depol_amp", "amp2", "depol"), "`depol_amplitude`"),
        ),
        "tmid": Field(
            "time",
            "Steps, when the depolarising one takes over",
            elsewhere=dict.fromkeys(("t_mid", "mid"), "`tmid`"),
        ),
        "start": Field(
            "time",
            "Hyperpolarising step, when it begins",
            0.0,
            elsewhere=dict.fromkeys(("delay", "del", "onset", "ton"), "`start`"),
        ),
        "stop": Field(
            "time", "Depolarising step, when it ends", inf, elsewhere=dict.fromkeys(("toff", "end"), "`stop`")
        ),
    }
    quiet = {"hyper_amplitude": 0.0, "depol_amplitude": 0.0, "tmid": 0.0, "start": 0.0, "stop": inf}
    segment = '''
def segment(k, hyper_amplitude, depol_amplitude, tmid, start, stop):
    """(end, level) of segment k: before the steps, the first, the second, after them."""
    if k == 0:
        return start, 0.0
    if k == 1:
        return tmid, hyper_amplitude
    if k == 2:
        return stop, depol_amplitude
    return inf, 0.0
'''

    @classmethod
    def check(cls, values: Values, duration: float, where: str) -> None:
        """0 <= start < tmid < stop <= duration."""
        check_times(values, ("start", "tmid", "stop"), duration, where)

    @classmethod
    def edge_counts(cls, values: Values, duration: float) -> np.ndarray:
        """Three."""
        return np.full(len(values["start"]), 3, dtype=np.int64)

    @classmethod
    def twin(
        cls, values: Mapping[str, float], duration: float, ms: float
    ) -> tuple[list[float], Callable[[float], float]]:
        """One step after the other, both half-open."""
        start, tmid, stop = (values[name] for name in ("start", "tmid", "stop"))

        def current(t: float) -> float:
            if not start <= t < stop:
                return 0.0
            return values["hyper_amplitude"] if t < tmid else values["depol_amplitude"]

        return [start, tmid, stop], current
