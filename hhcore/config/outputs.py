"""Outputs of an experiment: measures of variables of the model that its config names."""

import dataclasses
import re
from collections.abc import Iterable, Mapping

from hhcore.base.checks import Key, choice, fields, items, mapping, quoted, text
from hhcore.base.errors import UserError, collected
from hhcore.base.units import to_unit
from hhcore.config.values import read_window
from hhcore.experiments.protocol import Protocol, protocols
from hhcore.model.model import Model
from hhcore.model.variables import Observable, observable
from hhcore.simulation.outputs import DURATION, MEASURES, Output
from hhcore.simulation.stimuli.stimulus import Stimulus

NAME = re.compile("[A-Za-z][A-Za-z0-9_]{0,59}")  # of an output, which begins the name of a column
ELSEWHERE = {
    **dict.fromkeys(("maximum", "peak", "highest"), "max"),
    **dict.fromkeys(("minimum", "trough", "nadir", "lowest"), "min"),
    **dict.fromkeys(("average", "avg"), "mean"),
    **dict.fromkeys(("charge", "area", "auc", "sum", "total"), "integral"),
    **dict.fromkeys(("time_to_peak", "peak_time", "argmax", "time_of_max"), "max_time"),
    **dict.fromkeys(("argmin", "time_of_min"), "min_time"),
    **dict.fromkeys(("amplitude", "range", "peak_to_peak"), "swing"),
    **dict.fromkeys(("initial", "start"), "first"),
    **dict.fromkeys(("final", "end"), "last"),
}
NOT_FEATURES = ("status", "beat_status", "response", "failed_ms", "fragile", "last_beat")  # columns beside them
BEAT = "beat"  # the window of an output of each beat
OUTPUT = {
    "variable": Key(
        "a variable of the model that changes: a state, a current or another intermediate variable, "
        "`dot(STATE)`, `conductance(CURRENT)`, or `total`, the sum of all membrane currents",
        "variable: sodium.i",
        required=True,
    ),
    "measure": Key("what of it", "measure: integral", required=True, legal=tuple(MEASURES)),
    "level": Key(
        "of a duration: the percentage of the way back from the maximum, 90 for CaTD90", "level: 90", otherwise="90"
    ),
    "window": Key("when; `beat`: in each beat", "window: [200, 1000]", otherwise="the analysis window"),
}


def read_outputs(
    written: object,
    model: Model,
    window: tuple[float, float],
    duration: float,
    columns: Iterable[str],
    paced: bool,
    where: str,
) -> tuple[Output, ...]:
    """The outputs of an experiment, by name in the config.

    window, duration : the analysis window, and the end of the run, in the model's unit of time
    columns          : of features and beats, which no output may have
    paced            : whether beats are measured
    Raises UserError with the mistakes in all of them.
    """
    outputs, taken = [], set(columns)
    with collected() as noted:
        for name, body in mapping(written, where).items():
            with noted():
                output = _output(name, body, model, window, duration, paced, f"{where}.{name}")
                if output.column in taken:
                    raise UserError(f"{where}.{name}: there is a column {output.column} already; give another name")
                outputs.append(output)
                taken.add(output.column)
    return tuple(outputs)


def read_features(written: object, protocol: Protocol, where: str) -> tuple[str, ...]:
    """Columns of features.parquet with numbers, as a list names them. Raises UserError for others."""
    legal = [name for name in protocol.definitions if name not in (*NOT_FEATURES, protocol.accuracy.column)]
    names = items(written, where, "[apd90_ms, ...], a list of columns of features.parquet")
    if not names:
        raise UserError(f"{where}: [] is empty; name a column of features.parquet, or leave it out")
    return tuple(dict.fromkeys(choice(name, legal, f"{where}[{i}]") for i, name in enumerate(names)))


def _output(
    name: str,
    written: object,
    model: Model,
    window: tuple[float, float],
    duration: float,
    paced: bool,
    where: str,
) -> Output:
    body = fields(written, where, OUTPUT)
    if not NAME.fullmatch(name):
        raise UserError(
            f"{where}: {quoted(name)} begins the name of a column; use up to 60 letters, digits and _, a letter first"
        )
    with collected() as noted:
        with noted():
            variable = text(body["variable"], f"{where}.variable", OUTPUT["variable"].example)
            found = _observable(variable, model, f"{where}.variable")
        with noted():
            measure = choice(body["measure"], MEASURES, f"{where}.measure", ELSEWHERE)
        with noted():
            if isinstance(body.get("window"), str) and body["window"] != BEAT:
                raise UserError(
                    f"{where}.window: {quoted(body['window'])} is not a window; write `{BEAT}`, each beat, or times: "
                    "[200, 1000]"
                )
            of_beats, level = body.get("window") == BEAT, _level(body, where)
            if of_beats and not paced:
                raise UserError(
                    f"{where}.window: no beats are measured here; use a stimulus of pulses that begin beats, as "
                    "`pulse_train`, with the protocol `pacing`, or give times: [200, 1000]"
                )
            if "window" in body and not of_beats:
                window = read_window(body["window"], model.time_unit, duration, f"{where}.window")
    return Output(name, variable, measure, *window, model.ms, found.unit, found.description, of_beats, level)


def _level(body: Mapping[str, object], where: str) -> float | None:
    """The level of a duration, in percent; None of other measures. Raises UserError for a wrong one."""
    if body.get("measure") != DURATION:
        if "level" in body:
            raise UserError(f"{where}.level: only `measure: {DURATION}` has a level; leave it out")
        return None
    if body.get("window") != BEAT:
        raise UserError(f"{where}: a {DURATION} is that of a transient in a beat; write `window: {BEAT}`")
    level = to_unit(body.get("level", 90), "1", f"{where}.level")
    if not 0 < level < 100:
        raise UserError(
            f"{where}.level: {quoted(body['level'])} is not a percentage between 0 and 100, as in `level: 90`"
        )
    return level


def _observable(variable: str, model: Model, where: str) -> Observable:
    try:
        return observable(variable, model)
    except UserError as error:
        raise UserError(f"{where}: {error}") from error


def check_taken(kind: type[Protocol], stimulus: type[Stimulus], where: str) -> None:
    """Raise UserError for a protocol that takes no outputs, with those that do and go with the stimulus."""
    able = [
        name
        for name, other in protocols().items()
        if other.takes(stimulus) and "outputs" in {field.name for field in dataclasses.fields(other)}
    ]
    if kind.kind not in able:
        raise UserError(f"{where}: protocol {kind.kind!r} takes no outputs; leave them out, or use {' or '.join(able)}")
