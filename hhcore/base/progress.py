"""Progress of long work: a line every few seconds, on the terminal and in a job's log."""

import sys
import time
from pathlib import Path

EVERY_S = 5.0


class Progress:
    """Call it with (done, total); it writes a line every few seconds and at the end.

    label  : begins each line
    log    : a file that gets the lines too, None for none
    things : what is counted
    """

    def __init__(self, label: str, log: Path | None = None, things: str = "new neurons"):
        self.label, self.log, self.things = label, log, things
        self.started = self.shown = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """Report that `done` of `total` are finished."""
        now = time.monotonic()
        if done in (0, total) or now - self.shown >= EVERY_S:
            self.shown = now
            self.write(f"{done:,} of {total:,} {self.things}{self._rest(done, total, now - self.started)}")

    def tried(self, solvers: int) -> None:
        """Report that so many solvers have been tried; nobody knows how many there will be."""
        now = time.monotonic()
        if now - self.shown >= EVERY_S:
            self.shown = now
            self.write(f"{solvers} solver{'s' if solvers > 1 else ''} tried, {now - self.started:.0f} s")

    def write(self, text: str) -> None:
        """One line."""
        print(f"{self.label}: {text}", file=sys.stderr, flush=True)
        if self.log is not None:
            with self.log.open("a", encoding="utf-8") as log:
                print(text, file=log)

    @staticmethod
    def _rest(done: int, total: int, elapsed: float) -> str:
        if done == 0:
            return ""
        if done == total:
            return f", {elapsed:.1f} s"
        return f" ({done / total:.0%}), about {elapsed / done * (total - done):.0f} s left"
