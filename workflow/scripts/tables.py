"""Write tables of an experiment: those from the pass over all neurons, with the summary page, and late ones."""

from pathlib import Path

from hhcore.base.errors import one_message
from hhcore.certify.certificate import resolved
from hhcore.config.reader import read_experiment
from hhcore.results.late import write_late
from hhcore.results.write import write_tables

with one_message(Path(snakemake.log[0])):
    numerics, recipes = Path(snakemake.input.numerics), snakemake.params.recipes
    experiment = resolved(read_experiment(snakemake.config, snakemake.wildcards.experiment), numerics)
    if "summary.html" in recipes:
        shards = [Path(shard) for shard in snakemake.input.shards]
        write_tables(experiment, shards, numerics, numerics.parent, recipes["summary.html"])
    for name, table in snakemake.params.late.items():
        write_late(experiment, name, numerics.parent, recipes[f"{table}.parquet"])
