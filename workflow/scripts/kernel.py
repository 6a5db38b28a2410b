"""Compile a kernel, keep its text for the reader, and measure its speed for the estimates."""

import shutil

from hhcore.compile.module import kernel_name, load_kernel
from hhcore.experiment import read_experiments
from hhcore.sweep import measure_speed

experiments = read_experiments(snakemake.config).values()
experiment = next(e for e in experiments if kernel_name(e.model, e.solver.method) == snakemake.wildcards.kernel)
kernel = load_kernel(experiment.model, experiment.solver.method)
speed = measure_speed(experiment)
shutil.copyfile(kernel.__file__, snakemake.output[0])
with open(snakemake.log[0], "w") as log:
    print(f"{speed:.3g} neuron-steps per second on one core", file=log)
