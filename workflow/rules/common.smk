import os
import re
import sys

from snakemake.common.configfile import load_configfile
from snakemake.exceptions import WorkflowError

import hhcore
from hhcore.base.errors import UserError
from hhcore.certify.certificate import waits
from hhcore.config.file import located, read_config
from hhcore.config.reader import read_experiments
from hhcore.experiments.analysis import analyses
from hhcore.results import resources
from hhcore.sweep.estimate import estimate, notes

LOCAL = isinstance(workflow.current_basedir, os.PathLike)  # a folder, not a repository that Snakemake fetches from
ENVIRONMENT = "../envs/hhcore.yaml"
if LOCAL:  # Snakemake formats its path: a brace in the name of a folder would be a wildcard
    ENVIRONMENT = re.sub("[{}]", r"\g<0>\g<0>", str(Path(workflow.current_basedir, ENVIRONMENT).resolve()))
REPORTED_ROWS = 100_000  # of a table inside of a report of Snakemake, at most: some megabytes

# Jobs import this library too, whichever is installed: for a copy of this folder, that may still be the original's.
LIBRARY = Path(hhcore.__file__).resolve().parent
os.environ.update(HHCORE_LIBRARY=str(LIBRARY))
if not LIBRARY.is_relative_to(Path(sys.prefix).resolve()):
    os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [str(LIBRARY.parent), os.getenv("PYTHONPATH")])))

PATHS = workflow.modifier.path_modifier  # known while the file is read only


def placed(path):
    """Where a file of the results is: a workflow that uses this one as a module may say `prefix:`."""
    return str(PATHS.replace_prefix(path))


def checked_experiments():
    """The experiments of the config and their costs; a mistake in it ends Snakemake with one message, before any job."""
    try:
        experiments = read_experiments(config)
        return experiments, {name: estimate(experiment) for name, experiment in experiments.items()}
    except UserError as error:
        sys.exit(f"Config error. {error}")


def own_config():
    """The config with absolute paths of model files; a config file with a mistake ends Snakemake with one message.

    A file whose config is in a part of it is another workflow's, which uses this one as a module, and not ours to check.
    """
    files = [(path, load_configfile(path)) for path in workflow.configfiles]
    try:
        for path in [path for path, content in files if "experiments" in content and workflow.is_main_process]:
            read_config(path)
    except UserError as error:
        sys.exit(f"Config error. {error}")
    return located(config, files)


config = own_config()  # the jobs have it too
EXPERIMENTS, ESTIMATES = checked_experiments()
ANALYSES = {name: analyses(experiment) for name, experiment in EXPERIMENTS.items()}
ROWS = {}  # of each table, in the experiment with the most
for experiment in EXPERIMENTS.values():
    for table, rows in resources.rows(experiment).items():
        ROWS[table] = max(rows, ROWS.get(table, 0))
if workflow.is_main_process and notes(EXPERIMENTS.values()):
    print(notes(EXPERIMENTS.values()), file=sys.stderr)


def numerics_before(wildcards):
    """The input that shards wait for: numerics, if it chooses the solver or checks that a fixed step is stable."""
    return [f"results/{wildcards.experiment}/numerics.parquet"] if waits(EXPERIMENTS[wildcards.experiment]) else []


def shards(wildcards):
    """The shard files of an experiment."""
    return expand(
        "results/{experiment}/shards/{shard}.parquet",
        experiment=wildcards.experiment,
        shard=ESTIMATES[wildcards.experiment].shards,
    )


