"""The store of simulated points: one Parquet file per shard, to which a run adds only what it does not hold yet.

A row is a neuron: its key (hhcore.sweep.point_keys), peak, trough, status, time reached, the last states if it failed,
number of steps, certified error, spike times and beats. A file holds the
context digest under which its rows were computed; rows of another context are not used. Points that the grid
no longer has are kept: they cost nothing and may come back.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from hhcore import tables
from hhcore.errors import UserError
from hhcore.experiment import Experiment
from hhcore.features import spike_time_errors
from hhcore.integration import BEAT
from hhcore.simulation import DIVERGED, Result, simulate
from hhcore.solvers import Solver
from hhcore.sweep import context_digest, point_keys, shard_points

SCHEMA = pa.schema(
    [
        ("key_high", pa.uint64()),
        ("key_low", pa.uint64()),
        ("peak", pa.float64()),
        ("trough", pa.float64()),
        ("status", pa.int8()),
        ("ended", pa.float64()),
        ("final", pa.list_(pa.float64())),
        ("steps", pa.float64()),
        ("error", pa.float64()),
        ("fragile", pa.float64()),
        ("spikes", pa.large_list(pa.float64())),
        ("beats", pa.large_list(pa.float64())),  # the numbers of hhcore.integration.BEAT, one beat after the other
    ]
)


def update_shard(
    experiment: Experiment, shard: str, path: Path, *, threads: int = 1, progress: Callable[[int, int], None]
) -> int:
    """Simulate the points of a shard that the store does not hold yet and write the shard whole.

    progress(done, total) is told how many of the missing neurons are finished.
    Returns the number of neurons simulated.
    """
    context = context_digest(experiment)
    points, keys = shard_points(experiment, shard)
    held = _held(path, shard, context)
    missing = ~np.isin(_joined(keys), _joined(_keys(held)))
    total = int(missing.sum())
    progress(0, total)
    parts = [held]
    if total:
        done = _Counter(total, progress)
        result = _certified(experiment, points[missing], threads, done)
        parts.append(_table(keys[missing], result))
    merged = pa.concat_tables(parts)
    order = np.lexsort(_keys(merged).T[::-1])
    tables.write(path, merged.take(order), {"context": context})
    return total


def _certified(experiment: Experiment, points: np.ndarray, threads: int, progress) -> Result:
    """The points simulated, and where all are to be certified, once more by a finer solver to estimate the error."""
    e = experiment
    result = run_points(e, e.solver, points, threads=threads, progress=progress)
    if e.certify != "all":
        return result
    exact = run_points(e, e.solver.finer, points, threads=threads)
    error = spike_time_errors(result.spike_times, result.offsets, exact.spike_times, exact.offsets)
    fragile = np.diff(result.offsets) != np.diff(exact.offsets)
    return replace(result, error=error, fragile=fragile.astype(np.float64))


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
        **{solver.knob: solver.accuracy},
        analysis_window=e.analysis_window,
        threshold=e.threshold,
        rearm=e.rearm,
        threads=threads,
        progress=progress,
    )


def read_grid(experiment: Experiment, shards: list[Path]) -> Result:
    """The neurons of the grid in grid order, from all shards of the experiment.

    Raises UserError if a point is in none of them.
    """
    context = context_digest(experiment)
    store = pa.concat_tables([_read(path, context) for path in shards])
    keys = point_keys(experiment.points(np.arange(experiment.n_points)))
    held = _joined(_keys(store))
    order = np.argsort(held)
    place = np.minimum(np.searchsorted(held, _joined(keys), sorter=order), max(0, len(held) - 1))
    rows = order[place] if len(held) else np.empty(0, dtype=np.int64)
    if len(held) == 0 or (held[rows] != _joined(keys)).any():
        raise UserError(f"{shards[0].parent}: the store lacks points of the grid; run snakemake again to simulate them")
    found = store.take(rows).combine_chunks()
    (spike_times, offsets), (beats, beat_offsets) = _flat(found["spikes"]), _flat(found["beats"])
    return Result(
        spike_times=spike_times,
        offsets=offsets,
        peak=found["peak"].to_numpy(),
        trough=found["trough"].to_numpy(),
        status=found["status"].to_numpy(),
        ended=found["ended"].to_numpy(),
        final=_rectangle(found["final"], len(experiment.model.states)),
        steps=found["steps"].to_numpy(),
        error=found["error"].to_numpy(),
        fragile=found["fragile"].to_numpy(),
        window=experiment.analysis_window,
        beats=beats.reshape(-1, len(BEAT)),
        beat_offsets=beat_offsets // len(BEAT),
        ms=experiment.model.ms,
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
            parts.append(_read(file, context))
        except UserError:
            continue  # damaged: its points are simulated again
    if not parts:
        return SCHEMA.empty_table()
    return _distinct(pa.concat_tables(parts))


def _related(name: str, shard: str) -> bool:
    name, shard = name.replace("all", ""), shard.replace("all", "")
    return name.startswith(shard) or shard.startswith(name)


def _distinct(table: pa.Table) -> pa.Table:
    _, first = np.unique(_joined(_keys(table)), return_index=True)
    return table.take(np.sort(first))


def _read(path: Path, context: str) -> pa.Table:
    table = tables.read(path)
    if tables.metadata(path).get("context") != context or not table.schema.equals(SCHEMA, check_metadata=False):
        return SCHEMA.empty_table()
    return table.replace_schema_metadata(None).cast(SCHEMA)


def _table(keys: np.ndarray, result: Result) -> pa.Table:
    spikes = pa.LargeListArray.from_arrays(pa.array(result.offsets), pa.array(result.spike_times))
    beats = pa.LargeListArray.from_arrays(pa.array(result.beat_offsets * len(BEAT)), pa.array(result.beats.ravel()))
    failed = result.status >= DIVERGED
    counts = np.r_[0, np.cumsum(np.where(failed, result.final.shape[1], 0))].astype(np.int32)
    final = pa.ListArray.from_arrays(pa.array(counts), pa.array(result.final[failed].ravel()))
    numbers = [result.peak, result.trough, result.status, result.ended]
    columns = [keys[:, 0], keys[:, 1], *numbers, final, result.steps, result.error, result.fragile, spikes, beats]
    return pa.Table.from_arrays([pa.array(c) for c in columns], schema=SCHEMA)


def _flat(lists: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of all lists in a row, float64 (k,), and where each list begins and ends, int64 (n + 1,)."""
    lists = lists.combine_chunks()
    lengths = lists.value_lengths().to_numpy(zero_copy_only=False)
    return lists.flatten().to_numpy(zero_copy_only=False), np.r_[0, np.cumsum(lengths)].astype(np.int64)


def _rectangle(lists: pa.ChunkedArray, width: int) -> np.ndarray:
    """float64 (n, width) from lists of that length or none, which become NaN."""
    lists = lists.combine_chunks()
    full = np.full((len(lists), width), np.nan)
    full[lists.value_lengths().to_numpy() > 0] = lists.flatten().to_numpy(zero_copy_only=False).reshape(-1, width)
    return full


def _keys(table: pa.Table) -> np.ndarray:
    """uint64 (n, 2)"""
    return np.column_stack([table["key_high"].to_numpy(), table["key_low"].to_numpy()])


def _joined(keys: np.ndarray) -> np.ndarray:
    """Each pair of halves as one value that compares and sorts, (n,)."""
    return np.ascontiguousarray(keys).view([("high", np.uint64), ("low", np.uint64)]).ravel()
