"""The one exception a user sees, and the closest match that goes into its message."""

import difflib
import errno
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn


class UserError(ValueError):
    """A mistake of the user's: the message says where, what was given, what is legal, what to do."""


def closest(given: str, legal: Iterable[str]) -> str:
    """The end of a message: the legal words and, where one is near `given`, a suggestion."""
    legal = list(legal)
    shown = ", ".join(legal[:16]) + (", …" if len(legal) > 16 else "")
    lowered = {word.lower(): word for word in reversed(legal)}
    near = difflib.get_close_matches(str(given).lower(), lowered, n=1, cutoff=0.5)
    hint = f"; did you mean {lowered[near[0]]!r}?" if near else ""
    return f"legal: {shown or 'none'}{hint}"


@contextmanager
def one_message(log: Path) -> Iterator[None]:
    """What goes wrong in a job by the user's or the machine's fault ends it with a sentence, also in the job's log."""
    try:
        yield
    except UserError as error:
        _leave(str(error), log)
    except OSError as error:
        if error.errno not in _ADVICE:
            raise
        place = error.filename2 or error.filename  # of a copy, the file that is written
        failed, advice = _ADVICE[error.errno]
        _leave(f"cannot {failed}{f' {place}' if place else ''} ({os.strerror(error.errno)}); {advice}. {_AGAIN}", log)
    except (MemoryError, RuntimeError, ImportError) as error:
        if not isinstance(error, MemoryError) and not any(sign in str(error) for sign in _NO_MEMORY):
            raise
        why = f" ({error})" if str(error) else ""
        advice = "give the job more, on a cluster by `--set-resources RULE:mem_mb=...`, or run fewer at a time"
        _leave(f"out of memory{why}; {advice}. {_AGAIN}", log)


def _leave(text: str, log: Path) -> NoReturn:
    message = f"Error. {text}"
    with suppress(OSError), log.open("a", encoding="utf-8") as file:  # on a full disk the log cannot be written either
        print(message, file=file)
    sys.exit(message)


_NO_MEMORY = ("start new thread", "failed to map segment")  # of a library that is loaded
_AGAIN = "Then run the same command again: what is complete is kept"
_RIGHTS = ("read or write", "allow it, or work in another folder with --directory")
_FILES = ("open", "let a process have more files open (`ulimit -n 4096`), or run fewer jobs at a time by `--cores`")
_ADVICE = {  # what cannot be done, what to do
    errno.ENOSPC: ("write", "free space there, or let TMPDIR or --directory name a larger disk"),
    errno.EDQUOT: ("write", "your quota is used up; free space, or let TMPDIR or --directory name another disk"),
    errno.EFBIG: (
        "write",
        "no file may be that large there; raise `ulimit -f`, or let --directory name another disk",
    ),
    errno.EROFS: ("write", "make it writable, or work in another folder with --directory"),
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.EMFILE: _FILES,
    errno.ENFILE: _FILES,
    errno.EIO: (
        "read or write",
        "the disk or the network to it fails; let --directory name another disk",
    ),
    errno.ESTALE: ("read or write", "the file server lost it; wait until the shared folder is there again"),
}
