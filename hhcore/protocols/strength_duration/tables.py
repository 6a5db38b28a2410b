"""The columns of strength and duration: those of a neuron, and those of each width."""

from typing import TYPE_CHECKING

import numpy as np

from hhcore.base.units import column_name
from hhcore.protocols.rheobase.searching import SEARCH, STATUS, found_in
from hhcore.protocols.strength_duration.kept import ALONE, of_widths
from hhcore.protocols.strength_duration.laws import lapicque, weiss
from hhcore.simulation.outputs import integral_unit
from hhcore.simulation.result import Result
from hhcore.simulation.search.thresholds import OUTCOMES, ROUGHLY, Thresholds

if TYPE_CHECKING:
    from hhcore.protocols.strength_duration.protocol import StrengthDuration

LAWS = {"lapicque": (lapicque, "tau_ms"), "weiss": (weiss, "chronaxie_ms")}
Columns = dict[str, np.ndarray]


def feature_definitions(unit: str) -> dict[str, tuple[str, str]]:
    """Unit and definition of `feature_columns`. `unit` : of the current"""
    charge = integral_unit(unit)
    return {
        column_name("rheobase", unit): (
            unit,
            "threshold of a current that lasts from the start of the pulse to the end of the run; null where there is "
            "none and in the hyperpolarising direction, 0 of a neuron that fires without it",
        ),
        "chronaxie_ms": ("ms", "width with which twice the rheobase is just enough, searched; null without a rheobase"),
        column_name("instant_charge", charge): (
            charge,
            "threshold of the charge of a pulse without length: that of a displacement of the potential, times the "
            "capacitance; null where there is none, and of other stimuli than one rectangular pulse",
        ),
        column_name("lapicque_rheobase", unit): (
            unit,
            "rheobase of Lapicque's law, fitted to the thresholds; null, as all of the law, where "
            "these do not determine it",
        ),
        "lapicque_tau_ms": ("ms", "time constant of Lapicque's law; its chronaxie is ln 2 times that"),
        "lapicque_rms": ("1", "root mean square of what Lapicque's law is off, as a share of the threshold"),
        "lapicque_worst": ("1", "largest share of a threshold by which Lapicque's law is off"),
        column_name("weiss_rheobase", unit): (
            unit,
            "rheobase of Weiss's law, fitted to the thresholds; null, as all of the law, where "
            "these do not determine it",
        ),
        "weiss_chronaxie_ms": ("ms", "chronaxie of Weiss's law"),
        "weiss_rms": ("1", "root mean square of what Weiss's law is off, as a share of the threshold"),
        "weiss_worst": ("1", "largest share of a threshold by which Weiss's law is off"),
        "thresholds": ("1", "widths with a threshold; the laws are fitted to three or more above 0"),
        "rheobase_search": ("1", f"{SEARCH}; null in the hyperpolarising direction"),
    } | STATUS


def feature_columns(protocol: "StrengthDuration", result: Result) -> Columns:
    """The columns of `feature_definitions` but for those of STATUS, (n,) each."""
    within, unit, record, ms = protocol.within, protocol.unit, result.record, result.ms
    widths = of_widths(record).coarser(within).value.reshape(-1, len(protocol.widths))
    rheobase, chronaxie, shocked = (found_in(record, prefix).coarser(within) for prefix in ALONE)
    return {
        column_name("rheobase", unit): rheobase.value,
        "chronaxie_ms": chronaxie.value * ms,
        column_name("instant_charge", integral_unit(unit)): shocked.value / record["per_charge"] * ms,
        **_laws(protocol, widths, ms),
        "thresholds": np.isfinite(widths).sum(axis=1),
        "rheobase_search": _words(rheobase) if protocol.lasting else np.full(len(rheobase.low), None),
    }


def _laws(protocol: "StrengthDuration", widths: np.ndarray, ms: float) -> Columns:
    found: Columns = {}
    for name, (fit, time) in LAWS.items():
        law = fit(ms * np.array(protocol.widths), widths)
        found[column_name(f"{name}_rheobase", protocol.unit)] = law.rheobase
        found |= {f"{name}_{time}": law.time, f"{name}_rms": law.rms, f"{name}_worst": law.worst}
    return found


def curve_definitions(unit: str) -> dict[str, tuple[str, str]]:
    """Unit and definition of `curve_columns`. `unit` : of the current"""
    charge = integral_unit(unit)
    return {
        "neuron": ("1", "row of the neuron in features.parquet, from 0"),
        "width_ms": ("ms", "width of the pulse, of a biphasic one that of its first phase"),
        column_name("threshold", unit): (
            unit,
            "least amplitude that fires, of a biphasic pulse that of its first phase; null where there is none, 0 of a "
            "neuron that fires without it",
        ),
        column_name("charge", charge): (
            charge,
            "threshold times width: of a biphasic pulse that of its first phase",
        ),
        "latency_ms": ("ms", f"time of the first spike {100 * ROUGHLY:g} % above the threshold at most"),
        "firing_intervals": ("1", "intervals of amplitudes that fire, as far as the search shows"),
        "search": ("1", SEARCH),
        column_name("lapicque", unit): (
            unit,
            "Lapicque's law, fitted to the neuron's thresholds; null if they do not determine it",
        ),
        column_name("weiss", unit): (unit, "Weiss's law, likewise"),
    }


def curve_columns(protocol: "StrengthDuration", result: Result) -> Columns:
    """The columns of `curve_definitions` of n neurons, a row for each neuron and width."""
    n, ms = len(result.status), result.ms
    found, widths = of_widths(result.record).coarser(protocol.within), ms * np.array(protocol.widths)
    thresholds = found.value.reshape(n, len(widths))
    columns = (
        np.repeat(np.arange(n, dtype=np.int32), len(widths)),
        np.tile(widths, n),
        found.value,
        (thresholds * widths).ravel(),
        found.latency * ms,
        found.intervals.astype(np.int64),
        _words(found),
        *(fit(widths, thresholds).fitted.ravel() for fit, _ in LAWS.values()),
    )
    return dict(zip(curve_definitions(protocol.unit), columns, strict=True))


def _words(found: Thresholds) -> np.ndarray:
    return np.array([*OUTCOMES], dtype=object)[found.outcome.astype(np.int64)]
