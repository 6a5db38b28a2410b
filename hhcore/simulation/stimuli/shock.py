"""An instant displacement of the membrane potential."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf

import numpy as np

from hhcore.base.errors import UserError
from hhcore.base.units import Quantities
from hhcore.compile.parts import SHOCK
from hhcore.simulation.stimuli.checks import check_begin
from hhcore.simulation.stimuli.stimulus import Field, Stimulus, Values


@dataclass(frozen=True)
class Shock(Stimulus):
    """A shock: at `start` the membrane potential jumps by `displacement`, and no current flows.

    It is the limit of a short pulse of the charge displacement times capacitance, as in Hodgkin & Huxley (1952),
    J. Physiol. 117:500. Several in a run are a `Sum`.

    displacement : in the unit of the membrane potential (mV)
    start        : in the model's unit of time (ms)
    """

    displacement: Quantities
    start: Quantities = 0.0

    kind = "shock"
    title = "instant displacement of the potential"
    example = "{kind: shock, displacement: 15, start: 10}"
    axis = "displacement"
    elsewhere = ("instantaneous", "displacement", "kick", "delta", "impulse")
    fields = {
        "displacement": Field(
            "potential",
            "Membrane potential, displaced by",
            elsewhere=dict.fromkeys(("amplitude", "amp", "dV", "voltage", "size"), "`displacement`, in mV"),
        ),
        "start": Field(
            "time",
            "Shock, when it comes",
            0.0,
            elsewhere=dict.fromkeys(("delay", "del", "onset", "time", "t"), "`start`"),
        ),
    }
    quiet = {"displacement": 0.0, "start": inf}
    segment = '''
def segment(k, displacement, start):
    """(end, level) of segment k: before the shock, after it; at the start of each the potential jumps by the level."""
    if k == 0:
        return start, 0.0
    return inf, displacement
'''
    acts = SHOCK
    clamps = False

    @classmethod
    def check(cls, values: Values, duration: float, where: str) -> None:
        """0 <= start < duration."""
        check_begin(values["start"], where)
        latest = values["start"].max()
        if latest >= duration:
            raise UserError(
                f"{where}.start: {float(latest)!r} is not before the end of the simulation, {duration!r}; give an "
                "earlier start or a longer duration"
            )

    @classmethod
    def edge_counts(cls, values: Values, duration: float) -> np.ndarray:
        """One."""
        return np.ones(len(values["start"]), dtype=np.int64)

    @classmethod
    def twin(
        cls, values: Mapping[str, float], duration: float, ms: float
    ) -> tuple[list[float], Callable[[float], float]]:
        """No current."""
        return [values["start"]], lambda t: 0.0

    @classmethod
    def shocks(cls, values: Mapping[str, float], duration: float) -> list[tuple[float, float]]:
        """The one."""
        return [(values["start"], values["displacement"])]
