"""How to cite a run: hhcore, and the papers of its model, as words and as BibTeX."""

import re
from dataclasses import dataclass

from hhcore import __version__
from hhcore.model.model import Model

# As the catalogue writes sources: Hodgkin AL, Huxley AF (1952). Title. Journal 117:500-544. doi:10.1113/x
AUTHOR = r"(?:(?:[^\W\d_a-z][\w'’-]*|de|den|der|la|le|van|von) )+[A-Z]{1,5}"
WORDS = r"(?:(?!doi:|\(\d{4}\)).)+?"
ARTICLE = rf"(?P<title>{WORDS})\. (?P<journal>[^.:]+?) (?P<volume>\w+):(?P<pages>\w+-\w+)"
PAPER = re.compile(
    rf"\b(?P<authors>{AUTHOR}(?:, {AUTHOR})*) \((?P<year>\d{{4}})\)\. "
    rf"(?P<rest>{ARTICLE}|{WORDS}(?=[.,;]? doi:|$))(?:[.,;]? doi:(?P<doi>10\.\d{{4,9}}/\S*\w))?"
)
DOI = re.compile(r"doi:\s*(10\.\d{4,9}/\S*\w)")


@dataclass(frozen=True)
class Citation:
    """What to cite: words, an address or nothing, and an entry for BibTeX."""

    words: str
    address: str
    bibtex: str


def citations(model: Model) -> list[Citation]:
    """hhcore, then the papers in the source of a model; a source that is written otherwise as a whole."""
    papers = [_paper(found) for found in PAPER.finditer(model.source)]
    if model.source and not papers:
        doi = DOI.search(model.source)
        key = re.sub(r"\W+", "_", model.name).strip("_") or "model"
        entry = _entry("misc", key, {"note": model.source, "doi": doi[1] if doi else ""})
        papers = [Citation(model.source, _address(doi[1] if doi else ""), entry)]
    return [_hhcore(), *papers]


def _hhcore() -> Citation:
    """As CITATION.cff says."""
    title = "hhcore: conductance-based neuron models, from one YAML file to the F-I report"
    entry = {"author": "{The hhcore authors}", "title": f"{{{title}}}", "version": __version__}
    return Citation(f"The hhcore authors. {title}. Version {__version__}.", "", _entry("software", "hhcore", entry))


def _paper(found: re.Match[str]) -> Citation:
    authors, year, rest, doi = found["authors"], found["year"], found["rest"].rstrip(". "), found["doi"] or ""
    names = [name.rpartition(" ") for name in authors.split(", ")]
    fields = {"author": " and ".join(f"{family}, {'. '.join(first)}." for family, _, first in names), "year": year}
    if article := found["journal"] is not None:
        fields |= {name: found[name] for name in ("title", "journal", "volume")}
        fields["pages"] = found["pages"].replace("-", "--")
    else:
        fields["title"] = rest
    key = re.sub(r"\W", "", names[0][0].lower()) + year
    entry = _entry("article" if article else "misc", key, fields | {"doi": doi})
    return Citation(f"{authors} ({year}). {rest}.", _address(doi), entry)


def _entry(kind: str, key: str, fields: dict[str, str]) -> str:
    lines = "".join(f"  {name} = {{{text}}},\n" for name, text in fields.items() if text)
    return f"@{kind}{{{key},\n{lines}}}"


def _address(doi: str) -> str:
    return f"https://doi.org/{doi}" if doi else ""
