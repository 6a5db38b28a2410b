"""What the jobs of an experiment need, from its size alone: minutes, megabytes, and the rows of its tables.

Estimates are generous, since a job that exceeds them on a cluster is ended: of time four times what is expected. A job
that fails all the same gets more the next time; that is the workflow's.
"""

from math import ceil, prod

from hhcore.config.experiment import Experiment
from hhcore.simulation.simulate import TRACE_INTERVAL_MS
from hhcore.sweep.plan import plan

MARGIN = 4.0  # of time
SPIKES_HZ = 150.0  # of a neuron that fires fast
COPIES = 4  # of a neuron's numbers that are in memory at once while a shard is put together and written
AXIS_SHOWN, FACETS_SHOWN, POINTS_SHOWN = 300, 12, 20_000  # at most in figures: hhcore.figures.context
CALIBRATION_STEPS = 1e5  # in one ms, of all neurons of the sample and of the lines it is chosen from together


def shard_minutes(experiment: Experiment) -> int:
    """Time for a shard on one core."""
    found = plan(experiment)
    return _minutes(10, found.core_s / len(found.shards) + 3e-8 * found.neurons)


def shard_mb(experiment: Experiment) -> int:
    """Memory for a shard, which is in memory: what is put in, states, spikes and beats of each of its neurons."""
    e = experiment
    found = 8 * (len(e.model.states) + SPIKES_HZ * e.duration * e.model.ms / 1000.0 + 8 * beats(e))
    each = 400 + COPIES * (8 * len(e.quantities) + (2 if e.certify == "all" else 1) * found)
    return ceil(500 + each * e.n_points / len(plan(e).shards) / 1e6)


def calibration_minutes(experiment: Experiment) -> int:
    """Time to try solvers on a sample, however large the grid."""
    found = plan(experiment)
    steps_per_core_s = found.steps / found.core_s
    return _minutes(30, CALIBRATION_STEPS * experiment.duration * experiment.model.ms / steps_per_core_s)


def tables_minutes(experiment: Experiment) -> int:
    """Time to put the tables together: 10 us a neuron, and as much for a second of its spikes."""
    e = experiment
    return _minutes(20, 1e-5 * (e.n_points * (1 + beats(e) / SPIKES_HZ) + e.simulated_ms / 1000.0))


def tables_mb(experiment: Experiment) -> int:
    """Memory for the tables: three stretches of the grid, and every error if all were estimated."""
    return 2000 + (experiment.n_points * 16 // 10**6 if experiment.certify == "all" else 0)


def figures_minutes(experiment: Experiment) -> int:
    """Time for figures: 2 us for each neuron of the table, which is read once."""
    return _minutes(10, 2e-6 * experiment.n_points)


def figures_mb(experiment: Experiment) -> int:
    """Memory for figures: 0.5 kB a neuron that they may show."""
    return 1500 + figure_rows(experiment) // 2000


def figure_rows(experiment: Experiment) -> int:
    """The most rows of a table that figures hold: two axes and panels of a third one, or scattered points.

    Fragile neurons come on top where every neuron was tested: as they lie on edges of the grid, they are few.
    """
    e = experiment
    amplitudes = _amplitudes(e)
    if e.sample is not None:
        shown = min(len(e.sample.points), POINTS_SHOWN) * min(amplitudes, AXIS_SHOWN)
    elif e.combine == "zip":
        shown = POINTS_SHOWN
    else:
        *others, y, x = [1, 1, *sorted(min(size, AXIS_SHOWN) for size in e.shape)]
        shown = x * y * prod(min(size, FACETS_SHOWN) for size in others) * max(1, len(others) - 1)
    return min(e.n_points, shown + POINTS_SHOWN)


def indices_minutes(experiment: Experiment) -> int:
    """Time for Sobol indices: a hundred resamples of each feature, 30 us a neuron."""
    return _minutes(20, 3e-5 * experiment.n_points)


def indices_mb(experiment: Experiment) -> int:
    """Memory for what reads a table column by column: 0.2 kB a neuron."""
    return 1500 + experiment.n_points // 5000


def rows(experiment: Experiment) -> dict[str, int]:
    """About how many rows the tables have whose size is that of the grid or of traces, by name."""
    e, ms = experiment, experiment.model.ms
    step = TRACE_INTERVAL_MS if e.solver is None or e.solver.scheme.adaptive else e.solver.accuracy * ms
    return {
        "features": e.n_points,
        "fi_curves": e.n_points,
        "fi_summary": e.n_points // _amplitudes(e),
        "beats": ceil(e.n_points * beats(e)),
        "traces": ceil(len(e.traces) * e.duration * ms / step),
    }


def beats(experiment: Experiment) -> float:
    """The most beats of a neuron, 0 without pulses."""
    e = experiment
    if e.stimulus.kind != "pulse_train":
        return 0.0
    periods = [factor.values[:, factor.names.index("period")] for factor in e.factors if "period" in factor.names]
    shortest = min([float(values.min()) for values in periods], default=e.defaults["period"])
    return min(e.defaults["number"], e.duration / shortest + 1)


def _amplitudes(e: Experiment) -> int:
    """Number of amplitudes of an F-I curve."""
    return next((len(factor.values) for factor in e.factors if factor.names == ("amplitude",)), 1)


def _minutes(least: int, seconds: float) -> int:
    return max(least, ceil(MARGIN * seconds / 60))
