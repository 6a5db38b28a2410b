"""Make a paper again: the tables of its experiments, its numbers beside ours, its figures, its page."""

from pathlib import Path

from hhcore.base.errors import one_message
from hhcore.base.watch import JobLog
from hhcore.papers.make import make_paper
from hhcore.papers.paper import Paper

log = Path(snakemake.log[0])
with one_message(log):
    paper = Paper(Path(snakemake.params.folder))
    make_paper(paper, Path(snakemake.output[0]).parent, snakemake.threads, JobLog(f"paper {paper.name}", log))
