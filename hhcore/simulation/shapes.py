"""Shapes of action potentials and of responses, as eFEL defines them: definitions as data, and the columns.

The kernel measures what hhcore.simulation.observers.shapes.SHAPE and .response.Response name; here that becomes
features.
"""

import numpy as np

from hhcore.simulation.bursts import DEFINITIONS as BURSTS
from hhcore.simulation.bursts import burst_columns
from hhcore.simulation.observers.shapes import SHAPE

TIMES = ("spike", "begin", "half_rise", "peak_time", "half_fall", "fall", "end", "base_fall", "ahp_time", "low_time")
POTENTIALS = ("begin_potential", "peak", "end_potential", "ahp", "low")
RAW_RESPONSE = ("onset", "offset", "base", "steady", "lowest", "decay")
LEAST_MV = 0.01  # by which a stimulus moves the potential, at least: less is rounding
RISE, FALL = "dV/dt >= 10 V/s, or `begin_slope`", "-12 V/s, or `end_slope`"
DEFINITIONS = {
    "neuron": ("1", "row of the neuron in features.parquet, from 0"),
    "spike": ("1", "number of the spike of its neuron, from 0, as in spikes.parquet"),
    "ap_begin_ms": ("ms", f"time at which the action potential begins: the last before its peak from which on {RISE}"),
    "ap_begin_mV": ("mV", "membrane potential there: AP_begin_voltage of eFEL"),
    "ap_peak_ms": ("ms", "time of the peak: the highest potential before it falls below `rearm`"),
    "ap_peak_mV": ("mV", "membrane potential at the peak: peak_voltage of eFEL"),
    "ap_amplitude_mV": ("mV", "from the potential at the beginning to the peak: AP_amplitude of eFEL"),
    "ap_half_width_ms": (
        "ms",
        "time between rise and fall through the middle of beginning and peak: AP_duration_half_width of eFEL",
    ),
    "ap_width_ms": ("ms", "time above the spike threshold: AP_width of eFEL"),
    "ap_begin_width_ms": (
        "ms",
        "from the beginning to the fall through the potential there: AP_begin_width of eFEL",
    ),
    "ap_duration_ms": (
        "ms",
        f"from the beginning to the end, where dV/dt comes back to {FALL}, after the fastest fall: AP_duration of eFEL",
    ),
    "ap_rise_time_ms": ("ms", "from the beginning to the peak: AP_rise_time of eFEL"),
    "ap_fall_time_ms": ("ms", "from the peak to the end: AP_fall_time of eFEL"),
    "ap_rise_rate_V_s": ("V/s", "mean dV/dt from the beginning to the peak: AP_rise_rate of eFEL"),
    "ap_fall_rate_V_s": ("V/s", "mean dV/dt from the peak to the end: AP_fall_rate of eFEL"),
    "ap_upstroke_V_s": ("V/s", "largest dV/dt between beginning and peak: AP_peak_upstroke of eFEL"),
    "ap_downstroke_V_s": (
        "V/s",
        "smallest dV/dt between the peak and the minimum after it: AP_peak_downstroke of eFEL",
    ),
    "ahp_mV": (
        "mV",
        "afterhyperpolarisation: the first minimum after the peak from which the potential rises by 0.01 mV; "
        "min_AHP_values of eFEL",
    ),
    "ahp_time_ms": ("ms", "from the peak to this minimum: AHP_time_from_peak of eFEL"),
    "ahp_depth_mV": ("mV", "this minimum minus voltage_base_mV: AHP_depth of eFEL"),
    "ahp_depth_from_peak_mV": ("mV", "from this minimum to the peak: AHP_depth_from_peak of eFEL"),
    "fast_ahp_mV": ("mV", "from this minimum to the potential at the beginning: fast_AHP of eFEL"),
    "interspike_minimum_ms": ("ms", "time of the lowest potential between the peak and the next spike"),
    "interspike_minimum_mV": (
        "mV",
        "lowest potential between the peak and the next spike, or the end of the run: min_between_peaks_values of eFEL",
    ),
}
OF_NEURON = (
    *("ap_begin_mV", "ap_peak_mV", "ap_amplitude_mV", "ap_half_width_ms", "ap_width_ms"),
    *("ap_upstroke_V_s", "ap_downstroke_V_s", "ap_rise_rate_V_s", "ap_fall_rate_V_s"),
    *("ahp_mV", "ahp_depth_mV", "ahp_time_ms"),
)
RESPONSE = {
    "time_to_first_spike_ms": (
        "ms",
        "from the beginning of the stimulus to the first peak of the run: time_to_first_spike of eFEL",
    ),
    "stimulus_spike_count": ("1", "peaks while the stimulus flows: spike_count_stimint of eFEL"),
    "voltage_base_mV": (
        "mV",
        "mean potential over the last tenth of the time before the stimulus: voltage_base of eFEL; null if it begins "
        "at 0",
    ),
    "steady_voltage_mV": (
        "mV",
        "mean potential over the last tenth of the stimulus: steady_state_voltage_stimend of eFEL",
    ),
    "minimum_voltage_mV": ("mV", "lowest potential during the stimulus: minimum_voltage of eFEL"),
    "sag_amplitude_mV": (
        "mV",
        "steady_voltage_mV - minimum_voltage_mV: sag_amplitude of eFEL; null if the stimulus depolarises",
    ),
    "sag_ratio1": (
        "1",
        "sag_amplitude_mV over voltage_base_mV - minimum_voltage_mV: sag_ratio1 of eFEL; null below 0.01 mV of that",
    ),
    "sag_ratio2": (
        "1",
        "voltage_base_mV - steady_voltage_mV over voltage_base_mV - minimum_voltage_mV: sag_ratio2 of eFEL; null "
        "where sag_ratio1 is",
    ),
    "decay_time_constant_ms": (
        "ms",
        "1 over the slope of a straight line through log|V - V(start of the stimulus)|, 1 to 9.9 ms after its end, "
        "every 0.1 ms: decay_time_constant_after_stim of eFEL; null if the stimulus moves the potential by less than "
        "0.01 mV",
    ),
}
OF_NEURONS = {
    **{f"first_{n}": (DEFINITIONS[n][0], f"of the first spike of the run: {DEFINITIONS[n][1]}") for n in OF_NEURON},
    **{f"mean_{n}": (DEFINITIONS[n][0], f"mean over the spikes that have it: {DEFINITIONS[n][1]}") for n in OF_NEURON},
    **RESPONSE,
    **BURSTS,
}


