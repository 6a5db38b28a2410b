"""Results of simulated neurons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from hhcore.base.units import column_name
from hhcore.base.words import counted
from hhcore.schemes.solver import Solver
from hhcore.simulation.action_potentials import USUAL, ActionPotentials
from hhcore.simulation.display import html_table, solved_by

if TYPE_CHECKING:
    import pandas as pd

STATUSES = ("ok", "no_stable_rest", "diverged", "stalled", "no_rheobase")
OK, NO_STABLE_REST, DIVERGED, STALLED, NO_RHEOBASE = range(5)


@dataclass(frozen=True, eq=False)
class Ragged:
    """Lists of different length, one for each of n neurons.

    values  : float64 (k,) or (k, width), the lists one after the other
    offsets : int64 (n + 1,), the list of neuron i is values[offsets[i]:offsets[i + 1]]
    """

    values: np.ndarray
    offsets: np.ndarray

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Ragged):
            return NotImplemented
        return same(self.values, other.values) and same(self.offsets, other.offsets)

    @classmethod
    def of(cls, values: np.ndarray, counts: np.ndarray) -> "Ragged":
        """Make lists of the lengths `counts`, int64 (n,)."""
        return cls(values, np.r_[0, np.cumsum(counts)])

    @property
    def counts(self) -> np.ndarray:
        """Length of each list, int64 (n,)."""
        return np.diff(self.offsets)


Column = np.ndarray | Ragged
Record = dict[str, Any]  # a Column by name, a row for each neuron


def joined(records: Sequence[Mapping[str, Column]]) -> Record:
    """Join records of the same names, the neurons of one after those of the other."""

    def column(parts: list[Any]) -> Column:
        if isinstance(parts[0], Ragged):
            return Ragged.of(
                *(np.concatenate([getattr(part, name) for part in parts]) for name in ("values", "counts"))
            )
        return np.concatenate(parts)

    return {name: column([record[name] for record in records]) for name in records[0]}


def same(a: Column, b: Column) -> bool:
    """Whether two columns hold the same numbers in the same type; NaN is equal to NaN."""
    if isinstance(a, Ragged) or isinstance(b, Ragged):
        return a == b
    return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=True)


def same_columns(a: Mapping[str, Column], b: Mapping[str, Column]) -> bool:
    """Whether two sets of columns have the same names and hold the same."""
    return a.keys() == b.keys() and all(same(a[name], b[name]) for name in a)


class Trace(dict[str, np.ndarray]):
    """The time course of one neuron: float64 (samples,) by qualified name, in the model's units.

    Of a neuron that diverged or stalled, the last sample is before that. Traces are equal if all columns are, NaN
    included.

    status      : how it ended, a word of STATUSES
    units       : unit of each column
    ms          : milliseconds in the model's unit of time
    solver      : what integrated it
    outputs  : what the caller has measured of variables, float64 (n,) by column name
    certificate : of a solver that was chosen by a tolerance, what tables say of it; else empty
    """

    def __init__(
        self, columns: Mapping[str, np.ndarray], status: str, units: Mapping[str, str], ms: float, solver: Solver
    ):
        super().__init__(columns)
        self.status, self.units, self.ms, self.solver = status, units, ms, solver
        self.certificate: Mapping[str, str] = {}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Trace):
            return NotImplemented
        return self.status == other.status and same_columns(self, other)

    def __ne__(self, other: object) -> bool:  # that of dict compares arrays
        return not self == other

    def __repr__(self) -> str:
        samples, end = counted(len(self["time"]), "sample"), self["time"][-1] * self.ms
        solver = solved_by(self.solver, self.certificate)
        return f"<Trace: {samples} of {len(self) - 1} columns to {end:g} ms, {self.status}{solver}>"

    def _repr_html_(self) -> str:
        return html_table(self, self.frame)

    @cached_property
    def columns(self) -> dict[str, np.ndarray]:
        """The columns by the names that tables have, with units: time in ms, states, currents, stimulus."""
        units = {**self.units, "time": "ms"}
        order = ["time", *(name for name in self if name not in ("time", "stimulus")), "stimulus"]
        values = {name: self[name] * self.ms if name == "time" else self[name] for name in order}
        return {column_name(name, units[name]): column for name, column in values.items()}

    @cached_property
    def frame(self) -> "pd.DataFrame":
        """The columns as a data frame, a row for each sample.

        >>> import hhcore
        >>> frame = hhcore.trace("hodgkin_huxley_1952", {}, hhcore.Step(10), duration="20 ms").frame
        >>> list(frame)[:3]
        ['time_ms', 'membrane_V_mV', 'sodium_m']
        """
        import pandas as pd

        return pd.DataFrame(self.columns)


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """The results of n neurons. Results are equal if all columns are, NaN included.

    record   : by name, a row for each neuron: status, ended, final, steps, the fields of the observers (spikes, peak,
               trough and turning points, beats, shapes, response), and those of a second run (error, fragile)
    window   : (start, stop) of the analysis window (ms)
    ms, mV   : milliseconds in the model's unit of time, millivolts in its unit of the potential
    kernel_s : core time of the integration [s]; 0 of results from the store
    given    : what the caller gave for each neuron, (n,) by column name: of the stimulus, parameters, initial states
    solver   : what integrated them
    certificate : of a solver that was chosen by a tolerance, what tables say of it; else empty
    measured : of the action potential of each beat, if beats were observed
    """

    record: Record
    window: tuple[float, float]
    ms: float
    mV: float = field(kw_only=True)
    kernel_s: float = 0.0
    given: Mapping[str, np.ndarray] = field(default_factory=dict, kw_only=True)
    solver: Solver | None = field(default=None, kw_only=True)
    certificate: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    outputs: Mapping[str, np.ndarray] = field(default_factory=dict, kw_only=True)
    beat_outputs: Mapping[str, np.ndarray] = field(default_factory=dict, kw_only=True)
    measured: ActionPotentials = field(default=USUAL, kw_only=True)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Result):
            return NotImplemented
        scales = (self.window, self.ms, self.mV) == (other.window, other.ms, other.mV)
        return scales and same_columns(self.record, other.record) and same_columns(self.given, other.given)

    def __repr__(self) -> str:
        start, stop = (time * self.ms for time in self.window)
        parts = [counted(len(self.status), "neuron"), f"window {start:g} to {stop:g} ms"]
        parts += [counted(len(self.spike_times), "spike")] if "spikes" in self.record else []
        parts += [f"{self.failed.sum():,} failed"] if self.failed.any() else []
        return f"<Result: {', '.join(parts)}{solved_by(self.solver, self.certificate)}>"

    def _repr_html_(self) -> str:
        return html_table(self, self.features)

    def adding(self, **columns: np.ndarray) -> "Result":
        """The same with columns added to the record, or replaced."""
        return replace(self, record={**self.record, **columns})

    @property
    def status(self) -> np.ndarray:
        """int8 (n,), an index into STATUSES."""
        return self.record["status"]

    @property
    def failed(self) -> np.ndarray:
        """bool (n,), whether the neuron diverged or stalled, or has no rheobase that its stimulus is a share of."""
        return self.status >= DIVERGED

    @property
    def ended(self) -> np.ndarray:
        """float64 (n,), time reached: the duration, or where the neuron failed (ms)."""
        return self.record["ended"]

    @property
    def final(self) -> np.ndarray:
        """float64 (n, states), the states at `ended`; of a neuron that failed, the last good ones."""
        return self.record["final"]

    @property
    def steps(self) -> np.ndarray:
        """float64 (n,), steps tried."""
        return self.record["steps"]

    @property
    def spike_times(self) -> np.ndarray:
        """float64 (k,), the spikes of all neurons one after the other, in the model's unit of time (ms)."""
        return self.record["spikes"].values

    @property
    def offsets(self) -> np.ndarray:
        """int64 (n + 1,), spikes of neuron i are spike_times[offsets[i]:offsets[i + 1]]."""
        return self.record["spikes"].offsets

    @property
    def spike_counts(self) -> np.ndarray:
        """int64 (n,)."""
        return np.diff(self.offsets)

    @property
    def peak(self) -> np.ndarray:
        """float64 (n,), highest membrane potential inside the analysis window (mV)."""
        return self.record["peak"]

    @property
    def trough(self) -> np.ndarray:
        """float64 (n,), lowest membrane potential inside the analysis window (mV)."""
        return self.record["trough"]

    @property
    def turning_points(self) -> np.ndarray:
        """float64 (n,), turning points of the potential inside the analysis window, up to two, more than 5 mV apart."""
        return self.record["turning_points"]

    @property
    def error(self) -> np.ndarray:
        """float64 (n,), estimated largest error of the spike times (ms), NaN where it was not estimated."""
        return self.record.get("error", np.full(len(self.status), np.nan))

    @property
    def fragile(self) -> np.ndarray:
        """float64 (n,), 1 where the spike count depends on the accuracy, 0 where not, NaN where not tested."""
        return self.record.get("fragile", np.full(len(self.status), np.nan))

    @property
    def rheobase(self) -> np.ndarray:
        """float64 (n,), the rheobase that currents are shares of; 0 or NaN where there is none, NaN where none is."""
        return self.record.get("rheobase", np.full(len(self.status), np.nan))

    @property
    def beat_values(self) -> np.ndarray:
        """float64 (b, k), the k columns of `measured`; (0, k) where no beats were observed.

        A beat lasts from the onset of a pulse to the next one, or to the end of the run.
        """
        return self.record["beats"].values if "beats" in self.record else np.empty((0, len(self.measured.columns)))

    @property
    def beat_offsets(self) -> np.ndarray:
        """int64 (n + 1,), beats of neuron i are beat_values[beat_offsets[i]:beat_offsets[i + 1]]."""
        if "beats" in self.record:
            return self.record["beats"].offsets
        return np.zeros(len(self.status) + 1, dtype=np.int64)

    @cached_property
    def columns(self) -> dict[str, np.ndarray]:
        """The features by name, (n,) each: of simulation.features, of .beats and .shapes if observed, and `outputs`."""
        from hhcore.simulation.beats import last_beats
        from hhcore.simulation.features import features

        columns = features(
            self.spike_times * self.ms,
            self.offsets,
            (self.window[0] * self.ms, self.window[1] * self.ms),
            self.peak * self.mV,
            self.trough * self.mV,
            self.turning_points,
            np.array(STATUSES, dtype=object)[self.status],
            self.ended * self.ms,
            self.error * self.ms,
            self.fragile,
        )
        columns |= last_beats(self.beat_columns, self.measured) if len(self.beat_values) else {}
        return columns | (self._shape_features() if "shapes" in self.record else {}) | dict(self.outputs)

    def _shape_features(self) -> dict[str, np.ndarray]:
        from hhcore.simulation.shapes import RAW_RESPONSE, neuron_columns

        response = {name: self.record.get(name, np.full(len(self.status), np.nan)) for name in RAW_RESPONSE}
        return neuron_columns(self.shape_columns, response, self.failed, self.ms, self.mV)

    @cached_property
    def shape_columns(self) -> dict[str, np.ndarray]:
        """The columns of each spike by name, (k,) each, as hhcore.simulation.shapes defines them; of an observer."""
        from hhcore.simulation.shapes import shape_columns

        spikes, base = self.record["shapes"], self.record.get("base", np.full(len(self.status), np.nan))
        return shape_columns(spikes.values, spikes.offsets, base, self.failed, self.ms, self.mV)

    @cached_property
    def beat_columns(self) -> dict[str, np.ndarray]:
        """The columns of each beat by name, (b,) each, as hhcore.simulation.beats defines them."""
        from hhcore.simulation.beats import beat_columns

        times = self.spike_times, self.offsets
        return beat_columns(self.beat_values, self.beat_offsets, *times, self.failed, self.ms, self.mV, self.measured)

    @cached_property
    def features(self) -> "pd.DataFrame":
        """pandas.DataFrame with one row per neuron: what was given for each, and `columns`.

        >>> import hhcore
        >>> run = hhcore.simulate("hodgkin_huxley_1952", {"sodium.g": [96, 120]}, hhcore.Step(10), duration=50)
        >>> run.features[["sodium_g_mS_cm2", "spike_count"]].to_dict("list")
        {'sodium_g_mS_cm2': [96.0, 120.0], 'spike_count': [1, 4]}
        """
        import pandas as pd

        return pd.DataFrame({**self.given, **self.columns})

    @cached_property
    def spikes(self) -> "pd.DataFrame":
        """pandas.DataFrame with one row per spike: neuron, time_ms."""
        import pandas as pd

        neuron = np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))
        return pd.DataFrame({"neuron": neuron, "time_ms": self.spike_times * self.ms})

    @cached_property
    def beats(self) -> "pd.DataFrame":
        """pandas.DataFrame with one row per beat: `beat_columns`, and `beat_outputs`."""
        import pandas as pd

        return pd.DataFrame({**self.beat_columns, **self.beat_outputs})

    @cached_property
    def shapes(self) -> "pd.DataFrame":
        """pandas.DataFrame with one row per spike and `shape_columns`."""
        import pandas as pd

        return pd.DataFrame(self.shape_columns)
