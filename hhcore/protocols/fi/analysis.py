"""F-I curves of steps, the features of each curve, and the figures of the grid."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from hhcore.base import tables
from hhcore.base.units import column_name
from hhcore.experiments.analysis import Analysis, FigureFile, RowBlock, Rows, TableFile
from hhcore.experiments.answers import Answer, Results
from hhcore.experiments.experiment import Experiment
from hhcore.protocols.fi import curves as fi
from hhcore.simulation.features import first_intervals


class FI(Analysis):
    """fi_curves.parquet and fi_summary.parquet; four figures of a grid, one of a sampled design."""

    name = "fi"
    order = 20
    counted = 0  # curves in the blocks so far

    @classmethod
    def applies(cls, experiment: Experiment) -> bool:
        """It applies to steps; with a sampled design, only if the amplitude is an axis."""
        has_spikes = "spikes" in experiment.protocol.schema.names and experiment.stimulus.kind == "step"
        return has_spikes and (experiment.sample is None or experiment.has_amplitude_axis)

    @property
    def tables(self) -> tuple[TableFile, ...]:
        e = self.experiment
        curves = e.n_points // (len(e.factors[-1].values) if e.has_amplitude_axis else 1)
        return (
            TableFile("fi_curves", e.n_points, "F-I curves", self.caption("fi_curves_table")),
            TableFile("fi_summary", curves, "F-I summary, one row per curve", self.caption("fi_summary")),
        )

    @property
    def figures(self) -> tuple[FigureFile, ...]:
        if self.experiment.sample is not None:
            return (FigureFile("fi_curves", "F-I curves", self.caption("sampled_curves")),)
        labels = {
            "fi_curves": "F-I curves",
            "spike_count_map": "Spike count",
            "rheobase_map": "Rheobase",
            "oscillation_range": "Range of the potential",
        }
        return tuple(FigureFile(name, label, self.caption(name)) for name, label in labels.items())

    @property
    def drawn(self) -> dict[str, Rows]:
        """Spike counts and ranges of the potential come from features."""
        names = ("fi_curves",) if self.experiment.sample is not None else ("features", "fi_curves", "fi_summary")
        return dict.fromkeys(names, "grid")

    @property
    def alignment(self) -> int:
        """No curve crosses a multiple of this number."""
        e = self.experiment
        if not any("amplitude" in factor.names for factor in e.factors):
            return 1
        last = e.factors[-1]
        return len(last.values) if last.names == ("amplitude",) else e.n_points

    def block(self, block: RowBlock) -> dict[str, pa.Table]:
        e = self.experiment
        amplitude = block.axes.get(e.column("amplitude"), np.full(len(block.rows), e.defaults["amplitude"]))
        others = {name: column for name, column in block.axes.items() if name != e.column("amplitude")}
        curves = fi.curves(amplitude, list(others.values()))
        steady = self._steady_rate(block)
        parts = {
            "fi_curves": self._curves(block, curves, steady, amplitude, others),
            "fi_summary": self._summary(block, curves, steady, amplitude, others),
        }
        self.counted += len(curves.first)
        return parts

    def _steady_rate(self, block: RowBlock) -> np.ndarray:
        e, ms = self.experiment, block.result.ms
        window = e.analysis_window[0] * ms, e.analysis_window[1] * ms
        start, stop = (block.axes.get(e.column(name), e.defaults[name]) * ms for name in ("start", "stop"))
        return fi.steady_rate(block.columns, window, start, stop)

    def _curves(
        self, block: RowBlock, curves: fi.Curves, steady: np.ndarray, amplitude: np.ndarray, others: dict
    ) -> pa.Table:
        e, result = self.experiment, block.result
        first_interval = first_intervals(result.spike_times * result.ms, result.offsets)
        table = fi.curve_table(curves, block.columns, steady, first_interval)
        rows = table.pop("row")
        columns = {
            "curve": self.counted + table.pop("curve"),
            **{name: column[rows] for name, column in others.items()},
        }
        columns |= {e.column("amplitude"): amplitude[rows], **table}
        fields = e.axis_fields | {e.column("amplitude"): (e.unit("amplitude"), "stimulus amplitude")}
        return tables.table(columns, fields | fi.CURVE_DEFINITIONS)

    def _summary(
        self, block: RowBlock, curves: fi.Curves, steady: np.ndarray, amplitude: np.ndarray, others: dict
    ) -> pa.Table:
        e = self.experiment
        table = fi.summary_table(curves, amplitude, block.columns, steady, self.suffix)
        columns = {"curve": self.counted + table.pop("curve")}
        columns |= {name: column[curves.first] for name, column in others.items()} | table
        return tables.table(columns, e.axis_fields | self.summary_definitions)

    @property
    def suffix(self) -> str:
        """The unit of amplitudes, as the names of columns have it."""
        return column_name("", self.experiment.unit("amplitude")).removeprefix("_")

    @property
    def summary_definitions(self) -> dict[str, tuple[str, str]]:
        """Unit and definition of the columns of fi_summary, without the axes."""
        return fi.summary_definitions(self.experiment.unit("amplitude"), self.suffix)

    def answers(self, results: Results) -> Iterable[Answer]:
        """Where firing begins, if amplitudes are swept, and how fast it becomes."""
        if "amplitude" in self.experiment.swept:
            names = {"Rheobase": "rheobase", "Onset of repetitive firing": "onset_amplitude"}
            for label, name in names.items():
                column = f"{name}_{self.suffix}".removesuffix("_")
                yield from results.span(label, "fi_summary", column, "F-I curve")
        yield from results.largest("Largest steady rate", "fi_summary", "max_rate_Hz")

    @classmethod
    def code(cls) -> tuple[Path | str, ...]:
        """Current clamp defines what an oscillation is."""
        return (*super().code(), "protocols/current_clamp/oscillation.py")

    @classmethod
    def figure_code(cls) -> tuple[Path | str, ...]:
        return (*super().figure_code(), "protocols/current_clamp/oscillation.py")

    def draw(self, tables: Mapping[str, object], context: object) -> dict[str, object]:
        from hhcore.protocols.fi import figures

        if self.experiment.sample is not None:
            return {"fi_curves": figures.sampled_curves(tables["fi_curves"], context)}
        return {
            "fi_curves": figures.fi_curves(tables["fi_curves"], context),
            "spike_count_map": figures.spike_count_map(tables["features"], context),
            "rheobase_map": figures.rheobase_map(tables["fi_summary"], context),
            "oscillation_range": figures.oscillation_range(tables["features"], context),
        }
