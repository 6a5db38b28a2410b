"""Measure the error of solvers on a sample of the grid; choose one if the config has a tolerance."""

from pathlib import Path

from hhcore.base.errors import one_message
from hhcore.base.watch import JobLog
from hhcore.certify.step import make_numerics
from hhcore.config.reader import read_experiment

log = Path(snakemake.log[0])
with one_message(log):
    experiment = read_experiment(snakemake.config, snakemake.wildcards.experiment)
    watch = JobLog(f"{experiment.name}, solvers on a sample", log)
    make_numerics(experiment, Path(snakemake.output.numerics), snakemake.params.recipe, snakemake.threads, watch)
