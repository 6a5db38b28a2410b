"""Write the tables of an analysis that has a rule of its own."""

from pathlib import Path

from hhcore.base.errors import one_message
from hhcore.certify.certificate import resolved
from hhcore.config.reader import read_experiments
from hhcore.results.late import write_late

with one_message(Path(snakemake.log[0])):
    numerics = Path(snakemake.input.numerics)
    experiment = resolved(read_experiments(snakemake.config)[snakemake.wildcards.experiment], numerics)
    write_late(experiment, snakemake.params.name, numerics, snakemake.params.recipe)
