"""Digests of what a result depends on. The result is computed again if, and only if, its digest changes."""

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

CODE = (".py", ".in", ".js", ".css", ".j2")  # endings


def digest(*parts: object) -> str:
    """Hash of the texts of `parts`, 32 hexadecimal digits."""
    return hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=16).hexdigest()


@lru_cache
def code_digest(*entries: str | Path) -> str:
    """Hash of source files: a str is a path inside the package, a Path any file.

    A folder stands for all files of code below it.
    """
    texts = []
    for entry in entries:
        path = entry if isinstance(entry, Path) else resources.files("hhcore") / entry
        texts += [f.name + f.read_text(encoding="utf-8") for f in _sources(path)]
    return digest(*texts)


def files_digest(folder: Path) -> str:
    """Hash of every file below a folder, its path in it and its bytes, but for those that Python leaves there."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.parent.name != "__pycache__"]
    hashes = (hashlib.blake2b(path.read_bytes()).hexdigest() for path in paths)
    return digest(*(path.relative_to(folder).as_posix() for path in paths), *hashes)


def _sources(entry: Traversable) -> Iterator[Traversable]:
    """The file itself, or all source files below a folder, sorted by name."""
    if entry.is_file():
        yield entry
        return
    for inside in sorted(entry.iterdir(), key=lambda f: f.name):
        if inside.is_dir() or inside.name.endswith(CODE):
            yield from _sources(inside)
