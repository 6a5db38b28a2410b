"""Bring the neurons from the shards of the store into grid order, a row block at a time, in little memory.

Shards sort neurons by key, which scatters them over the grid. So the keys of the grid are first distributed to the
shards, then each shard's neurons, a batch at a time, to their row blocks. Both go through temporary files, at most
FAN_OUT of each at once. If there are more parts, each file takes several, which are distributed in turn. So work grows
as n log n: a neuron is written once for up to 64 row blocks, twice for up to 4096. At most three row blocks are in
memory at a time: the tables of one are written, those of the next are made, and a third is read.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import numpy as np
import pyarrow as pa

from hhcore.base.errors import UserError
from hhcore.base.words import counted
from hhcore.experiments.experiment import Experiment
from hhcore.simulation.result import Result
from hhcore.sweep.columns import KEYS, array, keys_of, record_of, shard_schema
from hhcore.sweep.keys import grid_keys
from hhcore.sweep.store import Format, format_of, is_current, positions, shard_batches

NEURONS = 1 << 15  # in a row block, at most
SECONDS = 1 << 15  # simulated in a row block, at most: some three million spikes
NUMBERS = 5_000_000  # of the records of a row block, at most, as the protocol expects them
BATCH = 1 << 14  # neurons read at a time
FAN_OUT = 64  # temporary files of keys, and as many of neurons, open at the same time
ROW = pa.field("row", pa.int64())  # of the grid
T = TypeVar("T")


def row_blocks(experiment: Experiment, alignment: int) -> list[range]:
    """The rows of the grid in blocks that begin at multiples of `alignment`; they depend on the experiment alone."""
    e = experiment
    most = min(
        NEURONS, int(SECONDS * 1000.0 / (e.duration * e.model.ms)), int(NUMBERS / max(1.0, e.protocol.numbers(e)))
    )
    size = max(1, most // alignment) * alignment
    return [range(first, min(first + size, e.n_points)) for first in range(0, e.n_points, size)]


def gather(experiment: Experiment, shards: list[Path], blocks: list[range]) -> Iterator[Result]:
    """The neurons of each of the `row_blocks` of the grid, in grid order.

    Temporary files take as much space as the shards without compression.
    Raises UserError if a point is missing from the shards, or if shards are damaged or of another version. The latter
    are set aside, so that Snakemake makes them again.
    """
    e, shards = experiment, sorted(shards)
    bits = np.uint64(len(shards).bit_length() - 1)
    starts = np.array([block.start for block in blocks])

    def shard(keys: pa.Table) -> np.ndarray:
        high = keys["key_high"].to_numpy()
        return (high >> np.uint64(64) - bits).astype(np.int64) if bits else np.zeros(len(high), np.int64)

    def block(neurons: pa.Table) -> np.ndarray:
        return np.searchsorted(starts, neurons["row"].to_numpy(), "right") - 1

    keys = _distributed(_keys(e), KEYS.append(ROW), shard, range(len(shards)))
    neurons = _distributed(_neurons(e, shards, keys), shard_schema(e.protocol).append(ROW), block, range(len(starts)))
    yield from prefetched(_result(e, table) for table in neurons)


def prefetched(items: Iterator[T]) -> Iterator[T]:
    """The items; each is computed while the one before is in use."""
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(next, items, None)
        while (item := following.result()) is not None:
            following = pool.submit(next, items, None)
            yield item


def _distributed(
    batches: Iterable[pa.Table], schema: pa.Schema, part_of: Callable[[pa.Table], np.ndarray], parts: range
) -> Iterator[pa.Table]:
    """The rows of each part, one part after the other.

    batches : the rows of all parts, in any order
    part_of : from a batch to the part of each of its rows, int64 (n,)
    """
    if len(parts) == 1:
        yield pa.concat_tables([schema.empty_table(), *batches])
        return
    size = -(-len(parts) // FAN_OUT)
    bounds = [*parts[::size], parts.stop]
    with TemporaryDirectory(prefix="hhcore-") as folder:
        files = [Path(folder, str(first)) for first in bounds[:-1]]
        with ExitStack() as stack:
            streams = [stack.enter_context(pa.ipc.new_stream(str(file), schema)) for file in files]
            for batch in batches:
                part = part_of(batch)
                if (part[1:] < part[:-1]).any():
                    order = np.argsort(part, kind="stable")
                    batch, part = batch.take(array(order)), part[order]
                for stream, (begin, end) in zip(streams, pairwise(np.searchsorted(part, bounds)), strict=True):
                    if begin < end:
                        stream.write_table(batch.slice(begin, end - begin))
        for file, (first, last) in zip(files, pairwise(bounds), strict=True):
            yield from _distributed(_stored(file), schema, part_of, range(first, last))
            file.unlink()


def _stored(file: Path) -> Iterator[pa.Table]:
    """The rows of a temporary file, about BATCH at a time."""
    with pa.OSFile(str(file)) as source, pa.ipc.open_stream(source) as stream:
        parts, rows = [], 0
        for part in stream:
            parts.append(part)
            rows += part.num_rows
            if rows >= BATCH:
                yield pa.Table.from_batches(parts)
                parts, rows = [], 0
        yield pa.Table.from_batches(parts, stream.schema)


def _keys(e: Experiment) -> Iterator[pa.Table]:
    """Keys and rows of all points of the grid, a batch at a time."""
    for rows, keys in grid_keys(e):
        yield pa.Table.from_arrays([array(keys[:, 0]), array(keys[:, 1]), array(rows)], schema=KEYS.append(ROW))


def _neurons(e: Experiment, shards: list[Path], keys: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The neurons of the grid and their rows, batch by batch, shard by shard.

    keys : of each shard
    """
    form = format_of(e)
    for path, wanted in zip(shards, keys, strict=True):
        missing = wanted.num_rows
        for batch in _look_up(path, form, wanted):
            missing -= batch.num_rows
            yield batch
        if missing:
            _set_aside_useless(shards, form)
            raise UserError(f"{path}: the store lacks points of the grid; delete the file and run the experiment again")


