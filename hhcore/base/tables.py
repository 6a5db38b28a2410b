"""Read and write Parquet: units and definitions in the fields, provenance in the file, a seal over all of it.

Files appear whole or not at all. They hold no time, host or path: equal content gives equal bytes. Whoever reads a file
here checks its seal first (hhcore.base.seals).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hhcore import __version__
from hhcore.base.errors import UserError
from hhcore.base.files import atomic_write
from hhcore.base.seals import SEAL, UNSEALED, check_seal, seal

Fields = Mapping[str, tuple[str, str]]  # name: (unit, definition)

LIBRARIES = ("llvmlite", "myokit", "numpy", "pyarrow", "scipy", "sympy")
PREFIX = "hhcore."
ROW_GROUP = 1 << 18  # rows at most: small enough that a query can skip most of a table
BATCH = 1 << 17  # rows read at a time
OPTIONS = {"version": "2.6", "compression": "zstd", "compression_level": 3, "write_page_checksum": True}
# For 3.2 M spikes of periodic trains: 6.4 bytes per time (7.5 plain, 7.8 with a dictionary), 0.03 per neuron number
# (dictionary: 0.06). Written in 0.12 s, read in 0.04 s. A higher level of zstd gains nothing.
SPIKE_OPTIONS = {
    "use_dictionary": False,
    "column_encoding": {"neuron": "DELTA_BINARY_PACKED", "time_ms": "BYTE_STREAM_SPLIT"},
}
SPIKE_FIELDS = {
    "neuron": ("1", "row of the neuron in features.parquet, from 0"),
    "time_ms": ("ms", "time of the spike: upward crossing of the threshold"),
}


def table(columns: Mapping[str, np.ndarray], fields: Fields) -> pa.Table:
    """An Arrow table of columns (n,) of numbers or text; NaN and masked values become null.

    fields : unit and definition of each column; others are ignored
    """
    arrays = [pa.array(column, from_pandas=True) for column in columns.values()]
    schema = [
        pa.field(name, array.type, metadata={"unit": fields[name][0], "definition": fields[name][1]})
        for name, array in zip(columns, arrays, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=pa.schema(schema))


def write(path: Path, content: pa.Table, provenance: Mapping[str, str], **options: object) -> None:
    """Write a table with `provenance` as file metadata; `options` of Parquet go before ours."""
    with writer(path, content.schema, provenance, **options) as file:
        file.write_table(content, ROW_GROUP)


@contextmanager
def writer(
    path: Path, schema: pa.Schema, provenance: Mapping[str, str], **options: object
) -> Iterator[pq.ParquetWriter]:
    """Write a table in parts; the file appears when everything is on disk and sealed."""
    options = OPTIONS | (SPIKE_OPTIONS if schema.names == list(SPIKE_FIELDS) else {}) | options
    schema = schema.with_metadata({PREFIX + key: value for key, value in {**provenance, "table": path.stem}.items()})
    with atomic_write(path) as temporary:
        with pq.ParquetWriter(temporary, schema, **options) as file:
            yield file
            file.add_key_value_metadata({SEAL: UNSEALED})
        seal(temporary)


def spikes(times: np.ndarray, offsets: np.ndarray, first: int = 0) -> pa.Table:
    """One row per spike, sorted by neuron and time: `neuron` int32, `time_ms` float64.

    times   : float64 (k,) [ms]
    offsets : int64 (n + 1,), spikes of neuron i are times[offsets[i]:offsets[i + 1]]
    first   : number of the first neuron
    """
    neuron = np.repeat(np.arange(first, first + len(offsets) - 1, dtype=np.int32), np.diff(offsets))
    return table({"neuron": neuron, "time_ms": times}, SPIKE_FIELDS)


def read(path: Path, columns: list[str] | None = None) -> pa.Table:
    """Read a table, or some columns of it. Raises UserError if the file is missing or damaged."""
    # Not read_table, which takes a folder `a=1` above the file for a column.
    with _open(path) as file:
        return file.read(columns)


def read_foreign(path: Path) -> pa.Table:
    """Read a Parquet file that need not be ours. Raises UserError if it is none, OSError if there is none."""
    try:
        with path.open("rb") as file:
            return pq.ParquetFile(file).read()
    except pa.ArrowException as error:
        raise UserError(f"{path} is not a Parquet file ({error})") from error


def read_rows(path: Path, chosen: Callable[[pa.RecordBatch], np.ndarray]) -> tuple[pa.Table, np.ndarray]:
    """The rows of a table that are chosen, and their numbers, int64 (k,).

    chosen : from a batch of n rows to bool (n,)

    Holds one batch and the chosen rows in memory. Raises UserError as `read` does.
    """
    parts, rows, first = [], [np.empty(0, np.int64)], 0
    for batch in batches(path, BATCH):
        indices = np.flatnonzero(chosen(batch))
        parts.append(batch.take(pa.array(indices)))
        rows.append(first + indices)
        first += batch.num_rows
    return pa.Table.from_batches(parts, schema(path)), np.concatenate(rows)


def batches(path: Path, rows: int) -> Iterator[pa.RecordBatch]:
    """A table in batches of at most `rows` rows. Raises UserError as `read` does."""
    with _open(path) as file:
        yield from file.iter_batches(rows)


def schema(path: Path) -> pa.Schema:
    """The columns of a table. Raises UserError as `read` does."""
    with _open(path) as file:
        return file.schema_arrow


def metadata(path: Path) -> dict[str, str]:
    """The provenance of a table, as `write` got it, and its name as `table`. Raises UserError as `read` does."""
    with _open(path) as file:
        entries = file.schema_arrow.metadata or {}
        texts = {key.decode(): value.decode() for key, value in entries.items() if key.startswith(PREFIX.encode())}
    return {key.removeprefix(PREFIX): value for key, value in texts.items()}


def versions() -> dict[str, str]:
    """`software` as file metadata."""
    return {f"version_{name}": number for name, number in software().items()}


def software() -> dict[str, str]:
    """Versions of hhcore, even if it is not installed, and of the libraries that compute results."""
    return {"hhcore": __version__} | {name: version(name) for name in LIBRARIES}


@contextmanager
def _open(path: Path) -> Iterator[pq.ParquetFile]:
    """Open a file to read. Raises UserError if it is missing or damaged."""
    try:
        check_seal(path)
        with pq.ParquetFile(path, memory_map=True, page_checksum_verification=True) as file:
            yield file
    except MemoryError:
        raise
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        if "launch worker thread" in str(error):  # of Arrow, for lack of memory
            raise MemoryError(str(error)) from error
        if getattr(error, "errno", None):  # of the machine, not of the file
            raise
        raise UserError(
            f"{path} is damaged or not a Parquet file ({error}); delete it and run the experiment again"
        ) from error
