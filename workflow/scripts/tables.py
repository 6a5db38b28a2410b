"""Write tables of an experiment: those from the pass over all neurons, with the summary page, or late ones."""

from pathlib import Path

from hhcore.base.errors import one_message
from hhcore.certify.certificate import resolved
from hhcore.config.reader import read_experiment
from hhcore.results.late import write_late
from hhcore.results.write import write_tables

with one_message(Path(snakemake.log[0])):
    numerics, (recipe, *_) = Path(snakemake.input.numerics), snakemake.params.recipes.values()
    experiment = resolved(read_experiment(snakemake.config, snakemake.wildcards.experiment), numerics)
    if snakemake.input.shards:
        write_tables(experiment, [Path(shard) for shard in snakemake.input.shards], numerics, numerics.parent, recipe)
    for name in snakemake.params.late:
        write_late(experiment, name, numerics.parent, recipe)
