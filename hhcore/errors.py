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
    shown = ", ".join(legal[:12]) + (", …" if len(legal) > 12 else "")
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
        place = f" {error.filename}" if error.filename else ""
        _leave(f"cannot write{place} ({os.strerror(error.errno)}); {_ADVICE[error.errno]}. {_AGAIN}", log)
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "start new thread" not in str(error):
            raise
        advice = "give the job more, on a cluster by `--set-resources RULE:mem_mb=...`, or run fewer at a time"
        _leave(f"out of memory ({error}); {advice}. {_AGAIN}", log)


def _leave(text: str, log: Path) -> NoReturn:
    message = f"Error. {text}"
    with suppress(OSError), log.open("a", encoding="utf-8") as file:  # on a full disk the log cannot be written either
        print(message, file=file)
    sys.exit(message)


_AGAIN = "Then run the same command again: what is complete is kept"
_ADVICE = {
    errno.ENOSPC: "free space there, or let TMPDIR or --directory name a larger disk",
    errno.EDQUOT: "your quota is used up; free space, or let TMPDIR or --directory name another disk",
    errno.EROFS: "make it writable, or work in another folder with --directory",
    errno.EACCES: "make it writable, or work in another folder with --directory",
    errno.EPERM: "make it writable, or work in another folder with --directory",
}
