"""The cost of an experiment: its shards, and estimates of steps and seconds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil, inf, log2, prod
from types import MappingProxyType

import numpy as np

from hhcore.base.board import duration_text
from hhcore.base.errors import UserError
from hhcore.base.words import counted
from hhcore.experiments.experiment import Experiment
from hhcore.schemes.solver import SCHEMES, Solver
from hhcore.sweep.speed import measured_speed

STEPS_PER_SHARD = 3e9  # neuron-steps: about a minute on one core for Hodgkin-Huxley
SMALL_STEPS = 1e8  # neuron-steps: some two seconds on one core
MOST_SHARDS = 1 << 14  # each is a job and a file: Snakemake plans for minutes
NEURONS_PER_SHARD = 1 << 20  # of short runs, since a shard is in memory
# Steps in 1 ms, measured on the squid axon: of an adaptive scheme at a local error of 1e-6, times its order; of a fixed
# step that keeps the spike times of a second within 1 us.
ADAPTIVE_STEPS, FIXED_STEPS = 40.0, 80.0
EDGE_STEPS = 2.5  # that one end of a segment costs, measured with samples every 10 us
# Steps in a segment whose potential is held, however long: gates alone need one or two; other states settle, at a local
# error of 1e-6, in some more.
CLOSED_STEPS, SETTLING_STEPS = 1.5, 32.0
RECORDED_STEPS = 40.0  # that each number recorded under a clamp costs, since a step is long there and has many points
# What the search of a rheobase costs, in steps, measured on the squid axon: however long a run, most trials end early.
SEARCH_STEPS = 5e4
COARSEST_STEP, COARSEST_ERROR = 0.1, 1e-3  # ms; of a solver, whose accuracy does not matter where nothing is integrated
NOMINAL_SPEED = 2e8  # states per second on one core, until this machine has measured the kernel
SHORT_S = 10.0  # of work: nobody asks what takes most of it


@dataclass(frozen=True)
class Estimate:
    """The cost: `neurons`, `simulated_s`, `shards`, and estimates of `steps` and of `core_s`, seconds on one core.

    `steps` counts what else takes as long as steps.
    """

    neurons: int
    simulated_s: float
    shards: tuple[str, ...]
    steps: float
    core_s: float

    @property
    def small(self) -> bool:
        """Whether the experiment has one job, which makes all, since more would last longer to start than to work."""
        return len(self.shards) == 1 and self.steps < SMALL_STEPS


@dataclass(frozen=True)
class Held:
    """How many neurons of the grid are in the store, and whether they were `counted`, or estimated from a sample.

    solver     : in words, if a tolerance is still to choose one for this grid: with another, none of them can be used
    calibrated : whether solvers have been tried on a sample of this grid
    """

    neurons: int
    counted: bool = True
    solver: str = ""
    calibrated: bool = False


def estimate(experiment: Experiment) -> Estimate:
    """The cost of an experiment. Shards depend on the work and the size of the grid, so every machine has the same.

    Raises UserError if there are too many.
    """
    e = experiment
    solver = e.solver or expected_solver(e, e.methods[0])
    runs = [solver, solver.finer] if e.certify == "all" else [solver]
    simulated_ms = e.n_points * e.protocol.simulated_ms(e)
    searching = SEARCH_STEPS * _searched(e)
    steps = e.n_points * sum(work(e, steps_of(e, run)) for run in runs) + searching
    core_s = sum(seconds(e, run.method, e.n_points, steps_of(e, run)) for run in runs)
    core_s += searching * len(e.model.states) / NOMINAL_SPEED
    needed = max(1.0, steps / STEPS_PER_SHARD, e.n_points / NEURONS_PER_SHARD)
    if needed > MOST_SHARDS:
        raise UserError(
            f"experiments.{e.name}: {counted(e.n_points, 'neuron')} and {simulated_ms / 1000.0:.4g} s simulated would "
            f"take about {core_s / 3600:.2g} h on one core, in {needed:.2g} shards; at most {MOST_SHARDS:,} shards are "
            "legal, so shorten the duration or the grid, or ask for less accuracy"
        )
    bits = ceil(log2(needed))
    names = tuple(format(i, f"0{bits}b") for i in range(2**bits)) if bits else ("all",)
    return Estimate(e.n_points, simulated_ms / 1000.0, names, steps, core_s)


def _searched(e: Experiment) -> int:
    """How many neurons have a rheobase that is searched: those that differ in more than their stimulus."""
    if not e.stimulus.shares:
        return 0
    return prod(len(factor.values) for factor in e.factors if not {*factor.names} <= e.stimulus.fields.keys())


def _edges(e: Experiment) -> float:
    """How many segments of the stimulus end in a run, the more of those of the first and the last neuron."""
    points, _ = e.parts(e.points(np.array([0, e.n_points - 1])))
    parameters, fields = np.split(points, [len(e.model.parameters)], axis=1)
    numbers = e.stimulus.table(fields, e.duration, e.model.ms, parameters)
    return float(e.stimulus.edge_counts(dict(zip(e.stimulus.numbers(), numbers.T, strict=True)), e.duration).max())


def steps_of(e: Experiment, solver: Solver, longest_ms: float = inf, least: float = 0.0) -> float:
    """Steps of one neuron, in so many ms at most.

    least : steps in 1 ms that stability demands
    """
    ms = e.protocol.simulated_ms(e)
    share = min(1.0, longest_ms / ms)
    if solver.scheme.adaptive and e.stimulus.text().holds:
        settling = CLOSED_STEPS if _closed(e) else SETTLING_STEPS * _finer(solver)
        return settling * (1.0 + share * _edges(e))
    return share * (ms * max(least, steps_per_ms(solver, e.model.ms)) + EDGE_STEPS * _edges(e))


def work(e: Experiment, steps: float) -> float:
    """So many steps of a neuron, and besides, in steps that cost as much, what it records under a clamp."""
    return steps + (RECORDED_STEPS * e.protocol.numbers(e) if e.clamped else 0.0)


def seconds(e: Experiment, method: str, neurons: int, steps: float) -> float:
    """Core time of neurons that take so many steps each; nominal until this machine has measured the kernel."""
    if speed := measured_speed(e, method):
        return neurons * steps / speed
    return neurons * work(e, steps) * len(e.model.states) / NOMINAL_SPEED


def _closed(e: Experiment) -> bool:
    from hhcore.compile.gates import all_gates  # here, since most jobs do without the compiler

    return all_gates(e.model, e.stimulus.text())


def expected_solver(e: Experiment, method: str) -> Solver:
    """Roughly the solver of a scheme that a tolerance will choose; errors of spike times grow like those of steps."""
    scheme, us = SCHEMES[method], 1000.0 * e.tolerance
    if _closed(e):
        return Solver(scheme.name, COARSEST_ERROR if scheme.adaptive else COARSEST_STEP / e.model.ms)
    if scheme.adaptive:
        return Solver(scheme.name, 1e-6 * us)
    return Solver(scheme.name, us ** (1.0 / scheme.order) / (FIXED_STEPS * e.model.ms))


def steps_per_ms(solver: Solver, ms: float) -> float:
    """Steps of a neuron in 1 ms; `ms` : milliseconds in the model's unit of time."""
    if solver.scheme.adaptive:
        return ADAPTIVE_STEPS / solver.scheme.order * _finer(solver)
    return 1.0 / (solver.accuracy * ms)


