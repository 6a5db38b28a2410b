"""Sobol indices of every feature of an experiment, from its tables."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow as pa

from hhcore.base import tables
from hhcore.experiments.experiment import Experiment
from hhcore.protocols.fi import curves as fi
from hhcore.protocols.fi.analysis import FI
from hhcore.protocols.sensitivity.indices import DEFINITIONS, sobol_indices
from hhcore.protocols.sensitivity.noise import certified_errors, without_indices
from hhcore.sweep.gather import row_blocks

# Columns that are not features of a neuron; the error of the protocol is another one. The last spike measures where
# the run ends.
UNJUDGED = {
    *("failed_ms", "fragile", "last_beat", "curve", "failed_neurons", "undetected_oscillations"),
    *("last_spike_ms", "turning_points"),
}


def write_indices(experiment: Experiment, curves: FI | None, folder: Path, metadata: Mapping[str, str]) -> None:
    """Write sobol_indices.parquet of a Saltelli design, from features and, with F-I `curves`, fi_summary in `folder`.

    It has a row for each value of the axes, feature and sampled quantity. A feature of a whole curve has no amplitude.
    """
    e = experiment
    names = e.sample.names
    rows = []
    for output in _outputs(e, curves, folder):
        for values, errors, at in zip(output.values.T, output.errors.T, output.coordinates, strict=True):
            own, shared = _indices(values, errors, len(names))
            for name in names:
                dimension = sorted(names).index(name)  # of the design: see SampleSpec.expand
                rows.append([*at, output.feature, name, *(index[dimension] for index in own), *shared])
    axes = [e.column(axis.name) for axis in e.axes]
    columns = dict(zip([*axes, *DEFINITIONS], map(np.array, zip(*rows, strict=True)), strict=True))
    content = tables.table(columns, e.axis_fields | DEFINITIONS)
    tables.write(folder / "sobol_indices.parquet", content, {**metadata, "version_salib": version("SALib")})


@dataclass(frozen=True)
class Output:
    """A feature at all points of the design.

    values      : float64 (points, k); k is the number of points along the axes
    errors      : of the values, likewise
    coordinates : values of the axes, float64 (k, axes)
    """

    feature: str
    values: np.ndarray
    errors: np.ndarray
    coordinates: np.ndarray


def _indices(values: np.ndarray, errors: np.ndarray, dimensions: int) -> tuple[list[np.ndarray], tuple]:
    """The indices of one feature, float64 (dimensions,) each, and what its rows share."""
    base, base_errors = (x.reshape(-1, dimensions + 2)[:, [0, -1]] for x in (values, errors))
    undefined = int((~np.isfinite(values)).sum())
    variance, error = (np.nan, np.nan) if undefined else (base.var(), float(np.sqrt(np.mean(base_errors**2))))
    reason = without_indices(values, base, error)
    indices = [np.full(dimensions, np.nan)] * 4 if reason else [*sobol_indices(values, dimensions).values()]
    return indices, (variance, error, len(values), undefined, reason)


def _outputs(e: Experiment, curves: FI | None, folder: Path) -> Iterator[Output]:
    """All features. For those of curves, the amplitude does not count and is NaN."""
    k = e.n_points // e.shape[0]
    axes = e.coordinates(range(k))
    coordinates = np.column_stack([axes[e.column(a.name)] for a in e.axes] or [np.empty((k, 0))])
    features, summary = folder / "features.parquet", folder / "fi_summary.parquet"
    errors = certified_errors(e, features)
    interval = _column(features, "mean_isi_ms") if "mean_isi_ms" in tables.schema(features).names else np.nan
    for name, unit, is_count in _numeric(e, features, axes):
        values = _column(features, name)
        error = np.zeros(values.shape) if is_count else errors.of(name, unit, values, interval)
        yield Output(name, *(x.reshape(e.shape[0], k) for x in (values, error)), coordinates)
    if curves is None:
        return
    column = [a.name for a in e.axes].index("amplitude")
    once = np.flatnonzero(coordinates[:, column] == coordinates[0, column])
    spacing = np.diff(np.unique(coordinates[:, column])).min(initial=np.inf)
    coordinates = coordinates[once].copy()
    coordinates[:, column] = np.nan
    number = _curve_numbers(e, curves.alignment, np.bincount(once, minlength=k) > 0)
    largest = _column(summary, "max_rate_Hz")
    for name, unit, _ in _numeric(e, summary, axes):
        columns = _column(summary, name), errors.of_curve(name, unit, largest, spacing)
        yield Output(name, *(x[number].reshape(e.shape[0], -1) for x in columns), coordinates)


def _curve_numbers(e: Experiment, alignment: int, wanted: np.ndarray) -> np.ndarray:
    """Number of the F-I curve of the wanted neurons of every point of the design, int64, a row block at a time.

    wanted : bool (neurons at a point of the design,)
    """
    amplitude, numbers, counted = e.column("amplitude"), [], 0
    for rows in row_blocks(e, alignment):
        axes = e.coordinates(rows)
        curves = fi.curves(axes[amplitude], [values for name, values in axes.items() if name != amplitude])
        numbers.append(counted + curves.number[wanted[np.arange(rows.start, rows.stop) % len(wanted)]])
        counted += len(curves.first)
    return np.concatenate(numbers)


def _numeric(e: Experiment, path: Path, axes: dict[str, np.ndarray]) -> list[tuple[str, str, bool]]:
    """The columns of a table that are numeric features: name, unit, whether it counts something."""
    numbers = [f for f in tables.schema(path) if pa.types.is_floating(f.type) or pa.types.is_integer(f.type)]
    unjudged = {*UNJUDGED, e.protocol.accuracy.column, *axes}
    judged = [f for f in numbers if f.name not in unjudged]
    return [(f.name, f.metadata[b"unit"].decode(), pa.types.is_integer(f.type)) for f in judged]


def _column(path: Path, name: str) -> np.ndarray:
    return tables.read(path, [name])[name].to_pandas().to_numpy(dtype=np.float64, na_value=np.nan)
