"""Written quantities become plain floats here; all code behind works with floats in known units."""

import functools
import math
import re
from collections.abc import Iterable, Mapping, Sequence, Set
from contextlib import suppress
from decimal import Decimal
from numbers import Real
from pathlib import Path
from typing import Any, SupportsFloat

import numpy as np

from hhcore.base.checks import numbers, quoted
from hhcore.base.errors import UserError

ALL_UNITS = ""  # pint's own file
UNKNOWN = ""  # the unit of a quantity whose model is not known
_DEFINITIONS = (str(Path(__file__).with_name("units.txt")), ALL_UNITS)  # the first is read in a tenth of the time
Written = float | str  # a number in the model's unit, or text with a unit of its own
Quantities = Written | Sequence[Written] | np.ndarray  # one for all neurons, or a list with one for each

_READ = (str, bool, np.bool_, type(None), Mapping, Set)  # `to_unit` reads text, and says that the others are no numbers
_DECIMAL_COMMA = re.compile(r"([+-]?\d+),(\d+)", re.ASCII)
_POWER = re.compile(r"(?<=[A-Za-z])-?[2-4]\b")  # of a unit, as columns have it: cm2
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)

ZERO_CELSIUS_K = 273.15
KELVIN = ("K", "kelvin", "Kelvin")  # as model files write it
COLDEST_K = 200.0  # below it neurons are frozen: somebody means degrees Celsius

_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def column_name(quantity: str, unit: str) -> str:
    """The column of a table that holds `quantity` in `unit`.

    >>> column_name("sodium.g", "mS/cm^2")
    'sodium_g_mS_cm2'
    >>> column_name("potassium.n", "1")
    'potassium_n'
    >>> column_name("block.potassium.g", "%")
    'block_potassium_g_percent'
    """
    name, unit = quantity.replace(".", "_"), unit.replace("%", "percent")
    return name if unit == "1" else f"{name}_{re.sub('[*^()]', '', unit).replace('/', '_').replace(' ', '_')}"


def pretty_unit(unit: str) -> str:
    """A unit as it is printed.

    >>> pretty_unit("uA/cm^2")
    'µA/cm²'
    """
    unit = re.sub(r"\^(\()?(-?\d+)(?(1)\))", lambda power: power[2].translate(_SUPERSCRIPTS), unit)
    return re.sub(r"\bu(?=[A-Z]|[gms]\b)", "µ", unit).replace("*", "·").replace("degC", "°C")


def to_unit(value: object, unit: str, where: str) -> float:
    """`value` as a float in `unit`: a bare number is in `unit` already, text has its own unit.

    Converts in decimal arithmetic, so that "0.7 s" is exactly 700.0 in ms. In an UNKNOWN unit text is NaN: it cannot be
    compared with bare numbers.
    Raises UserError if `value` is not a finite number, or its unit is unknown or of another dimension.

    >>> to_unit("0.5 s", "ms", "duration")
    500.0
    """
    if isinstance(value, str) and unit == UNKNOWN and _NUMBER.match(value.strip()):
        return math.nan
    if isinstance(value, str):
        number = _from_text(value, unit, where)
    elif isinstance(value, Real) and not isinstance(value, bool):
        number = value
    else:
        raise UserError(f"{where}: {quoted(value)} is not a number; {_legal(unit)}")
    if not _is_finite(number):
        raise UserError(f"{where}: {quoted(value)} is not a finite number; {_legal(unit)}")
    return float(number) + 0.0  # makes -0.0 into 0.0, the same point


def to_array(values: object, unit: str, where: str) -> np.ndarray:
    """A quantity, or a list of them with a text here and there, as float64 () or (n,) in `unit`.

    Raises UserError for text as `to_unit` does, and for what is neither a number nor a list of numbers, also if NumPy
    would make one of it: None, a truth value, the keys of a mapping, a set in any order.

    >>> to_array(["0.5 s", 20], "ms", "start")
    array([500.,  20.])
    """
    if isinstance(values, np.ndarray) and values.dtype.kind not in "iuf":
        values = values.tolist()
    if isinstance(values, _READ):
        return np.array(to_unit(values, unit, where))
    if isinstance(values, Iterable) and not isinstance(values, np.ndarray):
        values = [to_unit(v, unit, f"{where}[{i}]") if isinstance(v, _READ) else v for i, v in enumerate(values)]
    return numbers(values, where)


def to_difference(value: object, unit: str, where: str) -> float:
    """Like `to_unit`, for a difference of two values, such as a standard deviation.

    Also raises UserError for a unit with another zero than `unit`, such as degC for K.
    """
    number = to_unit(value, unit, where)
    own = _NUMBER.sub("", value.strip(), count=1).strip() if isinstance(value, str) else ""
    if own and to_unit(f"0 {own}", unit, where) != 0.0:
        raise UserError(
            f"{where}: {quoted(value)} is not a difference, since 0 {own} is not 0 {unit}; give it in {unit}"
        )
    return number


def check_unit(unit: str, where: str) -> None:
    """Raise UserError for what is not a unit of those that configs and model files have."""
    if _pint_unit(unit, _DEFINITIONS[0]) is None:
        raise UserError(f"{where}: {quoted(unit)} is not a unit here; write one like mV, ms or uA/cm^2, or 1 for none")


