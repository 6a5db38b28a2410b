"""How far a run of many jobs is: a bar on a terminal, plain lines in a file.

Jobs are processes of their own. Each notes how far it is in a file of the folder that $HHCORE_BOARD names
(hhcore.base.progress); the board reads them. Jobs count by the seconds that they are expected to take.
"""

import hashlib
import json
import os
import threading
import time
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from math import hypot
from pathlib import Path
from typing import Any, TextIO

FOLDER = "HHCORE_BOARD"
REDRAWN_S = 0.2
EVERY_S = 10.0  # between lines of a file, and a twentieth of the time that has passed: a long run writes few
ALL_LISTED = 40  # a line for each job of a run with so many; of a larger one as many as of a long job
TRUST = 0.2  # in the time expected of a run, as if that part of it had taken it
SURE = 0.9  # the part of a job that may be done by the clock alone


@dataclass
class Note:
    """How far a job is: a `part`, None if nobody knows, a `text` for the user, and `remarks` on its results."""

    part: float | None = None
    text: str = ""
    remarks: tuple[str, ...] = ()


def has_board() -> bool:
    """Whether this process is a job of a run with a board."""
    return FOLDER in os.environ


def note_file(log: str | Path) -> Path | None:
    """The file for the notes of a job with this log; None if no board is up."""
    folder = os.environ.get(FOLDER)
    return Path(folder, hashlib.blake2b(str(log).encode(), digest_size=16).hexdigest()) if folder else None


def leave_note(file: Path, note: Note) -> None:
    """Write a note, whole."""
    temporary = file.with_name(f".{file.name}")
    try:
        temporary.write_text(json.dumps([note.part, note.text, note.remarks]), encoding="utf-8")
        temporary.replace(file)
    except OSError:  # a full disk; no result depends on notes
        pass


def read_note(file: Path | None) -> Note:
    """The last note of a job, an empty one without."""
    try:
        part, text, remarks = json.loads(file.read_text(encoding="utf-8")) if file else (None, "", ())
    except (OSError, ValueError):
        return Note()
    return Note(part, text, tuple(remarks))


@dataclass
class _Job:
    text: str
    file: Path | None
    started: float


