"""From the shards of the store to the grid: its neurons in order, a stretch of it at a time, in little memory.

Shards hold the neurons by key, scattered over the grid. So first the keys of the grid are sorted by shard, then each
shard's neurons, a batch at a time, by the stretch of the grid that they belong to, and at last each stretch is read:
everything passes through temporary files twice, and no more than two batches or stretches are ever in memory: one in
use, and the next, which is read meanwhile.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import numpy as np
import pyarrow as pa

from hhcore.errors import UserError
from hhcore.experiment import Experiment
from hhcore.integration import BEAT
from hhcore.simulation import Result
from hhcore.store import SCHEMA, keys_of, places, shard_batches
from hhcore.sweep import context_digest, grid_keys

NEURONS = 1 << 15  # in a stretch, at the most
SECONDS = 1 << 15  # simulated in a stretch, at the most: some three million spikes
BATCH = 1 << 14  # neurons of a shard that are looked at together
T = TypeVar("T")
PLACE = np.dtype([("high", np.uint64), ("low", np.uint64), ("row", np.int64)])


def stretches(experiment: Experiment) -> list[range]:
    """The rows of the grid in parts that hold whole F-I curves; they depend on the grid alone."""
    e = experiment
    most = min(NEURONS, int(SECONDS * 1000.0 / (e.duration * e.model.ms)))
    size = max(1, most // e.curve) * e.curve
    return [range(first, min(first + size, e.n_points)) for first in range(0, e.n_points, size)]


def gather(experiment: Experiment, shards: list[Path]) -> Iterator[Result]:
    """The neurons of each of the `stretches` of the grid, in grid order.

    Temporary files take as much space as the shards without compression.
    Raises UserError if a point is in none of the shards, or shards are damaged or hold nothing of this experiment:
    those are set aside, so that Snakemake makes them again.
    """
    parts = stretches(experiment)
    with TemporaryDirectory(prefix="hhcore-") as name:
        folder = Path(name)
        _sort_keys(experiment, shards, folder)
        _sort_neurons(experiment, shards, parts, folder)
        yield from ahead(_sorted(experiment, folder, number) for number in range(len(parts)))


def ahead(items: Iterator[T]) -> Iterator[T]:
    """The items, each made while the one before is in use."""
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(next, items, None)
        while (item := following.result()) is not None:
            following = pool.submit(next, items, None)
            yield item


def _sort_keys(e: Experiment, shards: list[Path], folder: Path) -> None:
    """A file for each shard: keys and rows of the points of the grid that belong to it."""
    bits = len(shards).bit_length() - 1
    with ExitStack() as stack:
        files = [stack.enter_context((folder / path.stem).open("wb")) for path in sorted(shards)]
        for rows, keys in grid_keys(e):
            number = (keys[:, 0] >> np.uint64(64 - bits)).astype(np.int64) if bits else np.zeros(len(rows), np.int64)
            order = np.argsort(number, kind="stable")
            places = np.empty(len(rows), PLACE)
            places["high"], places["low"], places["row"] = keys[:, 0], keys[:, 1], rows
            ends = np.cumsum(np.bincount(number, minlength=len(files)))
            for file, part in zip(files, np.split(places[order], ends[:-1]), strict=True):
                file.write(part.tobytes())  # tofile does not tell why it fails


def _sort_neurons(e: Experiment, shards: list[Path], parts: list[range], folder: Path) -> None:
    """A file for each stretch: its neurons, batch after batch of the shards, and their rows."""
    context = context_digest(e)
    bounds = [*(part.start for part in parts), e.n_points]
    schema = SCHEMA.append(pa.field("row", pa.int64()))
    with ExitStack() as stack:
        streams = [
            stack.enter_context(pa.ipc.new_stream(str(_stretch(folder, number)), schema))
            for number in range(len(parts))
        ]
        for path in sorted(shards):
            wanted = np.fromfile(folder / path.stem, PLACE)
            wanted, missing = wanted[np.argsort(wanted["high"])], len(wanted)
            for found in _look_up(path, context, wanted):
                missing -= found.num_rows
                ends = np.searchsorted(found["row"].to_numpy(), bounds)
                for stream, begin, end in zip(streams, ends[:-1], ends[1:], strict=True):
                    stream.write_table(found.slice(begin, end - begin))
            if missing:
                _set_aside_useless(shards, context)
                raise UserError(
                    f"{path}: the store lacks points of the grid; `snakemake --forcerun simulate` adds them"
                )


def _look_up(path: Path, context: str, wanted: np.ndarray) -> Iterator[pa.Table]:
    """The wanted neurons of a shard in batches, each in the order of their rows, which it also holds.

    They end where the shard is damaged.

    wanted : PLACE (k,), sorted by the first half of the key
    """
    with suppress(UserError):
        for held in ahead(shard_batches(path, context, BATCH)):
            keys = keys_of(held)
            first = np.searchsorted(wanted["high"], keys[0, 0])
            near = wanted[first : np.searchsorted(wanted["high"], keys[-1, 0], "right")]
            place = places(np.column_stack([near["high"], near["low"]]), keys)
            inside = np.flatnonzero(place >= 0)
            inside = inside[np.argsort(near["row"][inside])]
            yield held.take(place[inside]).append_column("row", pa.array(near["row"][inside]))


def _set_aside_useless(shards: list[Path], context: str) -> None:
    """Rename all shards of which nothing can be used; Snakemake sees no other sign that they have to be made again."""
    useless = [path for path in shards if not _is_sound(path, context)]
    for path in useless:
        path.rename(path.with_suffix(".damaged"))
    if useless:
        names = ", ".join(path.name for path in useless[:5]) + (", …" if len(useless) > 5 else "")
        raise UserError(
            f"{shards[0].parent}: {len(useless)} shards ({names}) are damaged or of another version, and are set aside "
            "as *.damaged; run the same command again, and their neurons are simulated again"
        )


def _is_sound(path: Path, context: str) -> bool:
    """Whether a shard can be read to its end and holds neurons of the experiment."""
    try:
        return sum(batch.num_rows for batch in shard_batches(path, context, BATCH)) > 0
    except UserError:
        return False


def _stretch(folder: Path, number: int) -> Path:
    return folder / f"stretch-{number}"


def _sorted(e: Experiment, folder: Path, number: int) -> Result:
    """The neurons of a stretch in grid order."""
    with pa.memory_map(str(_stretch(folder, number))) as file, pa.ipc.open_stream(file) as stream:
        found = stream.read_all()
    found = found.take(np.argsort(found["row"].to_numpy())).combine_chunks()
    (spike_times, offsets), (beats, beat_offsets) = _flat(found["spikes"]), _flat(found["beats"])
    return Result(
        spike_times=spike_times,
        offsets=offsets,
        peak=found["peak"].to_numpy(),
        trough=found["trough"].to_numpy(),
        status=found["status"].to_numpy(),
        ended=found["ended"].to_numpy(),
        final=_rectangle(found["final"], len(e.model.states)),
        steps=found["steps"].to_numpy(),
        error=found["error"].to_numpy(),
        fragile=found["fragile"].to_numpy(),
        window=e.analysis_window,
        beats=beats.reshape(-1, len(BEAT)),
        beat_offsets=beat_offsets // len(BEAT),
        ms=e.model.ms,
    )


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
