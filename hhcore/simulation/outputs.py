"""Outputs that a user names: a measure of a variable in a window, as a column of features, and its error."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hhcore.base.units import column_name
from hhcore.simulation.beats import OF_LAST, last_rows
from hhcore.simulation.heights import Errors
from hhcore.simulation.observers.outputs import OUTPUT, BeatMeasures, Measures, Outputs
from hhcore.simulation.observers.transients import Transients
from hhcore.simulation.result import Result

# Words by measure; the value belongs to the variable, is a time, or an integral over time.
MEASURES = {
    "max": "largest value",
    "min": "smallest value",
    "swing": "largest minus smallest value",
    "mean": "mean over time",
    "integral": "integral over time",
    "first": "value at the start",
    "last": "value at the end",
    "max_time": "time of the largest value",
    "min_time": "time of the smallest value",
    "duration": "duration of the transient",
}
DURATION = "duration"
FAILED = "where the neuron failed"
TIMES = ("max_time", "min_time")
SHARE = 1e-3
ROUNDING = 1e-6  # of a variable that is nearly constant, the part that counts as its size
Noted = Mapping[str, np.ndarray]  # by name of OUTPUT, of successive windows: float64 (n, windows)
LESS = {"": "m", "m": "u", "u": "n", "n": "p", "p": "f", "k": ""}  # a thousandth of a prefix


@dataclass(frozen=True)
class Output:
    """A column of features: a measure of a variable while start <= t <= stop, or of each beat.

    name, variable, measure : as the config names them; a measure is one of MEASURES
    start, stop    : in the model's unit of time, of which one is `ms` milliseconds
    variable_unit, description : of the variable
    of_beats       : whether it is measured in each beat instead: a column of the table of beats, and in features that
                     of `last_beat`
    level          : of a duration alone: the percentage of the way back after which it ends
    """

    name: str
    variable: str
    measure: str
    start: float
    stop: float
    ms: float
    variable_unit: str
    description: str
    of_beats: bool = False
    level: float | None = None

    @property
    def unit(self) -> str:
        """Unit of the values: that of the variable, ms, or that of a charge if the variable is a current."""
        if self.measure in (*TIMES, DURATION):
            return "ms"
        return integral_unit(self.variable_unit) if self.measure == "integral" else self.variable_unit

    @property
    def column(self) -> str:
        """Its column in features."""
        return column_name(self.name, self.unit)

    @property
    def error_column(self) -> str:
        """The column of its error among the evidence for a solver."""
        return column_name(f"{self.name}_error", self.unit)

    @property
    def share(self) -> float:
        """The largest error that a tolerance leaves, as a share of the size of what it is of; a time is not judged."""
        return 1.0 if self.measure in TIMES else SHARE

    @property
    def definition(self) -> str:
        """What it is, in words."""
        what = self.variable if self.description == self.variable else f"{self.variable} ({self.description})"
        window = f"from {self.start * self.ms:g} to {self.stop * self.ms:g} ms"
        if self.of_beats:
            window = "in the beat" + (", from its onset" if self.measure in TIMES else "")
        if self.measure == DURATION:
            window += (
                f", from its largest slope to the first fall after its maximum through the value at the onset + "
                f"{100 - self.level:g} % of (maximum - that)"
            )
        null = "where it does not fall so far in the beat or the neuron failed" if self.measure == DURATION else FAILED
        return f"{MEASURES[self.measure]} of {what} {window}; null {null}"


def integral_unit(unit: str) -> str:
    """The unit of an integral over milliseconds: of a current it is that of a charge.

    >>> integral_unit("uA/cm^2"), integral_unit("nA"), integral_unit("mM"), integral_unit("1")
    ('nC/cm^2', 'pC', 'mM*ms', 'ms')
    """
    if found := re.fullmatch(r"([munpk]?)A(/.+)?", unit):
        return f"{LESS[found[1]]}C{found[2] or ''}"
    return "ms" if unit == "1" else f"{unit}*ms"


def observers_of(outputs: Sequence[Output]) -> tuple[Outputs | Transients, ...]:
    """What notes all of them while a kernel runs: in the windows that the edges of all make, and in beats."""
    found = zip((_windows_of, _beats_of, _transients_of), _sorted(outputs), strict=True)
    return tuple(observer(own) for observer, own in found if own)


def _sorted(outputs: Sequence[Output]) -> tuple[list[Output], list[Output], list[Output]]:
    """Those with a window of time, those of beats, and durations in beats."""
    beats = [o for o in outputs if o.of_beats]
    durations = [o for o in beats if o.measure == DURATION]
    return [o for o in outputs if not o.of_beats], [o for o in beats if o.measure != DURATION], durations


def _names(outputs: Sequence[Output]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(output.variable for output in outputs))


def _windows_of(outputs: Sequence[Output]) -> Measures:
    edges = sorted({edge for output in outputs for edge in (output.start, output.stop)})
    return Measures(_names(outputs), edges[0], edges[-1], cuts=tuple(edges[1:-1]))


def _beats_of(outputs: Sequence[Output]) -> BeatMeasures:
    return BeatMeasures(_names(outputs), segments=True)


def _transients_of(outputs: Sequence[Output]) -> Transients:
    return Transients(tuple(o.variable for o in outputs), tuple((100 - o.level) / 100 for o in outputs))


def output_definitions(outputs: Sequence[Output]) -> dict[str, tuple[str, str]]:
    """Unit and definition of each column of features."""
    last = {True: OF_LAST, False: ""}
    return {output.column: (output.unit, f"{last[output.of_beats]}{output.definition}") for output in outputs}


def beat_output_definitions(outputs: Sequence[Output]) -> dict[str, tuple[str, str]]:
    """Unit and definition of each column of beats."""
    return {output.column: (output.unit, output.definition) for output in outputs if output.of_beats}


def output_columns(outputs: Sequence[Output], result: Result) -> dict[str, np.ndarray]:
    """The values of n neurons by column, float64 (n,); NaN where a neuron failed. Of beats it is `last_beat`."""
    of_beats = beat_output_columns(outputs, result)
    rows = last_rows(result.beat_columns) if of_beats else []
    found = {output.column: _measure(output, noted) for output, noted in _noted(outputs, result)}
    found |= {column: values[rows] for column, values in of_beats.items()}
    return {o.column: np.where(result.failed, np.nan, found[o.column]) for o in outputs}


def beat_output_columns(outputs: Sequence[Output], result: Result) -> dict[str, np.ndarray]:
    """The values of b beats of all neurons by column, float64 (b,), of outputs of beats; NaN where a neuron failed."""
    failed = np.repeat(result.failed, np.diff(result.beat_offsets))
    noted = _noted_of_beats(outputs, result)
    return {output.column: np.where(failed, np.nan, _measure(output, own)) for output, own in noted}


def output_errors(outputs: Sequence[Output], run: Result, exact: Result) -> dict[str, Errors]:
    """The errors by error column, and the size of what they are of.

    That of an integral is the largest one, that of a time the window, since a small error may move it from one extreme
    to another that is as high; else it is the swing of the variable from its lowest to its highest value. Of beats it
    is the largest error of all beats.
    """
    neurons = np.arange(len(exact.status))
    owners = np.repeat(neurons, np.diff(exact.beat_offsets))
    found = {}
    for noted, owner in ((_noted, neurons), (_noted_of_beats, owners)):
        good = ~(run.failed | exact.failed)[owner]
        for (output, ours), (_, theirs) in zip(noted(outputs, run), noted(outputs, exact), strict=True):
            values, error = _measure(output, theirs), np.full(len(neurons), np.nan)
            np.fmax.at(error, owner[good], np.abs(_measure(output, ours) - values)[good])
            found[output.error_column] = error, _size(output, values[good], {k: v[good] for k, v in theirs.items()})
    return {output.error_column: found[output.error_column] for output in outputs}


def _noted(outputs: Sequence[Output], result: Result) -> list[tuple[Output, Noted]]:
    """Each output that is not of beats, with what was noted of its variable in the windows that make its own."""
    outputs = _sorted(outputs)[0]
    if not outputs:
        return []
    observer = _windows_of(outputs)
    shape = len(result.status), len(observer.edges) - 1, len(observer.names), len(OUTPUT)
    table = dict(zip(OUTPUT, np.moveaxis(result.record["measures"].values.reshape(shape), 3, 0), strict=True))

    def own(output: Output) -> Noted:
        windows = slice(*(observer.edges.index(edge) for edge in (output.start, output.stop)))
        return {name: column[:, windows, observer.names.index(output.variable)] for name, column in table.items()}

    return [(output, own(output)) for output in outputs]


def _noted_of_beats(outputs: Sequence[Output], result: Result) -> list[tuple[Output, Noted]]:
    """Each output of beats, with what was noted of its variable in all b of them: float64 (b, 1), one window each."""
    _, beats, durations = _sorted(outputs)
    found, names = [], _names(beats)
    if beats:
        table = result.record["beat_measures"].values.reshape(-1, len(names), len(OUTPUT))
        columns = np.moveaxis(table, 2, 0)[..., None]
        found += [(o, dict(zip(OUTPUT, columns[:, :, names.index(o.variable)], strict=True))) for o in beats]
    if durations:
        table = result.record["transients"].values.reshape(-1, len(durations))
        found += [(o, {DURATION: table[:, [i]]}) for i, o in enumerate(durations)]
    return found


def _measure(output: Output, noted: Noted) -> np.ndarray:
    """The values of an output in its unit, float64 (n,)."""
    measure = output.measure
    if measure == DURATION:
        return noted[DURATION][:, 0] * output.ms
    if measure in TIMES:
        sign = 1.0 if measure == "max_time" else -1.0
        extremes = np.nan_to_num(sign * noted[measure.removesuffix("_time")], nan=-np.inf)
        onset = noted["begin"][:, 0] if output.of_beats else 0.0
        return (noted[measure][np.arange(len(extremes)), extremes.argmax(axis=1)] - onset) * output.ms
    if measure in ("integral", "mean"):
        integral = noted["integral"].sum(axis=1)
        return integral * output.ms if measure == "integral" else integral / _length(output, noted)
    return {
        "max": lambda: noted["max"].max(axis=1),
        "min": lambda: noted["min"].min(axis=1),
        "swing": lambda: noted["max"].max(axis=1) - noted["min"].min(axis=1),
        "first": lambda: noted["first"][:, 0],
        "last": lambda: noted["last"][:, -1],
    }[measure]()


def _length(output: Output, noted: Noted) -> np.ndarray | float:
    """How long the windows are, in the model's unit: float64 (n,) or ()."""
    return (noted["end"] - noted["begin"])[:, 0] if output.of_beats else output.stop - output.start


def _size(output: Output, values: np.ndarray, noted: Noted) -> float:
    """What the errors of neurons that did not fail are compared with: see `output_errors`."""
    if output.measure == DURATION:
        return float(np.nanmax(values, initial=0.0))
    length = float(np.max(_length(output, noted), initial=0.0)) * output.ms
    if output.measure in TIMES or not len(values):
        return length
    high, low = float(noted["max"].max()), float(noted["min"].min())
    least = ROUNDING * max(abs(high), abs(low))
    if output.measure == "integral":
        return max(float(np.abs(values).max()), least * length)
    return max(high - low, least)