class Board:
    """The jobs of a run on a stream, from when it is made until `close`.

    seconds : of work expected of each job; others are not shown. The board closes when all of these have ended
    whole   : seconds that the run is expected to take
    """

    def __init__(self, seconds: Mapping[Hashable, float], whole: float, stream: TextIO):
        self.seconds, self.whole, self.stream = dict(seconds), whole, stream
        self.total, self.furthest = sum(seconds.values()), 0.0
        self.running: dict[Hashable, _Job] = {}
        self.finished: set[Hashable] = set()
        self.remarked: set[str] = set()
        self.started = self.shown = time.monotonic()
        self.lock, self.closed = threading.RLock(), threading.Event()
        self.bar = self._bar() if is_terminal(stream) else None
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def start(self, job: Hashable, text: str, log: str | None = None) -> None:
        """A job begins. text : what it does; log : its log, by which its notes are found."""
        with self.lock:
            if job in self.seconds:
                self.running[job] = _Job(text, note_file(log) if log else None, time.monotonic())

    def finish(self, job: Hashable) -> None:
        """A job has ended well."""
        with self.lock:
            self._read()
            begun = self.running.pop(job, None)
            if begun is None:
                return
            self.finished.add(job)
            if self.bar is None and (len(self.seconds) <= ALL_LISTED or self._is_due()):
                self._line(f"{begun.text}, {time.monotonic() - begun.started:.1f} s")
            if len(self.finished) == len(self.seconds):
                self.close()

    def drop(self, job: Hashable) -> None:
        """A job has failed."""
        with self.lock:
            self._read()
            self.running.pop(job, None)

    def write(self, text: str) -> None:
        """Lines beside the bar."""
        with self.lock:
            if self.bar is None:
                print(text, file=self.stream, flush=True)
            else:
                self.bar.write(text, file=self.stream)

    def close(self) -> None:
        """Take the bar away."""
        self.closed.set()
        with self.lock:
            if self.bar is not None:
                self.bar.close()
                self.bar = None

    def _bar(self) -> Any:
        from tqdm import tqdm  # here, since every job imports this file

        tqdm.monitor_interval = 0  # the board has a thread of its own
        shape = "{percentage:3.0f}%|{bar:16}| {desc}"
        return tqdm(total=self.total, file=self.stream, bar_format=shape, dynamic_ncols=True, leave=False)

    def _watch(self) -> None:
        while not self.closed.wait(REDRAWN_S):
            with self.lock:
                if not self.closed.is_set():
                    self._show(self._read())

    def _read(self) -> dict[Hashable, Note]:
        """The notes of the running jobs; new remarks are written."""
        notes = {job: read_note(begun.file) for job, begun in self.running.items()}
        for job, note in notes.items():
            for remark in note.remarks:
                if remark not in self.remarked:
                    self.remarked.add(remark)
                    self.write(f"{self.running[job].text}: {remark}")
        return notes

    def _show(self, notes: Mapping[Hashable, Note]) -> None:
        if self.bar is not None:
            self.bar.n = self._done(notes)
            self.bar.set_description_str(self._now(notes))
        elif self.running and self._is_due():
            self._line(self._now(notes), notes)

    def _is_due(self) -> bool:
        now = time.monotonic()
        return now - self.shown >= max(EVERY_S, 0.05 * (now - self.started))

    def _line(self, text: str, notes: Mapping[Hashable, Note] | None = None) -> None:
        self.shown = time.monotonic()
        part = self._done(self._read() if notes is None else notes) / self.total if self.total else 1.0
        self.write(f"[{part:4.0%}] {text}")

    def _done(self, notes: Mapping[Hashable, Note]) -> float:
        """Seconds of the expected ones that are done; it never falls, though a job may say less than its clock said."""
        ended = sum(self.seconds[job] for job in self.finished)
        begun = sum(self.seconds[job] * self._part(job, note) for job, note in notes.items())
        self.furthest = max(self.furthest, ended + begun)
        return self.furthest

    def _part(self, job: Hashable, note: Note) -> float:
        """The part of a job that is done: as it says, else by the clock."""
        if note.part is not None:
            return note.part
        elapsed, expected = time.monotonic() - self.running[job].started, self.seconds[job]
        return SURE * elapsed / hypot(elapsed, expected) if expected else 0.0

    def _now(self, notes: Mapping[Hashable, Note]) -> str:
        """What is done now, that which takes longest first, and how long the rest takes."""
        text = f"{len(self.finished)} of {len(self.seconds)} jobs, about {duration_text(self._left(notes))} left"
        longest = max(self.running, key=lambda job: self.seconds[job], default=None)
        words = (self.running[longest].text, notes[longest].text) if longest in notes else ()
        return "; ".join([text, ", ".join(filter(None, words))])

    def _left(self, notes: Mapping[Hashable, Note]) -> float:
        """Seconds that the rest takes: as fast as so far, and at first as fast as expected."""
        done, elapsed = self._done(notes), time.monotonic() - self.started
        pace = (elapsed + TRUST * self.whole) / (done + TRUST * self.total)
        return pace * (self.total - done)


def is_terminal(stream: Any) -> bool:
    """Whether a stream is a terminal that can redraw a line. One without rows or columns shows no bar."""
    if not getattr(stream, "isatty", lambda: False)() or os.environ.get("TERM") == "dumb":
        return False
    try:
        return min(os.get_terminal_size(stream.fileno())) > 0
    except (OSError, ValueError):  # nobody knows its size
        return True


def duration_text(seconds: float) -> str:
    """`3 s`, `12 min`, `5 h`: a duration as one would say it."""
    if seconds < 120:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 7200 else f"{seconds / 3600:.3g} h"
