"""Parquet in and out: units and definitions in the fields, provenance in the file, whole or not at all.

Files hold no time, host or path: equal content gives equal bytes.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hhcore.errors import UserError

Fields = Mapping[str, tuple[str, str]]  # name: (unit, definition)

PREFIX = "hhcore."
ROW_GROUP = 1 << 20
SPIKE_FIELDS = {
    "neuron": ("1", "row of the neuron in features.parquet, from 0"),
    "time_ms": ("ms", "time of the spike: upward crossing of the threshold"),
}


def table(columns: Mapping[str, np.ndarray], fields: Fields) -> pa.Table:
    """An Arrow table of float64, int64 or text columns (n,); NaN becomes null."""
    arrays = [pa.array(column, from_pandas=True) for column in columns.values()]
    schema = [
        pa.field(name, array.type, metadata={"unit": fields[name][0], "definition": fields[name][1]})
        for name, array in zip(columns, arrays, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=pa.schema(schema))


def write(path: Path, content: pa.Table, made: Mapping[str, str]) -> None:
    """Write a table with file metadata `made`."""
    with _writer(path, content.schema, made) as writer:
        writer.write_table(content, ROW_GROUP)


def write_spikes(path: Path, times: np.ndarray, offsets: np.ndarray, made: Mapping[str, str]) -> None:
    """Write one row per spike, sorted by neuron and time, a row group at a time.

    times float64 (k,) [ms], offsets int64 (n + 1,): see hhcore.features.features.
    """
    schema = table({"neuron": np.empty(0, np.int64), "time_ms": np.empty(0)}, SPIKE_FIELDS).schema
    # Differences of sorted numbers, and the bytes of times side by side: both shrink to a fraction under zstd.
    encoding = {"neuron": "DELTA_BINARY_PACKED", "time_ms": "BYTE_STREAM_SPLIT"}
    with _writer(path, schema, made, use_dictionary=False, column_encoding=encoding) as writer:
        for first in range(0, len(times), ROW_GROUP):
            spikes = np.arange(first, min(first + ROW_GROUP, len(times)))
            neuron = np.searchsorted(offsets, spikes, side="right") - 1
            arrays = [pa.array(neuron), pa.array(times[first : first + ROW_GROUP])]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


def read(path: Path) -> pa.Table:
    """Read a table. Raises UserError if the file is damaged."""
    try:
        return pq.read_table(path, memory_map=True)
    except (OSError, pa.ArrowException) as error:
        raise _damaged(path, error) from error


def metadata(path: Path) -> dict[str, str]:
    """The file metadata of a table, without its prefix. Raises UserError if the file is damaged."""
    try:
        found = pq.read_schema(path).metadata or {}
    except (OSError, pa.ArrowException) as error:
        raise _damaged(path, error) from error
    texts = {key.decode(): value.decode() for key, value in found.items() if key.startswith(PREFIX.encode())}
    return {key.removeprefix(PREFIX): value for key, value in texts.items()}


def software() -> dict[str, str]:
    """Versions of what computes results."""
    return {name: version(name) for name in ("hhcore", "numba", "numpy", "myokit", "sympy", "pyarrow")}


@contextmanager
def _writer(path: Path, schema: pa.Schema, made: Mapping[str, str], **options) -> Iterator[pq.ParquetWriter]:
    """A writer whose file takes its place only when everything is written and on disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    schema = schema.with_metadata({PREFIX + key: value for key, value in made.items()})
    try:
        with pq.ParquetWriter(temporary, schema, compression="zstd", compression_level=3, **options) as writer:
            yield writer
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _damaged(path: Path, error: Exception) -> UserError:
    return UserError(f"{path} cannot be read as Parquet ({error}); delete it and run snakemake again")
