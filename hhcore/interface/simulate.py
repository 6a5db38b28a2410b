"""The public simulate() and trace(): with a given solver, or with the cheapest one that keeps a tolerance."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from hhcore.base.errors import UserError
from hhcore.base.units import Quantities, Written
from hhcore.interface.relative import relative
from hhcore.model.model import Model, load_model
from hhcore.simulation import simulate as simulation
from hhcore.simulation.arguments import read_conditions
from hhcore.simulation.beats import beat_definitions
from hhcore.simulation.default_scheme import SCHEME, default_scheme
from hhcore.simulation.features import DEFINITIONS
from hhcore.simulation.initial import InitialState
from hhcore.simulation.observers import Beats, Observer, standard_observers
from hhcore.simulation.outputs import Output, beat_output_columns, observers_of, output_columns
from hhcore.simulation.result import Result, Trace
from hhcore.simulation.stimuli.stimulus import Stimulus


def simulate(
    model: Model | str | Path,
    points: Mapping[str, Quantities],
    stimulus: Stimulus,
    *,
    duration: Written,
    initial_state: InitialState = "rest",
    tolerance: Written | None = None,
    method: str | None = None,
    dt: Written | None = None,
    local_error: float | None = None,
    analysis_window: tuple[Written, Written] | None = None,
    threshold: Written = 0.0,
    rearm: Written | None = None,
    outputs: Mapping[str, Mapping[str, object]] | None = None,
    observers: Sequence[Observer] | None = None,
    threads: int = 1,
    progress: Callable[[int], None] | None = None,
) -> Result:
    """Simulate one neuron for each row of `points`; its result does not depend on the other rows.

    Every quantity is a number in the model's unit, or text with a unit of its own, like "50 ms" or "16.3 degC".

    points          : parameters by qualified name, one value or a list of n; the others keep the model's value
    stimulus        : of any kind, like hhcore.Step or hhcore.PulseTrain; its fields may be lists of n too, and its
                      currents shares of each neuron's rheobase, like "150 %", which is searched first
    duration        : length of the run, in the model's unit of time (ms)
    initial_state   : "rest" (the stable equilibrium without stimulus of each neuron), "model" (as written in
                      the model file); one value or a list of n for every state by name, or for some beside `from`,
                      one of these words for the others: {"from": "rest", "membrane.V": -55}; or float64 (states,) or
                      (n, states)
    tolerance       : largest error of a spike time (ms), like "1 us", in 99 % of the neurons: solvers are measured on
                      a sample of them, the cheapest that keeps it is taken, and the result says which and how well
    method          : a scheme of hhcore.schemes.solver; by default "tsit5", or "rodas5p" if the model is stiff at its
                      own parameters, or with a tolerance any. `Result.solver` says which
    dt              : largest step of a scheme of fixed step (ms)
    local_error     : largest error of a step of an adaptive scheme, relative to the size of the states; 1e-6 by
                      default
    analysis_window : where peak and trough are taken, and rates by `Result.features`; the whole run by default
    threshold, rearm: a spike is an upward crossing of `threshold` (mV); before the next one counts, the potential
                      must have been below `rearm` (by default the threshold)
    outputs         : measures of other variables than the potential, by name, as a config has them, like
                      {"charge": {"variable": "sodium.i", "measure": "integral"}}: columns of `Result.features`
    observers       : by default spikes and extremes, with `threshold`, `rearm` and `analysis_window`, and beats if
                      the stimulus has some. Their fields are in `Result.record`. Those of
                      hhcore.simulation.observers.shape_observers measure the shape of each spike: `Result.shapes`
    progress        : called with the number of neurons finished since the last call

    Raises UserError for unknown names, unequal lengths and illegal values, and if no solver keeps the tolerance.

    >>> import hhcore
    >>> run = hhcore.simulate("hodgkin_huxley_1952", {"sodium.g": [96, 120]}, hhcore.Step(10), duration="50 ms")
    >>> run.features.spike_count.tolist()
    [1, 4]
    """
    model, conditions = _noted(model), (duration, analysis_window, threshold, rearm)
    neurons = relative(model, points, stimulus, conditions, initial_state, threads)
    stimulus = neurons.stimulus
    named, observers = _with_outputs(model, stimulus, outputs, observers, conditions)
    settings = {
        "duration": duration,
        "initial_state": initial_state,
        "analysis_window": analysis_window,
        "threshold": threshold,
        "rearm": rearm,
        "observers": observers,
        "threads": threads,
        "progress": progress,
    }
    if tolerance is None:
        method = _default_method(model, stimulus, observers) if method is None else method
        setting = {"method": method, "dt": dt, "local_error": local_error}
        result = simulation.simulate(model, points, stimulus, **setting, **settings)
        return _with_columns(neurons.mark(result), named)
    _only_tolerance(dt, local_error)
    from hhcore.interface.tolerance import choose  # here, since it loads Arrow and half of hhcore

    run = read_conditions(model, *conditions)
    choice = choose(model, points, stimulus, run, initial_state, tolerance, method, threads, named)
    solver = {"method": choice.solver.method, choice.solver.setting: choice.solver.accuracy}
    result = simulation.simulate(model, points, stimulus, **solver, **settings)
    result = replace(choice.mark(neurons.mark(result)), certificate=choice.certificate)
    return _with_columns(result, named)


def _with_columns(result: Result, named: Sequence[Output]) -> Result:
    """The result with the columns of outputs."""
    return replace(result, outputs=output_columns(named, result), beat_outputs=beat_output_columns(named, result))


def _with_outputs(
    model: Model,
    stimulus: Stimulus,
    written: Mapping[str, Mapping[str, object]] | None,
    observers: Sequence[Observer] | None,
    conditions: tuple,
) -> tuple[tuple[Output, ...], Sequence[Observer] | None]:
    """The outputs read, and the observers with the one that notes them. Raises UserError for wrong ones."""
    if not written or not isinstance(stimulus, Stimulus):  # of the latter the simulation says what it is
        return (), observers
    from hhcore.config.outputs import read_outputs  # here, since it loads Arrow

    run = read_conditions(model, *conditions)
    if observers is None:
        observers = standard_observers(type(stimulus), run.threshold, run.rearm, run.window, model.ms, model.mV)
    named = dict(written) if isinstance(written, Mapping) else written
    paced = any(isinstance(observer, Beats) for observer in observers)
    taken = {*DEFINITIONS, *(beat_definitions() if paced else ())}
    outputs = read_outputs(named, model, run.window, run.duration, taken, paced, "outputs")
    return outputs, (*observers, *observers_of(outputs))


def trace(
    model: Model | str | Path,
    point: Mapping[str, Written],
    stimulus: Stimulus,
    *,
    duration: Written,
    initial_state: InitialState = "rest",
    tolerance: Written | None = None,
    method: str | None = None,
    dt: Written | None = None,
    local_error: float | None = None,
    interval: Written | None = None,
    observers: Sequence[Observer] | None = None,
) -> Trace:
    """Trace one neuron: `time`, `stimulus`, each state, and each current that flows into the potential.

    interval : time between two samples, and the longest step, in the model's unit of time; where the stimulus
               jumps there are two samples of one time, before and after. By default dt, or 0.025 ms of an adaptive
               scheme
    observers: those of `simulate`, so that both use one kernel; their records are dropped

    Returns float64 (samples,) by qualified name, and `status`; `.frame` is the same as a data frame. Other arguments,
    limits and errors as in `simulate`.

    >>> import hhcore
    >>> course = hhcore.trace("hodgkin_huxley_1952", {}, hhcore.Step(10), duration="50 ms")
    >>> axes = course.frame.plot(x="time_ms", y="membrane_V_mV")
    """
    model, conditions = _noted(model), (duration, None, 0.0, None)
    neurons = relative(model, point, stimulus, conditions, initial_state)
    stimulus = neurons.stimulus
    settings = {"duration": duration, "initial_state": initial_state, "interval": interval, "observers": observers}
    if tolerance is None:
        method = _default_method(model, stimulus, observers) if method is None else method
        setting = {"method": method, "dt": dt, "local_error": local_error}
        return neurons.mark_trace(simulation.trace(model, point, stimulus, **setting, **settings))
    _only_tolerance(dt, local_error)
    from hhcore.interface.tolerance import choose

    run = read_conditions(model, *conditions)
    choice = choose(model, point, stimulus, run, initial_state, tolerance, method)
    solver = {"method": choice.solver.method, choice.solver.setting: choice.solver.accuracy}
    course = simulation.trace(model, point, stimulus, **solver, **settings)
    course.certificate = choice.certificate
    return neurons.mark_trace(course)


def _noted(model: Model | str | Path) -> Model:
    """The model, loaded; a warning for each note on its file, as `hhcore.run` writes them."""
    if isinstance(model, str | Path):
        model = load_model(model)
    if not isinstance(model, Model):
        raise UserError(f"model: {model!r} is not a model; give its name, the path of its file, or a loaded one")
    for note in model.notes:
        warnings.warn(f"{model.name}: {note}", stacklevel=3)
    return model


def _default_method(model: Model, stimulus: Stimulus, observers: Sequence[Observer] | None) -> str:
    """The scheme that suits a model; any where the stimulus is none, which the simulation says."""
    return default_scheme(model, type(stimulus), observers) if isinstance(stimulus, Stimulus) else SCHEME


def _only_tolerance(dt: Written | None, local_error: float | None) -> None:
    """Raise UserError for a setting beside a tolerance, which chooses it."""
    for name, value in {"dt": dt, "local_error": local_error}.items():
        if value is not None:
            raise UserError(f"{name}: {value!r} is given beside a tolerance, which chooses it; leave one of them out")
