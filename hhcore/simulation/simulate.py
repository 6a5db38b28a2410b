"""simulate(): check, share the neurons out among threads, wrap what the kernel found."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from hhcore.base.errors import UserError, closest
from hhcore.compile.module import load_kernel
from hhcore.model.model import NOTHING, Model, load_model
from hhcore.schemes.solver import solver
from hhcore.simulation.integration import Integration, integrate, pack
from hhcore.simulation.rest import initial_states
from hhcore.simulation.result import NO_STABLE_REST, Ragged, Result
from hhcore.simulation.stimulus import Protocol, Stimulus, protocol

CHUNK = 1024  # neurons in one call of a kernel; their lanes finish at different times, so not too few
MOST_STEPS = 1000  # of an adaptive scheme, in one ms on average
TRACE_INTERVAL_MS = 0.025


def simulate(
    model: Model | str,
    points: Mapping[str, float | np.ndarray],
    stimulus: Stimulus,
    *,
    duration: float,
    initial_state: str | Mapping[str, float] = "rest",
    method: str = "tsit5",
    dt: float | None = None,
    local_error: float | None = None,
    analysis_window: tuple[float, float] | None = None,
    threshold: float = 0.0,
    rearm: float | None = None,
    threads: int = 1,
    progress: Callable[[int], None] | None = None,
) -> Result:
    """Simulate one neuron for each row of `points`; its result does not depend on the other rows.

    points          : parameters by qualified name, each a number or float64 (n,), in the model's units;
                      what is not named keeps the model's value
    stimulus        : hhcore.Step or hhcore.PulseTrain; its fields may be arrays (n,) too
    duration        : length of the run, in the model's unit of time (ms)
    initial_state   : "rest" (the stable equilibrium without stimulus of each neuron), "model" (as written in
                      the model file), or a value for every state
    method          : a scheme of hhcore.schemes.solver
    dt              : largest step of a scheme of fixed step (ms)
    local_error     : largest error of a step of an adaptive scheme, relative to the size of the states; 1e-6 if
                      nothing is said
    analysis_window : where peak and trough are taken, and rates by `Result.features`; the whole run by default
    threshold, rearm: a spike is an upward crossing of `threshold` (mV); before the next one counts, the potential
                      must have been below `rearm` (by default the threshold)
    progress        : called with the number of neurons finished since the last call

    Raises UserError for unknown names, unequal lengths and values without meaning.

    >>> import hhcore
    >>> run = hhcore.simulate("hodgkin_huxley_1952", {"sodium.g": [96, 120]}, hhcore.Step(10), duration=50)
    >>> run.features.spike_count.tolist()
    [1, 4]
    """
    model = load_model(model) if isinstance(model, str) else model
    chosen = solver(method, dt, local_error)
    window = (0.0, duration) if analysis_window is None else analysis_window
    if not duration > 0:
        raise UserError(f"duration {duration} must be above 0")
    if not 0 <= window[0] < window[1] <= duration:
        raise UserError(f"analysis_window {window} must lie inside 0 to {duration} (the duration)")
    rearm = threshold if rearm is None else rearm
    if not rearm <= threshold:
        raise UserError(f"rearm {rearm} must not lie above the threshold {threshold}")
    parameters, stimuli = _columns(model, points, stimulus, duration)
    kernel = load_kernel(model, method)
    states, status = initial_states(model, kernel, parameters, initial_state)
    most_steps = MOST_STEPS * duration * model.ms if chosen.scheme.adaptive else np.inf

    def simulate_chunk(rows: slice) -> tuple[Integration, np.ndarray, float]:
        stretches = protocol(type(stimulus), stimuli[rows], duration, window, np.empty(0))
        started = time.thread_time()
        found = integrate(
            kernel,
            parameters[rows],
            states[rows],
            stretches,
            accuracy=chosen.accuracy,
            threshold=threshold,
            rearm=rearm,
            most_steps=most_steps,
        )
        seconds = time.thread_time() - started
        if progress is not None:
            progress(len(found.counts))
        return found, stretches.beat_counts, seconds

    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(simulate_chunk, _chunks(len(parameters), threads, kernel.W)))
    return _gather(found, status, window, model.ms)


def trace(
    model: Model | str,
    point: Mapping[str, float],
    stimulus: Stimulus,
    *,
    duration: float,
    initial_state: str | Mapping[str, float] = "rest",
    method: str = "tsit5",
    dt: float | None = None,
    local_error: float | None = None,
    interval: float | None = None,
) -> dict[str, np.ndarray]:
    """The course of one neuron: `time`, `stimulus`, each state, and each current that flows into the potential.

    interval : time between two samples, which no step exceeds, in the model's unit of time; there are more where the
               stimulus changes. By default dt, or 0.025 ms of an adaptive scheme

    Returns float64 (samples,) by qualified name. Other arguments as in `simulate`.
    """
    model = load_model(model) if isinstance(model, str) else model
    chosen = solver(method, dt, local_error)
    parameters, stimuli = _columns(model, point, stimulus, duration)
    kernel = load_kernel(model, method)
    start, _ = initial_states(model, kernel, parameters, initial_state)
    if interval is None:
        interval = TRACE_INTERVAL_MS / model.ms if chosen.scheme.adaptive else chosen.accuracy
    samples = interval * np.arange(1, int(duration / interval) + 1)
    stretches = protocol(type(stimulus), stimuli, duration, (0.0, duration), samples)
    found = integrate(kernel, parameters, start, stretches, accuracy=chosen.accuracy, keep=True)
    values = _sampled(kernel, parameters, start, stretches, found.kept[0])
    return dict(zip(["time", "stimulus", *model.states, *model.currents], values.T, strict=True))


def _chunks(n: int, threads: int, width: int) -> list[slice]:
    """Neurons for one call each: whole registers, and work for every thread."""
    size = max(width, min(CHUNK, -(-n // (threads * width)) * width))
    return [slice(first, first + size) for first in range(0, max(n, 1), size)]


def _columns(model: Model, points: Mapping, stimulus: Stimulus, duration: float) -> tuple[np.ndarray, np.ndarray]:
    """Parameters (n, p) and the fields of the stimulus (n, f), all of one length."""
    if not isinstance(stimulus, Stimulus):
        raise UserError(f"stimulus: {stimulus!r} is none; give one, like hhcore.Step(10)")
    for name in points:
        if name not in model.parameters:
            raise UserError(
                f"points: model {model.name!r} has no parameter {name!r}; " + closest(name, model.parameters)
            )
    if model.current.name == NOTHING and np.any(stimulus.amplitude):
        raise UserError(f"stimulus: nothing is injected into {model.name!r}: its amplitude must be 0")
    given = {name: _numbers(values, f"points: {name}") for name, values in points.items()}
    fields = stimulus.columns(duration)
    lengths = {column.size for column in (*given.values(), *fields.values()) if column.ndim}
    if len(lengths) > 1:
        raise UserError(f"points: columns must have one length, not {sorted(lengths)}")
    n = lengths.pop() if lengths else 1
    parameters = [given.get(name, np.float64(q.value)) for name, q in model.parameters.items()]
    table = np.empty((n, len(parameters)))
    for i, column in enumerate(parameters):
        table[:, i] = column
    stimuli = np.empty((n, len(fields)))
    for i, column in enumerate(fields.values()):
        stimuli[:, i] = column
    if n:
        stimulus.check(dict(zip(fields, stimuli.T, strict=True)), duration, "stimulus")
    return table, stimuli


def _numbers(values: object, where: str) -> np.ndarray:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UserError(f"{where}: {values!r} is no number and no array of them, in the model's unit") from error


def _sampled(kernel, parameters: np.ndarray, start: np.ndarray, stretches: Protocol, kept: np.ndarray) -> np.ndarray:
    """Columns time, injected current, states and membrane currents, at the begin and at each end of a stretch."""
    real = np.diff(stretches.edges[0], prepend=0.0) > 0
    times = np.r_[0.0, stretches.edges[0][real]]
    states = np.vstack([start, kept[real]])
    injected = stretches.currents[0][real]
    injected = np.r_[injected, injected[-1]]  # at an edge, what flows from then on
    flowing = np.empty((len(times), kernel.CURRENTS))
    for first in range(0, len(times), kernel.W):
        rows = np.minimum(np.arange(first, first + kernel.W), len(times) - 1)
        Z = pack(kernel, np.repeat(parameters, kernel.W, axis=0), states[rows])
        Z[kernel.CURRENT : kernel.CURRENT + kernel.W] = injected[rows]
        Z[kernel.TIME : kernel.TIME + kernel.W] = times[rows]
        kernel.evaluate_currents(Z)
        flowing[rows] = Z.reshape(kernel.ROWS, kernel.W)[kernel.MEMBRANE_CURRENT // kernel.W :][: kernel.CURRENTS].T
    return np.column_stack([times, injected, states, flowing])


def _gather(
    parts: list[tuple[Integration, np.ndarray, float]], status: np.ndarray, window: tuple[float, float], ms: float
) -> Result:
    """The chunks, each with the number of beats of its neurons and the time it took, one after the other."""

    def joined(name: str) -> np.ndarray:
        return np.concatenate([getattr(part, name) for part, *_ in parts])

    outcome, counts = joined("outcome"), np.concatenate([beats for _, beats, _ in parts])
    record = {
        "peak": joined("peak"),
        "trough": joined("trough"),
        "status": np.where(outcome > 0, outcome + NO_STABLE_REST, status).astype(np.int8),
        "ended": joined("ended"),
        "final": joined("states"),
        "steps": joined("steps"),
        "spikes": Ragged(joined("spike_times"), _offsets(joined("counts"))),
    }
    if counts.any():
        record["beats"] = Ragged(joined("beats"), _offsets(counts))
    return Result(record, (float(window[0]), float(window[1])), ms, sum(seconds for *_, seconds in parts))


def _offsets(counts: np.ndarray) -> np.ndarray:
    """Where lists of these lengths begin and end, int64 (n + 1,)."""
    return np.r_[0, np.cumsum(counts)]
