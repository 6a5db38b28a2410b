"""Draw the figures of an experiment from its tables."""

from pathlib import Path

from hhcore.base.errors import one_message
from hhcore.config.experiment import read_experiments
from hhcore.protocols.results import draw_grid

with one_message(Path(snakemake.log[0])):
    experiment = read_experiments(snakemake.config)[snakemake.wildcards.experiment]
    draw_grid(experiment, Path(snakemake.input.features).parent)
