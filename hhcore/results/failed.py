"""Failed neurons as an error, for `failed_neurons: fail`."""

from pathlib import Path

from hhcore.base.errors import UserError
from hhcore.base.tables import read
from hhcore.base.words import counted


def check_none_failed(experiment: str, failures: Path, kept: bool = True) -> None:
    """Raise UserError if failures.parquet of an experiment, given by its name, has a row.

    kept : whether the file outlives the error
    """
    if failed := read(failures).num_rows:
        advice = f"{failures} says when and in which state. All results are complete"
        if not kept:
            advice = "give `results`, a folder where failures.parquet will say when and in which state"
        raise UserError(
            f"experiments.{experiment}: {counted(failed, 'neuron')} failed, and the config says "
            f"`failed_neurons: fail`; {advice}"
        )
