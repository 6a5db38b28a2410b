"""Tables inside a page: the first rows as texts, and all of them as columns for static/tables.js, if they are few."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from markupsafe import Markup

from hhcore.base import tables
from hhcore.base.units import pretty_unit
from hhcore.report.columns import is_number, shown, stored
from hhcore.report.payload import Payload, data

FIRST = 10  # rows that need no script
MOST_ROWS = 100_000  # of a table that can be sorted and filtered in the page
ON_PAPER = 12  # columns of a table that is printed
MOST_CELLS = 3_000_000  # of the same: some megabytes


@dataclass(frozen=True)
class Column:
    """A column of a table in the page."""

    name: str
    unit: str
    definition: str
    number: bool


@dataclass(frozen=True)
class Table:
    """A table in the page.

    rows  : how many it has
    first : the first of them, as texts
    data  : all columns as JSON for a script; None if the page has the first rows only
    """

    name: str
    label: str
    caption: Markup
    rows: int
    columns: Sequence[Column]
    first: Sequence[Sequence[str]]
    data: Markup | None

    @property
    def title(self) -> str:
        """Its label, or else its name."""
        return self.label or self.name.replace("_", " ").capitalize()

    @property
    def wide(self) -> bool:
        """Whether a sheet of paper is too narrow for it."""
        return len(self.columns) > ON_PAPER


def table(path: Path, label: str, caption: Markup, payload: Payload) -> Table:
    """A table of a Parquet file, whose columns go into `payload`. Raises UserError if it is missing or damaged."""
    schema = tables.schema(path)
    columns, rows = [_column(field) for field in schema], pq.read_metadata(path).num_rows
    whole = FIRST < rows <= MOST_ROWS and rows * len(columns) <= MOST_CELLS
    content = tables.read(path) if whole else _first(path, schema)
    first = list(zip(*(shown(column) for column in content.slice(0, FIRST).columns), strict=True))
    return Table(path.stem, label, caption, rows, columns, first, _data(content, payload) if whole else None)


def _data(content: pa.Table, payload: Payload) -> Markup:
    columns = [{"name": name, **stored(content[name], payload)} for name in content.column_names]
    return data({"rows": content.num_rows, "columns": columns})


def _first(path: Path, schema: pa.Schema) -> pa.Table:
    batch = next(tables.batches(path, FIRST), None)
    return pa.Table.from_batches([] if batch is None else [batch], schema)


def _column(field: pa.Field) -> Column:
    unit, definition = ((field.metadata or {}).get(key, b"").decode() for key in (b"unit", b"definition"))
    return Column(field.name, "" if unit == "1" else pretty_unit(unit), definition, is_number(field.type))
