"""Draw the Sobol indices of an experiment."""

from pathlib import Path

from hhcore.errors import one_message
from hhcore.experiment import read_experiments
from hhcore.sensitivity import draw_sobol_indices

with one_message(Path(snakemake.log[0])):
    experiment = read_experiments(snakemake.config)[snakemake.wildcards.experiment]
    draw_sobol_indices(experiment, Path(snakemake.input[0]).parent)
