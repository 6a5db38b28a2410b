"""Lists of times in a config: of intervals, of cycle lengths, of widths."""

from collections.abc import Sequence
from math import nan

import numpy as np

from hhcore.base.checks import items, quoted
from hhcore.base.errors import UserError
from hhcore.base.units import to_unit
from hhcore.grid.axes import read_axis
from hhcore.model.model import Model

MOST_LISTED = 20


def read_time(value: object, model: Model, where: str) -> float:
    """A time above 0, in the model's unit. Raises UserError for any other."""
    time = to_unit(value, model.time_unit, where)
    if time <= 0:
        raise UserError(f"{where}: {quoted(value)} is not above 0 {model.time_unit}; give a time, like 5")
    return time


def read_times(value: object, model: Model, where: str) -> tuple[float, ...]:
    """A list of times above 0, or an axis of them, in the model's unit, in the order written.

    Raises UserError for anything else.
    """
    if isinstance(value, dict):
        axis = read_axis(value, where.rpartition(".")[2], model.time_unit, nan, where).expand()
        return tuple(read_time(time, model, where) for time in axis.values.tolist())
    if not value:
        raise UserError(
            f"{where}: {quoted(value)} has no times; give a list, or an axis like {{range: [1000, 300, -10]}}"
        )
    written = items(value, where, "[time, ...]")
    return tuple(read_time(time, model, f"{where}[{i}]") for i, time in enumerate(written))


def check_different(times: tuple[float, ...], reason: str, where: str) -> None:
    """Raise UserError for a time that occurs twice, which adds nothing. `reason` : why not"""
    if twice := [time for time in times if times.count(time) > 1]:
        raise UserError(f"{where}: {twice[0]:g} occurs more than once, and {reason}; remove the repeated times")


def widest(times: tuple[float, ...]) -> float:
    """The largest difference of neighbours in size; NaN for one time alone."""
    return max(np.diff(sorted({*times})).tolist(), default=nan)


def listed(times: Sequence[float], unit: str) -> str:
    """Times for the page: all of a few; of more how many, the first and the last."""
    if len(times) <= MOST_LISTED:
        return f"{', '.join(f'{time:g}' for time in times)} {unit}"
    return f"{len(times):,}, from {times[0]:g} to {times[-1]:g} {unit}"
