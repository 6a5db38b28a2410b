"""The cost of an experiment: its shards, and estimates of steps and seconds."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, log2

from hhcore.base.errors import UserError
from hhcore.experiments.experiment import Experiment
from hhcore.schemes.solver import SCHEMES, Solver
from hhcore.sweep.speed import kernel_speed

STEPS_PER_SHARD = 3e9  # neuron-steps: about a minute on one core for Hodgkin-Huxley
MOST_SHARDS = 1 << 14  # each is a job and a file: Snakemake plans for minutes
NEURONS_PER_SHARD = 1 << 20  # of short runs, since a shard is in memory
# Steps in 1 ms, measured on the squid axon: of an adaptive scheme at a local error of 1e-6, times its order; of a fixed
# step that keeps the spike times of a second within 1 us.
ADAPTIVE_STEPS, FIXED_STEPS = 40.0, 80.0


@dataclass(frozen=True)
class Estimate:
    """The cost: `neurons`, `simulated_s`, `shards`, and estimates of `steps` and of `core_s`, seconds on one core."""

    neurons: int
    simulated_s: float
    shards: tuple[str, ...]
    steps: float
    core_s: float


def estimate(experiment: Experiment) -> Estimate:
    """The cost of an experiment. Shards depend on the work and the size of the grid, so every machine has the same.

    Raises UserError if there are too many.
    """
    e = experiment
    solver = e.solver or _expected(e)
    steps_per_ms = _steps_per_ms(solver, e.model.ms)
    if e.certify == "all":
        steps_per_ms += _steps_per_ms(solver.finer, e.model.ms)
    simulated_ms = e.n_points * e.protocol.simulated_ms(e)
    steps = simulated_ms * steps_per_ms
    core_s = steps / kernel_speed(e, solver.method)
    needed = max(1.0, steps / STEPS_PER_SHARD, e.n_points / NEURONS_PER_SHARD)
    if needed > MOST_SHARDS:
        raise UserError(
            f"experiments.{e.name}: {_counted(e.n_points, 'neuron')} and {simulated_ms / 1000.0:.4g} s simulated would "
            f"take about {core_s / 3600:.2g} h on one core, in {needed:.2g} shards; at most {MOST_SHARDS:,} shards are "
            "legal, so shorten the duration or the grid, or ask for less accuracy"
        )
    bits = ceil(log2(needed))
    names = tuple(format(i, f"0{bits}b") for i in range(2**bits)) if bits else ("all",)
    return Estimate(e.n_points, simulated_ms / 1000.0, names, steps, core_s)


def _expected(e: Experiment) -> Solver:
    """Roughly the solver that a tolerance will choose; errors of spike times grow like those of steps."""
    scheme, us = SCHEMES[e.methods[0]], 1000.0 * e.tolerance
    if scheme.adaptive:
        return Solver(scheme.name, 1e-6 * us)
    return Solver(scheme.name, us ** (1.0 / scheme.order) / (FIXED_STEPS * e.model.ms))


def _steps_per_ms(solver: Solver, ms: float) -> float:
    """Steps of a neuron in 1 ms; `ms` : milliseconds in the model's unit of time."""
    if solver.scheme.adaptive:
        order = solver.scheme.order
        return ADAPTIVE_STEPS / order * (1e-6 / solver.accuracy) ** (1.0 / (order + 1))
    return 1.0 / (solver.accuracy * ms)


def notes(experiments: Iterable[Experiment]) -> str:
    """Remarks on the model files for the user, a line each."""
    lines = {f"Note. {e.model.name}: {note}": None for e in experiments for note in e.model.notes}
    return "\n".join(lines)


def estimates_text(estimates: dict[str, Estimate]) -> str:
    """The cost of a run from scratch, a line per experiment."""
    lines = []
    for name, cost in estimates.items():
        size = f"{_counted(cost.neurons, 'neuron')}, {cost.simulated_s:,.6g} s simulated"
        shards = _counted(len(cost.shards), "shard")
        lines.append(f"{name}: {size}, {shards}; from scratch about {duration_text(cost.core_s)} on one core")
    return "\n".join(lines)


def _counted(n: int, word: str) -> str:
    return f"{n:,} {word}{'s' if n != 1 else ''}"


def duration_text(seconds: float) -> str:
    """`3 s`, `12 min`, `5 h`: a duration as one would say it."""
    if seconds < 120:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 7200 else f"{seconds / 3600:.3g} h"
