"""Simulate the trace points and keep their time courses."""

from pathlib import Path

from hhcore.certificate import resolved
from hhcore.experiment import read_experiments
from hhcore.results import write_traces

numerics = Path(snakemake.input.numerics)
experiment = resolved(read_experiments(snakemake.config)[snakemake.wildcards.experiment], numerics)
write_traces(experiment, numerics, Path(snakemake.output[0]))
