"""Checks of the shape of a config: mappings with known keys, lists of a known length, one word out of several."""

import reprlib
from collections.abc import Iterable, Mapping

import numpy as np

from hhcore.base.errors import UserError, closest

# Bounded, because a YAML file of a few lines may unfold through its aliases into gigabytes.
_REPR = reprlib.Repr()
_REPR.maxlevel, _REPR.maxdict, _REPR.maxlist, _REPR.maxstring, _REPR.maxother = 2, 5, 12, 80, 80


def quoted(value: object) -> str:
    """`value` as a message quotes it, cut short."""
    if value is None:
        return "nothing"
    try:
        return _REPR.repr(value)
    except ValueError:  # Python does not print integers of more than 4300 digits
        return "a huge number"


def fields(
    value: object, where: str, required: Mapping[str, str] | None = None, optional: Iterable[str] = ()
) -> dict[str, object]:
    """`value` itself, if it is a mapping that has all `required` keys and no others but the `optional` ones.

    required : key -> an example of its line, for the message when the key is missing
    """
    required = required or {}
    body = mapping(value, where)
    for key in body:
        if key not in required and key not in optional:
            raise UserError(
                f"{where}: there is no key {key!r} here; {closest(key, dict.fromkeys([*required, *optional]))}"
            )
    for key, example in required.items():
        present(body, key, where, example)
    return body


def present(body: Mapping[str, object], key: str, where: str, example: str) -> object:
    """The value of a required key; `example` shows how it is written."""
    if key not in body:
        raise UserError(f"{where}: the key {key!r} is missing; given {quoted(list(body))}; add it, like `{example}`")
    return body[key]


def mapping(value: object, where: str) -> dict[str, object]:
    """`value` itself, if it is a mapping whose keys are text."""
    if not isinstance(value, dict):
        raise UserError(f"{where}: {quoted(value)} is not a mapping; write `key: value` lines or {{key: value, ...}}")
    for key in value:
        if not isinstance(key, str):
            raise UserError(
                f"{where}: the key {quoted(key)} is not text (YAML reads 1, null, on, yes, no as something else); "
                f"put it in quotes if it is meant"
            )
    return value


def items(value: object, where: str, form: str, length: int | None = None) -> list:
    """`value` as a list, if it is one (of `length` items); `form` shows how it is written."""
    if not isinstance(value, list | tuple) or (length is not None and len(value) != length):
        raise UserError(f"{where}: {quoted(value)} does not have the form {form}")
    return list(value)


def numbers(values: object, where: str) -> np.ndarray:
    """A number or a list of numbers as float64 () or (n,). Raises UserError for anything else."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UserError(
            f"{where}: {quoted(values)} is neither a number nor an array of numbers; give one in the model's unit"
        ) from error
    if array.ndim > 1:
        raise UserError(f"{where}: an array of shape {array.shape} is no list; give a number, or one for each neuron")
    return array


def text(value: object, where: str, example: str) -> str:
    """`value` itself, if it is text."""
    if not isinstance(value, str):
        raise UserError(f"{where}: {quoted(value)} is not text; write a name, like `{example}`")
    return value


def choice(value: object, legal: Iterable[str], where: str) -> str:
    """`value` itself, if it is one of the `legal` words."""
    legal = list(legal)
    if value not in legal:
        word = value if isinstance(value, str) else ""
        raise UserError(f"{where}: {quoted(value)} is not a choice here; {closest(word, legal)}")
    return str(value)
