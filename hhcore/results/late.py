"""Write the tables of an analysis that come after the pass over all neurons."""

from pathlib import Path

from hhcore.certify.certificate import provenance
from hhcore.certify.origin import check_origin
from hhcore.experiments.analysis import analyses
from hhcore.experiments.experiment import Experiment


def write_late(experiment: Experiment, name: str, numerics: Path, recipe: str = "") -> None:
    """Write the tables of the analysis `name` beside numerics.parquet, from the tables there or from the model.

    recipe : see hhcore.results.recipes; none outside a workflow

    Raises UserError if a table that it reads is damaged or was made for another experiment or config.
    """
    (analysis,) = (one for one in analyses(experiment) if one.name == name)
    for table in analysis.reads:
        check_origin(experiment, numerics.with_name(f"{table}.parquet"))
    analysis.write(numerics.parent, provenance(experiment, numerics, recipe))
