"""Samples from a CSV or a Parquet file, whose columns name their units: `time_ms`, `current (uA/cm^2)`."""

import csv
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from hhcore.base.checks import quoted
from hhcore.base.errors import UserError, closest
from hhcore.base.units import to_unit
from hhcore.base.words import counted

MOST = 10**6  # samples
PLAYED = ("mV", "uA/cm^2", "nA", "A/F", "1")  # units of the kinds of quantities that are played
BRACKETS = re.compile(r"\s*[(\[](.*)[)\]]\s*$")
HOW = "write it like `current_uA_cm2` or `current (uA/cm^2)`"


@dataclass(frozen=True)
class Samples:
    """Samples of one column.

    digest : of their numbers
    table  : float64 (n, 2), times, which never decrease, and values, both as they are in the file
    unit, time_unit : what 1 in the file is, like "1 nA" and "1 ms"
    file, column    : where they are from; "" if they are in no file
    """

    digest: str
    table: np.ndarray = field(compare=False)
    unit: str | float
    time_unit: str | float
    file: str
    column: str

    @property
    def units(self) -> dict[str, str | float]:
        """What 1 in the file is, by the field of a waveform."""
        return {"unit": self.unit, "time_unit": self.time_unit}

    @property
    def title(self) -> str:
        """What is played, in words."""
        source = Path(self.file).name or "a table"
        return f"waveform from {source}, column {self.column}, {counted(len(self.table), 'sample')}"

    @property
    def written(self) -> dict[str, object]:
        """As a config has it. Raises UserError for samples that are in no file."""
        if not self.file:
            raise UserError("Waveform: these samples are in no file; write them to one, and give its path")
        return {"file": self.file, "column": self.column}


@dataclass(frozen=True)
class _Table:
    """The columns of a file before they are numbers.

    names  : of the columns
    units  : of those whose unit is not part of the name
    column : the values of a column by its number, each a number or text
    row    : where a row is, in words, by its number from 0 on
    """

    names: Sequence[str]
    units: Mapping[str, str]
    column: Callable[[int], Sequence[Any]]
    row: Callable[[int], str]


def read_samples(path: Path, column: str | None, where: str) -> Samples:
    """The samples of a file. `column` : the one that is played, None if it is the only one beside the time.

    Raises UserError with the line of what is wrong.
    """
    try:
        stat = path.stat()
        return _read(path, stat.st_mtime_ns, stat.st_size, column, where)
    except OSError as error:
        reason = f"{path} cannot be read ({error.strerror or error})"
        raise UserError(f"{where}.file: {reason}; give the path of a CSV or Parquet file") from error


def samples_of(columns: Mapping[str, Any], column: str | None, where: str) -> Samples:
    """Samples from columns in memory, by name. Raises UserError as `read_samples` does."""
    values = [np.asarray(values).tolist() for values in columns.values()]
    if len({len(x) if isinstance(x, list) else 0 for x in values}) != 1:
        raise UserError(f"{where}: columns of one length make a table; given {', '.join(columns) or 'none'}")
    return _samples(_Table([*columns], {}, values.__getitem__, lambda i: f"row {i}"), "", column, where, where)


@lru_cache(maxsize=64)
def _read(path: Path, changed: int, size: int, column: str | None, where: str) -> Samples:
    table = _parquet(path, where) if path.suffix in (".parquet", ".pq") else _csv(path, where)
    return _samples(table, str(path), column, f"{where}.file: {path}", where)


def _csv(path: Path, where: str) -> _Table:
    """A header, then a row in each line; commas, semicolons, tabs or blanks between values; `#` begins a comment."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UserError(f"{where}.file: {path} is not text in UTF-8; give a CSV or Parquet file") from error
    written = [(i, line) for i, line in enumerate(lines, 1) if line.strip() and not line.lstrip().startswith("#")]
    if not written:
        raise UserError(f"{where}.file: {path} is empty; it needs a header, like `time_ms,current_uA_cm2`, and rows")
    comma = next((mark for mark in ",;\t" if mark in written[0][1]), None)
    lines = (" ".join(line.split()) if comma is None else line for _, line in written)
    names, *rows = csv.reader(lines, delimiter=comma or " ", skipinitialspace=True)
    for (line, _), row in zip(written[1:], rows, strict=True):
        if len(row) != len(names):
            amount = f"{counted(len(row), 'value')} for {counted(len(names), 'column')}"
            raise UserError(f"{where}.file: {path}, line {line}: {amount}; write one for each")
    names = [name.strip() for name in names]
    return _Table(names, {}, lambda i: [row[i] for row in rows], lambda i: f"line {written[i + 1][0]}")


def _parquet(path: Path, where: str) -> _Table:
    """The unit of a column may also stand in the metadata of its field, as in hhcore's own tables."""
    from hhcore.base.tables import read_foreign  # here, since Arrow takes a while

    try:
        table = read_foreign(path)
    except UserError as error:
        raise UserError(f"{where}.file: {error}; give a CSV or Parquet file") from error
    units = {f.name: (f.metadata or {}).get(b"unit", b"").decode() for f in table.schema}
    return _Table(table.column_names, units, lambda i: table.column(i).to_pylist(), lambda i: f"row {i}")


