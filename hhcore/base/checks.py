"""Checks of the shape of a config: mappings with known keys, lists of a known length, one word out of several."""

import reprlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from numbers import Integral

import numpy as np

from hhcore.base.errors import UserError, closest, collected, match

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


@dataclass(frozen=True)
class Key:
    """A key of a config, declared once: for what reads it, for the schema of editors, and for config/README.md.

    meaning   : in words
    example   : how its line is written
    required  : whether it must be there
    otherwise : what holds if it is left out, in words; "" if that is nothing
    unit      : of a number: "time", "current" or "potential" for the unit that the model has for it, or a unit; "" if
                it is not a number
    legal     : the words that it may be, () if others are legal too
    elsewhere : what other programs call it, and how that is written here
    """

    meaning: str
    example: str = ""
    required: bool = False
    otherwise: str = ""
    unit: str = ""
    legal: tuple[str, ...] = ()
    elsewhere: Mapping[str, str] = field(default_factory=dict)


def fields(
    value: object, where: str, keys: Mapping[str, Key], around: Mapping[str, Key] | None = None
) -> dict[str, object]:
    """`value` itself, if it is a mapping that has all required keys of `keys` and no others but the optional ones.

    around : the keys of the mapping that this one is in, where a key of other programs may belong
    """
    body = mapping(value, where)
    with collected() as noted:
        for key in body:
            with noted():
                _check_known(key, where, keys, around)
        for key in (key for key, declared in keys.items() if declared.required):
            with noted():
                present(body, key, where, keys)
    return body


def present(body: Mapping[str, object], key: str, where: str, keys: Mapping[str, Key]) -> object:
    """The value of a key of `keys` that must be there. One that is misspelled is a mistake, not one that is missing."""
    if key in body:
        return body[key]
    for other in body:
        if other not in keys and _meant(other, keys) == key:
            _check_known(other, where, keys)
    example = keys[key].example
    raise UserError(f"{where}: the key {key!r} is missing; given {quoted(list(body))}; add it, like `{example}`")


def _check_known(key: str, where: str, keys: Mapping[str, Key], around: Mapping[str, Key] | None = None) -> None:
    if key not in keys:
        hint = in_other_words(key, keys)[1] or in_other_words(key, around or {})[1]
        raise UserError(f"{where}: there is no key {key!r} here; {closest(key, keys, hint)}")


def _meant(key: str, keys: Mapping[str, Key]) -> str | None:
    """The key that is probably meant by one that is not legal."""
    return in_other_words(key, keys)[0] or match(key, keys)


def in_other_words(word: str, keys: Mapping[str, Key]) -> tuple[str, str]:
    """The key that other programs call `word`, and how to write it, "" each if there is none."""
    for key, declared in keys.items():
        for theirs, here in declared.elsewhere.items():
            if theirs.lower() == word.lower():
                return key, f"write {here}"
    return "", ""


def mapping(value: object, where: str) -> dict[str, object]:
    """`value` itself, if it is a mapping whose keys are text."""
    if not isinstance(value, dict):
        raise UserError(f"{where}: {quoted(value)} is not a mapping; write `key: value` lines or {{key: value, ...}}")
    with collected() as noted:
        for key in (key for key in value if not isinstance(key, str)):
            with noted():
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
        raise UserError(f"{where}: an array of shape {array.shape} is not a list; give one number, or one a neuron")
    return array


def check_threads(threads: object) -> None:
    """Raise UserError for what is not a number of threads."""
    if not (isinstance(threads, Integral) and int(threads) > 0):
        raise UserError(f"threads: {quoted(threads)} is not a number of threads; give a whole number from 1 on")


def text(value: object, where: str, example: str) -> str:
    """`value` itself, if it is text."""
    if not isinstance(value, str):
        raise UserError(f"{where}: {quoted(value)} is not text; write a name, like `{example}`")
    return value


def choice(value: object, legal: Iterable[str], where: str, elsewhere: Mapping[str, str] | None = None) -> str:
    """`value` itself, if it is one of the `legal` words. `elsewhere` : which of them other programs' words mean"""
    legal = list(legal)
    if value not in legal:
        word = value if isinstance(value, str) else ""
        meant = next((here for theirs, here in (elsewhere or {}).items() if theirs.lower() == word.lower()), "")
        hint = f"did you mean {meant!r}?" if meant in legal else ""
        raise UserError(f"{where}: {quoted(value)} is not a choice here; {closest(word, legal, hint)}")
    return str(value)
