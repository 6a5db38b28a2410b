"""Data of the explorer: the features of all neurons of an experiment as columns of a page.

Axes are not stored: a row of features.parquet says by its number which value of each axis it has. Features are rounded
to float32, which is finer than any screen; static/explorer/selection.js draws the borders of a selection through gaps
between the rounded values, so that the same borders select the same neurons in the file.
"""

from collections.abc import Sequence
from math import prod
from pathlib import Path

import numpy as np
import pyarrow as pa

from hhcore.base import tables
from hhcore.base.units import ZERO_CELSIUS_K, pretty_unit
from hhcore.experiments.experiment import Experiment
from hhcore.figures.context import Variable, column_label, quantity
from hhcore.grid.factors import Factor
from hhcore.report.columns import stored
from hhcore.report.payload import Payload
from hhcore.simulation.result import DIVERGED, STATUSES

MAX_NEURONS = 1_000_000  # of one experiment in a page, 40 bytes each


def explorer(experiment: Experiment, folder: Path, payload: Payload) -> dict[str, object] | None:
    """What the page's explorer shows of an experiment, as JSON that refers to columns in `payload`.

    folder : of the experiment's results, with features.parquet

    Of more than MAX_NEURONS neurons, those on a coarser grid inside the grid. None for an experiment of one neuron.
    Raises UserError if the table is missing or damaged.
    """
    e, path = experiment, folder / "features.parquet"
    if e.n_points == 1:
        return None
    kept = coarser(e.shape, MAX_NEURONS)
    features = _features(path, e.shape, kept)
    axes = [_factor(e, factor, rows, payload) for factor, rows in zip(e.factors, kept, strict=True)]
    own = {column for factor in axes for column in (axis["column"] for axis in factor["axes"])}
    along = [e.column(name) for name in e.protocol.along(e) if name in e.swept]
    return {
        "file": f"{folder.name}/{path.name}",
        "neurons": features.num_rows,
        "note": _note(e, kept),
        "factors": axes,
        "features": [
            _feature(field, features[field.name], payload) for field in features.schema if field.name not in own
        ],
        "headline": e.protocol.headline[0],
        "middle": middle(e),
        "along": along[0] if along else None,
        "failed": STATUSES[DIVERGED:],
    }


def coarser(shape: Sequence[int], most: int) -> list[np.ndarray]:
    """Rows of each factor, int64 and increasing, whose product has at most `most` points: all if there are so few.

    The longest factor is halved until that holds. Those kept are evenly spaced, with both ends if more than one.
    """
    lengths = list(shape)
    while prod(lengths) > most:
        longest = lengths.index(max(lengths))
        lengths[longest] = (lengths[longest] + 1) // 2
    return [np.linspace(0, n - 1, k).round().astype(np.int64) for n, k in zip(shape, lengths, strict=True)]


def middle(e: Experiment) -> int:
    """The row of the neuron with which a page opens, one that it has.

    A parameter is as near the model's own value as its axis comes, others are in the middle of their axes.
    """
    kept = coarser(e.shape, MAX_NEURONS)
    along = [rows[_middle(e, factor, rows)] for factor, rows in zip(e.factors, kept, strict=True)]
    return int(np.ravel_multi_index(along, e.shape)) if along else 0


def _middle(e: Experiment, factor: Factor, rows: np.ndarray) -> int:
    if len(factor.names) > 1:  # zipped or sampled
        return len(rows) // 2
    values = factor.values[rows, 0]
    own = quantity(e, factor.names[0], values).own
    return int(np.argsort(values)[len(rows) // 2] if own is None else np.abs(values - own).argmin())


def _features(path: Path, shape: tuple[int, ...], kept: list[np.ndarray]) -> pa.Table:
    """The kept rows of features.parquet, in the order of the grid."""
    if prod(map(len, kept)) == prod(shape):
        return tables.read(path)
    chosen = np.zeros(shape, dtype=bool)
    chosen[np.ix_(*kept)] = True
    parts, first = [], 0
    for batch in tables.batches(path, tables.BATCH):
        rows = np.flatnonzero(chosen.ravel()[first : first + batch.num_rows])
        parts.append(batch.take(pa.array(rows)))
        first += batch.num_rows
    return pa.Table.from_batches(parts, tables.schema(path))


def _note(e: Experiment, kept: list[np.ndarray]) -> str:
    """A sentence on what the page leaves out, or nothing."""
    if prod(map(len, kept)) == e.n_points:
        return ""
    parts = [
        f"{len(rows):,} of {len(factor.values):,} {_what(factor)}"
        for factor, rows in zip(e.factors, kept, strict=True)
        if len(rows) < len(factor.values)
    ]
    return f"This page has {prod(map(len, kept)):,} of {e.n_points:,} neurons: {', '.join(parts)}, evenly spaced."


def _what(factor: Factor) -> str:
    return "points of the sample" if factor.scattered else f"values of {' and '.join(factor.names)}"


def _factor(e: Experiment, factor: Factor, rows: np.ndarray, payload: Payload) -> dict[str, object]:
    """Quantities that vary together, with their values. rows : int64, those that the page has"""
    axes = [
        _axis(e, quantity(e, name, factor.values[rows, k]), name in e.celsius, payload)
        for k, name in enumerate(factor.names)
    ]
    length = len(factor.values)
    kept = None if len(rows) == length else payload.column(rows.astype(np.int32))
    return {"axes": axes, "length": len(rows), "of": length, "kept": kept, "scattered": factor.scattered}


def _axis(e: Experiment, axis: Variable, celsius: bool, payload: Payload) -> dict[str, object]:
    """One swept quantity; `zero` is what the page subtracts from the values to show them."""
    shown = axis.in_celsius if celsius else axis
    return {
        "column": axis.column,
        "name": axis.name,
        "label": shown.label.replace("\n", " "),
        "unit": _unit(shown.unit),
        "definition": axis.description,
        "zero": ZERO_CELSIUS_K if celsius else 0.0,
        "logarithmic": axis.is_logarithmic,
        "whole": bool(axis.name in e.stimulus.fields and e.stimulus.fields[axis.name].whole),
        "own": shown.own,
        "values": payload.column(axis.values),
    }


def _feature(field: pa.Field, column: pa.ChunkedArray, payload: Payload) -> dict[str, object]:
    """A column of features; of words and truth values, `values` are codes of `categories`."""
    unit, definition = (field.metadata[key].decode() for key in (b"unit", b"definition"))
    return {
        "column": field.name,
        "label": column_label(field.name, unit),
        "unit": _unit(unit),
        "definition": definition,
        "none": _none(field, unit),
        "whole": pa.types.is_integer(field.type),
        "truth": pa.types.is_boolean(field.type),
        **stored(column, payload),
    }


def _none(field: pa.Field, unit: str) -> str:
    """What a count or rate of 0 says, which is then drawn apart from other numbers; "" of other quantities."""
    if unit == "Hz":
        return "no spikes in the analysis window"
    if field.name == "spike_count":
        return "no spikes"
    return "none" if pa.types.is_integer(field.type) else ""


def _unit(unit: str) -> str:
    return "" if unit == "1" else pretty_unit(unit)
