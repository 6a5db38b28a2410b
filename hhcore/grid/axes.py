"""The axes of a grid: how a config writes them, and their exact values.

Values are computed from the written numbers in decimal arithmetic and rounded once. So each is the double that one
would write by hand (`range: [0, 1, 0.1]` has 0.3, not 0.30000000000000004). A longer axis keeps the values of the
shorter one, and with them the neurons in the store.
"""

import itertools
import math
import operator
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, localcontext
from numbers import Integral, Real

import numpy as np

from hhcore.base.checks import Key, fields, items, quoted
from hhcore.base.errors import UserError
from hhcore.base.units import to_difference, to_unit

MAX_LENGTH = 10**6
DIGITS = 60  # enough for the exact product of an end and a count
ON_GRID = Decimal("1e-9")  # of a step: the end of a range this close to its grid counts as on it

FORMS = {
    "values": "[value, value, ...]",
    "linspace": "[first, last, number of values]",
    "range": "[first, last, step]",
    "logspace": "[first, last, number of values]",
}
DISTRIBUTIONS = {  # read by hhcore.grid.designs
    "uniform": "[low, high]",
    "normal": "[mean, standard deviation]",
    "lognormal": "[median, factor]",
}


@dataclass(frozen=True, eq=False)
class Axis:
    """One swept quantity. `values` : float64 (n,) [unit], all different, in the order of the config, read-only"""

    name: str
    unit: str
    values: np.ndarray


@dataclass(frozen=True)
class AxisSpec:
    """An axis as written: checked, of known length, its values not yet in memory.

    numbers : all values, or the first and the last one
    factor  : multiplies them: inside `scale` the model's own value, else 1
    """

    name: str
    unit: str
    form: str
    numbers: tuple[Decimal, ...]
    length: int
    factor: Decimal
    where: str

    def expand(self) -> Axis:
        """The axis with its values. Raises UserError if two of them are equal, or one is not finite."""
        with localcontext(prec=DIGITS):
            exact = _EXPAND[self.form](self.numbers, self.length)
            values = np.fromiter((float(self.factor * x) for x in exact), np.float64, self.length)
        values += 0.0  # makes -0.0 into 0.0, the same point
        if not np.isfinite(values).all():
            raise UserError(f"{self.where}: scaled by {float(self.factor):g}, a value is too large for a double")
        distinct, counts = np.unique(values, return_counts=True)
        if distinct.size < values.size:
            raise UserError(
                f"{self.where}: {float(distinct[counts > 1][0])!r} occurs {counts.max()} times, but each value makes "
                f"its own neurons; remove the repeated values"
            )
        values.flags.writeable = False
        return Axis(self.name, self.unit, values)


def read_axis(spec: object, name: str, unit: str, own: float, where: str) -> AxisSpec:
    """The axis that a config writes as `{linspace: [0, 40, 161]}`, `{scale: {values: [0.5, 1]}}`, ...

    values: [v, v, ...]    these
    linspace: [a, b, n]    n values from a to b, evenly spaced; a alone if n is 1
    range: [a, b, step]    a, a + step, ... up to b; b itself if it is a whole number of steps away (within 1e-9 step)
    logspace: [a, b, n]    n values from a to b, each the same multiple of the one before; a and b are values above 0
    scale: {...}           one of these, in multiples of the model's own value; `is_multiple` for a single one

    own : the model's own value of the quantity [unit], NaN if it has none
    Raises UserError if `spec` has another form, or a number in it is not legal.
    """
    inner, written_unit, factor, where = in_scale(spec, name, unit, own, where)
    form = _form(inner, where, [*FORMS] if inner is not spec else [*FORMS, "scale", *DISTRIBUTIONS])
    return _read_form(form, inner[form], name, unit, written_unit, factor, f"{where}.{form}")


def is_multiple(spec: object) -> bool:
    """Whether a value in a config is one multiple of the model's own: `{scale: 0.5}` or `{scale: 50 %}`."""
    return isinstance(spec, dict) and [*spec] == ["scale"] and isinstance(spec["scale"], Real | str)


def read_multiple(spec: dict, name: str, unit: str, own: float, where: str) -> float:
    """That value in `unit`. `own` : the model's own. Raises UserError if there is none, or for text of another form."""
    inner, written_unit, factor, where = in_scale(spec, name, unit, own, where)
    return float(factor * decimal(to_unit(inner, written_unit, where)))


