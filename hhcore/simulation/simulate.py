"""simulate() and trace(): check the arguments, share neurons among threads, wrap the results."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from numbers import Integral
from threading import Event

import numpy as np

from hhcore.base.errors import UserError, closest
from hhcore.base.units import Quantities, Written, check_temperature, column_name, to_array, to_unit
from hhcore.model.model import NOTHING, Model, Quantity, load_model
from hhcore.schemes.solver import Solver, solver
from hhcore.simulation.engine import Engine, engine
from hhcore.simulation.integration import SAMPLE, Integration, integrate, most_samples, pack
from hhcore.simulation.observers import Observer, standard_observers
from hhcore.simulation.rest import InitialState, initial_states, stated_states
from hhcore.simulation.result import NO_STABLE_REST, STATUSES, Result, Trace, joined
from hhcore.simulation.stimuli.stimulus import Stimulus

CHUNK = 1024  # neurons in one call of a kernel; their lanes finish at different times, so not too few
TRACE_INTERVAL_MS = 0.025
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
    """Simulate one neuron for each row of `points`; its result does not depend on the other rows.

    Every quantity is a number in the model's unit, or text with a unit of its own, like "50 ms" or "16.3 degC".

    points          : parameters by qualified name, one value or a list of n; the others keep the model's value
    stimulus        : of any kind, like hhcore.Step or hhcore.PulseTrain; its fields may be lists of n too
    duration        : length of the run, in the model's unit of time (ms)
    initial_state   : "rest" (the stable equilibrium without stimulus of each neuron), "model" (as written in
                      the model file), one value or a list of n for every state by name, or float64 (states,) or
                      (n, states)
    method          : a scheme of hhcore.schemes.solver
    dt              : largest step of a scheme of fixed step (ms)
    local_error     : largest error of a step of an adaptive scheme, relative to the size of the states; 1e-6 by
                      default
    analysis_window : where peak and trough are taken, and rates by `Result.features`; the whole run by default
    threshold, rearm: a spike is an upward crossing of `threshold` (mV); before the next one counts, the potential
                      must have been below `rearm` (by default the threshold)
    observers       : by default spikes and extremes, with `threshold`, `rearm` and `analysis_window`, and beats if
                      the stimulus has some. Their fields are in `Result.record`
    progress        : called with the number of neurons finished since the last call

    Raises UserError for unknown names, unequal lengths and illegal values.

    >>> import hhcore
    >>> run = hhcore.simulate("hodgkin_huxley_1952", {"sodium.g": [96, 120]}, hhcore.Step(10), duration=50)
    >>> run.features.spike_count.tolist()
    [1, 4]
    """
    model = load_model(model) if isinstance(model, str) else model
    chosen = _solver(model, method, dt, local_error)
    duration = _positive(duration, model.time_unit, "duration")
    potential = model.states[model.potential].unit
    threshold = to_unit(threshold, potential, "threshold")
    window = _window((0.0, duration) if analysis_window is None else analysis_window, model.time_unit)
    if not (isinstance(threads, Integral) and threads > 0):
        raise UserError(f"threads: {threads!r} is not a number of threads; give a whole number from 1 on")
    if not 0 <= window[0] < window[1] <= duration:
        raise UserError(f"analysis_window {window} must lie inside 0 to {duration} (the duration)")
    rearm = threshold if rearm is None else to_unit(rearm, potential, "rearm")
    if not rearm <= threshold:
        raise UserError(f"rearm {rearm} must not lie above the threshold {threshold}")
    stated = stated_states(model, initial_state)
    table, given = _table(model, points, stimulus, duration, stated)
    if observers is None:
        observers = standard_observers(type(stimulus), threshold, rearm, window, model.mV)
    compiled = engine(model, method, type(stimulus), observers)
    start = "rest" if stated is None else stated
    states, status = initial_states(compiled, table[:, : len(model.parameters)], start)
    stops = _stops(duration, [stop for observer in compiled.observers for stop in observer.stops])

    cancelled = Event()

    def simulate_chunk(rows: slice) -> tuple[Integration, float]:
        started = time.thread_time()
        settings = {"accuracy": chosen.accuracy, "cancelled": cancelled}
        integration = integrate(compiled, table[rows], states[rows], stops, **settings)
        seconds = time.thread_time() - started
        if progress is not None:
            progress(len(integration.outcome))
        return integration, seconds

    with ThreadPoolExecutor(threads) as pool:
        try:
            parts = list(pool.map(simulate_chunk, _chunks(len(table), threads, compiled.kernel.W)))
        except BaseException:  # Ctrl-C, or an error in one thread: the pool waits until the others have ended
            cancelled.set()
            raise
    record = joined([{**part.record, "outcome": part.outcome} for part, _ in parts])
    outcome = record.pop("outcome")
    record["status"] = _status(outcome, status)
    seconds = sum(seconds for _, seconds in parts)
    return Result(record, window, model.ms, seconds, mV=model.mV, given=given, solver=chosen)


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
    """Trace one neuron: `time`, `stimulus`, each state, and each current that flows into the potential.

    interval : time between two samples, and the longest step, in the model's unit of time; samples are added where
               the stimulus changes. By default dt, or 0.025 ms of an adaptive scheme
    observers: those of `simulate`, so that both use one kernel; their records are dropped

    Returns float64 (samples,) by qualified name, and `status`; `.frame` is the same as a data frame. Other arguments,
    limits and errors as in `simulate`.
    """
    model = load_model(model) if isinstance(model, str) else model
    chosen = _solver(model, method, dt, local_error)
    duration = _positive(duration, model.time_unit, "duration")
    table, _ = _table(model, point, stimulus, duration, stated_states(model, initial_state))
    if len(table) != 1:
        raise UserError(f"trace: {len(table)} neurons are given; give the point and the stimulus of one")
    compiled = engine(model, method, type(stimulus), observers)
    start, status = initial_states(compiled, table[:, : len(model.parameters)], initial_state)
    if interval is None:
        interval = TRACE_INTERVAL_MS / model.ms if chosen.scheme.adaptive else chosen.accuracy
    interval = _positive(interval, model.time_unit, "interval")
    if duration / interval > MOST_SAMPLES:
        raise UserError(
            f"interval {interval!r}: {duration / interval:.2g} samples in {duration!r} are too many; give an interval "
            f"from {duration / MOST_SAMPLES:.2g} on, or a shorter duration"
        )
    stops = _stops(duration, interval * np.arange(1, int(duration / interval) + 1))
    most = most_samples(compiled, table, stops)
    integration = integrate(compiled, table, start, stops, accuracy=chosen.accuracy, samples=most)
    values = _sampled(compiled, table, start, integration.samples[0])
    units = {"time": model.time_unit, "stimulus": model.current.unit}
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


def _positive(value: Written, unit: str, where: str) -> float:
    number = to_unit(value, unit, where)
    if number <= 0:
        raise UserError(f"{where} {value!r} must be above 0")
    return number


def _window(value: object, unit: str) -> tuple[float, float]:
    if not isinstance(value, Sequence | np.ndarray) or isinstance(value, str) or len(value) != 2:
        raise UserError(f"analysis_window: {value!r} is not a window; give two times, (start, stop)")
    return to_unit(value[0], unit, "analysis_window"), to_unit(value[1], unit, "analysis_window")


def _stops(duration: float, times: Sequence[float] | np.ndarray) -> np.ndarray:
    """Sort the times inside the run, and add its end."""
    times = np.unique(np.asarray(times, dtype=np.float64))
    return np.r_[times[(times > 0) & (times < duration)], duration]


def _chunks(n: int, threads: int, width: int) -> list[slice]:
    """The neurons of each call: whole registers, and work for every thread."""
    size = max(width, min(CHUNK, -(-n // (threads * width)) * width))
    return [slice(first, first + size) for first in range(0, max(n, 1), size)]


def _table(
    model: Model, points: Mapping, stimulus: Stimulus, duration: float, states: np.ndarray | None
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Parameters of the model, then the fields of the stimulus, for each neuron, float64 (n, p + f); what was given.

    states : the stated initial states, float64 (N,) or (n, N); None without

    What was given for each neuron, float64 (n,) by column name: of the stimulus, parameters, and initial states.
    """
    _check_names(model, points, stimulus)
    fields = stimulus.columns(model, duration)
    for name, field in stimulus.fields.items():
        if model.current.name == NOTHING and field.unit == "current" and np.any(fields[name]):
            raise UserError(f"stimulus: model {model.name!r} takes no injected current; {name} must be 0")
    columns = {name: _parameter(values, model.parameters[name]) for name, values in points.items()}
    given = _given(model, fields, type(stimulus), columns, states)
    lengths = {column.size for column in given.values()}
    if len(lengths) > 1:
        raise UserError(f"points: columns must have one length, not {sorted(lengths)}")
    n = lengths.pop() if lengths else 1
    table = np.empty((n, len(model.parameters) + len(fields)))
    for i, (name, quantity) in enumerate(model.parameters.items()):
        table[:, i] = columns.get(name, quantity.value)
    stimuli = table[:, len(model.parameters) :]
    for i, column in enumerate(fields.values()):
        stimuli[:, i] = column
    if n:
        stimulus.check(dict(zip(fields, stimuli.T, strict=True)), duration, "stimulus")
    stimuli[:] = stimulus.table(stimuli, duration)
    return table, given


