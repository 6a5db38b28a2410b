"""Symmetric splitting into parts that are solved exactly: Strang (1968), SIAM J. Numer. Anal. 5:506-517.

For gates by exponentials: Rush and Larsen (1978), IEEE Trans. Biomed. Eng. 25:389-392.
"""

from hhcore.schemes.scheme import Scheme, indented


def _strang(updates: list[str]) -> str:
    outer, *rest = updates
    inner, middle = rest[:-1], rest[-1:]
    sweep = [f"{u}(Z, t, 0.5 * h, j)" for u in inner]
    sweep += [f"{u}(Z, t + 0.5 * h, h, j)" for u in middle]
    sweep += [f"{u}(Z, t + h, 0.5 * h, j)" for u in reversed(inner)]
    return _STRANG.format(outer=outer, sweep=indented(sweep, 2))


_STRANG = '''
@njit(**INLINE)
def begin(Z, t, j):
    """No half step of {outer} is owed; nothing is known of the slope."""
    Z[OWED + j] = 0.0
    return 0.0


@njit(**BLOCK)
def attempt(Z):
    """The half steps of {outer} at the end of a step and the start of the next are one."""
    prefer_widest_vectors()
    for k in range(N):
        for j in range(W):
            Z[NEXT + k * W + j] = Z[STATE + k * W + j]
    for j in range(W):
        t, h = Z[TIME + j], Z[TAKEN + j]
        {outer}(Z, t, Z[OWED + j] + 0.5 * h, j)
{sweep}
        Z[ERROR + j] = Z[NEXT + POTENTIAL + j] - Z[NEXT + POTENTIAL + j]


@njit(**INLINE)
def end_slope(Z, j):
    """The last change of V: its sign tells where V turns."""
    return Z[NEXT + POTENTIAL + j] - Z[STATE + POTENTIAL + j]


@njit(**BLOCK)
def accept(Z):
    """Half a step of {outer} is owed."""
    prefer_widest_vectors()
    for k in range(N):
        for j in range(W):
            new, old = Z[NEXT + k * W + j], Z[STATE + k * W + j]  # loaded before selecting, or LLVM selects addresses
            Z[STATE + k * W + j] = new if Z[KEEP + j] > 0.5 else old
    for j in range(W):
        owed = 0.5 * Z[TAKEN + j]
        Z[OWED + j] = owed if Z[KEEP + j] > 0.5 else Z[OWED + j]


@njit(**BLOCK)
def settle(Z, t, j):
    """The half step of {outer} that is owed."""
    for k in range(N):
        Z[NEXT + k * W + j] = Z[STATE + k * W + j]
    {outer}(Z, t, Z[OWED + j], j)
    for k in range(N):
        Z[STATE + k * W + j] = Z[NEXT + k * W + j]


@njit(**INLINE)
def interpolate(Z, t, h, v0, v1, d0, d1, j):
    """A line: exact to second order."""
    Z[CURVE + j] = v1 - v0
'''

STRANG = Scheme(
    name="strang",
    title="Strang splitting, exponential",
    order=2,
    adaptive=False,
    estimate=0,
    split=True,
    implicit=False,
    stable=float("inf"),
    degree=1,
    rows=lambda states: {"OWED": 1},
    text=_strang,
)
