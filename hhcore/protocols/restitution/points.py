"""Restitution as a table: a row for each measured beat, with the slope of the curve; and features of a curve."""

from collections.abc import Mapping

import numpy as np

from hhcore.protocols.steady_state.settling import IRREGULAR, response_words
from hhcore.simulation.action_potentials import ActionPotentials
from hhcore.simulation.beats import STATUS, action_potential, captured
from hhcore.simulation.result import Result
from hhcore.simulation.settle import MOST_REPEAT

Columns = dict[str, np.ndarray]

ALIKE_MS = 0.5  # by which APD90 may differ in the beats of a point that has a slope
# Of the longest APD90 of the neuron: after a shorter diastolic interval responses are graded, and their durations
# change by tens of ms within one of the interval. The Web Lab cuts at 19 ms, of cells with an APD90 of 300 to 370 ms.
GRADED = 0.05
AFTER = "diastolic_interval_after_ms"
OF_S1S2 = {"refined": ("1", "whether the interval was added between those of the config")}
OF_DYNAMIC = {
    "response": (
        "1",
        "stimuli and action potentials after which the beats repeat, see `repeat_beats`: `1:1`; `2:2`, alternans; "
        f"`2:1`, every second stimulus is blocked; `1:0`; `{IRREGULAR}` where they do not repeat",
    ),
    "carried_over": (
        "1",
        "whether the cell began the cycle length in its state at the end of the one before; else in the initial state",
    ),
}
SLOPES = {
    "max_slope": ("1", "largest slope in restitution.parquet; null without one"),
    "unit_slope_ms": (
        "ms",
        "longest diastolic interval at which the slope, that of the middle between two points, crosses 1; null if it "
        "does not",
    ),
}


def of_beats(measured: ActionPotentials, mV: float = 1.0) -> dict[str, tuple[str, str]]:
    """Those of a beat that do not depend on when the run ends."""
    return {name: field for name, field in action_potential(measured, mV).items() if name != AFTER}


def point_definitions(measured: ActionPotentials, mV: float) -> dict[str, tuple[str, str]]:
    """Unit and definition of the columns of `points`. `mV` : millivolts in the model's unit of the potential"""
    return {
        "neuron": ("1", "row of the neuron in features.parquet, from 0"),
        "point": ("1", "number of the run that the beat is from, from 0"),
        "cycle_length_ms": ("ms", "from onset to onset while the cell was paced before the run (BCL); that of S1"),
        "interval_ms": ("ms", "from the onset of the pulse before to that of the beat (CI); that of S2"),
        "captured": ("1", "whether the pulse starts an action potential of its own, from a repolarised membrane"),
        **of_beats(measured, mV),
        "beat_status": ("1", STATUS),
        "slope": (
            "1",
            "change of apd90 over change of the diastolic interval, from the point before to this one; null where one "
            f"of them lacks these, has beats whose apd90 differ by more than {ALIKE_MS:g} ms, or begins so "
            "early that responses are graded: after a diastolic interval below "
            f"{100 * GRADED:g} % of the longest apd90",
        ),
        "paced_beats": ("1", "beats for which the cell was paced at the cycle length before the run"),
        "repeat_beats": (
            "1",
            "beats after which its state then repeated; with `prebeats` of dynamic restitution, after which beats did: "
            f"each of the last {MOST_REPEAT} is like the one so many before, both captured or not and with apd90 at "
            f"most {ALIKE_MS:g} ms apart; null if it did not",
        ),
        "residual": (
            "1",
            "1-norm of the change of the state over the beats after which it repeats to the tolerance, or over one "
            "where it does not, each state in its own unit in the model",
        ),
    }


def points(runs: Result, neuron: np.ndarray, rows: np.ndarray) -> Columns:
    """The columns of `point_definitions` for measured beats, float64 (k,) if nothing else is said.

    runs   : of all neurons, those of a neuron one after the other
    neuron : int64 (runs,), that of each
    rows   : int64 (k,), the measured beats in `runs.beat_columns`
    """
    beats, record = runs.beat_columns, runs.record
    run = beats["neuron"][rows]
    table = {
        "neuron": neuron[run].astype(np.int32),
        "point": (run - np.searchsorted(neuron, neuron)[run]).astype(np.int32),
        "cycle_length_ms": record["cycle_length"][run] * runs.ms,
        "interval_ms": record["interval"][run] * runs.ms,
        "captured": captured(beats)[rows],
        **{name: beats[name][rows] for name in (*of_beats(runs.measured), "beat_status")},
    }
    return table | {
        "slope": _slope(table),
        "paced_beats": record["paced"][run],
        "repeat_beats": np.ma.masked_equal(record["repeat"][run], 0),
        "residual": record["residual"][run],
    }


