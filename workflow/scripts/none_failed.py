"""Fail if a neuron failed, for `failed_neurons: fail` in the config."""

from pathlib import Path

from hhcore.base.errors import UserError, one_message
from hhcore.base.tables import read

with one_message(Path(snakemake.log[0])):
    failed = read(Path(snakemake.input.failures)).num_rows
    if failed:
        raise UserError(
            f"experiments.{snakemake.wildcards.experiment}: {failed:,} neurons failed, and the config says "
            f"`failed_neurons: fail`; {snakemake.input.failures} says when and in which state. All results are complete"
        )
