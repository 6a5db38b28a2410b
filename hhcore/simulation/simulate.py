"""simulate() and trace() with a given solver: share neurons among threads, wrap the results."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from hhcore.base.checks import check_threads
from hhcore.base.errors import UserError
from hhcore.base.units import Quantities, Written, to_unit
from hhcore.model.model import Model, load_model
from hhcore.schemes.solver import Solver, solver
from hhcore.simulation.action_potentials import USUAL
from hhcore.simulation.arguments import positive, read_conditions, read_neurons
from hhcore.simulation.engine import Engine, engine
from hhcore.simulation.initial import InitialState, read_start
from hhcore.simulation.integration import Samples, integrate, most_samples, pack
from hhcore.simulation.observers import Beats, Observer, standard_observers
from hhcore.simulation.rest import initial_states
from hhcore.simulation.result import NO_STABLE_REST, STATUSES, Result, Trace
from hhcore.simulation.stimuli.stimulus import Stimulus
from hhcore.simulation.threads import integrate_all

TRACE_INTERVAL_MS = 0.025
JUMP = 1e-9  # of the largest injected current: less is rounding
MOST_SAMPLES = 10**8  # of a trace: several GB


def simulate(
    model: Model | str,
    points: Mapping[str, Quantities],
    stimulus: Stimulus,
    *,
    duration: Written,
    initial_state: InitialState = "rest",
    method: str = "tsit5",
    dt: Written | None = None,
    local_error: float | None = None,
    analysis_window: tuple[Written, Written] | None = None,
    threshold: Written = 0.0,
    rearm: Written | None = None,
    observers: Sequence[Observer] | None = None,
    threads: int = 1,
    progress: Callable[[int], None] | None = None,
) -> Result:
    """Simulate one neuron for each row of `points` with a given solver, as hhcore.interface.simulate explains."""
    model = load_model(model) if isinstance(model, str) else model
    chosen = _solver(model, method, dt, local_error)
    run = read_conditions(model, duration, analysis_window, threshold, rearm)
    check_threads(threads)
    start = read_start(model, initial_state, stimulus)
    neurons, given = read_neurons(model, points, stimulus, run.duration, start)
    if observers is None:
        observers = standard_observers(type(stimulus), run.threshold, run.rearm, run.window, model.ms, model.mV)
    compiled = engine(model, method, type(stimulus), observers)
    table = compiled.arguments(neurons, run.duration)
    states, status = initial_states(compiled, table, start)
    stops = run_stops(run.duration, compiled.observers)

    settings = {"accuracy": chosen.accuracy, "threads": threads, "progress": progress}
    record, seconds = integrate_all(compiled, table, states, stops, **settings)
    outcome = record.pop("outcome")
    record["status"] = _status(outcome, status)
    measured = next((o.measured for o in observers if isinstance(o, Beats)), USUAL)
    scales = {"mV": model.mV, "measured": measured}
    return Result(record, run.window, model.ms, seconds, **scales, given=given, solver=chosen)


def trace(
    model: Model | str,
    point: Mapping[str, Written],
    stimulus: Stimulus,
    *,
    duration: Written,
    initial_state: InitialState = "rest",
    method: str = "tsit5",
    dt: Written | None = None,
    local_error: float | None = None,
    interval: Written | None = None,
    observers: Sequence[Observer] | None = None,
) -> Trace:
    """Trace one neuron with a given solver, as hhcore.interface.simulate explains."""
    model = load_model(model) if isinstance(model, str) else model
    chosen = _solver(model, method, dt, local_error)
    duration = positive(duration, model.time_unit, "duration")
    start = read_start(model, initial_state, stimulus)
    points, _ = read_neurons(model, point, stimulus, duration, start)
    if len(points) != 1:
        raise UserError(f"trace: {len(points)} neurons are given; give the point and the stimulus of one")
    compiled = engine(model, method, type(stimulus), observers)
    table = compiled.arguments(points, duration)
    states, status = initial_states(compiled, table, start)
    if interval is None:
        interval = TRACE_INTERVAL_MS / model.ms if chosen.scheme.adaptive else chosen.accuracy
    interval = positive(interval, model.time_unit, "interval")
    if duration / interval > MOST_SAMPLES:
        raise UserError(
            f"interval {interval!r}: {duration / interval:.2g} samples in {duration!r} are too many; give an interval "
            f"from {duration / MOST_SAMPLES:.2g} on, or a shorter duration"
        )
    stops = _stops(duration, interval * np.arange(1, int(duration / interval) + 1))
    most = most_samples(compiled, table, stops)
    integration = integrate(compiled, table, states, stops, accuracy=chosen.accuracy, samples=most)
    values = _sampled(compiled, table, states, integration.samples)
    shown = model.states[model.potential] if compiled.kernel.CLAMPED else model.current
    units = {"time": model.time_unit, "stimulus": shown.unit}
    units |= {name: q.unit for name, q in (model.states | model.currents).items()}
    columns = dict(zip(units, values.T, strict=True))
    return Trace(columns, STATUSES[_status(integration.outcome, status)[0]], units, model.ms, chosen)


def _status(outcome: np.ndarray, at_rest: np.ndarray) -> np.ndarray:
    """Indices into STATUSES, int8 (n,), from how a kernel ended neurons and from `initial_states`."""
    return np.where(outcome > 0, outcome + NO_STABLE_REST, at_rest).astype(np.int8)


def _solver(model: Model, method: str, dt: Written | None, local_error: float | None) -> Solver:
    given = {"dt": (dt, model.time_unit), "local_error": (local_error, "1")}
    settings = {name: None if value is None else to_unit(value, unit, name) for name, (value, unit) in given.items()}
    return solver(method, **settings)


def run_stops(duration: float, observers: Sequence[Observer]) -> np.ndarray:
    """Where steps of all neurons end, besides edges of the stimulus: stops of observers inside the run, and its end."""
    return _stops(duration, [stop for observer in observers for stop in observer.stops])


def _stops(duration: float, times: Sequence[float] | np.ndarray) -> np.ndarray:
    """Sort the times inside the run, and add its end."""
    times = np.unique(np.asarray(times, dtype=np.float64))
    return np.r_[times[(times > 0) & (times < duration)], duration]


def _sampled(compiled: Engine, parameters: np.ndarray, start: np.ndarray, samples: Samples) -> np.ndarray:
    """Columns time, stimulus, states and membrane currents of one neuron, at the start and at each sample.

    parameters : float64 (1, p + f); start : float64 (1, N). Where the stimulus jumps, or the potential by a shock or a
                 command, there are two rows, before and after; a neuron that fails at once has one, its currents NaN
    """
    kept = np.isfinite(samples.times[0])
    times, inputs, states = samples.times[0, kept], samples.inputs[0, kept], samples.states[0, kept]
    if not len(times):
        return np.column_stack([[0.0], [[np.nan]], start, np.full((1, compiled.kernel.CURRENTS), np.nan)])
    flowing = _currents(compiled, parameters, times, inputs, states)
    table = np.column_stack([times, flowing[:, 0], states, flowing[:, 1:]])
    twice = np.flatnonzero(np.diff(times) == 0.0)  # rows before a segment begins
    jump = np.abs(np.diff(flowing[:, 0])[twice]) > JUMP * np.abs(flowing[:, 0]).max(initial=0.0)
    jump |= (states[twice] != states[twice + 1]).any(axis=1)
    return np.delete(table, twice[~jump], axis=0)


def _currents(
    compiled: Engine, parameters: np.ndarray, times: np.ndarray, inputs: np.ndarray, states: np.ndarray
) -> np.ndarray:
    """The stimulus and the membrane currents, float64 (n, 1 + currents), of one neuron.

    parameters : float64 (1, p + f); times : float64 (n,); inputs : float64 (n, c); states : float64 (n, N)
    """
    kernel = compiled.kernel
    flowing = np.empty((len(times), 1 + kernel.CURRENTS))
    for first in range(0, len(times), kernel.W):
        rows = np.minimum(np.arange(first, first + kernel.W), len(times) - 1)
        Z = pack(kernel, np.repeat(parameters, kernel.W, axis=0), states[rows])
        table = Z.reshape(kernel.ROWS, kernel.W)
        table[kernel.TIME // kernel.W] = times[rows]
        table[kernel.HELD // kernel.W :][: kernel.INPUTS] = inputs[rows].T
        kernel.evaluate_currents(Z)
        flowing[rows, 0] = table[kernel.INJECTED // kernel.W]
        flowing[rows, 1:] = table[kernel.MEMBRANE_CURRENT // kernel.W :][: kernel.CURRENTS].T
    return flowing