def shape_columns(
    shapes: np.ndarray, offsets: np.ndarray, base: np.ndarray, failed: np.ndarray, ms: float, mV: float
) -> dict[str, np.ndarray]:
    """Compute all of DEFINITIONS for k spikes of n neurons, in order.

    shapes  : float64 (k, 17), the columns of SHAPE, in the model's units of time and potential
    offsets : int64 (n + 1,), spikes of neuron i are shapes[offsets[i]:offsets[i + 1]]
    base    : float64 (n,), potential before the stimulus, in the model's unit; NaN without
    failed  : bool (n,), neurons of which nothing is defined
    ms, mV  : milliseconds in the model's unit of time, millivolts in its unit of the potential
    Returns (k,) each, float64 with NaN where there is no value.
    """
    neuron = np.repeat(np.arange(len(failed)), np.diff(offsets))
    raw = dict(zip(SHAPE, np.where(failed[neuron][:, None], np.nan, shapes).T, strict=True))
    t = {name: raw[name] * ms for name in TIMES}
    v = {name: raw[name] * mV for name in POTENTIALS}
    rise, fall = t["peak_time"] - t["begin"], t["end"] - t["peak_time"]
    amplitude = v["peak"] - v["begin_potential"]
    return {
        "neuron": neuron.astype(np.int32),
        "spike": (np.arange(len(neuron)) - offsets[neuron]).astype(np.int32),
        "ap_begin_ms": t["begin"],
        "ap_begin_mV": v["begin_potential"],
        "ap_peak_ms": t["peak_time"],
        "ap_peak_mV": v["peak"],
        "ap_amplitude_mV": amplitude,
        "ap_half_width_ms": t["half_fall"] - t["half_rise"],
        "ap_width_ms": t["fall"] - t["spike"],
        "ap_begin_width_ms": t["base_fall"] - t["begin"],
        "ap_duration_ms": t["end"] - t["begin"],
        "ap_rise_time_ms": rise,
        "ap_fall_time_ms": fall,
        "ap_rise_rate_V_s": amplitude / rise,
        "ap_fall_rate_V_s": (v["end_potential"] - v["peak"]) / fall,
        "ap_upstroke_V_s": raw["upstroke"] * mV / ms,
        "ap_downstroke_V_s": raw["downstroke"] * mV / ms,
        "ahp_mV": v["ahp"],
        "ahp_time_ms": t["ahp_time"] - t["peak_time"],
        "ahp_depth_mV": v["ahp"] - base[neuron] * mV,
        "ahp_depth_from_peak_mV": v["peak"] - v["ahp"],
        "fast_ahp_mV": v["begin_potential"] - v["ahp"],
        "interspike_minimum_ms": t["low_time"],
        "interspike_minimum_mV": v["low"],
    }


