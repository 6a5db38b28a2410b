"""From a grid to shards: what identifies a point, which shard it belongs to, what the sweep will cost."""

import hashlib
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import ceil, log2
from pathlib import Path

import numpy as np

from hhcore.base.digests import code_digest, digest
from hhcore.base.hashing import mix64
from hhcore.compile.module import cache_directory, keep, kernel_digest, kernel_name
from hhcore.config.experiment import Experiment
from hhcore.model.model import Model
from hhcore.schemes.solver import SCHEMES, Solver
from hhcore.simulation.engine import kernel_parts
from hhcore.simulation.stimuli.stimulus import Stimulus

STEPS_PER_SHARD = 3e9  # neuron-steps: about a minute on one core for Hodgkin-Huxley
NEURONS_PER_SHARD = 1 << 20  # of short runs: a shard is in memory
# Steps in one ms, as far as one can say before the run; measured on the squid axon. Of an adaptive scheme at a local
# error of 1e-6, times its order; of one of fixed step for spike times of a second that are right to 1 us.
ADAPTIVE_STEPS, FIXED_STEPS = 40.0, 80.0
BATCH = 1 << 15  # points looked at together: they stay in the cache
MEASURED_S = 0.3  # long enough to tell the speed of a kernel by, in rounds of a tenth of it
SPIKE_ERRORS = (
    "simulation/spike_errors.py",
    "simulation/spike_errors.py.in",
)  # kept in the store where every neuron is certified
NOMINAL_SPEED = 2e8  # states per second on one core, where this machine has not measured the kernel yet


@dataclass(frozen=True)
class Plan:
    """What it will cost: `neurons`, `simulated_s`, `shards`, and estimates: `steps`, and `core_s` on one core."""

    neurons: int
    simulated_s: float
    shards: tuple[str, ...]
    steps: float
    core_s: float


def plan(experiment: Experiment) -> Plan:
    """Shards are counted by the work and the size of the grid alone, so that every machine agrees on their names."""
    e = experiment
    solver = e.solver or _expected(e)
    each = _steps_per_ms(solver, e.model.ms)
    if e.certify == "all":
        each += _steps_per_ms(solver.finer, e.model.ms)
    steps = e.simulated_ms * each
    bits = ceil(log2(max(1.0, steps / STEPS_PER_SHARD, e.n_points / NEURONS_PER_SHARD)))
    names = tuple(format(i, f"0{bits}b") for i in range(2**bits)) if bits else ("all",)
    core_s = steps / kernel_speed(e.model, solver.method, e.stimulus)
    return Plan(e.n_points, e.simulated_ms / 1000.0, names, steps, core_s)


def _expected(e: Experiment) -> Solver:
    """About what a tolerance will choose; errors of spike times grow like those of steps."""
    scheme, us = SCHEMES[e.methods[0]], 1000.0 * e.tolerance
    if scheme.adaptive:
        return Solver(scheme.name, 1e-6 * us)
    return Solver(scheme.name, us ** (1.0 / scheme.order) / (FIXED_STEPS * e.model.ms))


def _steps_per_ms(solver: Solver, ms: float) -> float:
    """Steps of a neuron in one ms; `ms` is that of the model's unit of time."""
    if solver.scheme.adaptive:
        order = solver.scheme.order
        return ADAPTIVE_STEPS / order * (1e-6 / solver.accuracy) ** (1.0 / (order + 1))
    return 1.0 / (solver.accuracy * ms)


def notes(experiments: Iterable[Experiment]) -> str:
    """What a user should know about the files of the models, a line each, "" if there is nothing."""
    lines = {f"Note. {e.model.name}: {note}": None for e in experiments for note in e.model.notes}
    return "\n".join(lines)


def estimate(plans: dict[str, Plan]) -> str:
    """What a run from scratch would cost, a line per experiment."""
    lines = []
    for name, p in plans.items():
        size = f"{_counted(p.neurons, 'neuron')}, {p.simulated_s:,.6g} s simulated, {_counted(len(p.shards), 'shard')}"
        lines.append(f"{name}: {size}; from scratch about {duration_text(p.core_s)} on one core")
    return "\n".join(lines)


def _counted(n: int, word: str) -> str:
    return f"{n:,} {word}{'s' if n != 1 else ''}"


def duration_text(seconds: float) -> str:
    """`3 s`, `12 min`, `5 h`: a duration as one would say it."""
    if seconds < 120:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 7200 else f"{seconds / 3600:.3g} h"


def kernel_speed(model: Model, method: str, kind: type[Stimulus]) -> float:
    """Neuron-steps per second on one core: as measured here when the kernel was compiled, else nominal."""
    try:
        return float(_speed_file(model, method, kind).read_text())
    except (OSError, ValueError):
        return NOMINAL_SPEED / len(model.states)


