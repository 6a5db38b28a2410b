"""simulate(): check, pack neurons into blocks, call the kernel, wrap what it found."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType

import numpy as np

from hhcore.compile.module import load_kernel
from hhcore.errors import UserError, closest
from hhcore.model import Model, load_model
from hhcore.rest import initial_states, pack
from hhcore.solvers import METHODS
from hhcore.stimulus import Step, segments

SPIKE_BUFFER = 1024  # spikes a lane may fire before its block pauses to hand them over

STATUSES = ("ok", "no_stable_rest", "diverged")
OK, NO_STABLE_REST, DIVERGED = range(3)


@dataclass(frozen=True)
class Result:
    """What is kept of n neurons.

    spike_times : float64 (k,), the spikes of all neurons one after the other, in the model's unit of time (ms)
    offsets     : int64 (n + 1,), spikes of neuron i are spike_times[offsets[i]:offsets[i + 1]]
    peak, trough: float64 (n,), highest and lowest membrane potential inside the analysis window (mV)
    status      : int8 (n,), an index into STATUSES
    window      : (start, stop) of the analysis window (ms)
    """

    spike_times: np.ndarray
    offsets: np.ndarray
    peak: np.ndarray
    trough: np.ndarray
    status: np.ndarray
    window: tuple[float, float]

    @cached_property
    def features(self):
        """pandas.DataFrame with one row per neuron; the columns are defined in hhcore.features."""
        import pandas as pd

        from hhcore.features import features

        status = np.array(STATUSES, dtype=object)[self.status]
        return pd.DataFrame(features(self.spike_times, self.offsets, self.window, self.peak, self.trough, status))

    @cached_property
    def spikes(self):
        """pandas.DataFrame with one row per spike: neuron, time_ms."""
        import pandas as pd

        neuron = np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))
        return pd.DataFrame({"neuron": neuron, "time_ms": self.spike_times})


def simulate(
    model: Model | str,
    points: Mapping[str, float | np.ndarray],
    stimulus: Step,
    *,
    duration: float,
    initial_state: str | Mapping[str, float] = "rest",
    method: str = "rk4",
    dt: float = 0.025,
    analysis_window: tuple[float, float] | None = None,
    threshold: float = 0.0,
    rearm: float | None = None,
    threads: int = 1,
    progress: Callable[[int], None] | None = None,
) -> Result:
    """Simulate one neuron for each row of `points`; its result does not depend on the other rows.

    points          : parameters by qualified name, each a number or float64 (n,), in the model's units;
                      what is not named keeps the model's value
    stimulus        : its fields may be arrays (n,) too
    duration, dt    : length of the run and largest step, in the model's unit of time (ms)
    initial_state   : "rest" (the stable equilibrium without stimulus of each neuron), "model" (as written in
                      the model file), or a value for every state
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
    if method not in METHODS:
        raise UserError(f"solver method {method!r} does not exist; " + closest(method, METHODS))
    window = (0.0, duration) if analysis_window is None else analysis_window
    if not (duration > 0 and 0 < dt <= duration):
        raise UserError(f"duration {duration} and dt {dt} must satisfy 0 < dt <= duration")
    if not 0 <= window[0] < window[1] <= duration:
        raise UserError(f"analysis_window {window} must lie inside 0 to {duration} (the duration)")
    rearm = threshold if rearm is None else rearm
    if not rearm <= threshold:
        raise UserError(f"rearm {rearm} must not lie above the threshold {threshold}")
    parameters, stimuli = _columns(model, points, stimulus)
    kernel = load_kernel(model, method)
    states, status = initial_states(model, kernel, parameters, initial_state)
    run = _Run(kernel, duration, dt, window, threshold, rearm)
    blocks = list(_blocks(stimuli[:, 1:], kernel.W))

    def simulate_block(rows: np.ndarray):
        found = run.block(parameters[rows], stimuli[rows], states[rows])
        if progress is not None:
            progress(len(rows))
        return found

    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(simulate_block, blocks))
    return _gather(blocks, found, status, window)


