"""The store of simulated points: one Parquet file per shard, to which a run adds only what it does not hold yet.

A row is a neuron: its key (`point_keys`), peak, trough, status, time reached, the last states if it failed,
number of steps, certified error, spike times and beats. A file holds the
context digest under which its rows were computed; rows of another context are not used. Points that the grid
no longer has are kept: they cost nothing and may come back.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from hhcore.base import tables
from hhcore.base.errors import UserError
from hhcore.config.experiment import Experiment
from hhcore.schemes.solver import Solver
from hhcore.simulation.observers.beats import BEAT
from hhcore.simulation.result import DIVERGED, Result
from hhcore.simulation.simulate import simulate
from hhcore.simulation.spike_errors import spike_time_errors
from hhcore.sweep.plan import context_digest, shard_points

KEYS = pa.schema([("key_high", pa.uint64()), ("key_low", pa.uint64())])
SCHEMA = pa.schema(
    [
        *KEYS,
        ("peak", pa.float64()),
        ("trough", pa.float64()),
        ("status", pa.int8()),
        ("ended", pa.float64()),
        ("final", pa.list_(pa.float64())),
        ("steps", pa.float64()),
        ("error", pa.float64()),
        ("fragile", pa.float64()),
        ("spikes", pa.large_list(pa.float64())),
        (
            "beats",
            pa.large_list(pa.float64()),
        ),  # the numbers of hhcore.simulation.observers.beats.BEAT, one beat after the other
    ]
)
# For spike times; a quarter faster to write than what suits the tables, and a fifth smaller.
OPTIONS = {
    "use_dictionary": False,
    "compression_level": 1,
    "column_encoding": {"spikes.list.element": "BYTE_STREAM_SPLIT"},
}


def update_shard(
    experiment: Experiment,
    shard: str,
    path: Path,
    *,
    threads: int = 1,
    progress: Callable[[int, int], None],
    kernel: Callable[[float], None] = lambda seconds: None,
) -> int:
    """Simulate the points of a shard that the store does not hold yet and write the shard whole.

    progress(done, total) is told how many of the missing neurons are finished; kernel(seconds) the core time of the
    kernel.
    Returns the number of neurons simulated.
    """
    context = context_digest(experiment)
    points, keys = shard_points(experiment, shard)
    held = _held(path, shard, context)
    missing = places(keys, keys_of(held)) < 0
    total = int(missing.sum())
    progress(0, total)
    parts = [held]
    if total:
        result = _certified(experiment, points[missing], threads, _Counter(total, progress))
        kernel(result.kernel_s)
        parts.append(_table(keys[missing], result))
    tables.write(path, _distinct(pa.concat_tables(parts)), {"context": context}, **OPTIONS)
    return total


def _certified(experiment: Experiment, points: np.ndarray, threads: int, progress) -> Result:
    """The points simulated, and where all are to be certified, once more by a finer solver to estimate the error."""
    e = experiment
    result = run_points(e, e.solver, points, threads=threads, progress=progress)
    if e.certify != "all":
        return result
    exact = run_points(e, e.solver.finer, points, threads=threads)
    fragile = np.diff(result.offsets) != np.diff(exact.offsets)
    certified = result.adding(error=estimated_errors(result, exact, e), fragile=fragile.astype(np.float64))
    return replace(certified, kernel_s=result.kernel_s + exact.kernel_s)


def estimated_errors(run: Result, exact: Result, experiment: Experiment) -> np.ndarray:
    """Largest error of the spike times of each neuron in the unit of the spike times, float64 (n,).

    As `spike_time_errors` has it; NaN without spikes, and where the neuron fails in either run.
    """
    found = spike_time_errors(run.spike_times, run.offsets, exact.spike_times, exact.offsets, experiment.duration)
    return np.where((run.status >= DIVERGED) | (exact.status >= DIVERGED), np.nan, found)


def run_points(
    experiment: Experiment, solver: Solver, points: np.ndarray, *, threads: int = 1, progress=None
) -> Result:
    """Simulate rows of `Experiment.points` with the experiment's own settings and the given solver."""
    e = experiment
    columns = dict(zip(e.quantities, points.T, strict=True))
    return simulate(
        e.model,
        {name: columns[name] for name in e.model.parameters},
        e.stimuli(columns),
        duration=e.duration,
        initial_state=e.initial_state,
        method=solver.method,
        **{solver.setting: solver.accuracy},
        analysis_window=e.analysis_window,
        threshold=e.threshold,
        rearm=e.rearm,
        threads=threads,
        progress=progress,
    )


