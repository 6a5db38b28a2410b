"""The shape of each spike: where it begins, how fast it rises and falls, its peak, and the minimum after it."""

from dataclasses import dataclass
from math import inf

import numpy as np

from hhcore.simulation.observers.observer import Neurons, Observer, Recorder, RecordField, source
from hhcore.simulation.result import Ragged, Record

# Columns of a spike: times, potentials, slopes; NaN for what it does not have. `spike` is the upward crossing of the
# threshold, `half` the potential halfway between start and peak, `base` that at which it begins, `low` the lowest one.
SHAPE = (
    *("spike", "begin", "begin_potential", "upstroke", "half_rise", "peak_time", "peak"),
    *("half_fall", "fall", "downstroke", "end", "end_potential", "base_fall"),
    *("ahp_time", "ahp", "low_time", "low"),
)
SPIKES = 1 << 14  # after which a kernel hands them over; more than the neurons of a block
NODES = 256  # points of a rise at most, of which half at least are always in use: cubics between them are exact enough


@dataclass(frozen=True)
class Shapes(Observer):
    """The shape of each spike: of each upward crossing of `threshold`, as `Spikes` finds them.

    threshold, rearm : potentials, as of `Spikes`
    rise : dV/dt from which on a spike begins, the last time before its peak
    fall : dV/dt, below 0, to which it comes back where the spike ends, after its fastest fall
    rebound : by how much the potential rises from the minimum after a spike, at least; less is no minimum
    """

    threshold: float = inf
    rearm: float = -inf
    rise: float = inf
    fall: float = -inf
    rebound: float = 0.0

    name = "shapes"
    rows = (
        *("AP_ARMED", "AP_WAS_ARMED", "AP_NOTED", "AP_STEEP", "AP_STAGE", "AP_SLOPE", "AP_LEVEL"),
        *("AP_SETTLED", "AP_HALF"),
        *("AP_RISING", "AP_RISE_TIME", "AP_RISE_V", "AP_FASTEST"),
        # As in SHAPE:
        *("AP_TIME", "AP_BEGIN", "AP_BEGIN_V", "AP_UP", "AP_HALF_RISE", "AP_PEAK_TIME", "AP_PEAK"),
        *("AP_HALF_FALL", "AP_FALL", "AP_DOWN", "AP_END", "AP_END_V", "AP_BASE"),
        *("AP_AHP_TIME", "AP_AHP", "AP_LOW_TIME", "AP_LOW"),
    )
    arguments = {
        "threshold": "f8",
        "rearm": "f8",
        "rise": "f8",
        "fall": "f8",
        "rebound": "f8",
        "who": "i8[:]",
        "found": "f8[:, :]",
        "count": "i8[:]",
        "nodes": "f8[:, :, :]",
        "filled": "i8[:]",
    }
    text = f"AP_COLUMNS = {len(SHAPE)}\n{source(__file__)}"
    fields = (RecordField("shapes", "float64", len(SHAPE)),)

    def recorder(self, neurons: Neurons) -> Recorder:
        """A buffer of spikes, those drained from it, and the rise of each lane's spike."""
        return _Rows(self, neurons)


class _Rows(Recorder):
    """found: float64 (k, 17) of who: int64 (k,); nodes: float64 (lanes, NODES, 3), time, potential and slope."""

    def __init__(self, observer: Shapes, neurons: Neurons):
        self.observer, self.n = observer, neurons.n
        self.who, self.found = np.empty(SPIKES, dtype=np.int64), np.empty((SPIKES, len(SHAPE)))
        self.count, self.filled = np.zeros(1, dtype=np.int64), np.zeros(neurons.lanes, dtype=np.int64)
        self.nodes = np.empty((neurons.lanes, NODES, 3))
        self.owners, self.rows = [np.empty(0, dtype=np.int64)], [np.empty((0, len(SHAPE)))]

    def arguments(self) -> tuple:
        o = self.observer
        settings = o.threshold, o.rearm, o.rise, o.fall, o.rebound
        return *settings, self.who, self.found, self.count, self.nodes, self.filled

    def drain(self) -> None:
        self.owners.append(self.who[: self.count[0]].copy())
        self.rows.append(self.found[: self.count[0]].copy())
        self.count[0] = 0

    def record(self) -> Record:
        owner, rows = np.concatenate(self.owners), np.concatenate(self.rows)
        order = np.argsort(owner, kind="stable")
        return {"shapes": Ragged.of(rows[order], np.bincount(owner, minlength=self.n))}
