"""Gates in closed form, where a clamp holds the potential: x = x_inf + (x0 - x_inf) e^(b (t - t0)) for dx/dt = a + b x.

A state is such a gate if a and b depend on the potential and on parameters alone. In a kernel it is then a function of
time, exact at any step; its slope counts as 0, so that it limits no step. States that depend on others are integrated.
"""

from dataclasses import dataclass, replace
from functools import cache

import sympy as sp

from hhcore.compile.calculus import Calculus
from hhcore.compile.equations import Equations, equations
from hhcore.compile.parts import StimulusText
from hhcore.model.model import Model

# Rows of each gate: a and b at the potential of the segment, x_inf, and x0 - x_inf. SINCE is t0.
ROWS = ("GATE_A", "GATE_B", "GATE_STEADY", "GATE_OFF")


@dataclass(frozen=True)
class Gates:
    """The gates of a model in closed form.

    rates : a and b of each, by the name of the state
    """

    rates: dict[str, tuple[sp.Expr, sp.Expr]]

    @property
    def outputs(self) -> dict[str, sp.Expr]:
        """a and b of each gate by row."""
        rows = enumerate(self.rates.values())
        return {f"GATE_{which}_{i}": e for i, pair in rows for which, e in zip("AB", pair, strict=True)}


def gates(symbols: Equations, potential: str) -> Gates:
    """The states that have a closed form while the potential, a state by name, is held."""
    calculus, found = Calculus(symbols.definitions), {}
    steady = {symbols.states[potential], *symbols.parameters.values(), *symbols.constants}
    for name, slope in symbols.derivatives.items():
        parts = None if name == potential else calculus.linear_part(slope, symbols.states[name])
        if parts is not None and parts[1] != 0 and all(calculus.reads(part) <= steady for part in parts):
            found[name] = parts
    return Gates(found)


@cache
def all_gates(model: Model, stimulus: StimulusText) -> bool:
    """Whether all states but the potential have a closed form under a stimulus, so that nothing is integrated."""
    return stimulus.holds and len(gates(equations(model, stimulus), model.potential).rates) == len(model.states) - 1


def closed(symbols: Equations, found: Gates) -> Equations:
    """The equations in which gates are functions of time."""
    if not found.rates:
        return symbols
    numbers = range(len(found.rates))
    rows = ["SINCE", *(f"{row}_{i}" for row in ROWS[1:] for i in numbers)]
    own = {row: sp.Symbol(f"{row.lower()}_", real=True) for row in rows}
    forms = {
        symbols.states[name]: own[f"GATE_STEADY_{i}"]
        + own[f"GATE_OFF_{i}"] * sp.exp(own[f"GATE_B_{i}"] * (symbols.time - own["SINCE"]))
        for i, name in enumerate(found.rates)
    }
    return replace(
        symbols,
        inputs=symbols.inputs | own,
        definitions=forms | symbols.definitions,
        derivatives=symbols.derivatives | dict.fromkeys(found.rates, sp.Integer(0)),
    )


def gate_rows(found: Gates) -> dict[str, int]:
    """Rows of the kernel's array, and the number of each."""
    return {"SINCE": 1, **dict.fromkeys(ROWS, len(found.rates))} if found.rates else {}


_TEXT = '''
def settle(Z, t, j):
    """From time t on, the gates of lane j follow their closed form at the present potential."""
    gate_rates(Z, j)
    Z[SINCE + j] = t
{settle}


def settled(Z, j):
    """The gates of lane j are in their steady state at the present potential."""
    settle(Z, 0.0, j)
{settled}


def hold_gates(jacobian, j):
    """In Newton's method, gates stay where they are."""
{hold}


def follow(Z):
    """The gates of all lanes where the lanes are."""
    for j in range(W):
        place_gates(Z, j)
'''

_SETTLE = """\
    x, a, b = Z[STATE_{k} + j], Z[GATE_A_{i} + j], Z[GATE_B_{i} + j]
    steady = -a / b if b != 0.0 else x
    Z[GATE_STEADY_{i} + j], Z[GATE_OFF_{i} + j] = steady, x - steady"""


def functions(found: Gates, states: list[str]) -> str:
    """The functions of a kernel that has gates in closed form. `states` : names in the order of the model"""
    numbers = [(i, states.index(name)) for i, name in enumerate(found.rates)]
    return _TEXT.lstrip("\n").format(
        settle="\n".join(_SETTLE.format(i=i, k=k) for i, k in numbers),
        settled="\n".join(
            f"    Z[STATE_{k} + j], Z[GATE_OFF_{i} + j] = Z[GATE_STEADY_{i} + j], 0.0" for i, k in numbers
        ),
        hold="\n".join(f"    jacobian[j, {k}, {k}] = -1.0" for _, k in numbers),
    )