def repeats(beats: Mapping[str, np.ndarray], each: int) -> np.ndarray:
    """After how many beats those of each run repeat, int64 (runs,), 0 if they do not: see `repeat_beats`.

    beats : `beat_columns` of runs of so many beats, `each`: more than 2 * MOST_REPEAT
    """
    fires = captured(beats).reshape(-1, each)
    apd = np.where(fires, beats["apd90_ms"].reshape(-1, each), np.nan)
    found = np.zeros(len(fires), dtype=np.int64)
    for count in range(MOST_REPEAT, 0, -1):
        now, before = np.s_[:, each - MOST_REPEAT :], np.s_[:, each - MOST_REPEAT - count : each - count]
        close = (np.abs(apd[now] - apd[before]) <= ALIKE_MS) | (np.isnan(apd[now]) & np.isnan(apd[before]))
        found[((fires[now] == fires[before]) & close).all(axis=1)] = count
    return found


def responses(table: Mapping[str, np.ndarray]) -> np.ndarray:
    """Stimuli and action potentials in the beats of each point, text (k,)."""
    fired = _over_points(table, table["captured"]).astype(int)
    repeat = np.ma.filled(table["repeat_beats"], 0)
    return response_words(repeat, fired)


def _over_points(table: Mapping[str, np.ndarray], values: np.ndarray) -> np.ndarray:
    """The sum of values, (k,), over the beats of each point, at each of its rows."""
    which = _numbered(table)
    return np.bincount(which, values, len(values))[which]


def _numbered(table: Mapping[str, np.ndarray]) -> np.ndarray:
    """The number of the point of each row, int64 (k,), from 0 on over all neurons."""
    neuron, point = table["neuron"], table["point"]
    begins = (np.diff(neuron) != 0) | (np.diff(point) != 0)
    return np.r_[np.zeros(min(len(neuron), 1), dtype=np.int64), np.cumsum(begins)]


def _last(table: Mapping[str, np.ndarray]) -> np.ndarray:
    """The last row of each point, int64."""
    which = _numbered(table)
    return np.flatnonzero(np.r_[np.diff(which) != 0, np.ones(min(len(which), 1), dtype=bool)])


def alike(table: Mapping[str, np.ndarray]) -> np.ndarray:
    """Whether all beats of the point of each row have an APD90, and nearly the same: bool (k,)."""
    which, duration = _numbered(table), np.asarray(table["apd90_ms"], dtype=np.float64)
    low, high = np.full(len(which), np.inf), np.full(len(which), -np.inf)
    with np.errstate(invalid="ignore"):
        np.minimum.at(low, which, duration)  # NaN where one is
        np.maximum.at(high, which, duration)
    return (high - low <= ALIKE_MS)[which]


def _slope(table: Mapping[str, np.ndarray]) -> np.ndarray:
    """The slope from the point before, float64 (k,), in the last row of a point."""
    slope, rows = np.full(len(table["neuron"]), np.nan), _last(table)
    neuron, duration, interval = (table[name][rows] for name in ("neuron", "apd90_ms", "diastolic_interval_ms"))
    whole = (alike(table) & ~_graded(table))[rows]
    follows = whole[1:] & whole[:-1] & (neuron[1:] == neuron[:-1])
    with np.errstate(all="ignore"):
        found = np.diff(duration) / np.diff(interval)
    slope[rows[1:]] = np.where(follows & np.isfinite(found), found, np.nan)
    return slope


def _graded(table: Mapping[str, np.ndarray]) -> np.ndarray:
    """Whether the action potential of each row is graded, see GRADED: bool (k,)."""
    longest = of_neurons(np.fmax, table, "apd90_ms", np.isfinite(table["apd90_ms"]), len(table["neuron"]))
    return table["diastolic_interval_ms"] < GRADED * longest[table["neuron"]]


def of_neurons(reduce: np.ufunc, table: Mapping[str, np.ndarray], column: str, where: np.ndarray, n: int) -> np.ndarray:
    """A column reduced over those rows of each of n neurons, float64 (n,), NaN without one. `where` : bool (k,)"""
    found = np.full(n, np.nan)
    reduce.at(found, table["neuron"][where], table[column][where])
    return found


def slopes(table: Mapping[str, np.ndarray], n: int) -> Columns:
    """The columns of SLOPES for n neurons."""
    largest = of_neurons(np.fmax, table, "slope", np.isfinite(table["slope"]), n)
    return {"max_slope": largest, "unit_slope_ms": _unit_slope(table, n)}


def _unit_slope(table: Mapping[str, np.ndarray], n: int) -> np.ndarray:
    """Where the slope crosses 1, by lines between the middles of points: the longest interval, float64 (n,)."""
    last = _last(table)
    neuron, slope, interval = (table[name][last] for name in ("neuron", "slope", "diastolic_interval_ms"))
    rows = np.flatnonzero(np.isfinite(slope))
    slope, middle = slope[rows], (interval[rows] + interval[rows - 1]) / 2
    crosses = ((slope[1:] - 1) * (slope[:-1] - 1) < 0) & (np.diff(rows) == 1)
    with np.errstate(all="ignore"):
        at = middle[:-1] + (1 - slope[:-1]) / np.diff(slope) * np.diff(middle)
    found = np.full(n, np.nan)
    np.fmax.at(found, neuron[rows[1:]][crosses], at[crosses])
    return found
