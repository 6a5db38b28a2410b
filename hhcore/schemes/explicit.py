"""Explicit Runge-Kutta methods: Hairer, Norsett, Wanner (1993), Solving Ordinary Differential Equations I, ch. II."""

import numpy as np

from hhcore.schemes.scheme import DENSE, Scheme, around, coefficient_row, indented, weighted_sum
from hhcore.schemes.tableaus import CLASSICAL, DORMAND_PRINCE_8, TSITOURAS, Tableau


def _runge_kutta(name: str, title: str, tableau: Tableau) -> Scheme:
    """Make the scheme of a tableau. Its last stage is the slope at the end of the step, and the first of the next."""
    last, extra = len(tableau.a) + 1, len(tableau.dense_a)

    def rows(states: int) -> dict[str, int]:
        dense = dict.fromkeys(("BEGUN", "BEGUN_SLOPE", "LAST_SLOPE"), states) if extra else {}
        return {f"SLOPE{i + 1}": states for i in range(last + extra) if i + 1 != last} | dense | {"OTHER": 1}

    weights = zip(tableau.a, tableau.c, strict=True)
    text = _RUNGE_KUTTA.format(
        around=around(_BEGUN if extra else "", _curve(tableau, last)),
        stages="\n".join(_stage(row, c, i) for i, (row, c) in enumerate(weights, start=2)),
        error=_error(tableau.errors, last),
    )

    adaptive = bool(tableau.errors)
    stable = _stability_interval(tableau)
    numbers = (tableau.order, adaptive, tableau.estimate, False, stable, tableau.degree)
    return Scheme(name, title, *numbers, rows, text, _dense(tableau, last))


def _stability_interval(tableau: Tableau) -> float:
    """The smallest x at which a step of y' = -x y no longer shrinks y, to within 0.001."""
    x = np.arange(1, 10_000) / 1000.0
    stages = [np.ones_like(x)]
    for row in tableau.a:
        stages.append(1.0 - x * sum(w * y for w, y in zip(row, stages, strict=False)))
    return float(np.argmax(np.abs(stages[-1]) > 1.0)) / 1000.0


_RUNGE_KUTTA = '''
{around}

def attempt(Z):
    """The last stage gives the slopes at the end of the step."""
{stages}
{error}
'''

_BEGUN = """\
            Z[BEGUN + i] = Z[STATE + i]
            Z[BEGUN_SLOPE + i] = Z[SLOPE1 + i]
            Z[LAST_SLOPE + i] = Z[SLOPE + i]
"""


def _slopes(number: int, first: str = "SLOPE1", latest: str | None = None) -> list[str]:
    """The slopes of stages 1 to `number`."""
    middle = [f"Z[SLOPE{i} + i]" for i in range(2, number)]
    return [f"Z[{first} + i]", *middle, f"Z[{latest or f'SLOPE{number}'} + i]"][:number]


def _stage(row: tuple[float, ...], c: float, number: int) -> str:
    """Save the slopes of the previous stage, then compute stage `number` in all lanes."""
    save = [f"Z[SLOPE{number - 1} + i] = Z[SLOPE + i]"] if number > 2 else []
    lines = ["i = k * W + j", *save, *weighted_sum(row, _slopes(len(row), latest="SLOPE" if save else None))]
    lines.append("Z[NEXT + i] = fma(Z[TAKEN + j], s, Z[STATE + i])")
    head = ["for k in range(N):", "    for j in range(W):"]
    when = ["for j in range(W):", f"    Z[WHEN + j] = fma({c!r}, Z[TAKEN + j], Z[TIME + j])"]
    return "\n".join([indented(head, 1), indented(lines, 3), indented([*when, "slopes(Z)"], 1)])


def _error(errors: tuple[tuple[float, ...], ...], last: int) -> str:
    """Mean square over the states of estimated error / scale. Without an estimate: 0, or NaN if the potential is."""
    lines = ["for j in range(W):"]
    if not errors:
        return indented([*lines, "    Z[ERROR + j] = Z[NEXT + POTENTIAL + j] - Z[NEXT + POTENTIAL + j]"], 1)
    rows = ("ERROR", "OTHER")[: len(errors)]
    lines += [f"    Z[{row} + j] = 0.0" for row in rows]
    lines += ["for k in range(N):", "    for j in range(W):", "        i = k * W + j"]
    for row, weights in zip(rows, errors, strict=True):
        terms = weighted_sum(weights, _slopes(last, latest="SLOPE"))
        lines += [
            "        " + line for line in [*terms, "s *= INVERSE_SCALE[k]", f"Z[{row} + j] = fma(s, s, Z[{row} + j])"]
        ]
    lines += ["for j in range(W):", "    square = Z[TAKEN + j] * Z[TAKEN + j] / N"]
    if len(errors) > 1:
        lines.append("    square *= Z[ERROR + j] / fma(0.01, Z[OTHER + j], Z[ERROR + j] + 1e-300)")
    return indented([*lines, "    Z[ERROR + j] *= square"], 1)