def _check_names(model: Model, points: Mapping, stimulus: Stimulus) -> None:
    if not isinstance(stimulus, Stimulus):
        raise UserError(f"stimulus: {stimulus!r} is not a stimulus; give one, like hhcore.Step(10)")
    if not isinstance(points, Mapping):
        raise UserError(f"points: {points!r} is not a mapping; give values by name, like {{'sodium.g': 120}}")
    for name in points:
        if name not in model.parameters:
            raise UserError(
                f"points: model {model.name!r} has no parameter {name!r}; " + closest(name, model.parameters)
            )
    stimulus.check_model(model, "stimulus")


def _given(
    model: Model,
    fields: Mapping[str, np.ndarray],
    kind: type[Stimulus],
    parameters: Mapping[str, np.ndarray],
    states: np.ndarray | None,
) -> dict[str, np.ndarray]:
    """The columns with a value for each neuron, by the names that tables give them."""
    units = kind.units(model.current.unit, model.time_unit) | {n: q.unit for n, q in model.parameters.items()}
    given = {column_name(n, units[n]): c for n, c in (fields | parameters).items() if c.ndim}
    if states is not None and states.ndim == 2:
        names = (column_name(f"initial.{n}", q.unit) for n, q in model.states.items())
        given |= dict(zip(names, states.T, strict=True))
    return given


