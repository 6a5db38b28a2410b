"""Time constants: exponentials fitted to the course of a current in a segment, as of tail currents."""

from collections.abc import Iterable, Mapping
from typing import ClassVar

import numpy as np
import pyarrow as pa

from hhcore.base import tables
from hhcore.base.units import column_name
from hhcore.experiments.analysis import Analysis, FigureFile, RowBlock, Rows, TableFile
from hhcore.experiments.answers import Answer, Results
from hhcore.experiments.experiment import Experiment
from hhcore.protocols.voltage_clamp.curves import FIT_S, Fields, potential_axis
from hhcore.protocols.voltage_clamp.fits import FIT_STATUS, Exponentials, exponentials, rise
from hhcore.protocols.voltage_clamp.protocol import VoltageClamp, potential_of
from hhcore.simulation.observers import COURSE

FALLS = 0.1  # of its rise: a course that falls by less has risen, and that is all


def decay_fields(current: str, unit: str) -> Fields:
    """Unit and definition of the columns of a fit to the course of a current."""
    return {
        "neuron": ("1", "row of the neuron in features.parquet, from 0"),
        "segment": ("1", "segment of the clamp"),
        "potential_mV": ("mV", "potential at its start"),
        column_name("first_current", unit): (unit, f"{current} at the start of the segment, after the jump"),
        column_name("last_current", unit): (unit, f"{current} at its end"),
        "phase": (
            "1",
            "decay: fitted from the peak to the end of the segment; rise: from its start, where the current falls by "
            "less than a tenth of what it has risen by; in the segment of activation, to its power",
        ),
        "tau_ms": ("ms", "time constant, of two that with the larger amplitude"),
        "tau_error_ms": ("ms", "its standard error"),
        column_name("amplitude", unit): (unit, "its amplitude where the fit begins"),
        "tau_second_ms": ("ms", "the other one of two; null where one exponential is enough"),
        "tau_second_error_ms": ("ms", "its standard error"),
        column_name("amplitude_second", unit): (unit, "its amplitude where the fit begins"),
        column_name("end_current", unit): (unit, "what the fitted course tends to"),
        "fit_status": ("1", FIT_STATUS),
    }


class Decays(Analysis):
    """NAME.parquet, a row for each neuron and segment, and a figure."""

    order = 30
    source = "neurons"
    tails: ClassVar[bool] = False  # whether the figure has the currents at the start too

    def __init__(self, experiment: Experiment):
        super().__init__(experiment)
        self.protocol: VoltageClamp = experiment.protocol

    @classmethod
    def applies(cls, experiment: Experiment) -> bool:
        return isinstance(experiment.protocol, VoltageClamp) and bool(getattr(experiment.protocol, cls.name))

    @property
    def segments(self) -> tuple[str, ...]:
        """Those that the config names for it."""
        return getattr(self.protocol, self.name)

    def along(self, segment: str) -> str:
        """The column of what is varied: the potential of the segment, or else what current-voltage curves go along."""
        e, own = self.experiment, potential_of(self.experiment.stimulus, segment)
        return e.column(own if own in e.swept else potential_axis(e))

    @property
    def tables(self) -> tuple[TableFile, ...]:
        rows = self.experiment.n_points * len(self.segments)
        return (TableFile(self.name, rows, self.title, self.caption(f"{self.name}_table")),)

    @property
    def figures(self) -> tuple[FigureFile, ...]:
        return (FigureFile(self.name, self.title, self.caption(self.name)),)

    @property
    def drawn(self) -> dict[str, Rows]:
        return {self.name: "grid"}

    @property
    def fields(self) -> Fields:
        """Unit and definition of the columns, without the axes."""
        return decay_fields(self.protocol.current, self.protocol.unit)

    @property
    def block_s(self) -> float:
        return FIT_S * self.experiment.n_points * len(self.segments)

    def block(self, block: RowBlock) -> dict[str, pa.Table]:
        parts = [self._rows(block, segment) for segment in self.segments]
        names = list(self.fields)
        columns = {name: np.concatenate([part[name] for part in parts]) for name in names}
        axes = {name: np.tile(values, len(parts)) for name, values in block.axes.items()}
        order = np.argsort(columns["neuron"], kind="stable")
        merged = {"neuron": columns.pop("neuron"), **axes, **columns}
        sorted_columns = {name: values[order] for name, values in merged.items()}
        return {self.name: tables.table(sorted_columns, self.experiment.axis_fields | self.fields)}

    def _rows(self, block: RowBlock, segment: str) -> dict[str, np.ndarray]:
        """The columns of one segment, (n,) each."""
        e, p, at = self.experiment, self.protocol, self.protocol.index(segment)
        recorded = p.recorded(block.result)
        times = recorded.lengths[:, at, None] * COURSE
        course = p.courses(block.result)[:, at, p.followed.index(p.current)]
        first, last = (recorded(output, at, p.current) for output in ("first", "last"))
        peak, when = recorded.peak(at, p.current)
        ends, peaks = zip(first, last, strict=True), zip(peak, when, strict=True)
        power = p.power if segment in p.activation else 1.0
        fits = [_fit(*one, power) for one in zip(times, course, ends, peaks, strict=True)]
        numbers = np.array([_numbers(fit) for fit, _ in fits])
        numbers[:, [0, 1, 3, 4]] *= e.model.ms
        columns = [
            np.arange(block.rows.start, block.rows.stop, dtype=np.int32),
            np.full(len(peak), segment, dtype=object),
            recorded("first", at, e.model.potential) * e.model.mV,
            first,
            last,
            np.array([phase for _, phase in fits], dtype=object),
            *numbers.T,
            np.array([fit.status for fit, _ in fits], dtype=object),
        ]
        return dict(zip(self.fields, columns, strict=True))

    def answers(self, results: Results) -> Iterable[Answer]:
        """The range of the time constants."""
        return results.span(self.title, self.name, "tau_ms", "course")

    def draw(self, tables: Mapping[str, object], context: object) -> dict[str, object]:
        from hhcore.protocols.voltage_clamp import figures

        return {self.name: figures.decays(tables[self.name], context, self)}


class TimeConstants(Decays):
    """time_constants.parquet."""

    name = "time_constants"
    title = "Time constants"


class Deactivation(Decays):
    """deactivation.parquet: tail currents."""

    name = "deactivation"
    title = "Deactivation"
    tails = True


def _fit(
    t: np.ndarray, course: np.ndarray, ends: tuple[float, float], peak: tuple[float, float], power: float = 1.0
) -> tuple[Exponentials, str]:
    """The fit of one course, float64 (k,), and which phase that is.

    ends, peak : first and last current; the peak, and its time
    power      : of a rise
    """
    (first, last), (highest, time) = ends, peak
    if not np.isfinite([first, last, highest]).all():
        return Exponentials("few"), ""
    falls = abs(highest - last) > FALLS * abs(highest - first)
    if falls:
        later = t >= time
        return exponentials(t[later] - time, course[later]), "decay"
    return (exponentials(t, course) if power == 1.0 else rise(t, course, power)), "rise"


def _numbers(fit: Exponentials) -> list[float]:
    """The columns of numbers, NaN where there is none."""
    lists = zip(fit.tau, fit.tau_errors, fit.amplitude, strict=True)
    numbers = [number for one in lists for number in one]
    return [*numbers, *[np.nan] * (6 - len(numbers)), fit.end]