def _curve(tableau: Tableau, last: int) -> list[str]:
    """The interpolant of the tableau; if it has none, the cubic through potential and slope at both ends."""
    if not tableau.dense:
        return [
            "Z[CURVE_0 + j] = h * d0",
            "Z[CURVE_1 + j] = 3.0 * (v1 - v0) - h * (2.0 * d0 + d1)",
            "Z[CURVE_2 + j] = 2.0 * (v0 - v1) + h * (d0 + d1)",
        ]
    lines = []
    for number, (row, c) in enumerate(zip(tableau.dense_a, tableau.dense_c, strict=True), last + 1):
        terms = _slopes(len(row), "BEGUN_SLOPE")
        terms[last - 1] = "Z[LAST_SLOPE + i]"
        lines += ["for k in range(N):", "    i = k * W + j", *("    " + line for line in weighted_sum(row, terms))]
        lines += ["    Z[NEXT + i] = fma(h, s, Z[BEGUN + i])", f"Z[WHEN + j] = fma({c!r}, h, t)", "slopes_of(Z, j)"]
        lines += ["for k in range(N):", f"    Z[SLOPE{number} + k * W + j] = Z[SLOPE + k * W + j]"]
    slopes = ["d0", *(f"Z[SLOPE{i} + POTENTIAL + j]" for i in range(2, len(tableau.dense) + 1))]
    slopes[last - 1] = "d1"
    for power in range(tableau.degree):
        lines += weighted_sum(tuple(row[power] if row else 0.0 for row in tableau.dense), slopes)
        lines.append(f"Z[CURVE_{power} + j] = h * s")
    return lines


def _dense(tableau: Tableau, last: int) -> str:
    """`dense` in all lanes: what `_curve` is for the potential of one."""
    stages, both = [], ["for k in range(N):", "    for j in range(W):", "        i = k * W + j"]
    for number, (row, c) in enumerate(zip(tableau.dense_a, tableau.dense_c, strict=True), last + 1):
        lines = [*weighted_sum(row, _all_slopes(len(row), last)), "Z[NEXT + i] = fma(Z[TAKEN + j], s, Z[BEGUN + i])"]
        stages += [*both, *("        " + line for line in lines)]
        stages += ["for j in range(W):", f"    Z[WHEN + j] = fma({c - 1.0!r}, Z[TAKEN + j], Z[TIME + j])", "slopes(Z)"]
        stages += [*both, f"        Z[SLOPE{number} + i] = Z[SLOPE + i]"]
    coefficients = ["h = Z[TAKEN + j]", *([] if tableau.dense else _HERMITE)]
    for power in range(tableau.degree if tableau.dense else 0):
        weights = tuple(row[power] if row else 0.0 for row in tableau.dense)
        coefficients += weighted_sum(weights, _all_slopes(len(weights), last))
        coefficients.append(f"{coefficient_row(power)} = h * s")
    return DENSE.format(stages=indented(stages, 1), coefficients=indented(coefficients, 3))


def _all_slopes(number: int, last: int) -> list[str]:
    """The slopes of stages 1 to `number` after a step; those of stage `last` are the first of the next step."""
    slopes = _slopes(number, "BEGUN_SLOPE")
    slopes[last - 1] = "Z[SLOPE1 + i]"
    return slopes


_HERMITE = [
    "y0, y1, d0, d1 = Z[BEGUN + i], Z[STATE + i], Z[BEGUN_SLOPE + i], Z[SLOPE1 + i]",
    f"{coefficient_row(0)} = h * d0",
    f"{coefficient_row(1)} = 3.0 * (y1 - y0) - h * (2.0 * d0 + d1)",
    f"{coefficient_row(2)} = 2.0 * (y0 - y1) + h * (d0 + d1)",
]

RK4 = _runge_kutta("rk4", "classical Runge-Kutta", CLASSICAL)
TSIT5 = _runge_kutta("tsit5", "Runge-Kutta 5(4) of Tsitouras", TSITOURAS)
DOP853 = _runge_kutta("dop853", "Runge-Kutta 8(5,3) of Dormand and Prince", DORMAND_PRINCE_8)