def trace(
    model: Model | str,
    point: Mapping[str, float],
    stimulus: Step,
    *,
    duration: float,
    initial_state: str | Mapping[str, float] = "rest",
    method: str = "rk4",
    dt: float = 0.025,
) -> dict[str, np.ndarray]:
    """Every step of one neuron: `time`, `stimulus`, each state, and each current that flows into the potential.

    Returns float64 (steps + 1,) by qualified name. Arguments as in `simulate`.
    """
    model = load_model(model) if isinstance(model, str) else model
    parameters, stimuli = _columns(model, point, stimulus)
    kernel = load_kernel(model, method)
    states, _ = initial_states(model, kernel, parameters, initial_state)
    run = _Run(kernel, duration, dt, (0.0, duration), 0.0, 0.0)
    values = run.trace(parameters, stimuli, states)
    return dict(zip(["time", "stimulus", *model.states, *model.currents], values.T, strict=True))


def _columns(model: Model, points: Mapping, stimulus: Step) -> tuple[np.ndarray, np.ndarray]:
    """Parameters (n, p) and stimuli (n, 3: amplitude, start, stop), all of one length."""
    for name in points:
        if name not in model.parameters:
            raise UserError(
                f"points: model {model.name!r} has no parameter {name!r}; " + closest(name, model.parameters)
            )
    given = {name: np.asarray(values, dtype=np.float64) for name, values in points.items()}
    fields = [np.asarray(x, dtype=np.float64) for x in (stimulus.amplitude, stimulus.start, stimulus.stop)]
    lengths = {column.size for column in (*given.values(), *fields) if column.ndim}
    if len(lengths) > 1:
        raise UserError(f"points: columns must have one length, not {sorted(lengths)}")
    n = lengths.pop() if lengths else 1
    parameters = [given.get(name, np.float64(q.value)) for name, q in model.parameters.items()]
    table = np.empty((n, len(parameters)))
    for i, column in enumerate(parameters):
        table[:, i] = column
    stimuli = np.empty((n, 3))
    for i, column in enumerate(fields):
        stimuli[:, i] = column
    return table, stimuli


def _blocks(edges: np.ndarray, width: int) -> Iterator[np.ndarray]:
    """Rows in blocks of `width` neurons whose stimulus changes at the same times."""
    kinds, kind = np.unique(edges, axis=0, return_inverse=True)
    order = np.argsort(kind.ravel(), kind="stable")
    ends = np.cumsum(np.bincount(kind.ravel(), minlength=len(kinds)))
    for begin, end in zip(np.r_[0, ends[:-1]], ends, strict=True):
        for first in range(begin, end, width):
            yield order[first : min(first + width, end)]


