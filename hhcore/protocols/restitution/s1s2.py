"""S1-S2: cells settle at the period of the train (S1), then one premature pulse (S2) comes after each interval."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from hhcore.base.checks import Key
from hhcore.base.errors import UserError
from hhcore.experiments.experiment import Experiment
from hhcore.grid.listed import check_different, listed, read_time, read_times, widest
from hhcore.model.model import Model
from hhcore.protocols.pacing.protocol import ends
from hhcore.protocols.restitution.keys import read_common
from hhcore.protocols.restitution.points import OF_S1S2, SLOPES, Columns, of_neurons, slopes
from hhcore.protocols.restitution.protocol import NUMERICS, Recorded, Restitution
from hhcore.protocols.restitution.refine import CLOSEST_MS, Intervals, Responses
from hhcore.protocols.restitution.runs import PREFIX
from hhcore.protocols.steady_state.settling import Cells, expected_beats, settling_keys
from hhcore.schemes.solver import Solver
from hhcore.simulation.beat_map import settled_cells
from hhcore.simulation.result import Result
from hhcore.simulation.settle import Paced, Settled

WAY = "newton"  # in which cells settle
BEATS = 2  # of a run: the last of S1, and S2


@dataclass(frozen=True)
class S1S2(Restitution):
    """S1-S2 restitution.

    intervals : from the onset of S1 to that of S2 (coupling intervals)
    refine    : difference of APD90 above which an interval is added between two neighbours; None: none is
    capture   : how closely the shortest interval that captures is found; None: it is one of the others
    """

    intervals: tuple[float, ...]
    refine: float | None = None
    capture: float | None = None

    kind = "s1s2"
    title = "S1-S2 restitution"
    keys = (
        Restitution.keys
        | settling_keys(WAY)
        | {
            "intervals": Key(
                "from the onset of S1 to that of S2",
                "intervals: {range: [1000, 300, -10]}",
                required=True,
                elsewhere=dict.fromkeys(("CI", "CI0", "CI1", "coupling_intervals", "s2", "S2"), "`intervals: [...]`"),
            ),
            "refine": Key(
                "difference of the APD90 of neighbours above which an interval is added between them",
                "refine: 5 ms",
                otherwise="none is added",
                unit="time",
            ),
            "capture": Key(
                "how closely the shortest interval that captures is searched",
                "capture: 0.1 ms",
                otherwise="it is one of the intervals",
                unit="time",
            ),
        }
    )
    definitions = {
        "shortest_interval_ms": (
            "ms",
            "shortest interval that captures: the effective refractory period, within `capture` if that is given; null "
            "if none captures",
        ),
        **SLOPES,
        **NUMERICS,
    }
    run_beats = BEATS
    axis_label = "Interval from S1 to S2 (ms)"
    own_fields = OF_S1S2
    headline = ("shortest_interval_ms", "Shortest interval that captures", "ms")

    @classmethod
    def read(cls, body: Mapping[str, object], model: Model, duration: float, where: str) -> "S1S2":
        """Raises UserError for values that are not legal, and for intervals that the run does not hold."""
        settling, pacing = read_common(body, model, WAY, where)
        intervals = read_times(body["intervals"], model, f"{where}.intervals")
        steps = {
            name: read_time(body[name], model, f"{where}.{name}") for name in ("refine", "capture") if name in body
        }
        check_different(intervals, "each begins in the same state", f"{where}.intervals")
        if max(intervals) >= duration:
            raise UserError(
                f"{where}.intervals: {max(intervals):g} is not below the duration, {duration:g} {model.time_unit}, in "
                "which S2 and its action potential have to fit; give a longer duration"
            )
        return cls(settling, pacing, tuple(sorted(intervals, reverse=True)), **steps)

    @classmethod
    def lasting(cls, body: Mapping[str, object], longest: Mapping[str, float], model: Model, where: str) -> float:
        """The longest interval, and a period for the action potential of S2."""
        return max(read_times(body["intervals"], model, f"{where}.intervals")) + longest["period"]

    def check_stimuli(self, highest: Mapping[str, float], model: Model, duration: float, where: str) -> None:
        """Raise UserError if pulses would overlap, or S2 would not end within the run."""
        unit, width = model.time_unit, highest.get("width", 0.0)
        if width > min(self.intervals):
            raise UserError(
                f"{where}.intervals: {min(self.intervals):g} {unit} is shorter than a pulse, {width:g} {unit}; give "
                "longer intervals or shorter pulses"
            )
        if max(self.intervals) + width > duration:
            raise UserError(
                f"{where}.intervals: S2 after {max(self.intervals):g} {unit} does not end within the duration, "
                f"{duration:g} {unit}; give a longer one"
            )

    def measure(
        self,
        experiment: Experiment,
        solver: Solver,
        points: np.ndarray,
        *,
        threads: int = 1,
        progress: Callable[[int], None] | None = None,
    ) -> Result:
        """Settle, then record the intervals of all neurons side by side, then those that are added."""
        e, n = experiment, len(points)
        cells = Cells.of(e, solver, points, threads)
        begun, recorded, responses = settled_cells(cells.paced, cells.states, self.settling), [], []
        tried = np.repeat(np.arange(n), len(self.intervals)), np.tile(self.intervals, n)
        while len(tried[0]):
            recorded.append(self._record(e, cells, begun, *tried, added=bool(recorded)))
            responses.append(self._responses(e, recorded[-1]))
            tried = self._further(Responses.joined(responses), cells.paced, e.model.ms)
        if progress is not None:
            progress(n)
        return self.result(e, cells, begun.states, recorded)

    def last_run(self, cells: Cells) -> tuple[np.ndarray, dict[str, float]]:
        """S1, and S2 after the shortest interval."""
        settled = settled_cells(cells.paced, cells.states, self.settling)
        return settled.states, {"period": min(self.intervals), "number": BEATS}

    def _record(
        self, e: Experiment, cells: Cells, settled: Settled, rows: np.ndarray, intervals: np.ndarray, added: bool
    ) -> Recorded:
        """A run of the cells `rows`, int64 (k,), for each of the intervals, float64 (k,)."""
        pair = cells.paced.of(rows).with_fields(period=intervals, number=BEATS, start=0.0)
        columns = {
            "number": np.zeros(len(rows), dtype=np.int64),
            "cycle_length": cells.paced.values("period")[rows],
            "interval": intervals,
            "added": np.full(len(rows), int(added)),
        }
        return self.recorded(pair, rows, settled, e.duration, **columns)

    def _responses(self, e: Experiment, recorded: Recorded) -> Responses:
        runs = Result(recorded.record, e.analysis_window, e.model.ms, mV=e.model.mV, measured=self.measured)
        return Responses.of(recorded.cell, recorded.record["interval"], runs)

    def _further(self, known: Responses, paced: Paced, ms: float) -> Intervals:
        """The intervals to try next."""
        found = [known.between(self.refine * ms, CLOSEST_MS / ms)] if self.refine else []
        ends = paced.values("width"), paced.values("period")
        found += [known.at_capture(self.capture, *ends)] if self.capture else []
        neuron, interval = ([part[i] for part in found] for i in (0, 1))
        return np.concatenate([np.zeros(0, np.int64), *neuron]), np.concatenate([np.zeros(0), *interval])

    def kept(self, runs: Result) -> np.ndarray:
        """S2."""
        return np.arange(1, len(runs.beat_values), BEATS)

    def points(self, result: Result) -> Columns:
        """As of all, and which intervals were added."""
        added = result.record[f"{PREFIX}added"].values == 1  # a beat of each run
        return super().points(result) | {"refined": added}

    def resolution(self, experiment: Experiment) -> dict[str, float]:
        """The end of capture lies within `capture`, or between two of the intervals."""
        step = self.capture or widest(self.intervals)
        return super().resolution(experiment) | {"shortest_interval_ms": step * experiment.model.ms}

    def columns(self, result: Result) -> Columns:
        table, n = self.points(result), len(result.status)
        shortest = of_neurons(np.fmin, table, "interval_ms", table["captured"], n)
        return {"shortest_interval_ms": shortest, **slopes(table, n), **self.numerics(result)}

    def simulated_ms(self, experiment: Experiment) -> float:
        """Pacing by S1, and a run for each interval."""
        e = experiment
        longest = ends(e)["period"][1]
        return (expected_beats(self.settling) * longest + len(self.intervals) * e.duration) * e.model.ms

    def facts(self, experiment: Experiment) -> Iterable[tuple[str, str]]:
        yield from super().facts(experiment)
        unit = experiment.model.time_unit
        yield "Intervals of S2", listed(self.intervals, unit)
        if self.refine is not None:
            yield "Intervals added", f"where the APD90 of neighbours differ by more than {self.refine:g} {unit}"
        if self.capture is not None:
            yield "Shortest that captures", f"searched to within {self.capture:g} {unit}"

    @property
    def pacing_words(self) -> str:
        return "by S1, before each interval of S2"

    @property
    def run_count(self) -> int:
        return len(self.intervals)
