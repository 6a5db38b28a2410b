"""What several kinds ask of their fields. Each mistake is one sentence; NaN is no mistake (rule 7 of the contract)."""

from collections.abc import Sequence
from math import inf

import numpy as np

from hhcore.base.errors import UserError
from hhcore.simulation.stimuli.stimulus import Values

MOST = 10_000  # pulses or steps of one neuron
MOST_CYCLES = 1e8  # the sine of a kernel is right up to 1.7e8 cycles
SHORTEST = 1e-9  # a pulse over its onset: rounding of its end then changes its charge by less than 3e-7


def check_times(values: Values, names: Sequence[str], duration: float, where: str) -> None:
    """Raise UserError unless 0 <= start < the next of the times `names` < ... < the last one <= duration."""
    last = values[names[-1]]
    check_begin(values[names[0]], where)
    if last.max() > duration:
        raise UserError(
            f"{where}.{names[-1]}: {float(last.max())!r} is after the end of the simulation, {duration!r}; "
            f"give an earlier {names[-1]} or a longer duration"
        )
    for early, late in zip(names, names[1:], strict=False):
        worst = (values[early] - values[late]).argmax()
        if values[early][worst] >= values[late][worst]:
            a, b = float(values[early][worst]), float(values[late][worst])
            default = f" ({late} defaults to the duration)" if late == "stop" else ""
            raise UserError(f"{where}: {early} {a!r} is not before {late} {b!r}{default}; give {early} < {late}")


def check_positive(values: Values, names: Sequence[str], where: str, what: str = "time") -> None:
    """Raise UserError unless all of these fields are above 0. `what` they are stands in the sentence."""
    for name in names:
        if values[name].min() <= 0:
            raise UserError(f"{where}.{name}: {float(values[name].min())!r} is not above 0; give a {what} above 0")


def check_begin(start: np.ndarray, where: str) -> None:
    """Raise UserError unless start >= 0."""
    if start.min() < 0:
        raise UserError(f"{where}.start: {float(start.min())!r} is before the simulation, which begins at 0")


def check_finite(values: Values, names: Sequence[str], where: str) -> None:
    """Raise UserError for a field that is infinite."""
    for name in names:
        endless = np.isinf(values[name])
        if endless.any():
            raise UserError(f"{where}.{name}: {values[name][endless][0]} is not a finite number; give one, like 1")


def check_resolved(width: np.ndarray, onset: np.ndarray, where: str) -> None:
    """Raise UserError for a pulse that is so short at its onset that its length is rounded."""
    worst = (SHORTEST * onset - width).argmax()
    if width[worst] < SHORTEST * onset[worst]:
        raise UserError(
            f"{where}.width: {float(width[worst])!r} is too short for a pulse at {float(onset[worst]):g}, where "
            f"times are rounded; give at least {SHORTEST * onset[worst]:.2g} and a smaller amplitude"
        )


def check_cycles(values: Values, name: str, duration: float, where: str) -> None:
    """Raise UserError unless the frequency `name` [Hz] is above 0 and makes at most 10^8 cycles in the run."""
    check_positive(values, (name,), where, "frequency")
    highest = values[name].max()
    if highest * duration / 1000 > MOST_CYCLES and duration < inf:
        raise UserError(
            f"{where}.{name}: {highest:g} Hz makes {highest * duration / 1000:.2g} cycles in the run, where "
            f"{MOST_CYCLES:g} are legal at most; give a lower frequency"
        )


def check_number(number: np.ndarray, where: str, what: str) -> None:
    """Raise UserError unless the number of each neuron is a whole one from 1 on, or infinite. `what`: "pulses"."""
    illegal = (number < 1) | (np.floor(number) < number)
    if illegal.any():
        raise UserError(
            f"{where}.number: {number[illegal][0]:g} is not a number of {what}; give a whole number from 1 on, or "
            f"leave it out for all that fit into the duration"
        )


def check_last(end: np.ndarray, number: np.ndarray, duration: float, where: str, what: str) -> None:
    """Raise UserError unless the last of `number` pulses or steps ends, at `end`, within the run. `what`: "pulse"."""
    worst = end.argmax()
    if end[worst] > duration:
        which = "first" if not 1 < number[worst] < inf else f"{number[worst]:g}th"
        raise UserError(
            f"{where}: the {which} {what} ends at {float(end[worst])!r}, after the end of the simulation, "
            f"{duration!r}; give a longer duration or fewer {what}s"
        )


def check_most(number: np.ndarray, where: str, what: str) -> None:
    """Raise UserError if there are more than 10,000 pulses or steps for a neuron. `what`: "pulses"."""
    most = number.max()
    if most > MOST:
        raise UserError(
            f"{where}: {most:.6g} {what} are too many for one neuron; at most {MOST} are legal, so give a number, or "
            f"longer times"
        )


def as_many_as_fit(number: np.ndarray, length: np.ndarray, apart: np.ndarray, room: np.ndarray) -> np.ndarray:
    """`number` of pulses of each neuron; where it is infinite, all that end within the run.

    length, apart, room : of a pulse, from onset to onset, and from the first onset to the end of the run
    """
    with np.errstate(over="ignore"):  # more than any check lets pass
        fitting = np.floor((room - length) / apart * (1 + 1e-12)) + 1
    return np.where(np.isfinite(number), number, fitting)
