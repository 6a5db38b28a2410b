"""Results of simulated neurons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

STATUSES = ("ok", "no_stable_rest", "diverged", "stalled")
OK, NO_STABLE_REST, DIVERGED, STALLED = range(4)


@dataclass(frozen=True)
class Ragged:
    """Lists of different length, one for each of n neurons.

    values  : float64 (k,) or (k, width), the lists one after the other
    offsets : int64 (n + 1,), the list of neuron i is values[offsets[i]:offsets[i + 1]]
    """

    values: np.ndarray
    offsets: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray, counts: np.ndarray) -> "Ragged":
        """Make lists of the lengths `counts`, int64 (n,)."""
        return cls(values, np.r_[0, np.cumsum(counts)])

    @property
    def counts(self) -> np.ndarray:
        """Length of each list, int64 (n,)."""
        return np.diff(self.offsets)


Record = Mapping[str, np.ndarray | Ragged]  # by name, a row for each neuron


def joined(records: Sequence[Record]) -> Record:
    """Join records of the same names, the neurons of one after those of the other."""

    def column(parts: list[np.ndarray | Ragged]) -> np.ndarray | Ragged:
        if isinstance(parts[0], Ragged):
            return Ragged.of(
                *(np.concatenate([getattr(part, name) for part in parts]) for name in ("values", "counts"))
            )
        return np.concatenate(parts)

    return {name: column([record[name] for record in records]) for name in records[0]}


class Trace(dict[str, np.ndarray]):
    """The time course of one neuron: float64 (samples,) by name; `status`, a word of STATUSES, says how it ended.

    Of a neuron that diverged or stalled, the last sample is before that.
    """

    def __init__(self, columns: Mapping[str, np.ndarray], status: str):
        super().__init__(columns)
        self.status = status


@dataclass(frozen=True)
class Result:
    """The results of n neurons.

    record   : by name, a row for each neuron: status, ended, final, steps, the fields of the observers (spikes, peak,
               trough and turning points, beats), and those of a second run (error, fragile)
    window   : (start, stop) of the analysis window (ms)
    ms, mV   : milliseconds in the model's unit of time, millivolts in its unit of the potential
    kernel_s : core time of the integration [s]; 0 of results from the store
    """

    record: Record
    window: tuple[float, float]
    ms: float
    mV: float = field(kw_only=True)
    kernel_s: float = 0.0

    def adding(self, **columns: np.ndarray) -> "Result":
        """The same with columns added to the record, or replaced."""
        return replace(self, record={**self.record, **columns})

    @property
    def status(self) -> np.ndarray:
        """int8 (n,), an index into STATUSES."""
        return self.record["status"]

    @property
    def failed(self) -> np.ndarray:
        """bool (n,), whether the neuron diverged or stalled."""
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
    def beats(self) -> np.ndarray:
        """float64 (b, 8), the columns of hhcore.simulation.observers.beats.BEAT; (0, 8) where none were observed.

        A beat lasts from the onset of a pulse to the next one, or to the end of the run.
        """
        return self.record["beats"].values if "beats" in self.record else np.empty((0, 8))

    @property
    def beat_offsets(self) -> np.ndarray:
        """int64 (n + 1,), beats of neuron i are beats[beat_offsets[i]:beat_offsets[i + 1]]."""
        if "beats" in self.record:
            return self.record["beats"].offsets
        return np.zeros(len(self.status) + 1, dtype=np.int64)

    @cached_property
    def columns(self) -> dict[str, np.ndarray]:
        """The features by name, (n,) each, as hhcore.simulation.features and, with beats, .beats define them."""
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
        return columns | (last_beats(self.beat_columns) if len(self.beats) else {})

    @cached_property
    def beat_columns(self) -> dict[str, np.ndarray]:
        """The columns of each beat by name, (b,) each, as hhcore.simulation.beats defines them."""
        from hhcore.simulation.beats import beat_columns

        times = self.spike_times, self.offsets
        return beat_columns(self.beats, self.beat_offsets, *times, self.failed, self.ms, self.mV)

    @cached_property
    def features(self):
        """pandas.DataFrame with one row per neuron and `columns`."""
        import pandas as pd

        return pd.DataFrame(self.columns)

    @cached_property
    def spikes(self):
        """pandas.DataFrame with one row per spike: neuron, time_ms."""
        import pandas as pd

        neuron = np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))
        return pd.DataFrame({"neuron": neuron, "time_ms": self.spike_times * self.ms})

    @cached_property
    def beat_table(self):
        """pandas.DataFrame with one row per beat and `beat_columns`."""
        import pandas as pd

        return pd.DataFrame(self.beat_columns)