def _parameter(values: Quantities, parameter: Quantity) -> np.ndarray:
    """One value or a list of them, float64 () or (n,), of a parameter."""
    where = f"points: {parameter.name}"
    array = to_array(values, parameter.unit, where)
    check_temperature(float(array.min(initial=np.inf)), parameter.unit, parameter.value, where)
    return array


def _sampled(compiled: Engine, parameters: np.ndarray, start: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """Columns time, injected current, states and membrane currents, at the start and at each sample.

    parameters : float64 (1, p + f); samples : float64 (k, 3 + N); the current at an edge is that after it. The injected
                 current is NaN without samples, of a neuron that fails at once
    """
    kernel, samples = compiled.kernel, samples[np.isfinite(samples[:, 0])]
    times, levels, onsets = samples[:, : len(SAMPLE)].T
    times, states = np.r_[0.0, times], np.vstack([start, samples[:, len(SAMPLE) :]])
    last = (levels[-1], onsets[-1]) if len(levels) else (np.nan, np.nan)
    following = {"TIME": times, "LEVEL": np.r_[levels, last[0]], "ONSET": np.r_[onsets, last[1]]}
    flowing = np.empty((len(times), 1 + kernel.CURRENTS))
    for first in range(0, len(times), kernel.W):
        rows = np.minimum(np.arange(first, first + kernel.W), len(times) - 1)
        Z = pack(kernel, np.repeat(parameters, kernel.W, axis=0), states[rows])
        table = Z.reshape(kernel.ROWS, kernel.W)
        for name, values in following.items():
            table[getattr(kernel, name) // kernel.W] = values[rows]
        kernel.evaluate_currents(Z)
        flowing[rows, 0] = table[kernel.INJECTED // kernel.W]
        flowing[rows, 1:] = table[kernel.MEMBRANE_CURRENT // kernel.W :][: kernel.CURRENTS].T
    return np.column_stack([times, flowing[:, 0], states, flowing[:, 1:]])
