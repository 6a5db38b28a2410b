"""Progress of long work: lines on the terminal and in a log, and notes for the board of a run of many jobs."""

import sys
import time
from contextlib import suppress
from math import inf
from pathlib import Path

from hhcore.base.board import Note, leave_note, note_file

EVERY_S = 5.0
NOTED_S = 0.2


class Progress:
    """Call it with (done, total); it writes a line every few seconds and at the end.

    In a job of a run that has a board (hhcore.base.board) the lines go to the log alone.

    label  : begins each line
    log    : a file that gets the lines too, None for none
    things : what is counted
    """

    def __init__(self, label: str, log: Path | None = None, things: str = "new neurons"):
        self.label, self.log, self.things = label, log, things
        self.note, self.note_file = Note(), log and note_file(log)
        self.started = self.shown = time.monotonic()
        self.noted = -inf

    def __call__(self, done: int, total: int) -> None:
        """Report that `done` of `total` are finished."""
        counted = f"{done:,} of {total:,} {self.things}"
        self._leave_note(done / total if total else 1.0, counted, done in (0, total))
        if done in (0, total) or self._is_due():
            self._line(f"{counted}{self._rest(done, total, time.monotonic() - self.started)}")

    def tried(self, solvers: int, most: int) -> None:
        """Report that so many solvers have been tried; nobody knows how many of `most` there will be."""
        counted = tried_text(solvers, most)
        self._leave_note(None, counted, False)
        if self._is_due():
            self._line(f"{counted}, {time.monotonic() - self.started:.0f} s")

    def write(self, text: str) -> None:
        """A remark for the user, one line."""
        self.note.remarks += (text,)
        self._leave_note(self.note.part, self.note.text, True)
        self._line(text)

    def write_log(self, text: str) -> None:
        """One line, for the log alone; a full disk takes none, and the results will say so."""
        if self.log is not None:
            with suppress(OSError), self.log.open("a", encoding="utf-8") as log:
                print(text, file=log)

    def _line(self, text: str) -> None:
        self.shown = time.monotonic()
        if not self.note_file:
            print(f"{self.label}: {text}", file=sys.stderr, flush=True)
        self.write_log(text)

    def _is_due(self) -> bool:
        return time.monotonic() - self.shown >= EVERY_S

    def _leave_note(self, part: float | None, text: str, now: bool) -> None:
        self.note.part, self.note.text = part, text
        if self.note_file and (now or time.monotonic() - self.noted >= NOTED_S):
            self.noted = time.monotonic()
            leave_note(self.note_file, self.note)

    @staticmethod
    def _rest(done: int, total: int, elapsed: float) -> str:
        if done == 0:
            return ""
        if done == total:
            return f", {elapsed:.1f} s"
        return f" ({done / total:.0%}), about {elapsed / done * (total - done):.0f} s left"


def tried_text(solvers: int, most: int) -> str:
    """How many solvers have been tried.

    >>> tried_text(3, 17), tried_text(1, 1)
    ('3 of at most 17 solvers tried', '1 of at most 1 solver tried')
    """
    return f"{solvers} of at most {most} solver{'s' if most > 1 else ''} tried"
