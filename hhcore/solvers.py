"""The integration schemes. Each declares its order; tests/test_solvers.py measures it on spike times.

A scheme is the text of a step of all lanes, made of loops over states and lanes and of calls of straight-line blocks:
`slopes` fills the rows SLOPE with the derivatives of the states in rows NEXT at the times in row WHEN; a splitting
scheme has an update for each group of states; an implicit one has `linearise` and `substitute`. `hhcore.compile`
generates the blocks and joins all to a kernel; `compile/driver.py.in` calls

    begin(Z, t, j)          where a stretch begins: what its first step needs; returns dV/dt
    attempt(Z)              from TIME on, of length TAKEN: rows NEXT = states a step later, row ERROR = square of the
                            local error over its scale
    end_slope(Z, j)         dV/dt there
    accept(Z)               where row KEEP is 1: rows STATE = NEXT, and what else the following step needs
    settle(Z, t, j)         all states brought to time t, where a stretch ends
    interpolate(Z, ..., j)  rows CURVE = c1, c2, ...: the potential in the last step is v0 + c1 s + c2 s^2 + ...
"""

from collections.abc import Callable
from dataclasses import dataclass

from hhcore.errors import UserError, closest
from hhcore.tableaus import CLASSICAL, DORMAND_PRINCE_8, STEINEBACH, TSITOURAS, Rosenbrock, Tableau


@dataclass(frozen=True)
class Scheme:
    """An integration scheme.

    order     : of the error of spike times in the step
    adaptive  : whether the steps of a neuron follow its own local error (else all are as long as is asked for)
    estimate  : order of the estimate of the local error, 0 without one
    split     : whether a step consists of updates of groups of states, each solved exactly
    implicit  : whether it needs the Jacobian
    stable    : |dt / time constant| up to which decay is stable, infinite for exponential schemes
    degree    : of the curve through a step
    rows      : from the number of states, the rows of the kernel's array that the scheme works on, by name
    text      : from the names of the updates, the text described above
    """

    name: str
    title: str
    order: int
    adaptive: bool
    estimate: int
    split: bool
    implicit: bool
    stable: float
    degree: int
    rows: Callable[[int], dict[str, int]]
    text: Callable[[list[str]], str]


# --- explicit Runge-Kutta methods: Hairer, Norsett, Wanner (1993), Solving Ordinary Differential Equations I, ch. II


def _runge_kutta(name: str, title: str, tableau: Tableau) -> Scheme:
    """The scheme of a tableau. Its last stage is the slope at the end of the step, and the first of the next step."""
    last, extra = len(tableau.a) + 1, len(tableau.dense_a)

    def rows(states: int) -> dict[str, int]:
        kept = dict.fromkeys(("BEGUN", "BEGUN_SLOPE", "LAST_SLOPE"), states) if extra else {}
        return {f"SLOPE{i + 1}": states for i in range(last + extra) if i + 1 != last} | kept | {"OTHER": 1}

    def text(updates: list[str]) -> str:
        weights = zip(tableau.a, tableau.c, strict=True)
        return _RUNGE_KUTTA.format(
            around=_around(_BEGUN if extra else "", _curve(tableau, last)),
            stages="\n".join(_stage(row, c, i) for i, (row, c) in enumerate(weights, start=2)),
            error=_error(tableau.errors, last),
        )

    adaptive = bool(tableau.errors)
    stable = _stability_interval(tableau)
    return Scheme(
        name, title, tableau.order, adaptive, tableau.estimate, False, False, stable, tableau.degree, rows, text
    )


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
{around}

@njit(error_model="numpy")
def attempt(Z):
    """The last stage gives the slopes at the end of the step."""
    prefer_widest_vectors()
{stages}
{error}
'''

_AROUND = '''
@njit(error_model="numpy")
def begin(Z, t, j):
    """Slopes of the present states."""
    stage(Z, t, j)
    for k in range(N):
        Z[SLOPE1 + k * W + j] = Z[SLOPE + k * W + j]
    Z[SPEED + j] = fastest_change(Z, j)
    return Z[SLOPE + POTENTIAL + j]


