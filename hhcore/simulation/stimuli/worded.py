"""Kinds with settings that are words, such as `interpolation: linear`."""

import dataclasses
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Self

from hhcore.base.checks import Key, choice
from hhcore.simulation.stimuli.stimulus import Stimulus


def word(default: str) -> Any:
    """A setting among the fields of a dataclass, by its name alone."""
    return dataclasses.field(default=default, kw_only=True)


class Worded(Stimulus):
    """A kind with settings that are words; each choice of them is a class of its own.

    words : the settings as keys of a config, whose legal words begin with the default
    """

    words: ClassVar[dict[str, Key]]

    def __init_subclass__(cls, **given: object) -> None:
        if "words" in vars(cls):
            cls.settled = tuple(cls.words)
            cls.settings = " ".join(key.legal[0] for key in cls.words.values())
        super().__init_subclass__(**given)

    def __new__(cls, *args: Any, **given: Any) -> Self:
        """Raises UserError for a keyword that is no field, and for a word that is not legal."""
        super().__new__(cls, *args, **{name: value for name, value in given.items() if name not in cls.words})
        return object.__new__(cls.of(given, cls.__name__))

    @classmethod
    def variants(cls, *chosen: str) -> dict[str, object]:
        """What depends on the words, such as texts: the attributes of the class for these."""
        raise NotImplementedError

    @classmethod
    def of(cls, written: Mapping[str, object], where: str) -> type[Self]:
        """The class for what is written of the settings; the others stay as they are. Raises UserError."""
        own = zip(cls.words.items(), cls.settings.split(), strict=True)
        chosen = [choice(written.get(name, word), key.legal, f"{where}.{name}") for (name, key), word in own]
        return cls if " ".join(chosen) == cls.settings else cls._of(*chosen)

    @classmethod
    @lru_cache
    def _of(cls, *chosen: str) -> Any:
        own = {"__module__": cls.__module__, "settings": " ".join(chosen), **cls.variants(*chosen)}
        return type(cls.__name__, (cls,), own)

    @classmethod
    def specialised(cls, body: dict[str, Any], where: str, base: Path) -> tuple[type[Stimulus], dict[str, Any]]:
        return cls.of(body, where), {name: value for name, value in body.items() if name not in cls.words}

    @classmethod
    def keys(cls) -> dict[str, Key]:
        return super().keys() | cls.words

    def written(self) -> dict[str, object]:
        chosen = dict(zip(self.words, self.settings.split(), strict=True))
        return super().written() | {name: w for name, w in chosen.items() if w != self.words[name].legal[0]}
