"""What is measured of the action potential of each beat: where it begins, and the levels to which it repolarises."""

from dataclasses import dataclass

import numpy as np

# Columns that a kernel notes of each beat: times, potentials, the largest slope before the highest peak, the upward
# crossing of the fixed level, the number of early afterdepolarisations, the fall of APD90; NaN for what does not occur.
BEAT = ("onset", "end", "rest", "peak", "slope", "slope_time", "level_rise", "ead_count", "ninety_time")
EAD_MV, EAD_MS = 1.0, 50.0  # least rise of an early afterdepolarisation, and from when after the upstroke it counts
# Of the height of the last action potential, above which a membrane is not repolarised. The tenth of APD90 would be too
# strict: the first beat may start some millivolts below the rest of the others, and pacemakers depolarise slowly.
DEPOLARISED = 0.25
UPSTROKE, ONSET = "upstroke", "onset"


@dataclass(frozen=True)
class ActionPotentials:
    """Durations that are measured of each action potential.

    percentages : of repolarisation, increasing; 90 is always one of them, since an action potential ends there
    begin       : from when they count: `upstroke`, the largest dV/dt, or `onset` of the pulse
    level       : a fixed potential in the model's unit, the time above which is measured; None: of no potential
    """

    percentages: tuple[int, ...] = (50, 90)
    begin: str = UPSTROKE
    level: float | None = None

    @property
    def others(self) -> tuple[int, ...]:
        """The percentages besides 90."""
        return tuple(percentage for percentage in self.percentages if percentage != 90)

    @property
    def levels(self) -> np.ndarray:
        """The levels to fall through, as shares of the height, float64 (k,): of 90 % first; NaN is the fixed one."""
        shares = [(100 - percentage) / 100 for percentage in (90, *self.others)]
        return np.array(shares + ([] if self.level is None else [np.nan]))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a beat: those of BEAT, then the other falls."""
        fixed = () if self.level is None else ("level_fall",)
        return (*BEAT, *(f"fall_{percentage}" for percentage in self.others), *fixed)

    @property
    def falls(self) -> tuple[str, ...]:
        """The columns of falls through `levels`, which may come after the end of the beat."""
        return self.columns[BEAT.index("ninety_time") :]


USUAL = ActionPotentials()
