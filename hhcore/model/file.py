"""Read a model file: its format, size, numbers and units are checked. Nothing in it is executed."""

import math
import re
from collections.abc import Iterator
from pathlib import Path

import myokit
import numpy as np

from hhcore.base.checks import quoted
from hhcore.base.errors import UserError
from hhcore.model.annotations import annotate
from hhcore.model.cellml_units import name_units
from hhcore.model.units import written_unit

LARGEST = 4 * 2**20  # bytes, ten times the longest published models
DEEPEST = 200  # nested brackets
LONGEST = 255  # characters of a name or a unit: they head columns and label axes
LONGEST_FILE = 150  # characters of its name
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")  # all but tabs and ends of lines


def read_model_file(path, strict: bool) -> tuple[myokit.Model, list[str]]:
    """The model in a .mmt or .cellml file, and the mistakes in its units, a line for each variable.

    strict : every number needs a unit; otherwise a number without one takes the unit that fits

    Raises UserError if the file is too large, is not a model, refers to other files, or has a constant that is not a
    finite real number; if `strict`, also for a mistake in its units.
    """
    text = _text(path)
    try:
        model = _cellml(path, text) if path.name.endswith(".cellml") else myokit.parse_model(myokit.split(text)[0])
        model.validate()
    except UserError:
        raise
    except Exception as error:  # on other texts, Myokit's parsers also raise errors of Python
        raise UserError(f"model file {path.name} cannot be read: {_one_line(error)}") from error
    for variable in model.variables(deep=True):
        _check_length(variable, path.name)
        _check_numbers(variable, path.name)
    notes = _unit_notes(model, myokit.UNIT_STRICT if strict else myokit.UNIT_TOLERANT)
    if strict and notes:
        raise UserError(f"model file {path.name}: {notes[0]}")
    return model, notes


def _text(path) -> str:
    if len(path.name) > LONGEST_FILE:
        raise UserError(
            f"model file {path.name[:20]}…: {len(path.name)} characters are too many for its name; at most "
            f"{LONGEST_FILE} are legal, since other files are named after it"
        )
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
        raise UserError(f"model file {path.name} cannot be read: it is not text in UTF-8 ({error})") from error
    if control := CONTROL.search(text):
        line = text.count("\n", 0, control.start()) + 1
        raise UserError(f"model file {path.name}: line {line} holds the control character {control[0]!r}; take it out")
    depth = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if depth > DEEPEST:
            raise UserError(f"model file {path.name}: brackets are more than {DEEPEST} deep; break the formula up")
    return text


def _cellml(path: Path, text: str) -> myokit.Model:
    """The model of a CellML file, from the text that was checked, whatever encoding it names for itself."""
    from lxml import etree
    from myokit.formats.cellml import NS_CELLML_2_0, v1, v2

    parser = etree.XMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, resolve_entities=False)
    root = etree.fromstring(text.encode(), parser)
    if root.getroottree().docinfo.internalDTD is not None:  # it could name other files, or grow without bound
        raise UserError(f"model file {path.name}: XML with a DOCTYPE or entities is not read; take them out")
    version = v2 if etree.QName(root).namespace == NS_CELLML_2_0 else v1
    parsed = version.CellMLParser().parse(root)
    parsed.validate()
    model = parsed.myokit_model()
    name_units(model, root)
    annotate(model, root)
    return model


def _check_length(variable: myokit.Variable, file: str) -> None:
    for what, text in (("name", variable.qname()), ("unit", written_unit(variable.unit()))):
        if len(text) > LONGEST:
            raise UserError(
                f"model file {file}: a {what}{_line(variable)} has {len(text):,} characters ({text[:20]}…); at most "
                f"{LONGEST} are legal"
            )


def _check_numbers(variable: myokit.Variable, file: str) -> None:
    """Refuse 1/0, log(-1), 10^400 and all that is not a finite double, in an equation or as an initial value."""
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
            raise UserError(f"model file {file}: {place}: {quoted(expression.code())} is not a finite real number")


def _literals(expression: myokit.Expression) -> Iterator[myokit.Expression]:
    """The largest parts of an expression without a variable in them, and all numbers."""
    pending = [expression]
    while pending:
        part = pending.pop()
        if part.is_literal():
            yield part
            yield from part.walk(myokit.Number)
        else:
            pending += part


def _line(variable: myokit.Variable) -> str:
    """The line of a variable in its file, if Myokit knows it."""
    return f" on line {variable._token[2]}" if variable._token is not None else ""


def _unit_notes(model: myokit.Model, mode: int) -> list[str]:
    """A sentence for each variable whose units do not match."""
    notes = []
    time = model.time_unit(mode)
    for variable in model.variables(deep=True):
        where = f"units do not match in {variable.qname()}{_line(variable)}"
        try:
            of_formula = variable.rhs().eval_unit(mode)
        except myokit.IncompatibleUnitError as error:
            notes.append(f"{where}: {_one_line(error)}")
            continue
        declared = variable.unit(mode)
        if of_formula is not None and declared is not None:
            of_formula = of_formula * time if variable.is_state() and time is not None else of_formula
            if not myokit.Unit.close(declared, of_formula):
                notes.append(f"{where}: it is in {declared}, its formula in {of_formula}")
    return notes


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
