"""Compile a kernel, copy its text to the results, and measure its speed for the estimates."""

import shutil
from pathlib import Path

from hhcore.base.errors import one_message
from hhcore.config.reader import read_experiments
from hhcore.experiments.experiment import solvers_needed
from hhcore.sweep.speed import measure_speed

with one_message(Path(snakemake.log[0])):
    pairs = ((e, method) for e in read_experiments(snakemake.config).values() for method in solvers_needed(e))
    experiment, method = next(pair for pair in pairs if pair[0].kernel_name(pair[1]) == snakemake.wildcards.kernel)
    kernel = experiment.engine(method).kernel
    speed = measure_speed(experiment, method)
    shutil.copyfile(kernel.path, snakemake.output[0])
    with open(snakemake.log[0], "w") as log:
        print(f"{speed:.3g} neuron-steps per second on one core", file=log)
