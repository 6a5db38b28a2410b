"""Draw the Sobol indices of an experiment."""

from pathlib import Path

from hhcore.base.errors import one_message
from hhcore.config.experiment import read_experiments
from hhcore.protocols.sensitivity.indices import draw_sobol_indices

with one_message(Path(snakemake.log[0])):
    experiment = read_experiments(snakemake.config)[snakemake.wildcards.experiment]
    draw_sobol_indices(experiment, Path(snakemake.input[0]).parent)
