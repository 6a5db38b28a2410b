"""Draw the figures of some analyses of an experiment."""

from pathlib import Path

from hhcore.base.errors import one_message
from hhcore.config.reader import read_experiment
from hhcore.results.draw import draw

with one_message(Path(snakemake.log[0])):
    experiment = read_experiment(snakemake.config, snakemake.wildcards.experiment)
    folder = Path(snakemake.input[0]).parent
    draw(experiment, snakemake.params.names, folder, snakemake.params.recipes, snakemake.threads)
