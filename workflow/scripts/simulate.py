"""Simulate the points that a shard lacks."""

from pathlib import Path

from hhcore.base.errors import one_message
from hhcore.base.progress import Progress
from hhcore.certify.certificate import resolved
from hhcore.config.reader import read_experiment
from hhcore.sweep.store import update_shard

with one_message(Path(snakemake.log[0])):
    name, shard = snakemake.wildcards.experiment, snakemake.wildcards.shard
    experiment = read_experiment(snakemake.config, name)
    for numerics in snakemake.input.numerics:
        experiment = resolved(experiment, Path(numerics))
    progress = Progress(f"{name}, shard {shard}", Path(snakemake.log[0]))
    update_shard(
        experiment,
        shard,
        Path(snakemake.output[0]),
        threads=snakemake.threads,
        progress=progress,
        note=progress.write_log,
        remark=progress.write,
    )
