from functools import cache

from hhcore.results.recipes import recipes, stale
from hhcore.results.recipes import report_recipe as recipe_of_report
from hhcore.sweep.hashing import config_digest


@cache
def recipes_of(name):
    """The recipes of an experiment, made when they are asked for: a job needs those of its own alone."""
    return recipes(EXPERIMENTS[name])


def recipes_of_outputs(files):
    """The recipes of files of an experiment, by their paths in its folder: a function of wildcards."""
    return lambda wildcards: {file: recipes_of(wildcards.experiment)[file] for file in files}


def report_recipe(wildcards=None):
    """The recipe of the report.

    Captions are no input files, since a brace in the name of their folder would be a wildcard.
    """
    return recipe_of_report(map(recipes_of, EXPERIMENTS), [a for members in ANALYSES.values() for a in members])


def made_files(name):
    """The files that jobs of an experiment make, or of the report if it is None, and their recipes."""
    if name is None:
        return [(placed("results/report.html"), report_recipe())]
    folder, recipe = placed(f"results/{name}"), config_digest(EXPERIMENTS[name])
    shards = [(f"{folder}/shards/{shard}.parquet", recipe) for shard in ESTIMATES[name].shards]
    return [*shards, *((f"{folder}/{file}", recipe) for file, recipe in recipes_of(name).items())]


@cache
def stale_files(name):
    """Those of the files that are there, but were made by another recipe."""
    return list(stale(made_files(name)))


def forced_if_stale(wildcards):
    """No input. It makes Snakemake make stale files again, whatever its records say.

    Records can be lost or cut short, and files can be moved; the recipe in a file is the truth. Results in a storage
    are not here to be looked at, but every job compares the origin of the tables that it reads.
    """
    return forced(lambda: stale_files(wildcards.get("experiment")))


def forced(files):
    """No input. Snakemake makes the files again that a function finds, if they are here to be looked at."""
    if workflow.is_main_process and workflow.storage_settings.default_storage_provider is None:
        workflow.dag.forcefiles.update(files())
    return []
