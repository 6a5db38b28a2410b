"""What is written as a share of rheobase, like `150 %` or `1.5 rheobase`, also inside an axis."""

import re
from collections.abc import ValuesView
from numbers import Real

import numpy as np

from hhcore.base.checks import quoted

PERCENT = "%"
SHARE = re.compile(r"(%|\bpercent|rheobase)\s*$", re.IGNORECASE)  # at the end of what is meant as one
WRITTEN = re.compile(r"\s*[+-]?[\d.]+(e[+-]?\d+)?\s*(%|percent|rheobase)\s*", re.IGNORECASE)
NUMBERS = {"linspace": 2, "logspace": 2, "lognormal": 1}  # of a form, that are currents; of others all are


def share_in(value: object) -> str:
    """The first text in a written value that is a share of rheobase, "" if none is; a scale is one of something else.

    >>> share_in({"values": ["100 %", "1.5 rheobase"]})
    '100 %'
    """
    if isinstance(value, str):
        return value if SHARE.search(value) else ""
    if isinstance(value, np.ndarray):
        value = value.tolist() if value.dtype.kind not in "iuf" else []
    inner = value.values() if isinstance(value, dict) and "scale" not in value else value
    return next(filter(None, map(share_in, inner)), "") if isinstance(inner, list | tuple | ValuesView) else ""


def current_in(value: object) -> str:
    """The first number in a written value that is no share of rheobase, in quotes; "" if all are shares, or 0."""
    if isinstance(value, dict):
        values = [x[: NUMBERS.get(form, len(x))] for form, x in value.items() if isinstance(x, list | tuple)]
        return next(filter(None, map(current_in, values)), "")
    if isinstance(value, list | tuple | np.ndarray):
        return next(filter(None, map(current_in, value)), "")
    if isinstance(value, str):
        known = WRITTEN.fullmatch(value) or "," in value  # which `to_unit` explains
        return "" if known else quoted(value)
    return quoted(value) if isinstance(value, Real) and value != 0 else ""
