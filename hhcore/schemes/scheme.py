"""What an integration scheme is. Each declares its order; tests/test_solvers.py measures it.

A scheme is the text of one step in all lanes. It loops over states and lanes, and calls straight-line blocks that
`hhcore.compile` generates: `slopes` fills the rows SLOPE with the derivatives of the states in rows NEXT at the times
in row WHEN; an implicit scheme also calls `linearise` and `substitute`. `compile/runtime/driver.py.in` calls

    begin(Z, t, j)          at the start of a segment: prepares its first step; returns dV/dt
    attempt(Z)              a step from TIME of length TAKEN: rows NEXT = states after it, row ERROR = square of
                            local error / scale
    end_slope(Z, j)         dV/dt after the step
    accept(Z)               where row KEEP is 1: rows STATE = NEXT, and all else that the next step needs
    interpolate(Z, ..., j)  rows CURVE = c1, c2, ...: the potential in the last step is v0 + c1 s + c2 s^2 + ...
    dense(Z)                rows DENSE = the same of all states in all lanes, after `accept`, from the states and slopes
                            at the beginning in rows BEGUN, BEGUN_SLOPE; only in kernels that observe other variables
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Scheme:
    """An integration scheme.

    order     : of the error of spike times in the step
    adaptive  : whether the local error of a neuron sets its steps (if not, all steps have the length asked for)
    estimate  : order of the estimate of the local error, 0 without one
    implicit  : whether it needs the Jacobian
    stable    : largest dt / time constant at which decay is stable
    degree    : of the interpolant
    rows      : takes the number of states; returns the scheme's rows of the kernel's array, by name, and their number
    text      : as described above, without `dense`
    dense     : the text of that
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
    dense: str


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
    """All but `attempt`, for a step whose last derivatives are the first of the next step."""
    return AROUND.format(begun=begun, curve=indented(curve, 1))


DENSE = '''

def dense(Z):
    """Rows DENSE = the coefficients of all states in the last step of all lanes."""
{stages}
    for k in range(N):
        for j in range(W):
            i = k * W + j
{coefficients}
'''


def coefficient_row(power: int) -> str:
    """Where `dense` puts the coefficient of s^(power + 1) of state k in lane j; `i` is k W + j."""
    return f"Z[DENSE + {power} * N * W + i]"


def indented(lines: list[str], depth: int) -> str:
    """Join lines, indented by `depth` levels."""
    return "\n".join("    " * depth + line for line in lines)


def weighted_sum(weights: tuple[float, ...], slopes: list[str]) -> list[str]:
    """Lines that sum weights times slopes in `s`; zero weights are left out."""
    terms = [(repr(weight), slope) for weight, slope in zip(weights, slopes, strict=False) if weight]
    first, *others = terms
    return [f"s = {first[0]} * {first[1]}", *(f"s = fma({w}, {slope}, s)" for w, slope in others)]
