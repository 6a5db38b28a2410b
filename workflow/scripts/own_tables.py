"""Make the tables that an analysis does not make of neurons in the pass over all of them."""

from pathlib import Path

from hhcore.base.errors import one_message
from hhcore.certify.certificate import resolved
from hhcore.config.reader import read_experiments
from hhcore.experiments.analysis import analyses

with one_message(Path(snakemake.log[0])):
    numerics = Path(snakemake.input.numerics)
    experiment = resolved(read_experiments(snakemake.config)[snakemake.wildcards.experiment], numerics)
    (analysis,) = (found for found in analyses(experiment) if found.name == snakemake.params.name)
    analysis.write(numerics, numerics.parent)
