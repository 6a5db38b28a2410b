"""Action potentials of a pulse train: their definitions as data, and the columns of each beat.

A beat lasts from the onset of a pulse to the next onset, or to the end of the run. It has an action potential if it
has a spike and begins from a repolarised membrane: on a plateau the response to a pulse is mostly the pulse itself, and
what it falls back to is no rest. The kernel measures the columns of hhcore.simulation.observers.beats.BEAT; here they
become features.
"""

import numpy as np

from hhcore.simulation.observers.beats import BEAT

OK, NONE, LATE, EARLY, FAILED = "ok", "no_action_potential", "not_repolarised", "depolarised_at_onset", "failed"
# Of the height of the last action potential, above which a membrane is not repolarised. The tenth of APD90 would be too
# strict: the first beat may start some millivolts below the rest of the others, and pacemakers depolarise slowly.
DEPOLARISED = 0.25

ACTION_POTENTIAL = {
    "resting_potential_mV": ("mV", "membrane potential at the onset of the pulse, before any of it has flowed"),
    "ap_peak_mV": ("mV", "highest membrane potential of the beat"),
    "max_upstroke_V_s": (
        "V/s",
        "largest dV/dt between the onset and the highest peak; while a pulse flows, its current is part of it",
    ),
    "apd50_ms": (
        "ms",
        "action potential duration: from the time of the largest dV/dt to the first fall after the highest peak "
        "through the resting potential + 50 % of (peak - resting potential)",
    ),
    "apd90_ms": ("ms", "the same to the fall through the resting potential + 10 % of (peak - resting potential)"),
    "diastolic_interval_ms": (
        "ms",
        "from the end of apd90 in the last beat before that has an action potential to the onset of the pulse; null if "
        "there is none or it outlasts its beat",
    ),
}
STATUS = (
    "ok; no_action_potential: no spike in the beat, all but the resting potential and the diastolic interval are null; "
    "depolarised_at_onset: it begins above resting potential + 25 % of (peak - resting potential) of the last action "
    "potential, all but its own resting potential are null; "
    "not_repolarised: the beat ends before the fall of apd90, which is null; failed: the neuron failed, all are null"
)
DEFINITIONS = {
    "neuron": ("1", "row of the neuron in features.parquet, from 0"),
    "beat": ("1", "number of the pulse, from 0"),
    "onset_ms": ("ms", "time at which the pulse begins"),
    "cycle_length_ms": ("ms", "from this onset to the next one, in the last beat to the end of the run"),
    "beat_spike_count": ("1", "spikes from this onset, included, to the next one, excluded"),
    **ACTION_POTENTIAL,
    "upstroke_ms": ("ms", "time of the largest dV/dt in the run, from which action potential durations count"),
    "beat_status": ("1", STATUS),
}
LAST_BEAT = {
    "last_beat": ("1", "number of the last whole beat, from 0: the last that the end of the run does not cut short"),
    **{name: (unit, f"of the last whole beat: {words}") for name, (unit, words) in ACTION_POTENTIAL.items()},
    "beat_status": ("1", f"of the last whole beat: {STATUS}"),
}


def beat_columns(
    beats: np.ndarray,
    beat_offsets: np.ndarray,
    spike_times: np.ndarray,
    offsets: np.ndarray,
    failed: np.ndarray,
    ms: float,
    mV: float,
) -> dict[str, np.ndarray]:
    """Compute all of DEFINITIONS for b beats of n neurons, in order.

    beats   : float64 (b, 8), the columns of BEAT, in the model's units of time and potential
    beat_offsets : int64 (n + 1,), beats of neuron i are beats[beat_offsets[i]:beat_offsets[i + 1]]
    spike_times, offsets : float64 (k,) and int64 (n + 1,), likewise
    failed  : bool (n,), neurons of which nothing is defined
    ms, mV  : milliseconds in the model's unit of time, millivolts in its unit of the potential
    Returns (b,) each: float64 with NaN where there is no value, counts as masked integers, status as words.
    """
    neuron = np.repeat(np.arange(len(failed)), np.diff(beat_offsets))
    beat_failed = failed[neuron]
    raw = {name: np.where(beat_failed, np.nan, column) for name, column in zip(BEAT, beats.T, strict=True)}
    times = {name: raw[name] * ms for name in ("onset", "end", "slope_time", "half_time", "ninety_time")}
    count = _spikes(neuron, raw["onset"], np.repeat(np.arange(len(failed)), np.diff(offsets)), spike_times)
    early = (count > 0) & _depolarised(raw["rest"], raw["peak"], count > 0, beat_offsets)
    fired = (count > 0) & ~early

    def of_action_potential(values: np.ndarray) -> np.ndarray:
        return np.where(fired, values, np.nan)

    ninety = of_action_potential(times["ninety_time"])
    latest = np.maximum.accumulate(np.where(fired, np.arange(len(neuron)), -1))
    before = np.r_[-1, latest[:-1]][: len(neuron)]  # the last beat before with an action potential
    follows = (before >= 0) & (neuron[before] == neuron)
    status = np.select([beat_failed, early, ~fired, np.isnan(ninety)], [FAILED, EARLY, NONE, LATE], OK).astype(object)
    return {
        "neuron": neuron.astype(np.int32),
        "beat": (np.arange(len(neuron)) - beat_offsets[neuron]).astype(np.int32),
        "onset_ms": times["onset"],
        "cycle_length_ms": times["end"] - times["onset"],
        "beat_spike_count": np.ma.masked_array(count.astype(np.int32), beat_failed),
        "resting_potential_mV": raw["rest"] * mV,
        "ap_peak_mV": of_action_potential(raw["peak"] * mV),
        "max_upstroke_V_s": of_action_potential(raw["slope"] * mV / ms),
        "apd50_ms": of_action_potential(times["half_time"] - times["slope_time"]),
        "apd90_ms": of_action_potential(times["ninety_time"] - times["slope_time"]),
        "diastolic_interval_ms": np.where(follows & ~early, times["onset"] - ninety[before], np.nan),
        "upstroke_ms": of_action_potential(times["slope_time"]),
        "beat_status": status,
    }


def last_beats(beats: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Compute all of LAST_BEAT for the neurons of `beat_columns`, each of which has a beat.

    A beat is whole if it is not shorter than the one before, or the only one.
    """
    rows = np.flatnonzero(np.r_[beats["neuron"][1:] != beats["neuron"][:-1], True])
    length = beats["cycle_length_ms"]
    cut = (beats["beat"][rows] > 0) & (length[rows] < (1 - 1e-9) * length[rows - 1])
    rows = rows - cut
    return {"last_beat": beats["beat"][rows]} | {name: beats[name][rows] for name in [*ACTION_POTENTIAL, "beat_status"]}


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
