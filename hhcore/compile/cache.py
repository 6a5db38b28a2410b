"""The cache of kernels: files that only this user, or root, can have written, since machine code in it is run."""

import fcntl
import grp
import os
import pwd
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import platformdirs

from hhcore.base.digests import digest
from hhcore.base.errors import UserError
from hhcore.base.files import atomic_write


def cache_directory() -> Path:
    """Where kernels are kept: $HHCORE_CACHE, or the user's cache folder; links are followed.

    Raises UserError if this user has no home.
    """
    try:
        folder = os.environ.get("HHCORE_CACHE") or platformdirs.user_cache_path("hhcore")
    except RuntimeError as error:
        raise UserError("this user has no home folder to keep kernels in; set HHCORE_CACHE to a folder") from error
    return Path(os.path.realpath(folder))


def check_private(folder: Path) -> None:
    """Raise UserError if others can put files into a folder of the cache, or another folder in its place.

    All folders above count. A sticky one above the cache, such as /tmp, lets nobody replace what is not his.
    With HHCORE_SHARED_CACHE=1 everything is accepted.
    """
    for place in () if _shared() else (folder, *folder.parents):
        try:
            found = place.stat()
        except OSError:  # it is not there yet, or nothing can be read from it either
            continue
        sticky = place in cache_directory().parents and found.st_mode & stat.S_ISVTX
        if not _trusted(found):
            raise _unsafe(f"{place} belongs to {_name(found.st_uid)}")
        if _others_write(place, found) and not sticky:
            raise _unsafe(f"others can write in {place}", f"forbid it (`chmod go-w '{place}'`), ")


def _unsafe(reason: str, remedy: str = "") -> UserError:
    return UserError(
        f"the cache of kernels {cache_directory()} is not safe: {reason}, and could run code as you; {remedy}"
        "set HHCORE_CACHE to a folder of your own or, if you trust them all, HHCORE_SHARED_CACHE=1"
    )


def kept(path: Path) -> bytes:
    """The content of a file of the cache. Raises OSError if it is missing, or others can have written it."""
    with path.open("rb") as file:
        found = os.fstat(file.fileno())
        if not _shared() and (not _trusted(found) or _others_write(file.fileno(), found)):
            raise PermissionError(f"others can have written {path}")
        return file.read()


def keep(path: Path, content: str | bytes) -> None:
    """Write a file of the cache. Raises UserError if its folder is not writable.

    New folders are private; those inside the cache are as open as the cache itself, and files are so for reading.
    """
    try:
        _make(path.parent)
        with atomic_write(path) as temporary:
            temporary.write_bytes(content.encode() if isinstance(content, str) else content)
            temporary.chmod(path.parent.stat().st_mode & 0o644)
    except OSError as error:
        raise UserError(
            f"cannot keep kernels in {path.parent} ({error}); set HHCORE_CACHE to another folder"
        ) from error


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Hold a file of the cache while it is made: processes that want the same one wait, those that want others do not.

    A file system that has no such locks, or a cache that others share, lets everybody go on: the work is done twice.
    So do threads of one process, to which these locks belong as a whole.
    """
    with suppress(OSError):
        _make(cache_directory())
    try:
        file = (cache_directory() / ".lock").open("ab")
    except OSError:
        yield
        return
    with file:
        with suppress(OSError):  # one byte for each file, so that one lock file serves all
            fcntl.lockf(file, fcntl.LOCK_EX, 1, int(digest(name)[:12], 16))
        yield


def _make(folder: Path) -> None:
    if folder.exists():
        return
    _make(folder.parent)
    with suppress(FileExistsError):  # another process was faster
        folder.mkdir(mode=0o700)
        if cache_directory() in folder.parents:
            folder.chmod(stat.S_IMODE(folder.parent.stat().st_mode))


def _shared() -> bool:
    return os.environ.get("HHCORE_SHARED_CACHE") == "1"


def _trusted(found: os.stat_result) -> bool:
    """Whether the owner is this user or root: where a container maps users, root is whoever owns /."""
    return found.st_uid in (os.geteuid(), 0, os.stat("/").st_uid)


def _others_write(place: Path | int, found: os.stat_result) -> bool:
    """Whether anybody but the owner can write a file or folder, given by its path or an open file."""
    if found.st_mode & stat.S_IWOTH:
        return True
    # What an access control list grants shows in the mode as rights of the group.
    return bool(found.st_mode & stat.S_IWGRP) and not (_is_own_group(found.st_gid) and not _has_list(place))


def _is_own_group(group: int) -> bool:
    """Whether a group is the one that many systems make for each user, with nobody else in it."""
    try:
        user, entry = pwd.getpwuid(os.geteuid()), grp.getgrgid(group)
    except KeyError:
        return False
    alone = set(entry.gr_mem) <= {user.pw_name}
    return alone and entry.gr_name == user.pw_name and group == user.pw_gid


def _has_list(place: Path | int) -> bool:
    """Whether a file or folder has an access control list, where there are such lists."""
    try:
        return bool(os.getxattr(place, "system.posix_acl_access"))
    except (OSError, AttributeError):
        return False


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"
