"""Where a step's potential crosses zero and how far it turns, by interpolation. Copied into every kernel."""

from math import sqrt

from numba import njit


@njit(error_model="numpy")
def hermite_crossing(v0, v1, d0, d1):
    """s in [0, 1] at which the cubic with values v0 < 0 <= v1 and slopes d0, d1 (per step) is zero.

    Newton's method inside a bracket that bisection keeps shrinking; error of fourth order in the step.
    """
    low, high = 0.0, 1.0
    s = v0 / (v0 - v1)
    for _ in range(60):
        c2 = 3.0 * (v1 - v0) - 2.0 * d0 - d1
        c3 = 2.0 * (v0 - v1) + d0 + d1
        value = v0 + s * (d0 + s * (c2 + s * c3))
        if value < 0.0:
            low = s
        else:
            high = s
        following = s - value / (d0 + s * (2.0 * c2 + s * 3.0 * c3))
        if not low <= following <= high:
            following = 0.5 * (low + high)
        if abs(following - s) <= 1e-15:
            return following
        s = following
    return s


@njit(error_model="numpy")
def hermite_extremum(v0, v1, d0, d1):
    """Extreme value of the cubic whose slope changes sign between d0 and d1 (per step)."""
    c2 = 3.0 * (v1 - v0) - 2.0 * d0 - d1
    c3 = 2.0 * (v0 - v1) + d0 + d1
    root = sqrt(max(0.0, c2 * c2 - 3.0 * c3 * d0))
    s = -d0 / (c2 + root) if c2 > 0.0 else -d0 / (c2 - root)
    if not 0.0 <= s <= 1.0:
        s = (-c2 - root) / (3.0 * c3) if c2 > 0.0 else (-c2 + root) / (3.0 * c3)
    s = min(1.0, max(0.0, s))
    return v0 + s * (d0 + s * (c2 + s * c3))


@njit(error_model="numpy")
def linear_crossing(v0, v1, d0, d1):
    """s in [0, 1] at which the line from v0 < 0 to v1 >= 0 is zero; error of second order in the step."""
    return v0 / (v0 - v1)


@njit(error_model="numpy")
def linear_extremum(v0, v1, d0, d1):
    """The potential before it turned back: within second order of the extremum."""
    return v0
