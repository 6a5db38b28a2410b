"""The one exception a user sees, and the closest match that goes into its message."""

import difflib
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


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
    """A mistake of the user's that shows up inside a job ends it with its message alone, also in the log of the job."""
    try:
        yield
    except UserError as error:
        message = f"Error. {error}"
        with log.open("a", encoding="utf-8") as file:
            print(message, file=file)
        sys.exit(message)
