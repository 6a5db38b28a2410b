"""What an integration scheme is. Each declares its order; tests/test_solvers.py measures it.

A scheme is the text of a step of all lanes, made of loops over states and lanes and of calls of straight-line blocks:
`slopes` fills the rows SLOPE with the derivatives of the states in rows NEXT at the times in row WHEN; an implicit one
has `linearise` and `substitute`. `hhcore.compile`
generates the blocks and joins all to a kernel; `compile/runtime/driver.py.in` calls

    begin(Z, t, j)          after an edge: what the first step needs; returns dV/dt
    attempt(Z)              from TIME on, of length TAKEN: rows NEXT = states a step later, row ERROR = square of the
                            local error over its scale
    end_slope(Z, j)         dV/dt there
    accept(Z)               where row KEEP is 1: rows STATE = NEXT, and what else the following step needs
    interpolate(Z, ..., j)  rows CURVE = c1, c2, ...: the potential in the last step is v0 + c1 s + c2 s^2 + ...
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Scheme:
    """An integration scheme.

    order     : of the error of spike times in the step
    adaptive  : whether the steps of a neuron follow its own local error (else all are as long as is asked for)
    estimate  : order of the estimate of the local error, 0 without one
    implicit  : whether it needs the Jacobian
    stable    : |dt / time constant| up to which decay is stable
    degree    : of the curve through a step
    rows      : from the number of states, the rows of the kernel's array that the scheme works on, by name
    text      : as described above
    """

    name: str
    title: str
    order: int
    adaptive: bool
    estimate: int
    implicit: bool
    stable: float
    degree: int
    rows: Callable[[int], dict[str, int]]
    text: str


AROUND = '''
def begin(Z, t, j):
    """Slopes of the present states."""
    stage(Z, t, j)
    for k in range(N):
        Z[SLOPE1 + k * W + j] = Z[SLOPE + k * W + j]
    Z[SPEED + j] = fastest_change(Z, j)
    return Z[SLOPE + POTENTIAL + j]


@inline
def end_slope(Z, j):
    """dV/dt at the end of the step."""
    return Z[SLOPE + POTENTIAL + j]


def accept(Z):
    """The slopes at the end of this step are those at the start of the next."""
    for k in range(N):
        for j in range(W):
            i = k * W + j
{begun}            keep, state, slope = Z[KEEP + j] > 0.5, Z[STATE + i], Z[SLOPE1 + i]
            new_state, new_slope = Z[NEXT + i], Z[SLOPE + i]  # loaded before selecting, or LLVM selects addresses
            Z[STATE + i] = new_state if keep else state
            Z[SLOPE1 + i] = new_slope if keep else slope


def interpolate(Z, t, h, v0, v1, d0, d1, j):
    """The curve of the potential inside the step that went from t to t + h."""
{curve}
'''


def around(begun: str, curve: list[str]) -> str:
    """What comes before and after a step whose last derivatives are the first of the next one."""
    return AROUND.format(begun=begun, curve=indented(curve, 1))


def indented(lines: list[str], depth: int) -> str:
    """Lines so many levels deep."""
    return "\n".join("    " * depth + line for line in lines)


def weighted_sum(weights: tuple[float, ...], slopes: list[str]) -> list[str]:
    """Lines that add up weights times slopes in `s`, zeros left out."""
    terms = [(repr(weight), slope) for weight, slope in zip(weights, slopes, strict=False) if weight]
    first, *others = terms
    return [f"s = {first[0]} * {first[1]}", *(f"s = fma({w}, {slope}, s)" for w, slope in others)]
