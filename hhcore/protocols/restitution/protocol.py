"""What both restitution protocols share: cells are paced until they have settled, then runs of a few beats recorded.

Every run begins at the onset of a pulse. A neuron has several, one for each interval or cycle length; its row in the
store has a list for each quantity of a run.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from math import inf, nan
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyarrow as pa

from hhcore.experiments.experiment import Experiment
from hhcore.experiments.protocol import Accuracy, Begun, Protocol, schema_of
from hhcore.protocols.pacing.protocol import Pacing, beat_heights
from hhcore.protocols.restitution.points import Columns, point_definitions, points
from hhcore.protocols.restitution.runs import PREFIX, folded, folded_schema, taken, unfolded
from hhcore.protocols.steady_state.protocol import SteadyState
from hhcore.protocols.steady_state.settling import PREBEATS, Cells, settling_words
from hhcore.schemes.solver import Solver
from hhcore.simulation import beats
from hhcore.simulation.action_potentials import ActionPotentials
from hhcore.simulation.beats import captured
from hhcore.simulation.features import FAILED
from hhcore.simulation.heights import Errors, beat_errors
from hhcore.simulation.observers import Beats, Extremes, Observer, Onsets, Spikes, standard_observers
from hhcore.simulation.result import NO_STABLE_REST, STATUSES, Record, Result, joined
from hhcore.simulation.settle import Paced, Settled, Settling
from hhcore.simulation.stimuli.pulse_train import PulseTrain
from hhcore.simulation.stimuli.stimulus import Stimulus

# What a run leaves besides the notes of observers: how it ended; the pacing before it, with its number if there are
# several; the interval of S2, and whether that was added between those in the config; how the cell had settled.
RUN = pa.schema(
    [
        ("status", pa.int8()),
        ("number", pa.int64()),
        ("cycle_length", pa.float64()),
        ("interval", pa.float64()),
        ("added", pa.int64()),
        ("paced", pa.int64()),
        ("repeat", pa.int64()),
        ("residual", pa.float64()),
    ]
)
DURATION_ERROR = Accuracy(
    label="Error of APD90",
    column="duration_error_ms",
    unit="ms",
    tolerance=("ms", 1e-6, 1.0, "between 1 ns and 1 ms; it is the largest error of an APD90, such as 10 us"),
    factor=1.0,
    meaning="largest difference of an APD90 from the reference, over the beats of both that have one; null where there "
    "is none, and where the neuron or the reference failed",
    outcome="captured_count",
    outcome_meaning="action potentials in all runs of the config",
    reference_meaning="action potentials in those of the reference",
    fragile_meaning="whether the number of its action potentials depends on the accuracy, or it cannot be certified",
    missing="no action potential",
    none="none fires",
    nothing="No neuron of the sample has an action potential: no durations to judge solvers by.",
)
NUMERICS = {
    "status": ("1", "how the neuron ended: ok, no_stable_rest, diverged, stalled"),
    "failed_ms": ("ms", "simulated time in its runs when the neuron failed; null if it did not"),
    "duration_error_ms": ("ms", "estimated largest error of an APD90; null where it was not estimated"),
    "fragile": (
        "1",
        "whether the number of action potentials depends on the accuracy, or cannot be certified; null where it was "
        "not tested",
    ),
}


@dataclass(frozen=True)
class Recorded:
    """Runs of cells: the cell of each, int64 (k,), a record with the columns of RUN, and seconds of core time."""

    cell: np.ndarray
    record: Record
    seconds: float


@dataclass(frozen=True)
class Restitution(Protocol):
    """Runs of a few beats, after pacing until cells have settled; errors are those of APD90.

    settling   : how cells are paced before
    pacing     : what is measured of each beat
    run_beats  : beats of a run
    fields     : unit and definition of each column of restitution.parquet
    axis_label : of the interval from pulse to pulse, in figures
    """

    settling: Settling
    pacing: Pacing

    run_beats: ClassVar[int]
    own_fields: ClassVar[Mapping[str, tuple[str, str]]]
    axis_label: ClassVar[str]
    self_timed = True
    supplies = ("number", "start")
    ignores = {"analysis_window": "restitution is about whole beats"}
    keys = {"prebeats": PREBEATS} | {name: Pacing.keys[name] for name in ("apd", "apd_from", "apd_to")}
    schema = folded_schema(RUN)
    accuracy = DURATION_ERROR
    error_code = ("simulation/heights.py",)

    def __post_init__(self) -> None:
        """What is measured of beats decides on columns and on what solvers are judged by."""
        own = {
            "schema": folded_schema(self.run_schema),
            "accuracy": replace(DURATION_ERROR, heights=beat_heights(self.measured)),
        }
        for name, value in own.items():
            object.__setattr__(self, name, value)

    @property
    def measured(self) -> ActionPotentials:
        """What is measured of each action potential."""
        return self.pacing.measured

    @property
    def run_schema(self) -> pa.Schema:
        """The columns of a run."""
        return pa.schema([*RUN, *schema_of(Spikes, Extremes, Beats(self.measured))])

    @property
    def fields(self) -> dict[str, tuple[str, str]]:
        """Unit and definition of each column of restitution.parquet."""
        return point_definitions(self.measured, self.pacing.mV) | self.own_fields

    @classmethod
    def takes(cls, stimulus: type[Stimulus]) -> bool:
        """It takes a pulse train."""
        return stimulus.in_currents() is PulseTrain

    @property
    def supplied(self) -> dict[str, float]:
        """Pulses that never end, from the start on."""
        return {"number": inf, "start": 0.0}

    def observers(self, experiment: Experiment) -> tuple[Observer, ...]:
        """Those of pacing, and of the states at onsets."""
        e = experiment
        scales = {"ms": e.model.ms, "mV": e.model.mV, "measured": self.measured}
        return *standard_observers(e.stimulus, e.threshold, e.rearm, **scales), Onsets()

    def recorded(
        self, paced: Paced, cell: np.ndarray, settled: Settled, duration: float, **columns: np.ndarray
    ) -> Recorded:
        """Record k runs from the states in which cells have settled, at the onset of a pulse.

        paced   : the pulses of each run
        cell    : int64 (k,), the cell of each, as a row of `settled`
        columns : further ones of RUN, (k,) each
        """
        before = {field.name: getattr(settled, field.name)[cell] for field in fields(settled)}
        run, seconds = paced.run(before["states"], [duration])
        outcome = np.maximum(run["outcome"], before["outcome"])
        run["status"] = np.where(outcome > 0, outcome + NO_STABLE_REST, 0).astype(np.int8)
        run |= {"paced": before["beats"], "repeat": before["repeat"], "residual": before["residual"], **columns}
        return Recorded(
            cell, {name: run[name] for name in (*self.run_schema.names, "ended", "steps", "final")}, seconds
        )

    def result(self, e: Experiment, cells: Cells, states: np.ndarray, recorded: Sequence[Recorded]) -> Result:
        """The result of n neurons, from all their runs in any order.

        states : float64 (n, N), from which the last ones were recorded
        """
        runs, cell, n = (
            joined([part.record for part in recorded]),
            np.concatenate([part.cell for part in recorded]),
            len(states),
        )
        order = np.lexsort((-runs["interval"], runs["number"], cell))
        runs, cell = taken(runs, order), cell[order]
        status = cells.status.copy()
        np.maximum.at(status, cell, runs["status"])
        record = folded(runs, self.run_schema, np.bincount(cell, minlength=n)) | {
            "status": status,
            "ended": np.bincount(cell, runs["ended"], n),
            "steps": np.bincount(cell, runs["steps"], n),
            "final": states,
        }
        seconds = sum(part.seconds for part in recorded)
        return Result(record, e.analysis_window, e.model.ms, seconds, mV=e.model.mV, measured=self.measured)

    # --- what is made of runs

    def runs(self, result: Result) -> tuple[Result, np.ndarray]:
        """The runs of all neurons as a result with a row for each, and the neuron of each, int64 (runs,)."""
        counts = result.record[f"{PREFIX}status"].counts
        each = Result(
            unfolded(result.record, self.run_schema), result.window, result.ms, mV=result.mV, measured=self.measured
        )
        return each, np.repeat(np.arange(len(counts)), counts)

    def kept(self, runs: Result) -> np.ndarray:
        """The rows in `beat_columns` of the beats of runs that a table is about, int64 (k,)."""
        raise NotImplementedError

    def points(self, result: Result) -> Columns:
        """The measured beats of n neurons, a row each: the columns of restitution.parquet."""
        runs, owner = self.runs(result)
        return points(runs, owner, self.kept(runs))

    def errors(self, run: Result, exact: Result, experiment: Experiment) -> np.ndarray:
        """Largest error of APD90; NaN if no beat has one in both, and if the neuron fails in either run."""
        error, _ = self._beat_errors(run, exact)["apd90_ms"]
        return np.where(run.failed | exact.failed, nan, error / run.ms)

    def heights(self, run: Result, exact: Result, experiment: Experiment) -> dict[str, Errors]:
        """Errors of action potentials."""
        found = self._beat_errors(run, exact)
        return {height.column: found[height.value_column] for height in self.accuracy.heights}

    def _beat_errors(self, run: Result, exact: Result) -> dict[str, Errors]:
        """As `beat_errors`, over the runs that both have."""
        (ours, owner), (theirs, other) = self.runs(run), self.runs(exact)
        rows = np.intersect1d(_keys(ours, owner), _keys(theirs, other), assume_unique=True, return_indices=True)[1:]
        ours, theirs = (replace(r, record=taken(r.record, at)) for r, at in zip((ours, theirs), rows, strict=True))
        found = {}
        for name, (errors, size) in beat_errors(ours, theirs).items():
            largest = np.full(len(run.status), nan)
            np.fmax.at(largest, owner[rows[0]], errors)
            found[name] = largest, size
        return found

    def resolution(self, experiment: Experiment) -> dict[str, float]:
        """A crossing of slopes is as close as the points are, which nobody estimates."""
        return {"unit_slope_ms": nan}

    def outcome(self, run: Result) -> np.ndarray:
        """The number of action potentials, without those of intervals that were added."""
        runs, owner = self.runs(run)
        beats = self.kept(runs)
        at = runs.beat_columns["neuron"][beats]
        counted = captured(runs.beat_columns)[beats] & (runs.record["added"][at] == 0)
        return np.bincount(owner[at[counted]], minlength=len(run.status))

    def check(
        self, experiment: Experiment, point: np.ndarray, run: Result, row: int, scipy: tuple[str, float]
    ) -> float | None:
        """Compare the end of an action potential in one run with SciPy, which begins where the cell had settled."""
        from hhcore.protocols.restitution.twin import end_error  # here, since jobs that only simulate do without SciPy

        runs, owner = self.runs(run)
        number = runs.record["number"]
        own = np.flatnonzero((owner == row) & (number == number.max(initial=0)))  # they begin in `run.final`
        return end_error(experiment, point, run.final[row], replace(runs, record=taken(runs.record, own)), scipy)

    @property
    def pacing_words(self) -> str:
        """When cells are paced, for the page."""
        raise NotImplementedError

    def facts(self, experiment: Experiment) -> Iterable[tuple[str, str]]:
        yield "Paced", f"{self.pacing_words}, {settling_words(self.settling)}"

    @property
    def run_count(self) -> int:
        """The runs of a neuron, without those that are added."""
        raise NotImplementedError

    def numbers(self, experiment: Experiment) -> float:
        return float(self.run_count * (len(RUN) + self.run_beats * (len(self.measured.columns) + 1)))

    def numerics(self, result: Result) -> dict[str, np.ndarray]:
        """The columns that say how neurons ended and how accurate they are."""
        status = np.array(STATUSES, dtype=object)[result.status]
        return {
            "status": status,
            "failed_ms": np.where(np.isin(status, FAILED), result.ended * result.ms, nan),
            "duration_error_ms": result.error * result.ms,
            "fragile": np.ma.masked_array(result.fragile == 1, np.isnan(result.fragile)),
        }

    def begun(self, experiment: Experiment, solver: Solver, points: np.ndarray, *, threads: int = 1) -> Begun:
        """A trace shows the last run that is in the config."""
        states, train = self.last_run(Cells.of(experiment, solver, points, threads))
        columns = dict(zip(experiment.quantities, points.T, strict=True))
        return Begun(replace(experiment.stimuli(columns), start=0.0, **train), states)

    def last_run(self, cells: Cells) -> tuple[np.ndarray, dict[str, float]]:
        """The states in which the last run begins, float64 (n, N), and fields of its pulse train."""
        raise NotImplementedError

    @classmethod
    def code(cls) -> tuple[Path, ...]:
        """What a beat is decides on intervals that are added."""
        own = (Path(__file__).with_name(name) for name in ("runs.py", "refine.py"))
        return *super().code(), *own, *Pacing.code(), *SteadyState.code(), Path(beats.__file__)


def _keys(runs: Result, owner: np.ndarray) -> np.ndarray:
    """What tells runs apart: the neuron, the number of the pacing, the interval. A structured array (runs,)."""
    names = {"neuron": owner, "number": runs.record["number"], "interval": runs.record["interval"]}
    keys = np.empty(len(owner), dtype=[(name, column.dtype) for name, column in names.items()])
    for name, column in names.items():
        keys[name] = column
    return keys
