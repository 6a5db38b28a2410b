"""Currents one after the other, each begun where the one before ended; and where firing ends on the way down."""

from dataclasses import dataclass

import numpy as np

from hhcore.protocols.hysteresis.cycles import Counted, Cycles, paced, slowest, turn
from hhcore.simulation.observers import Extremes, Spikes
from hhcore.simulation.result import Ragged
from hhcore.simulation.search.firing import going_on
from hhcore.simulation.stimuli.ramp import Ramp

HALVINGS = 24  # of the distance between the lowest level and one that fires
NEAR = 1e-12  # of the way to the lowest level, by which rounding may take a turn past it

FIRING_ENDS = ("never", "throughout", "turn", "searched")
NEVER, THROUGHOUT, TURN, SEARCHED = range(4)


@dataclass(frozen=True)
class Levels:
    """What n neurons do at L levels, in the order in which they come: (n, L) each.

    rate    : float64, 1 over the mean interval between spikes in the second half; 0 without a spike, NaN with just one
    spikes  : int64, in the whole level
    peak, trough : float64, of the potential in the second half
    fires   : int64, 1 where firing goes on at the end
    outcome : int8 (n,), of the kernel, the worst
    ended   : float64 (n,), time of all levels
    """

    rate: np.ndarray
    spikes: np.ndarray
    peak: np.ndarray
    trough: np.ndarray
    fires: np.ndarray
    outcome: np.ndarray
    ended: np.ndarray


@dataclass(frozen=True)
class Firing:
    """The lowest level at which each of n neurons fires on: that, inf of none; its states at the end; its interval."""

    level: np.ndarray
    states: np.ndarray
    interval: np.ndarray


@dataclass(frozen=True)
class End:
    """Where firing ends on the way down, of n neurons; NaN where there is nothing.

    ends   : int8 (n,), an index into FIRING_ENDS
    current, error : float64 (n,), and by how much it may be off
    period : float64 (n,), of the cycle there
    """

    ends: np.ndarray
    current: np.ndarray
    error: np.ndarray
    period: np.ndarray


def course(
    neurons: Counted, states: np.ndarray, amplitudes: np.ndarray, hold: float
) -> tuple[Levels, Firing, np.ndarray]:
    """Hold n neurons at one amplitude after the other, from `states`, float64 (n, N).

    Returns what they do, the lowest level that fires, and the states at the end, float64 (n, N).
    """
    n, shape = len(states), (len(states), len(amplitudes))
    rate, peak, trough = np.full((3, *shape), np.nan)
    spikes, fires = np.zeros((2, *shape), np.int64)
    outcome, ended = np.zeros(n, np.int8), np.zeros(n)
    firing = Firing(np.full(n, np.inf), states.copy(), np.full(n, np.nan))
    going, states = np.arange(n), states.copy()
    for number, amplitude in enumerate(amplitudes):
        if not len(going):
            break
        run, _ = neurons.of(going).with_fields(amplitude=amplitude).run(states[going], [hold / 2, hold])
        on, mean = going_on(run["spikes"], np.full(len(going), hold)), interval(run["spikes"], hold / 2, hold)
        good = run["outcome"] == 0
        outcome[going], states[going] = run["outcome"], run["final"]
        ended[going] += run["ended"]
        rows = going[good]
        spikes[rows, number], fires[rows, number] = run["spikes"].counts[good], on[good]
        rate[rows, number] = np.where(mean == 0, 0.0, 1 / np.where(mean > 0, mean, np.nan))[good]
        peak[rows, number], trough[rows, number] = run["peak"][good], run["trough"][good]
        lower = going[on & good & np.isfinite(mean) & (amplitude < firing.level[going])]
        firing.level[lower], firing.states[lower] = amplitude, states[lower]
        firing.interval[lower] = mean[np.isin(going, lower)]
        going = going[good]
    return Levels(rate, spikes, peak, trough, fires, outcome, ended), firing, states


