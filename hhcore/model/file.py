"""Reading a model file: what it may be, how large, and what is said about its units. Nothing in it is executed."""

import math
from collections.abc import Iterator
from pathlib import Path

import myokit
import numpy as np

from hhcore.base.checks import quoted
from hhcore.base.errors import UserError

LARGEST = 4 * 2**20  # bytes; the longest published models have a tenth of it
DEEPEST = 200  # brackets inside each other


def read_model_file(path, strict: bool) -> tuple[myokit.Model, list[str]]:
    """The model in a .mmt or .cellml file, and what is wrong with its units, a line for each variable.

    strict : every number needs a unit; otherwise one without a unit has the one that fits

    Raises UserError if the file is too large, is no model, refers to other files, has a constant that is no finite real
    number, or, if `strict`, for its units.
    """
    text = _text(path)
    try:
        model = _cellml(path, text) if path.name.endswith(".cellml") else myokit.parse_model(myokit.split(text)[0])
        model.validate()
    except UserError:
        raise
    except Exception as error:  # Myokit's parsers also fail with errors of Python's own on what is no model
        raise UserError(f"model file {path.name} cannot be read: {_one_line(error)}") from error
    for variable in model.variables(deep=True):
        _check_numbers(variable, path.name)
    notes = _unit_notes(model, myokit.UNIT_STRICT if strict else myokit.UNIT_TOLERANT)
    if strict and notes:
        raise UserError(f"model file {path.name}: {notes[0]}")
    return model, notes


def _text(path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"model file {path.name} cannot be read: {error}") from error
    if len(content) > LARGEST:
        raise UserError(
            f"model file {path.name}: {len(content):,} bytes are too many for a model; at most {LARGEST:,} are read"
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"model file {path.name} cannot be read: it is no text in UTF-8 ({error})") from error
    depth = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if depth > DEEPEST:
            raise UserError(f"model file {path.name}: brackets are more than {DEEPEST} deep; break the formula up")
    return text


def _cellml(path: Path, text: str) -> myokit.Model:
    from myokit.formats.cellml import CellMLImporter

    if "<!DOCTYPE" in text or "<!ENTITY" in text:  # they could name other files, or grow without bounds
        raise UserError(f"model file {path.name}: XML with a DOCTYPE or entities is not read; take them out")
    return CellMLImporter().model(str(path))


def _check_numbers(variable: myokit.Variable, file: str) -> None:
    """Refuse 1/0, log(-1), 10^400 and what else has no value as a double, in an equation or as an initial value."""
    expressions = [*_literals(variable.rhs()), *([variable.initial_value()] if variable.is_state() else [])]
    for expression in expressions:
        try:
            with np.errstate(all="ignore"):
                value = expression.eval()
            finite = not isinstance(value, complex) and math.isfinite(value)
        except (myokit.NumericalError, ArithmeticError, ValueError):
            finite = False
        if not finite:
            place = f"{variable.qname()}{_line(variable)}"
            raise UserError(f"model file {file}: {place}: {quoted(expression.code())} is no finite real number")


def _literals(expression: myokit.Expression) -> Iterator[myokit.Expression]:
    """The parts of an expression that no variable enters, each as large as it can be, and all numbers."""
    waiting = [expression]
    while waiting:
        part = waiting.pop()
        if part.is_literal():
            yield part
            yield from part.walk(myokit.Number)
        else:
            waiting += part


def _line(variable: myokit.Variable) -> str:
    """Where a variable stands in its file, if Myokit knows."""
    return f" on line {variable._token[2]}" if variable._token is not None else ""


def _unit_notes(model: myokit.Model, mode: int) -> list[str]:
    """For each variable whose units do not agree, where and how."""
    notes = []
    time = model.time_unit(mode)
    for variable in model.variables(deep=True):
        where = f"units do not match in {variable.qname()}{_line(variable)}"
        try:
            found = variable.rhs().eval_unit(mode)
        except myokit.IncompatibleUnitError as error:
            notes.append(f"{where}: {_one_line(error)}")
            continue
        given = variable.unit(mode)
        if found is not None and given is not None:
            found = found * time if variable.is_state() and time is not None else found
            if not myokit.Unit.close(given, found):
                notes.append(f"{where}: it is in {given}, its formula in {found}")
    return notes


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
