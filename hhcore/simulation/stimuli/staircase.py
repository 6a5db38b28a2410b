"""A staircase of current steps."""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf

import numpy as np

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
class Staircase(Stimulus):
    """Current steps without a pause between them: step i = 0, 1, ... has amplitude + i increment and lasts for `width`.

    amplitude, increment : in the unit of the model's injected current (uA/cm^2)
    width, start         : in the model's unit of time (ms)
    number               : of steps; by default all that end within the run
    """

    amplitude: Quantities
    increment: Quantities
    width: Quantities
    number: Quantities = inf
    start: Quantities = 0.0

    kind = "staircase"
    title = "staircase of current steps"
    example = "{kind: staircase, amplitude: 2, increment: 2, width: 200, number: 5}"
    axis = "increment"
    elsewhere = ("stairs", "steps", "incremental_steps", "multistep")
    fields = {
        "amplitude": Field("current", "Injected current, amplitude of the first step", elsewhere=CURRENT_ELSEWHERE),
        "increment": Field(
            "current",
            "Staircase, what each step adds to the one before",
            elsewhere=dict.fromkeys(("delta", "step", "inc", "step_size", "height"), "`increment`"),
        ),
        "width": Field(
            "time", "Step, how long each lasts", elsewhere=dict.fromkeys(("dur", "duration", "length"), "`width`")
        ),
        "number": Field(
            "1",
            "Steps, how many",
            inf,
            whole=True,
            elsewhere=dict.fromkeys(("count", "n", "n_steps", "num_steps"), "`number`"),
        ),
        "start": Field(
            "time",
            "Staircase, when it begins",
            0.0,
            elsewhere=dict.fromkeys(("delay", "del", "onset", "offset"), "`start`"),
        ),
    }
    quiet = {"amplitude": 0.0, "increment": 0.0, "width": 1.0, "number": 0.0, "start": 0.0}
    segment = '''
def segment(k, amplitude, increment, width, number, start):
    """(end, level) of segment k: before the staircase, step k - 1, after it."""
    if k == 0:
        return start, 0.0
    i = float(k - 1)
    if i < number:
        return start + (i + 1.0) * width, amplitude + i * increment
    return inf, 0.0
'''

    @classmethod
    def check(cls, values: Values, duration: float, where: str) -> None:
        """Width above 0, 0 <= start, and every step, one at least, ends within the run."""
        width, number, start = (values[name] for name in ("width", "number", "start"))
        check_positive(values, ("width",), where)
        check_begin(start, where)
        check_number(number, where, "steps")
        known = np.where(np.isfinite(number), number, 1)
        check_last(start + known * width, known, duration, where, "step")
        if duration < inf:
            number = cls._numbers(values, duration)
            check_most(number, where, "steps")
            check_resolved(width, start + (number - 1) * width, where)

    @classmethod
    def edge_counts(cls, values: Values, duration: float) -> np.ndarray:
        """One for each step, and the start."""
        return 1 + cls._numbers(values, duration).astype(np.int64)

    @classmethod
    def resolve(cls, values: Values, duration: float, ms: float, parameters: np.ndarray) -> dict[str, np.ndarray]:
        """Fill in the number of steps of each neuron."""
        return {**values, "number": cls._numbers(values, duration)}

    @classmethod
    def twin(
        cls, values: Mapping[str, float], duration: float, ms: float
    ) -> tuple[list[float], Callable[[float], float]]:
        """The last edge that is not later than t says which step flows."""
        amplitude, increment, width, number, start, _ = (values[name] for name in cls.fields)
        edges = [start]
        while len(edges) <= number and start + len(edges) * width <= duration * (1 + 1e-12):
            edges.append(start + len(edges) * width)

        def current(t: float) -> float:
            i = bisect_right(edges, t) - 1
            return amplitude + i * increment if 0 <= i < len(edges) - 1 else 0.0

        return edges, current

    @classmethod
    def _numbers(cls, values: Values, duration: float) -> np.ndarray:
        return as_many_as_fit(values["number"], values["width"], values["width"], duration - values["start"])
