"""Phase response: a neuron that fires periodically is kicked at each phase of its cycle."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from hhcore.base.checks import Key, quoted
from hhcore.base.errors import UserError, collected
from hhcore.base.units import pretty_unit, to_unit
from hhcore.compile.parts import HOLDING
from hhcore.experiments.experiment import Experiment
from hhcore.experiments.protocol import Accuracy, Protocol
from hhcore.model.autonomous import check_autonomous
from hhcore.model.model import Model
from hhcore.protocols.phase_response import cycle
from hhcore.protocols.phase_response.curves import CURVES, curve_columns
from hhcore.protocols.phase_response.cycle import DRIFTING, PERIODIC, Cycles
from hhcore.protocols.phase_response.kicks import SHIFTED, SMALL, Kicked, responses
from hhcore.schemes.solver import Solver
from hhcore.simulation import population
from hhcore.simulation.features import FAILED
from hhcore.simulation.initial import read_start
from hhcore.simulation.observers import Observer, Spikes
from hhcore.simulation.population import Population
from hhcore.simulation.rest import initial_states
from hhcore.simulation.result import NO_STABLE_REST, STATUSES, Ragged, Result
from hhcore.simulation.search import firing
from hhcore.simulation.stimuli.step import Step
from hhcore.simulation.stimuli.stimulus import Stimulus

PHASES, KICK_MV = 100, 0.1
MOST_PHASES = 10_000
CYCLES_MS = 60.0  # of a run after a kick, about, to estimate what it costs
RESPONSE_ERROR = Accuracy(
    label="Response error",
    column="response_error_per_mV",
    unit="cycles/mV",
    tolerance=(
        "1/mV",
        1e-9,
        0.1,
        "between 1e-9 and 0.1 cycles/mV; it is the largest error of a response, such as 1e-6",
    ),
    factor=1.0,
    meaning="largest difference of a response from the reference, to the kick or infinitesimal; one that only one of "
    "them has counts as half a cycle; null without a cycle",
    outcome="shift_count",
    outcome_meaning="phases at which the kick shifts the cycle; 0 without a cycle",
    reference_meaning="phases at which the kick shifts the cycle, of the reference",
    fragile_meaning="whether the number of shifts depends on the accuracy, or it cannot be certified",
    missing="no cycle",
    none="none fires",
    nothing="No neuron of the sample fires periodically: no responses to judge solvers by.",
)
NUMERICS = {
    "status": ("1", "how the neuron ended: ok, no_stable_rest, diverged, stalled"),
    "failed_ms": ("ms", "time at which the run to the cycle failed; null if it did not"),
    "response_error_per_mV": ("cycles/mV", "estimated largest error of a response; null where it was not estimated"),
    "fragile": (
        "1",
        "whether the number of shifts depends on the accuracy, or cannot be certified; null where it was not tested",
    ),
}
LISTS = ("potential", "shift", "kick_outcome", "slope", "slope_error")  # columns with a number for each phase


@dataclass(frozen=True)
class PhaseResponse(Protocol):
    """Kicks at equally spaced phases.

    phases : how many
    kick   : instant displacement of the potential, in the model's unit
    """

    phases: int = PHASES
    kick: float = KICK_MV

    kind = "phase_response"
    title = "phase response"
    supplies = ("start", "stop")
    ignores = {"analysis_window": "phase response is about the cycle at the end of the duration"}
    keys = {
        "phases": Key(
            "how many equally spaced phases of the cycle are kicked",
            "phases: 100",
            otherwise=f"{PHASES}",
            elsewhere=dict.fromkeys(("n", "points", "n_phases", "steps"), "`phases: 100`"),
        ),
        "kick": Key(
            "instant displacement of the potential, of either sign",
            "kick: 0.1 mV",
            otherwise=f"{KICK_MV:g} mV",
            unit="potential",
            elsewhere=dict.fromkeys(("displacement", "dV", "amplitude", "perturbation"), "`kick: 0.1 mV`"),
        ),
    }
    schema = pa.schema(
        [
            ("cycle", pa.int64()),
            ("cycle_spikes", pa.int64()),
            ("period", pa.float64()),
            ("residual", pa.float64()),
            *(pa.field(name, pa.large_list(pa.float64()), metadata={"width": "1"}) for name in LISTS),
        ]
    )
    accuracy = RESPONSE_ERROR
    definitions = CURVES | NUMERICS
    headline = ("delay_share", "Largest delay per largest advance", "1")

    @classmethod
    def takes(cls, stimulus: type[Stimulus]) -> bool:
        """It takes a step, which lasts: a constant current."""
        return stimulus.in_currents() is Step

    @classmethod
    def read(cls, body: Mapping[str, object], model: Model, duration: float, where: str) -> "PhaseResponse":
        """Raises UserError for values that are not legal, and for a model with a formula of time."""
        found: dict[str, float] = {"kick": KICK_MV / model.mV}
        with collected() as noted:
            with noted():
                check_autonomous(model, where)
            with noted():
                if "phases" in body:
                    found["phases"] = _phases(body["phases"], f"{where}.phases")
            with noted():
                if "kick" in body:
                    found["kick"] = _kick(body["kick"], model, f"{where}.kick")
        return cls(**found)

    def observers(self, experiment: Experiment) -> tuple[Observer, ...]:
        """Spikes."""
        return (Spikes(experiment.threshold, experiment.rearm),)

    def measure(
        self,
        experiment: Experiment,
        solver: Solver,
        points: np.ndarray,
        *,
        threads: int = 1,
        progress: Callable[[int], None] | None = None,
    ) -> Result:
        """Run neurons to their cycles, then kick all of them at all phases side by side."""
        e, (rows, start) = experiment, experiment.parts(points)
        neurons = Population(e.engine(solver.method), rows, solver.accuracy, threads)
        states, status = initial_states(
            neurons.engine, neurons.engine.arguments(rows, e.duration), read_start(e.model, start)
        )
        cycles, seconds = Cycles.after(neurons, states, e.duration)
        n = len(rows)
        record = {
            "status": np.where(cycles.outcome > 0, cycles.outcome + NO_STABLE_REST, status).astype(np.int8),
            "ended": cycles.ended,
            "steps": cycles.steps.copy(),
            "final": cycles.final.copy(),
            "cycle": cycles.kind.copy(),
            "cycle_spikes": cycles.spikes,
            "period": cycles.period,
            "residual": np.full(n, np.nan),
        }
        lists = {name: np.full((n, self.phases), np.nan) for name in LISTS}
        for spikes in np.unique(cycles.spikes[cycles.kind == PERIODIC]).tolist():
            some = np.flatnonzero((cycles.kind == PERIODIC) & (cycles.spikes == spikes))
            seconds += self._kicked(e, solver, neurons.of(some), cycles.of(some), some, record, lists)
        if progress is not None:
            progress(n)
        counts = np.full(n, self.phases)
        record |= {name: Ragged.of(values.ravel(), counts) for name, values in lists.items()}
        return Result(record, e.analysis_window, e.model.ms, seconds, mV=e.model.mV)

    def _kicked(
        self,
        e: Experiment,
        solver: Solver,
        neurons: Population,
        cycles: Cycles,
        rows: np.ndarray,
        record: dict[str, np.ndarray],
        lists: dict[str, np.ndarray],
    ) -> float:
        """Kick neurons with equally many spikes in a cycle, and note what they do in their `rows`, int64 (k,).

        Returns seconds of core time.
        """
        potential = list(e.model.states).index(e.model.potential)
        level = neurons.values("amplitude") + neurons.values(HOLDING)
        states = cycle.along(neurons, solver.method, level, cycles, self.phases)
        residual = cycle.residuals(states)
        record["residual"][rows] = residual
        closed = residual <= cycle.CLOSED
        record["cycle"][rows[~closed]] = DRIFTING
        rows, neurons, cycles, states = rows[closed], neurons.of(closed), cycles.of(closed), states[closed, :-1]
        if not len(rows):
            return 0.0
        record["final"][rows] = states[:, 0]
        kicked = Kicked(neurons, cycles.period, int(cycles.spikes[0]), e.duration, states[:, 0])
        found = responses(kicked, states, self.kick, potential)
        record["steps"][rows] += kicked.steps
        columns = states[:, :, potential], found.shift, found.outcome, found.slope, found.error
        for name, values in zip(LISTS, columns, strict=True):
            lists[name][rows] = values
        return sum(kicked.seconds)

    # --- what is made of responses

    def lists(self, result: Result) -> dict[str, np.ndarray]:
        """The columns with a number for each phase, float64 (n, phases) each, in the units of the model."""
        return {name: result.record[name].values.reshape(-1, self.phases) for name in LISTS}

    def errors(self, run: Result, exact: Result, experiment: Experiment) -> np.ndarray:
        """Largest difference of a response, in cycles/mV; NaN without any, and if the neuron fails in either run.

        A response that only one of both has counts as half a cycle.
        """
        ours, theirs = self.lists(run), self.lists(exact)
        shift = np.abs(ours["shift"] - theirs["shift"])
        shift = np.minimum(shift, 1.0 - shift)
        shift = np.where(np.isfinite(ours["shift"]) != np.isfinite(theirs["shift"]), 0.5, shift) / abs(self.kick)
        slope = np.abs(ours["slope"] - theirs["slope"])
        largest = np.fmax(np.fmax.reduce(shift, axis=1), np.fmax.reduce(slope, axis=1)) / experiment.model.mV
        return np.where(run.failed | exact.failed, np.nan, largest)

    def outcome(self, run: Result) -> np.ndarray:
        """At how many phases the kick shifts the cycle."""
        return (self.lists(run)["kick_outcome"] == SHIFTED).sum(axis=1)

    def check(
        self, experiment: Experiment, point: np.ndarray, run: Result, row: int, scipy: tuple[str, float]
    ) -> float | None:
        """Compare the largest response to the kick with SciPy, in cycles/mV."""
        from hhcore.protocols.phase_response.twin import shift  # here, since jobs that only simulate do without SciPy

        ours = self.lists(run)["shift"][row]
        if not np.isfinite(ours).any():
            return None
        largest = int(np.nanargmax(np.abs(ours)))
        period, spikes = float(run.record["period"][row]), int(run.record["cycle_spikes"][row])
        cycle = run.final[row], largest / self.phases, period, spikes
        theirs = shift(experiment, point, *cycle, self.kick, scipy)
        if theirs is None:
            return None
        apart = abs(float(ours[largest]) - theirs) % 1.0
        return min(apart, 1.0 - apart) / abs(self.kick * experiment.model.mV)

    def columns(self, result: Result) -> dict[str, np.ndarray]:
        """The cycle, what the curves come down to, and how the neuron ended."""
        record, lists = result.record, self.lists(result)
        status = np.array(STATUSES, dtype=object)[result.status]
        return curve_columns(record, lists, self.kick, result.ms, result.mV) | {
            "status": status,
            "failed_ms": np.where(np.isin(status, FAILED), result.ended * result.ms, np.nan),
            "response_error_per_mV": result.error,
            "fragile": np.ma.masked_array(result.fragile == 1, np.isnan(result.fragile)),
        }

    def size(self, unit: str) -> str:
        """The kick as text; `unit` : of the potential, `1` without dimension."""
        return f"{self.kick:g}" if unit == "1" else f"{self.kick:g} {pretty_unit(unit)}"

    def facts(self, experiment: Experiment) -> Iterable[tuple[str, str]]:
        unit = experiment.model.states[experiment.model.potential].unit
        yield "Kicked", f"by {self.size(unit)} at {self.phases:,} phases of the cycle after the duration"
        yield "Infinitesimal response", "extrapolated from small kicks of both signs and three sizes"

    def simulated_ms(self, experiment: Experiment) -> float:
        """The run to the cycle, and a few cycles after each kick."""
        return experiment.duration * experiment.model.ms + (1 + 2 * len(SMALL)) * self.phases * CYCLES_MS

    def numbers(self, experiment: Experiment) -> float:
        """Lists have a number for each phase."""
        return float(len(self.schema) + len(LISTS) * self.phases)

    @classmethod
    def code(cls) -> tuple[Path, ...]:
        """How a cycle is recognised, and how neurons are kicked."""
        own = (Path(__file__).with_name(name) for name in ("cycle.py", "kicks.py"))
        return *super().code(), *own, Path(population.__file__), Path(firing.__file__)


def _phases(value: object, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 3 <= value <= MOST_PHASES:
        raise UserError(f"{where}: {quoted(value)} is not a whole number from 3 to {MOST_PHASES:,}, like 100")
    return value


def _kick(value: object, model: Model, where: str) -> float:
    unit = model.states[model.potential].unit
    kick = to_unit(value, unit, where)
    if kick == 0 or not np.isfinite(kick):
        raise UserError(
            f"{where}: {quoted(value)} does not displace the potential; give one of either sign, like 0.1 mV"
        )
    return kick
