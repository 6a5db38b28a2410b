"""Write the page of all papers."""

from pathlib import Path

from hhcore.base.errors import one_message
from hhcore.papers.page import write_papers
from hhcore.papers.paper import Paper

with one_message(Path(snakemake.log[0])):
    page, papers = Path(snakemake.output[0]), [Paper(Path(folder)) for folder in snakemake.params.folders]
    write_papers(papers, page.parent, page, snakemake.params.recipe)
