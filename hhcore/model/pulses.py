"""The pulses that a model file paces itself by: its formula of time, read as a train of equal pulses.

The variable is followed from jump to jump of its clock, so any formula will do that is constant between jumps. What it
injects is read off as it is injected: in the unit and with the sign of the variable, whatever the constants say.
"""

from collections.abc import Iterator
from math import floor, inf, nan
from typing import NamedTuple

import myokit

from hhcore.base.errors import UserError
from hhcore.model.clock import Switch, clock_of

MOST_JUMPS = 1000
SOON = 1e-9  # of the time, and of a millisecond: jumps closer together are one
DIGITS = 12  # of times that are differences of others


class Pulses(NamedTuple):
    """A train of equal pulses. `period` is NaN if there is one pulse alone, `start` is when the first begins.

    In the units of the variable and of the model's time.
    """

    amplitude: float
    width: float
    period: float
    start: float


def file_pulses(variable: myokit.Variable, file: str) -> Pulses:
    """The train of pulses that a variable's formula of time makes, with the values of the file for all constants.

    file : named in the message. Raises UserError if it makes none, or other than equal pulses from 0.
    """
    found: list[tuple[float, float, float]] = []
    for begin, end, level in _levels(variable, file):
        if level != 0 and end < inf:
            found.append((begin, end - begin, level))
        if len(found) == 3:
            break
    where = f"{file}: the stimulus {variable.qname()}"
    if not found:
        raise UserError(f"{where} is 0 at all times in the file; write `amplitude`, `width` and `period` yourself")
    widths, levels = {_rounded(width) for _, width, _ in found}, {level for *_, level in found}
    periods = {_rounded(later[0] - earlier[0]) for earlier, later in zip(found, found[1:], strict=False)}
    if len(widths) > 1 or len(levels) > 1 or len(periods) > 1:
        raise UserError(f"{where} is not a train of equal pulses; keep its formula by `stimulus: {{kind: file}}`")
    return Pulses(levels.pop(), widths.pop(), periods.pop() if periods else nan, _rounded(found[0][0]))


def _levels(variable: myokit.Variable, file: str) -> Iterator[tuple[float, float, float]]:
    """When each constant piece of a formula of time begins and ends, and its level; those at one level as one."""
    model, clock = variable.model(), clock_of(variable)
    if clock.undecided:
        raise UserError(
            f"{file}: when {clock.undecided[0]} jumps cannot be told from its formula; write `amplitude`, `width` and "
            "`period` yourself"
        )
    time = myokit.Name(model.time())
    begin, at, level = 0.0, 0.0, _value(variable.rhs(), time, SOON)
    for _ in range(MOST_JUMPS):
        inside = at + SOON * max(at, 1.0)
        at = min((_next(switch, time, inside) for switch in clock.switches), default=inf)
        after = nan if at == inf else _value(variable.rhs(), time, at + SOON * max(at, 1.0))
        if after != level:
            if _value(variable.rhs(), time, inside if at == inf else (inside + at) / 2) != level:
                raise UserError(
                    f"{file}: the stimulus {variable.qname()} changes between its jumps, so that it is no train of "
                    "pulses; keep its formula by `stimulus: {kind: file}`"
                )
            yield begin, at, level
            begin, level = at, after
        if at == inf:
            return


def _next(switch: Switch, time: myokit.Name, inside: float) -> float:
    """When a switch jumps next, after the time `inside`: the root of a straight line."""
    a, b, c = (_value(part, time, inside) for part in (switch.a, switch.b, switch.c))
    x = a * inside + b - c
    if a == 0:
        return inf
    whole = 0.0 if isinstance(switch.part, myokit.Less) else float(floor(x)) + (a > 0)
    root = (whole - b + c) / a
    return root if root > inside else inf


def _value(e: myokit.Expression, time: myokit.Name, at: float) -> float:
    return float(e.eval(subst={time: at}))


def _rounded(x: float) -> float:
    return float(f"{x:.{DIGITS}g}")
