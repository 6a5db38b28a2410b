"""Write the tables of a late analysis: made of other tables, or of neurons that it simulates by itself."""

from pathlib import Path

from hhcore.certify.certificate import provenance
from hhcore.certify.origin import check_origin
from hhcore.experiments.analysis import analyses
from hhcore.experiments.experiment import Experiment


def write_late(experiment: Experiment, name: str, folder: Path, recipe: str = "") -> None:
    """Write the tables of one of the late analyses into `folder`, which has those that it reads, and numerics.

    Raises UserError if a table that it reads is damaged or was made for another experiment or config.
    """
    (analysis,) = (one for one in analyses(experiment) if one.name == name)
    for table in analysis.reads:
        check_origin(experiment, folder / f"{table}.parquet")
    analysis.write(folder, provenance(experiment, folder / "numerics.parquet", recipe))