def cores_for(jobs):
    """The cores of this machine divided among so many jobs; on a cluster one for each."""
    if workflow.non_local_exec or workflow.remote_exec:
        return 1
    try:
        return max(1, workflow.cores // jobs)
    except WorkflowError:  # a dry run need not say how many
        return 1


def shard_threads(wildcards):
    """The cores for each shard of an experiment."""
    return cores_for(len(ESTIMATES[wildcards.experiment].shards))


def threads_each(experiments):
    """The cores for each of some experiments, if jobs of all run at the same time: a function of wildcards."""
    return lambda wildcards: cores_for(len(experiments))


SMALL = [name for name, cost in ESTIMATES.items() if cost.small]
LARGE = [name for name in EXPERIMENTS if name not in SMALL]


def only(experiments):
    """The wildcard constraint of a rule for these experiments; none of a rule for no experiment matches."""
    return "|".join(experiments) or "(?!)"


def groups(experiments, wanted):
    """Group experiments by their protocol and their wanted analyses, since one rule can serve each group.

    wanted : from an analysis to whether it counts
    Returns {name of the group: (analyses, names of the experiments)}; the name leaves out implied analyses.
    """
    sets = {}
    for name in experiments:
        chosen = [analysis for analysis in ANALYSES[name] if wanted(analysis)]
        words = [EXPERIMENTS[name].protocol.kind, *(analysis.name for analysis in chosen if not analysis.implied)]
        sets.setdefault("_".join(words), (chosen, []))[1].append(name)
    return {name: chosen for name, chosen in sets.items() if chosen[0]}


def late_analyses():
    """The late analyses, which have rules of their own: {name: ([analysis], names of the experiments)}."""
    late = {}
    for name in LARGE:
        for analysis in [one for one in ANALYSES[name] if one.late]:
            late.setdefault(analysis.name, ([analysis], []))[1].append(name)
    return late


def names_of(members):
    """The names of analyses."""
    return [analysis.name for analysis in members]


def of_experiment(function, *arguments):
    """A function of wildcards from one of an experiment, and of further arguments."""
    return lambda wildcards: function(EXPERIMENTS[wildcards.experiment], *arguments)


def times_attempt(amount):
    """Memory or time: `amount` (a number, or a function of wildcards), twice that after a failure, and so on."""
    return lambda wildcards, attempt: attempt * (amount(wildcards) if callable(amount) else amount)


def results(name):
    """Every file of an experiment for the user to open."""
    tables = [table.name for analysis in ANALYSES[name] for table in analysis.tables]
    figures = [figure.name for analysis in ANALYSES[name] for figure in analysis.figures]
    return [
        f"results/{name}/summary.html",
        *expand("results/{name}/{table}.parquet", name=name, table=tables),
        *expand("results/{name}/figures/{figure}.{kind}", name=name, figure=figures, kind=["svg", "png"]),
    ]


def entry(path, caption, subcategory, **labels):
    """A file in the report of `snakemake --report`, with a caption from the folder of the Snakefile or from the library.

    Snakemake reads captions from where the Snakefile is; a repository has those of the library, but not of others.
    """
    if not LOCAL and (caption := Path(caption)).is_absolute():
        own = caption.is_relative_to(LIBRARY)
        caption = Path("../../hhcore", caption.relative_to(LIBRARY)) if own else None
    caption = caption and str(caption)
    return report(path, caption=caption, category="{experiment}", subcategory=subcategory, labels=labels)


def passes(members):
    """Whether the tables of some analyses need the pass over all neurons, which writes the summary page too."""
    return any(analysis.source == "neurons" for analysis in members)


def table_files(members):
    """The tables of a job, and its page, by their paths in an experiment's folder."""
    tables = [f"{table.name}.parquet" for analysis in members for table in analysis.tables]
    return [*tables, *(["summary.html"] if passes(members) else [])]


def figure_files(members):
    """The figures of a job, by their paths in an experiment's folder."""
    names = [f"figures/{figure.name}" for analysis in members for figure in analysis.figures]
    return [f"{name}.{kind}" for name in names for kind in ("svg", "png")]


def updated(file):
    """An output that its job finds as it was, and brings up to date; a new one in a storage.

    Snakemake 9.27 keeps files for a job where they are not, if they are in a storage.
    """
    return update(file) if workflow.storage_settings.default_storage_provider is None else file


def whole_outputs(members):
    """All results of a small experiment by name, in the order in which they are made, as their times will say."""
    tables = table_outputs(members)
    sampled = {t.name: tables.pop(t.name) for a in members if a.source == "sample" for t in a.tables}
    folder = "results/{experiment}"
    first = {"kernel": f"{folder}/kernel.py", **sampled, "shard": f"{folder}/shards/all.parquet"}
    figures = {f"{Path(file).stem}{Path(file).suffix.replace('.', '_')}": file for file in figure_outputs(members)}
    return {name: updated(file) for name, file in (first | tables | figures).items()}


def table_outputs(members):
    """The tables of a job by name; those that are small in all experiments are in Snakemake's report."""
    outputs = {}
    for table in (table for analysis in members for table in analysis.tables):
        path = f"results/{{experiment}}/{table.name}.parquet"
        reported = table.caption and ROWS[table.name] <= REPORTED_ROWS
        outputs[table.name] = entry(path, table.caption, "Tables", table=table.label) if reported else path
    if passes(members):
        outputs["summary"] = entry(
            "results/{experiment}/summary.html",
            "../report/summary.rst",
            "What was run",
            table="Model, grid, solver, versions, counts",
        )
    return outputs


def figure_outputs(members):
    """The figures of a job: each as SVG, which is in Snakemake's report, and as PNG."""
    outputs = []
    for figure in (figure for analysis in members for figure in analysis.figures):
        path = f"results/{{experiment}}/figures/{figure.name}"
        outputs += [entry(f"{path}.svg", figure.caption, "Figures", figure=figure.label), f"{path}.png"]
    return outputs


def tables_read(members):
    """The tables that those of some analyses are made from: a function of wildcards."""
    names = names_of(members)

    def inputs(wildcards):
        tables = [
            table for analysis in ANALYSES[wildcards.experiment] if analysis.name in names for table in analysis.reads
        ]
        return expand("results/{experiment}/{table}.parquet", experiment=wildcards.experiment, table=tables)

    return inputs


def drawn_tables(members):
    """The tables that the figures of a group of analyses are made from."""
    names = dict.fromkeys(table for analysis in members for table in analysis.drawn)
    return expand("results/{{experiment}}/{table}.parquet", table=names)


def files_to_open():
    """What the user opens next, of what is asked for and there: reports, tables of features. Empty if nothing is."""
    settings, experiments = workflow.storage_settings, asked()
    paths = ["report.html", *(f"{name}/features.parquet" for name in experiments)] if experiments else []
    paths = [placed(f"results/{path}") for path in paths] + paper_pages()
    if settings.default_storage_provider is None:
        paths = [path for path in paths if os.path.exists(path)]
    else:  # these are not here to be looked at
        paths = [f"{settings.default_storage_prefix}/{path}" for path in paths]
    opened = [f"Open {path} in a browser." for path in paths if path.endswith(".html")]
    tables = [f"  {path}" for path in paths if path.endswith(".parquet")]
    head = " ".join([*opened, *["For your own analysis:"] * bool(tables)])
    return "\n".join([head, *tables] if paths else [])
