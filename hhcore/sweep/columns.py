"""From records of neurons to columns of Arrow and back, by the schema of a protocol.

`pa.array` and `to_numpy` of columns with gaps would import pandas, which takes half a second. This code does not.
"""

import numpy as np
import pyarrow as pa

from hhcore.experiments.protocol import COMMON, Protocol
from hhcore.simulation.result import Ragged, Record, Result

KEYS = pa.schema([("key_high", pa.uint64()), ("key_low", pa.uint64())])


def shard_schema(protocol: Protocol) -> pa.Schema:
    """The columns of a shard: keys, those of all protocols, and the protocol's own."""
    return pa.schema([*KEYS, *COMMON, *protocol.schema])


def columns_of(keys: np.ndarray, result: Result, protocol: Protocol) -> pa.Table:
    """A row for each neuron, from its key, uint64 (n, 2), and its record."""
    missing = np.full(len(keys), np.nan)
    columns = [array(keys[:, 0]), array(keys[:, 1])]
    for field in [*COMMON, *protocol.schema]:
        column = result.record.get(field.name, missing)
        if field.name == "final":
            column = _some_rows(column, np.ones(len(keys), bool) if protocol.keeps_final else result.failed)
        columns.append(_lists(column, field.type) if isinstance(column, Ragged) else array(column))
    return pa.Table.from_arrays(columns, schema=shard_schema(protocol))


def record_of(table: pa.Table, protocol: Protocol, states: int) -> Record:
    """The record of the neurons in a table of a shard; `states` : number of states of the model."""
    record: dict[str, np.ndarray | Ragged] = {}
    for field in [*COMMON, *protocol.schema]:
        column = table[field.name].combine_chunks()
        if field.name == "final":
            record["final"] = _rectangle(column, states)
        elif pa.types.is_large_list(field.type):
            record[field.name] = _ragged(column, int((field.metadata or {}).get(b"width", 1)))
        else:
            record[field.name] = column.to_numpy()
    return record


def _some_rows(rows: np.ndarray, kept: np.ndarray) -> Ragged:
    """The kept rows, bool (n,), of float64 (n, width) as lists; the lists of the others are empty."""
    return Ragged(rows[kept].ravel(), np.r_[0, np.cumsum(np.where(kept, rows.shape[1], 0))])


def _lists(lists: Ragged, kind: pa.DataType) -> pa.Array:
    width = lists.values.shape[1] if lists.values.ndim > 1 else 1
    if pa.types.is_large_list(kind):
        return pa.LargeListArray.from_arrays(array(lists.offsets * width), array(lists.values.ravel()))
    return pa.ListArray.from_arrays(array((lists.offsets * width).astype(np.int32)), array(lists.values.ravel()))


def _ragged(lists: pa.Array, width: int) -> Ragged:
    lengths = lists.value_lengths().to_numpy(zero_copy_only=False)
    offsets = np.r_[0, np.cumsum(lengths)].astype(np.int64) // width
    values = lists.flatten().to_numpy(zero_copy_only=False)
    return Ragged(values if width == 1 else values.reshape(-1, width), offsets)


def _rectangle(lists: pa.Array, width: int) -> np.ndarray:
    """float64 (n, width) from lists of that length or empty ones, which become NaN."""
    full = np.full((len(lists), width), np.nan)
    full[lists.value_lengths().to_numpy() > 0] = lists.flatten().to_numpy(zero_copy_only=False).reshape(-1, width)
    return full


def array(numbers: np.ndarray) -> pa.Array:
    """A column of numbers without gaps."""
    numbers = np.ascontiguousarray(numbers)
    return pa.Array.from_buffers(pa.from_numpy_dtype(numbers.dtype), len(numbers), [None, pa.py_buffer(numbers)])


def keys_of(table: pa.Table) -> np.ndarray:
    """The keys of a table's rows, uint64 (n, 2)."""
    return np.column_stack([_numbers(table["key_high"]), _numbers(table["key_low"])])


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    """The numbers of a column without gaps."""
    parts = [np.frombuffer(c.buffers()[1], c.type.to_pandas_dtype())[c.offset :][: len(c)] for c in column.chunks]
    return np.concatenate([np.empty(0, column.type.to_pandas_dtype()), *parts])
