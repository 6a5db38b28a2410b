"""Strength–duration: for each neuron, the least amplitude that fires at each width of a pulse.

Besides: rheobase, the threshold of a current that lasts; chronaxie, the width with which twice the rheobase is just
enough; the charge of an instant pulse. All are searched, none is interpolated.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from hhcore.base.checks import Key
from hhcore.base.errors import UserError, collected
from hhcore.experiments.experiment import Experiment
from hhcore.experiments.protocol import Begun
from hhcore.grid.listed import check_different, listed, read_times
from hhcore.model.model import Model
from hhcore.protocols.restitution import runs
from hhcore.protocols.rheobase.searching import (
    DIRECTIONS,
    KEYS,
    THRESHOLD_ERROR,
    Searching,
    found_in,
    read_search,
    relative_errors,
    status_of,
)
from hhcore.protocols.strength_duration import kept as keeping
from hhcore.protocols.strength_duration.kept import (
    ALONE,
    CHRONAXIE,
    RHEOBASE,
    SHOCKED,
    WIDE,
    Searches,
    kept,
    kept_schema,
    of_widths,
    searches,
)
from hhcore.protocols.strength_duration.tables import feature_columns, feature_definitions
from hhcore.schemes.solver import Solver
from hhcore.simulation import capacitance
from hhcore.simulation.result import Result
from hhcore.simulation.search.thresholds import NEVER, Thresholds, continued, search
from hhcore.simulation.search.trials import Tested
from hhcore.simulation.stimuli.biphasic import Biphasic
from hhcore.simulation.stimuli.checks import SHORTEST
from hhcore.simulation.stimuli.paired_pulses import PairedPulses
from hhcore.simulation.stimuli.pulse import Pulse
from hhcore.simulation.stimuli.pulse_train import PulseTrain
from hhcore.simulation.stimuli.shock import Shock
from hhcore.simulation.stimuli.step import Step
from hhcore.simulation.stimuli.stimulus import Stimulus

PULSES = (Pulse, Biphasic, PairedPulses, PulseTrain)
CLOSE = 1e-10  # the rheobase that chronaxie is about, so that it does not depend on `within`
WIDTHS = Key(
    "of the pulse, in any order: for the first phase of a biphasic one",
    "widths: {logspace: [0.01, 10, 13]}",
    required=True,
    elsewhere=dict.fromkeys(("width", "durations", "pulse_widths", "pw", "w"), "`widths: [...]`"),
)


@dataclass(frozen=True)
class StrengthDuration(Searching):
    """A search at each width, and three more.

    widths : rising, in the model's unit of time
    time_unit, pulse : that unit, and the kind of the stimulus
    """

    widths: tuple[float, ...] = ()
    time_unit: str = ""
    pulse: str = Pulse.kind

    kind = "strength_duration"
    title = "strength and duration"
    keys = {"widths": WIDTHS, **{name: KEYS[name] for name in ("within", "direction")}}
    supplies = ("amplitude", "width")
    schema = pa.unify_schemas([kept_schema(), pa.schema([("per_charge", pa.float64())])])
    accuracy = replace(
        THRESHOLD_ERROR,
        meaning="largest relative difference from the reference, of the thresholds of all widths, rheobase, chronaxie "
        "and charge; null without any",
        outcome_meaning="intervals of amplitudes that fire, as far as the searches show, summed over all widths",
    )
    definitions = feature_definitions("")
    headline = ("chronaxie_ms", "Chronaxie", "ms")

    @classmethod
    def takes(cls, stimulus: type[Stimulus]) -> bool:
        """It takes pulses that have a width."""
        return issubclass(stimulus, PULSES) and stimulus.acts == Pulse.acts

    @classmethod
    def read(cls, body: Mapping[str, object], model: Model, duration: float, where: str) -> "StrengthDuration":
        """Raises UserError for values that are not legal."""
        found: dict[str, object] = {}
        with collected() as noted:
            with noted():
                found = read_search({key: body[key] for key in ("within", "direction") if key in body}, where)
            with noted():
                found["widths"] = _widths(body, model, duration, f"{where}.widths")
        units = model.current.unit, model.states[model.potential].unit
        return cls(**found, units=units, time_unit=model.time_unit)

    def suited(self, stimulus: type[Stimulus], swept: tuple[str, ...], where: str) -> "StrengthDuration":
        """With the columns of the current."""
        found = replace(super().suited(stimulus, swept, where), pulse=stimulus.kind)
        object.__setattr__(found, "definitions", feature_definitions(found.unit))
        return found

    def check_stimuli(self, highest: Mapping[str, float], model: Model, duration: float, where: str) -> None:
        """Raise UserError for a pulse that is too short where it begins, and for a model without a current."""
        super().check_stimuli(highest, model, duration, where)
        start = highest.get("start", 0.0)
        if self.widths[0] < SHORTEST * start:
            raise UserError(
                f"{where}.widths: {self.widths[0]:g} is too short for a pulse at {start:g}, where times are rounded; "
                f"give at least {SHORTEST * start:.2g}, or an earlier start"
            )

    @property
    def supplied(self) -> dict[str, float]:
        """No current, for the longest time."""
        return {"amplitude": 0.0, "width": self.widths[-1]}

    @property
    def settings(self) -> tuple:
        """Besides those of all searches, the widths."""
        return *super().settings, *self.widths

    def measure(
        self,
        experiment: Experiment,
        solver: Solver,
        points: np.ndarray,
        *,
        threads: int = 1,
        progress: Callable[[int], None] | None = None,
    ) -> Result:
        """All searches from the beginning."""
        result = self._searched(experiment, solver, points, threads, {})
        if progress is not None:
            progress(len(points))
        return result

    def continued(
        self,
        experiment: Experiment,
        solver: Solver,
        points: np.ndarray,
        known: Mapping[str, np.ndarray],
        *,
        threads: int = 1,
        progress: Callable[[int], None] | None = None,
    ) -> Result:
        """Go on from the brackets in the store."""
        result = self._searched(experiment, solver, points, threads, searches(known))
        if progress is not None:
            progress(len(points))
        return result

    def unfinished(self, record: Mapping[str, np.ndarray]) -> np.ndarray:
        """Where one of the brackets is too wide."""
        wide = of_widths(record).wide(self.within).reshape(-1, len(self.widths)).any(axis=1)
        alone = [found_in(record, prefix).wide(self._closeness(prefix)) for prefix in ALONE]
        return np.logical_or.reduce([wide, *alone])

    @property
    def instant(self) -> bool:
        """Whether a pulse without length means anything: of one rectangular pulse it does."""
        return self.pulse == Pulse.kind

    @property
    def width_words(self) -> str:
        """What a width is, with its unit, for figures."""
        return "Width of the first phase (ms)" if self.pulse == Biphasic.kind else "Width of the pulse (ms)"

    @property
    def lasting(self) -> bool:
        """Whether a current that lasts is searched: a hyperpolarising one makes neurons fire where it ends."""
        return self.direction == DIRECTIONS[0]

    def _closeness(self, prefix: str) -> float:
        """How closely a threshold is searched."""
        return min(self.within, CLOSE) if prefix == RHEOBASE else self.within

    def _searched(self, e: Experiment, solver: Solver, points: np.ndarray, threads: int, known: Searches) -> Result:
        """The result of n neurons. `known` : what there is of each search by its prefix, that of the widths by WIDE"""
        tested, status = self.tested(e, solver, points, threads)
        n, start = len(points), {name: tested.population.values(name) for name in ("start", "holding")}

        def found(some: Tested, prefix: str, rows: np.ndarray, **given: object) -> Thresholds:
            if prefix in known:
                return continued(some, known[prefix].of(rows), self._closeness(prefix))
            return search(some, self._closeness(prefix), **given)

        pulses = tested.of(np.repeat(np.arange(n), len(self.widths)))
        pulses = _with_fields(pulses, width=np.tile(self.widths, n))
        all_found = {WIDE: found(pulses, WIDE, np.arange(len(pulses.states)), sign=self.sign)}
        if self.lasting:
            lasting = self.under(tested, Step(1.0, **start), solver.method, "amplitude")
            all_found[RHEOBASE] = found(lasting, RHEOBASE, np.arange(n))
        else:
            all_found[RHEOBASE] = _none(n, e.duration)
        rows, twice, scale = self._of_chronaxie(all_found[WIDE], all_found[RHEOBASE])
        timed = replace(_with_fields(tested.of(rows), amplitude=twice), searched="width")
        all_found[CHRONAXIE] = _spread(found(timed, CHRONAXIE, rows, scale=scale), rows, n, e.duration)
        if self.instant:
            shocked = self.under(tested, Shock(1.0, **start), solver.method, "displacement")
            all_found[SHOCKED] = found(shocked, SHOCKED, np.arange(n), sign=self.sign)
        else:
            all_found[SHOCKED] = _none(n, e.duration)
        return self._result(e, points, tested, status, all_found)

    def _of_chronaxie(self, widths: Thresholds, rheobase: Thresholds) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The k neurons that have a chronaxie, twice the rheobase of each, and about how long it is, (k,) each.

        The latter by Weiss's law, from where the bisection of the shortest width with a threshold began: it does not
        depend on `within`.
        """
        begun = np.where(np.isfinite(widths.high), widths.begun_high, np.nan).reshape(-1, len(self.widths))
        first = np.isfinite(begun).argmax(axis=1)
        charge = np.array(self.widths)[first] * begun[np.arange(len(begun)), first]
        rows = np.flatnonzero(np.isfinite(rheobase.high) & np.isfinite(charge))
        about = charge[rows] / rheobase.begun_high[rows]
        return rows, 2.0 * rheobase.of(rows).coarser(CLOSE).value, np.ldexp(0.5, np.frexp(about)[1])

    def _result(self, e: Experiment, points: np.ndarray, tested: Tested, status: np.ndarray, found: Searches) -> Result:
        n, columns = len(points), dict(zip(e.quantities, points.T, strict=True))
        each = [*_each(found[WIDE], len(self.widths)), *(found[prefix] for prefix in ALONE)]
        record = kept(found) | {
            "per_charge": np.broadcast_to(capacitance.per_charge(e.model, e.parameters(columns)), n).astype(np.float64),
            "status": np.maximum.reduce([status_of(one, status) for one in each]),
            "ended": np.minimum.reduce([one.ended for one in each]),
            "steps": np.sum([one.steps for one in each], axis=0),
            "final": tested.states,
        }
        return Result(record, e.analysis_window, e.model.ms, sum(tested.seconds), mV=e.model.mV)

    # --- what is made of them

    def errors(self, run: Result, exact: Result, experiment: Experiment) -> np.ndarray:
        """The largest of all relative errors."""
        widths = relative_errors(of_widths(run.record), of_widths(exact.record)).reshape(-1, len(self.widths))
        alone = [relative_errors(*(found_in(r.record, prefix) for r in (run, exact))) for prefix in ALONE]
        return np.fmax.reduce([*widths.T, *alone])

    def outcome(self, run: Result) -> np.ndarray:
        """The intervals of amplitudes that fire, of all widths."""
        counts = np.nan_to_num(of_widths(run.record).intervals).reshape(-1, len(self.widths))
        return counts.sum(axis=1).astype(np.int64)

    def columns(self, result: Result) -> dict[str, np.ndarray]:
        """As searches with `within` find them, though the store may know more."""
        return feature_columns(self, result) | self.numerics(result)

    def simulated_ms(self, experiment: Experiment) -> float:
        """That of all trials, of which most are over early."""
        return (len(self.widths) + len(ALONE)) * super().simulated_ms(experiment)

    def numbers(self, experiment: Experiment) -> float:
        return float((len(self.widths) + len(ALONE)) * len(fields(Thresholds)))

    def facts(self, experiment: Experiment) -> Iterable[tuple[str, str]]:
        yield "Searched", f"{self.direction} amplitude for a spike, at widths of {listed(self.widths, self.time_unit)}"
        yield "Searched to within", f"{self.within:g} of its value, by bisection"

    def begun(self, experiment: Experiment, solver: Solver, points: np.ndarray, *, threads: int = 1) -> Begun:
        """A trace shows the response to the longest pulse at its threshold; without one, no stimulus."""
        tested, status = self.tested(experiment, solver, points, threads)
        population = tested.population.with_fields(width=self.widths[-1])
        found = search(replace(tested, population=population), self.within, self.sign)
        columns = dict(zip(experiment.quantities, points.T, strict=True))
        values = {"amplitude": np.nan_to_num(found.high), "width": self.widths[-1]}
        stimulus = replace(experiment.stimuli(columns), **values)
        return Begun(stimulus, tested.states, {"status": status_of(found, status)})

    @classmethod
    def code(cls) -> tuple[Path, ...]:
        """How searches are kept, and the capacitance."""
        return *super().code(), *(Path(module.__file__) for module in (keeping, runs, capacitance))