@njit(**INLINE)
def end_slope(Z, j):
    """dV/dt at the end of the step."""
    return Z[SLOPE + POTENTIAL + j]


@njit(error_model="numpy")
def accept(Z):
    """The slopes at the end of this step are those at the start of the next."""
    prefer_widest_vectors()
    for k in range(N):
        for j in range(W):
            i = k * W + j
{begun}            keep, state, slope = Z[KEEP + j] > 0.5, Z[STATE + i], Z[SLOPE1 + i]
            new_state, new_slope = Z[NEXT + i], Z[SLOPE + i]  # loaded before selecting, or LLVM selects addresses
            Z[STATE + i] = new_state if keep else state
            Z[SLOPE1 + i] = new_slope if keep else slope


@njit(**INLINE)
def settle(Z, t, j):
    """All states are at time t already."""


@njit(error_model="numpy")
def interpolate(Z, t, h, v0, v1, d0, d1, j):
    """The curve of the potential inside the step that went from t to t + h."""
{curve}
'''

_BEGUN = """\
            Z[BEGUN + i] = Z[STATE + i]
            Z[BEGUN_SLOPE + i] = Z[SLOPE1 + i]
            Z[LAST_SLOPE + i] = Z[SLOPE + i]
"""


def _around(begun: str, curve: list[str]) -> str:
    """What comes before and after a step whose last derivatives are the first of the next one."""
    return _AROUND.format(begun=begun, curve=_indented(curve, 1))


def _indented(lines: list[str], depth: int) -> str:
    return "\n".join("    " * depth + line for line in lines)


def _sum(weights: tuple[float, ...], slopes: list[str]) -> list[str]:
    """Lines that add up weights times slopes in `s`, zeros left out."""
    terms = [(repr(weight), slope) for weight, slope in zip(weights, slopes, strict=False) if weight]
    first, *others = terms
    return [f"s = {first[0]} * {first[1]}", *(f"s = fma({w}, {slope}, s)" for w, slope in others)]


def _slopes(number: int, first: str = "SLOPE1", latest: str | None = None) -> list[str]:
    """The slopes of stages 1 to `number`."""
    middle = [f"Z[SLOPE{i} + i]" for i in range(2, number)]
    return [f"Z[{first} + i]", *middle, f"Z[{latest or f'SLOPE{number}'} + i]"][:number]


def _stage(row: tuple[float, ...], c: float, number: int) -> str:
    """Stage `number` of all lanes, after keeping the slopes of the one before."""
    kept = [f"Z[SLOPE{number - 1} + i] = Z[SLOPE + i]"] if number > 2 else []
    lines = ["i = k * W + j", *kept, *_sum(row, _slopes(len(row), latest="SLOPE" if kept else None))]
    lines.append("Z[NEXT + i] = fma(Z[TAKEN + j], s, Z[STATE + i])")
    head = ["for k in range(N):", "    for j in range(W):"]
    when = ["for j in range(W):", f"    Z[WHEN + j] = fma({c!r}, Z[TAKEN + j], Z[TIME + j])"]
    return "\n".join([_indented(head, 1), _indented(lines, 3), _indented([*when, "slopes(Z)"], 1)])


def _error(errors: tuple[tuple[float, ...], ...], last: int) -> str:
    """Mean square over the states of the estimated error over its scale; without an estimate 0, but NaN for NaN."""
    lines = ["for j in range(W):"]
    if not errors:
        return _indented([*lines, "    Z[ERROR + j] = Z[NEXT + POTENTIAL + j] - Z[NEXT + POTENTIAL + j]"], 1)
    rows = ("ERROR", "OTHER")[: len(errors)]
    lines += [f"    Z[{row} + j] = 0.0" for row in rows]
    lines += ["for k in range(N):", "    for j in range(W):", "        i = k * W + j"]
    for row, weights in zip(rows, errors, strict=True):
        terms = _sum(weights, _slopes(last, latest="SLOPE"))
        lines += [
            "        " + line for line in [*terms, "s *= INVERSE_SCALE[k]", f"Z[{row} + j] = fma(s, s, Z[{row} + j])"]
        ]
    lines += ["for j in range(W):", "    square = Z[TAKEN + j] * Z[TAKEN + j] / N"]
    if len(errors) > 1:
        lines.append("    square *= Z[ERROR + j] / fma(0.01, Z[OTHER + j], Z[ERROR + j] + 1e-300)")
    return _indented([*lines, "    Z[ERROR + j] *= square"], 1)


def _curve(tableau: Tableau, last: int) -> list[str]:
    """The cubic through potential and slope at both ends, or where the tableau has one, its own interpolant."""
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
        lines += ["for k in range(N):", "    i = k * W + j", *("    " + line for line in _sum(row, terms))]
        lines += ["    Z[NEXT + i] = fma(h, s, Z[BEGUN + i])", f"Z[WHEN + j] = fma({c!r}, h, t)", "slopes_of(Z, j)"]
        lines += ["for k in range(N):", f"    Z[SLOPE{number} + k * W + j] = Z[SLOPE + k * W + j]"]
    slopes = ["d0", *(f"Z[SLOPE{i} + POTENTIAL + j]" for i in range(2, len(tableau.dense) + 1))]
    slopes[last - 1] = "d1"
    for power in range(tableau.degree):
        lines += _sum(tuple(row[power] if row else 0.0 for row in tableau.dense), slopes)
        lines.append(f"Z[CURVE_{power} + j] = h * s")
    return lines


RK4 = _runge_kutta("rk4", "classical Runge-Kutta", CLASSICAL)
TSIT5 = _runge_kutta("tsit5", "Runge-Kutta 5(4) of Tsitouras", TSITOURAS)
DOP853 = _runge_kutta("dop853", "Runge-Kutta 8(5,3) of Dormand and Prince", DORMAND_PRINCE_8)


# --- Rosenbrock methods: Hairer and Wanner (1996), Solving Ordinary Differential Equations II, ch. IV.7


def _rosenbrock(name: str, title: str, tableau: Rosenbrock) -> Scheme:
    """The scheme of a tableau. `linearise` factorises 1/(gamma h) - J, `substitute` solves for the row SLOPE."""
    last, degree = len(tableau.nodes), len(tableau.dense) + 1

    def rows(states: int) -> dict[str, int]:
        return {"SLOPE1": states, "BY_TIME": states} | {f"U{i + 1}": states for i in range(last)}

    def text(updates: list[str]) -> str:
        stages = zip(tableau.a, tableau.c, tableau.nodes[1:], tableau.times[1:], strict=True)
        return _ROSENBROCK.format(
            around=_around("", _rosenbrock_curve(tableau, last)),
            gamma=tableau.gamma,
            time=tableau.times[0],
            stages="\n".join(_rosenbrock_stage(i, *parts) for i, parts in enumerate(stages, start=2)),
            last=last,
        )

    return Scheme(name, title, tableau.order, True, tableau.estimate, False, True, float("inf"), degree, rows, text)


_ROSENBROCK = '''
{around}

