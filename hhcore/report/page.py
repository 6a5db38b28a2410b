"""The page of a run, results/report.html: what was asked and found, figures, tables, and what computes in the browser.

It needs no other file and no network. Words, figures and first rows of tables are there without JavaScript.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from hhcore.base.files import atomic_write
from hhcore.base.seals import RECIPE, SEAL, UNSEALED, seal
from hhcore.certify.certificate import resolved
from hhcore.experiments.experiment import Experiment
from hhcore.report import bundle
from hhcore.report.explorer import explorer
from hhcore.report.live import live
from hhcore.report.payload import Payload, data
from hhcore.report.story import story

NAMED = 3  # experiments in the title, at most


@dataclass(frozen=True)
class Section:
    """A part of a page with an entry in its contents.

    name : unique on the page
    body : its elements, a heading first
    """

    name: str
    title: str
    body: Markup

    @property
    def anchor(self) -> str:
        """Its address on the page, which is not an id of another element."""
        return f"section-{self.name}"


@dataclass(frozen=True)
class Page:
    """What a page is made of.

    data    : what its scripts read, see `payload.data`; a page without any holds no plotting library
    payload : the columns that `data` refers to
    """

    title: str
    sections: Sequence[Section]
    data: Mapping[str, object] = field(default_factory=dict)
    payload: Payload = field(default_factory=Payload)


def write_report(experiments: Mapping[str, Experiment], folder: Path, file: Path, recipe: str = "") -> None:
    """Write the page of experiments from their results.

    folder : that of the results, with a folder for each experiment
    file   : the page, whose links to tables are relative
    recipe : see `report_recipe`; none outside a workflow

    Raises UserError if a table is damaged or was made for another experiment or config.
    """
    payload, kernels = Payload(), {}
    entries, sections = [], []
    template = templates().get_template("experiment.html.j2")
    for name, experiment in experiments.items():
        own = folder / name
        experiment = resolved(experiment, own / "numerics.parquet")
        told = story(experiment, own, payload)
        shown = live(experiment, experiment.solver, own, payload, kernels)
        without, shown = (shown, None) if isinstance(shown, str) else ("", shown)
        entry = {"name": name, "explorer": explorer(experiment, own, payload), "live": shown}
        entries.append(entry)
        sections.append(Section(name, name, Markup(template.render(story=told, without=without, **entry))))
    contents = {"experiments": entries, "kernels": kernels}
    write_page(Page(_title(experiments), sections, contents, payload), file, recipe)


def write_page(page: Page, file: Path, recipe: str) -> None:
    """Write a page, with its policy, its recipe and its seal."""
    library = [*bundle.bokeh().values()] if page.data else []
    kept, scripts = [page.payload.code(text.encode()) for text in library], bundle.own_scripts()
    text = (
        templates()
        .get_template("page.html.j2")
        .render(
            title=page.title,
            sections=page.sections,
            marks=f"{RECIPE}: {recipe}, {SEAL}: {UNSEALED}",
            policy=bundle.policy(bundle.harmless(scripts), *library),
            style=Markup(bundle.own_styles()),
            data=data({**page.data, "library": kept}),
            blobs=page.payload.elements(),
            script=bundle.script(scripts, "hhcore"),
        )
    )
    with atomic_write(file) as temporary:
        temporary.write_text(text, encoding="utf-8")
        seal(temporary)


def templates() -> Environment:
    """The templates of this folder; what they print is escaped."""
    folder = str(resources.files("hhcore") / "report" / "templates")
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _title(names: Mapping[str, object]) -> str:
    """The names of the experiments, of many the first."""
    listed = ", ".join(list(names)[:NAMED])
    return listed if len(names) <= NAMED else f"{listed} and {len(names) - NAMED} more"
