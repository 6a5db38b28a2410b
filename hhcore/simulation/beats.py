"""Action potentials of a pulse train: their definitions as data, and the columns of each beat.

A beat lasts from the onset of a pulse to the next onset, or to the end of the run. It has an action potential if it
has a spike and begins from a repolarised membrane: on a plateau the response to a pulse is mostly the pulse itself, and
what it falls back to is no rest. An action potential may outlast its beat: it ends before the next action potential.
The kernel measures the columns of hhcore.simulation.action_potentials; here they become features.
"""

from collections.abc import Mapping

import numpy as np

from hhcore.simulation.action_potentials import DEPOLARISED, EAD_MS, EAD_MV, ONSET, UPSTROKE, USUAL, ActionPotentials

OK, NONE, LATE, EARLY, FAILED = "ok", "no_action_potential", "not_repolarised", "depolarised_at_onset", "failed"

FROM = {
    UPSTROKE: "the time of the largest dV/dt",
    ONSET: "the onset of the pulse",
}
STATUS = (
    "ok; no_action_potential: no spike in the beat, all but the resting potential and the diastolic interval before it "
    "are null; depolarised_at_onset: it begins above resting potential + 25 % of (peak - resting potential) of the "
    "last action potential, all but its own resting potential are null; "
    "not_repolarised: the next action potential, or the end of the run, comes before the fall of apd90, which is null; "
    "failed: the neuron failed, all are null"
)
ALTERNANS = "apd90_alternans_ms"
RECENT = 4  # whole beats at the end of a run: as many as a state repeats after
LAST = (
    "number of the beat that the next columns are about, from 0: of the last four whole beats, which the end of the "
    "run does not cut short, the latest with an action potential that has ended; without one, the latest with an "
    "action potential; without one, the last"
)
OF_LAST = "of last_beat: "  # before the definition of a column


def durations(measured: ActionPotentials, mV: float = 1.0) -> dict[str, tuple[str, str]]:
    """Unit and definition of the columns of durations that are measured.

    mV : millivolts in the model's unit of the potential
    """
    found = {}
    for percentage in measured.percentages:
        found[f"apd{percentage}_ms"] = (
            "ms",
            f"action potential duration: from {FROM[measured.begin]} to the first fall after the highest peak through "
            f"the resting potential + {100 - percentage} % of (peak - resting potential), perhaps after pulses that "
            "start no action potential",
        )
    if measured.level is not None:
        found["apd_level_ms"] = (
            "ms",
            f"time above {measured.level * mV:g} mV: from the first rise of the beat through it to the first fall "
            "after the highest peak",
        )
    if 30 in measured.percentages:
        found["triangulation_ms"] = "ms", "triangulation: apd90 - apd30"
    return found


def action_potential(measured: ActionPotentials = USUAL, mV: float = 1.0) -> dict[str, tuple[str, str]]:
    """Unit and definition of the columns that a beat has in its table and, of the last one, in features."""
    return {
        "resting_potential_mV": ("mV", "membrane potential at the onset of the pulse, before any of it has flowed"),
        "ap_peak_mV": ("mV", "highest membrane potential of the beat"),
        "max_upstroke_V_s": (
            "V/s",
            "largest dV/dt between the onset and the highest peak; while a pulse flows, its current is part of it",
        ),
        **durations(measured, mV),
        "ead_count": (
            "1",
            f"early afterdepolarisations: rises of the potential by more than {EAD_MV:g} mV from a minimum that is "
            f"later than {EAD_MS:g} ms after the largest dV/dt, and before the fall of apd90",
        ),
        "diastolic_interval_ms": (
            "ms",
            "from the end of apd90 in the last beat before that has an action potential to the onset of the pulse; "
            "null if there is none, or it ends later or not",
        ),
        "diastolic_interval_after_ms": (
            "ms",
            "from the end of apd90 to the next onset; to the end of the run if that is the end of a whole beat, else "
            "null",
        ),
    }


def beat_definitions(measured: ActionPotentials = USUAL, mV: float = 1.0) -> dict[str, tuple[str, str]]:
    """Unit and definition of the columns of each beat."""
    return {
        "neuron": ("1", "row of the neuron in features.parquet, from 0"),
        "beat": ("1", "number of the pulse, from 0"),
        "onset_ms": ("ms", "time at which the pulse begins"),
        "cycle_length_ms": ("ms", "from this onset to the next one, in the last beat to the end of the run"),
        "beat_spike_count": ("1", "spikes from this onset, included, to the next one, excluded"),
        **action_potential(measured, mV),
        "upstroke_ms": ("ms", "time of the largest dV/dt in the run"),
        "beat_status": ("1", STATUS),
    }


