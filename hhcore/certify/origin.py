"""What binds a table to its experiment, and the check before it is read."""

from pathlib import Path

from hhcore.base import tables
from hhcore.base.errors import UserError
from hhcore.experiments.experiment import Experiment
from hhcore.sweep.hashing import config_digest


def origin(experiment: Experiment) -> dict[str, str]:
    """Metadata of every table of an experiment: its name, and the digest of what its config asks for."""
    return {"experiment": experiment.name, "config_digest": config_digest(experiment)}


def check_origin(experiment: Experiment, path: Path) -> dict[str, str]:
    """The metadata of a table.

    Raises UserError if the file is damaged, or was not made for this experiment as it is now.
    """
    metadata = tables.metadata(path)
    for key, wanted in (origin(experiment) | {"table": path.stem}).items():
        if metadata.get(key) != wanted:
            raise UserError(
                f"{path} is of another experiment or config: its {key} is {metadata.get(key)}, not {wanted}; "
                "delete it and run the experiment again"
            )
    return metadata
