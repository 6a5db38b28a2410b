"""Checks of the shape of a config: mappings with known keys, lists of a known length, one word out of several."""

import reprlib
from collections.abc import Iterable, Mapping

from hhcore.base.errors import UserError, closest

# Bounded, because a YAML file of a few lines may unfold through its aliases into gigabytes.
_REPR = reprlib.Repr()
_REPR.maxlevel, _REPR.maxdict, _REPR.maxlist, _REPR.maxstring, _REPR.maxother = 2, 5, 12, 80, 80


def quoted(value: object) -> str:
    """`value` as a message quotes it: short, whatever it is."""
    if value is None:
        return "nothing"
    try:
        return _REPR.repr(value)
    except ValueError:  # Python prints no integer of more than 4300 digits
        return "a huge number"


def fields(
    value: object, where: str, required: Mapping[str, str] | None = None, optional: Iterable[str] = ()
) -> dict[str, object]:
    """`value` itself, if it is a mapping with all `required` keys and none beside them and the `optional` ones.

    required : key -> a line that shows how it is written, for the message where it is missing
    """
    required = required or {}
    given = mapping(value, where)
    for key in given:
        if key not in required and key not in optional:
            raise UserError(
                f"{where}: there is no key {key!r} here; {closest(key, dict.fromkeys([*required, *optional]))}"
            )
    for key, example in required.items():
        present(given, key, where, example)
    return given


def present(given: Mapping[str, object], key: str, where: str, example: str) -> object:
    """The value of a key that must be there; `example` shows how it is written."""
    if key not in given:
        raise UserError(f"{where}: the key {key!r} is missing; given {quoted(list(given))}; add it, like `{example}`")
    return given[key]


def mapping(value: object, where: str) -> dict[str, object]:
    """`value` itself, if it is a mapping whose keys are text."""
    if not isinstance(value, dict):
        raise UserError(f"{where}: {quoted(value)} is no mapping; write `key: value` lines or {{key: value, ...}}")
    for key in value:
        if not isinstance(key, str):
            raise UserError(
                f"{where}: the key {quoted(key)} is not text (YAML reads 1, null, on, yes, no as something else); "
                f"put it in quotes if it is meant"
            )
    return value


def items(value: object, where: str, like: str, length: int | None = None) -> list:
    """`value` itself, if it is a list (of `length` items); `like` shows how it is written."""
    if not isinstance(value, list | tuple) or (length is not None and len(value) != length):
        raise UserError(f"{where}: {quoted(value)} does not have the form {like}")
    return list(value)


def text(value: object, where: str, like: str) -> str:
    """`value` itself, if it is text; `like` names an example."""
    if not isinstance(value, str):
        raise UserError(f"{where}: {quoted(value)} is not text; write a name, like `{like}`")
    return value


def choice(value: object, legal: Iterable[str], where: str) -> str:
    """`value` itself, if it is one of the `legal` words."""
    legal = list(legal)
    if value not in legal:
        given = value if isinstance(value, str) else ""
        raise UserError(f"{where}: {quoted(value)} is not a choice here; {closest(given, legal)}")
    return str(value)