def last_beat_definitions(measured: ActionPotentials = USUAL, mV: float = 1.0) -> dict[str, tuple[str, str]]:
    """Unit and definition of the features that a neuron has of its last beat, which LAST defines."""
    columns = action_potential(measured, mV) | {"beat_status": ("1", STATUS)}
    return {
        "last_beat": ("1", LAST),
        **{name: (unit, f"{OF_LAST}{words}") for name, (unit, words) in columns.items()},
        ALTERNANS: (
            "ms",
            "alternans: how far apart apd90 is in last_beat and in the action potential before; null if one has none",
        ),
    }


def beat_columns(
    beats: np.ndarray,
    beat_offsets: np.ndarray,
    spike_times: np.ndarray,
    offsets: np.ndarray,
    failed: np.ndarray,
    ms: float,
    mV: float,
    measured: ActionPotentials = USUAL,
) -> dict[str, np.ndarray]:
    """Compute all of `beat_definitions` for b beats of n neurons, in order.

    beats   : float64 (b, k), the columns of `measured`, in the model's units of time and potential
    beat_offsets : int64 (n + 1,), beats of neuron i are beats[beat_offsets[i]:beat_offsets[i + 1]]
    spike_times, offsets : float64 (k,) and int64 (n + 1,), likewise
    failed  : bool (n,), neurons of which nothing is defined
    ms, mV  : milliseconds in the model's unit of time, millivolts in its unit of the potential
    Returns (b,) each: float64 with NaN where there is no value, counts as masked integers, status as words.
    """
    neuron = np.repeat(np.arange(len(failed)), np.diff(beat_offsets))
    beat_failed = failed[neuron]
    raw = {name: np.where(beat_failed, np.nan, x) for name, x in zip(measured.columns, beats.T, strict=True)}
    onset, end = raw["onset"] * ms, raw["end"] * ms
    count = _spikes(neuron, raw["onset"], np.repeat(np.arange(len(failed)), np.diff(offsets)), spike_times)
    early = (count > 0) & _depolarised(raw["rest"], raw["peak"], count > 0, beat_offsets)
    fired = (count > 0) & ~early

    def of_action_potential(values: np.ndarray) -> np.ndarray:
        return np.where(fired, values, np.nan)

    before, follows = _before(fired, neuron)
    next_fired = np.full(len(neuron), np.inf)  # onset of the next beat with an action potential
    next_fired[before[follows & fired]] = raw["onset"][follows & fired]
    for name in measured.falls:
        raw[name] = np.where(raw[name] <= next_fired, raw[name], np.nan)
    ends = of_action_potential(raw["ninety_time"] * ms)
    rest_before = np.where(follows & ~early, onset - ends[before], np.nan)
    status = np.select([beat_failed, early, ~fired, np.isnan(ends)], [FAILED, EARLY, NONE, LATE], OK).astype(object)
    eads = np.ma.masked_array(np.where(fired, raw["ead_count"], 0).astype(np.int32), ~fired | beat_failed)
    return {
        "neuron": neuron.astype(np.int32),
        "beat": (np.arange(len(neuron)) - beat_offsets[neuron]).astype(np.int32),
        "onset_ms": onset,
        "cycle_length_ms": end - onset,
        "beat_spike_count": np.ma.masked_array(count.astype(np.int32), beat_failed),
        "resting_potential_mV": raw["rest"] * mV,
        "ap_peak_mV": of_action_potential(raw["peak"] * mV),
        "max_upstroke_V_s": of_action_potential(raw["slope"] * mV / ms),
        **{name: of_action_potential(values) for name, values in _durations(raw, measured, ms).items()},
        "ead_count": eads,
        "diastolic_interval_ms": np.where(rest_before >= 0, rest_before, np.nan),
        "diastolic_interval_after_ms": _next_onset(ends, neuron, onset, end) - ends,
        "upstroke_ms": of_action_potential(raw["slope_time"] * ms),
        "beat_status": status,
    }


def _durations(raw: Mapping[str, np.ndarray], measured: ActionPotentials, ms: float) -> dict[str, np.ndarray]:
    """The columns of `durations`, float64 (b,), of all beats."""
    begins = raw["slope_time" if measured.begin == UPSTROKE else "onset"] * ms
    falls = {percentage: raw[f"fall_{percentage}"] * ms for percentage in measured.others} | {
        90: raw["ninety_time"] * ms
    }
    found = {f"apd{percentage}_ms": falls[percentage] - begins for percentage in measured.percentages}
    if measured.level is not None:
        found["apd_level_ms"] = (raw["level_fall"] - raw["level_rise"]) * ms
    if 30 in measured.percentages:
        found["triangulation_ms"] = falls[90] - falls[30]
    return found


