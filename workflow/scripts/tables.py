"""Put the shards together: features, spikes, F-I curves and what was run."""

from pathlib import Path

from hhcore.experiment import read_experiments
from hhcore.results import write_tables

experiment = read_experiments(snakemake.config)[snakemake.wildcards.experiment]
write_tables(experiment, [Path(p) for p in snakemake.input], Path(snakemake.output.features).parent)
