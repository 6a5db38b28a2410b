"""The response to a stimulus that begins and ends: potential before it and at its end, minimum, and decay after it."""

from dataclasses import dataclass

import numpy as np

from hhcore.simulation.observers.observer import Neurons, Observer, Recorder, RecordField, source
from hhcore.simulation.result import Record

SHARE = 0.1  # of the time before the stimulus, and of the stimulus, over which means are taken: their last parts
DECAY_MS, SPACING_MS, SAMPLES = 1.0, 0.1, 90  # after the end of the stimulus; as many samples, so far apart
RAW = ("base_area", "late_area", "lowest", "samples", "sum", "moment")


@dataclass(frozen=True)
class Response(Observer):
    """Means, minimum and time constant of the potential around a stimulus that has the fields `start` and `stop`.

    ms : milliseconds in the model's unit of time

    onset, offset : times at which the stimulus begins and ends
    base    : mean over the last tenth of the time before the stimulus
    steady  : mean over the last tenth of the stimulus
    lowest  : minimum while it flows
    decay   : time constant from a straight line through log|V - V(start)| at 90 times, 1 to 9.9 ms after its end
    Each is NaN where it is not defined: without such a stimulus, with nothing before or after it.
    """

    ms: float = 1.0

    name = "response"
    rows = (
        *("RESPONSE_BASE", "RESPONSE_ON", "RESPONSE_LATE", "RESPONSE_OFF", "RESPONSE_NOTED"),
        *("RESPONSE_BASE_AREA", "RESPONSE_LATE_AREA", "RESPONSE_LOWEST", "RESPONSE_REFERENCE"),
        *("RESPONSE_SAMPLE", "RESPONSE_SUM", "RESPONSE_MOMENT"),
    )
    arguments = {"spans": "f8[:, :]", "begin": "f8", "spacing": "f8", "found": "f8[:, :]"}
    text = f"RESPONSE_SAMPLES = {SAMPLES}.0\n\n\n{source(__file__)}"
    fields = tuple(map(RecordField, ("onset", "offset", "base", "steady", "lowest", "decay")))

    def recorder(self, neurons: Neurons) -> Recorder:
        """When the stimulus of each neuron begins and ends, and what is measured."""
        return _Sums(self, neurons)


class _Sums(Recorder):
    """spans: float64 (n, 4), begin and end of the first mean and of the second; between the ends flows the stimulus."""

    def __init__(self, observer: Response, neurons: Neurons):
        self.ms, self.table = observer.ms, np.empty((neurons.n, len(RAW)))
        nothing = np.full(neurons.n, np.nan)
        on, off = (neurons.values.get(name, nothing) for name in ("start", "stop"))
        off = np.where(off <= neurons.duration, off, np.nan)
        self.spans = np.column_stack([(1 - SHARE) * on, on, off - SHARE * (off - on), off])

    def arguments(self) -> tuple:
        return self.spans, DECAY_MS / self.ms, SPACING_MS / self.ms, self.table

    def record(self) -> Record:
        before, on, late, off = self.spans.T
        base, steady, lowest, samples, total, moment = self.table.T
        k = np.arange(float(SAMPLES))
        with np.errstate(invalid="ignore", divide="ignore"):
            slope = (moment - k.mean() * total) / np.sum((k - k.mean()) ** 2) / (SPACING_MS / self.ms)
            return {
                "onset": on,
                "offset": off,
                "base": np.where(on > 0, base / (on - before), np.nan),
                "steady": steady / (off - late),
                "lowest": np.where(np.isfinite(off), lowest, np.nan),
                "decay": np.where(samples == SAMPLES, 1 / np.abs(slope), np.nan),
            }