class _Counter:
    """Adds up finished neurons of all threads."""

    def __init__(self, total: int, progress: Callable[[int, int], None]):
        self.done, self.total, self.progress = 0, total, progress

    def __call__(self, neurons: int) -> None:
        self.done += neurons
        self.progress(self.done, self.total)


def _held(path: Path, shard: str, context: str) -> pa.Table:
    """What this shard's file holds, and where the number of shards has changed, the files it came from."""
    found = [path] if path.exists() else [p for p in sorted(path.parent.glob("*.parquet")) if _related(p.stem, shard)]
    parts = []
    for file in found:
        try:
            parts += [*shard_batches(file, context, tables.ROW_GROUP)]
        except UserError:
            continue  # damaged: its points are simulated again
    if not parts:
        return pa.Table.from_batches([], SCHEMA)
    return _distinct(pa.concat_tables(parts))


def _related(name: str, shard: str) -> bool:
    name, shard = name.replace("all", ""), shard.replace("all", "")
    return name.startswith(shard) or shard.startswith(name)


def _distinct(table: pa.Table) -> pa.Table:
    """Sorted by key, each key once."""
    order = np.lexsort(keys_of(table).T[::-1])
    keys = keys_of(table)[order]
    order = order[np.r_[True, (keys[1:] != keys[:-1]).any(axis=1)][: len(keys)]]
    if np.array_equal(order, np.arange(table.num_rows)):  # as those of a new shard are: no copy of all spikes
        return table
    return table.take(array(order))


def shard_batches(path: Path, context: str, rows: int) -> Iterator[pa.Table]:
    """What a shard file holds of this context, columns as in SCHEMA, at most so many rows at a time, at least one.

    Raises UserError where it is damaged.
    """
    if is_current(path, context):
        for batch in tables.batches(path, rows):
            if batch.num_rows:
                yield pa.Table.from_batches([batch]).replace_schema_metadata(None).cast(SCHEMA)


def is_current(path: Path, context: str) -> bool:
    """Whether a shard file is of this context and version. Raises UserError where it is damaged."""
    return tables.metadata(path).get("context") == context and tables.schema(path).equals(SCHEMA)


def _table(keys: np.ndarray, result: Result) -> pa.Table:
    spikes = pa.LargeListArray.from_arrays(array(result.offsets), array(result.spike_times))
    beats = pa.LargeListArray.from_arrays(array(result.beat_offsets * len(BEAT)), array(result.beats.ravel()))
    failed = result.status >= DIVERGED
    counts = np.r_[0, np.cumsum(np.where(failed, result.final.shape[1], 0))].astype(np.int32)
    final = pa.ListArray.from_arrays(array(counts), array(result.final[failed].ravel()))
    numbers = [result.peak, result.trough, result.status, result.ended]
    columns = [keys[:, 0], keys[:, 1], *numbers, final, result.steps, result.error, result.fragile, spikes, beats]
    columns = [column if isinstance(column, pa.Array) else array(column) for column in columns]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


# pa.array and to_numpy would import pandas, which takes half a second.


def array(numbers: np.ndarray) -> pa.Array:
    """Numbers without a gap as a column."""
    numbers = np.ascontiguousarray(numbers)
    return pa.Array.from_buffers(pa.from_numpy_dtype(numbers.dtype), len(numbers), [None, pa.py_buffer(numbers)])


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    """A column without a gap as numbers."""
    parts = [np.frombuffer(c.buffers()[1], c.type.to_pandas_dtype())[c.offset :][: len(c)] for c in column.chunks]
    return np.concatenate([np.empty(0, column.type.to_pandas_dtype()), *parts])


def keys_of(table: pa.Table) -> np.ndarray:
    """The keys of a shard's rows, uint64 (n, 2)."""
    return np.column_stack([_numbers(table["key_high"]), _numbers(table["key_low"])])


def places(keys: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Where each of the keys, uint64 (k, 2), stands among sorted ones, uint64 (n, 2): int64 (k,), -1 if missing."""
    place, found = np.searchsorted(held[:, 0], keys[:, 0]), np.full(len(keys), -1)
    while True:  # hardly ever more than twice: several keys with one first half
        left = np.flatnonzero((found < 0) & (place < len(held)))
        left = left[held[place[left], 0] == keys[left, 0]]
        if not left.size:
            return found
        hits = left[held[place[left], 1] == keys[left, 1]]
        found[hits] = place[hits]
        place[left] += 1
