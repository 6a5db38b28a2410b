"""Pace cells before what is measured: so many beats, or until the state repeats from beat to beat.

A beat begins at the onset of a pulse. Its map takes the states at one onset to those at the next; cells have settled
where the state repeats after each beat, or after each second one (alternans), and so on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np

from hhcore.simulation.linear import one_norm
from hhcore.simulation.population import Population

MOST_REPEAT = 4  # beats after which a state may repeat
APART = 1e3  # times the tolerance, at least, between the states of a cell that repeats after several beats alone
AT_ONCE = 4096  # cells whose states at onsets are in memory
# Beats in one call of a kernel: more and more, since few are known to be enough. Not too many: the shortest step that a
# kernel takes grows with the time, and a reference has to cross the jumps of rates that are pieced together.
FIRST_BEATS, MOST_AT_ONCE = 8, 16


@dataclass(frozen=True)
class Settling:
    """How cells are paced before what is measured.

    beats     : so many; None: until the state repeats
    tolerance : it repeats if the 1-norm of its change, in the model's own units, is below, as in Chaste
    most      : beats after which a cell is given up
    newton    : whether Newton's method looks for the state that repeats, after some beats
    """

    beats: int | None = None
    tolerance: float = 1e-6
    most: int = 10_000
    newton: bool = False


@dataclass(frozen=True)
class Settled:
    """What has become of n cells.

    states   : float64 (n, N), at the onset of a pulse
    beats    : int64 (n,), how many they have been paced
    repeat   : int64 (n,), beats after which the state repeats; 0 where it does not
    residual : float64 (n,), 1-norm of the change of the state over `repeat` beats, or over one where it does not repeat
    outcome  : int8 (n,), how a kernel has ended: DONE, DIVERGED or STALLED
    """

    states: np.ndarray
    beats: np.ndarray
    repeat: np.ndarray
    residual: np.ndarray
    outcome: np.ndarray

    @classmethod
    def joined(cls, parts: Sequence["Settled"]) -> "Settled":
        """The cells of one after those of the other."""
        return cls(*(np.concatenate([getattr(part, own.name) for part in parts]) for own in fields(cls)))

    def put(self, rows: np.ndarray, other: "Settled") -> None:
        """Take some cells from another one."""
        for own in fields(self):
            getattr(self, own.name)[rows] = getattr(other, own.name)


@dataclass(frozen=True)
class Paced(Population):
    """Cells that are paced by a pulse train; their engine has the observer Onsets."""

    def onsets(self, states: np.ndarray, beats: int) -> tuple[np.ndarray, np.ndarray]:
        """Pace cells from `states`, float64 (n, N), so many beats.

        Returns the states at each onset, the first and the one after the last beat included, float64 (n, beats + 1, N),
        NaN where a cell does not get there; and how the kernel has ended, int8 (n,).
        """
        width, period, start = (self.values(name) for name in ("width", "period", "start"))
        # The pulse after the last beat begins, so it must end within the run.
        duration = float((start + beats * period + width).max() + width.max())
        record, _ = self.with_fields(number=beats + 1).run(states, [duration])
        return record["onsets"].values.reshape(len(states), beats + 1, -1), record["outcome"]


def settle(cells: Paced, states: np.ndarray, settling: Settling) -> Settled:
    """Pace cells from `states`, float64 (n, N), until they have settled; the first pulse is at `start`."""
    rows = [np.arange(first, min(first + AT_ONCE, len(states))) for first in range(0, max(len(states), 1), AT_ONCE)]
    return Settled.joined([_settle(cells.of(some), states[some], settling) for some in rows])


def _settle(cells: Paced, states: np.ndarray, settling: Settling) -> Settled:
    """The same, of so few cells that their states at many onsets are in memory."""
    n, length = states.shape
    found = Settled(np.full((n, length), np.nan), *np.zeros((2, n), np.int64), np.full(n, np.nan), np.zeros(n, np.int8))
    going, history, done = np.arange(n), np.empty((n, 0, length)), 0
    if n == 0:
        return found
    for beats in _laps(settling.most if settling.beats is None else settling.beats):
        begun = states if done == 0 else history[:, -1]
        paced = cells.of(going) if done == 0 else cells.of(going).with_fields(start=0.0)
        onsets, outcome = paced.onsets(begun, beats)
        history = np.concatenate([history[:, :-1], onsets], axis=1)
        first, done = done + beats + 1 - history.shape[1], done + beats
        finished = _judge(found, going, history, outcome, settling, first)
        going, history = going[~finished], history[~finished][:, -MOST_REPEAT - 1 :]
        if not len(going):
            break
    return found


def _laps(beats: int) -> Iterator[int]:
    """How many beats each call of a kernel has: more and more, since few are known to be enough."""
    lap = FIRST_BEATS
    while beats > 0:
        yield min(lap, beats)
        beats, lap = beats - lap, min(2 * lap, MOST_AT_ONCE)


def _judge(
    found: Settled, cells: np.ndarray, history: np.ndarray, outcome: np.ndarray, settling: Settling, first: int
) -> np.ndarray:
    """Note which cells are finished, bool (k,).

    cells   : int64 (k,), their rows in `found`
    history : float64 (k, onsets, N), the states at successive onsets, from that before beat number `first` on
    """
    rows, last = np.arange(len(cells)), history.shape[1] - 1
    changes = np.stack([_changes(history, k) for k in range(1, MOST_REPEAT + 1)])
    repeats = np.stack([_repeats(changes, k, settling.tolerance) for k in range(1, MOST_REPEAT + 1)])
    wanted, beats = settling.most if settling.beats is None else settling.beats, first + np.arange(last + 1)
    if settling.beats is not None:
        repeats[:, :, beats < wanted] = False  # it has so many beats, whether it repeats before or not
    for k in range(2, MOST_REPEAT + 1) if settling.beats is None else ():
        repeats[k - 1, :, beats % k > 0] = False  # so every solver ends in the same phase
    reached = np.isfinite(history).all(axis=2).sum(axis=1) - 1  # the last onset that a cell came to
    # How long a run goes on after its last onset depends on other cells: who fails there does so in the next run.
    failed = reached < last
    settled = repeats.any(axis=(0, 2))
    finished = settled | failed | (first + last >= wanted)
    at = np.where(settled, repeats.any(axis=0).argmax(axis=1), np.maximum(reached, 0))
    repeat = np.where(settled, repeats[:, rows, at].argmax(axis=0) + 1, 0)
    residual = changes[np.maximum(repeat, 1) - 1, rows, at]
    here = Settled(history[rows, at], first + at, repeat, residual, np.where(failed, outcome, 0).astype(np.int8))
    found.put(cells[finished], Settled(*(getattr(here, own.name)[finished] for own in fields(here))))
    return finished


def _changes(history: np.ndarray, beats: int) -> np.ndarray:
    """1-norm of the change of the states over so many beats at each onset, float64 (k, onsets), NaN before these."""
    changes = np.full(history.shape[:2], np.nan)
    if history.shape[1] > beats:
        changes[:, beats:] = one_norm(history[:, beats:] - history[:, :-beats])
    return changes


def _repeats(changes: np.ndarray, beats: int, tolerance: float) -> np.ndarray:
    """Whether states repeat after so many beats, and not after a part of them: bool (k, onsets)."""
    parts = [part for part in range(1, beats) if beats % part == 0]
    apart = [changes[part - 1] > APART * tolerance for part in parts]
    return np.logical_and.reduce([changes[beats - 1] < tolerance, *apart])
