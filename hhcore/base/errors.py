"""The one exception that a user sees, several of them at once, and the closest match in its message."""

import difflib
import errno
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NoReturn

from hhcore.base.board import has_board

MOST_SHOWN = 20  # of the mistakes in one message


class UserError(ValueError):
    """A mistake of the user, or several: each message says where, what was given, what is legal, what to do."""

    @property
    def mistakes(self) -> tuple[str, ...]:
        """The messages, a sentence each."""
        return self.args

    def __str__(self) -> str:
        """The one message, or how many there are and a line for each."""
        if len(self.mistakes) == 1:
            return str(self.mistakes[0])
        more = len(self.mistakes) - MOST_SHOWN
        rest = [f"and {more:,} more"] if more > 0 else []
        return "\n- ".join([f"{len(self.mistakes):,} mistakes:", *self.mistakes[:MOST_SHOWN], *rest])


@contextmanager
def collected() -> Iterator[Callable[[], AbstractContextManager[None]]]:
    """Go on after a mistake, and raise all of them at the end, each once.

    >>> with collected() as noted:
    ...     for word in ("one", "two", "one"):
    ...         with noted():
    ...             raise UserError(f"{word} is not a number")
    Traceback (most recent call last):
    hhcore.base.errors.UserError: 2 mistakes:
    - one is not a number
    - two is not a number
    """
    found: dict[str, None] = {}

    @contextmanager
    def noted() -> Iterator[None]:
        try:
            yield
        except UserError as error:
            found.update(dict.fromkeys(error.mistakes))

    with noted():
        yield noted
    if found:
        raise UserError(*found)


def closest(word: str, legal: Iterable[str], hint: str = "") -> str:
    """The end of a message: the legal words, and the `hint` or else the one that is close to `word`."""
    legal = list(legal)
    listed = ", ".join(legal[:16]) + (", …" if len(legal) > 16 else "")
    near = match(word, legal)
    hint = hint or (f"did you mean {near!r}?" if near else "")
    return f"legal: {listed or 'none'}" + (f"; {hint}" if hint else "")


def match(word: str, legal: Iterable[str]) -> str | None:
    """The legal word that is closest to `word`, None if none is close."""
    lowered = {candidate.lower(): candidate for candidate in reversed(list(legal))}
    near = difflib.get_close_matches(str(word).lower(), lowered, n=1, cutoff=0.5)
    return lowered[near[0]] if near else None


@contextmanager
def one_message(log: Path) -> Iterator[None]:
    """End a job that fails by the fault of the user or the machine with one sentence, also written to its log.

    So does a job that has imported another hhcore than the Snakefile, which says in $HHCORE_LIBRARY where its own is.
    In a run with a board (hhcore.base.board) the log alone gets the sentence, and the traceback of any other error:
    the board shows the end of it.
    """
    try:
        with _one_sentence(log):
            yield
    except Exception:
        if not has_board() or not _logged(traceback.format_exc(), log):
            raise
        sys.exit(1)


@contextmanager
def _one_sentence(log: Path) -> Iterator[None]:
    try:
        _check_library()
        yield
    except UserError as error:
        _exit(str(error), log)
    except KeyboardInterrupt:
        _exit("interrupted; the same command begins this job again, and keeps finished ones", log)
    except OSError as error:
        if error.errno not in _ADVICE:
            raise
        path = error.filename2 or error.filename  # of a copy, the file that is written
        action, advice = _ADVICE[error.errno]
        _exit(f"cannot {action}{f' {path}' if path else ''} ({os.strerror(error.errno)}); {advice}. {_AGAIN}", log)
    except (MemoryError, RuntimeError, ImportError) as error:
        if not isinstance(error, MemoryError) and not any(sign in str(error) for sign in _NO_MEMORY):
            raise
        reason = f" ({error})" if str(error) else ""
        advice = "give the job more, on a cluster with `--set-resources RULE:mem_mb=...`, or run fewer jobs at a time"
        _exit(f"out of memory{reason}; {advice}. {_AGAIN}", log)


def _check_library() -> None:
    own = Path(__file__).resolve().parents[1]
    wanted = Path(os.environ.get("HHCORE_LIBRARY", own))
    if wanted != own:
        raise UserError(
            f"this job imports hhcore from {own}, the Snakefile from {wanted}; let the environment of the jobs "
            f"find the second, by `make setup` or PYTHONPATH"
        )


def _exit(text: str, log: Path) -> NoReturn:
    message = f"Error. {text}"
    sys.exit(1 if _logged(message, log) and has_board() else message)


def _logged(text: str, log: Path) -> bool:
    """Write to a log. Returns whether it took the text; a full disk does not."""
    try:
        with log.open("a", encoding="utf-8") as file:
            print(text, file=file)
    except OSError:
        return False
    return True


_NO_MEMORY = ("start new thread", "failed to map segment")  # what Python and the loader of libraries say
_AGAIN = "Then run the same command again: what is complete is kept"
_RIGHTS = ("read or write", "allow it, or work in another folder with --directory")
_FILES = ("open", "allow more open files (`ulimit -n 4096`), or run fewer jobs at a time with `--cores`")
_ADVICE = {  # what cannot be done, what to do
    errno.ENOSPC: ("write", "free space there, or set TMPDIR or --directory to a larger disk"),
    errno.EDQUOT: ("write", "your quota is used up; free space, or set TMPDIR or --directory to another disk"),
    errno.EFBIG: ("write", "the file is too large there; raise `ulimit -f`, or set --directory to another disk"),
    errno.EROFS: ("write", "make it writable, or work in another folder with --directory"),
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.EMFILE: _FILES,
    errno.ENFILE: _FILES,
    errno.EIO: ("read or write", "the disk or its network fails; set --directory to another disk"),
    errno.ESTALE: ("read or write", "the file server lost it; wait until the shared folder is back"),
}