def is_in_celsius(value: object) -> bool:
    """Whether a config writes a temperature, or one in an axis or a distribution, in degrees Celsius."""
    return any(map(_is_celsius, units_of(value)))


def units_of(value: object) -> list[str]:
    """The units that a config writes in a number, an axis or a distribution, in order.

    >>> units_of({"values": [0, "1 nM", 3, "0.01 uM"]})
    ['nM', 'uM']
    """
    if isinstance(value, dict | list):
        return [unit for part in (value.values() if isinstance(value, dict) else value) for unit in units_of(part)]
    own = _NUMBER.sub("", value.strip(), count=1).strip() if isinstance(value, str) else ""
    return [own] if own else []


def _is_celsius(unit: str) -> bool:
    known = ((_pint_unit(unit, file), file) for file in _DEFINITIONS)
    return next((found == _pint_unit("degC", file) for found, file in known if found is not None), False)


def check_temperature(coldest: float, unit: str, own: float, where: str) -> None:
    """Raise UserError if the lowest value of a quantity [unit] is a temperature that must mean degrees Celsius.

    own : its value in the model; below COLDEST_K it is a difference of temperatures, of which any value is legal
    """
    if unit in KELVIN and coldest < COLDEST_K <= own:
        raise UserError(
            f"{where}: {coldest:g} is in kelvin here, where neurons are frozen; write '{coldest:g} degC' for degrees "
            f"Celsius, or give at least {COLDEST_K:g} K"
        )


def _from_text(value: str, unit: str, where: str) -> Decimal | float:
    match = _NUMBER.match(value.strip())
    if comma := _DECIMAL_COMMA.match(value.strip()):
        point = f"{comma[1]}.{comma[2]}{value.strip()[comma.end() :]}"
        raise UserError(
            f"{where}: {quoted(value)} has a comma; write a decimal point, like {point!r}, and nothing between "
            f"thousands"
        )
    if not match:
        raise UserError(f"{where}: {quoted(value)} does not begin with a number; {_legal(unit)}")
    number, own = match[0], value.strip()[match.end() :].strip()
    # YAML 1.1 reads 1e-3, without a dot, as text: it is a bare number all the same.
    if own == unit or (not own and (unit == "1" or "e" in number.lower())):
        return float(number)
    if not own:
        raise UserError(f"{where}: {quoted(value)} is text without a unit; {_legal(unit)}")
    if not _is_finite(float(number)):
        return float(number)
    file = next((file for file in _DEFINITIONS if _pint_unit(unit, file) and _pint_unit(own, file)), ALL_UNITS)
    if _pint_unit(unit, file) is None:
        raise UserError(
            f"{where}: {quoted(value)} cannot be converted, since pint cannot read the model's unit {unit!r}; "
            f"give a bare number in that unit"
        )
    if _pint_unit(own, file) is None:
        raise UserError(f"{where}: the unit {own!r} of {quoted(value)} is unknown; {_legal(unit)}")
    try:
        return _registry(file).Quantity(Decimal(number), _pint_unit(own, file)).to(_pint_unit(unit, file)).magnitude
    except Exception as error:  # pint raises many kinds, also those of decimal
        hint = _hint(Decimal(number), own, unit, file) or _legal(unit)
        raise UserError(f"{where}: {quoted(value)} cannot be converted to {unit}; {hint}") from error


def _hint(number: Decimal, own: str, unit: str, file: str) -> str:
    """What to write instead of a number in a unit of another kind, "" if that is not known."""
    if own in ("C", "F") and unit in KELVIN:  # coulomb and farad
        return f"write '{number} deg{own}' for a temperature"
    registry = _registry(file)
    written, wanted = registry.Quantity(number, _pint_unit(own, file)), registry.Quantity(1, _pint_unit(unit, file))
    with suppress(Exception):  # pint raises many kinds
        inverse: Any = (1 / written).to(wanted.units).magnitude
        return f"1 / ({number} {own}) is {float(inverse):.6g} {unit}"
    with suppress(Exception):
        (written / wanted).to("meter ** 2")
        return f"the model counts per area of membrane, so divide by the area of the cell; {_legal(unit)}"
    return ""


def _legal(unit: str) -> str:
    if unit == UNKNOWN:
        return "expected a number, or text with a unit"
    if unit == "1":
        return "expected a bare number, without dimension"
    return f"expected a bare number in {unit}, or text with a unit, like '1.5 {unit}'"


def _is_finite(number: SupportsFloat) -> bool:
    try:
        return math.isfinite(float(number))
    except OverflowError:
        return False


@functools.cache
def _registry(file: str):
    import pint  # here, since it takes a tenth of a second, and most configs have bare numbers only

    return pint.UnitRegistry(file, non_int_type=Decimal)  # pyright: ignore[reportArgumentType]


@functools.cache
def _pint_unit(text: str, file: str):
    """The unit that `text` names by one of the files of definitions, or None."""
    text = "1" + text if text.startswith("/") else text
    for spelling in dict.fromkeys((text, _POWER.sub(r"^\g<0>", text))):
        with suppress(Exception):  # pint also raises errors of its tokeniser and of decimal
            return _registry(file).parse_units(spelling.replace("Ohm", "ohm"))  # Myokit's spelling, pint's spelling
    return None
