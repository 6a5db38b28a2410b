"""Write the tables of an analysis that has a rule of its own."""

from pathlib import Path

from hhcore.base.errors import one_message
from hhcore.certify.certificate import provenance, resolved
from hhcore.certify.origin import check_origin
from hhcore.config.reader import read_experiments
from hhcore.experiments.analysis import analyses

with one_message(Path(snakemake.log[0])):
    numerics = Path(snakemake.input.numerics)
    experiment = resolved(read_experiments(snakemake.config)[snakemake.wildcards.experiment], numerics)
    (analysis,) = (one for one in analyses(experiment) if one.name == snakemake.params.name)
    for name in analysis.reads:
        check_origin(experiment, numerics.with_name(f"{name}.parquet"))
    analysis.write(numerics.parent, provenance(experiment, numerics, snakemake.params.recipe))
