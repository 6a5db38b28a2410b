"""Progress of a long job: a line every few seconds, on the terminal and in the job's log."""

import sys
import time
from pathlib import Path

EVERY_S = 5.0


class Progress:
    """Call it with (done, total) of the neurons; it writes a line every few seconds and at the end."""

    def __init__(self, label: str, log: Path):
        self.label, self.log = label, log
        self.started = self.shown = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """Report that `done` of `total` neurons are finished."""
        now = time.monotonic()
        if done in (0, total) or now - self.shown >= EVERY_S:
            self.shown = now
            self.write(f"{done:,} of {total:,} new neurons{self._rest(done, total, now - self.started)}")

    def tried(self, solvers: int) -> None:
        """Report that so many solvers have been tried; nobody knows how many there will be."""
        now = time.monotonic()
        if now - self.shown >= EVERY_S:
            self.shown = now
            self.write(f"{solvers} solver{'s' if solvers > 1 else ''} tried, {now - self.started:.0f} s")

    def write(self, text: str) -> None:
        """One line."""
        print(f"{self.label}: {text}", file=sys.stderr, flush=True)
        with self.log.open("a", encoding="utf-8") as log:
            print(text, file=log)

    @staticmethod
    def _rest(done: int, total: int, elapsed: float) -> str:
        if done == 0:
            return ""
        if done == total:
            return f", {elapsed:.1f} s"
        return f" ({done / total:.0%}), about {elapsed / done * (total - done):.0f} s left"
