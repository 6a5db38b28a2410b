"""What a figure needs of its experiment besides the tables: axes, columns of a trace, and how to write them."""

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import pyarrow as pa

from hhcore.base.hashing import mix64
from hhcore.base.units import ZERO_CELSIUS_K, column_name, pretty_unit
from hhcore.experiments.experiment import Experiment
from hhcore.figures.limits import MAX_COLOURS, MAX_FACETS, MAX_POINTS, MAX_VALUES
from hhcore.figures.titles import after_number, authors, trace_titles
from hhcore.model.model import Quantity


def with_unit(text: str, unit: str) -> str:
    """A label: `Firing rate (Hz)`, or the text alone if the unit is `1`."""
    return text if unit == "1" else f"{text} ({pretty_unit(unit)})"


def column_label(column: str, unit: str) -> str:
    """What a column is, in words: `Onset amplitude (µA/cm²)` for onset_amplitude_uA_cm2."""
    words = column.removesuffix(column_name("", unit)).partition("_Hz_per_")[0].split("_")
    written = " ".join(word.upper() if re.fullmatch(r"apd\d+|ap|ahp|isi|cv", word) else word for word in words)
    return with_unit(written[:1].upper() + written[1:], unit)


def balanced(text: str, width: int) -> str:
    """A text in as few lines as fit the width, about equally long: no word stands alone."""
    lines = textwrap.wrap(text, width)
    for narrower in range(width - 1, 0, -1):
        shorter = textwrap.wrap(text, narrower, break_long_words=False)
        if len(shorter) > len(lines) or max(map(len, shorter), default=0) > narrower:
            break
        lines = shorter
    return "\n".join(lines)


