"""Digests of what a result depends on, so that it is computed again when that changes and only then."""

import hashlib
from functools import lru_cache
from importlib import resources


def digest(*parts: object) -> str:
    """Hash of the texts of `parts`, 32 hexadecimal digits."""
    return hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=16).hexdigest()


@lru_cache
def code_digest(*names: str) -> str:
    """Hash of source files of the package, by their path in it; a folder stands for all its .py and .in files."""
    texts = []
    for name in names:
        entry = resources.files("hhcore") / name
        files = [entry] if entry.is_file() else sorted(entry.iterdir(), key=lambda f: f.name)
        texts += [f.name + f.read_text(encoding="utf-8") for f in files if f.name.endswith((".py", ".in"))]
    return digest(*texts)
