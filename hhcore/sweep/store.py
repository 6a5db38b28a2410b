"""The store of simulated points: one Parquet file per shard. A run adds the missing points only.

A row is a neuron: its key (hhcore.sweep.keys), and the columns that its protocol declares. A file names the context
digest of its rows, and rows of another context are not used. Points that have left the grid are kept: they cost nothing
and may come back.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from hhcore.base import tables
from hhcore.base.errors import UserError
from hhcore.experiments.experiment import Experiment
from hhcore.experiments.relative import injected, marked, rheobases
from hhcore.simulation.result import Result
from hhcore.sweep.columns import array, columns_of, keys_of, record_of, shard_schema
from hhcore.sweep.hashing import config_digest, context_digest
from hhcore.sweep.keys import shard_points
from hhcore.sweep.speed import note_speed

OTHER_VERSION = "the store holds neurons of another version of hhcore; they are simulated again"


@dataclass(frozen=True)
class Format:
    """The digest of the context of a shard's rows, and their columns; other rows cannot be used."""

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
    remark: Callable[[str], None] = lambda text: None,
) -> int:
    """Simulate the points that a shard lacks, write the shard whole, and return the number of neurons simulated.

    progress : called with (done, total) of the missing neurons
    note     : called with what a log should hold: the core time of the kernel
    remark   : called with what a user should know: that neurons of another version are simulated again
    """
    form = format_of(experiment)
    points, keys = shard_points(experiment, shard)
    held = _held(path, shard, form, remark)
    at = positions(keys, keys_of(held))
    missing, unfinished = at < 0, np.zeros(len(keys), dtype=bool)
    if experiment.protocol.searches:
        unfinished[~missing] = _unfinished(experiment, held)[at[~missing]]
    total = int(missing.sum() + unfinished.sum())
    progress(0, total)
    parts = [held.take(array(np.setdiff1d(np.arange(held.num_rows), at[unfinished]))) if unfinished.any() else held]
    runs = 1 + (experiment.certify == "all") + bool(experiment.stimulus.shares)
    counter = _Counter(total, runs, progress)
    for rows, known in ((missing, None), (unfinished, held.take(array(at[unfinished])))):
        if rows.any():
            result = _certified(experiment, points[rows], known, threads, counter)
            note(f"{result.kernel_s:.2f} core seconds in the kernel")
            note_speed(experiment, experiment.solver.method, int(rows.sum()), int(result.steps.sum()), result.kernel_s)
            parts.append(columns_of(keys[rows], result, experiment.protocol))
    metadata = {"context": form.context, "recipe": config_digest(experiment)}
    tables.write(path, _distinct(pa.concat_tables(parts)), metadata, **_options(form.schema))
    return total


def _options(schema: pa.Schema) -> dict[str, object]:
    """Options of Parquet that suit lists of times: a quarter faster to write than those of tables, a fifth smaller."""
    lists = [field.name for field in schema if pa.types.is_large_list(field.type)]
    encoding = {f"{name}.list.element": "BYTE_STREAM_SPLIT" for name in lists}
    return {"use_dictionary": False, "compression_level": 1, "column_encoding": encoding}


def _unfinished(experiment: Experiment, held: pa.Table) -> np.ndarray:
    """Which rows of a shard a search has to go on with, bool (n,)."""
    return experiment.protocol.unfinished(record_of(held, experiment.protocol, len(experiment.model.states)))


def _certified(
    experiment: Experiment, points: np.ndarray, held: pa.Table | None, threads: int, progress: Callable[[int], None]
) -> Result:
    """Simulate points; if all are to be certified, once more by a finer solver to estimate the error.

    held : their rows of a search that goes on; None: from the beginning, as all do that are certified
    """
    e, protocol, settings = experiment, experiment.protocol, {"threads": threads, "progress": progress}
    rheobase = rheobases(e, points, **settings)
    points = injected(e, points, rheobase)
    if held is not None and e.certify != "all":
        known = record_of(held, protocol, len(e.model.states))
        return marked(e, protocol.continued(e, e.solver, points, known, **settings), rheobase)
    result = protocol.measure(e, e.solver, points, **settings)
    if e.certify == "all":
        exact = protocol.measure(e, e.solver.finer, points, **settings)
        fragile = protocol.outcome(result) != protocol.outcome(exact)
        certified = result.adding(error=protocol.errors(result, exact, e), fragile=fragile.astype(np.float64))
        result = replace(certified, kernel_s=result.kernel_s + exact.kernel_s)
    return marked(e, result, rheobase)


class _Counter:
    """Adds up the finished neurons of all threads; a neuron that is simulated in two runs is half done after one."""

    def __init__(self, total: int, runs: int, progress: Callable[[int, int], None]):
        self.done, self.total, self.runs, self.progress = 0, total, runs, progress

    def __call__(self, neurons: int) -> None:
        self.done += neurons
        self.progress(self.done // self.runs, self.total)


def _held(path: Path, shard: str, form: Format, remark: Callable[[str], None]) -> pa.Table:
    """The rows of this shard's file; if the number of shards has changed, of the files that it came from."""
    files = [path] if path.exists() else [p for p in sorted(path.parent.glob("*.parquet")) if _related(p.stem, shard)]
    parts = []
    for file in files:
        try:
            if not tables.schema(file).equals(form.schema):
                remark(OTHER_VERSION)
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
    if np.array_equal(order, np.arange(table.num_rows)):  # so in a new shard: no copy of all spikes
        return table
    return table.take(array(order))


def shard_batches(path: Path, form: Format, rows: int) -> Iterator[pa.Table]:
    """The rows of a shard file if it has this format, 1 to `rows` at a time. Raises UserError if it is damaged."""
    if is_current(path, form):
        for batch in tables.batches(path, rows):
            if batch.num_rows:
                yield pa.Table.from_batches([batch]).replace_schema_metadata(None).cast(form.schema)


def is_current(path: Path, form: Format) -> bool:
    """Whether a shard file has this format. Raises UserError if it is damaged."""
    return tables.metadata(path).get("context") == form.context and tables.schema(path).equals(form.schema)


def positions(keys: np.ndarray, held: np.ndarray) -> np.ndarray:
    """The index of each key, uint64 (k, 2), among sorted ones, uint64 (n, 2): int64 (k,), -1 if missing."""
    candidate, index = np.searchsorted(held[:, 0], keys[:, 0]), np.full(len(keys), -1)
    while True:  # rarely more than two rounds: only if keys share their first half
        left = np.flatnonzero((index < 0) & (candidate < len(held)))
        left = left[held[candidate[left], 0] == keys[left, 0]]
        if not left.size:
            return index
        hits = left[held[candidate[left], 1] == keys[left, 1]]
        index[hits] = candidate[hits]
        candidate[left] += 1
