"""Ticks: fixed before a figure is drawn; those of logarithmic scales in plain text, 0.1, 1, 10, 1000, 10⁵."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullFormatter, NullLocator

MOST = 8  # labels along an axis
DETAILED = 5  # up to so many decades have ticks between the powers of ten
PLAIN = (1e-3, 1e4)  # numbers outside are written as powers of ten
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def fix_ticks(axes: Axes) -> None:
    """Settle where the ticks of both axes are and what is written at them, so that no drawing works it out again."""
    for axis in (axes.xaxis, axes.yaxis):
        if not isinstance(axis.get_major_locator(), FixedLocator | NullLocator):
            _fix_logarithmic(axis) if axis.get_scale() == "log" else _fix_linear(axis)


def _fix_linear(axis: Axis) -> None:
    low, high = sorted(axis.get_view_interval())
    slack = 1e-9 * (high - low)
    places = [place for place in axis.get_majorticklocs() if low - slack <= place <= high + slack]
    texts = FixedFormatter(axis.get_major_formatter().format_ticks(places))
    texts.set_offset_string(axis.get_major_formatter().get_offset())
    axis.set_major_locator(FixedLocator(places))
    axis.set_major_formatter(texts)


def _fix_logarithmic(axis: Axis) -> None:
    labelled, others = log_ticks(*sorted(axis.get_view_interval()))
    axis.set_major_locator(FixedLocator(labelled))
    axis.set_major_formatter(FixedFormatter([number(value) for value in labelled]))
    axis.set_minor_locator(FixedLocator(others) if others.size else NullLocator())
    axis.set_minor_formatter(NullFormatter())


def log_ticks(low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Values with a label and values without one, from low to high: powers of ten, or 1, 2 and 5 if these are few."""
    powers = np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    inside = [p for p in powers if low <= 10.0**p <= high]
    if len(inside) >= 3:
        stride = -(-len(inside) // MOST)
        labelled = 10.0 ** np.array(inside[::stride])
    else:
        labelled = np.outer(10.0**powers, (1, 2, 5)).ravel()
    labelled = labelled[(labelled >= low) & (labelled <= high)]
    if labelled.size < 3:
        labelled = MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(low, high)
        labelled = labelled[(labelled >= low) & (labelled <= high)]
    minor = np.outer(10.0**powers, np.arange(1, 10)).ravel() if len(inside) <= DETAILED else 10.0**powers
    minor = minor[(minor >= low) & (minor <= high)]
    return labelled, np.setdiff1d(minor, labelled)


def number(value: float) -> str:
    """`0.02`, `500`, `2×10⁻⁶`"""
    if PLAIN[0] <= value < PLAIN[1]:
        return f"{value:.6g}"
    digits, power = f"{value:.5e}".split("e")
    factor = f"{float(digits):g}×" if float(digits) != 1 else ""
    return f"{factor}10{str(int(power)).translate(_SUPERSCRIPT)}"
