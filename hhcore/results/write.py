"""Write the tables of an experiment in one pass over all neurons of the grid."""

from collections.abc import Iterator
from contextlib import ExitStack
from math import lcm
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hhcore.base import tables
from hhcore.base.files import atomic_write
from hhcore.base.seals import seal
from hhcore.certify.certificate import provenance, sampled
from hhcore.experiments.analysis import Analysis, RowBlock, analyses
from hhcore.experiments.experiment import Experiment
from hhcore.results.summary import Totals, summary
from hhcore.simulation.result import Result
from hhcore.sweep.gather import gather, prefetched, row_blocks


def write_tables(experiment: Experiment, shards: list[Path], numerics: Path, folder: Path, recipe: str = "") -> None:
    """Write the tables made from neurons, as Parquet, and summary.html into `folder`.

    The pass goes a row block at a time; the files appear when all are complete.

    shards   : all shard files of the experiment
    numerics : numerics.parquet, whose certificate goes into every table
    recipe   : see hhcore.results.recipes; none outside a workflow
    """
    metadata = provenance(experiment, numerics, recipe)
    makers = [analysis for analysis in analyses(experiment) if analysis.source == "neurons"]
    totals = Totals()
    with ExitStack() as stack:
        writers: dict[str, pq.ParquetWriter] = {}
        for parts in prefetched(_blocks(experiment, makers, shards, numerics, totals)):
            for name, part in parts.items():
                if name not in writers:
                    writer = tables.writer(folder / f"{name}.parquet", part.schema, metadata)
                    writers[name] = stack.enter_context(writer)
                writers[name].write_table(part, tables.ROW_GROUP)
    facts = [fact for analysis in makers for fact in analysis.facts()]
    with atomic_write(folder / "summary.html") as temporary:
        temporary.write_text(summary(experiment, totals, facts, metadata), encoding="utf-8")
        seal(temporary)


def _blocks(
    e: Experiment, makers: list[Analysis], shards: list[Path], numerics: Path, totals: Totals
) -> Iterator[dict[str, pa.Table]]:
    """The parts of all tables from each row block, by name; counted in `totals`."""
    blocks = row_blocks(e, lcm(*(analysis.alignment for analysis in makers)))
    for rows, result in zip(blocks, gather(e, shards, blocks), strict=True):
        result = _with_sampled_errors(result, rows, e, numerics)
        block = RowBlock(rows, e.coordinates(rows), result, e.protocol.columns(result))
        parts = {name: table for analysis in makers for name, table in analysis.block(block).items()}
        totals.add(result, e, parts)
        yield parts


def _with_sampled_errors(result: Result, rows: range, experiment: Experiment, numerics: Path) -> Result:
    """Add the errors and fragile outcomes of the sample, unless every neuron was certified."""
    if experiment.certify == "all":
        return result
    accuracy = experiment.protocol.accuracy
    neurons, error, fragile = sampled(numerics, accuracy)
    errors, marks = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    in_block = (rows.start <= neurons) & (neurons < rows.stop)
    index = neurons[in_block] - rows.start
    errors[index] = error[in_block] / (accuracy.factor * accuracy.scale(experiment.model))
    marks[index] = fragile[in_block]
    return result.adding(error=errors, fragile=marks)
