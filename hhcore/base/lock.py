"""Locks of the kernel on a folder of results; they end with the process that holds them."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from hhcore.base.errors import UserError

FILE = ".lock"


@contextmanager
def locked(folder: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold a folder alone, among the processes of this machine that ask for it here.

    waiting : called once if another one holds it
    """
    with ExitStack() as stack:
        with suppress(OSError):  # a read-only folder, or no such locks there: files still appear whole
            folder.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context((folder / FILE).open("a"))
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                fcntl.flock(file, fcntl.LOCK_EX)
        yield


def shared(folder: Path) -> IO[str] | None:
    """Hold a folder together with others until the file that is returned is closed; None if it cannot be locked.

    Raises UserError if a process holds it alone.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / FILE).open("a")
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UserError(f"{folder} is in use by hhcore.run; run the same command again when that has ended") from error
    except OSError:
        return None
    return file
