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
from hhcore.report.overview import compared
from hhcore.report.payload import Payload, data
from hhcore.report.story import story

NAMED = 3  # experiments in the title, at most
NOTE = "Links to tables and figures lead to files beside it, in the folder of results."


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
        """Its address on the page. A colon is in no id of another element."""
        return f"section:{self.name}"


@dataclass(frozen=True)
class Page:
    """What a page is made of.

    data    : what its scripts read, see `payload.data`; a page without any holds no plotting library
    payload : the columns that `data` refers to
    note    : a sentence for the end of the page
    """

    title: str
    sections: Sequence[Section]
    data: Mapping[str, object] = field(default_factory=dict)
    payload: Payload = field(default_factory=Payload)
    note: str = ""


def write_report(experiments: Mapping[str, Experiment], folder: Path, file: Path, recipe: str = "") -> None:
    """Write the page of experiments from their results.

    folder : that of the results, with a folder for each experiment
    file   : the page, whose links to tables are relative
    recipe : see `report_recipe`; none outside a workflow

    Raises UserError if a table is damaged or was made for another experiment or config.
    """
    payload, kernels = Payload(), {}
    read = {name: resolved(e, folder / name / "numerics.parquet") for name, e in experiments.items()}
    stories = {name: story(e, folder / name, payload) for name, e in read.items()}
    entries = {name: _entry(name, e, folder / name, payload, kernels) for name, e in read.items()}
    overview = [Section("", "Overview", _rendered("overview", table=compared(stories)))] if len(stories) > 1 else []
    sections = [Section(n, n, _rendered("experiment", story=one, **entries[n])) for n, one in stories.items()]
    contents = {"experiments": [*entries.values()], "kernels": kernels}
    write_page(Page(_title(experiments), [*overview, *sections], contents, payload, NOTE), file, recipe)


def _entry(
    name: str, experiment: Experiment, folder: Path, payload: Payload, kernels: dict[str, object]
) -> dict[str, object]:
    """What the page shows of an experiment by scripts; columns go into `payload`.

    `without` says why there is no live neuron, "" if there is one.
    """
    neuron = live(experiment, experiment.solver, folder, payload, kernels)
    shown, without = (None, neuron) if isinstance(neuron, str) else (neuron, "")
    return {"name": name, "explorer": explorer(experiment, folder, payload), "live": shown, "without": without}


def _rendered(template: str, **seen: object) -> Markup:
    return Markup(templates().get_template(f"{template}.html.j2").render(**seen))


def write_page(page: Page, file: Path, recipe: str) -> None:
    """Write a page, with its policy, its recipe and its seal."""
    library = [*bundle.bokeh().values()] if page.data else []
    kept, scripts = [page.payload.code(text.encode()) for text in library], bundle.own_scripts()
    text = (
        templates()
        .get_template("page.html.j2")
        .render(
            title=page.title,
            note=page.note,
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
