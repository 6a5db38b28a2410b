"""Check a config to the last value and turn it into experiments."""

import math
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hhcore.base.checks import choice, fields, items, mapping, present, quoted, text
from hhcore.base.errors import UserError, closest
from hhcore.base.units import KELVIN, check_temperature, is_in_celsius, to_unit
from hhcore.config.solver import check_solver, read_solver, read_tolerance
from hhcore.experiments.experiment import Experiment, units
from hhcore.experiments.protocol import Protocol, default_protocol, protocols
from hhcore.grid.axes import AxisSpec, read_axis
from hhcore.grid.designs import Distribution, is_distribution, read_distribution, read_sample
from hhcore.grid.factors import Factor, check_size, check_values, factors
from hhcore.model.model import FILE, NOTHING, Model, load_model, models, split_name
from hhcore.schemes.solver import Solver
from hhcore.simulation.rest import check_rest
from hhcore.simulation.simulate import MOST_SAMPLES, TRACE_INTERVAL_MS
from hhcore.simulation.stimuli import kinds
from hhcore.simulation.stimuli.stimulus import Stimulus

REQUIRED = {
    "model": "model: hodgkin_huxley_1952",
    "stimulus": f"stimulus: {kinds()['step'].example}",
    "initial_state": "initial_state: rest",
    "duration": "duration: 1000",
    "solver": "solver: {tolerance: 1 us}",
}
CANDIDATES = ("tsit5", "dop853", "rodas5p")  # the others cost more at every accuracy: docs/benchmarks.md
OPTIONAL = ("parameters", "sample", "combine", "analysis_window", "spikes", "traces", "potential", "current")
OPTIONAL += ("failed_neurons", "protocol")


def read_experiments(config: Mapping[str, object], base: str | Path = ".") -> dict[str, Experiment]:
    """All experiments of a config, by name, checked to the last value.

    base : the folder that paths of model files start from
    Raises UserError at the first mistake. It refuses mistakes of form before it loads a model, and a grid that is too
    large before any of it is in memory.
    """
    experiments = mapping(fields(config, "config", {"experiments": "experiments: {...}"})["experiments"], "experiments")
    if not experiments:
        raise UserError("experiments: {} is empty; give at least one, like `experiments: {name: {model: ...}}`")
    for name, body in experiments.items():
        _check_form(name, _completed(body), f"experiments.{name}")
    return {
        name: _read(name, _completed(body), Path(base), f"experiments.{name}") for name, body in experiments.items()
    }


def read_experiment(config: Mapping[str, object], name: str, base: str | Path = ".") -> Experiment:
    """One experiment of a config, without a look at the others; else as `read_experiments`."""
    return read_experiments({"experiments": {name: config["experiments"][name]}}, base)[name]


def _completed(body: object) -> object:
    """With `current: file` the stimulus is the one in the file, and need not be written."""
    own = isinstance(body, dict) and body.get("current") == FILE
    return {"stimulus": {"kind": FILE}, **body} if own else body