def _samples(table: _Table, file: str, column: str | None, place: str, where: str) -> Samples:
    """The column of times and the one that is played. `place` : how messages about the file begin."""
    named = {name: _named(name, table.units.get(name, "")) for name in table.names}
    times = [name for name, (bare, _) in named.items() if bare.lower() in ("time", "t")]
    if len(times) != 1:
        raise UserError(
            f"{place}: {len(times) or 'no'} columns of times among {', '.join(table.names)}; "
            "call the one that has them like `time_ms` or `time (s)`"
        )
    played = _played(named, times[0], column, place, where)
    units = _unit(played, named, PLAYED, place), _unit(times[0], named, ("ms",), place)
    numbers = np.column_stack([_numbers(table, name, place) for name in (times[0], played)])
    if not 2 <= len(numbers) <= MOST:
        raise UserError(f"{place}: {counted(len(numbers), 'sample')}; a waveform has from 2 to {MOST:,}")
    falls = np.flatnonzero(np.diff(numbers[:, 0]) < 0)
    if falls.size:
        before, after = numbers[falls[0] : falls[0] + 2, 0].tolist()
        raise UserError(
            f"{place}, {table.row(int(falls[0]) + 1)}: the time falls from {before!r} to {after!r}; sort the rows by "
            "time, and give those of one recording"
        )
    return Samples(hashlib.blake2b(numbers.tobytes()).hexdigest(), numbers, *units, file, played)


def _played(named: Mapping[str, tuple[str, str]], times: str, column: str | None, place: str, where: str) -> str:
    """The column that is played, by its name with or without the unit."""
    others = [name for name in named if name != times]
    if column is None and len(others) == 1:
        return others[0]
    if column is None:
        raise UserError(
            f"{place}: which column is played? Beside {times} there are {', '.join(others) or 'none'}; say "
            f"it as `column: {others[0] if others else 'current_nA'}`"
        )
    found = [name for name in others if column in (name, named[name][0])]
    if len(found) != 1:
        raise UserError(f"{where}.column: there is no column {column!r} in the file; {closest(column, others)}")
    return found[0]


def _named(name: str, unit: str) -> tuple[str, str]:
    """A name without its unit, and the unit, "" if there is none.

    >>> _named("membrane_V_mV", ""), _named("current (nA)", ""), _named("command", "")
    (('membrane_V', 'mV'), ('current', 'nA'), ('command', ''))
    """
    if bracketed := BRACKETS.search(name):
        return name[: bracketed.start()], unit or bracketed[1].strip()
    parts = name.split("_")
    for n in range(1, len(parts)):
        written = "/".join(parts[n:])
        if _is_unit(written, ("ms", *PLAYED[:-1])):
            return "_".join(parts[:n]), unit or written
    return name, unit


def _unit(name: str, named: Mapping[str, tuple[str, str]], legal: Sequence[str], place: str) -> str | float:
    """What 1 in a column is. Raises UserError for a unit that is missing or not one of a legal kind."""
    unit = named[name][1]
    if not unit:
        raise UserError(f"{place}: the column {name!r} names no unit; {HOW}")
    if not _is_unit(unit, legal):
        raise UserError(f"{place}: the column {name!r} has the unit {unit!r}; legal: {', '.join(legal)} and their like")
    return 1.0 if unit == "1" else f"1 {unit}"


def _is_unit(unit: str, legal: Sequence[str]) -> bool:
    """Whether a unit is of the kind of one of the legal ones."""
    return any(converts(unit, other) for other in legal)


@lru_cache(maxsize=1024)
def converts(unit: str, other: str) -> bool:
    """Whether a unit can be converted to another one."""
    if unit == other:
        return True
    try:
        to_unit(f"1 {unit}", other, "")
    except UserError:
        return False
    return True


def _numbers(table: _Table, name: str, place: str) -> np.ndarray:
    """The values of a column, float64 (n,)."""
    values = table.column(table.names.index(name))
    try:
        numbers = np.array([float(value) for value in values])
    except (TypeError, ValueError):
        numbers = np.array([_number(value) for value in values])
    wrong = np.flatnonzero(~np.isfinite(numbers))
    if wrong.size:
        i = int(wrong[0])
        raise UserError(f"{place}, {table.row(i)}: {quoted(values[i])} in column {name!r} is not a finite number")
    return numbers


def _number(value: object) -> float:
    try:
        return float(value)  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError):
        return np.nan
