"""Several runs of each neuron: lists in its row of the store, and a row for each run again."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from hhcore.simulation.result import Ragged, Record

PREFIX = "run_"  # of columns that have a value, or a list, for each run of a neuron
COUNTS = "_counts"


def folded_schema(schema: pa.Schema) -> pa.Schema:
    """The columns of neurons in the store, from those of a run: lists of numbers, and of lists their lengths too."""
    return pa.schema([column for field in schema for column in _folded_field(field)])


def folded(record: Mapping[str, np.ndarray | Ragged], schema: pa.Schema, counts: np.ndarray) -> Record:
    """The columns of `folded_schema` for n neurons, from those of their runs.

    record : of all runs, those of a neuron one after the other
    counts : int64 (n,), the runs of each neuron
    """
    ends, found = np.r_[0, np.cumsum(counts)], {}
    for name in schema.names:
        column, place = record[name], PREFIX + name
        if isinstance(column, Ragged):
            found[place] = Ragged(column.values, column.offsets[ends])
            found[place + COUNTS] = Ragged.of(column.counts, counts)
        else:
            found[place] = Ragged.of(column, counts)
    return found


def unfolded(record: Mapping[str, np.ndarray | Ragged], schema: pa.Schema) -> Record:
    """The columns of all runs, from those of `folded_schema`."""
    found: Record = {}
    for field in schema:
        column = record[PREFIX + field.name]
        if _is_list(field):
            found[field.name] = Ragged.of(column.values, record[PREFIX + field.name + COUNTS].values)
        else:
            found[field.name] = column.values
    return found


def _folded_field(field: pa.Field) -> list[pa.Field]:
    name = PREFIX + field.name
    if not _is_list(field):
        return [_list_of(name, field.type)]
    return [field.with_name(name), _list_of(name + COUNTS, pa.int64())]


def _is_list(field: pa.Field) -> bool:
    return pa.types.is_large_list(field.type)


def _list_of(name: str, kind: pa.DataType) -> pa.Field:
    return pa.field(name, pa.large_list(kind), metadata={"width": "1"})


def taken(record: Mapping[str, np.ndarray | Ragged], rows: np.ndarray) -> Record:
    """Some rows of a record, int64 (k,), in this order."""
    return {name: _taken(column, rows) for name, column in record.items()}


def _taken(column: np.ndarray | Ragged, rows: np.ndarray) -> np.ndarray | Ragged:
    if not isinstance(column, Ragged):
        return column[rows]
    counts = column.counts[rows]
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return Ragged.of(column.values[np.repeat(column.offsets[rows], counts) + within], counts)
