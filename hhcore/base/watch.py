"""Who watches the steps of an experiment: nobody, the log of a job, or what hhcore.interface shows."""

from collections.abc import Callable
from pathlib import Path

from hhcore.base.progress import Progress


class Watch:
    """It shows nothing; its kinds show something. It is closed when the work is done."""

    def step(self, name: str) -> None:
        """A step begins."""

    def tried(self, solvers: int, most: int) -> None:
        """So many solvers have been tried, of `most` at most."""

    def part(self, number: int, parts: int) -> Callable[[int, int], None]:
        """For part `number`, from 0, of the shards to simulate: a function of the neurons done and their total."""
        return lambda done, total: None

    def write(self, text: str) -> None:
        """A remark for the user."""

    def write_log(self, text: str) -> None:
        """A remark for a log file."""

    def close(self) -> None:
        """The work is done, or has failed."""


class JobLog(Watch):
    """The log of a job, and its notes for the board of the run."""

    def __init__(self, name: str, log: Path):
        self.lines = Progress(name, log)

    def tried(self, solvers: int, most: int) -> None:
        self.lines.tried(solvers, most)

    def part(self, number: int, parts: int) -> Callable[[int, int], None]:
        return self.lines

    def write(self, text: str) -> None:
        self.lines.write(text)

    def write_log(self, text: str) -> None:
        self.lines.write_log(text)
