"""Simulate the trace points and keep their time courses."""

from pathlib import Path

from hhcore.base.errors import one_message
from hhcore.certify.certificate import resolved
from hhcore.config.experiment import read_experiments
from hhcore.protocols.results import write_traces

with one_message(Path(snakemake.log[0])):
    numerics = Path(snakemake.input.numerics)
    experiment = resolved(read_experiments(snakemake.config)[snakemake.wildcards.experiment], numerics)
    write_traces(experiment, numerics, Path(snakemake.output[0]))
