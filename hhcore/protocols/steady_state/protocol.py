"""Pacing at a steady state: each cell is paced until its state repeats, and then the beats are kept."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple, dataclass, replace
from math import inf
from pathlib import Path

import numpy as np
import pyarrow as pa

from hhcore.experiments.experiment import Experiment
from hhcore.experiments.protocol import Begun
from hhcore.model.model import Model
from hhcore.protocols.pacing.protocol import Pacing, ends
from hhcore.protocols.steady_state.settling import (
    IRREGULAR,
    Cells,
    expected_beats,
    paced_cells,
    read_settling,
    response_words,
    settling_keys,
    settling_words,
)
from hhcore.schemes.solver import Solver
from hhcore.simulation import beat_map, linear, population, settle
from hhcore.simulation.beat_map import fixed_points, settled_cells
from hhcore.simulation.beats import captured
from hhcore.simulation.observers import Observer
from hhcore.simulation.observers.onsets import Onsets
from hhcore.simulation.result import NO_STABLE_REST, Result
from hhcore.simulation.settle import MOST_REPEAT, Paced, Settling
from hhcore.simulation.stimuli.pulse_train import PulseTrain
from hhcore.simulation.stimuli.stimulus import Stimulus

RECORDED = MOST_REPEAT + 1  # beats, unless a config says for how long: the last of a repeat may outlast it
PACED_ON = 12  # beats after Newton's method, to see whether the cell stays; a multiple of 2, 3 and 4
FINER = 1e-3  # of the tolerance, for the other way
SETTLED = "settled"  # in a record that is not stored yet: the states, float64 (n, N)
STEADY = pa.schema(
    [
        ("paced", pa.int64()),
        ("repeat", pa.int64()),
        ("residual", pa.float64()),
        ("multiplier", pa.float64()),
        ("settling_error", pa.float64()),
    ]
)
DEFINITIONS = {
    "paced_beats": ("1", "beats before those that are kept"),
    "repeat_beats": (
        "1",
        "beats after which the state repeats: 1; 2, as in alternans and 2:1; up to 4; null if it does not",
    ),
    "response": (
        "1",
        "stimuli and action potentials in these beats: `1:1`; `2:2`, alternans; `2:1`, every second stimulus is "
        f"blocked; `1:0`; `{IRREGULAR}` where the state does not repeat; null where fewer beats are kept",
    ),
    "residual": (
        "1",
        "1-norm of the change of the state over these beats, or over one where it does not repeat, each state in the "
        "unit that it has in the model",
    ),
    "multiplier": (
        "1",
        "share of a small disturbance that is left after these beats, at most: the largest size of an eigenvalue of "
        "the derivative of the state after them by the state before; conserved charges apart; null where not known",
    ),
    "settling_error_ms": (
        "ms",
        "how far apart two ways find apd90, the largest over the beats: pacing, and Newton's method on the state; null "
        "where either finds none",
    ),
}


@dataclass(frozen=True)
class SteadyState(Pacing):
    """Pacing whose beats are those of a cell that has settled.

    settling : how cells are paced before
    """

    settling: Settling = Settling()

    kind = "steady_state"
    title = "pacing at a steady state"
    self_timed = True
    supplies = ("number", "start")
    keys = Pacing.keys | settling_keys("newton")

    def __post_init__(self) -> None:
        """Pacing declares what its settings ask for; here is what settling adds."""
        super().__post_init__()
        object.__setattr__(self, "schema", pa.unify_schemas([self.schema, STEADY]))
        object.__setattr__(self, "definitions", {**self.definitions, **DEFINITIONS})

    @classmethod
    def default_for(cls, stimulus: type[Stimulus]) -> bool:
        """No: it is named in a config."""
        return False

    @classmethod
    def takes(cls, stimulus: type[Stimulus]) -> bool:
        """It takes pulses without an end."""
        return stimulus.in_currents() is PulseTrain

    @classmethod
    def read(cls, body: Mapping[str, object], model: Model, duration: float, where: str) -> "SteadyState":
        """Raises UserError for a number that is not above 0, and for a model with a formula of time."""
        protocol = super().read(body, model, duration, where)
        return replace(protocol, settling=read_settling(body, model, "newton", where))

    @classmethod
    def lasting(cls, body: Mapping[str, object], longest: Mapping[str, float], model: Model, where: str) -> float:
        """As many of the longest beats as a state may repeat after."""
        return RECORDED * longest["period"]

    @property
    def supplied(self) -> dict[str, float]:
        """Pulses that never end, from the start on."""
        return {"number": inf, "start": 0.0}

    @property
    def settings(self) -> tuple:
        return *astuple(self.settling), *super().settings

    def observers(self, experiment: Experiment) -> tuple[Observer, ...]:
        """Those of pacing, and one for the states at onsets."""
        return *super().observers(experiment), Onsets()

    @classmethod
    def code(cls) -> tuple[Path, ...]:
        """How cells settle decides on the states in which they begin."""
        own = (Path(module.__file__) for module in (settle, beat_map, linear, population))
        return *super().code(), Path(__file__).with_name("settling.py"), *own

    def begun(self, experiment: Experiment, solver: Solver, points: np.ndarray, *, threads: int = 1) -> Begun:
        """At the onset of a pulse, at a steady state."""
        cells = Cells.of(experiment, solver, points, threads)
        found = settled_cells(cells.paced, cells.states, self.settling)
        record = {
            "status": np.where(found.outcome > 0, found.outcome + NO_STABLE_REST, cells.status).astype(np.int8),
            "paced": found.beats,
            "repeat": found.repeat,
            "residual": found.residual,
            SETTLED: found.states,
        }
        return Begun(self._train(experiment, points), found.states, record)

    def _train(self, experiment: Experiment, points: np.ndarray) -> Stimulus:
        """The pulses of rows of the grid, from an onset on."""
        return replace(experiment.stimuli(dict(zip(experiment.quantities, points.T, strict=True))), start=0.0)

    def measure(
        self,
        experiment: Experiment,
        solver: Solver,
        points: np.ndarray,
        *,
        threads: int = 1,
        progress: Callable[[int], None] | None = None,
    ) -> Result:
        """The beats at the steady state, and what becomes of them if it is found in the other way."""
        run = super().measure(experiment, solver, points, threads=threads, progress=progress)
        rows = np.flatnonzero((run.record["repeat"] > 0) & ~run.failed)
        multiplier, difference = np.full((2, len(points)), np.nan)
        if len(rows):
            cells = paced_cells(experiment, solver, points[rows], threads).with_fields(start=0.0)
            multiplier[rows], other = self._other_way(cells, run.record[SETTLED][rows], run.record["repeat"][rows])
            begun = Begun(self._train(experiment, points[rows]), other)
            again = self.run(experiment, solver, points[rows], begun, threads=threads)
            difference[rows] = _largest_difference(run, again, rows)
        return run.adding(multiplier=multiplier, settling_error=difference)

    def _other_way(self, cells: Paced, states: np.ndarray, repeat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Multipliers, float64 (n,), and states by the other way than the one that is asked for, float64 (n, N)."""
        if self.settling.newton:
            found = fixed_points(cells, states, repeat, np.inf)
            return found.multiplier, cells.onsets(states, PACED_ON)[0][:, -1]
        found = fixed_points(cells, states, repeat, FINER * self.settling.tolerance)
        return found.multiplier, found.states

    def columns(self, result: Result) -> dict[str, np.ndarray]:
        record = result.record
        repeat = np.where(result.failed, 0, record["repeat"])
        return super().columns(result) | {
            "paced_beats": np.ma.masked_array(record["paced"], result.failed),
            "repeat_beats": np.ma.masked_array(repeat, repeat == 0),
            "response": responses(repeat, result.beat_columns, result.beat_offsets, result.failed),
            "residual": np.where(result.failed, np.nan, record["residual"]),
            "multiplier": record["multiplier"],
            "settling_error_ms": record["settling_error"],
        }

    def facts(self, experiment: Experiment) -> Iterable[tuple[str, str]]:
        yield "Paced before", settling_words(self.settling)

    def simulated_ms(self, experiment: Experiment) -> float:
        longest = ends(experiment)["period"][1] * experiment.model.ms
        return super().simulated_ms(experiment) + longest * expected_beats(self.settling)


def _largest_difference(run: Result, other: Result, rows: np.ndarray) -> np.ndarray:
    """How far apart the durations of the beats of some neurons are in another run of these, float64 (k,) [ms]."""
    ours, theirs = run.beat_columns, other.beat_columns
    of_rows = np.isin(ours["neuron"], rows)
    apart = np.abs(ours["apd90_ms"][of_rows] - theirs["apd90_ms"])
    return np.fmax.reduceat(apart, other.beat_offsets[:-1])


def responses(
    repeat: np.ndarray, beats: Mapping[str, np.ndarray], offsets: np.ndarray, failed: np.ndarray
) -> np.ndarray:
    """`stimuli:action potentials` of the beats after which each of n cells repeats, the first that are kept.

    repeat : int64 (n,), 0 where it does not; beats : columns of hhcore.simulation.beats; offsets : int64 (n + 1,)
    """
    fired = np.r_[0, np.cumsum(captured(beats))]
    first = offsets[:-1]
    last = np.minimum(first + repeat, offsets[1:])
    unknown = failed | (first + repeat > offsets[1:])
    return np.where(unknown, None, response_words(repeat, fired[last] - fired[first]))
