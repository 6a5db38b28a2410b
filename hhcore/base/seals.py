"""Seals of result files: what a file was made from, and whether a bit of it has changed since.

A result carries two marks, each a name and 32 hexadecimal digits. The *recipe* is a digest of everything that the file
was made from; the workflow compares it with what the config asks for. The *seal* is a hash of all bytes of the file,
with zeros in its own place. The checksums of Parquet cover pages of data; the seal covers the footer as well, with
names, units and digests. A PNG has a checksum in each of its chunks and needs no seal.
"""

import hashlib
import mmap
import os
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from hhcore.base.errors import UserError

RECIPE, SEAL = "hhcore.recipe", "hhcore.seal"
UNSEALED = "0" * 32  # in the place of the seal until the file is complete
SEALED = (".parquet", ".svg", ".html")
END = 4096  # marks of a text or an image are so near to its beginning or end
_FOOTER = 8  # the last bytes of a Parquet file: the length of its footer, and PAR1


def recipe_of(path: Path) -> str | None:
    """The recipe that a file carries, None without one. It reads the ends of the file alone, in some 10 us."""
    with path.open("rb") as file:
        _, digits = _mark(file, RECIPE)
    return digits


def seal(path: Path) -> None:
    """Write the seal of a complete file over its `UNSEALED` digits."""
    with path.open("r+b") as file:
        at, digits = _mark(file, SEAL)
        if digits != UNSEALED:
            raise ValueError(f"{path} has no place for a seal")
        value = _hash(file, at)
        file.seek(at)
        file.write(value.encode())


def check_seal(path: Path) -> None:
    """Raise UserError if a file is missing, has no seal, or if a bit of it has changed since it was written."""
    with _there(path):
        found = os.stat(path)
    _check_seal(path, found.st_ino, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=4096)
def _check_seal(path: Path, *state: int) -> None:
    """Once for each state of a file, since a job opens some files several times."""
    with path.open("rb") as file:
        at, digits = _mark(file, SEAL)
        if digits is None:
            raise UserError(f"{path} is damaged, or not a file of this version of hhcore (it has no seal); {_AGAIN}")
        if digits != _hash(file, at):
            raise UserError(f"{path} is damaged (its bytes do not agree with its seal); {_AGAIN}")


def check_image(path: Path) -> None:
    """Raise UserError if a PNG is missing, ends too early, or does not agree with its checksums."""
    with _there(path):
        content = path.read_bytes()
    at, kind = len(_PNG), b""
    sound = content.startswith(_PNG)
    while sound and at < len(content):
        length, kind = int.from_bytes(content[at : at + 4]), content[at + 4 : at + 8]
        end = at + 8 + length
        sound = int.from_bytes(content[end : end + 4]) == zlib.crc32(content[at + 4 : end])
        at = end + 4
    if not sound or kind != b"IEND":
        raise UserError(f"{path} is damaged (a part does not agree with its checksum); {_AGAIN}")


@contextmanager
def _there(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist; run the experiment to make it") from error


_PNG = b"\x89PNG\r\n\x1a\n"
_AGAIN = "delete it and run the experiment again"


def _mark(file: BinaryIO, name: str) -> tuple[int, str | None]:
    """Where the digits of a mark begin, and the digits; (0, None) without the mark."""
    # Between name and digits: a separator, in the footer of Parquet a type and a length.
    pattern = re.compile(re.escape(name).encode() + rb"[^0-9a-f]{1,3}([0-9a-f]{32})(?![0-9a-f])")
    for begin, part in _ends(file):
        if found := pattern.search(part):
            return begin + found.start(1), found[1].decode()
    return 0, None


def _ends(file: BinaryIO) -> list[tuple[int, bytes]]:
    """The parts of a file that may hold marks, and where each begins: the footer of a Parquet file, else both ends."""
    size = file.seek(0, os.SEEK_END)
    tail = _part(file, max(0, size - END), size)
    if tail[1][-4:] == b"PAR1" and size > _FOOTER:
        footer = int.from_bytes(tail[1][-_FOOTER:-4], "little") + _FOOTER
        return [tail if footer <= END else _part(file, max(0, size - footer), size)]
    return [_part(file, 0, min(size, END)), tail]


def _part(file: BinaryIO, begin: int, end: int) -> tuple[int, bytes]:
    file.seek(begin)
    return begin, file.read(end - begin)


def _hash(file: BinaryIO, at: int) -> str:
    """Hash of a file with zeros in the place of the seal."""
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content, memoryview(content) as view:
        value = hashlib.blake2b(view[:at], digest_size=16)
        value.update(UNSEALED.encode())
        value.update(view[at + len(UNSEALED) :])
    return value.hexdigest()
