"""Sobol indices: how much of a feature's variance over a sampled design each quantity brings."""

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow as pa

from hhcore.base import tables
from hhcore.config.experiment import Experiment
from hhcore.protocols.fi import curves as fi
from hhcore.protocols.results import axis_columns, axis_fields, drawable_rows, figure_plan, provenance

RESAMPLES = 100
SEED = 1  # of the bootstrap; SALib takes 0 for none
UNJUDGED = {"failed_ms", "spike_time_error_us", "fragile", "last_beat"}  # columns that are no features of a neuron
UNJUDGED |= {"curve", "failed_neurons", "undetected_oscillations"}

DEFINITIONS = {
    "feature": ("1", "column of features.parquet or, for features of a whole F-I curve, of fi_summary.parquet"),
    "parameter": ("1", "sampled quantity"),
    "first_order": ("1", "share of the feature's variance that vanishes on average if this quantity is known"),
    "first_order_ci95": (
        "1",
        f"half the width of its 95 % confidence interval: 1.96 standard deviations of {RESAMPLES} bootstrap resamples",
    ),
    "total": ("1", "share of the variance that remains on average if all quantities but this one are known"),
    "total_ci95": ("1", "half the width of its 95 % confidence interval, found likewise"),
    "variance": ("1", "variance of the feature over the two independent samples of the design [unit of the feature^2]"),
    "points": ("1", "points of the design: n (d + 2)"),
    "undefined": ("1", "points without the feature; if there is one, there are no indices"),
}


def sobol_indices(outputs: np.ndarray, dimensions: int) -> dict[str, np.ndarray]:
    """First-order and total indices of one output of a Saltelli design, by SALib.

    outputs    : float64 (n (dimensions + 2),), in the order of hhcore.grid.designs.unit_points
    dimensions : number of sampled quantities

    The estimators are those of Saltelli et al. (2010), doi:10.1016/j.cpc.2009.09.018, table 2 (b) and (f).
    Returns float64 (dimensions,) for each of `first_order`, `first_order_ci95`, `total` and `total_ci95`, all NaN if
    an output is not finite, or the output is the same at all points of the two independent samples.
    """
    names = ("first_order", "first_order_ci95", "total", "total_ci95")
    base = outputs.reshape(-1, dimensions + 2)[:, [0, -1]]
    if not np.isfinite(outputs).all() or np.ptp(base) == 0:
        return {name: np.full(dimensions, np.nan) for name in names}
    from SALib.analyze import sobol  # here: it loads half a dozen libraries

    problem = {"num_vars": dimensions, "names": list(map(str, range(dimensions)))}
    found = sobol.analyze(problem, outputs, calc_second_order=False, num_resamples=RESAMPLES, seed=SEED)
    return {name: np.array(found[key]) for name, key in zip(names, ("S1", "S1_conf", "ST", "ST_conf"), strict=True)}


def write_sobol_indices(experiment: Experiment, numerics: Path, folder: Path) -> None:
    """sobol_indices.parquet of a Saltelli design, from features and (if there are F-I curves) fi_summary in `folder`.

    A row for each value of the axes, feature and sampled quantity. A feature of a whole curve has no amplitude.
    """
    e = experiment
    names = e.sample.names
    rows = []
    for feature, values, at in _outputs(e, folder):
        for outputs, place in zip(values.T, at, strict=True):
            indices = sobol_indices(outputs, len(names))
            undefined = int(np.isnan(outputs).sum())
            base = outputs.reshape(-1, len(names) + 2)[:, [0, -1]]
            shared = {"variance": np.nan if undefined else base.var(), "points": len(outputs), "undefined": undefined}
            for name in names:
                dimension = sorted(names).index(name)  # of the design: see SampleSpec.expand
                own = {key: index[dimension] for key, index in indices.items()}
                rows.append([*place, feature, name, *own.values(), *shared.values()])
    axes = [e.column(axis.name) for axis in e.axes]
    columns = dict(zip([*axes, *DEFINITIONS], map(np.array, zip(*rows, strict=True)), strict=True))
    content = tables.table(columns, axis_fields(e) | DEFINITIONS)
    made = provenance(e, numerics) | {"version_salib": version("SALib")}
    tables.write(folder / "sobol_indices.parquet", content, made)


def _outputs(e: Experiment, folder: Path) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """(feature, its values, the axes' values) for all features: float64 (points of the design, k) and (k, axes).

    k is the number of points that the axes make; for features of curves, of those that the other axes make, and the
    amplitude is NaN.
    """
    each = e.n_points // e.shape[0]
    axes = axis_columns(e, range(each))
    place = np.column_stack([axes[e.column(a.name)] for a in e.axes] or [np.empty((each, 0))])
    features, summary = folder / "features.parquet", folder / "fi_summary.parquet"
    for name in _numeric(features, axes):
        yield name, _column(features, name).reshape(e.shape[0], each), place
    if e.protocol != "step":
        return
    column = [a.name for a in e.axes].index("amplitude")
    once = np.flatnonzero(place[:, column] == place[0, column])
    place = place[once].copy()
    place[:, column] = np.nan
    number = _curves(e, np.bincount(once, minlength=each) > 0)
    for name in _numeric(summary, axes):
        yield name, _column(summary, name)[number].reshape(e.shape[0], -1), place


def _curves(e: Experiment, wanted: np.ndarray) -> np.ndarray:
    """Number of the F-I curve of the wanted neurons of every point of the design, int64, found a stretch at a time.

    wanted : bool (neurons at a point of the design,)
    """
    from hhcore.sweep.gather import stretches

    amplitude, numbers, before = e.column("amplitude"), [], 0
    for rows in stretches(e):
        axes = axis_columns(e, rows)
        found = fi.curves(axes[amplitude], [values for name, values in axes.items() if name != amplitude])
        numbers.append(before + found.number[wanted[np.arange(rows.start, rows.stop) % len(wanted)]])
        before += len(found.first)
    return np.concatenate(numbers)


def _numeric(path: Path, axes: dict[str, np.ndarray]) -> list[str]:
    """The columns of a table that are features in numbers."""
    numbers = [f.name for f in tables.schema(path) if pa.types.is_floating(f.type) or pa.types.is_integer(f.type)]
    return [name for name in numbers if name not in axes and name not in UNJUDGED]


def _column(path: Path, name: str) -> np.ndarray:
    return tables.read(path, [name])[name].to_pandas().to_numpy(dtype=np.float64, na_value=np.nan)


def draw_sobol_indices(experiment: Experiment, folder: Path) -> None:
    """The figure of the indices, from the table in `folder`."""
    from hhcore import figures

    table = tables.read(folder / "sobol_indices.parquet").to_pandas()
    figures.save(figures.sobol_indices(table, figure_plan(experiment)), folder / "figures" / "sobol_indices")


def draw_sampled_curves(experiment: Experiment, folder: Path) -> None:
    """The figure of the F-I curves of sampled neurons, from the table in `folder`."""
    from hhcore import figures

    plan = figure_plan(experiment)
    figures.save(
        figures.sampled_curves(drawable_rows(folder, "fi_curves", plan), plan), folder / "figures" / "fi_curves"
    )
