"""Captions as HTML: the files that `snakemake --report` shows, Jinja2 and a little reStructuredText."""

import re
from pathlib import Path
from types import SimpleNamespace

from jinja2 import ChainableUndefined, Environment
from markupsafe import Markup

# What captions are written with: ``code``, **strong**, *emphasis*, a link `words <address>`_.
MARKS = re.compile(
    r"``(?P<code>.+?)``|\*\*(?P<strong>.+?)\*\*|\*(?P<em>\S.*?)\*|`(?P<words>[^`<]+) <(?P<href>https?://[^>]+)>`_"
)


def caption(file: Path, experiment: str) -> Markup:
    """A caption of an experiment's figure or table, a paragraph for each. Raises OSError without the file."""
    seen = SimpleNamespace(wildcards=SimpleNamespace(experiment=experiment))
    template = Environment(undefined=ChainableUndefined).from_string(file.read_text(encoding="utf-8"))
    paragraphs = re.split(r"\n\s*\n", template.render(snakemake=seen).strip())
    return Markup("").join(Markup("<p>{}</p>").format(inline(" ".join(text.split()))) for text in paragraphs)


def inline(text: str) -> Markup:
    """Marked words as elements; everything else is text."""
    parts, end = [], 0
    for mark in MARKS.finditer(text):
        parts += [Markup.escape(text[end : mark.start()]), _element(mark)]
        end = mark.end()
    return Markup("").join([*parts, Markup.escape(text[end:])])


def _element(mark: re.Match[str]) -> Markup:
    if mark["href"]:
        return Markup('<a href="{}">{}</a>').format(mark["href"], mark["words"])
    name = mark.lastgroup
    return Markup(f"<{name}>{{}}</{name}>").format(mark[name])
