"""Dynamic restitution: cells settle at one cycle length after the other, and the last beats at each are recorded."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace

import numpy as np

from hhcore.base.checks import Key, quoted
from hhcore.base.errors import UserError
from hhcore.experiments.experiment import Experiment
from hhcore.grid.listed import check_different, listed, read_times, widest
from hhcore.model.model import Model
from hhcore.protocols.restitution.keys import read_common
from hhcore.protocols.restitution.points import OF_DYNAMIC, SLOPES, Columns, of_neurons, repeats, responses, slopes
from hhcore.protocols.restitution.protocol import NUMERICS, Recorded, Restitution
from hhcore.protocols.steady_state.settling import Cells, expected_beats, settling_keys
from hhcore.schemes.solver import Solver
from hhcore.simulation.beat_map import settled_cells
from hhcore.simulation.beats import LATE, captured
from hhcore.simulation.result import Result
from hhcore.simulation.settle import MOST_REPEAT, Paced, Settled

BEATS = 2 * MOST_REPEAT + 1  # of a run: those that are compared, those before, and one for the diastolic interval
WAY = "pacing"  # in which cells settle: Newton's method may leave the branch that they come along
UNSETTLED = 2  # beats in the table where they do not repeat


@dataclass(frozen=True)
class DynamicRestitution(Restitution):
    """Dynamic restitution.

    cycle_lengths : in this order
    carry_over    : whether a cell begins each one in the state that it had at the end of the one before, or all in its
                    initial state
    """

    cycle_lengths: tuple[float, ...]
    carry_over: bool

    kind = "dynamic_restitution"
    title = "dynamic restitution"
    supplies = ("period", *Restitution.supplies)
    ignores = Restitution.ignores | {"duration": f"{BEATS} beats are recorded at each cycle length"}
    keys = (
        Restitution.keys
        | settling_keys(WAY)
        | {
            "cycle_lengths": Key(
                "the periods of the train, in this order",
                "cycle_lengths: {range: [1000, 300, -50]}",
                required=True,
                elsewhere=dict.fromkeys(("BCL", "bcl", "CL", "PCL", "periods"), "`cycle_lengths: [...]`"),
            ),
            "carry_over": Key(
                "whether the state at the end of one cycle length is the start of the next: `true`; or each begins in "
                "the initial state: `false`",
                "carry_over: true",
                required=True,
            ),
        }
    )
    definitions = {
        "alternans_ms": (
            "ms",
            "longest cycle length at which the action potential alternates: beats repeat after two, not after one, and "
            "both have one; null if there is none",
        ),
        "shortest_cycle_length_ms": (
            "ms",
            f"shortest cycle length at which the last {2 * MOST_REPEAT} pulses all have an action potential, and, "
            "without `prebeats`, the state repeats; null if there is none",
        ),
        **SLOPES,
        **NUMERICS,
    }
    run_beats = BEATS
    axis_label = "Cycle length (ms)"
    own_fields = OF_DYNAMIC
    headline = ("shortest_cycle_length_ms", "Shortest cycle length", "ms")

    @classmethod
    def read(cls, body: Mapping[str, object], model: Model, duration: float, where: str) -> "DynamicRestitution":
        """Raises UserError for values that are not legal."""
        if not isinstance(body["carry_over"], bool):
            raise UserError(
                f"{where}.carry_over: {quoted(body['carry_over'])} is not a choice here; give true or false"
            )
        times = read_times(body["cycle_lengths"], model, f"{where}.cycle_lengths")
        settling, pacing = read_common(body, model, WAY, where)
        if not body["carry_over"]:
            check_different(times, "each begins in the initial state", f"{where}.cycle_lengths")
        return cls(settling, pacing, times, body["carry_over"])

    @classmethod
    def lasting(cls, body: Mapping[str, object], longest: Mapping[str, float], model: Model, where: str) -> float:
        """The beats that are recorded at the longest cycle length."""
        return BEATS * max(read_times(body["cycle_lengths"], model, f"{where}.cycle_lengths"))

    @property
    def supplied(self) -> dict[str, float]:
        """The shortest period, in which pulses must fit."""
        return {"period": min(self.cycle_lengths), **super().supplied}

    def measure(
        self,
        experiment: Experiment,
        solver: Solver,
        points: np.ndarray,
        *,
        threads: int = 1,
        progress: Callable[[int], None] | None = None,
    ) -> Result:
        """Settle and record at one cycle length after the other, or settle at all of them side by side."""
        cells = Cells.of(experiment, solver, points, threads)
        settled, recorded = zip(*self._course(cells), strict=True)
        if progress is not None:
            progress(len(points))
        return self.result(experiment, cells, settled[-1].states, recorded)

    def last_run(self, cells: Cells) -> tuple[np.ndarray, dict[str, float]]:
        """The beats at the last cycle length, after all others."""
        *_, (settled, _) = self._course(cells)
        return settled.states, {"period": self.cycle_lengths[-1]}

    def _course(self, cells: Cells) -> Iterator[tuple[Settled, Recorded]]:
        """What has settled, and what was recorded then, at each cycle length."""
        states, n, ready = cells.states, len(cells.states), None if self.carry_over else self._all_settled(cells)
        for number, length in enumerate(self.cycle_lengths):
            paced = cells.paced.with_fields(period=length, start=0.0)
            settled = settled_cells(paced, states, self.settling) if ready is None else _part(ready, number, n)
            recorded = self._record(paced, settled, number, length)
            states = recorded.record["final"]
            yield settled, recorded

    def _all_settled(self, cells: Cells) -> Settled:
        """All cells at all cycle lengths, those of the first one before those of the second."""
        n, count = len(cells.states), len(self.cycle_lengths)
        paced = cells.paced.of(np.tile(np.arange(n), count))
        paced = paced.with_fields(period=np.repeat(self.cycle_lengths, n), start=0.0)
        return settled_cells(paced, np.tile(cells.states, (count, 1)), self.settling)

    def _record(self, paced: Paced, settled: Settled, number: int, length: float) -> Recorded:
        n = len(settled.states)
        columns = {
            "number": np.full(n, number),
            "cycle_length": np.full(n, length),
            "interval": np.full(n, length),
            "added": np.zeros(n, dtype=np.int64),
        }
        return self.recorded(paced.with_fields(number=BEATS), np.arange(n), settled, BEATS * length, **columns)

    def kept(self, runs: Result) -> np.ndarray:
        """The last beats of each run: as many as they repeat after.

        They end a beat earlier if the last action potential is not over at the end of the run, as it may be at 2:1.
        """
        repeat = runs.record["repeat"]
        last = np.where(repeat == 0, UNSETTLED, repeat)
        cut = runs.beat_columns["beat_status"].reshape(-1, BEATS)[:, -1] == LATE
        ago = BEATS - np.arange(BEATS) - (cut & (last < MOST_REPEAT))[:, None]
        return np.flatnonzero(((ago > 0) & (ago <= last[:, None])).ravel())

    def runs(self, result: Result) -> tuple[Result, np.ndarray]:
        """As of all; after so many `prebeats` no state need repeat, so that the beats say themselves how they do."""
        runs, owner = super().runs(result)
        if self.settling.beats is not None:
            repeat = np.where(runs.failed, 0, repeats(runs.beat_columns, BEATS))
            runs = replace(runs, record=runs.record | {"repeat": repeat})
        return runs, owner

    def points(self, result: Result) -> Columns:
        """As of all, and to which beats it responds, and whether the state was carried over."""
        found = super().points(result)
        carried = np.full(len(found["neuron"]), self.carry_over)
        return found | {"response": responses(found), "carried_over": carried}

    def resolution(self, experiment: Experiment) -> dict[str, float]:
        """Both are one of the cycle lengths."""
        step = widest(self.cycle_lengths) * experiment.model.ms
        return super().resolution(experiment) | {"alternans_ms": step, "shortest_cycle_length_ms": step}

    def columns(self, result: Result) -> Columns:
        table, n = self.points(result), len(result.status)
        runs, owner = self.runs(result)
        length, repeat = runs.record["cycle_length"] * runs.ms, runs.record["repeat"]
        every = captured(runs.beat_columns).reshape(-1, BEATS)[:, 1:].all(axis=1)
        every &= (repeat > 0) | (self.settling.beats is not None)
        by_run = {"neuron": owner, "length": length}
        return {
            "alternans_ms": of_neurons(np.fmax, by_run, "length", every & (repeat == 2), n),
            "shortest_cycle_length_ms": of_neurons(np.fmin, by_run, "length", every, n),
            **slopes(table, n),
            **self.numerics(result),
        }

    def simulated_ms(self, experiment: Experiment) -> float:
        """Pacing and recording at each cycle length."""
        return (expected_beats(self.settling) + BEATS) * sum(self.cycle_lengths) * experiment.model.ms

    def facts(self, experiment: Experiment) -> Iterable[tuple[str, str]]:
        yield "Cycle lengths", f"{listed(self.cycle_lengths, experiment.model.time_unit)}, in this order"
        yield from super().facts(experiment)
        yield "Recorded", f"{BEATS} beats at each cycle length"

    @property
    def pacing_words(self) -> str:
        begin = "in the state at the end of the one before" if self.carry_over else "in the initial state"
        return f"at each cycle length, which begins {begin}"

    @property
    def run_count(self) -> int:
        return len(self.cycle_lengths)


def _part(settled: Settled, number: int, n: int) -> Settled:
    """Those of n cells at one cycle length, of all."""
    rows = slice(number * n, (number + 1) * n)
    return Settled(*(getattr(settled, field.name)[rows] for field in fields(settled)))
