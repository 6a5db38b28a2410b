"""The page of all papers, results/papers/report.html: the page of each is a section of it."""

import re
from collections.abc import Iterable
from pathlib import Path

from markupsafe import Markup

from hhcore.base import tables
from hhcore.papers.page import content
from hhcore.papers.paper import Paper
from hhcore.report.page import Page, Section, write_page


def write_papers(papers: Iterable[Paper], folder: Path, file: Path, recipe: str = "") -> None:
    """Write the page of papers that were made in `folder`. Raises UserError if a table of numbers is damaged."""
    write_page(Page("Papers", [_section(paper, folder / paper.name) for paper in papers]), file, recipe)


def _section(paper: Paper, folder: Path) -> Section:
    rows = tables.read(folder / "numbers.parquet").to_pydict()
    body = "\n".join(content(paper, rows, folder))
    return Section(paper.name, paper.title, Markup(_HEADING.sub(lambda tag: f"{tag[1]}{int(tag[2]) + 1}>", body)))


_HEADING = re.compile(r"(</?h)([1-5])>")  # those of a section are a level lower than those of a page