@njit(error_model="numpy")
def attempt(Z):
    """Each stage is the solution of a linear system; the last one is the estimated error."""
    prefer_widest_vectors()
    linearise(Z, {gamma!r})
    for k in range(N):
        for j in range(W):
            i = k * W + j
            Z[SLOPE + i] = fma({time!r} * Z[TAKEN + j], Z[BY_TIME + i], Z[SLOPE1 + i])
    substitute(Z)
{stages}
    for j in range(W):
        Z[ERROR + j] = 0.0
        Z[WHEN + j] = Z[TIME + j] + Z[TAKEN + j]
    for k in range(N):
        for j in range(W):
            i = k * W + j
            u = Z[SLOPE + i]
            Z[U{last} + i] = u
            Z[NEXT + i] += u
            s = u * INVERSE_SCALE[k]
            Z[ERROR + j] = fma(s, s, Z[ERROR + j])
    for j in range(W):
        Z[ERROR + j] /= N
    slopes(Z)
'''


def _rosenbrock_stage(number: int, a: tuple[float, ...], c: tuple[float, ...], node: float, time: float) -> str:
    """Stage `number` of all lanes, after keeping the solution of the one before."""
    before = [f"Z[U{i} + i]" for i in range(1, number)]
    moved = [
        "i = k * W + j",
        f"Z[U{number - 1} + i] = Z[SLOPE + i]",
        *_sum(a, before),
        "Z[NEXT + i] = Z[STATE + i] + s",
    ]
    solved = ["i = k * W + j", "h = Z[TAKEN + j]", *_sum(c, before)]
    solved.append(f"Z[SLOPE + i] = fma({time!r} * h, Z[BY_TIME + i], fma(1.0 / h, s, Z[SLOPE + i]))")
    when = ["for j in range(W):", f"    Z[WHEN + j] = fma({node!r}, Z[TAKEN + j], Z[TIME + j])"]
    head = _indented(["for k in range(N):", "    for j in range(W):"], 1)
    return "\n".join(
        [
            *(head, _indented(moved, 3), _indented([*when, "slopes(Z)"], 1)),
            *(head, _indented(solved, 3), _indented(["substitute(Z)"], 1)),
        ]
    )


def _rosenbrock_curve(tableau: Rosenbrock, last: int) -> list[str]:
    """The method's own interpolant, by powers of s."""
    lines = []
    for m, weights in enumerate(tableau.dense, start=1):
        lines += [*_sum(weights, [f"Z[U{i} + POTENTIAL + j]" for i in range(1, last + 1)]), f"k{m} = s"]
    names = ["(v1 - v0)", *(f"k{m}" for m in range(1, len(tableau.dense) + 1))]
    powers = [f"{after} - {before}" for before, after in zip(names[1:], names[2:], strict=False)]
    values = [f"{names[0]} + {names[1]}", *powers, f"-{names[-1]}"]
    return lines + [f"Z[CURVE_{i} + j] = {value}" for i, value in enumerate(values)]


RODAS5P = _rosenbrock("rodas5p", "Rosenbrock 5(4) of Steinebach", STEINEBACH)


# --- symmetric (Strang) splitting into exactly solved linear parts: Strang (1968), SIAM J. Numer. Anal. 5:506-517;
#     for gates by exponentials, Rush and Larsen (1978), IEEE Trans. Biomed. Eng. 25:389-392


def _strang(updates: list[str]) -> str:
    outer, *rest = updates
    inner, middle = rest[:-1], rest[-1:]
    sweep = [f"{u}(Z, t, 0.5 * h, j)" for u in inner]
    sweep += [f"{u}(Z, t + 0.5 * h, h, j)" for u in middle]
    sweep += [f"{u}(Z, t + h, 0.5 * h, j)" for u in reversed(inner)]
    return _STRANG.format(outer=outer, sweep=_indented(sweep, 2))


_STRANG = '''
@njit(**INLINE)
def begin(Z, t, j):
    """No half step of {outer} is owed; nothing is known of the slope."""
    Z[OWED + j] = 0.0
    return 0.0


@njit(error_model="numpy")
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


@njit(error_model="numpy")
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


@njit(error_model="numpy")
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

SCHEMES = {scheme.name: scheme for scheme in (RK4, TSIT5, DOP853, RODAS5P, STRANG)}
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
