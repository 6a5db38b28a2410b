"""The page of a paper, and that of all: what it is, its numbers beside ours, its figures. It needs no other file."""

import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from pathlib import Path

import numpy as np
from markupsafe import Markup

from hhcore.base import tables
from hhcore.base.units import pretty_unit
from hhcore.figures.files import width
from hhcore.papers.measured import AGREES
from hhcore.papers.paper import Paper
from hhcore.report.page import Page, Section, write_page
from hhcore.report.story import image

HEADS = {
    "published": ("Stated by the paper, or by a public code of it", "Published"),
    "reference": ("Computed by others from its equations", "Reference"),
}
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


def write_papers(papers: Iterable[Paper], folder: Path, file: Path, recipe: str = "") -> None:
    """Write one page of papers that were made in `folder`. Raises UserError if one of their files is damaged."""
    tabled = [(paper, tables.read(folder / paper.name / "numbers.parquet").to_pydict()) for paper in papers]
    sections = [section(paper, rows, folder / paper.name) for paper, rows in tabled]
    write_page(Page("Papers", sections), file, recipe)


def section(paper: Paper, rows: Mapping[str, list], folder: Path) -> Section:
    """What a page says of a paper.

    rows : the columns of numbers.parquet; folder : that of its results, with the figures
    """
    agree = sum(word == AGREES for word in rows["verdict"])
    body = [*_blocks(paper.text), f"<p><b>{agree} of {len(rows['verdict'])} numbers agree.</b> {_ERRORS}</p>"]
    for kind, (head, column) in HEADS.items():
        chosen = [i for i, word in enumerate(rows["kind"]) if word == kind]
        body += [f"<h3>{head}</h3>", _table(rows, chosen, column)] if chosen else []
    body += ["<h3>Figures</h3>", *(_figure(folder, name, figure.caption) for name, figure in paper.figures.items())]
    return Section(paper.name, paper.title, Markup("\n".join(body)))


_ERRORS = (
    "The error is how far ours moves between two schemes whose local errors are a hundred times apart; of a number "
    "from a table, what its certificate says or half a step of its grid; of a formula or a root, 0. What is "
    "allowed is half of the last digit that is stated, or, where larger, the error of the program that made it or half "
    "a step of our grid."
)
COLUMNS = ("Ours", "Error", "Allowed", "Unit", "Verdict", "Where")


def _table(rows: Mapping[str, list], chosen: list[int], column: str) -> str:
    heads = "".join(f"<th>{head}</th>" for head in ("Quantity", column, *COLUMNS))
    lines, above = [], {}
    for i in chosen:
        row = {name: values[i] for name, values in rows.items()}
        lines.append(_row(row, above))
        above = row
    return f'<div class="scrolls"><table class="numbers"><tr>{heads}</tr>{"".join(lines)}</table></div>'


def _row(row: Mapping[str, object], above: Mapping[str, object]) -> str:
    """A line of the table; what a number of a list has in common with the one above is not said again."""
    quantity, place = str(row["quantity"]), str(row["place"])
    reason = f". {row['reason']}" if row["reason"] else ""
    common, _, number = quantity.rpartition(", ")
    if common and str(above.get("quantity")).startswith(f"{common}, "):
        quantity, place, reason = f"{ELLIPSIS} {number}", "", reason if above["verdict"] != row["verdict"] else ""
    ours = [_number(row["ours"], row["within"]), f"{row['error']:.1g}"] if row["ours"] == row["ours"] else ["", ""]
    numbers = (f"{row['stated']:.10g}", *ours, f"{row['within']:.2g}")
    texts = [quantity, "" if row["unit"] == "1" else pretty_unit(str(row["unit"])), f"{row['verdict']}{reason}", place]
    first, *others = (f"<td>{escape(text)}</td>" for text in texts)
    cells = [first, *(f'<td class="number">{number}</td>' for number in numbers), *others]
    return f"<tr{'' if row['verdict'] == AGREES else ' class=other'}>{''.join(cells)}</tr>"


def _number(value: float, within: float) -> str:
    """A number to a digit more than the difference that is allowed."""
    decimals = max(0, 1 - int(np.floor(np.log10(within)))) if within > 0 else 0
    return f"{value:.{decimals}f}".replace("-", "\N{MINUS SIGN}")


def _figure(folder: Path, name: str, caption: str) -> str:
    svg, text = folder / f"figures/{name}.svg", escape(caption)
    address, look = image(svg), f"width: {8.3 * width(svg):.1f}rem"
    return f'<figure><img alt="{text}" style="{look}" src="{address}"><figcaption>{text}</figcaption></figure>'


def _blocks(text: str) -> Iterator[str]:
    """Headings, lists and paragraphs of a plain Markdown text as HTML."""
    for block in re.split(r"\n\s*\n", text.strip()):
        head, _, rest = block.partition(" ")
        if re.fullmatch("#{1,3}", head):
            level = len(head) + 1  # the heading of a section is below that of the page
            yield f"<h{level}>{_inline(rest)}</h{level}>"
        elif head == "-":
            items = re.split(r"^- ", block, flags=re.MULTILINE)[1:]
            yield f"<ul>{''.join(f'<li>{_inline(item)}</li>' for item in items)}</ul>"
        else:
            yield f"<p>{_inline(block)}</p>"


def _inline(text: str) -> str:
    """Code, bold and italic words, links."""
    text = re.sub(r"`(.+?)`", r"<code>\1</code>", escape(text).replace("\n", " "))
    text = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", text)
    text = re.sub(r"\*(.+?)\*", r"<i>\1</i>", text)
    return re.sub(r"\[(.+?)\]\((http.+?)\)", r'<a href="\2">\1</a>', text)
