"""The spikes that a run kept, for a page that simulates its neurons again: their times, or a digest of their bits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hhcore.base import tables
from hhcore.certify.origin import check_origin
from hhcore.experiments.experiment import Experiment
from hhcore.report.payload import Payload

MOST_TIMES = 200_000  # spikes whose times a page keeps: 1.6 MB; beyond, 16 bytes of each neuron
MOST_NEURONS = 200_000
ROWS = 1 << 20  # read at a time


@dataclass
class Trains:
    """What is known of the spikes of n neurons.

    counts  : uint32 (n,)
    digests : uint32 (n,), as `digested`
    last    : float64 (n,), NaN without spikes [ms]
    """

    n: int
    counts: np.ndarray = field(init=False)
    digests: np.ndarray = field(init=False)
    last: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.counts, self.digests = np.zeros((2, self.n), dtype=np.uint32)
        self.last = np.full(self.n, np.nan)

    def add(self, neurons: np.ndarray, times: np.ndarray) -> None:
        """More spikes: int (k,) and float64 (k,) [ms], sorted by neuron and time, after all that are known."""
        owners, first, counts = np.unique(neurons, return_index=True, return_counts=True)
        numbers = np.arange(len(times)) - np.repeat(first, counts) + self.counts[neurons]
        self.digests[owners] += np.add.reduceat(digested(times, numbers), first, dtype=np.uint32)
        self.counts[owners] += counts.astype(np.uint32)
        self.last[owners] = times[first + counts - 1]


def digested(times: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Of each spike the bits of its time [ms] and its number from 0 on, mixed: uint32 (k,).

    The digest of a train is their sum modulo 2^32. The mixing is the last step of MurmurHash3.
    """
    low, high = np.ascontiguousarray(times, dtype="<f8").view("<u4").reshape(-1, 2).T
    x = (low ^ high * np.uint32(0x9E3779B1)) + (numbers.astype(np.uint32) + np.uint32(1)) * np.uint32(0x85EBCA77)
    x = (x ^ x >> np.uint32(16)) * np.uint32(0x85EBCA6B)
    x = (x ^ x >> np.uint32(13)) * np.uint32(0xC2B2AE35)
    return x ^ x >> np.uint32(16)


def stored_spikes(e: Experiment, folder: Path | None, payload: Payload) -> Mapping[str, object] | None:
    """What a page keeps of spikes.parquet in a folder of results, None if the run kept no spikes or is too large.

    `counts` of each neuron; and either the `times` of all [ms], or `digests` and the time of the `last` of each.
    Raises UserError if the table was made for another experiment, or is damaged.
    """
    if folder is None or "spikes" not in e.protocol.schema.names or e.n_points > MOST_NEURONS:
        return None
    path = folder / "spikes.parquet"
    check_origin(e, path)
    trains = Trains(e.n_points)
    kept: list[np.ndarray] = []
    total = 0
    for batch in tables.batches(path, ROWS):
        neurons, times = (batch.column(name).to_numpy() for name in ("neuron", "time_ms"))
        total += len(times)
        kept = [*kept, times] if total <= MOST_TIMES else []
        if len(times):
            trains.add(neurons, times)
    counts = {"counts": payload.column(trains.counts)}
    if total <= MOST_TIMES:
        return counts | {"times": payload.column(np.concatenate([np.empty(0), *kept]))}
    return counts | {"digests": payload.column(trains.digests), "last": payload.column(trains.last)}