def measure_speed(model: Model, method: str, kind: type[Stimulus]) -> float:
    """Measure `kernel_speed` with the model's own neuron, and keep it for later estimates: the best of some rounds."""
    from hhcore.simulation.engine import engine
    from hhcore.simulation.integration import integrate

    used, accuracy = engine(model, method, kind), 1e-6 if SCHEMES[method].adaptive else 0.025 / model.ms
    own = used.undisturbed(np.array([[q.value for q in model.parameters.values()]]))
    states = np.array([[q.value for q in model.states.values()]])
    neurons, rounds, speed, until = 256, 0, 0.0, time.perf_counter() + MEASURED_S
    while rounds < 2 or time.perf_counter() < until:
        tables = np.repeat(own, neurons, axis=0), np.repeat(states, neurons, axis=0)
        started = time.perf_counter()
        steps = integrate(used, *tables, np.array([100.0 / model.ms]), accuracy=accuracy).record["steps"].sum()
        seconds = time.perf_counter() - started
        speed = max(speed, float(steps / seconds))
        neurons *= 2 if seconds < MEASURED_S / 10 else 1
        rounds += 1
    keep(_speed_file(model, method, kind), repr(speed))
    return speed


def _speed_file(model: Model, method: str, kind: type[Stimulus]) -> Path:
    return cache_directory() / f"{kernel_name(model, method, *kernel_parts(kind))}.speed"


def context_digest(experiment: Experiment) -> str:
    """Hash of everything that determines a neuron's result and that all points of the experiment share.

    Before the solver is chosen, of everything that determines the choice except for the grid.
    """
    e = experiment
    initial = sorted(e.initial_state.items()) if isinstance(e.initial_state, dict) else e.initial_state
    settings = (e.stimulus.kind, e.duration, e.analysis_window, e.threshold, e.rearm, initial, e.quantities, e.certify)
    code = code_digest(
        *(f"simulation/{name}" for name in ("simulate.py", "integration.py", "rest.py", "engine.py", "result.py")),
        *("simulation/stimuli", "simulation/observers"),
        *("sweep/store.py", "sweep/plan.py"),
        *(SPIKE_ERRORS if e.certify == "all" else ()),
    )
    methods, accuracy = (e.methods, e.tolerance) if e.solver is None else ([e.solver.method], e.solver.accuracy)
    kernels = [kernel_digest(e.model, method, *kernel_parts(e.stimulus)) for method in methods]
    return digest(e.model.digest, *kernels, accuracy, code, *settings)


def grid_digest(experiment: Experiment) -> str:
    """Hash of the points of the grid and their order."""
    axes = [(axis.name, axis.values.tobytes().hex()) for axis in experiment.axes]
    sample = experiment.sample
    sampled = [] if sample is None else [sample.names, hashlib.blake2b(sample.points.tobytes()).hexdigest()]
    return digest(experiment.combine, axes, sorted((k, v) for k, v in experiment.defaults.items()), *sampled)


def point_keys(points: np.ndarray) -> np.ndarray:
    """128-bit hash of each row of `points`, float64 (n, q): uint64 (n, 2). Equal rows have equal keys anywhere."""
    return mix64(_terms(points, np.arange(points.shape[1])))


def grid_keys(experiment: Experiment, shard: str = "all") -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows of the grid that belong to a shard, int64 (k,), and their `point_keys`, uint64 (k, 2), a batch at a time.

    Points are not made for it: rows share what each value of a factor adds to the keys, and the second half is found
    for those of the shard alone. 0.03 us for each row of the grid.
    """
    e = experiment
    place = {name: i for i, name in enumerate(e.quantities)}
    fixed = [name for name in e.quantities if name not in e.swept]
    base = _terms(np.array([[e.defaults[name] for name in fixed]]), np.array([place[name] for name in fixed], int))
    parts = [_terms(factor.values, np.array([place[name] for name in factor.names])) for factor in e.factors]

    def half(number: int, along: tuple[np.ndarray, ...]) -> np.ndarray:
        return mix64(sum((part[i, number] for part, i in zip(parts, along, strict=False)), start=base[:, number]))

    for first in range(0, e.n_points, BATCH):
        rows = np.arange(first, min(first + BATCH, e.n_points))
        along = np.unravel_index(rows, e.shape or (1,))
        high = half(0, along)
        inside = in_shard(high, shard)
        yield rows[inside], np.column_stack([high[inside], half(1, tuple(i[inside] for i in along))])


def _terms(values: np.ndarray, quantities: np.ndarray) -> np.ndarray:
    """What values of some quantities, float64 (n, k), by number, int64 (k,), add to the keys: uint64 (n, 2)."""
    bits = (values + 0.0).view(np.uint64)  # + 0.0: -0.0 and 0.0 are one value
    own = [mix64(quantities.astype(np.uint64) + np.uint64(seed)) for seed in (0x9E3779B97F4A7C15, 0xD1B54A32D192ED03)]
    return np.column_stack([mix64(bits ^ seeds).sum(axis=1, dtype=np.uint64) for seeds in own])


def in_shard(high: np.ndarray, shard: str) -> np.ndarray:
    """Which points belong to a shard: those whose key begins with the bits of its name.

    high : uint64 (n,), first halves of keys. Returns bool (n,)
    """
    if shard == "all":
        return np.ones(len(high), dtype=bool)
    return high >> np.uint64(64 - len(shard)) == np.uint64(int(shard, 2))


def shard_points(experiment: Experiment, shard: str) -> tuple[np.ndarray, np.ndarray]:
    """The points of the grid that belong to a shard, float64 (k, q), and their keys, uint64 (k, 2), sorted by key."""
    rows, keys = (np.concatenate(parts) for parts in zip(*grid_keys(experiment, shard), strict=True))
    order = np.lexsort(keys.T[::-1])
    return experiment.points(rows[order]), keys[order]
