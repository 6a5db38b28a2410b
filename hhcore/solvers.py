"""The integration schemes. Each declares its order; tests/test_solvers.py measures it on spike times.

A scheme is the text of what happens to one lane in one step, made of calls of straight-line blocks: `derivatives`, and
for a splitting scheme an update for each group of states. `hhcore.compile` generates the blocks and joins all to a
kernel; `compile/driver.py.in` calls

    begin(Z, t, j)          where a stretch begins: what its first step needs; returns dV/dt
    attempt(Z, t, h, j)     rows NEXT = states a step later; returns the square of the local error over its scale
    accept(Z, h, keep, j)   what the following step needs besides NEXT, if `keep`; returns dV/dt at the end of the step
    settle(Z, t, j)         all states brought to time t, where a stretch ends
    interpolate(Z, ..., j)  rows CURVE = c1, c2, ...: the potential in the last step is v0 + c1 s + c2 s^2 + ...
"""

from collections.abc import Callable
from dataclasses import dataclass

from hhcore.errors import UserError, closest
from hhcore.tableaus import CLASSICAL, DORMAND_PRINCE_8, TSITOURAS, Tableau


@dataclass(frozen=True)
class Scheme:
    """An integration scheme.

    order     : of the error of spike times in the step
    adaptive  : whether the steps of a neuron follow its own local error (else all are as long as is asked for)
    estimate  : order of the estimate of the local error, 0 without one
    split     : whether a step consists of updates of groups of states, each solved exactly
    stable    : |dt / time constant| up to which decay is stable, infinite for exponential schemes
    degree    : of the curve through a step
    rows      : from the number of states, the rows of the kernel's array that the scheme works on, by name
    text      : from the scale of each state and the names of the updates, the text described above
    """

    name: str
    title: str
    order: int
    adaptive: bool
    estimate: int
    split: bool
    stable: float
    degree: int
    rows: Callable[[int], dict[str, int]]
    text: Callable[[list[float], list[str]], str]


# --- explicit Runge-Kutta methods: Hairer, Norsett, Wanner (1993), Solving Ordinary Differential Equations I, ch. II


def _runge_kutta(name: str, title: str, tableau: Tableau) -> Scheme:
    """The scheme of a tableau. Its last stage is the slope at the end of the step, and the first of the next step."""
    last, extra = len(tableau.a) + 1, len(tableau.dense_a)

    def rows(states: int) -> dict[str, int]:
        kept = {"BEGUN": states, "BEGUN_SLOPE": states} if extra else {}
        return {f"SLOPE{i + 1}": states for i in range(last + extra)} | kept

    def text(scales: list[float], updates: list[str]) -> str:
        n = range(len(scales))
        weights = zip(tableau.a[:-1], tableau.c, strict=False)
        stages = [_stage(row, c, i, len(scales)) for i, (row, c) in enumerate(weights, start=2)]
        kept = [f"    {_at('BEGUN', k)} = {_at('STATE', k)}" for k in n]
        kept += [f"    {_at('BEGUN_SLOPE', k)} = {_at('SLOPE1', k)}" for k in n]
        moved = [f"    {_at('SLOPE1', k)} = {_at(f'SLOPE{last}', k)} if keep else {_at('SLOPE1', k)}" for k in n]
        return _RUNGE_KUTTA.format(
            speed="\n".join(_speed(scales) if tableau.errors else []),
            stages="\n".join([*stages, _stage(tableau.a[-1], 1.0, last, len(scales), target="NEXT")]),
            error="\n".join(_error(tableau.errors, scales)),
            moved="\n".join([*(kept if extra else []), *moved]),
            curve="\n".join(_curve(tableau, last, len(scales))),
        )

    adaptive = bool(tableau.errors)
    stable = _stability_interval(tableau)
    return Scheme(name, title, tableau.order, adaptive, tableau.estimate, False, stable, tableau.degree, rows, text)


def _stability_interval(tableau: Tableau) -> float:
    """The smallest x at which a step of y' = -x y no longer shrinks y; to within 0.001."""
    for x in range(1, 100_000):
        stages = [1.0]
        for row in tableau.a:
            stages.append(1.0 - x / 1000 * sum(w * y for w, y in zip(row, stages, strict=False)))
        if abs(stages[-1]) > 1.0:
            return (x - 1) / 1000
    return float("inf")


