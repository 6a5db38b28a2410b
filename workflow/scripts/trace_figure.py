"""Draw the traces of an experiment."""

from pathlib import Path

from hhcore.base.errors import one_message
from hhcore.config.experiment import read_experiments
from hhcore.protocols.results import draw_traces

with one_message(Path(snakemake.log[0])):
    experiment = read_experiments(snakemake.config)[snakemake.wildcards.experiment]
    draw_traces(experiment, Path(snakemake.input[0]).parent)
