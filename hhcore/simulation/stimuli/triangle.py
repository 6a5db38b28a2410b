"""A current that rises and falls along straight lines."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf

import numpy as np

from hhcore.base.errors import UserError
from hhcore.base.units import Quantities
from hhcore.simulation.stimuli.checks import check_times
from hhcore.simulation.stimuli.stimulus import CURRENT_ELSEWHERE, Field, Stimulus, Values


@dataclass(frozen=True)
class Triangle(Stimulus):
    """A triangle of current: from 0 at start to `amplitude`, and back to 0 at stop, along straight lines.

    amplitude   : in the unit of the model's injected current (uA/cm^2)
    start, stop : in the model's unit of time (ms); stop defaults to the end of the run
    symmetry    : where the peak lies, between 0 (at start) and 1 (at stop), both excluded
    """

    amplitude: Quantities
    start: Quantities = 0.0
    stop: Quantities = inf
    symmetry: Quantities = 0.5

    kind = "triangle"
    title = "triangle of current"
    example = "{kind: triangle, amplitude: 20, start: 10, stop: 1010}"
    axis = "amplitude"
    elsewhere = ("triangular", "up_down_ramp", "bidirectional_ramp", "double_ramp", "triangular_ramp")
    fields = {
        "amplitude": Field(
            "current", "Injected current, amplitude at the peak of the triangle", elsewhere=CURRENT_ELSEWHERE
        ),
        "start": Field(
            "time", "Triangle, when it begins", 0.0, elsewhere=dict.fromkeys(("delay", "del", "onset"), "`start`")
        ),
        "stop": Field(
            "time",
            "Triangle, when it ends",
            inf,
            elsewhere=dict.fromkeys(("dur", "duration", "width"), "`stop`, when the triangle ends: delay + duration")
            | dict.fromkeys(("end", "toff"), "`stop`"),
        ),
        "symmetry": Field(
            "1",
            "Peak, where it lies between start (0) and end (1) of the triangle",
            0.5,
            elsewhere=dict.fromkeys(("peak", "rise", "skew"), "`symmetry`, the rise as a part of the whole"),
        ),
    }
    quiet = {"amplitude": 0.0, "start": 0.0, "stop": inf, "symmetry": 0.5}
    segment = '''
def segment(k, amplitude, start, stop, symmetry):
    """(end, level, rise) of segment k: before the triangle, up, down, after it."""
    peak = start + symmetry * (stop - start)
    if k == 0:
        return start, 0.0, 0.0
    if k == 1:
        return peak, 0.0, amplitude / (peak - start)
    if k == 2:
        return stop, amplitude, -amplitude / (stop - peak)
    return inf, 0.0, 0.0
'''
    expression = "level + rise * (time - onset)"

    @classmethod
    def check(cls, values: Values, duration: float, where: str) -> None:
        """0 <= start < stop <= duration, 0 < symmetry < 1, and no side so steep that its length is rounded away."""
        check_times(values, ("start", "stop"), duration, where)
        symmetry = values["symmetry"]
        illegal = (symmetry <= 0) | (symmetry >= 1)
        if illegal.any():
            raise UserError(
                f"{where}.symmetry: {float(symmetry[illegal][0])!r} is not between 0 and 1; give a number between "
                f"them, or a ramp for one side alone"
            )

    @classmethod
    def edge_counts(cls, values: Values, duration: float) -> np.ndarray:
        """Three: the start, the peak and the end."""
        return np.full(len(values["start"]), 3, dtype=np.int64)

    @classmethod
    def twin(
        cls, values: Mapping[str, float], duration: float, ms: float
    ) -> tuple[list[float], Callable[[float], float]]:
        """The lower of both lines."""
        amplitude, start, stop, symmetry, _ = (values[name] for name in cls.fields)
        stop = min(stop, duration)
        length = stop - start

        def current(t: float) -> float:
            part = (t - start) / length
            return amplitude * max(0.0, min(part / symmetry, (1 - part) / (1 - symmetry)))

        return [start, start + symmetry * length, stop], current