_RUNGE_KUTTA = '''
@njit(**INLINE)
def begin(Z, t, j):
    """Slopes of the present states."""
    derivatives(Z, STATE, SLOPE1, t, j)
{speed}
    return Z[SLOPE1 + POTENTIAL + j]


@njit(**INLINE)
def attempt(Z, t, h, j):
    """One step of lane j from t to t + h. The last stage gives the slopes at its end."""
{stages}
{error}


@njit(**INLINE)
def accept(Z, h, keep, j):
    """The slopes at the end of this step are those at the start of the next."""
{moved}
    return Z[SLOPE1 + POTENTIAL + j]


@njit(**INLINE)
def settle(Z, t, j):
    """All states are at time t already."""


@njit(**INLINE)
def interpolate(Z, t, h, v0, v1, d0, d1, j):
    """The curve of the potential inside the step that went from t to t + h."""
{curve}
'''


def _at(row: str, state: int) -> str:
    return f"Z[{row}_{state} + j]"


def _sum(weights: tuple[float, ...], slopes: list[str]) -> list[str]:
    """Lines that add up weights times slopes in `s`, zeros left out."""
    terms = [(repr(weight), slope) for weight, slope in zip(weights, slopes, strict=False) if weight]
    first, *others = terms
    return [f"    s = {first[0]} * {first[1]}", *(f"    s = fma({w}, {slope}, s)" for w, slope in others)]


def _stage(
    row: tuple[float, ...], c: float, number: int, states: int, target="STAGE", base="STATE", first="SLOPE1"
) -> str:
    lines = []
    for k in range(states):
        lines += _sum(row, [_at(first, k), *(_at(f"SLOPE{i}", k) for i in range(2, len(row) + 1))])
        lines.append(f"    {_at(target, k)} = fma(h, s, {_at(base, k)})")
    time = "t + h" if c == 1.0 else f"fma({c!r}, h, t)"
    return "\n".join([*lines, f"    derivatives(Z, {target}, SLOPE{number}, {time}, j)"])


def _speed(scales: list[float]) -> list[str]:
    """The fastest relative change of a state, over its scale."""
    terms = [f"abs({_at('SLOPE1', k)}) * {1.0 / scale!r}" for k, scale in enumerate(scales)]
    return [f"    Z[SPEED + j] = max({', '.join(['1e-30', *terms])})"]


def _error(errors: tuple[tuple[float, ...], ...], scales: list[float]) -> list[str]:
    """Mean square over the states of the estimated error over its scale; without an estimate 0, but NaN for NaN."""
    if not errors:
        return ["    return Z[NEXT + POTENTIAL + j] - Z[NEXT + POTENTIAL + j]"]
    lines = []
    for name, weights in zip(("error", "other"), errors, strict=False):
        lines.append(f"    {name} = 0.0")
        for k, scale in enumerate(scales):
            lines += _sum(weights, [_at(f"SLOPE{i}", k) for i in range(1, len(weights) + 1)])
            lines += [f"    s *= {1.0 / scale!r}", f"    {name} = fma(s, s, {name})"]
    square = f"(h * h * {1.0 / len(scales)!r})"
    if len(errors) == 1:
        return [*lines, f"    return error * {square}"]
    return [*lines, f"    return error * {square} * (error / fma(0.01, other, error + 1e-300))"]


def _curve(tableau: Tableau, last: int, states: int) -> list[str]:
    """The cubic through potential and slope at both ends, or where the tableau has one, its own interpolant."""
    if not tableau.dense:
        return [
            "    Z[CURVE_0 + j] = h * d0",
            "    Z[CURVE_1 + j] = 3.0 * (v1 - v0) - h * (2.0 * d0 + d1)",
            "    Z[CURVE_2 + j] = 2.0 * (v0 - v1) + h * (d0 + d1)",
        ]
    extra = zip(tableau.dense_a, tableau.dense_c, strict=True)
    lines = [_stage(row, c, i, states, base="BEGUN", first="BEGUN_SLOPE") for i, (row, c) in enumerate(extra, last + 1)]
    slopes = ["d0", *(f"Z[SLOPE{i} + POTENTIAL + j]" for i in range(2, len(tableau.dense) + 1))]
    for power in range(tableau.degree):
        lines += _sum(tuple(row[power] if row else 0.0 for row in tableau.dense), slopes)
        lines.append(f"    Z[CURVE_{power} + j] = h * s")
    return lines


RK4 = _runge_kutta("rk4", "classical Runge-Kutta", CLASSICAL)
TSIT5 = _runge_kutta("tsit5", "Runge-Kutta 5(4) of Tsitouras", TSITOURAS)
DOP853 = _runge_kutta("dop853", "Runge-Kutta 8(5,3) of Dormand and Prince", DORMAND_PRINCE_8)


