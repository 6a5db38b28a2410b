"""Digests of what a result depends on, so that it is computed again when that changes and only then."""

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path


def digest(*parts: object) -> str:
    """Hash of the texts of `parts`, 32 hexadecimal digits."""
    return hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=16).hexdigest()


@lru_cache
def code_digest(*entries: str | Path) -> str:
    """Hash of source files: by their path in the package, or of others by a whole path.

    A folder stands for all .py and .in files below it.
    """
    texts = []
    for entry in entries:
        place = entry if isinstance(entry, Path) else resources.files("hhcore") / entry
        texts += [f.name + f.read_text(encoding="utf-8") for f in _sources(place)]
    return digest(*texts)


def _sources(entry: Traversable) -> Iterator[Traversable]:
    """The file itself, or the source files in a folder and in those below it, by name."""
    if entry.is_file():
        yield entry
        return
    for inside in sorted(entry.iterdir(), key=lambda f: f.name):
        if inside.is_dir() or inside.name.endswith((".py", ".in")):
            yield from _sources(inside)
