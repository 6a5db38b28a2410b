"""Measure the error of solvers on a sample of the grid; choose one if the config has a tolerance."""

import shutil
from pathlib import Path

from hhcore.base.errors import one_message
from hhcore.base.progress import Progress
from hhcore.certify.calibration import calibrate
from hhcore.certify.certificate import uncertainty, write_numerics
from hhcore.config.reader import read_experiment
from hhcore.sweep.held import changed_choice

with one_message(Path(snakemake.log[0])):
    experiment = read_experiment(snakemake.config, snakemake.wildcards.experiment)
    progress = Progress(f"{experiment.name}, solvers on a sample", Path(snakemake.log[0]))
    evidence = calibrate(experiment, threads=snakemake.threads, progress=progress.tried)
    numerics = Path(snakemake.output.numerics)
    for remark in filter(None, [uncertainty(evidence), changed_choice(experiment, evidence.chosen, numerics.parent)]):
        progress.write(remark)
    write_numerics(experiment, evidence, numerics, snakemake.params.recipe)
    shutil.copyfile(experiment.engine(evidence.chosen.method).kernel.path, snakemake.output.kernel)
