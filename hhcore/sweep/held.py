"""How many neurons of an experiment are in its store already: looked up before a run, in a second at most.

Neither seals nor statuses are checked: jobs do, and simulate again what is damaged.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hhcore.base import tables
from hhcore.base.errors import UserError
from hhcore.base.seals import recipe_of
from hhcore.experiments.experiment import Experiment
from hhcore.schemes.solver import Solver
from hhcore.sweep.columns import KEYS, keys_of
from hhcore.sweep.estimate import Held, solver_text
from hhcore.sweep.hashing import config_digest, context_digest
from hhcore.sweep.keys import SHARD, grid_keys, in_shard, point_keys
from hhcore.sweep.store import positions

MOST_ROWS = 1 << 18  # of the grid that are looked up; of a larger grid, a sample
MOST_FILES = 16  # that are opened; hashes fill the shards, so they are alike


def held(experiment: Experiment, shards: Iterable[str], folder: Path) -> Held:
    """The neurons of an experiment that are in the store in its folder of results.

    shards : of the grid as it is now; the files may be those of a smaller one

    A tolerance is assumed to choose the solver that it chose the last time; if it did so for another grid, the answer
    names it.
    """
    e, recipe = experiment, config_digest(experiment)
    files = {p.stem: p for p in sorted((folder / "shards").glob("*.parquet")) if SHARD.fullmatch(p.stem)}
    complete = {name for name, path in files.items() if _recipe_in(path) == recipe}
    calibrated = _numerics(folder).get("config_digest") == recipe
    if complete.issuperset(shards):
        return Held(e.n_points, calibrated=calibrated)
    others = sorted(files.keys() - complete)
    opened = others[:: max(1, -(-len(others) // MOST_FILES))]
    keys, made = _keys_of_grid(e), _solver(e, folder)
    context = made and context_digest(replace(e, solver=made))
    found, looked_up = np.zeros((2, len(keys)), bool)
    for name in complete:
        found |= in_shard(keys[:, 0], name)
    for name in opened if context else ():
        mine = in_shard(keys[:, 0], name)
        looked_up |= mine
        found[mine] |= positions(keys[mine], _keys_in(files[name], context)) >= 0
    unseen = np.zeros(len(keys), bool)
    for name in set(others) - set(opened):
        unseen |= in_shard(keys[:, 0], name)
    unseen &= ~looked_up & ~found
    share = found[looked_up].mean() if looked_up.any() else 0.0
    neurons = e.n_points * (found.sum() + share * unseen.sum()) / len(keys)
    is_open = e.tolerance is not None and not calibrated
    assumed = solver_text(made, e.model.ms) if neurons and made and is_open else ""
    return Held(round(neurons), len(keys) == e.n_points and not unseen.any(), assumed, calibrated)


def changed_choice(experiment: Experiment, chosen: Solver, folder: Path) -> str:
    """A sentence if a tolerance has chosen another solver than neurons in the store have; else empty.

    folder : of results, in which numerics.parquet still has the choice before
    """
    e, before = experiment, _solver(experiment, folder)
    if e.tolerance is None or before in (None, chosen):
        return ""
    context = context_digest(replace(e, solver=before))
    if not any(_has_context(path, context) for path in (folder / "shards").glob("*.parquet")):
        return ""
    accuracy, now, old = e.protocol.accuracy, *(solver_text(one, e.model.ms) for one in (chosen, before))
    asked = f"{e.tolerance * accuracy.factor:g} {accuracy.unit}"
    return f"for this grid {asked} takes {now}, and the store has {old}: all neurons are simulated again"


def _recipe_in(path: Path) -> str | None:
    """The recipe that a shard file carries; None also if it cannot be read, or has gone in the meantime."""
    try:
        return recipe_of(path)
    except OSError:
        return None


def _keys_of_grid(e: Experiment) -> np.ndarray:
    """The keys of all points of the grid, or of a sample of a large one: uint64 (k, 2)."""
    if e.n_points <= MOST_ROWS:
        return np.concatenate([keys for _, keys in grid_keys(e)])
    return point_keys(e.points(np.random.default_rng(0).integers(e.n_points, size=MOST_ROWS)))


def _solver(e: Experiment, folder: Path) -> Solver | None:
    """The solver of the experiment; of a tolerance the one that it chose the last time, None if it is not known."""
    try:
        chosen = _numerics(folder)
        return e.solver or Solver(chosen["solver_method"], float(chosen["solver_accuracy"]))
    except (LookupError, ValueError):
        return None


def _numerics(folder: Path) -> dict[str, str]:
    """The metadata of numerics.parquet; empty if it is not there, or not to be read."""
    try:
        return tables.metadata(folder / "numerics.parquet")
    except (UserError, OSError):
        return {}


def _keys_in(path: Path, context: str) -> np.ndarray:
    """The keys of a shard file, uint64 (n, 2) and sorted; none if its rows are of another context."""
    try:
        with pq.ParquetFile(path, memory_map=True) as file:
            if _context(file) == context:
                return keys_of(file.read(KEYS.names))
    except (OSError, pa.ArrowException):
        pass
    return np.empty((0, 2), np.uint64)


def _has_context(path: Path, context: str) -> bool:
    try:
        with pq.ParquetFile(path) as file:
            return _context(file) == context
    except (OSError, pa.ArrowException):
        return False


def _context(file: pq.ParquetFile) -> str:
    return (file.schema_arrow.metadata or {}).get(f"{tables.PREFIX}context".encode(), b"").decode()