def neuron_columns(
    shapes: dict[str, np.ndarray], response: dict[str, np.ndarray], failed: np.ndarray, ms: float, mV: float
) -> dict[str, np.ndarray]:
    """Compute all of OF_NEURONS for n neurons.

    shapes   : the columns of `shape_columns`
    response : float64 (n,) each, by the names of RAW_RESPONSE, from hhcore.simulation.observers.response.Response
    failed, ms, mV : as for `shape_columns`
    """
    n, neuron = len(failed), shapes["neuron"]
    first = np.flatnonzero(shapes["spike"] == 0)
    columns = {f"first_{name}": np.full(n, np.nan) for name in OF_NEURON}
    for name in OF_NEURON:
        columns[f"first_{name}"][neuron[first]] = shapes[name][first]
    columns |= {f"mean_{name}": _means(shapes[name], neuron, n) for name in OF_NEURON}
    columns |= _firing(shapes, response["onset"] * ms, response["offset"] * ms)
    columns |= _response(response, failed, ms, mV)
    seen = np.isfinite(shapes["ap_peak_ms"])
    offsets = np.r_[0, np.cumsum(np.bincount(neuron[seen], minlength=n))]
    bursts = burst_columns(shapes["ap_peak_ms"][seen], offsets)
    columns |= bursts
    counts = ("stimulus_spike_count", "burst_number", "strict_burst_number")
    return columns | {name: np.ma.masked_where(failed, columns[name]) for name in counts}


def _means(values: np.ndarray, neuron: np.ndarray, n: int) -> np.ndarray:
    """The mean of each neuron's finite values, added in order: float64 (n,), NaN without one."""
    seen = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.bincount(neuron[seen], values[seen], n) / np.bincount(neuron[seen], minlength=n)


def _firing(shapes: dict[str, np.ndarray], onset: np.ndarray, offset: np.ndarray) -> dict[str, np.ndarray]:
    """The columns of RESPONSE that spikes make, from the times [ms] at which the stimulus begins and ends."""
    neuron, peak, first = shapes["neuron"], shapes["ap_peak_ms"], np.full(len(onset), np.nan)
    rows = np.flatnonzero(shapes["spike"] == 0)
    first[neuron[rows]] = peak[rows]
    during = (onset[neuron] <= peak) & (peak <= offset[neuron])
    count = np.bincount(neuron[during], minlength=len(onset)).astype(np.int32)
    return {
        "time_to_first_spike_ms": first - onset,
        "stimulus_spike_count": np.ma.masked_array(count, np.isnan(onset) | np.isnan(offset)),
    }


def _response(response: dict[str, np.ndarray], failed: np.ndarray, ms: float, mV: float) -> dict[str, np.ndarray]:
    """The columns of RESPONSE."""
    base, steady, lowest, decay = (np.where(failed, np.nan, response[name]) for name in RAW_RESPONSE[2:])
    sag = np.where(steady <= base, steady - lowest, np.nan)
    depth = np.where((steady <= base) & ((base - lowest) * mV > LEAST_MV), base - lowest, np.nan)
    return {
        "voltage_base_mV": base * mV,
        "steady_voltage_mV": steady * mV,
        "minimum_voltage_mV": lowest * mV,
        "sag_amplitude_mV": sag * mV,
        "sag_ratio1": sag / depth,
        "sag_ratio2": (base - steady) / depth,
        "decay_time_constant_ms": np.where(np.abs(steady - base) * mV > LEAST_MV, decay * ms, np.nan),
    }
