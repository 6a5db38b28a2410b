"""What phase response curves come down to: the cycle, extremes and their phases, zeros, and the type of the curve.

Type I and II as in Hansel, Mato & Meunier (1995), Neural Comput. 7:307, and Ermentrout (1996), Neural Comput. 8:979: a
curve of type I hardly delays, one of type II delays and advances. Types 0 and 1 of resetting as in Winfree (1980), The
Geometry of Biological Time.
"""

from collections.abc import Mapping

import numpy as np

from hhcore.protocols.phase_response.cycle import PERIODIC
from hhcore.protocols.phase_response.cycle import WORDS as CYCLE_WORDS
from hhcore.protocols.phase_response.kicks import SHIFTED, STOPPED

TYPE_I = 0.1  # of the largest advance: a curve whose largest delay is smaller is of type I
RESOLVED = 0.25  # cycles between neighbours: new phases that are closer tell how often they go round
CYCLE = "; ".join(f"{word}: {meaning}" for word, meaning in CYCLE_WORDS.items())
EXTREMES = {
    "minimum_per_mV": (
        "cycles/mV",
        "lowest {}, below 0 where it delays spikes; by a polynomial through five neighbouring phases",
    ),
    "minimum_phase": ("1", "phase of the lowest {}, from 0, the upward crossing of the threshold, to 1"),
    "maximum_per_mV": ("cycles/mV", "highest {}, above 0 where it advances spikes; as for the lowest"),
    "maximum_phase": ("1", "phase of the highest {}"),
}
CURVES = {
    "cycle": ("1", f"what the neuron does at the end of the duration; {CYCLE}"),
    "period_ms": ("ms", "duration of a cycle; null unless the cycle is periodic"),
    "frequency_Hz": ("Hz", "cycles in a second; null unless the cycle is periodic"),
    "spikes_per_cycle": ("1", "spikes in a cycle; null unless the cycle is periodic"),
    "cycle_residual": ("1", "largest change of a state over a cycle, as a share of its range; null without a cycle"),
    **{name: (unit, words.format("infinitesimal response")) for name, (unit, words) in EXTREMES.items()},
    "delay_share": ("1", "largest delay per largest advance, both infinitesimal: -minimum / maximum"),
    "response_type": (
        "1",
        f"I: the largest delay is at most {TYPE_I:g} of the largest advance; II: it is larger; null without a curve",
    ),
    "zero_phase": (
        "1",
        "phase at which the infinitesimal response goes from delay to advance before its maximum, on a straight line "
        "between two phases; null for type I",
    ),
    **{f"kick_{name}": (unit, words.format("response to the kick")) for name, (unit, words) in EXTREMES.items()},
    "resetting_type": (
        "1",
        "how often the new phase goes round while the old one goes round once: 1 for weak resetting, 0 for strong; "
        f"null where the kick does not shift at some phase, or new phases at neighbours are over {RESOLVED:g} apart",
    ),
    "shift_count": ("1", "phases at which the kick shifts the cycle"),
    "stopping_phases": ("1", "phases at which the kick ends the firing"),
}

Columns = dict[str, np.ndarray]


def curve_columns(record: Mapping[str, np.ndarray], lists: Columns, kick: float, ms: float, mV: float) -> Columns:
    """The columns CURVES of n neurons.

    lists  : (n, phases), as the protocol keeps them; kick : in the model's unit of the potential
    ms, mV : milliseconds and millivolts in the model's units
    """
    kind = record["cycle"]
    period = np.where(kind == PERIODIC, record["period"] * ms, np.nan)
    infinitesimal, response = lists["slope"] / mV, lists["shift"] / (kick * mV)
    own, kicked = extremes(infinitesimal), extremes(response)
    positive = own["maximum_per_mV"] > 0
    share = -own["minimum_per_mV"] / np.where(positive, own["maximum_per_mV"], np.nan)
    known = np.isfinite(own["minimum_per_mV"])
    second = ~(share <= TYPE_I)
    kinds = np.where(known, np.where(second, "II", "I"), None)
    outcome = lists["kick_outcome"]
    return {
        "cycle": np.array([*CYCLE_WORDS], dtype=object)[kind],
        "period_ms": period,
        "frequency_Hz": 1000.0 / period,
        "spikes_per_cycle": np.ma.masked_array(record["cycle_spikes"], kind != PERIODIC),
        "cycle_residual": record["residual"],
        **own,
        "delay_share": share,
        "response_type": kinds,
        "zero_phase": np.where(known & second, zeros(infinitesimal), np.nan),
        **{f"kick_{name}": values for name, values in kicked.items()},
        "resetting_type": resetting(lists["shift"]),
        "shift_count": np.ma.masked_array((outcome == SHIFTED).sum(axis=1), kind != PERIODIC),
        "stopping_phases": np.ma.masked_array((outcome == STOPPED).sum(axis=1), kind != PERIODIC),
    }