def _widths(body: Mapping[str, object], model: Model, duration: float, where: str) -> tuple[float, ...]:
    """The widths in a config, rising. Raises UserError for one that is repeated, or longer than the run."""
    widths = read_times(body["widths"], model, where)
    check_different(widths, "each has one threshold", where)
    if max(widths) > duration:
        raise UserError(
            f"{where}: {max(widths):g} is longer than the duration, {duration:g} {model.time_unit}, which a pulse must "
            "not outlast; give a longer duration, or shorter pulses"
        )
    return tuple(sorted(widths))


def _with_fields(tested: Tested, **values: np.ndarray) -> Tested:
    return replace(tested, population=tested.population.with_fields(**values))


def _each(widths: Thresholds, count: int) -> list[Thresholds]:
    """Those of one width after the other."""
    return [widths.of(np.arange(i, len(widths.low), count)) for i in range(count)]


def _none(n: int, duration: float) -> Thresholds:
    """No search."""
    nothing, zero = np.full(n, np.nan), np.zeros(n)
    known = {"outcome": np.full(n, NEVER, np.int8), "failed": np.zeros(n, np.int8), "intervals": np.zeros(n, np.int64)}
    known |= {"ended": np.full(n, duration), "trials": zero, "steps": zero}
    return Thresholds(**{own.name: nothing for own in fields(Thresholds)} | known)


def _spread(found: Thresholds, rows: np.ndarray, n: int, duration: float) -> Thresholds:
    """Thresholds of some of n neurons, `rows`, and of the others that there is none."""
    order = np.full(n, len(rows))
    order[rows] = np.arange(len(rows))
    return Thresholds.joined([found, _none(1, duration)]).of(order)
