"""The store of simulated points: one Parquet file per shard, to which a run adds only what it does not hold yet.

A row is a neuron: its key (hhcore.sweep.keys), and what its protocol declares. A file holds the context digest under
which its rows were computed; rows of another context are not used. Points that the grid no longer has are kept: they
cost nothing and may come back.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from hhcore.base import tables
from hhcore.base.errors import UserError
from hhcore.experiments.experiment import Experiment
from hhcore.simulation.result import Result
from hhcore.sweep.columns import array, columns_of, keys_of, shard_schema
from hhcore.sweep.hashing import context_digest
from hhcore.sweep.keys import shard_points

OTHER_VERSION = "the store holds neurons of another version of hhcore; they are simulated again"


@dataclass(frozen=True)
class Format:
    """What makes the rows of a shard usable: the digest of their context, and the columns they have."""

    context: str
    schema: pa.Schema


def format_of(experiment: Experiment) -> Format:
    """The format of an experiment's shards."""
    return Format(context_digest(experiment), shard_schema(experiment.protocol))


def update_shard(
    experiment: Experiment,
    shard: str,
    path: Path,
    *,
    threads: int = 1,
    progress: Callable[[int, int], None],
    note: Callable[[str], None] = lambda text: None,
) -> int:
    """Simulate the points of a shard that the store does not hold yet and write the shard whole.

    progress(done, total) is called with how many of the missing neurons are finished, note(text) with what else a
    user wants to know: the core time of the kernel, that a store is of another version.
    Returns the number of neurons simulated.
    """
    form = format_of(experiment)
    points, keys = shard_points(experiment, shard)
    held = _held(path, shard, form, note)
    missing = places(keys, keys_of(held)) < 0
    total = int(missing.sum())
    progress(0, total)
    parts = [held]
    if total:
        result = _certified(experiment, points[missing], threads, _Counter(total, progress))
        note(f"{result.kernel_s:.2f} core seconds in the kernel")
        parts.append(columns_of(keys[missing], result, experiment.protocol))
    tables.write(path, _distinct(pa.concat_tables(parts)), {"context": form.context}, **_options(form.schema))
    return total


def _options(schema: pa.Schema) -> dict[str, object]:
    """For lists of times; a quarter faster to write than what suits the tables, and a fifth smaller."""
    lists = [field.name for field in schema if pa.types.is_large_list(field.type)]
    encoding = {f"{name}.list.element": "BYTE_STREAM_SPLIT" for name in lists}
    return {"use_dictionary": False, "compression_level": 1, "column_encoding": encoding}


def _certified(experiment: Experiment, points: np.ndarray, threads: int, progress: Callable[[int], None]) -> Result:
    """The points simulated, and where all are to be certified, once more by a finer solver to estimate the error."""
    e, protocol = experiment, experiment.protocol
    result = protocol.measure(e, e.solver, points, threads=threads, progress=progress)
    if e.certify != "all":
        return result
    exact = protocol.measure(e, e.solver.finer, points, threads=threads)
    fragile = protocol.outcome(result) != protocol.outcome(exact)
    certified = result.adding(error=protocol.errors(result, exact, e), fragile=fragile.astype(np.float64))
    return replace(certified, kernel_s=result.kernel_s + exact.kernel_s)


class _Counter:
    """Adds up finished neurons of all threads."""

    def __init__(self, total: int, progress: Callable[[int, int], None]):
        self.done, self.total, self.progress = 0, total, progress

    def __call__(self, neurons: int) -> None:
        self.done += neurons
        self.progress(self.done, self.total)


def _held(path: Path, shard: str, form: Format, note: Callable[[str], None]) -> pa.Table:
    """What this shard's file holds, and where the number of shards has changed, the files it came from."""
    files = [path] if path.exists() else [p for p in sorted(path.parent.glob("*.parquet")) if _related(p.stem, shard)]
    parts = []
    for file in files:
        try:
            if not tables.schema(file).equals(form.schema):
                note(OTHER_VERSION)
            parts += [*shard_batches(file, form, tables.ROW_GROUP)]
        except UserError:
            continue  # damaged: its points are simulated again
    if not parts:
        return pa.Table.from_batches([], form.schema)
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


def shard_batches(path: Path, form: Format, rows: int) -> Iterator[pa.Table]:
    """What a shard file holds in this format, at most so many rows at a time, at least one.

    Raises UserError where the file is damaged.
    """
    if is_current(path, form):
        for batch in tables.batches(path, rows):
            if batch.num_rows:
                yield pa.Table.from_batches([batch]).replace_schema_metadata(None).cast(form.schema)


def is_current(path: Path, form: Format) -> bool:
    """Whether a shard file is of this format. Raises UserError where it is damaged."""
    return tables.metadata(path).get("context") == form.context and tables.schema(path).equals(form.schema)


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
