"""Write the page of all experiments."""

from pathlib import Path

from hhcore.base.errors import one_message
from hhcore.config.reader import read_experiments
from hhcore.report.page import write_report

with one_message(Path(snakemake.log[0])):
    page = Path(snakemake.output[0])
    write_report(read_experiments(snakemake.config), page.parent, page, snakemake.params.recipe)
