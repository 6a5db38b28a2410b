"""The answer of an experiment in numbers: what an analysis says of its results, a line each."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hhcore.base import tables
from hhcore.base.units import pretty_unit
from hhcore.base.words import number, share


@dataclass(frozen=True)
class Answer:
    """A line: `Rheobase`, `2.25 to 6.5 µA/cm²`, and the table and column that it comes from."""

    label: str
    words: str
    table: str
    column: str


class Results:
    """The tables of an experiment, read a column at a time; methods raise UserError as hhcore.base.tables does."""

    def __init__(self, folder: Path):
        self.folder = folder

    def column(self, table: str, column: str) -> np.ndarray:
        """A column, (n,): numbers and marks as float64, NaN for null; texts as objects, None for null."""
        (values,) = tables.read(self.folder / f"{table}.parquet", [column]).columns
        if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
            return values.to_numpy()
        return pc.fill_null(pc.cast(values, pa.float64()), np.nan).to_numpy()

    def unit(self, table: str, column: str) -> str:
        """What follows a number of a column: ` µA/cm²`, or nothing."""
        field = tables.schema(self.folder / f"{table}.parquet").field(column)
        unit = (field.metadata or {}).get(b"unit", b"1").decode()
        return "" if unit == "1" else f" {pretty_unit(unit)}"

    def span(self, label: str, table: str, column: str, thing: str = "neuron") -> Iterator[Answer]:
        """From the smallest to the largest value of a column; a row is a `thing`, and some may have none."""
        values = self.column(table, column)
        known, unit = values[np.isfinite(values)], self.unit(table, column)
        if not len(values):
            return
        lacking = len(values) - len(known)
        words = f"none in {share(lacking, len(values))} {thing}s" if len(values) > 1 else "none"
        if len(known):
            words = between(known.min(), known.max()) + unit + (f"; {words}" if lacking else "")
        yield Answer(label, words, table, column)

    def largest(self, label: str, table: str, column: str) -> Iterator[Answer]:
        """The largest value of a column."""
        values = self.column(table, column)
        if np.isfinite(values).any():
            yield Answer(label, number(np.nanmax(values)) + self.unit(table, column), table, column)

    def spread(self, label: str, table: str, column: str) -> Iterator[Answer]:
        """The median of a column, and the middle nine tenths."""
        values = self.column(table, column)
        known, unit = values[np.isfinite(values)], self.unit(table, column)
        if len(known):
            low, median, high = np.percentile(known, [5, 50, 95])
            words = f"median {number(median)}{unit}, the middle 90\N{NO-BREAK SPACE}% from {between(low, high)}{unit}"
            yield Answer(label, words, table, column)


def between(low: float, high: float, digits: int = 4) -> str:
    """`2.25 to 6.5`, or one number if both are written alike."""
    low_words, high_words = number(low, digits), number(high, digits)
    return low_words if low_words == high_words else f"{low_words} to {high_words}"
