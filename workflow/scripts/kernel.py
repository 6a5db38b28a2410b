"""Compile a kernel, keep its text for the reader, and measure its speed for the estimates."""

import shutil
from pathlib import Path

from hhcore.base.errors import one_message
from hhcore.compile.module import kernel_name, load_kernel
from hhcore.config.reader import read_experiments
from hhcore.experiments.experiment import solvers_needed
from hhcore.sweep.speed import measure_speed

with one_message(Path(snakemake.log[0])):
    needed = ((e.model, method) for e in read_experiments(snakemake.config).values() for method in solvers_needed(e))
    model, method = next(pair for pair in needed if kernel_name(*pair) == snakemake.wildcards.kernel)
    kernel = load_kernel(model, method)
    speed = measure_speed(model, method)
    shutil.copyfile(kernel.path, snakemake.output[0])
    with open(snakemake.log[0], "w") as log:
        print(f"{speed:.3g} neuron-steps per second on one core", file=log)