# --- symmetric (Strang) splitting into exactly solved linear parts: Strang (1968), SIAM J. Numer. Anal. 5:506-517;
#     for gates by exponentials, Rush and Larsen (1978), IEEE Trans. Biomed. Eng. 25:389-392


def _strang(scales: list[float], updates: list[str]) -> str:
    outer, *rest = updates
    inner, middle = rest[:-1], rest[-1:]
    sweep = [f"{u}(Z, t, 0.5 * h, j)" for u in inner]
    sweep += [f"{u}(Z, t + 0.5 * h, h, j)" for u in middle]
    sweep += [f"{u}(Z, t + h, 0.5 * h, j)" for u in reversed(inner)]
    return _STRANG.format(
        outer=outer,
        copied="\n".join(f"    {_at('NEXT', k)} = {_at('STATE', k)}" for k in range(len(scales))),
        sweep="\n".join(f"    {line}" for line in sweep),
        back="\n".join(f"    {_at('STATE', k)} = {_at('NEXT', k)}" for k in range(len(scales))),
    )


_STRANG = '''
@njit(**INLINE)
def begin(Z, t, j):
    """No half step of {outer} is owed; nothing is known of the slope."""
    Z[OWED + j] = 0.0
    return 0.0


@njit(**INLINE)
def attempt(Z, t, h, j):
    """One step of lane j. The half steps of {outer} at the end of a step and the start of the next are one."""
{copied}
    {outer}(Z, t, Z[OWED + j] + 0.5 * h, j)
{sweep}
    return Z[NEXT + POTENTIAL + j] - Z[NEXT + POTENTIAL + j]


@njit(**INLINE)
def accept(Z, h, keep, j):
    """The last change of V: its sign tells where V turns."""
    Z[OWED + j] = 0.5 * h if keep else Z[OWED + j]
    return Z[NEXT + POTENTIAL + j] - Z[STATE + POTENTIAL + j]


@njit(**INLINE)
def settle(Z, t, j):
    """The half step of {outer} that is owed."""
{copied}
    {outer}(Z, t, Z[OWED + j], j)
{back}


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
    stable=float("inf"),
    degree=1,
    rows=lambda states: {"OWED": 1},
    text=_strang,
)

SCHEMES = {scheme.name: scheme for scheme in (RK4, TSIT5, DOP853, STRANG)}
METHODS = tuple(SCHEMES)
DEFAULT_ERROR = 1e-6


@dataclass(frozen=True)
class Solver:
    """A scheme and how finely it steps.

    accuracy : of a scheme of fixed step the largest step `dt`, in the model's unit of time; of an adaptive one the
               largest `local_error` of a step, relative to the size of the states
    """

    method: str
    accuracy: float

    @property
    def scheme(self) -> Scheme:
        """The scheme."""
        return SCHEMES[self.method]

    @property
    def knob(self) -> str:
        """What `accuracy` is: `dt` or `local_error`."""
        return knob(self.method)

    @property
    def finer(self) -> "Solver":
        """The same scheme with a much smaller error, by which its own is judged."""
        accuracy = self.accuracy / 100.0 if self.scheme.adaptive else self.accuracy / 3.0
        return Solver(self.method, max(accuracy, 1e-13))


def knob(method: str) -> str:
    """What sets the accuracy of a scheme: `dt`, or `local_error` for an adaptive one."""
    return "local_error" if SCHEMES[method].adaptive else "dt"


def solver(method: str, dt: float | None, local_error: float | None) -> Solver:
    """The scheme `method` with the one setting that it takes; an adaptive one of which nothing is said with 1e-6.

    Raises UserError for a scheme that does not exist, and for a wrong or missing setting.
    """
    if method not in METHODS:
        raise UserError(f"solver method {method!r} does not exist; " + closest(method, METHODS))
    if SCHEMES[method].adaptive:
        if dt is not None:
            raise UserError(f"solver method {method!r} takes its own steps: give it local_error, not dt")
        local_error = DEFAULT_ERROR if local_error is None else local_error
        if not 0.0 < local_error < 1.0:
            raise UserError(f"local_error {local_error!r} must lie between 0 and 1")
        return Solver(method, float(local_error))
    if local_error is not None:
        raise UserError(f"solver method {method!r} takes steps of equal length: give it dt, not local_error")
    if dt is None:
        raise UserError(f"solver method {method!r} needs dt")
    if not dt > 0.0:
        raise UserError(f"dt {dt!r} must lie above 0")
    return Solver(method, float(dt))
