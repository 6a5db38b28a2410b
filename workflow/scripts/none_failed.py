"""Fail if a neuron failed, for `failed_neurons: fail` in the config."""

from pathlib import Path

from hhcore.base.errors import one_message
from hhcore.results.failed import check_none_failed

with one_message(Path(snakemake.log[0])):
    check_none_failed(snakemake.wildcards.experiment, Path(snakemake.input.failures))
