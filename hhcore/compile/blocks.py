"""Straight-line blocks of a kernel for one lane: rows of its array from other rows, by expressions of the model."""

import re
import textwrap

import sympy as sp

from hhcore.compile.equations import Equations
from hhcore.compile.lower import Invariants, lower
from hhcore.compile.passes import Block, optimise


def variables(symbols: Equations) -> set[sp.Symbol]:
    """The symbols that change from step to step."""
    return ({*symbols.states.values()} - symbols.definitions.keys()) | {*symbols.inputs.values(), symbols.time}


def function(
    head: str, outputs: dict[str, sp.Expr], symbols: Equations, invariants: Invariants, states: str, time: str
) -> str:
    """A function of one straight-line block, by `lines`."""
    body = textwrap.indent("\n".join(lines(outputs, symbols, invariants, states, time) or ["pass"]), "    ")
    return f"@inline\ndef {head}\n{body}\n"


def lines(outputs: dict[str, sp.Expr], symbols: Equations, invariants: Invariants, states: str, time: str) -> list[str]:
    """A straight-line block for lane j: rows `outputs` from the states in rows `states` and `time`."""
    block = optimise(Block(outputs, symbols.definitions), variables(symbols))
    code, operands = lower(block, variables(symbols), invariants, symbols.moderate)
    used = words("\n".join(code) + " " + " ".join(operands.values()))
    used -= {s.name for s in symbols.states.values() if s in symbols.definitions}  # gates in closed form
    loads = [f"{s.name} = Z[{states}_{i} + j]" for i, s in enumerate(symbols.states.values()) if s.name in used]
    loads += [f"{s.name} = Z[{row} + j]" for row, s in symbols.inputs.items() if s.name in used]
    loads += [f"{symbols.time.name} = {time}"] if symbols.time.name in used else []
    loads += [f"k{i} = Z[INVARIANT_{i} + j]  # {e}" for e, i in invariants.rows.items() if f"k{i}" in used]
    stores = [f"Z[{row} + j] = {operand}" for row, operand in operands.items()]
    return [*loads, *code, *stores]


def invariant_rows(symbols: Equations, invariants: Invariants) -> str:
    """The block that fills the INVARIANT rows of lane j from its PARAMETER rows."""
    outputs = {str(i): e for e, i in invariants.rows.items()}
    code, operands = lower(Block(outputs, symbols.constants), set(symbols.parameters.values()), None)
    used = words("\n".join(code) + " " + " ".join(operands.values()))
    loads = [f"{s.name} = Z[PARAMETER_{i} + j]" for i, s in enumerate(symbols.parameters.values()) if s.name in used]
    stores = [f"Z[INVARIANT_{row} + j] = {operand}" for row, operand in operands.items()]
    body = textwrap.indent("\n".join([*loads, *code, *stores] or ["pass"]), "    ")
    head = '@inline\ndef invariants(Z, j):\n    """What depends on parameters alone."""\n'
    return head + body + "\n"


def words(text: str) -> set[str]:
    """The names in a text."""
    return set(re.findall(r"[A-Za-z_]\w*", text))
