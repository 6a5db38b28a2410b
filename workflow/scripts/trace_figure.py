"""Draw the traces of an experiment."""

from pathlib import Path

from hhcore.errors import one_message
from hhcore.experiment import read_experiments
from hhcore.results import draw_traces

with one_message(Path(snakemake.log[0])):
    experiment = read_experiments(snakemake.config)[snakemake.wildcards.experiment]
    draw_traces(experiment, Path(snakemake.input[0]).parent)