def in_scale(spec: object, name: str, unit: str, own: float, where: str) -> tuple[object, str, Decimal, str]:
    """The form inside `scale` (`spec` itself without one), the unit of its numbers, their factor, and where it is.

    Raises UserError if the model's own value cannot be scaled.
    """
    if not isinstance(spec, dict) or [*spec] != ["scale"]:
        return spec, unit, Decimal(1), where
    inner, where = spec["scale"], f"{where}.scale"
    if math.isnan(own) or own == 0:
        has = "has no value of its own in the model" if math.isnan(own) else "is 0 in the model, and so is any multiple"
        raise UserError(f"{where}: {quoted(inner)} cannot scale {name!r}: it {has}; give the values themselves")
    return inner, "1", decimal(own), where


def _form(spec: object, where: str, legal: list[str]) -> str:
    if isinstance(spec, list):
        raise UserError(f"{where}: {quoted(spec)} is a list; write {{values: [...]}}")
    forms = list(fields(spec, where, {form: Key("") for form in legal}))
    if len(forms) != 1:
        axes = [form for form in legal if form not in DISTRIBUTIONS]
        raise UserError(f"{where}: an axis is exactly one of {', '.join(axes)}; given {quoted(spec)}")
    return forms[0]


def _read_form(
    form: str, body: object, name: str, unit: str, written_unit: str, factor: Decimal, where: str
) -> AxisSpec:
    """The axis of one form, in `unit`, from numbers in `written_unit`."""
    values = items(body, where, FORMS[form], None if form == "values" else 3)
    _check_length(len(values), where)
    if form == "values":
        numbers, length = [to_unit(v, written_unit, f"{where}[{i}]") for i, v in enumerate(values)], len(values)
    else:
        numbers = [to_unit(v, written_unit, f"{where}[{i}]") for i, v in enumerate(values[:2])]
        length = values[2]
    numbers = tuple(map(decimal, numbers))
    if form == "range":
        step = decimal(to_difference(values[2], written_unit, f"{where}[2]"))
        numbers, length = _range(*numbers, step, values, where)
    if form == "logspace" and min(numbers) <= 0:
        raise UserError(
            f"{where}: {quoted(body)} does not stay above 0, as a logarithmic axis must; its ends are values, not "
            "exponents, like [1, 100, 10]; for others use linspace"
        )
    _check_length(length, where)
    return AxisSpec(name, unit, form, numbers, length, factor, where)


def _check_length(length: object, where: str) -> None:
    if not isinstance(length, Integral) or isinstance(length, bool):
        raise UserError(f"{where}: the number of values {quoted(length)} is not a whole number; write one like 21")
    if length < 1:
        raise UserError(
            f"{where}: the axis is empty, its number of values is {quoted(length)}; give at least one value"
        )
    if length > MAX_LENGTH:
        raise UserError(f"{where}: {quoted(length)} values are too many for one axis; at most {MAX_LENGTH} are legal")


def _range(first: Decimal, last: Decimal, step: Decimal, body: list, where: str) -> tuple[tuple[Decimal, ...], int]:
    """First value, last value and number of values, as of a linspace."""
    if step == 0 or (last - first) * step < 0:
        raise UserError(
            f"{where}: the step of {quoted(body)} never leads from the first to the last value; change its sign or size"
        )
    with localcontext(prec=DIGITS):
        count = (last - first) / step
        steps = int(count + ON_GRID)
        end = last if abs(count - steps) <= ON_GRID else first + steps * step
    return (first, end), steps + 1


def _evenly(ends: tuple[Decimal, ...], n: int) -> Iterator[Decimal]:
    first, last = ends
    gaps = max(n - 1, 1)
    return ((first * (gaps - i) + last * i) / gaps for i in range(n))


def _geometrically(ends: tuple[Decimal, ...], n: int) -> Iterator[Decimal]:
    first, last = ends
    ratio = (last / first) ** (Decimal(1) / max(n - 1, 1))
    return itertools.accumulate(itertools.repeat(ratio, n - 1), operator.mul, initial=first)


_EXPAND = {"values": lambda numbers, n: numbers, "linspace": _evenly, "range": _evenly, "logspace": _geometrically}


def decimal(number: float) -> Decimal:
    """The shortest decimal that reads back as this double: the one that was written."""
    return Decimal(repr(number))
