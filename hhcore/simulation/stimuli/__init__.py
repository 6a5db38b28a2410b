"""Kinds of stimuli: each is a file here, or in a package with an entry point `hhcore.stimuli`; no list names them."""

from hhcore.base.registry import discover
from hhcore.simulation.stimuli.stimulus import Stimulus


def kinds() -> dict[str, type[Stimulus]]:
    """The kinds of stimuli by name."""
    return {cls.kind: cls for cls in discover(__name__, "hhcore.stimuli", Stimulus)}
