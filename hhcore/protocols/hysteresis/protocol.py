"""Hysteresis: neurons are held at one amplitude after the other, up and then down, each begun where the last ended.

Both edges are found apart from these levels: where rest is no longer stable, and where firing ends.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import inf, nan
from pathlib import Path

import numpy as np
import pyarrow as pa

from hhcore.base.checks import Key, quoted
from hhcore.base.errors import UserError, collected
from hhcore.base.units import column_name, pretty_unit, to_unit
from hhcore.compile.parts import COMMAND
from hhcore.experiments.experiment import Experiment
from hhcore.experiments.protocol import Begun, Protocol
from hhcore.grid.listed import check_different, read_list
from hhcore.model.autonomous import check_autonomous
from hhcore.model.model import NOTHING, Model
from hhcore.protocols.hysteresis.cycles import Counted
from hhcore.protocols.hysteresis.definitions import EDGE_ERROR, definitions
from hhcore.protocols.hysteresis.levels import FIRING_ENDS, NEVER, THROUGHOUT, Levels, course, firing_end
from hhcore.protocols.hysteresis.resting import ENDS, NONE, follow
from hhcore.protocols.hysteresis.resting import THROUGHOUT as RESTS_ON
from hhcore.schemes.solver import Solver
from hhcore.simulation import linear, population, settle
from hhcore.simulation.features import FAILED
from hhcore.simulation.initial import read_start
from hhcore.simulation.observers import Extremes, Observer, Spikes
from hhcore.simulation.rest import initial_states
from hhcore.simulation.result import NO_STABLE_REST, STATUSES, Ragged, Record, Result, joined
from hhcore.simulation.search import firing, scale
from hhcore.simulation.stimuli.step import Step
from hhcore.simulation.stimuli.stimulus import Stimulus

PREFIX = "level_"  # of their columns in the store
BLOCK = 256  # neurons at a time
OF_LEVELS = ("rate", "spikes", "peak", "trough", "fires")
SEARCHES = 60  # levels, about, that take as long as the search for the end of firing
LOOSE = 0.1  # of an edge: one that is known no better says nothing of what lies between both


@dataclass(frozen=True)
class Hysteresis(Protocol):
    """Levels of current, up and down.

    amplitudes : of the levels, from low to high, in the unit of the model's current
    hold       : how long each lasts
    unit       : of the current
    """

    amplitudes: tuple[float, ...]
    hold: float
    unit: str = ""

    kind = "hysteresis"
    title = "hysteresis"
    self_timed = True
    supplies = ("amplitude", "start", "stop", "holding")
    ignores = {
        "duration": "each level lasts `hold`",
        "analysis_window": "rates are those of the second half of each level",
    }
    keys = {
        "amplitudes": Key(
            "the levels of current; they come from low to high, then from high to low",
            "amplitudes: {linspace: [0, 12, 49]}",
            required=True,
            elsewhere=dict.fromkeys(("levels", "currents", "steps", "amps"), "`amplitudes: [...]`"),
        ),
        "hold": Key(
            "how long each level lasts",
            "hold: 500 ms",
            required=True,
            unit="time",
            elsewhere=dict.fromkeys(("dwell", "step_duration", "per_level"), "`hold: 500 ms`"),
        ),
    }
    schema = pa.schema(
        [
            *(pa.field(PREFIX + name, pa.large_list(pa.float64()), metadata={"width": "1"}) for name in OF_LEVELS),
            *((name, pa.int64()) for name in ("rest_ends", "firing_ends")),
            *((name, pa.float64()) for name in ("rest_until", "rest_frequency", "rest_again")),
            *((name, pa.float64()) for name in ("firing_from", "firing_off", "firing_period")),
        ]
    )
    accuracy = EDGE_ERROR

    def __post_init__(self) -> None:
        """The unit of the current is in the names of columns."""
        own = {
            "definitions": definitions(self.unit),
            "headline": (column_name("bistable_width", self.unit), "Width of the bistable range", self.unit),
        }
        for name, value in own.items():
            object.__setattr__(self, name, value)

    @classmethod
    def takes(cls, stimulus: type[Stimulus]) -> bool:
        """It takes a step."""
        return stimulus.in_currents() is Step and stimulus.acts != COMMAND

    @classmethod
    def read(cls, body: Mapping[str, object], model: Model, duration: float, where: str) -> "Hysteresis":
        """Raises UserError for values that are not legal, and for a model that depends on time or takes no current."""
        check_autonomous(model, where)
        if model.current.name == NOTHING:
            raise UserError(f"{where}.kind: nothing is injected into {model.name!r}; name a `current`")
        with collected() as noted:
            with noted():
                amplitudes = _amplitudes(body["amplitudes"], model, f"{where}.amplitudes")
            with noted():
                hold = cls.lasting(body, {}, model, where)
        return cls(amplitudes, hold, model.current.unit)

    @classmethod
    def lasting(cls, body: Mapping[str, object], longest: Mapping[str, float], model: Model, where: str) -> float:
        """One level."""
        hold = to_unit(body["hold"], model.time_unit, f"{where}.hold")
        if hold <= 0:
            raise UserError(
                f"{where}.hold: {quoted(body['hold'])} is not above 0 {model.time_unit}; give a time, like 500"
            )
        return hold

    @property
    def supplied(self) -> dict[str, float]:
        """The highest level, from the start on."""
        return {"amplitude": max(self.amplitudes, key=abs), "start": 0.0}

    @property
    def levels(self) -> np.ndarray:
        """The amplitudes in the order in which they come, float64 (levels,)."""
        return np.r_[self.amplitudes, self.amplitudes[::-1]]

    def observers(self, experiment: Experiment) -> tuple[Observer, ...]:
        """Spikes, and the extremes of the second half."""
        e = experiment
        return Spikes(e.threshold, e.rearm), Extremes(self.hold / 2)

    def neurons(
        self, experiment: Experiment, solver: Solver, points: np.ndarray, threads: int
    ) -> tuple[Counted, np.ndarray, np.ndarray]:
        """The neurons of rows of `Experiment.points`; the states in which they begin, float64 (n, N); their status."""
        e, (rows, start) = experiment, experiment.parts(points)
        counts = {"neuron": np.arange(len(rows)), "steps": np.zeros(len(rows)), "seconds": []}
        neurons = Counted(e.engine(solver.method), rows, solver.accuracy, threads, **counts)
        neurons = neurons.with_fields(amplitude=self.amplitudes[0], start=0.0, stop=inf)
        states, status = initial_states(
            neurons.engine, neurons.engine.arguments(neurons.points, self.hold), read_start(e.model, start)
        )
        return neurons, states, status

    def measure(
        self,
        experiment: Experiment,
        solver: Solver,
        points: np.ndarray,
        *,
        threads: int = 1,
        progress: Callable[[int], None] | None = None,
    ) -> Result:
        """All neurons, so many side by side that they fit into memory."""
        records, total = [], 0.0
        for first in range(0, max(len(points), 1), BLOCK):
            some = points[first : first + BLOCK]
            record, seconds = self._recorded(experiment, solver, some, threads)
            records.append(record)
            total += seconds
            if progress is not None:
                progress(len(some))
        return Result(joined(records), experiment.analysis_window, experiment.model.ms, total, mV=experiment.model.mV)

    def _recorded(
        self, experiment: Experiment, solver: Solver, points: np.ndarray, threads: int
    ) -> tuple[Record, float]:
        """All levels of some neurons, then the edges: their record, and seconds of core time."""
        neurons, states, status = self.neurons(experiment, solver, points, threads)
        lowest, highest = self.amplitudes[0], self.amplitudes[-1]
        levels, fires, final = course(neurons, states, self.levels, self.hold)
        rest = follow(neurons, states, lowest, highest)
        end = firing_end(neurons, solver.method, fires, lowest, self.hold)
        counts = np.full(len(points), len(self.levels))
        record = {PREFIX + name: Ragged.of(_numbers(levels, name), counts) for name in OF_LEVELS}
        record |= {"rest_ends": rest.ends, "rest_until": rest.until, "rest_again": rest.again}
        record |= {"rest_frequency": rest.frequency, "firing_ends": end.ends, "firing_from": end.current}
        record |= {"firing_off": end.error, "firing_period": end.period}
        failed = np.where(levels.outcome > 0, levels.outcome + NO_STABLE_REST, status).astype(np.int8)
        record |= {"status": failed, "ended": levels.ended, "steps": neurons.steps, "final": final}
        return record, sum(neurons.seconds)

    def begun(self, experiment: Experiment, solver: Solver, points: np.ndarray, *, threads: int = 1) -> Begun:
        """A trace shows the highest level, after all below it."""
        neurons, states, status = self.neurons(experiment, solver, points, threads)
        _, _, final = course(neurons, states, np.array(self.amplitudes[:-1]), self.hold)
        return Begun(Step(np.full(len(points), self.amplitudes[-1])), final, {"status": status})

    # --- what is made of them

    def of_levels(self, result: Result, name: str) -> np.ndarray:
        """One of OF_LEVELS, float64 (n, levels)."""
        return result.record[PREFIX + name].values.reshape(len(result.status), len(self.levels))

    def errors(self, run: Result, exact: Result, experiment: Experiment) -> np.ndarray:
        """The larger relative difference of both edges, float64 (n,); NaN without one."""
        with np.errstate(all="ignore"):
            apart = [
                np.abs(run.record[name] - exact.record[name]) / np.abs(exact.record[name])
                for name in ("firing_from", "rest_until")
            ]
        return np.where(run.failed | exact.failed, nan, np.fmax(*apart))

    def outcome(self, run: Result) -> np.ndarray:
        """The levels at whose end it fires on."""
        return self.of_levels(run, "fires").astype(np.int64).sum(axis=1)

    def columns(self, result: Result) -> dict[str, np.ndarray]:
        record, failed = result.record, result.failed
        firing_from, until = (np.where(failed, nan, record[name]) for name in ("firing_from", "rest_until"))
        words = bistability(record["rest_ends"], record["firing_ends"], until, firing_from, record["firing_off"])
        words = np.where(failed, "failed", words)
        bistable = words == "bistable"
        values = [firing_from, record["firing_off"], until, record["rest_again"], until - firing_from]
        edges = dict(zip(definitions(self.unit), values, strict=False))
        edges = {name: np.where(failed, nan, values) for name, values in edges.items()}
        width = column_name("bistable_width", self.unit)
        edges[width] = np.where(bistable, edges[width], np.where(words == "one_state", 0.0, nan))
        status = np.array(STATUSES, dtype=object)[result.status]
        return edges | {
            "bistability": words.astype(object),
            "rest_ends": np.array(ENDS, dtype=object)[record["rest_ends"]],
            "firing_ends": np.array(FIRING_ENDS, dtype=object)[record["firing_ends"]],
            "rest_frequency_Hz": np.where(failed, nan, record["rest_frequency"] * 1000 / result.ms),
            "firing_frequency_Hz": np.where(failed, nan, 1000 / (record["firing_period"] * result.ms)),
            "firing_levels": np.ma.masked_array(self.outcome(result), failed),
            "status": status,
            "failed_ms": np.where(np.isin(status, FAILED), result.ended * result.ms, nan),
            "edge_error_ppm": result.error * 1e6,
            "fragile": np.ma.masked_array(result.fragile == 1, np.isnan(result.fragile)),
        }

    def facts(self, experiment: Experiment) -> Iterable[tuple[str, str]]:
        count, unit = len(self.amplitudes), pretty_unit(self.unit)
        yield "Levels", f"{count:,} from {self.amplitudes[0]:g} to {self.amplitudes[-1]:g} {unit}, up and then down"
        yield "Each level", f"lasts {self.hold:g} {experiment.model.time_unit}, and begins where the last one ended"

    def simulated_ms(self, experiment: Experiment) -> float:
        """All levels, and the search for the end of firing."""
        return (len(self.levels) + SEARCHES) * self.hold * experiment.model.ms

    def numbers(self, experiment: Experiment) -> float:
        return float(len(OF_LEVELS) * len(self.levels) + len(self.schema))

    @classmethod
    def code(cls) -> tuple[Path, ...]:
        """How levels follow each other, and how edges are found."""
        own = (Path(__file__).with_name(name) for name in ("levels.py", "cycles.py", "resting.py"))
        return *super().code(), *own, *(Path(module.__file__) for module in (population, settle, linear, firing, scale))


def _numbers(levels: Levels, name: str) -> np.ndarray:
    """One of OF_LEVELS for all levels of all neurons, float64 (n * levels,)."""
    return getattr(levels, name).astype(np.float64).ravel()


def bistability(
    rest_ends: np.ndarray, firing_ends: np.ndarray, until: np.ndarray, firing_from: np.ndarray, off: np.ndarray
) -> np.ndarray:
    """A word of BISTABILITY for each of n neurons."""
    with np.errstate(invalid="ignore"):
        close = np.abs(until - firing_from) <= off
    return np.select(
        [
            firing_ends == NEVER,
            rest_ends == NONE,
            firing_ends == THROUGHOUT,
            rest_ends == RESTS_ON,
            close & (off > LOOSE * np.abs(until)),
            close,
            firing_from < until,
        ],
        ["never_fires", "never_rests", "fires_throughout", "rests_throughout", "unresolved", "one_state", "bistable"],
        "apart",
    )


def _amplitudes(value: object, model: Model, where: str) -> tuple[float, ...]:
    """The levels from low to high. Raises UserError for other than two different ones or more."""
    found = read_list(value, model.current.unit, where, "currents", "{linspace: [0, 12, 49]}")
    if len(found) < 2:
        raise UserError(f"{where}: {quoted(value)} is not a way up; give two levels at least, like [0, 12]")
    check_different(found, "each level comes up and down by itself", where)
    return tuple(sorted(found))
