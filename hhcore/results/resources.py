"""What the jobs of an experiment need, from its size alone: minutes, megabytes, and the rows of its tables.

Estimates are generous, since a cluster ends a job that exceeds them: times are four times what is expected. If a job
still fails, the workflow gives it more the next time.
"""

from collections.abc import Collection
from math import ceil, lcm, prod

from hhcore.certify.expected import calibration_s
from hhcore.experiments.analysis import Analysis, analyses
from hhcore.experiments.experiment import Experiment
from hhcore.figures.limits import MAX_POINTS, MAX_VALUES
from hhcore.sweep.estimate import estimate

MARGIN = 4.0  # of time
NUMBERS_IN_10_US = 150.0  # of a record, put into tables
COPIES = 4  # of a neuron's numbers in memory at once, while a shard is assembled and written
TABLE_COPIES = 6  # of the numbers of a row block, while tables are written
FACETS_SHOWN = 12  # panels of maps and of families of curves together
STARTS_S, FIGURE_S = 2.0, 0.4  # until a job has loaded what it needs; to draw a figure
PAPER_S = 20.0  # to make a paper, with kernels to compile
CALIBRATION_MB = 2000


def shard_minutes(experiment: Experiment) -> int:
    """Time for a shard on one core."""
    cost = estimate(experiment)
    return _minutes(10, cost.core_s / len(cost.shards) + 3e-8 * cost.neurons)


def shard_mb(experiment: Experiment) -> int:
    """Memory for a shard, which is in memory as a whole: the points, states and records of its neurons."""
    e = experiment
    record = 8 * (len(e.model.states) + e.protocol.numbers(e))
    bytes_per_neuron = 400 + COPIES * (8 * len(e.quantities) + (2 if e.certify == "all" else 1) * record)
    return ceil(500 + bytes_per_neuron * e.n_points / len(estimate(e).shards) / 1e6)


def calibration_minutes(experiment: Experiment) -> int:
    """Time to try solvers on a sample, however large the grid."""
    return _minutes(30, calibration_s(experiment))


def tables_minutes(experiment: Experiment, names: Collection[str]) -> int:
    """Time for the tables of the named analyses: of the late ones as they say, and of the pass over all neurons."""
    e = experiment
    passed, late = _split(e, names)
    own = sum(analysis.minutes() for analysis in late)
    if not passed:
        return own
    return own + _minutes(20, _tables_s(e))


def tables_mb(experiment: Experiment, names: Collection[str]) -> int:
    """Memory for the tables of the named analyses, one after the other.

    The pass holds row blocks, which have whole F-I curves, and every error if all are estimated.
    """
    e = experiment
    passed, late = _split(e, names)
    own = max([analysis.megabytes() for analysis in late], default=0)
    if not passed:
        return own
    numbers = TABLE_COPIES * lcm(*(a.alignment for a in passed)) * e.protocol.numbers(e)
    numbers += 2 * e.n_points if e.certify == "all" else 0
    return max(own, ceil(2000 + 8 * numbers / 1e6))


def _split(experiment: Experiment, names: Collection[str]) -> tuple[list[Analysis], list[Analysis]]:
    """Of the named analyses those with tables from the pass over all neurons, and the late ones."""
    chosen = [analysis for analysis in analyses(experiment) if analysis.name in names]
    return [a for a in chosen if a.source == "neurons"], [a for a in chosen if a.late]


def figures_minutes(experiment: Experiment) -> int:
    """Time for figures: 2 us a neuron, since the table is read once."""
    return _minutes(10, 2e-6 * experiment.n_points)


def figures_mb(experiment: Experiment) -> int:
    """Memory for figures: 0.5 kB a neuron that they may show."""
    return 1500 + figure_rows(experiment) // 2000


def whole_minutes(experiment: Experiment) -> int:
    """Time for all results of a small experiment, one after the other."""
    e = experiment
    work = estimate(e).core_s + calibration_s(e) + _tables_s(e) + _figures_s(e)
    return _minutes(10, work) + sum(analysis.minutes() for analysis in analyses(e) if analysis.late)


def whole_mb(experiment: Experiment) -> int:
    """Memory for all results of a small experiment, one after the other."""
    e, names = experiment, [analysis.name for analysis in analyses(experiment)]
    return max(CALIBRATION_MB, shard_mb(e), tables_mb(e, names), figures_mb(e))


def figure_rows(experiment: Experiment) -> int:
    """The most rows of a table that figures hold: two axes and panels of a third one, or scattered points.

    If every neuron is tested, fragile neurons come on top; they lie on edges of the grid, so they are few.
    """
    e = experiment
    if e.sample is not None:
        curves = [(name,) for name in e.protocol.along(e)]
        along = prod(len(f.values) for f in e.factors if f.names in curves and not f.scattered)
        shown = min(len(e.sample.points), MAX_POINTS) * min(along, MAX_VALUES)
    elif e.combine == "zip":
        shown = MAX_POINTS
    else:
        *others, y, x = [1, 1, *sorted(min(size, MAX_VALUES) for size in e.shape)]
        shown = x * y * prod(min(size, FACETS_SHOWN) for size in others) * max(1, len(others) - 1)
    return min(e.n_points, shown + MAX_POINTS)


def rows(experiment: Experiment) -> dict[str, int]:
    """About how many rows each table has, by name; 0 if few, or if the number does not matter."""
    return {table.name: table.rows for analysis in analyses(experiment) for table in analysis.tables}


def work_s(rule: str, experiment: Experiment | None) -> float:
    """About how many seconds a job of a rule other than that of shards takes; its share of the bar of a run."""
    parts = {"calibrate": [calibration_s], "tables": [_tables_s], "figures": [_figures_s]}
    parts["experiment"] = [calibration_s, _tables_s, _figures_s]
    if rule.startswith("papers/"):
        return PAPER_S
    chosen = parts.get(rule.split("_")[0])
    return STARTS_S + (sum(part(experiment) for part in chosen) if chosen else STARTS_S)


def _figures_s(e: Experiment) -> float:
    return FIGURE_S * sum(len(analysis.figures) for analysis in analyses(e))


def _tables_s(e: Experiment) -> float:
    """The pass over all neurons: 10 us for each, and as much for each 150 numbers of its record; and fits of curves."""
    fits = sum(analysis.block_s for analysis in analyses(e) if analysis.source == "neurons")
    return 1e-5 * e.n_points * (1 + e.protocol.numbers(e) / NUMBERS_IN_10_US) + fits


def _minutes(least: int, seconds: float) -> int:
    return max(least, ceil(MARGIN * seconds / 60))
