"""Failed neurons as an error, for `failed_neurons: fail`."""

from pathlib import Path

from hhcore.base.errors import UserError
from hhcore.base.tables import read


def check_none_failed(experiment: str, failures: Path) -> None:
    """Raise UserError if failures.parquet of an experiment, given by its name, has a row."""
    if failed := read(failures).num_rows:
        raise UserError(
            f"experiments.{experiment}: {failed:,} neurons failed, and the config says `failed_neurons: fail`; "
            f"{failures} says when and in which state. All results are complete"
        )
