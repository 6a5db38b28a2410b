"""Our numbers, how exact they are, and what comes out beside those that a paper states."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from hhcore.papers.paper import Number

# Two computations that share no scheme, a hundred times apart in local error.
COARSE = {"method": "tsit5", "local_error": 1e-9}
FINE = {"method": "dop853", "local_error": 1e-11}

AGREES, DIFFERS, UNRESOLVED, MISSING = "agrees", "differs", "not resolved", "not computed"


@dataclass(frozen=True)
class Measured:
    """One of our numbers and the bound of its error, both in the unit of the stated number.

    reason : why it is another, where that shows only in what comes out; "" for the one that the stated number has
    """

    value: float
    error: float
    reason: str = ""


def certified(measure: Callable[[Mapping[str, object]], Mapping[str, object]]) -> dict[str, Measured]:
    """Numbers with the error that two computations show.

    measure : from the keyword arguments of a solver, for `hhcore.simulate` and `hhcore.trace`, to numbers by name; one
              in a list (n,) gets its place in it, from 1, behind its name

    The value is that of the finer computation. Its error is the distance to the coarser one, whose own error is larger;
    NaN if that has no such number.
    """
    fine, coarse = (_listed(measure(solver)) for solver in (FINE, COARSE))
    return {name: Measured(value, abs(value - coarse.get(name, np.nan))) for name, value in fine.items()}


def exact(values: Mapping[str, object]) -> dict[str, Measured]:
    """Numbers that no solver made: values of a formula."""
    return {name: Measured(value, 0.0) for name, value in _listed(values).items()}


def verdict(number: Number, ours: Measured | None) -> str:
    """Whether our number agrees with the stated one. It cannot be said if our error is larger than what is allowed."""
    if ours is None or np.isnan(ours.value):
        return MISSING
    if not ours.error <= number.within:
        return UNRESOLVED
    return AGREES if abs(ours.value - number.value) <= number.within else DIFFERS


def _listed(values: Mapping[str, object]) -> dict[str, float]:
    """Numbers by name; those of a list one by one."""
    found = {}
    for name, value in values.items():
        array = np.asarray(value, dtype=np.float64)
        items = [(name, array)] if array.ndim == 0 else [(f"{name}_{i}", item) for i, item in enumerate(array, 1)]
        found |= {key: float(item) for key, item in items}
    return found
