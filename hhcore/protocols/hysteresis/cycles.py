"""Where periodic firing ends: cycles followed by Newton's method to the least current that has one.

A cycle is a state y, a period P and a current I with flow_P(y; I) = y. The branch of cycles turns round where a stable
one meets an unstable one (a saddle-node of cycles). Along its arc, the current is least there. Every flow is a run of
one period, the differences for its derivatives side by side with it, so that a cycle costs less than a long hold.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import ClassVar, Self

import numpy as np

from hhcore.simulation.engine import engine
from hhcore.simulation.linear import eliminate, one_norm
from hhcore.simulation.observers import Observer, Onsets
from hhcore.simulation.observers.observer import Neurons, Recorder
from hhcore.simulation.result import Record
from hhcore.simulation.search.scale import flowing_currents
from hhcore.simulation.settle import Paced
from hhcore.simulation.stimuli.pulse_train import PulseTrain
from hhcore.simulation.stimuli.stimulus import Stimulus

DISTURBED = 1e-6  # of the size of each unknown, for differences
FARTHEST = 0.1  # a step of Newton's method, in the sizes of the unknowns
PARTS = 16  # of a cycle, of which the slowest is looked for
CLOSE = 1e-7  # of the sizes of the unknowns: a step of Newton's method so short has arrived
MOST_CORRECTIONS, MOST_STEPS = 8, 60
FIRST, LONGEST, SHORTEST = 0.02, 0.05, 2e-5  # steps along the branch, in the sizes of the unknowns
ASIDE = 2.0  # times a step: where Newton's method ends farther away, it has found another branch
GROWTH = 1.6  # of a step, at most
FLAT = 1e-5  # of the tangent, its share along the current: so little is the turn
STRAIGHT = 0.95  # cosine of the angle between tangents: after a step that bends more, a shorter one is tried


@dataclass(frozen=True)
class Cycles:
    """n cycles: states float64 (n, N), period and current float64 (n,)."""

    states: np.ndarray
    period: np.ndarray
    current: np.ndarray

    @property
    def unknowns(self) -> np.ndarray:
        """All numbers of each, float64 (n, N + 2)."""
        return np.column_stack([self.states, self.period, self.current])

    @classmethod
    def of_unknowns(cls, table: np.ndarray) -> "Cycles":
        """From `unknowns`."""
        return cls(table[:, :-2], table[:, -2], table[:, -1])

    def of(self, rows: np.ndarray) -> "Cycles":
        """Some of them."""
        return Cycles(*(getattr(self, own.name)[rows] for own in fields(self)))


@dataclass(frozen=True, kw_only=True)
class Counted(Paced):
    """Neurons whose runs are counted, those of some of them and under other stimuli too.

    neuron  : int64 (n,), their rows in `steps`
    steps   : float64, tried so far
    seconds : core time of each run so far
    """

    neuron: np.ndarray
    steps: np.ndarray
    seconds: list[float]

    def of(self, rows: np.ndarray) -> Self:
        """Some of the neurons, by index."""
        return replace(self, points=self.points[rows], neuron=self.neuron[rows])

    def run(self, states: np.ndarray, stops: Sequence[float] | np.ndarray) -> tuple[Record, float]:
        """As that of Population."""
        record, seconds = super().run(states, stops)
        np.add.at(self.steps, self.neuron, record["steps"])
        self.seconds.append(seconds)
        return record, seconds

    def under(self, method: str, kind: type[Stimulus], *observers: Observer) -> Self:
        """The same neurons under another kind of stimulus, of which nothing flows yet."""
        model, quiet = self.engine.model, [kind.quiet.get(name, 0.0) for name in kind.fields]
        own = self.points[:, : len(model.parameters)]
        points = np.column_stack([own, np.tile(quiet, (len(own), 1))])
        return replace(self, engine=engine(model, method, kind, observers), points=points)


class Once(Observer):
    """A run is over right after the second onset, so that its steps do not depend on how long those of others are."""

    name = "once"
    rows = ("TWICE",)
    arguments: ClassVar[dict[str, str]] = {}
    fields = ()
    text = '''
def once_start(Z, i, j):
    """No onset yet."""
    Z[TWICE + j] = 0.0


def once_enter(Z, i, k, begins, j):
    """The second onset begins beat 1."""
    if begins and beat(k) > 0:
        Z[TWICE + j] = 1.0


@inline
def once_alert(Z, accepted, turned, high, low, v1, d0, d1, j):
    """The step after it is an event."""
    return Z[TWICE + j] > 0.5


@inline
def once_over(Z, j):
    """Whether it is done."""
    return Z[TWICE + j] > 0.5
'''

    def recorder(self, neurons: Neurons) -> Recorder:
        """It records nothing."""
        return _Nothing()


class _Nothing(Recorder):
    def arguments(self) -> tuple:
        return ()

    def record(self) -> Record:
        return {}


def paced(neurons: Counted, method: str) -> Counted:
    """The same neurons under a constant current, as a pulse train whose pulses touch: the end of one is an onset."""
    return neurons.under(method, PulseTrain, Onsets(), Once())


def slowest(cells: Counted, cycles: Cycles) -> Cycles:
    """The same cycles, each begun where its states change least: there, derivatives of the flow are smallest."""
    n, parts = len(cycles.period), np.arange(1, PARTS + 1) / PARTS
    each = cycles.of(np.repeat(np.arange(n), PARTS))
    part = Cycles(each.states, each.period * np.tile(parts, n), each.current)
    way = flow(cells.of(np.repeat(np.arange(n), PARTS)), part).reshape(n, PARTS, -1)
    speed = one_norm(np.diff(way, axis=1) * np.array(cells.engine.kernel.INVERSE_SCALE))
    slow = np.argmin(np.where(np.isfinite(speed), speed, np.inf), axis=1)
    return Cycles(way[np.arange(n), slow], cycles.period, cycles.current)


def flow(cells: Counted, cycles: Cycles) -> np.ndarray:
    """The states after a period, float64 (n, N); NaN of one that fails on the way."""
    times = {"period": cycles.period, "width": cycles.period, "start": 0.0}
    return cells.with_fields(amplitude=cycles.current, **times).onsets(cycles.states, 1)[0][:, 1]


def turn(cells: Counted, begun: Cycles, lowest: float) -> tuple[Cycles, np.ndarray]:
    """Follow the branch of each cycle to lower currents, to where it turns round.

    begun  : cycles, roughly
    lowest : the current down to which it matters
    Returns where the branch turns, and how far off its current may be, float64 (n,), NaN where it was not found.
    """
    size, at = _sizes(cells, begun, lowest), begun.unknowns
    found, error = at.copy(), np.full(len(at), np.nan)
    at, tangent, arrived = _corrected(cells, at, _downwards(begun), size)
    going, step = np.flatnonzero(arrived & (tangent[:, -1] < 0)), np.full(len(at), FIRST)
    for _ in range(MOST_STEPS):
        if not len(going):
            break
        now, old, length, own = at[going], tangent[going], step[going], size[going]
        ahead, turned, arrived = _corrected(cells.of(going), now + length[:, None] * old * own, old, own)
        arrived &= _dot(turned, old) > STRAIGHT
        arrived &= np.abs((ahead - now) / own).max(axis=1, initial=0.0) < ASIDE * np.abs(length)
        with np.errstate(all="ignore"):
            secant = np.nan_to_num(-turned[:, -1] * length / (turned[:, -1] - old[:, -1]), nan=np.inf)
        over = arrived & ((np.abs(turned[:, -1]) < FLAT) | (np.abs(secant) < SHORTEST))
        found[going[over]], error[going[over]] = ahead[over], np.abs(ahead - now)[over, -1]
        most = np.minimum(GROWTH * np.abs(length), LONGEST)
        step[going] = np.where(arrived, np.clip(secant, -most, most), length / 4)
        at[going[arrived]], tangent[going[arrived]] = ahead[arrived], turned[arrived]
        going = going[~over & (np.abs(step[going]) > SHORTEST)]
    return Cycles.of_unknowns(found), error


def _sizes(cells: Counted, begun: Cycles, lowest: float) -> np.ndarray:
    """The sizes of the unknowns, float64 (n, N + 2).

    That of the current must not depend on where zero is: it is the way to go, or the membrane currents, if larger.
    """
    kernel, quiet = cells.engine.kernel, cells.engine.undisturbed(cells.engine.arguments(cells.points, 1.0))
    states = np.tile(1.0 / np.array(kernel.INVERSE_SCALE), (len(begun.period), 1))
    membrane = flowing_currents(cells, quiet, begun.states) if kernel.CURRENTS else 0.0
    return np.column_stack([states, begun.period, np.maximum(begun.current - lowest, membrane)])


def _downwards(begun: Cycles) -> np.ndarray:
    """A direction along which the current falls, float64 (n, N + 2)."""
    direction = np.zeros_like(begun.unknowns)
    direction[:, -1] = -1.0
    return direction


def _corrected(cells: Counted, guess: np.ndarray, tangent: np.ndarray, size: np.ndarray) -> tuple:
    """Cycles near guesses, each in the plane across `tangent`; the tangents there; whether Newton's method arrived."""
    at, turned, arrived = guess.copy(), tangent.copy(), np.zeros(len(guess), bool)
    going = np.arange(len(guess))
    for _ in range(MOST_CORRECTIONS):
        miss, derivative = _linearised(cells.of(going), at[going], size[going])
        for k, i in enumerate(going):
            if not np.isfinite(derivative[k]).all():
                at[i] = np.nan
                continue
            matrix = np.vstack([derivative[k], tangent[i]])
            move = eliminate(matrix, np.r_[-miss[k], 0.0, 0.0]).x
            along = eliminate(matrix, np.r_[np.zeros(len(matrix) - 1), 1.0]).x
            at[i] += size[i] * move / max(1.0, np.abs(move).max() / FARTHEST)
            turned[i] = along / np.sqrt(_dot(along[None], along[None]))
            arrived[i] = np.abs(move).max() < CLOSE
        going = going[~arrived[going] & np.isfinite(at[going]).all(axis=1)]
        if not len(going):
            break
    return at, turned, arrived


