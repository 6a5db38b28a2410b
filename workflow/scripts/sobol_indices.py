"""Sobol indices of every feature of an experiment, from its tables."""

from pathlib import Path

from hhcore.base.errors import one_message
from hhcore.certify.certificate import resolved
from hhcore.config.experiment import read_experiments
from hhcore.protocols.sensitivity.indices import write_sobol_indices

with one_message(Path(snakemake.log[0])):
    numerics = Path(snakemake.input[0])
    experiment = resolved(read_experiments(snakemake.config)[snakemake.wildcards.experiment], numerics)
    write_sobol_indices(experiment, numerics, Path(snakemake.output[0]).parent)