def _cut_short(neuron: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Whether the run ends within each beat, bool (b,): it is the last of several, and shorter than the one before."""
    first = np.diff(neuron, prepend=-1) != 0
    last = np.diff(neuron, append=-1) != 0
    return last & ~first & (length < (1 - 1e-9) * np.roll(length, 1))


def _next_onset(times: np.ndarray, neuron: np.ndarray, onset: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The end of the beat in which a time lies that is in each beat or later; NaN if the run cuts it short."""
    at, last = np.arange(len(times)), np.diff(neuron, append=-1) != 0
    while (later := (times > end[at]) & ~last[at]).any():
        at += later
    return np.where(_cut_short(neuron, end - onset)[at], np.nan, end[at])


def last_rows(beats: Mapping[str, np.ndarray]) -> np.ndarray:
    """The row of the last beat of each neuron, int64 (n,), in `beat_columns`: see LAST. Each neuron has a beat."""
    row, neuron = np.arange(len(beats["neuron"])), beats["neuron"]
    first = np.flatnonzero(np.diff(neuron, prepend=-1))
    which = np.repeat(np.arange(len(first)), np.diff(first, append=len(row)))

    def latest(counts: np.ndarray) -> np.ndarray:
        return np.maximum.reduceat(np.where(counts, row, -1), first)[which]

    fired = captured(beats)
    ended = (beats["beat_status"] == OK) | (fired & (row < latest(fired)))
    whole = ~_cut_short(neuron, beats["cycle_length_ms"])
    recent = whole & (row > latest(whole) - RECENT)
    rank = recent * (1 + fired.astype(np.int64) + ended)
    return np.maximum.reduceat(rank * len(row) + row, first) % len(row)


def captured(beats: Mapping[str, np.ndarray]) -> np.ndarray:
    """Which beats have an action potential of their own from a repolarised membrane, bool (b,)."""
    return np.isin(beats["beat_status"], (OK, LATE))


def last_beats(beats: dict[str, np.ndarray], measured: ActionPotentials = USUAL) -> dict[str, np.ndarray]:
    """Compute all of `last_beat_definitions` for the neurons of `beat_columns`, each of which has a beat."""
    rows = last_rows(beats)
    names = list(last_beat_definitions(measured))
    found = {name: beats["beat" if name == "last_beat" else name][rows] for name in names if name != ALTERNANS}
    before, follows = _before(captured(beats), beats["neuron"])
    apd = beats["apd90_ms"]
    return found | {ALTERNANS: np.where(follows, np.abs(apd - apd[before]), np.nan)[rows]}


def _before(fired: np.ndarray, neuron: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The last row before that has fired, int64 (b,), and whether it is there and of the same neuron, bool (b,)."""
    latest = np.maximum.accumulate(np.where(fired, np.arange(len(neuron)), -1))
    before = np.r_[-1, latest[:-1]][: len(neuron)]
    return before, (before >= 0) & (neuron[before] == neuron)


def _depolarised(rest: np.ndarray, peak: np.ndarray, fired: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Whether each beat begins depolarised, bool (b,): see STATUS. The first beat with a spike never does."""
    counts, found = np.diff(offsets), np.zeros(len(rest), dtype=bool)
    level = np.full(len(counts), np.inf)
    own_level = rest + DEPOLARISED * (peak - rest)
    for i in range(counts.max(initial=0)):
        neuron = np.flatnonzero(counts > i)
        beat = offsets[neuron] + i
        found[beat] = rest[beat] > level[neuron]
        level[neuron] = np.where(fired[beat] & ~found[beat], own_level[beat], level[neuron])
    return found


def _spikes(neuron: np.ndarray, onset: np.ndarray, owner: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Count the spikes in each beat, int64 (b,): from its onset, included, to the next."""
    is_spike = np.r_[np.zeros(len(neuron), dtype=bool), np.ones(len(owner), dtype=bool)]
    order = np.lexsort((is_spike, np.r_[onset, times], np.r_[neuron, owner]))
    beat = np.cumsum(~is_spike[order]) - 1  # the last onset before each event, perhaps of the neuron before
    beat = beat[is_spike[order]]
    inside = (beat >= 0) & (neuron[beat] == owner) if len(neuron) else np.zeros(len(owner), dtype=bool)
    return np.bincount(beat[inside], minlength=len(neuron))
