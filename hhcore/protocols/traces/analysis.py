"""Time courses of the neurons that a config asks for, as a table and a figure."""

from collections.abc import Mapping
from math import ceil
from pathlib import Path

from hhcore.experiments.analysis import Analysis, FigureFile, TableFile
from hhcore.experiments.experiment import Experiment
from hhcore.simulation.simulate import TRACE_INTERVAL_MS


class Traces(Analysis):
    """traces.parquet and its figures."""

    name = "traces"
    order = 40
    source = "model"

    @classmethod
    def applies(cls, experiment: Experiment) -> bool:
        return bool(experiment.traces)

    @property
    def tables(self) -> tuple[TableFile, ...]:
        e, ms = self.experiment, self.experiment.model.ms
        step = TRACE_INTERVAL_MS if e.solver is None or e.solver.scheme.adaptive else e.solver.accuracy * ms
        rows = ceil(len(e.traces) * e.duration * ms / step)
        return (TableFile("traces", rows, "Traces", self.caption("traces_table")),)

    @property
    def figures(self) -> tuple[FigureFile, ...]:
        beat = [FigureFile("last_beat", "Last beat of the traces", self.caption("last_beat"))] if self._drawn else []
        return (FigureFile("traces", "Example traces", self.caption("traces")), *beat)

    @property
    def _drawn(self) -> tuple[str, ...]:
        """What is drawn of the last beat, besides the potential."""
        return getattr(self.experiment.protocol, "drawn", ())

    @property
    def settings(self) -> str:
        return str(self.experiment.traces)

    def write(self, folder: Path, metadata: Mapping[str, str]) -> None:
        from hhcore.protocols.traces.table import write_traces

        write_traces(self.experiment, metadata, folder / "traces.parquet")

    def draw(self, tables: Mapping[str, object], context: object) -> dict[str, object]:
        from hhcore.protocols.traces import figures

        found = {"traces": figures.trace_panel(tables["traces"], context)}
        return found | ({"last_beat": figures.last_beat(tables["traces"], self._drawn, context)} if self._drawn else {})