@dataclass(frozen=True, eq=False)
class Variable:
    """A column of a table, and how to write it.

    column      : its name in the table
    name        : qualified name (`sodium.g`)
    description : words before the name in a label, up to the first comma, semicolon or bracket
    values      : float64 (n,) [unit], for an axis of the grid
    left_out    : number of further values of the axis, which no figure shows
    zero        : what was subtracted from values and column; adding it gives both back, to the last bit
                  (from 137 to 546 K)
    own         : the value that the model file has, of a swept parameter
    spelled     : whether the description stands for the name, and a label needs no name beside it
    """

    column: str
    name: str
    unit: str
    description: str = ""
    values: np.ndarray = field(default_factory=lambda: np.empty(0))
    left_out: int = 0
    zero: float = 0.0
    own: float | None = None
    spelled: bool = False

    @property
    def words(self) -> str:
        """The description, up to the first comma, semicolon or bracket."""
        return re.split(r"[,;(]", self.description)[0].strip()

    @property
    def label(self) -> str:
        """`Maximal sodium conductance sodium.g (mS/cm²)`, broken into lines that fit a panel."""
        if self.spelled:
            return balanced(with_unit(self.words, self.unit), 36)
        name = with_unit(self.name, self.unit).replace(" ", "\N{NO-BREAK SPACE}")  # name and unit on one line
        return balanced(f"{self.words} {name}".strip(), 36).replace("\N{NO-BREAK SPACE}", " ")

    @property
    def in_celsius(self) -> "Variable":
        """A temperature in kelvin as one in degrees Celsius."""
        own = None if self.own is None else self.own - ZERO_CELSIUS_K
        return replace(self, unit="degC", values=self.values - ZERO_CELSIUS_K, zero=ZERO_CELSIUS_K, own=own)

    @property
    def is_logarithmic(self) -> bool:
        """Whether the values are evenly spaced on a logarithmic scale, over a decade or more."""
        values = np.sort(self.values)
        if values.size < 3 or values[0] <= 0 or values[-1] < 10 * values[0]:
            return False
        steps = np.diff(np.log(values))
        return bool(np.allclose(steps, steps[0], rtol=1e-6))

    @property
    def middle(self) -> float:
        """The middle of the sorted values, the upper one of two."""
        return float(np.sort(self.values)[self.values.size // 2])

    def spread(self, most: int) -> np.ndarray:
        """At most `most` of the sorted values, with both ends and the value nearest the model's own.

        Evenly spaced if that leaves more than `most` / 2.
        """
        values, last = np.sort(self.values), self.values.size - 1
        if last < most:
            return values
        even = [count for count in range(most, most // 2, -1) if count > 1 and last % (count - 1) == 0]
        choices = [np.linspace(0, last, count).round().astype(int) for count in [*even, most]]
        if self.own is None:
            return values[choices[0]]
        nearest = int(np.abs(values - self.own).argmin())
        for chosen in choices[: len(even)]:
            if nearest in chosen:
                return values[chosen]
        chosen = choices[0]
        if nearest not in chosen and chosen.size > 2:
            chosen[1:-1][np.abs(chosen[1:-1] - nearest).argmin()] = nearest
        return values[chosen]

    def is_own(self, value: float) -> bool:
        """Whether a value is the model's own."""
        return self.own is not None and bool(np.isclose(value, self.own, rtol=1e-9, atol=0.0))

    @property
    def nearest(self) -> float | None:
        """The value nearest the model's own."""
        return None if self.own is None else float(self.values[np.abs(self.values - self.own).argmin()])

    def few(self, most: int) -> list[str]:
        """A note `11 of 21 values of sodium.g`, if `spread` leaves some out."""
        return some_of(self.spread(most).size, self.values.size + self.left_out, f"values of {self.name}")

    @property
    def thinned(self) -> "Variable":
        """Itself, with at most MAX_VALUES of its values."""
        if self.values.size <= MAX_VALUES:
            return self
        values = self.spread(MAX_VALUES)
        return replace(self, values=values, left_out=self.values.size - values.size)

    def at(self, value: float) -> str:
        """`sodium.g = 120 mS/cm²`"""
        return f"{self.name} = {value:.6g}{after_number(self.unit)}"

    def marked(self, value: float, text: str) -> str:
        """The text of a value, with a mark if it is the model's own, or the nearest to it."""
        if value != self.nearest:
            return text
        return f"{text} (model)" if self.is_own(value) else f"{text} (near model)"


@dataclass(frozen=True, eq=False)
class FigureContext:
    """What all figures of one experiment share.

    title     : first line above every figure
    stimulus  : the injected current, or the command of a clamp: its column in the traces
    potential : the membrane potential, and so gates and currents: their columns in the traces
    axes      : the axes of the grid, each with its values
    sampled   : the sampled quantities, each with its values
    along     : column of the axis that curves are drawn against, such as the amplitude of a step, or None
    curves    : columns of all axes that curves of a figure are drawn against
    neurons   : number of neurons
    duration  : of the run, with its unit
    clamped   : whether the stimulus is the command of a voltage clamp, and so a potential
    paced     : whether pulses of the stimulus begin beats
    combine   : "product" or "zip", as in the config
    certify   : "sample" or "all", as in the config: the neurons whose error was estimated
    threshold : potential that counts as a spike [unit of the potential]; mV : millivolts in that unit
    tolerance : largest error that the config allows [unit of `error`], or None
    headline  : the feature that matters most, as a column of features
    error     : the error by which solvers are chosen, as a column of tables; `missing` : why a neuron has none;
                `nothing` : a sentence for the case that no neuron has one
    outcome   : the number that must not depend on the solver
    traces    : a title for each trace
    """

    title: str
    stimulus: Variable
    potential: Variable
    gates: tuple[Variable, ...] = ()
    currents: tuple[Variable, ...] = ()
    axes: tuple[Variable, ...] = ()
    sampled: tuple[Variable, ...] = ()
    along: str | None = None
    curves: tuple[str, ...] = ()
    neurons: int = 0
    duration: str = "the run"
    clamped: bool = False
    paced: bool = False
    combine: str = "product"
    certify: str = "sample"
    threshold: float = 0.0
    mV: float = 1.0
    tolerance: float | None = None
    headline: Variable = Variable("", "", "1")
    error: Variable = Variable("", "", "1")
    missing: str = ""
    nothing: str = ""
    outcome: str = ""
    traces: tuple[str, ...] = ()

    @property
    def others(self) -> list[Variable]:
        """The axes of two or more values, without the one that curves are drawn against."""
        return [axis for axis in self.axes if axis.values.size > 1 and axis.column != self.along]

    @property
    def free(self) -> list[Variable]:
        """The axes of two or more values, the one that curves are drawn against first."""
        return [a for a in self.axes if a.values.size > 1 and a.column == self.along] + self.others

    @property
    def zipped(self) -> bool:
        """Whether several axes vary together, so that the points lie on a line, not on a grid."""
        return self.combine == "zip" and len(self.free) > 1

    @property
    def scattered(self) -> "FigureContext":
        """The context of a map of a sampled design, which shows every point of it; itself without a design."""
        return replace(self, axes=(*self.sampled, *self.axes), along=None) if self.sampled else self

    def shows(self, rows: pa.RecordBatch) -> np.ndarray:
        """Which rows of a table of the grid a figure may show, bool (n,).

        A map shows two axes whole and facets of a third; a family of curves one axis, colours and facets; further axes
        are held at their middle values. Of a sampled design or of zipped axes, figures show about MAX_POINTS points,
        chosen by a hash, so that all tables show the same. Tested neurons are all shown; if every neuron was tested,
        about MAX_POINTS of them and all fragile ones.
        """
        axes = [axis for axis in self.axes if axis.column in rows.schema.names]
        if self.sampled:
            shown = _chosen(rows, self.sampled, self.points)
            for axis, value in self.middle(axes):
                if self.zipped or axis.column not in self.curves:
                    shown &= rows[axis.column].to_numpy() == value
        elif self.zipped:
            shown = _chosen(rows, axes, self.points)
        else:
            of_map, of_family = np.zeros(len(rows), int), np.zeros(len(rows), int)
            for axis in axes:
                values, facets = rows[axis.column].to_numpy(), np.append(axis.spread(MAX_FACETS), axis.middle)
                of_map += ~np.isin(values, facets)
                of_family += ~np.isin(values, np.append(axis.spread(MAX_COLOURS), facets))
            shown = (of_map <= 2) | (of_family <= 1)
        for axis in axes:
            if axis.left_out:
                shown &= np.isin(rows[axis.column].to_numpy(), axis.values)
        return shown | self._tested(rows) if "fragile" in rows.schema.names else shown

    @property
    def points(self) -> int:
        """Number of points of the sampled design, or else of neurons."""
        return self.sampled[0].values.size if self.sampled else self.neurons

    def tested(self, table: pd.DataFrame) -> pd.DataFrame:
        """The rows of tested neurons in features; if every neuron was tested, about MAX_POINTS and all fragile ones."""
        columns = ["fragile", *(variable.column for variable in (*self.sampled, *self.axes))]
        return table[self._tested(pa.RecordBatch.from_pandas(table[columns], preserve_index=False))]

    def _tested(self, rows: pa.RecordBatch) -> np.ndarray:
        known = rows["fragile"].is_valid().to_numpy(zero_copy_only=False)
        fragile = rows["fragile"].fill_null(False).to_numpy(zero_copy_only=False)
        chosen = _chosen(rows, [*self.sampled, *self.axes], self.neurons if self.certify == "all" else 0)
        return known & (chosen | fragile)

    def middle(self, axes: Sequence[Variable]) -> list[tuple[Variable, float]]:
        """Each of the axes with its middle value; zipped axes with the values of the middle point."""
        return [(axis, float(axis.values[axis.values.size // 2]) if self.zipped else axis.middle) for axis in axes]

    def hold(
        self, table: pd.DataFrame, shown: Sequence[Variable | None], whole: int = 1
    ) -> tuple[pd.DataFrame, list[str]]:
        """The rows in which every axis but the `shown` ones has its middle value; notes on that and on thinned axes.

        whole : this many of the shown axes, the first ones, are drawn with all their values, the others with a few
        """
        held = [axis for axis in self.axes if axis not in shown and axis.column in table and not self.zipped]
        for axis in held:
            table = table[table[axis.column] == axis.middle]
        words = (axis.at(axis.middle).replace(" ", "\N{NO-BREAK SPACE}") for axis in held)
        notes = [f"at {', '.join(words)}"] if held else []
        for i, axis in enumerate(shown):
            if axis and axis.left_out:
                table = table[table[axis.column].isin(axis.values)]  # a tested neuron may lie between them
                total = axis.values.size + axis.left_out
                notes += some_of(axis.values.size, total, f"values of {axis.name}") if i < whole else []
        return table, notes


def figure_context(experiment: Experiment) -> FigureContext:
    """The context of an experiment's figures."""
    e, model, accuracy = experiment, experiment.model, experiment.protocol.accuracy
    sample = {} if e.sample is None else dict(zip(e.sample.names, e.sample.points.T, strict=True))
    axes = [quantity(e, axis.name, axis.values) for axis in e.axes]
    zipped = e.combine == "zip" and sum(axis.values.size > 1 for axis in e.axes) > 1
    swept = [axis.name for axis in e.axes]
    along = tuple(e.column(name) for name in e.protocol.along(e) if name in swept)
    return FigureContext(
        title=f"{e.name}: {authors(model)}",
        stimulus=Variable(column_name("stimulus", e.driven.unit), "stimulus", e.driven.unit, "Stimulus"),
        potential=_variable(model.states[model.potential]),
        gates=tuple(_variable(q) for name, q in model.states.items() if name != model.potential),
        currents=tuple(_variable(q) for q in model.currents.values()),
        axes=tuple(axis if zipped else axis.thinned for axis in axes),
        sampled=tuple(quantity(e, name, values) for name, values in sample.items()),
        along=along[0] if along else None,
        curves=along,
        neurons=e.n_points,
        duration=f"{e.duration:g}{after_number(model.time_unit)}",
        clamped=e.clamped,
        paced=bool(e.stimulus.beat),
        combine=e.combine,
        certify=e.certify,
        threshold=e.threshold,
        mV=model.mV,
        tolerance=None if e.tolerance is None else e.tolerance * accuracy.factor,
        headline=Variable(*e.protocol.headline),
        error=Variable(accuracy.column, accuracy.label, accuracy.unit),
        missing=accuracy.missing,
        nothing=accuracy.nothing,
        outcome=accuracy.outcome.replace("_", " "),
        traces=trace_titles(e),
    )


def in_celsius(
    experiment: Experiment, context: FigureContext, frames: Mapping[str, pd.DataFrame]
) -> tuple[FigureContext, dict[str, pd.DataFrame]]:
    """Context and tables with the temperatures that the config writes so in degrees Celsius, under the same names."""
    columns = [experiment.column(name) for name in experiment.celsius]

    def converted(variables: tuple[Variable, ...]) -> tuple[Variable, ...]:
        return tuple(variable.in_celsius if variable.column in columns else variable for variable in variables)

    tables = {
        name: frame.assign(**{column: frame[column] - ZERO_CELSIUS_K for column in columns if column in frame})
        for name, frame in frames.items()
    }
    return replace(context, axes=converted(context.axes), sampled=converted(context.sampled)), tables


def _variable(q: Quantity) -> Variable:
    return Variable(column_name(q.name, q.unit), q.name, q.unit, q.description)


def quantity(e: Experiment, name: str, values: Sequence[float] | np.ndarray = ()) -> Variable:
    """A quantity that may be swept, with its values."""
    own = e.model.parameters[name].value if name in e.model.parameters else None
    part = e.stimulus.fields.get(name)
    spelled = part.spelled if part else name in (treatment.amount.name for treatment in e.treatments)
    known = {"values": np.array(values, float), "own": own, "spelled": spelled}
    return Variable(e.column(name), name, e.unit(name), e.description(name), **known)


def some_of(count: int, total: int, what: str) -> list[str]:
    """A note `20,013 of 1,000,000 neurons`, or no note if nothing is left out."""
    return [f"{count:,} of {total:,} {what}"] if count < total else []


def _chosen(rows: pa.RecordBatch, columns: Sequence[Variable], total: int) -> np.ndarray:
    """Which rows to show, bool (n,): all, or about MAX_POINTS of `total`, chosen by a hash of the columns."""
    if total <= MAX_POINTS:
        return np.ones(len(rows), bool)
    hashed = np.zeros(len(rows), np.uint64)
    for column in columns:
        if column.column in rows.schema.names:
            hashed = mix64(hashed ^ (rows[column.column].to_numpy() + column.zero).view(np.uint64))
    return hashed < np.uint64(MAX_POINTS / total * 2.0**64)


def numbers(table: pd.DataFrame, column: str) -> np.ndarray:
    """A column as float64 (n,), NaN for null and for what is not finite."""
    values = table[column].to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
    values[~np.isfinite(values)] = np.nan
    return values


def select(table: pd.DataFrame, axis: Variable | None, value: float | None) -> pd.DataFrame:
    """The rows at one value of an axis; all rows without an axis."""
    return table if axis is None else table[table[axis.column] == value]


def texts(values: np.ndarray) -> list[str]:
    """The values in six digits, or as many as keep them apart."""
    for digits in range(6, 18):
        written = [f"{value:.{digits}g}" for value in values]
        if len(set(written)) == len(values):
            break
    return written
