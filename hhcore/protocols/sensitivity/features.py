"""Sobol indices of every feature of an experiment, from its tables."""

from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow as pa

from hhcore.base import tables
from hhcore.experiments.experiment import Experiment
from hhcore.protocols.fi import curves as fi
from hhcore.protocols.fi.analysis import FI
from hhcore.protocols.sensitivity.indices import DEFINITIONS, sobol_indices
from hhcore.sweep.gather import row_blocks

# Columns that are not features of a neuron; the error of the protocol is another one.
UNJUDGED = {"failed_ms", "fragile", "last_beat", "curve", "failed_neurons", "undetected_oscillations"}


def write_indices(experiment: Experiment, curves: FI | None, folder: Path, metadata: Mapping[str, str]) -> None:
    """Write sobol_indices.parquet of a Saltelli design, from features and, with F-I `curves`, fi_summary in `folder`.

    It has a row for each value of the axes, feature and sampled quantity. A feature of a whole curve has no amplitude.
    """
    e = experiment
    names = e.sample.names
    rows = []
    for feature, values, coordinates in _outputs(e, curves, folder):
        for outputs, at in zip(values.T, coordinates, strict=True):
            indices = sobol_indices(outputs, len(names))
            undefined = int(np.isnan(outputs).sum())
            base = outputs.reshape(-1, len(names) + 2)[:, [0, -1]]
            shared = {"variance": np.nan if undefined else base.var(), "points": len(outputs), "undefined": undefined}
            for name in names:
                dimension = sorted(names).index(name)  # of the design: see SampleSpec.expand
                own = {key: index[dimension] for key, index in indices.items()}
                rows.append([*at, feature, name, *own.values(), *shared.values()])
    axes = [e.column(axis.name) for axis in e.axes]
    columns = dict(zip([*axes, *DEFINITIONS], map(np.array, zip(*rows, strict=True)), strict=True))
    content = tables.table(columns, e.axis_fields | DEFINITIONS)
    tables.write(folder / "sobol_indices.parquet", content, {**metadata, "version_salib": version("SALib")})


def _outputs(e: Experiment, curves: FI | None, folder: Path) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """(feature, its values, values of the axes) for all features: float64 (points of the design, k) and (k, axes).

    k is the number of points along the axes. For features of curves, the amplitude does not count and is NaN.
    """
    k = e.n_points // e.shape[0]
    axes = e.coordinates(range(k))
    coordinates = np.column_stack([axes[e.column(a.name)] for a in e.axes] or [np.empty((k, 0))])
    features, summary = folder / "features.parquet", folder / "fi_summary.parquet"
    for name in _numeric(e, features, axes):
        yield name, _column(features, name).reshape(e.shape[0], k), coordinates
    if curves is None:
        return
    column = [a.name for a in e.axes].index("amplitude")
    once = np.flatnonzero(coordinates[:, column] == coordinates[0, column])
    coordinates = coordinates[once].copy()
    coordinates[:, column] = np.nan
    number = _curve_numbers(e, curves.alignment, np.bincount(once, minlength=k) > 0)
    for name in _numeric(e, summary, axes):
        yield name, _column(summary, name)[number].reshape(e.shape[0], -1), coordinates


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


def _numeric(e: Experiment, path: Path, axes: dict[str, np.ndarray]) -> list[str]:
    """The columns of a table that are numeric features."""
    numbers = [f.name for f in tables.schema(path) if pa.types.is_floating(f.type) or pa.types.is_integer(f.type)]
    unjudged = {*UNJUDGED, e.protocol.accuracy.column, *axes}
    return [name for name in numbers if name not in unjudged]


def _column(path: Path, name: str) -> np.ndarray:
    return tables.read(path, [name])[name].to_pandas().to_numpy(dtype=np.float64, na_value=np.nan)
