"""Units of CellML files as text: a file composes them from named units, prefixes and exponents."""

from contextlib import suppress
from xml.etree import ElementTree

import myokit

SYMBOLS = {"ampere": "A", "coulomb": "C", "dimensionless": "1", "farad": "F", "gram": "g", "henry": "H", "hertz": "Hz"}
SYMBOLS |= {"joule": "J", "kelvin": "K", "kilogram": "kg", "liter": "L", "litre": "L", "meter": "m", "metre": "m"}
SYMBOLS |= {"mole": "mol", "newton": "N", "ohm": "Ohm", "pascal": "Pa", "second": "s", "siemens": "S", "volt": "V"}
PREFIXES = {"kilo": "k", "centi": "c", "milli": "m", "micro": "u", "nano": "n", "pico": "p", "mega": "M", "giga": "G"}
PREFIXES |= {"3": "k", "-2": "c", "-3": "m", "-6": "u", "-9": "n", "-12": "p", "6": "M", "9": "G", "0": ""}
MOST_PARTS = 16
Part = tuple[str, float]  # a symbol with its prefix, and its exponent


def name_units(model: myokit.Model, root: ElementTree.Element) -> None:
    """Give the units of variables the text that a .mmt file would have: of the CellML file's root, or Myokit's.

    A name like `nM` stays. What the file composes is written so, like `mS/uF`, unless Myokit has one symbol for it.
    """
    common = _definitions(root)
    for component in root.iterfind("{*}component"):
        definitions = common | _definitions(component)
        for declared in component.iterfind("{*}variable"):
            qname = f"{component.get('name')}.{declared.get('name')}"
            variable = model.get(qname) if model.has_variable(qname) else None
            if variable is not None and variable.unit() is not None:
                unit = myokit.Unit(variable.unit())
                name = _name(unit, declared.get("units"), definitions)
                unit._token = (None, f"[{name}]", 0, 0)  # where Myokit's parser of .mmt files leaves it
                variable.set_unit(unit)


def _name(unit: myokit.Unit, declared: str, definitions: dict[str, ElementTree.Element]) -> str:
    own, usual = SYMBOLS.get(declared, declared), str(unit).strip("[]")
    if _is(own, unit) or usual.isalpha():
        return own if _is(own, unit) else usual
    with suppress(KeyError, ValueError, RecursionError):
        composed = _text(_parts(declared, definitions))
        return composed if _is(composed, unit) else usual
    return usual


def _is(name: str, unit: myokit.Unit) -> bool:
    """Whether a text is a name of a unit in Myokit's language."""
    try:
        return myokit.Unit.close(myokit.parse_unit(name), unit)
    except myokit.ParseError:
        return False


def _definitions(element: ElementTree.Element) -> dict[str, ElementTree.Element]:
    return {units.get("name"): units for units in element.iterfind("{*}units")}


def _parts(name: str, definitions: dict[str, ElementTree.Element]) -> list[Part]:
    """The parts of a unit. Raises KeyError or ValueError for one that is unknown, has a factor, or is too long."""
    if name not in definitions:
        return [(SYMBOLS[name], 1.0)]
    parts = []
    for unit in definitions[name].iterfind("{*}unit"):
        if float(unit.get("multiplier", 1)) != 1 or float(unit.get("offset", 0)) != 0:
            raise ValueError(f"{name} has a factor")
        (symbol, own), *others = _parts(unit.get("units"), definitions)
        letter = PREFIXES[unit.get("prefix", "0")]
        if letter and own != 1:
            raise ValueError(f"{name} has a prefix before a power")
        power = float(unit.get("exponent", 1))
        parts += [(letter + symbol, own * power), *((symbol, own * power) for symbol, own in others)]
        if len(parts) > MOST_PARTS:
            raise ValueError(f"{name} is too long")
    return parts


def _text(parts: list[Part]) -> str:
    """`mS/cm^2`"""

    def powers(sign: int) -> list[str]:
        return [s if abs(p) == 1 else f"{s}^{abs(p):g}" for s, p in parts if p * sign > 0 and s != "1"]

    return "/".join(["*".join(powers(1)) or "1", *powers(-1)])