def interval(spikes: Ragged, start: float, stop: float) -> np.ndarray:
    """The mean interval of spikes in a window, float64 (n,): 0 without a spike, NaN with just one."""
    n = len(spikes.counts)
    owner = np.repeat(np.arange(n), spikes.counts)
    inside = (spikes.values >= start) & (spikes.values < stop)
    count = np.bincount(owner[inside], minlength=n)
    first, last = np.full(n, np.inf), np.full(n, -np.inf)
    np.minimum.at(first, owner[inside], spikes.values[inside])
    np.maximum.at(last, owner[inside], spikes.values[inside])
    with np.errstate(invalid="ignore"):
        return np.where(count == 0, 0.0, (last - first) / np.where(count > 1, count - 1, np.nan))


def firing_end(neurons: Counted, method: str, firing: Firing, lowest: float, hold: float) -> End:
    """Where firing ends below the lowest level that fires: at the turn of its cycles, or else by a search."""
    n = len(firing.level)
    current, error, period = np.full((3, n), np.nan)
    ends = np.where(np.isfinite(firing.level), THROUGHOUT, NEVER).astype(np.int8)
    rows = np.flatnonzero(np.isfinite(firing.level) & (firing.level > lowest))
    if len(rows):
        cells = paced(neurons.of(rows), method)
        begun = Cycles(firing.states[rows], firing.interval[rows], firing.level[rows])
        turned, off = turn(cells, slowest(cells, begun), lowest)
        near = lowest - NEAR * (begun.current - lowest)
        found = np.isfinite(off) & (turned.current >= near) & (turned.current <= begun.current)
        at = rows[found]
        ends[at], current[at], error[at] = TURN, turned.current[found], off[found]
        period[at] = turned.period[found]
        at = rows[~found & ~(np.isfinite(off) & (turned.current < lowest))]
        if len(at):
            ends[at], current[at], error[at] = _searched(neurons.of(at), method, firing, at, lowest, hold)
    return End(ends, current, error, period)


def _searched(
    neurons: Counted, method: str, firing: Firing, rows: np.ndarray, lowest: float, hold: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How firing ends, where, and the error. It goes on for too long below its end, by about 1 over the hold squared.

    So a hold twice as long comes nearer by three quarters, and the last quarter is added.
    """
    spikes = next(o for o in neurons.engine.observers if isinstance(o, Spikes))
    ramps = neurons.under(method, Ramp, spikes, Extremes())
    first, second = (_bisected(neurons, ramps, firing, rows, lowest, hold, k * hold) for k in (1, 2))
    ends = np.where(np.isnan(first) | np.isnan(second), THROUGHOUT, SEARCHED)
    return ends, second + (second - first) / 3, np.abs(second - first)


def _bisected(
    neurons: Counted, ramps: Counted, firing: Firing, rows: np.ndarray, lowest: float, hold: float, lasts: float
) -> np.ndarray:
    """The current where firing ends that has to last for so long, float64 (k,); NaN where it goes on at the lowest.

    A ramp takes neurons to each current: a step might kick them out of firing that goes on there.
    """
    low, high, states = np.full(len(rows), lowest), firing.level[rows].copy(), firing.states[rows].copy()

    def goes_on(current: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        fields = {"start_amplitude": high, "amplitude": current, "start": 0.0, "stop": hold}
        begun = ramps.with_fields(**fields).run(states, [hold])[0]["final"]
        run, _ = neurons.with_fields(amplitude=current).run(begun, [lasts])
        on = going_on(run["spikes"], np.full(len(rows), lasts)) & (run["outcome"] == 0)
        return on, run["final"]

    throughout, _ = goes_on(low)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        on, final = goes_on(middle)
        low, high = np.where(on, low, middle), np.where(on, middle, high)
        states = np.where(on[:, None], final, states)
    return np.where(throughout, np.nan, (low + high) / 2)