def _look_up(path: Path, form: Format, wanted: pa.Table) -> Iterator[pa.Table]:
    """The wanted neurons of a shard, with their rows, in batches sorted by row. Ends early if the shard is damaged.

    wanted : keys and rows, in any order
    """
    keys, rows = keys_of(wanted), wanted["row"].to_numpy()
    order = np.argsort(keys[:, 0])
    keys, rows = keys[order], rows[order]
    with suppress(UserError):
        for batch in prefetched(shard_batches(path, form, BATCH)):
            held = keys_of(batch)
            near = slice(np.searchsorted(keys[:, 0], held[0, 0]), np.searchsorted(keys[:, 0], held[-1, 0], "right"))
            index = positions(keys[near], held)
            hits = np.flatnonzero(index >= 0)
            hits = hits[np.argsort(rows[near][hits])]
            yield batch.take(array(index[hits])).append_column(ROW, array(rows[near][hits]))


class DamageError(UserError):
    """Shards that could not be read, and have been set aside."""


def _set_aside_useless(shards: list[Path], form: Format) -> None:
    """Rename all useless shards: only a missing file tells Snakemake to make it again."""
    useless = [path for path in shards if not _is_sound(path, form)]
    for path in useless:
        path.rename(path.with_suffix(".damaged"))
    if useless:
        names = ", ".join(path.name for path in useless[:5]) + (", …" if len(useless) > 5 else "")
        raise DamageError(
            f"{shards[0].parent}: {counted(len(useless), 'shard')} damaged or of another version ({names}), now set "
            "aside as *.damaged; run the same command again to simulate their neurons again"
        )


def _is_sound(path: Path, form: Format) -> bool:
    """Whether a shard has this format and can be read to its end; it may be empty."""
    try:
        for _ in shard_batches(path, form, BATCH):
            pass
        return is_current(path, form)
    except UserError:
        return False


def _result(e: Experiment, block: pa.Table) -> Result:
    """The neurons of a row block in grid order."""
    block = block.take(array(np.argsort(block["row"].to_numpy())))
    record = record_of(block, e.protocol, len(e.model.states))
    return Result(record, e.analysis_window, e.model.ms, mV=e.model.mV, measured=e.protocol.measured)
