"""Lists of numbers that each neuron goes through: intervals, cycle lengths, widths, levels of current."""

from collections.abc import Sequence
from math import nan

import numpy as np

from hhcore.base.checks import items, quoted
from hhcore.base.errors import UserError
from hhcore.base.units import to_unit
from hhcore.grid.axes import read_axis
from hhcore.grid.designs import is_distribution
from hhcore.model.model import Model

MOST = 10_000  # of a list
MOST_LISTED = 20  # in words


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
    times = read_list(value, model.time_unit, where, "times", "{range: [1000, 300, -10]}")
    places = [where] * len(times) if isinstance(value, dict) else [f"{where}[{i}]" for i in range(len(times))]
    written = times if isinstance(value, dict) else value
    return tuple(read_time(time, model, place) for time, place in zip(written, places, strict=True))


def read_list(value: object, unit: str, where: str, words: str, example: str) -> tuple[float, ...]:
    """A list of numbers, or an axis of them, in `unit`, in the order written.

    words : what they are; example : of an axis. Raises UserError for anything else, and for more than MOST.
    """
    advice = f"give a list of {words}, or an axis like {example}"
    if isinstance(value, dict):
        if is_distribution(value):
            raise UserError(f"{where}: {quoted(value)} is a distribution, and each neuron has all {words}; {advice}")
        found = read_axis(value, where.rpartition(".")[2], unit, nan, where).expand().values.tolist()
    elif not value:
        raise UserError(f"{where}: {quoted(value)} has no {words}; {advice}")
    else:
        found = [to_unit(x, unit, f"{where}[{i}]") for i, x in enumerate(items(value, where, f"[{words}, ...]"))]
    if len(found) > MOST:
        raise UserError(f"{where}: {len(found):,} {words} are too many; at most {MOST:,} are legal")
    return tuple(found)


def check_different(values: Sequence[float], reason: str, where: str) -> None:
    """Raise UserError for a value that occurs twice, which adds nothing. `reason` : why not"""
    ordered = sorted(values)
    if twice := [a for a, b in zip(ordered, ordered[1:], strict=False) if a == b]:
        raise UserError(f"{where}: {twice[0]:g} occurs more than once, and {reason}; remove the repeated ones")


def widest(times: tuple[float, ...]) -> float:
    """The largest difference of neighbours in size; NaN for one time alone."""
    return max(np.diff(sorted({*times})).tolist(), default=nan)


def listed(times: Sequence[float], unit: str) -> str:
    """Times for the page: all of a few; of more how many, the first and the last."""
    if len(times) <= MOST_LISTED:
        return f"{', '.join(f'{time:g}' for time in times)} {unit}"
    return f"{len(times):,}, from {times[0]:g} to {times[-1]:g} {unit}"
