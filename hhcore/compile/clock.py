"""The clock of a model as text: a function `clock` that says when the equations of a lane jump next."""

import re
import textwrap

from hhcore.compile.equations import Equations, Line
from hhcore.compile.lower import lower
from hhcore.compile.passes import Block


def clock(symbols: Equations) -> str:
    """The text of `clock`, and of a function for each switch."""
    functions = [_switch(i, line, symbols) for i, line in enumerate(symbols.switches.values())]
    calls = [f"    edge = min(edge, set_switch_{i}(Z, t, j))\n" for i in range(len(functions))]
    return "".join([*functions, _CLOCK, *calls, "    return edge\n"])


_CLOCK = '''

def clock(Z, t, j):
    """Set what jumps in time, the rows SWITCH of lane j, from time t on; returns when one of them jumps next."""
    edge = inf
'''

_SWITCH = '''

def set_switch_{i}(Z, t, j):
    """Row SWITCH_{i} of lane j from time t on, {what} a t + b - c; returns when it jumps next."""
{body}
'''


def _switch(i: int, line: Line, symbols: Equations) -> str:
    rows = {s: f"PARAMETER_{k}" for k, s in enumerate(symbols.parameters.values())}
    rows |= {s: f"SWITCH_{k}" for k, s in enumerate(symbols.switches)}
    block = Block({"a": line.a, "b": line.b, "c": line.c}, symbols.constants | symbols.definitions)
    lines, operands = lower(block, set(rows), None)
    used = set(re.findall(r"\w+", "\n".join([*lines, *operands.values()])))
    body = [f"{s.name} = Z[{row} + j]" for s, row in rows.items() if s.name in used]
    body += [*lines, f"a, b, c = {operands['a']}, {operands['b']}, {operands['c']}"]
    kind, whole = ("floor", f", Z[SWITCH_{i} + j]") if line.whole else ("below", "")
    body += [f"Z[SWITCH_{i} + j] = {kind}_after(a, b - c, t)", f"return {kind}_jumps(a, b - c, t{whole})"]
    what = "the floor of" if line.whole else "whether below 0:"
    return _SWITCH.format(i=i, what=what, body=textwrap.indent("\n".join(body), "    "))
