"""The integration schemes. Each declares its order; tests/test_solvers.py measures it on spike times.

A scheme is the text of its time loop, which calls straight-line blocks lane by lane: `derivatives`, and for a
splitting scheme an update for each group of states. `hhcore.compile` generates the blocks and joins all to a kernel.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Scheme:
    """An integration scheme of fixed step.

    order      : of the error of spike times in the step
    hermite    : spike times and extrema by cubic Hermite interpolation (else linear), to match the order
    split      : whether a step consists of updates of groups of states, each solved exactly
    loop       : from the number of states and the names of the updates, the text of `slope` (dV/dt),
                 `step` (one step of one lane) and `synchronise` (all states brought to the end of a step)
    """

    name: str
    title: str
    order: int
    hermite: bool
    split: bool
    loop: Callable[[int, list[str]], str]


# --- classical Runge-Kutta: Kutta (1901), Z. Math. Phys. 46:435-453; Hairer, Norsett, Wanner (1993), Table II.1.2


def _rk4_loop(states: int, updates: list[str]) -> str:
    n = range(states)
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


RK4 = Scheme("rk4", "classical Runge-Kutta", 4, hermite=True, split=False, loop=_rk4_loop)


# --- symmetric (Strang) splitting into exactly solved linear parts: Strang (1968), SIAM J. Numer. Anal. 5:506-517;
#     for gates by exponentials, Rush and Larsen (1978), IEEE Trans. Biomed. Eng. 25:389-392


def _strang_loop(states: int, updates: list[str]) -> str:
    outer, *rest = updates
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


STRANG = Scheme("strang", "Strang splitting, exponential", 2, hermite=False, split=True, loop=_strang_loop)

SCHEMES = {scheme.name: scheme for scheme in (RK4, STRANG)}
METHODS = tuple(SCHEMES)
