"""Write the tables made from neurons, and the summary page, from the shards."""

from pathlib import Path

from hhcore.base.errors import one_message
from hhcore.certify.certificate import resolved
from hhcore.config.reader import read_experiments
from hhcore.results.write import write_tables

with one_message(Path(snakemake.log[0])):
    numerics = Path(snakemake.input.numerics)
    experiment = resolved(read_experiments(snakemake.config)[snakemake.wildcards.experiment], numerics)
    shards = [Path(shard) for shard in snakemake.input.shards]
    write_tables(experiment, shards, numerics, Path(snakemake.output.features).parent, snakemake.params.recipe)
