"""Compile a kernel, keep its text for the reader, and measure its speed for the estimates."""

import shutil
from pathlib import Path

from hhcore.base.errors import one_message
from hhcore.compile.module import kernel_name
from hhcore.config.experiment import read_experiments, solvers_needed
from hhcore.simulation.engine import engine, kernel_parts
from hhcore.sweep.plan import measure_speed

with one_message(Path(snakemake.log[0])):
    experiments = read_experiments(snakemake.config).values()
    needed = ((e.model, method, e.stimulus) for e in experiments for method in solvers_needed(e))
    named = ((kernel_name(model, method, *kernel_parts(kind)), model, method, kind) for model, method, kind in needed)
    _, *parts = next(each for each in named if each[0] == snakemake.wildcards.kernel)
    kernel = engine(*parts).kernel
    speed = measure_speed(*parts)
    shutil.copyfile(kernel.path, snakemake.output[0])
    with open(snakemake.log[0], "w") as log:
        print(f"{speed:.3g} neuron-steps per second on one core", file=log)