def _check_form(name: str, body: object, where: str) -> None:
    """Raise UserError for a mistake that shows without the model."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", name):
        raise UserError(
            f"experiments: the name {quoted(name)} becomes a folder; use up to 100 letters, digits, _ and -"
        )
    fields(body, where, REQUIRED, OPTIONAL)
    for key in ("model", "potential", "current"):
        if key in body:
            text(body[key], f"{where}.{key}", {**REQUIRED, "potential": "membrane.V", "current": "stimulus.i"}[key])
    _check_stimulus(body["stimulus"], f"{where}.stimulus")
    if body.get("current") == FILE and body["stimulus"]["kind"] != FILE:
        raise UserError(
            f"{where}.stimulus: `current: file` is the stimulus in the model file, beside which there is no "
            f"{quoted(body['stimulus']['kind'])}; leave the stimulus out, or name the current that it sets"
        )
    if "protocol" in body:
        _check_protocol(body["protocol"], kinds()[body["stimulus"]["kind"]], f"{where}.protocol")
    mapping(body.get("parameters", {}), f"{where}.parameters")
    choice(body.get("combine", "product"), ["product", "zip"], f"{where}.combine")
    choice(body.get("failed_neurons", "keep"), ["keep", "fail"], f"{where}.failed_neurons")
    state = body["initial_state"]
    if not isinstance(state, dict) and state not in ("rest", "model"):
        legal = closest(state if isinstance(state, str) else "", ["rest", "model", "{membrane.V: -65, ...}"])
        raise UserError(f"{where}.initial_state: {quoted(state)} is not a choice here; {legal}")
    fields(body.get("spikes", {}), f"{where}.spikes", optional=["threshold", "rearm"])
    check_solver(body["solver"], f"{where}.solver")


def _check_stimulus(body: object, where: str) -> None:
    """Raise UserError unless the kind is known and has the keys that it needs, and no others."""
    settings = mapping(body, where)
    kind = kinds()[choice(present(settings, "kind", where, "kind: step"), kinds(), f"{where}.kind")]
    fields(body, where, {"kind": "", **dict.fromkeys(kind.required(), kind.example)}, kind.fields)
    for name, field in kind.fields.items():
        if not field.swept and isinstance(settings.get(name), dict):
            raise UserError(f"{where}.{name}: {quoted(settings[name])} is an axis; give one number for all neurons")


def _check_protocol(body: object, stimulus: type[Stimulus], where: str) -> None:
    """Raise UserError unless the kind takes the stimulus and has its own keys alone."""
    settings = mapping(body, where)
    legal = [name for name, kind in protocols().items() if kind.takes(stimulus)]
    kind = protocols()[choice(present(settings, "kind", where, "kind: current_clamp"), legal, f"{where}.kind")]
    fields(body, where, {"kind": "", **kind.keys})


def _read(name: str, body: dict, base: Path, where: str) -> Experiment:
    """The experiment of a body that has passed `_check_form`. Raises UserError for any other mistake."""
    model = _model(body, base, where)
    duration = _duration(body, model.time_unit, where)
    stimulus = kinds()[body["stimulus"]["kind"]]
    stimulus.check_model(model, f"{where}.stimulus")
    defaults, specs, spread = _sweep(body, model, stimulus, duration, where)
    design = read_sample(body, spread, where)
    combine = body.get("combine", "product")
    check_size(design, specs, combine, where)
    sample, axes = design and design.expand(), tuple(spec.expand() for spec in specs)
    grid = factors(sample, axes, combine, stimulus.axis)
    check_values(stimulus, defaults, grid, duration, f"{where}.stimulus")
    _check_injected(model, stimulus, defaults, grid, f"{where}.stimulus")
    _check_temperatures(model, defaults, grid, f"{where}.parameters")
    swept = [name for factor in grid for name in factor.names]
    traces = items(body.get("traces", []), f"{where}.traces", "[{amplitude: 10, ...}, ...], a list of points")
    threshold, rearm = _spikes(body.get("spikes", {}), model.states[model.potential].unit, f"{where}.spikes")
    protocol = _protocol(body, model, stimulus, duration, f"{where}.protocol")
    solver = read_solver(body["solver"], model.time_unit, duration, f"{where}.solver")
    _check_samples(len(traces), solver, duration, model.ms, f"{where}.traces")
    return Experiment(
        name=name,
        model=model,
        protocol=protocol,
        stimulus=stimulus,
        sample=sample,
        axes=axes,
        combine=combine,
        defaults=defaults,
        initial_state=_initial_state(body["initial_state"], model, f"{where}.initial_state"),
        duration=duration,
        analysis_window=_window(body.get("analysis_window", [0, duration]), model.time_unit, duration, where),
        threshold=threshold,
        rearm=rearm,
        solver=solver,
        tolerance=read_tolerance(body["solver"], protocol.accuracy, f"{where}.solver"),
        methods=(body["solver"]["method"],) if "method" in body["solver"] else CANDIDATES,
        certify=body["solver"].get("certify", "sample"),
        failed_neurons=body.get("failed_neurons", "keep"),
        traces=tuple(
            _trace(point, model, stimulus, swept, defaults, duration, f"{where}.traces[{i}]")
            for i, point in enumerate(traces)
        ),
        celsius=_in_celsius(model, [body.get("parameters", {}), *traces]),
    )


def _protocol(body: dict, model: Model, stimulus: type[Stimulus], duration: float, where: str) -> Protocol:
    settings = body.get("protocol")
    if settings is None:
        return default_protocol(stimulus).read({}, model, duration, where)
    own = {key: value for key, value in settings.items() if key != "kind"}
    return protocols()[settings["kind"]].read(own, model, duration, where)


def _check_injected(
    model: Model, stimulus: type[Stimulus], defaults: dict[str, float], grid: tuple[Factor, ...], where: str
) -> None:
    """Raise UserError for a current into a model without an injected current."""
    for name in (name for name, field in stimulus.fields.items() if field.unit == "current"):
        swept = [f.values[:, f.names.index(name)] for f in grid if name in f.names]
        if model.current.name == NOTHING and np.any(swept or defaults[name]):
            raise UserError(f"{where}.{name}: nothing is injected into {model.name!r}; give 0, or name a current")


def _check_temperatures(model: Model, defaults: dict[str, float], grid: tuple[Factor, ...], where: str) -> None:
    """Raise UserError for a temperature at which neurons are frozen."""
    lowest = {name: f.values[:, i].min() for f in grid for i, name in enumerate(f.names)}
    for name, quantity in model.parameters.items():
        check_temperature(lowest.get(name, defaults[name]), quantity.unit, quantity.value, f"{where}.{name}")


def _in_celsius(model: Model, written: list[dict]) -> tuple[str, ...]:
    """The temperatures among the parameters that one of the mappings writes in degrees Celsius."""
    kelvins = [name for name, quantity in model.parameters.items() if quantity.unit in KELVIN]
    return tuple(name for name in kelvins if any(is_in_celsius(body.get(name)) for body in written))


def _model(body: dict, base: Path, where: str) -> Model:
    name, _ = split_name(body["model"])
    is_file = name not in models() and name.endswith((".mmt", ".cellml"))
    file = base / body["model"] if is_file else body["model"]
    try:
        model = load_model(file, potential=body.get("potential"), current=body.get("current"))
        _ = model.ms  # raises UserError for a unit that is not one of time
    except UserError as error:
        raise UserError(f"{where}.model: {error}") from error
    return model


def _duration(body: dict, unit: str, where: str) -> float:
    duration = to_unit(body["duration"], unit, f"{where}.duration")
    if duration <= 0:
        raise UserError(
            f"{where}.duration: {quoted(body['duration'])} is not longer than 0 {unit}; give a time above 0"
        )
    return duration


def _sweep(
    body: dict, model: Model, stimulus: type[Stimulus], duration: float, where: str
) -> tuple[dict[str, float], list[AxisSpec], dict[str, Distribution]]:
    """The defaults of an experiment (all fixed values), its axes, and its distributions."""
    parameters = body.get("parameters", {})
    for name in parameters:
        if name not in model.parameters:
            raise UserError(
                f"{where}.parameters: model {model.name!r} has no parameter {name!r}; {closest(name, model.parameters)}"
            )
    written = {name: (value, f"{where}.stimulus.{name}") for name, value in body["stimulus"].items() if name != "kind"}
    written |= {name: (value, f"{where}.parameters.{name}") for name, value in parameters.items()}
    defaults = {name: quantity.value for name, quantity in model.parameters.items()}
    defaults |= stimulus.defaults(duration)
    specs, spread = [], {}
    for name, (value, key) in written.items():
        unit = units(model, stimulus)[name]
        if isinstance(value, list):
            raise UserError(f"{key}: {quoted(value)} is a list; write an axis as {{values: [...]}}")
        if isinstance(value, dict):
            defaults[name] = model.parameters[name].value if name in parameters else math.nan
            if is_distribution(value):
                spread[name] = read_distribution(value, name, unit, defaults[name], key)
            else:
                specs.append(read_axis(value, name, unit, defaults[name], key))
        else:
            defaults[name] = to_unit(value, unit, key)
    return defaults, specs, spread


def _window(body: object, unit: str, duration: float, where: str) -> tuple[float, float]:
    where = f"{where}.analysis_window"
    start, stop = (to_unit(t, unit, f"{where}[{i}]") for i, t in enumerate(items(body, where, "[start, stop]", 2)))
    if not 0 <= start < stop <= duration:
        raise UserError(
            f"{where}: {quoted(body)} does not lie inside the duration [0, {duration!r}] with start before stop; "
            "give two such times, or leave it out to analyse the whole run"
        )
    return start, stop


def _spikes(body: dict, unit: str, where: str) -> tuple[float, float]:
    """Threshold (0 if not given) and re-arm level (the threshold if not given)."""
    threshold = to_unit(body.get("threshold", 0), unit, f"{where}.threshold")
    rearm = to_unit(body.get("rearm", threshold), unit, f"{where}.rearm")
    if rearm > threshold:
        raise UserError(
            f"{where}.rearm: {quoted(body['rearm'])} is above the threshold, {threshold!r} {unit}; lower it"
        )
    return threshold, rearm


def _initial_state(body: object, model: Model, where: str) -> str | dict[str, float]:
    if isinstance(body, str):
        if body == "rest":
            check_rest(model, where)
        return body
    values = mapping(body, where)
    for name in values:
        if name not in model.states:
            raise UserError(f"{where}: model {model.name!r} has no state {name!r}; {closest(name, model.states)}")
    missing = [name for name in model.states if name not in values]
    if missing:
        raise UserError(
            f"{where}: {quoted(values)} leaves out {', '.join(missing)}; "
            f"give a value for every state, or use initial_state: model"
        )
    return {name: to_unit(values[name], state.unit, f"{where}.{name}") for name, state in model.states.items()}


def _check_samples(traces: int, solver: Solver | None, duration: float, ms: float, where: str) -> None:
    """Raise UserError if the table of the traces would have too many rows."""
    interval = TRACE_INTERVAL_MS / ms if solver is None or solver.scheme.adaptive else solver.accuracy
    if (rows := traces * duration / interval) > MOST_SAMPLES:
        raise UserError(
            f"{where}: {traces} traces of {duration!r}, with a row every {interval:g}, make {rows:.2g} rows; at most "
            f"{MOST_SAMPLES:.0e} are legal, so leave out traces or shorten the duration"
        )


def _trace(
    body: object,
    model: Model,
    stimulus: type[Stimulus],
    swept: list[str],
    defaults: dict[str, float],
    duration: float,
    where: str,
) -> dict[str, float]:
    """A value for every quantity: the trace's own, else the experiment's. The point need not lie on the grid."""
    values = mapping(body, where)
    for name in values:
        if name not in defaults:
            legal = closest(name, [*stimulus.fields, *model.parameters])
            raise UserError(f"{where}: model {model.name!r} and its stimulus have no quantity {name!r}; {legal}")
    missing = [name for name in swept if name not in values]
    if missing:
        raise UserError(
            f"{where}: {quoted(values)} has no value for {', '.join(missing)}; "
            f"a trace is one neuron, so give a value for every axis and every distribution"
        )
    unit = units(model, stimulus)
    point = defaults | {name: to_unit(value, unit[name], f"{where}.{name}") for name, value in values.items()}
    check_values(stimulus, point, (), duration, where)
    _check_temperatures(model, point, (), where)
    return point
