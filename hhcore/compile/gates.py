"""Gates in closed form, where a clamp holds V: x = x0 + (a + b x0) (e^(b (t - t0)) - 1) / b for dx/dt = a + b x.

A state is such a gate if a and b depend on the potential and on parameters alone. In a kernel it is then a function of
time, exact at any step; its slope counts as 0, so that it limits no step. States that depend on others are integrated.
The form counts from x0, not from the steady state -a / b, which is far away where b is nearly 0, and nowhere at b = 0:
there x = x0 + a (t - t0).
"""

from dataclasses import dataclass, replace

import sympy as sp

from hhcore.compile.calculus import Calculus
from hhcore.compile.equations import Equations
from hhcore.compile.functions import Expm1

# Rows of each gate: a and b at the potential of the segment, x0, (a + b x0) / b, and at b = 0 the slope a. SINCE is t0.
ROWS = ("GATE_A", "GATE_B", "GATE_BEGUN", "GATE_AWAY", "GATE_DRIFT")


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


def closed(symbols: Equations, found: Gates) -> Equations:
    """The equations in which gates are functions of time."""
    if not found.rates:
        return symbols
    numbers = range(len(found.rates))
    rows = ["SINCE", *(f"{row}_{i}" for row in ROWS[1:] for i in numbers)]
    own = {row: sp.Symbol(f"{row.lower()}_", real=True) for row in rows}
    since = symbols.time - own["SINCE"]
    forms = {
        symbols.states[name]: own[f"GATE_BEGUN_{i}"]
        + own[f"GATE_AWAY_{i}"] * Expm1(own[f"GATE_B_{i}"] * since)
        + own[f"GATE_DRIFT_{i}"] * since
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
SLOWEST = 2.0**-500  # in size; b that is smaller counts as 0


def settle(Z, t, j):
    """From time t on, the gates of lane j follow their closed form at the present potential."""
    gate_rates(Z, j)
    Z[SINCE + j] = t
{settle}


def settled(Z, j):
    """The gates of lane j that have a stable steady state at the present potential are in it."""
    gate_rates(Z, j)
{settled}


def hold_gates(jacobian, Z, j):
    """In Newton's method, gates stay where they are; b says whether that is stable."""
{hold}


def follow(Z):
    """The gates of all lanes where the lanes are."""
    for j in range(W):
        place_gates(Z, j)
'''

_SETTLE = """\
    x, a, b = Z[STATE_{k} + j], Z[GATE_A_{i} + j], Z[GATE_B_{i} + j]
    slope, grows = fma(b, x, a), abs(b) > SLOWEST
    Z[GATE_BEGUN_{i} + j] = x
    Z[GATE_AWAY_{i} + j] = slope / b if grows else 0.0
    Z[GATE_DRIFT_{i} + j] = 0.0 if grows else slope"""

_SETTLED = """\
    if Z[GATE_B_{i} + j] < 0.0:
        Z[STATE_{k} + j] = -Z[GATE_A_{i} + j] / Z[GATE_B_{i} + j]"""


def functions(found: Gates, states: list[str]) -> str:
    """The functions of a kernel that has gates in closed form. `states` : names in the order of the model"""
    numbers = [(i, states.index(name)) for i, name in enumerate(found.rates)]
    return _TEXT.lstrip("\n").format(
        settle="\n".join(_SETTLE.format(i=i, k=k) for i, k in numbers),
        settled="\n".join(_SETTLED.format(i=i, k=k) for i, k in numbers),
        hold="\n".join(f"    jacobian[j, {k}, {k}] = Z[GATE_B_{i} + j]" for i, k in numbers),
    )
