"""Strength and duration as a table, and as figures: thresholds against the width, and their charge."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow as pa

from hhcore.base import tables
from hhcore.experiments.analysis import Analysis, FigureFile, RowBlock, Rows, TableFile
from hhcore.experiments.answers import Answer, Results
from hhcore.experiments.experiment import Experiment
from hhcore.protocols.restitution import runs
from hhcore.protocols.strength_duration.tables import curve_columns, curve_definitions


class Curves(Analysis):
    """strength_duration.parquet and its figures."""

    name = "strength_duration"
    order = 22
    implied = True

    @classmethod
    def applies(cls, experiment: Experiment) -> bool:
        return experiment.protocol.kind == "strength_duration"

    @property
    def tables(self) -> tuple[TableFile, ...]:
        e = self.experiment
        rows, label = e.n_points * len(e.protocol.widths), "Strength and duration, one row per width"
        return (TableFile("strength_duration", rows, label, self.caption("strength_duration_table")),)

    @property
    def figures(self) -> tuple[FigureFile, ...]:
        return (
            FigureFile("strength_duration", "Strength and duration", self.caption("strength_duration")),
            FigureFile("charge_duration", "Charge and duration", self.caption("charge_duration")),
        )

    @property
    def drawn(self) -> dict[str, Rows]:
        return {"features": "grid", "strength_duration": "neurons"}

    def block(self, block: RowBlock) -> dict[str, pa.Table]:
        protocol = self.experiment.protocol
        columns = curve_columns(protocol, block.result)
        columns["neuron"] += block.rows.start
        return {"strength_duration": tables.table(columns, curve_definitions(protocol.unit))}

    def answers(self, results: Results) -> Iterable[Answer]:
        from hhcore.protocols.strength_duration.answers import answers

        return answers(results, self.experiment.protocol)

    @classmethod
    def code(cls) -> tuple[Path, ...]:
        """Lists in the store are those of runs."""
        return *super().code(), Path(runs.__file__)

    def draw(self, tables: Mapping[str, object], context: object) -> dict[str, object]:
        from hhcore.protocols.strength_duration import figures

        drawn = {"strength_duration": figures.strength_duration, "charge_duration": figures.charge_duration}
        own = tables["features"], tables["strength_duration"], context, self.experiment.protocol
        return {name: draw(*own) for name, draw in drawn.items()}
