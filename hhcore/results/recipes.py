"""Recipes: a digest of all that a result is made from, which the file carries.

Snakemake keeps records of what it ran, but they can be lost, and a file can be moved. So the workflow compares the
recipe in every file that is there with what the config asks for, and makes again what does not agree.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path

from hhcore.base import tables
from hhcore.base.digests import code_digest, digest
from hhcore.base.seals import recipe_of
from hhcore.experiments.analysis import Analysis, analyses
from hhcore.experiments.experiment import Experiment
from hhcore.results import dependencies
from hhcore.sweep.hashing import config_digest


def recipes(experiment: Experiment) -> dict[str, str]:
    """The recipe of every result of an experiment, by its path in the experiment's folder.

    That of a shard is `config_digest`: an experiment that is renamed keeps its shards.
    """
    e, members = experiment, analyses(experiment)
    asked = (e.name, config_digest(e), *_versions())
    texts = (e.model.text_digest, *e.celsius)

    def drawn(chosen: list[Analysis]) -> dict[str, str]:
        names = (f"{analysis.name} {analysis.settings}" for analysis in chosen)
        return _figures(chosen, digest(*asked, *names, code_digest(*dependencies.figures(chosen)), *texts))

    calibrated = [analysis for analysis in members if analysis.source == "sample"]
    found = _tables(calibrated, digest(*asked, code_digest(*dependencies.CALIBRATION)))
    passed = [analysis for analysis in members if analysis.source == "neurons"]
    recipe = digest(*asked, code_digest(*dependencies.tables(passed)), *texts)
    found |= _tables(passed, recipe) | {"summary.html": recipe}
    found |= drawn([analysis for analysis in members if analysis.figures and not analysis.late])
    for analysis in (analysis for analysis in members if analysis.late):
        code = code_digest(*dependencies.late_tables(analysis))
        found |= _tables([analysis], digest(*asked, analysis.settings, code, *texts)) | drawn([analysis])
    return found


def report_recipe(made: Iterable[Mapping[str, str]], members: Iterable[Analysis]) -> str:
    """The recipe of the report: all results in it, captions, and the code that makes answers of them and the page.

    made    : the recipes of each experiment
    members : the analyses of all experiments
    """
    items = [item for analysis in members for item in (*analysis.tables, *analysis.figures)]
    captions = sorted({item.caption for item in items if item.caption})
    answers = sorted({path for analysis in members if (path := analysis.folder() / "answers.py").exists()})
    found = (recipe for recipes_of in made for recipe in recipes_of.values())
    return digest(code_digest(*dependencies.REPORT, *captions, *answers), version("bokeh"), *found)


@cache
def _versions() -> tuple[str, ...]:
    """hhcore and the libraries that compute results."""
    return tuple(f"{name} {number}" for name, number in tables.software().items())


def stale(wanted: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Of paths and recipes, the paths of files that are there and were made by another recipe."""
    for path, recipe in wanted:
        try:
            found = recipe_of(Path(path))
        except OSError:  # not there, or not to be read, as Snakemake will say
            continue
        if found != recipe:
            yield path


def _tables(members: Iterable[Analysis], recipe: str) -> dict[str, str]:
    return {f"{table.name}.parquet": recipe for analysis in members for table in analysis.tables}


def _figures(members: Iterable[Analysis], recipe: str) -> dict[str, str]:
    names = [f"figures/{figure.name}" for analysis in members for figure in analysis.figures]
    return {f"{name}.{kind}": recipe for name in names for kind in ("svg", "png")}
