"""Hysteresis as a table of levels, and as figures: firing rate up and down, and both edges."""

from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa

from hhcore.base import tables
from hhcore.base.units import column_name
from hhcore.experiments.analysis import Analysis, FigureFile, RowBlock, Rows, TableFile
from hhcore.experiments.answers import Answer, Results
from hhcore.experiments.experiment import Experiment
from hhcore.protocols.hysteresis.definitions import BISTABILITY, level_definitions


class UpAndDown(Analysis):
    """hysteresis.parquet, the curves up and down, and the edges against the axes."""

    name = "hysteresis"
    order = 23
    implied = True

    @classmethod
    def applies(cls, experiment: Experiment) -> bool:
        return experiment.protocol.kind == "hysteresis"

    @property
    def tables(self) -> tuple[TableFile, ...]:
        rows = self.experiment.n_points * len(self.experiment.protocol.levels)
        return (TableFile("hysteresis", rows, "Hysteresis, one row per level", self.caption("hysteresis_table")),)

    @property
    def figures(self) -> tuple[FigureFile, ...]:
        """Of a few neurons."""
        return (FigureFile("hysteresis", "Firing rate up and down", self.caption("hysteresis")),)

    @property
    def drawn(self) -> dict[str, Rows]:
        return {"features": "grid", "hysteresis": "neurons"}

    @property
    def fields(self) -> dict[str, tuple[str, str]]:
        """Unit and definition of each column of the table."""
        return level_definitions(self.experiment.protocol.unit)

    def block(self, block: RowBlock) -> dict[str, pa.Table]:
        protocol, result, n = self.experiment.protocol, block.result, len(block.rows)
        count = len(protocol.levels)
        of = {name: protocol.of_levels(result, name).ravel() for name in ("rate", "spikes", "peak", "trough", "fires")}
        failed = np.isnan(of["peak"])
        columns = [
            np.repeat(np.arange(block.rows.start, block.rows.stop, dtype=np.int32), count),
            np.tile(np.arange(count, dtype=np.int32), n),
            np.tile(np.repeat(np.array(["up", "down"], dtype=object), count // 2), n),
            np.tile(protocol.levels, n),
            of["rate"] * 1000 / result.ms,
            np.ma.masked_array(of["spikes"].astype(np.int64), failed),
            of["peak"] * result.mV,
            of["trough"] * result.mV,
            np.ma.masked_array(of["fires"] == 1, failed),
        ]
        return {"hysteresis": tables.table(dict(zip(self.fields, columns, strict=True)), self.fields)}

    def answers(self, results: Results) -> Iterable[Answer]:
        """Both edges and what lies between them, and how many neurons are otherwise."""
        unit = self.experiment.protocol.unit
        for name, label in (("firing_from", "Fires on from"), ("rest_until", "Rests up to")):
            yield from results.span(label, "features", column_name(name, unit))
        words, counts = np.unique(results.column("features", "bistability").astype(str), return_counts=True)
        for word, count in zip(words.tolist(), counts.tolist(), strict=True):
            yield Answer(f"{count:,} of {counts.sum():,} neurons", BISTABILITY[word], "features", "bistability")

    def draw(self, tables: Mapping[str, object], context: object) -> dict[str, object]:
        from hhcore.protocols.hysteresis.figures import hysteresis

        drawn = hysteresis(tables["features"], tables["hysteresis"], self.experiment.protocol.unit, context)
        return {"hysteresis": drawn}


class BistableRange(Analysis):
    """Both edges against an axis."""

    name = "bistable_range"
    order = 24
    source = None

    @classmethod
    def applies(cls, experiment: Experiment) -> bool:
        return UpAndDown.applies(experiment) and experiment.sample is None and len(experiment.factors) > 0

    @property
    def figures(self) -> tuple[FigureFile, ...]:
        """One."""
        return (FigureFile("bistable_range", "Where rest and firing end", self.caption("bistable_range")),)

    @property
    def drawn(self) -> dict[str, Rows]:
        return {"features": "grid"}

    def draw(self, tables: Mapping[str, object], context: object) -> dict[str, object]:
        from hhcore.protocols.hysteresis.figures import bistable_range

        return {"bistable_range": bistable_range(tables["features"], self.experiment.protocol.unit, context)}


class BistableMap(Analysis):
    """What lies between both edges, over two axes."""

    name = "bistable_map"
    order = 25
    source = None

    @classmethod
    def applies(cls, experiment: Experiment) -> bool:
        axes = [factor for factor in experiment.factors if not factor.scattered]
        return UpAndDown.applies(experiment) and experiment.sample is None and len(axes) > 1

    @property
    def figures(self) -> tuple[FigureFile, ...]:
        """One."""
        return (FigureFile("bistable_map", "Map of the bistable range", self.caption("bistable_map")),)

    @property
    def drawn(self) -> dict[str, Rows]:
        return {"features": "grid"}

    def draw(self, tables: Mapping[str, object], context: object) -> dict[str, object]:
        from hhcore.protocols.hysteresis.figures import bistable_map

        return {"bistable_map": bistable_map(tables["features"], self.experiment.protocol.unit, context)}
