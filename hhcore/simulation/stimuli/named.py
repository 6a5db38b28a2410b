"""Kinds that are made of named parts, whose fields depend on them: `pulse.amplitude`."""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from hhcore.base.checks import Key, quoted
from hhcore.base.errors import UserError
from hhcore.base.units import Quantities
from hhcore.compile.parts import HOLDING
from hhcore.model.model import Model
from hhcore.simulation.stimuli.stimulus import Field, Stimulus

NAME = re.compile("[A-Za-z][A-Za-z0-9_]{0,39}")
TAKEN = {HOLDING, "kind", "initial"}  # words with a meaning beside the names


def check_name(name: str, where: str) -> None:
    """Raise UserError for the name of a part that cannot be part of a column's name."""
    if not NAME.fullmatch(name) or name in TAKEN:
        raise UserError(
            f"{where}: the name {quoted(name)} becomes part of the names of columns; use up to 40 letters, digits and "
            f"_, a letter first, and none of {', '.join(sorted(TAKEN))}"
        )


def part_field(part: str, words: str, field: Field, meaning: str) -> Field:
    """The field of a part, labelled by both: `Pulse amplitude`.

    words : what it is called beside the name of the part; meaning : what it is, besides
    """
    label = f"{part} {words}".replace("_", " ")
    return dataclasses.replace(field, meaning=f"{label[:1].upper()}{label[1:]}, {meaning}", spelled=True)


class Named(Stimulus):
    """A kind of named parts.

    setting  : the key of the config that has the parts by name; `form` : how it is written
    named_by : keys of a part that may be the name of another part instead of a number
    """

    setting: ClassVar[str]
    form: ClassVar[str]
    named_by: ClassVar[tuple[str, ...]] = ()

    def __init__(self, **given: Any):
        object.__setattr__(self, "given", {HOLDING: 0.0, **self.flattened(given)})

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.values.items())})"

    @staticmethod
    def flattened(given: Mapping[str, Any]) -> dict[str, Quantities]:
        """Values by field, of values by part."""
        raise NotImplementedError

    @property
    def values(self) -> dict[str, Quantities]:
        given = vars(self)["given"]
        return {name: given.get(name, field.default) for name, field in self.fields.items()}

    def written(self) -> dict[str, object]:
        parts: dict[str, Any] = {}
        for name, value in super().written().items():
            part, _, field = name.partition(".")
            if field:
                parts.setdefault(part, {})[field] = value
        flat = {name: value for name, value in super().written().items() if "." not in name}
        return flat | {self.setting: parts}

    @classmethod
    def part_keys(cls) -> dict[str, Key]:
        """The keys of a part in a config; none if a part is a stimulus, with a kind of its own."""
        return {}

    @classmethod
    def place(cls, name: str) -> str:
        return f"{cls.setting}.{name}" if "." in name else name

    @classmethod
    def check_model(cls, model: Model, where: str) -> None:
        """No field has the name of a parameter."""
        for name in cls.fields:
            if name in model.parameters:
                raise UserError(
                    f"{where}.{cls.place(name)}: {name!r} is a parameter of {model.name!r}; name the part otherwise"
                )

    @classmethod
    def keys(cls) -> dict[str, Key]:
        """Its keys in a config: those of all parts are in one mapping."""
        own = {name: key for name, key in super().keys().items() if "." not in name}
        return own | {cls.setting: Key(cls.title, cls.form, required=True)}
