"""The slow, obvious twin of `simulate`: SciPy at tight tolerance, from the equations as Myokit reads them.

It shares nothing with the compiler, the solvers or the features, so that one can check the other.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import ModuleType

import myokit
import numpy as np
from scipy.integrate import OdeSolution, solve_ivp
from scipy.optimize import brentq, root

from hhcore.base.errors import UserError, closest
from hhcore.compile.parts import COMMAND, HOLDING
from hhcore.model.clock import LONGEST_MS
from hhcore.model.model import Model
from hhcore.simulation.equations import equations
from hhcore.simulation.jumps import CLOSE, jumps
from hhcore.simulation.stimuli import kinds
from hhcore.simulation.stimuli.stimulus import Stimulus

EPS = np.finfo(float).eps
RELAXATION = 1000.0  # time for a neuron to settle (ms)
BESIDE = 1e-3  # a peak exceeds the potential so long before and after (ms)
MOST_SLOPES = 10_000  # evaluations of the slopes in 1 ms on average, and ten times as many besides
NUDGE = 1e-4  # mV to either side of a 0/0; the mean of both is right to about 1e-11


@dataclass(frozen=True)
class Piece:
    """The states from one edge to the next, by the integrator's dense output; what is commanded, by the command.

    potential : the number of that state; command : the potential under a clamp as a function of time, else None
    """

    solution: OdeSolution
    potential: int
    command: Callable[[float], float] | None

    def __call__(self, time: float) -> np.ndarray:
        """The states at a time: float64 (states,)."""
        y = self.solution(time)
        if self.command is not None:
            y[self.potential] = self.command(time)
        return y

    def above(self, level: float) -> Callable[[float, np.ndarray], float]:
        """By how much the potential exceeds a level: a function of time and the states."""
        command = self.command
        return (lambda t, y: y[self.potential] - level) if command is None else (lambda t, y: command(t) - level)


@dataclass(frozen=True)
class Reference:
    """One neuron, simulated at tight tolerance. Times in the model's unit (ms), states in the model's order.

    spike_times : float64 (n,), upward crossings of the threshold
    peak_times  : float64 (p,), where the potential has a local maximum
    peaks       : float64 (p,), the potential there [mV]
    t, y        : float64 (k,) and (states, k), the integrator's own steps
    final       : state at the end, by name
    """

    spike_times: np.ndarray
    peak_times: np.ndarray
    peaks: np.ndarray
    t: np.ndarray
    y: np.ndarray
    final: dict[str, float]
    pieces: list["Piece"]

    def at(self, time: float) -> np.ndarray:
        """The state at a time between 0 and the end: float64 (states,), from the dense output."""
        return _at(self.pieces, time)


def evaluate(
    model: Model, state: dict[str, float], parameters: dict[str, float], current: float = 0.0, time: float = 0.0
) -> dict[str, float]:
    """Every variable of the model by qualified name, and every derivative as `dot(name)`, in the model's units.

    `parameters` holds those that differ from the model's own. At a removable singularity 0/0 the value is the mean of
    those with every potential 1e-4 mV higher and lower. Overflow gives infinity, log of a negative number NaN.
    """
    values = {name: quantity.value for name, quantity in model.parameters.items()}
    values |= parameters | state | {model.current.name: current, model.myokit.time().qname(): time}
    try:
        return evaluate_with(math, model, values)
    except ZeroDivisionError:
        unit = model.states[model.potential].unit
        potentials = [name for name, quantity in model.states.items() if quantity.unit == unit]
        nudged = ({v: values[v] + side / model.mV for v in potentials} for side in (-NUDGE, NUDGE))
        below, above = (_run_with_infinities(model, values | shifted) for shifted in nudged)
        return {name: (below[name] + above[name]) / 2 for name in below}
    except (OverflowError, ValueError):
        return _run_with_infinities(model, values)


def evaluate_with(functions: ModuleType, model: Model, values: dict) -> dict:
    """As `evaluate`, with the functions of `math`, `numpy` or `mpmath`, their numbers and their errors.

    `values` holds every state and parameter, the current and the time, by name; the result holds them too.
    """
    written = equations(model)
    results = written.run(functions, *(values[name] for name in written.inputs))
    return values | dict(zip(written.outputs, results, strict=True))


def derivative(
    model: Model, state: dict[str, float], parameters: dict[str, float], current: float = 0.0, time: float = 0.0
) -> dict[str, float]:
    """The time derivative of every state, by name; arguments as in `evaluate`."""
    values = evaluate(model, state, parameters, current, time)
    return {name: values[f"dot({name})"] for name in model.states}


def rest(model: Model, point: dict[str, float], stimulus: type[Stimulus] | None = None) -> dict[str, float] | None:
    """The stable equilibrium at the holding level of its stimulus that the neuron reaches from the state in its file.

    Returns the state by name, or None where no stable equilibrium is found. Integrates for 1 s of the neuron's time,
    then solves dy/dt = 0 from the end, from the mean of the second half, and from states in it that differ in
    potential. Stable means that every eigenvalue of the Jacobian has a negative real part.

    Raises ArithmeticError where the integration does not end.
    """
    held, clamped = point.get(HOLDING, 0.0), stimulus is not None and stimulus.acts == COMMAND
    slope = _slope(model, _parameters(model, point, *kinds().values(), *filter(None, [stimulus])), lambda t: held)
    slope = _kept_at(slope, list(model.states).index(model.potential), held) if clamped else slope
    end = RELAXATION / model.ms
    limited, start = _limited(slope, _evaluations(model, end)), _model_state(model)
    run = solve_ivp(limited, (0.0, end), start, method="LSODA", rtol=1e-8, atol=1e-10)
    late = run.y[:, run.t > end / 2].T
    potential = late[:, list(model.states).index(model.potential)]
    levels = np.linspace(potential.min(), potential.max(), 16)
    for guess in (run.y[:, -1], late.mean(axis=0), *(late[np.abs(potential - level).argmin()] for level in levels)):
        state = root(lambda y: slope(0.0, y), guess, tol=1e-15).x
        is_root = np.abs(slope(0.0, state)).max() / model.ms < 1e-11
        if is_root and np.linalg.eigvals(_jacobian(slope, state)).real.max() < 0:
            return dict(zip(model.states, state.tolist(), strict=True))
    return None


def reference(
    model: Model,
    point: dict[str, float],
    *,
    duration: float,
    stimulus: str | type[Stimulus] = "step",
    initial_state: str | Mapping[str, float | str] = "rest",
    threshold: float = 0.0,
    rearm: float | None = None,
    method: str = "DOP853",
    rtol: float = 1e-12,
    atol: float = 1e-12,
) -> Reference:
    """Simulate one neuron from 0 to `duration`.

    point         : parameters that differ from the model's, and the fields of the stimulus
    stimulus      : a kind or its name; a required field that `point` lacks has its quiet value. The integration stops
                    at every edge, and where the model's own equations jump in time.
    initial_state : `rest` (of the neuron, else of the model, else the state in the model file), `model`, or a value
                    for every state by name, or for some beside `from`, one of these words for the others
    threshold     : a spike is an upward crossing of it by the potential [mV], located on the dense output, or by a
                    shock, at its time; the jump of a command is none. A peak that exceeds it for less than one step
                    of the integrator may be missed.
    rearm         : after a spike, the potential must fall below this before the next one counts [mV]; None: threshold
    method        : of scipy.integrate.solve_ivp, with `rtol` and `atol`

    Raises UserError for names that the model does not have, ArithmeticError where the integrator fails or does not end.

    >>> from hhcore.model.model import load_model
    >>> squid = load_model("hodgkin_huxley_1952")
    >>> reference(squid, {"amplitude": 10.0}, duration=10.0, initial_state="model").spike_times.round(6)
    array([1.92423])
    """
    kind = kinds()[stimulus] if isinstance(stimulus, str) else stimulus
    parameters = _parameters(model, point, kind)
    values = {name: quantity.value for name, quantity in model.parameters.items()} | parameters
    own = kind.text().own
    fields = _fields(kind, point)
    edges, current = kind.twin(fields | _derived(kind, fields, duration, model.ms, values), duration, model.ms)
    current = _of_file(model, values, current) if own else current
    current = current if kind.absolute else _on(fields[HOLDING], current)
    shocks, clamped = kind.shocks(fields, duration), kind.acts == COMMAND
    edges += jumps(model, values, duration, own)
    longest = LONGEST_MS / model.ms if model.clock(own).undecided else np.inf
    rearm = threshold if rearm is None else rearm
    potential = list(model.states).index(model.potential)
    edges = _apart({0.0, duration, *edges}, duration)
    y = np.array(_initial(model, point, kind, initial_state))
    armed = y[potential] < threshold
    runs, pieces, ups, downs, commanded, peaks, left = [], [], [], [], [], [], _evaluations(model, duration)
    for begin, end in pairwise(edges):
        before = y[potential]
        y[potential] = current(begin) if clamped else before + _jump(shocks, begin, duration)
        if before < threshold <= y[potential]:
            ups.append(begin)
            commanded += [begin] if clamped else []
        if y[potential] < rearm <= before:
            downs.append(begin)
        injected = _until(current, end)
        slope = _slope(model, parameters, (lambda t: 0.0) if clamped else injected)
        slope = _limited(_commanded(slope, potential, injected, begin, end) if clamped else slope, left)
        slope = _inside(slope, begin, end, CLOSE * duration)
        settings = {"method": method, "rtol": rtol, "atol": atol, "max_step": longest}
        run = solve_ivp(slope, (begin, end), y, **settings, dense_output=True)
        if not (run.success and np.isfinite(run.y[:, -1]).all()):
            raise ArithmeticError(f"{model.name}: {method} fails at t = {run.t[-1]}, y = {run.y[:, -1]}: {run.message}")
        if clamped:
            run.y[potential] = [injected(t) for t in run.t]
        runs.append(run)
        pieces.append(Piece(run.sol, potential, injected if clamped else None))
        y = run.y[:, -1]
        ups += _crossings(run, pieces[-1].above(threshold), +1)
        downs += _crossings(run, pieces[-1].above(rearm), -1)
        peaks += _crossings(run, lambda t, y, slope=slope: slope(t, y)[potential], -1)
    peaks = sorted(t for t in peaks + edges[1:-1] if _is_peak(pieces, t, potential, BESIDE / model.ms))
    return Reference(
        spike_times=np.array([t for t in _spikes(ups, downs, armed) if t not in commanded]),
        peak_times=np.array(peaks),
        peaks=np.array([_at(pieces, t)[potential] for t in peaks]),
        t=np.concatenate([run.t for run in runs]),
        y=np.concatenate([run.y for run in runs], axis=1),
        final=dict(zip(model.states, y.tolist(), strict=True)),
        pieces=pieces,
    )


def _on(holding: float, current: Callable[[float], float]) -> Callable[[float], float]:
    """The current on a holding level."""
    return lambda t: holding + current(t)


def _jump(shocks: list[tuple[float, float]], begin: float, duration: float) -> float:
    """By how much the potential jumps at the start of a piece."""
    return sum(displacement for time, displacement in shocks if abs(time - begin) <= CLOSE * duration)


def _commanded(slope, potential: int, command: Callable[[float], float], begin: float, end: float):
    """The slopes where the potential follows a command, which is smooth from `begin` to `end`."""
    beside = 1e-5 * (end - begin)

    def clamped(t: float, y: np.ndarray) -> np.ndarray:
        y = np.array(y)
        y[potential] = command(t)
        before, after = max(t - beside, begin), min(t + beside, end)
        slopes = slope(t, y)
        slopes[potential] = (command(after) - command(before)) / (after - before)
        return slopes

    return clamped


def _kept_at(slope, potential: int, level: float):
    """The slopes where the potential is held at a level, to which it returns."""

    def held(t: float, y: np.ndarray) -> np.ndarray:
        fixed = np.array(y)
        fixed[potential] = level
        slopes = slope(t, fixed)
        slopes[potential] = level - y[potential]
        return slopes

    return held


def _at(pieces: list[Piece], time: float) -> np.ndarray:
    return next((piece for piece in pieces if time <= piece.solution.t_max), pieces[-1])(time)


def _crossings(run, function: Callable[[float, np.ndarray], float], sign: int) -> list[float]:
    """When a function of time and state passes 0, upwards or downwards, in the steps of a run of solve_ivp.

    As with SciPy's own events, the states at the ends of a step tell whether it does, and the dense output when. SciPy
    gives up where that has no change of sign, since rounding made them differ; then it happens at one of the ends.
    """
    values = [sign * function(t, y) for t, y in zip(run.t, run.y.T, strict=True)]
    found = []
    for i, curve in enumerate(run.sol.interpolants):
        if values[i] <= 0 <= values[i + 1] and values[i] < values[i + 1]:
            ends = run.t[i], run.t[i + 1]
            inside = [sign * function(t, curve(t)) for t in ends]
            if inside[0] * inside[1] < 0:
                found.append(brentq(lambda t, curve=curve: function(t, curve(t)), *ends, xtol=4 * EPS, rtol=4 * EPS))
            else:
                found.append(min(zip(map(abs, inside), ends, strict=True))[1])
    # At the start it is the starting value, not a crossing.
    return [float(t) for t in found if t > run.t[0]]


def _is_peak(pieces: list[Piece], time: float, potential: int, beside: float) -> bool:
    """Whether the potential is lower a little before and after, by more than rounding: a flat line has no peaks."""
    before, at, after = (_at(pieces, time + side)[potential] for side in (-beside, 0.0, beside))
    return at > max(before, after) + 1e-12


def _spikes(ups: list[float], downs: list[float], armed: bool) -> list[float]:
    """The upward crossings that follow a re-arming. `armed`: whether the neuron starts below the threshold."""
    spikes, since = [], -2.0
    for up in ups:
        if any(since < down < up for down in ([-1.0] if armed else []) + downs):
            spikes.append(up)
            since = up
    return spikes


def _fields(kind: type[Stimulus], point: dict[str, float]) -> dict[str, float]:
    """The fields of the stimulus: from the point, else the default, else the quiet value."""
    usual = {name: kind.quiet[name] if f.default is None else f.default for name, f in kind.fields.items()}
    return {name: point.get(name, value) for name, value in usual.items()}


def _derived(
    kind: type[Stimulus], fields: dict[str, float], duration: float, ms: float, parameters: dict[str, float]
) -> dict[str, float]:
    """The numbers derived from the fields and the parameters: which noise it is, for one."""
    stimuli, own = np.array([[fields[name] for name in kind.fields]]), np.array([[*parameters.values()]])
    numbers = dict(zip(kind.numbers(), kind.table(stimuli, duration, ms, own)[0].tolist(), strict=True))
    return {name: numbers[name] for name in kind.derived}


def _apart(edges: set[float], duration: float) -> list[float]:
    """The edges from 0 to `duration`, sorted; of those that are equal but for rounding, one."""
    kept = [0.0]
    for edge in sorted(edge for edge in edges if 0.0 < edge < duration):
        if edge - kept[-1] > CLOSE * duration and duration - edge > CLOSE * duration:
            kept.append(edge)
    return [*kept, duration]


def _inside(slope, begin: float, end: float, margin: float):
    """The slopes with the time kept away from both edges, where the equations of the model may jump."""
    low, high = begin + min(margin, (end - begin) / 4), end - min(margin, (end - begin) / 4)
    return lambda t, y: slope(min(max(t, low), high), y)


def _evaluations(model: Model, duration: float) -> Iterator[int]:
    """As many numbers as an integrator may evaluate the slopes in a run."""
    return iter(range(int(MOST_SLOPES * (duration * model.ms + 10.0))))


def _limited(slope, left: Iterator[int]):
    """The slopes while numbers are left; then ArithmeticError, since the integrator gets nowhere."""

    def limited(t: float, y: np.ndarray) -> np.ndarray:
        if next(left, None) is None:
            raise ArithmeticError(f"the integrator needs too many steps at t = {t}")
        return slope(t, y)

    return limited


def _of_file(model: Model, values: dict[str, float], factor: Callable[[float], float]) -> Callable[[float], float]:
    """The factor times the formula that the file has for the injected current, in which `values` are the parameters."""
    time = model.myokit.time().qname()
    formula = model.myokit.get(model.current.name).rhs().clone(expand=True, retain=[*values, time])
    writer = myokit.formats.python.PythonExpressionWriter()
    writer.set_lhs_function(lambda lhs: f"values[{lhs.var().qname()!r}]")
    code = compile(writer.ex(formula), model.name, "eval")
    return lambda t: factor(t) * eval(code, {"math": math, "values": values | {time: t}})


def _until(current: Callable[[float], float], end: float) -> Callable[[float], float]:
    """The current before an edge; at the edge, its last value before it."""
    last = math.nextafter(end, 0.0)
    return lambda t: current(min(t, last))


def _parameters(model: Model, point: dict[str, float], *stimuli: type[Stimulus]) -> dict[str, float]:
    fields = [field for kind in stimuli for field in kind.fields]
    for name in point:
        if name not in model.parameters and name not in fields:
            legal = [*model.parameters, *fields]
            raise UserError(f"point: model {model.name!r} has no parameter {name!r}; " + closest(name, legal))
    return {name: value for name, value in point.items() if name in model.parameters}


def _initial(
    model: Model, point: dict[str, float], kind: type[Stimulus], initial_state: str | Mapping[str, float | str]
) -> list[float]:
    if initial_state == "model":
        return _model_state(model)
    if initial_state == "rest":
        state = rest(model, point, kind) or rest(model, {HOLDING: point.get(HOLDING, 0.0)}, kind)
        return list(state.values()) if state else _model_state(model)
    values = dict(initial_state) if isinstance(initial_state, Mapping) else {}
    if "from" in values:
        others = _initial(model, point, kind, values.pop("from"))
        values = dict(zip(model.states, others, strict=True)) | values
    if set(values) != set(model.states):
        raise UserError(
            f"initial_state: got {initial_state!r}; give 'rest', 'model', or a value for every state of "
            f"{model.name!r}: {', '.join(model.states)}"
        )
    return [values[name] for name in model.states]


def _model_state(model: Model) -> list[float]:
    return [quantity.value for quantity in model.states.values()]


def _slope(model: Model, parameters: dict[str, float], injected: Callable[[float], float]):
    """dy/dt as SciPy calls it, under a current that is a function of time."""
    own = {name: quantity.value for name, quantity in model.parameters.items()}
    values, run, n = list((own | parameters).values()), equations(model).run, len(model.states)

    def slope(t: float, y: np.ndarray) -> np.ndarray:
        y, current = np.asarray(y).tolist(), injected(t)
        try:
            return np.array(run(math, *y, *values, current, t)[:n])
        except (ArithmeticError, ValueError):  # 0/0, or something that overflows
            state = dict(zip(model.states, y, strict=True))
            return np.array(list(derivative(model, state, parameters, current, t).values()))

    return slope


def _jacobian(slope, y: np.ndarray) -> np.ndarray:
    """d(dy/dt)/dy by central differences: float64 (states, states)."""
    rows = []
    for usual, small in zip(np.diag(1e-5 * np.maximum(np.abs(y), 1.0)), np.diag(1e-5 * np.abs(y)), strict=True):
        # A small step where the usual one leaves the domain: no concentration is below zero.
        h = usual if np.isfinite([slope(0.0, y + usual), slope(0.0, y - usual)]).all() else small
        rows.append((slope(0.0, y + h) - slope(0.0, y - h)) / (2 * h.max()))
    return np.array(rows).T


def _run_with_infinities(model: Model, values: dict[str, float]) -> dict[str, float]:
    """`evaluate_with` by NumPy: slower, but division by zero and overflow are not errors."""
    with np.errstate(all="ignore"):
        results = evaluate_with(np, model, {name: np.float64(value) for name, value in values.items()})
    return {name: float(value) for name, value in results.items()}
