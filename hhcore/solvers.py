"""The integration schemes. Each declares its order; tests/test_solvers.py measures it on spike times.

A scheme is mathematics over symbols (which straight-line blocks a step needs) and the text of its time loop,
which calls those blocks lane by lane. `hhcore.compile.module` joins both to a kernel.
"""

from collections.abc import Callable
from dataclasses import dataclass

import sympy as sp

from hhcore.compile.equations import Equations, linear_part
from hhcore.compile.passes import near
from hhcore.errors import UserError

STEP = sp.Symbol("h", positive=True)


@dataclass(frozen=True)
class Update:
    """A block that replaces `states` in place by expressions of the old state and the step h."""

    name: str
    states: dict[str, sp.Expr]


@dataclass(frozen=True)
class Scheme:
    """An integration scheme of fixed step.

    order      : of the error of spike times in the step
    hermite    : spike times and extrema by cubic Hermite interpolation (else linear), to match the order
    updates    : the blocks of one step besides the derivatives
    loop       : the text of `step` (one step of one lane) and `synchronise` (states brought to the end of a step)
    """

    name: str
    title: str
    order: int
    hermite: bool
    updates: Callable[[Equations], list[Update]]
    loop: Callable[[Equations, list[Update]], str]


# --- classical Runge-Kutta: Kutta (1901), Z. Math. Phys. 46:435-453; Hairer, Norsett, Wanner (1993), Table II.1.2


def _rk4_loop(equations: Equations, updates: list[Update]) -> str:
    n = range(len(equations.derivatives))
    half = "\n".join(f"    Z[STAGE + {k} * W + j] = fma(0.5 * h, Z[{{0}} + {k} * W + j], Z[{k} * W + j])" for k in n)
    full = "\n".join(f"    Z[STAGE + {k} * W + j] = fma(h, Z[SLOPE3 + {k} * W + j], Z[{k} * W + j])" for k in n)
    total = "\n".join(
        f"    middle = 2.0 * (Z[SLOPE2 + {k} * W + j] + Z[SLOPE3 + {k} * W + j])\n"
        f"    Z[{k} * W + j] = fma(h / 6.0, Z[SLOPE1 + {k} * W + j] + middle + Z[SLOPE4 + {k} * W + j], Z[{k} * W + j])"
        for k in n
    )
    return f'''
@njit(**INLINE)
def slope(Z, t, j):
    """dV/dt of lane j, leaving all derivatives in SLOPE1."""
    derivatives(Z, STATE, SLOPE1, t, j)
    return Z[SLOPE1 + POTENTIAL + j]


@njit(**INLINE)
def step(Z, t, h, first, j):
    """One step of lane j from t to t + h: y + h (k1 + 2 k2 + 2 k3 + k4) / 6, with k1 in SLOPE1."""
{half.format("SLOPE1")}
    derivatives(Z, STAGE, SLOPE2, t + 0.5 * h, j)
{half.format("SLOPE2")}
    derivatives(Z, STAGE, SLOPE3, t + 0.5 * h, j)
{full}
    derivatives(Z, STAGE, SLOPE4, t + h, j)
{total}


@njit(**INLINE)
def synchronise(Z, t, h, j):
    """All states are at time t already."""
'''


RK4 = Scheme("rk4", "classical Runge-Kutta", 4, True, lambda equations: [], _rk4_loop)


# --- symmetric (Strang) splitting into exactly solved linear parts: Strang (1968), SIAM J. Numer. Anal. 5:506-517;
#     for gates by exponentials, Rush and Larsen (1978), IEEE Trans. Biomed. Eng. 25:389-392


def _strang_updates(equations: Equations) -> list[Update]:
    """States in groups that do not depend on each other, each advanced exactly while the others stand still."""
    groups: list[dict[str, tuple[sp.Expr, sp.Expr]]] = []
    for name, symbol in equations.states.items():
        if (parts := linear_part(equations.derivatives[name], symbol)) is None:
            raise UserError(
                f"solver method 'strang' needs equations that are linear in their own state; {name} is not. "
                "Use method 'rk4'."
            )
        for group in groups:
            others = {equations.states[other] for other in group}
            reads = parts[0].free_symbols | parts[1].free_symbols
            read = set().union(*(a.free_symbols | b.free_symbols for a, b in group.values()))
            if not others & reads and symbol not in read:
                group[name] = parts
                break
        else:
            groups.append({name: parts})
    groups.sort(key=len, reverse=True)
    return [
        Update(f"update{i}", {name: exact_linear(equations.states[name], *parts) for name, parts in group.items()})
        for i, group in enumerate(groups)
    ]


def exact_linear(x: sp.Expr, a: sp.Expr, b: sp.Expr) -> sp.Expr:
    """x(h) of dx/dt = a + b x: x e^(bh) + a (e^(bh) - 1) / b, and x + a h where b vanishes."""
    z, tiny = b * STEP, sp.Rational(1, 2**26)
    decay = sp.exp(z)
    return decay * x + a * near(z, tiny, STEP, decay - 1) / near(z, tiny, sp.Integer(1), b)


def _strang_loop(equations: Equations, updates: list[Update]) -> str:
    outer, *rest = [update.name for update in updates]
    inner, middle = rest[:-1], rest[-1:]
    sweep = [f"{u}(Z, t, 0.5 * h, j)" for u in inner]
    sweep += [f"{u}(Z, t + 0.5 * h, h, j)" for u in middle]
    sweep += [f"{u}(Z, t + h, 0.5 * h, j)" for u in reversed(inner)]
    body = "\n    ".join(sweep)
    return f'''
@njit(**INLINE)
def slope(Z, t, j):
    """The last change of V of lane j: its sign tells where V turns."""
    return Z[STATE + POTENTIAL + j] - Z[LATER + j]


@njit(**INLINE)
def step(Z, t, h, first, j):
    """One step of lane j. The half steps of {outer} at the end of a step and the start of the next are one."""
    {outer}(Z, t, 0.5 * h if first else h, j)
    {body}


@njit(**INLINE)
def synchronise(Z, t, h, j):
    """The closing half step of {outer}: all states at time t."""
    {outer}(Z, t, 0.5 * h, j)
'''


STRANG = Scheme("strang", "Strang splitting, exponential", 2, False, _strang_updates, _strang_loop)

SCHEMES = {scheme.name: scheme for scheme in (RK4, STRANG)}
METHODS = tuple(SCHEMES)