def extremes(curves: np.ndarray) -> Columns:
    """The extremes of n curves and their phases, (n,) each, from values at equal distances, float64 (n, phases).

    A curve with a gap has those of its points; one without a point NaN.
    """
    low, high = _highest(-curves), _highest(curves)
    return dict(zip(EXTREMES, (-low[0], low[1], *high), strict=True))


def _highest(curves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The maxima of n curves and their phases, by the polynomial of degree 4 through five points, float64 (n,) each."""
    n, phases = curves.shape
    filled = np.where(np.isfinite(curves), curves, -np.inf)
    at = filled.argmax(axis=1)
    value = np.where(np.isfinite(curves).any(axis=1), filled[np.arange(n), at], np.nan)
    phase = np.where(np.isfinite(value), at / phases, np.nan)
    if phases < 5:
        return value, phase
    a, b, c, d, e = (curves[np.arange(n), (at + i) % phases] for i in range(-2, 3))
    # p(x) = c + p1 x + p2 x^2 + p3 x^3 + p4 x^4, with x in distances of phases
    p1, p2 = (a - 8 * b + 8 * d - e) / 12, (-a + 16 * b - 30 * c + 16 * d - e) / 24
    p3, p4 = (-a + 2 * b - 2 * d + e) / 12, (a - 4 * b + 6 * c - 4 * d + e) / 24
    x = np.zeros(n)
    with np.errstate(invalid="ignore", divide="ignore"):
        for _ in range(8):  # Newton's method on p'
            slope, bend = p1 + x * (2 * p2 + x * (3 * p3 + 4 * x * p4)), 2 * p2 + x * (6 * p3 + 12 * x * p4)
            x = np.clip(x - slope / bend, -1.0, 1.0)
        top = c + x * (p1 + x * (p2 + x * (p3 + x * p4)))
    better = (np.abs(x) < 1) & (top >= value)
    return np.where(better, top, value), np.where(better, (at + x) / phases % 1.0, phase)


def zeros(curves: np.ndarray) -> np.ndarray:
    """The last phase before the maximum at which n curves rise through 0, float64 (n,), NaN where none does."""
    n, phases = curves.shape
    following = np.roll(curves, -1, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        rises, within = (curves < 0) & (following >= 0), curves / (curves - following)
    top = np.where(np.isfinite(curves), curves, -np.inf).argmax(axis=1)
    before = (top[:, None] - np.arange(phases) - 1) % phases  # distances on the circle
    nearest = np.where(rises, before, phases).argmin(axis=1)
    rows = np.arange(n)
    return np.where(rises.any(axis=1), (nearest + within[rows, nearest]) / phases % 1.0, np.nan)


def resetting(shifts: np.ndarray) -> np.ndarray:
    """How often the new phases of n curves go round, masked int64 (n,). `shifts` : float64 (n, phases), cycles"""
    phases = shifts.shape[1]
    new = np.arange(phases) / phases + shifts
    steps = np.diff(new, axis=1, append=new[:, :1])
    steps = steps - np.round(steps)
    with np.errstate(invalid="ignore"):
        known = np.isfinite(new).all(axis=1) & (np.abs(steps).max(axis=1) <= RESOLVED)
    rounds = np.round(np.where(known, steps.sum(axis=1), 0.0)).astype(np.int64)
    return np.ma.masked_array(rounds, ~known)