def _linearised(cells: Counted, at: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """By how much states miss themselves, (n, N), and the derivatives with the phase held, (n, N + 1, N + 2)."""
    n, count = at.shape
    around = np.repeat(at[:, None], 2 * count + 1, axis=1)
    moved = DISTURBED * size[:, None] * np.eye(count)
    around[:, 1 : count + 1] += moved
    around[:, count + 1 :] -= moved
    runs = cells.of(np.repeat(np.arange(n), 2 * count + 1))
    after = flow(runs, Cycles.of_unknowns(around.reshape(-1, count))).reshape(n, 2 * count + 1, count - 2)
    own = size[:, :-2]
    change = (after[:, 1 : count + 1] - after[:, count + 1 :]) / own[:, None]
    derivative = np.moveaxis(change / (2 * DISTURBED), 1, 2)
    derivative[:, range(count - 2), range(count - 2)] -= 1.0
    phase = np.concatenate([derivative[:, :, -2], np.zeros((n, 2))], axis=1)
    return (after[:, 0] - at[:, :-2]) / own, np.concatenate([derivative, phase[:, None]], axis=1)


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The products of rows, float64 (n,), added up in order."""
    total = np.zeros(len(a))
    for column, other in zip(a.T, b.T, strict=True):
        total += column * other
    return total