def _finer(solver: Solver) -> float:
    """How many times more steps an adaptive solver takes than at a local error of 1e-6."""
    return (1e-6 / solver.accuracy) ** (1.0 / (solver.scheme.order + 1))


def notes(experiments: Iterable[Experiment]) -> str:
    """Remarks on configs and model files for the user, a line each."""
    lines = {f"Note. {e.model.name}: {note}": None for e in experiments for note in e.notes}
    return "\n".join(lines)


def estimates_text(
    estimates: dict[str, Estimate],
    calibration_s: Mapping[str, float],
    kept: Mapping[str, Held] = MappingProxyType({}),
) -> str:
    """The cost of a run, a line per experiment.

    calibration_s : on one core, to try solvers on a sample
    kept          : the neurons in the store; without, the cost from scratch
    """
    texts = (f"{name}: {cost_text(cost, calibration_s[name], kept.get(name))}" for name, cost in estimates.items())
    return "\n".join(texts)


def missing_s(cost: Estimate, kept: Held | None) -> float:
    """Seconds on one core for the neurons that are not in the store."""
    return cost.core_s * (1.0 - kept.neurons / cost.neurons) if kept else cost.core_s


def work_s(cost: Estimate, calibration_s: float, kept: Held | None) -> float:
    """Seconds on one core for these neurons, and to try solvers if that is still to do."""
    return missing_s(cost, kept) + (0.0 if kept and kept.calibrated else calibration_s)


def cost_text(cost: Estimate, calibration_s: float, kept: Held | None) -> str:
    """The cost of an experiment, of which so many neurons are in the store; None: from scratch."""
    whole = work_s(cost, calibration_s, kept)
    seconds = f"about {duration_text(whole)} on one core"
    if whole > SHORT_S and missing_s(cost, kept) < whole / 2:
        seconds += ", most of it to try solvers on a sample"
    neurons = counted(cost.neurons, "neuron")
    if kept is None:
        shards = counted(len(cost.shards), "shard")
        return f"{neurons}, {cost.simulated_s:,.6g} s simulated, {shards}; from scratch {seconds}"
    condition = f", if the solver stays {kept.solver}" if kept.solver else ""
    if kept.neurons >= cost.neurons:
        return f"{neurons}, all in the store{condition}"
    shards = f", in {len(cost.shards):,} shards" if len(cost.shards) > 1 else ""
    if kept.neurons == 0:
        return f"{neurons} to simulate{shards}, {seconds}"
    about, held = ("", kept.neurons) if kept.counted else ("about ", int(float(f"{kept.neurons:.2g}")))
    missing = f"{cost.neurons - held:,} to simulate{shards}"
    return f"{neurons}, {about}{held:,} in the store, {about}{missing}, {seconds}{condition}"


def solver_text(solver: Solver, ms: float) -> str:
    """`tsit5 at 1e-6`, `rk4 at 0.025 ms`; `ms` : milliseconds in the model's unit of time."""
    if solver.scheme.adaptive:
        return f"{solver.method} at {solver.accuracy:.3g}".replace("e-0", "e-")
    return f"{solver.method} at {solver.accuracy * ms:.3g} ms"
