"""Our numbers, by the names of published.py."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from hhcore import Run
from hhcore.papers.measured import AGREES, Measured, verdict
from hhcore.papers.paper import Number, Paper

from . import sampled
from .cells import FOLDER, RESTITUTION, S1S2, Cell, cells, known
from .definitions import slope
from .experiments import name

SOLVED = 0.005  # ms: bound of the solver's error of a duration; the tables certify less
NONE = "Ours has no action potential there"
EARLY = (
    "Their pacing ends 10 ms before a pulse, and the beats that they measure begin at once: the first comes 10 ms "
    "early, and both are those of a cell that this disturbs. Measured in this way, ours agrees"
)
COARSE = (
    "Theirs is measured on samples, and between other points of the action potential. Measured in this way, ours agrees"
)
TWINS = {"steady_": EARLY, "S1S2_": COARSE, "block_": COARSE}  # reasons, where the number that is `sampled_` too agrees


def numbers(run: Run) -> dict[str, Measured]:
    """Ours of every number."""
    found = {f"{cell.name}_{key}": value for cell in cells() for key, value in of_cell(cell, run)}
    return explained(found, Paper(FOLDER).stated)


def of_cell(cell: Cell, run: Run) -> Iterator[tuple[str, Measured]]:
    """Ours of one cell."""
    if known(cell.table(RESTITUTION, "APD")):
        yield from steady(cell, run)
    if known(cell.table(S1S2, "APD90")):
        yield from premature(cell, run)
    for current, term in cell.blocks.items():
        if term is not None:
            yield from blocked(cell, run, current)


def explained(found: Mapping[str, Measured], stated: Iterable[Number]) -> dict[str, Measured]:
    """Our numbers with the reasons that what comes out shows."""
    agree = {number.name for number in stated if verdict(number, found.get(number.name)) == AGREES}
    return {key: replace(ours, reason=reason(key, ours, agree)) for key, ours in found.items()}


def reason(key: str, ours: Measured, agree: set[str]) -> str:
    """Why ours may be another: it has no value; or how theirs is measured, if ours `agree` when measured so."""
    if np.isnan(ours.value):
        return NONE
    for part, words in TWINS.items():
        if f"_{part}" in key and key.replace(f"_{part}", f"_sampled_{part}") in agree:
            return words
    return ""


def steady(cell: Cell, run: Run) -> Iterator[tuple[str, Measured]]:
    """At steady state: the last two beats, and both as the Web Lab measures them."""
    table, error = restitution(run, cell, RESTITUTION)
    count = len(cell.table(RESTITUTION, "APD"))
    points = [beats for _, beats in table.groupby("cycle_length_ms", sort=False)]
    for beat, row in (("first", 0), ("second", -1)):
        yield from listed(f"steady_{beat}", [beats["apd90_ms"].iloc[row] for beats in points[:count]], error)
    theirs = sampled.steady(run[name(cell, RESTITUTION)].experiment, count)
    durations, intervals = map(np.array, zip(*theirs, strict=True))
    for i, beat in enumerate(("first", "second")):
        yield from listed(f"sampled_steady_{beat}", durations[:, i], SOLVED)
    if known(stated := cell.table(RESTITUTION, "restitution_slope")):
        yield from slopes("sampled_steady_slope", intervals, durations[:, 0], SOLVED, len(stated))


def premature(cell: Cell, run: Run) -> Iterator[tuple[str, Measured]]:
    """After S2: of the table, and as the Web Lab measures it."""
    table, error = restitution(run, cell, S1S2)
    count = len(cell.table(S1S2, "APD90"))
    intervals, durations = (table[name].to_numpy()[:count] for name in ("diastolic_interval_ms", "apd90_ms"))
    theirs = np.array(list(sampled.premature(cell, count)))
    stated = cell.table(S1S2, "S1S2_slope")
    for prefix, (apd, di), bound in (("", (durations, intervals), error), ("sampled_", theirs.T, SOLVED)):
        yield from listed(f"{prefix}S1S2_APD90", apd, bound)
        yield from listed(f"{prefix}S1S2_DI", di, bound)
        if known(stated):
            yield from slopes(f"{prefix}S1S2_slope", di, apd, bound, len(stated))


def blocked(cell: Cell, run: Run, current: str) -> Iterator[tuple[str, Measured]]:
    """APD90 in per cent of that without block, which comes last."""
    made = run[name(cell, current)]
    durations = made.features["apd90_ms"].to_numpy()
    theirs = np.array(list(sampled.blocked(made.experiment, current)))
    for prefix, found in (("", durations), ("sampled_", theirs)):
        yield from listed(f"{prefix}block_{current}", 100 * found / found[-1], 200 * SOLVED / found[-1])


def restitution(run: Run, cell: Cell, protocol: str) -> tuple[pd.DataFrame, float]:
    """The table of a protocol, and the certified error of its durations, in ms."""
    found = run[name(cell, protocol)]
    return found.restitution, float(np.nanmax(found.features["duration_error_ms"]))


def slopes(
    key: str, intervals: np.ndarray, durations: np.ndarray, error: float, count: int
) -> Iterator[tuple[str, Measured]]:
    """The slope from each of some points to the next."""
    found = slope(intervals, durations)[:count]
    errors = 2 * error * (1 + np.abs(found)) / np.abs(np.diff(intervals)[:count])
    for i, (value, bound) in enumerate(zip(found, errors, strict=True), 1):
        yield f"{key}_{i}", Measured(float(value), float(bound))


def listed(key: str, values: Iterable[float], error: float) -> Iterator[tuple[str, Measured]]:
    """The numbers of a list, by their place in it."""
    for i, value in enumerate(values, 1):
        yield f"{key}_{i}", Measured(float(value), error)
