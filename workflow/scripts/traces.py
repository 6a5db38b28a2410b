"""Simulate the trace points, every step kept."""

from pathlib import Path

from hhcore.experiment import read_experiments
from hhcore.results import write_traces

write_traces(read_experiments(snakemake.config)[snakemake.wildcards.experiment], Path(snakemake.output[0]))
