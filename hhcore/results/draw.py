"""Draw the figures of an experiment from its tables."""

import gc
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hhcore.base import tables
from hhcore.base.forked import side_by_side
from hhcore.certify.origin import check_origin
from hhcore.experiments.analysis import Rows, analyses
from hhcore.experiments.experiment import Experiment
from hhcore.figures.context import FigureContext, figure_context, in_celsius
from hhcore.figures.save import save


def draw(
    experiment: Experiment,
    names: Iterable[str],
    folder: Path,
    recipes: Mapping[str, str] = MappingProxyType({}),
    threads: int = 1,
) -> None:
    """Draw the figures of the named analyses into `folder`/figures, from the tables in `folder`.

    recipes : of files in `folder`, see hhcore.results.recipes; none outside a workflow
    threads : so many processes write figures, while this one composes the next

    Raises UserError if a table is damaged or was made for another experiment or config.
    """
    gc.freeze()  # a fifth of the time went into looking through what was there before, for garbage
    try:
        tasks = (
            partial(save, figure, folder / "figures" / name, recipes.get(f"figures/{name}.svg", ""))
            for name, figure in drawn_figures(experiment, names, folder)
        )
        side_by_side(tasks, threads)
    finally:
        gc.unfreeze()


def drawn_figures(experiment: Experiment, names: Iterable[str], folder: Path) -> Iterator[tuple[str, Figure]]:
    """The figures of the named analyses by name, drawn from the tables in `folder`. Raises UserError as `draw` does."""
    chosen = [analysis for analysis in analyses(experiment) if analysis.name in names and analysis.figures]
    drawn = {name: rows for analysis in chosen for name, rows in analysis.drawn.items()}
    for name in drawn:
        check_origin(experiment, folder / f"{name}.parquet")
    context = figure_context(experiment)
    context, frames = in_celsius(experiment, context, read_frames(drawn, context, folder))
    for analysis in chosen:
        yield from analysis.draw({table: frames[table] for table in analysis.drawn}, context).items()


def read_frames(drawn: dict[str, Rows], context: FigureContext, folder: Path) -> dict[str, pd.DataFrame]:
    """The rows of each table that figures need; the index is their row numbers in the table."""
    grid = {name: _chosen(folder / f"{name}.parquet", context.shows) for name, rows in drawn.items() if rows == "grid"}
    frames = {
        name: tables.read(folder / f"{name}.parquet").to_pandas() for name, rows in drawn.items() if rows == "all"
    }
    for name in (name for name, rows in drawn.items() if rows == "neurons"):
        shown = grid["features"].index
        frames[name] = _chosen(folder / f"{name}.parquet", lambda part, shown=shown: np.isin(part["neuron"], shown))
    return grid | frames


def _chosen(path: Path, chosen) -> pd.DataFrame:
    part, rows = tables.read_rows(path, chosen)
    return part.to_pandas().set_axis(rows)
