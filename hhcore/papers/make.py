"""Make a paper again: the tables of its experiments, its numbers beside ours, its figures, and a page of all."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hhcore.base import tables
from hhcore.base.errors import UserError, closest
from hhcore.base.watch import Watch
from hhcore.figures.save import save
from hhcore.interface.outcome import Run
from hhcore.interface.run import run
from hhcore.papers.measured import AGREES, Measured, verdict
from hhcore.papers.page import section
from hhcore.papers.paper import KINDS, Paper
from hhcore.report.page import Page, write_page

FIELDS = {
    "name": ("1", "of the stated number"),
    "kind": ("1", f"who states it. {'; '.join(f'{word}: {meaning}' for word, meaning in KINDS.items())}"),
    "quantity": ("1", "what it is"),
    "unit": ("1", "of stated, ours, error and within"),
    "stated": ("1", "the stated number"),
    "ours": ("1", "our number, null if it is not computed"),
    "error": ("1", "how far off ours may be, by two schemes or the certificate of its table; 0 for a formula"),
    "within": (
        "1",
        "largest difference that agrees: half of the last digit that is stated, or the error of what made it",
    ),
    "verdict": ("1", "agrees, differs, not resolved (the error of ours is larger than what is allowed), not computed"),
    "reason": ("1", "why ours is another, or why there is none"),
    "place": ("1", "where the number is stated"),
}


def make_paper(paper: Paper, folder: Path, threads: int = 1, watch: Watch | None = None) -> None:
    """Write numbers.parquet, the figures and page.html of a paper into `folder`, and the tables of its experiments.

    Raises UserError for what is wrong in the folder of the paper, and as the experiments do.
    """
    watch = watch or Watch()
    watch.step("experiments")
    made = run(paper.config, results=folder, threads=threads, progress=False)
    watch.step("numbers")
    ours = paper.code("numbers").numbers(made)
    rows = compared(paper, ours)
    counted = sum(word == AGREES for word in rows["verdict"])
    watch.write(f"{counted} of {len(rows['verdict'])} numbers agree")
    content = tables.table({name: np.array(column) for name, column in rows.items()}, FIELDS)
    tables.write(folder / "numbers.parquet", content, tables.versions() | {"paper": paper.name, "recipe": paper.recipe})
    watch.step("figures")
    draw(paper, made, folder)
    write_page(Page(paper.title, [section(paper, rows, folder)]), folder / "page.html", paper.recipe)


def compared(paper: Paper, ours: Mapping[str, Measured]) -> dict[str, list]:
    """The columns of numbers.parquet: the stated numbers, each beside ours."""
    names = [number.name for number in paper.stated]
    for name in ours:
        if name not in names:
            raise UserError(f"{paper.folder / 'numbers.py'}: {name!r} is not stated; {closest(name, names)}")
    rows: dict[str, list] = {name: [] for name in FIELDS}
    for number in paper.stated:
        found = ours.get(number.name)
        word = verdict(number, found)
        row = (number.name, number.kind, number.quantity, number.unit, number.value)
        row += (np.nan, np.nan) if found is None else (found.value, found.error)
        reason = (found.reason if found else "") or number.reason
        row += (number.within, word, "" if word == AGREES else reason, number.place)
        for column, value in zip(rows.values(), row, strict=True):
            column.append(value)
    return rows


def draw(paper: Paper, made: Run, folder: Path) -> None:
    """Draw the figures of a paper into `folder`, each as SVG and PNG."""
    code = paper.code("figures")
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    for name, figure in paper.figures.items():
        drawn = getattr(code, figure.function)(made, *filter(None, [figure.part]))
        save(drawn, folder / "figures" / name, paper.recipe)
