"""What a reader learns of an experiment, as data for templates/experiment.html.j2.

It is made of files that other jobs wrote: tables, figures, and the lines that summary.html keeps.
"""

import base64
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from hhcore.base.seals import check_image, check_seal
from hhcore.certify.origin import check_origin
from hhcore.experiments.analysis import Analysis, FigureFile, TableFile, analyses
from hhcore.experiments.answers import Answer, Results
from hhcore.experiments.experiment import Experiment
from hhcore.figures.files import width, words
from hhcore.report.asked import asked
from hhcore.report.captions import caption
from hhcore.report.citing import Citation, citations
from hhcore.report.equations import Equation, Row, equations, parameters, states
from hhcore.report.payload import Payload
from hhcore.report.tables import Table, table
from hhcore.results.summary import ACCURACY, GRID, MADE_WITH, NEURONS, NOTE, WHAT_WAS_RUN, Sections, read_sections
from hhcore.simulation.features import FAILED
from hhcore.simulation.result import NO_RHEOBASE, STATUSES

HEAVY = 400_000  # bytes of an SVG from which on a smaller PNG takes its place in the page


@dataclass(frozen=True)
class Picture:
    """A figure: its address inside the page, and its width [inch]; or, of a figure in words, its lines."""

    name: str
    label: str
    caption: Markup
    image: str
    width: float
    lines: Sequence[str]

    @property
    def sentence(self) -> str:
        """The lines, one after the other, without the label that stands before them."""
        return "; ".join(self.lines).replace(".; ", ". ").removeprefix(f"{self.label}: ")


@dataclass(frozen=True)
class Story:
    """What a reader learns of an experiment.

    asked     : what was asked, in sentences
    warnings  : what a reader must not overlook, in sentences
    answers   : the answer in numbers
    evidence  : the figures of the certificate
    facts     : what was run, grid and counts, lines by title
    accuracy  : the certificate, in lines
    equations : of each component of the model
    made_with : digests and versions
    """

    name: str
    title: str
    notes: Sequence[str]
    asked: Sequence[str]
    warnings: Sequence[str]
    answers: Sequence[Answer]
    pictures: Sequence[Picture]
    evidence: Sequence[Picture]
    tables: Sequence[Table]
    facts: Sections
    accuracy: Sequence[tuple[str, str]]
    equations: Sequence[tuple[str, Sequence[Equation]]]
    parameters: Sequence[Row]
    states: Sequence[Row]
    citations: Sequence[Citation]
    made_with: Sequence[tuple[str, str]]


def story(experiment: Experiment, folder: Path, payload: Payload) -> Story:
    """The story of an experiment.

    folder  : of its results
    payload : takes the columns of its tables

    Raises UserError if a file is missing or damaged, or was made for another experiment or config.
    """
    e, members, results = experiment, analyses(experiment), Results(folder)
    sections = read_sections(folder / "summary.html")
    return Story(
        name=e.name,
        title=e.model.title,
        notes=e.notes,
        asked=asked(e),
        warnings=[*_failures(results), *(text for word, text in sections[NEURONS] if word == NOTE)],
        answers=[answer for analysis in members for answer in analysis.answers(results)],
        pictures=_pictures(e, folder, (analysis for analysis in members if analysis.source != "sample")),
        evidence=_pictures(e, folder, (analysis for analysis in members if analysis.source == "sample")),
        tables=[_table(e, file, folder, payload) for analysis in members for file in analysis.tables],
        facts={title: sections[title] for title in (WHAT_WAS_RUN, GRID, NEURONS)},
        accuracy=sections[ACCURACY],
        equations=[*equations(e.model.myokit)],
        parameters=parameters(e),
        states=states(e),
        citations=citations(e.model),
        made_with=sections[MADE_WITH],
    )


def _failures(results: Results) -> Iterator[str]:
    status = results.column("features", "status")
    failed = {word: int((status == word).sum()) for word in FAILED}
    if without := failed.pop(STATUSES[NO_RHEOBASE]):
        yield (
            f"{without:,} of {len(status):,} neurons have no rheobase that their stimulus could be a share of: they "
            "fire without one, no step makes them fire, or the search failed. They were not simulated; their features "
            "are null."
        )
    if count := sum(failed.values()):
        kinds = " and ".join(f"{number:,} {word}" for word, number in failed.items() if number)
        yield (
            f"{count:,} of {len(status):,} neurons failed: {kinds}. Their features are null; failures.parquet has when "
            "they failed, and their last states."
        )


def _pictures(e: Experiment, folder: Path, chosen: Iterable[Analysis]) -> list[Picture]:
    return [_picture(e, figure, folder) for analysis in chosen for figure in analysis.figures]


def _picture(e: Experiment, figure: FigureFile, folder: Path) -> Picture:
    svg, words_of = folder / "figures" / f"{figure.name}.svg", caption(figure.caption, e.name)
    if lines := words(svg):
        return Picture(figure.name, figure.label, words_of, "", 0.0, lines)
    return Picture(figure.name, figure.label, words_of, image(svg), width(svg), ())


def image(svg: Path) -> str:
    """The address of a figure inside the page. As the source of an image, an SVG runs no script and loads nothing.

    Raises UserError if a file is missing or damaged.
    """
    check_seal(svg)
    png = svg.with_suffix(".png")
    check_image(png)
    if HEAVY < svg.stat().st_size > png.stat().st_size:
        return f"data:image/png;base64,{base64.b64encode(png.read_bytes()).decode()}"
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.read_bytes()).decode()}"


def _table(e: Experiment, file: TableFile, folder: Path, payload: Payload) -> Table:
    path = folder / f"{file.name}.parquet"
    check_origin(e, path)
    return table(path, file.label, caption(file.caption, e.name) if file.caption else Markup(""), payload)
