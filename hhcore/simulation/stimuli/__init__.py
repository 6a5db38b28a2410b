"""Kinds of stimuli: each is a file here, or in a package with an entry point `hhcore.stimuli`; no list names them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hhcore.base.checks import Key, choice, present
from hhcore.base.registry import discover
from hhcore.simulation.stimuli.stimulus import Stimulus


def kinds() -> dict[str, type[Stimulus]]:
    """The kinds of injected currents by name."""
    return {name: kind for name, kind in _found().items() if kind.injects}


def commands() -> dict[str, type[Stimulus]]:
    """The kinds that may be the command of a voltage clamp, by name."""
    return {name: kind.command() for name, kind in _found().items() if kind.clamps}


def classes() -> tuple[type[Stimulus], ...]:
    """All kinds, whatever they act on."""
    return tuple(_found().values())


def kind_of(
    body: Mapping[str, Any], where: str, base: Path, legal: Mapping[str, type[Stimulus]]
) -> tuple[type[Stimulus], dict[str, Any]]:
    """The class of a stimulus in a config, and what is written for its fields.

    legal : the kinds that it may be, by name; base : the folder that relative paths start from
    Raises UserError for an unknown kind, and for settings that are wrong.
    """
    kind = legal[kind_word(body, legal, where)]
    return kind.specialised({key: value for key, value in body.items() if key != "kind"}, where, base)


def kind_word(body: Mapping[str, Any], legal: Mapping[str, Any], where: str, example: str = "kind: step") -> str:
    """The `kind` that is written, one of the legal ones. Raises UserError."""
    written = present(body, "kind", where, {"kind": Key("", example)})
    elsewhere = {theirs: name for name, kind in _found().items() for theirs in kind.elsewhere}
    return choice(written, legal, f"{where}.kind", elsewhere)


def _found() -> dict[str, type[Stimulus]]:
    return {cls.kind: cls for cls in discover(__name__, "hhcore.stimuli", Stimulus) if hasattr(cls, "kind")}
