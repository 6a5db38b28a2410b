"""Make all results of a small experiment that are not there, or not current."""

from pathlib import Path

from hhcore.base.errors import one_message
from hhcore.base.watch import JobLog
from hhcore.config.reader import read_experiment
from hhcore.results.steps import make_figures, make_tables

log = Path(snakemake.log[0])
with one_message(log):
    experiment = read_experiment(snakemake.config, snakemake.wildcards.experiment)
    folder, watch = Path(snakemake.output.numerics).parent, JobLog(experiment.name, log)
    experiment, _ = make_tables(experiment, folder, snakemake.threads, watch)
    make_figures(experiment, folder, snakemake.threads, watch)