@dataclass(frozen=True)
class _Run:
    """One kernel and the settings that all blocks share."""

    kernel: ModuleType
    duration: float
    dt: float
    window: tuple[float, float]
    threshold: float
    rearm: float

    def pack(self, parameters: np.ndarray, states: np.ndarray) -> np.ndarray:
        """The kernel's array for up to W neurons; spare lanes repeat the last one."""
        k = self.kernel
        lanes = np.minimum(np.arange(k.W), len(parameters) - 1)
        Z = pack(k, parameters[lanes], states[lanes])
        rows = Z.reshape(k.ROWS, k.W)
        potential = rows[(k.STATE + k.POTENTIAL) // k.W]
        rows[k.LATER // k.W] = potential
        rows[k.ARMED // k.W] = potential < self.threshold
        rows[k.PEAK // k.W] = -np.inf
        rows[k.TROUGH // k.W] = np.inf
        return Z

    def stretches(self, stimuli: np.ndarray):
        """(start, step size, steps, current of each lane, inside the analysis window) of each segment."""
        start, stop = stimuli[0, 1:]
        lanes = np.minimum(np.arange(self.kernel.W), len(stimuli) - 1)
        for t0, h, steps in segments((start, stop, *self.window), self.duration, self.dt):
            on = start <= t0 < stop
            inside = self.window[0] <= t0 < self.window[1]
            yield t0, h, steps, stimuli[lanes, 0] if on else np.zeros(self.kernel.W), inside

    def block(self, parameters: np.ndarray, stimuli: np.ndarray, states: np.ndarray):
        """Spike times of each neuron of a block, its peaks, troughs, and whether its states stayed finite."""
        k, n = self.kernel, len(parameters)
        Z = self.pack(parameters, states)
        times = np.empty((k.W, SPIKE_BUFFER))
        counts = np.zeros(k.W, dtype=np.int64)
        spikes: list[list[np.ndarray]] = [[] for _ in range(n)]

        def hand_over() -> None:
            for j in range(n):
                if counts[j]:
                    spikes[j].append(times[j, : counts[j]].copy())
            counts[:] = 0

        for t0, h, steps, current, inside in self.stretches(stimuli):
            Z[k.CURRENT : k.CURRENT + k.W] = current
            reached = 0
            while reached < steps:
                reached = k.advance(Z, reached, steps, t0, h, self.threshold, self.rearm, inside, times, counts)
                hand_over()
            k.finish(Z, t0 + steps * h, h, self.threshold, self.rearm, inside, times, counts)
            hand_over()
        rows = Z.reshape(k.ROWS, k.W)[:, :n]
        finite = np.isfinite(rows[k.STATE // k.W :][: k.N]).all(axis=0)
        trains = [np.concatenate(s) if s else np.empty(0) for s in spikes]
        return trains, rows[k.PEAK // k.W].copy(), rows[k.TROUGH // k.W].copy(), finite

    def trace(self, parameters: np.ndarray, stimuli: np.ndarray, states: np.ndarray) -> np.ndarray:
        """Time, injected current, states and membrane currents (columns) at every step of a single neuron."""
        k = self.kernel
        Z = self.pack(parameters, states)
        shown = np.empty_like(Z)  # a copy that `close` may advance
        of_shown = shown.reshape(k.ROWS, k.W)[:, 0]
        currents = of_shown[k.MEMBRANE_CURRENT // k.W :][: k.CURRENTS]
        times, counts = np.empty((k.W, SPIKE_BUFFER)), np.zeros(k.W, dtype=np.int64)
        stretches = list(self.stretches(stimuli))
        kept = np.empty((sum(steps for _, _, steps, _, _ in stretches) + 1, 2 + k.N + k.CURRENTS))
        row = 0

        def keep(t: float, h: float, behind: bool) -> None:
            shown[:] = Z
            if behind:
                k.close(shown, t, h)
            k.evaluate_currents(shown, t)
            kept[row, 0], kept[row, 1] = t, of_shown[k.CURRENT // k.W]
            kept[row, 2 : 2 + k.N] = of_shown[k.STATE // k.W :][: k.N]
            kept[row, 2 + k.N :] = currents

        for t0, h, steps, current, _ in stretches:
            Z[k.CURRENT : k.CURRENT + k.W] = current
            for s in range(steps):
                keep(t0 + s * h, h, behind=s > 0)
                row += 1
                k.advance(Z, s, s + 1, t0, h, np.inf, -np.inf, False, times, counts)
            k.close(Z, t0 + steps * h, h)
        keep(self.duration, h, behind=False)
        return kept


def _gather(blocks, found, status: np.ndarray, window) -> Result:
    """Put the neurons of all blocks back in order."""
    n = len(status)
    status = status.copy()
    peak, trough, counts = np.empty(n), np.empty(n), np.zeros(n + 1, dtype=np.int64)
    for rows, (trains, high, low, finite) in zip(blocks, found, strict=True):
        peak[rows], trough[rows] = high, low
        status[rows[~finite]] = DIVERGED
        counts[rows + 1] = [len(t) for t in trains]
    offsets = np.cumsum(counts)
    spike_times = np.empty(offsets[-1])
    for rows, (trains, *_) in zip(blocks, found, strict=True):
        for row, train in zip(rows, trains, strict=True):
            spike_times[offsets[row] : offsets[row + 1]] = train
    return Result(spike_times, offsets, peak, trough, status, (float(window[0]), float(window[1])))
