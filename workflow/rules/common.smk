import os
import re
import shlex
import sys
import time
from pathlib import Path

import pandas as pd
from snakemake.exceptions import WorkflowError

sys.path.insert(0, str(Path(workflow.current_basedir, "../..").resolve()))  # as by itself from the root Snakefile

import hhcore
from hhcore.base.errors import UserError
from hhcore.config.file import read_config
from hhcore.config.reader import read_experiments
from hhcore.experiments.analysis import analyses
from hhcore.experiments.experiment import solvers_needed
from hhcore.results import resources
from hhcore.sweep.estimate import estimate, estimates_text, notes

STARTED = time.time()
# Snakemake formats the path of an environment: a brace in the project's folder would be a wildcard.
ENVIRONMENT = re.sub("[{}]", r"\g<0>\g<0>", str(Path(workflow.current_basedir, "../envs/hhcore.yaml").resolve()))
REPORTED_ROWS = 100_000  # of a table inside the report, at most: some megabytes

# Jobs import this library too, whichever is installed: for a copy of this folder, that may still be the original's.
LIBRARY = Path(hhcore.__file__).resolve().parent
os.environ.update(HHCORE_LIBRARY=str(LIBRARY))
if not LIBRARY.is_relative_to(Path(sys.prefix).resolve()):
    os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [str(LIBRARY.parent), os.getenv("PYTHONPATH")])))


def checked_experiments():
    """The experiments of the config and their costs; a mistake in it ends Snakemake with one message, before any job."""
    try:
        for path in workflow.configfiles if workflow.is_main_process else ():
            read_config(path)
        experiments = read_experiments(config)
        return experiments, {name: estimate(experiment) for name, experiment in experiments.items()}
    except UserError as error:
        sys.exit(f"Config error. {error}")


EXPERIMENTS, ESTIMATES = checked_experiments()
ANALYSES = {name: analyses(experiment) for name, experiment in EXPERIMENTS.items()}
ROWS = {}  # of each table, in the experiment with the most
for experiment in EXPERIMENTS.values():
    for table, rows in resources.rows(experiment).items():
        ROWS[table] = max(rows, ROWS.get(table, 0))
KERNELS = {
    name: [experiment.kernel_name(method) for method in solvers_needed(experiment)]
    for name, experiment in EXPERIMENTS.items()
}

if workflow.is_main_process and notes(EXPERIMENTS.values()):
    print(notes(EXPERIMENTS.values()), file=sys.stderr)


def kernels(wildcards):
    """The compiled kernels that an experiment may need."""
    return expand("results/kernels/{kernel}.py", kernel=KERNELS[wildcards.experiment])


def numerics_before(wildcards):
    """The input that shards wait for: numerics, if it chooses the solver or checks that a fixed step is stable."""
    solver = EXPERIMENTS[wildcards.experiment].solver
    waits = solver is None or not solver.scheme.adaptive
    return [f"results/{wildcards.experiment}/numerics.parquet"] if waits else []


def shards(wildcards):
    """The shard files of an experiment."""
    return expand(
        "results/{experiment}/shards/{shard}.parquet",
        experiment=wildcards.experiment,
        shard=ESTIMATES[wildcards.experiment].shards,
    )


def shard_threads(wildcards):
    """The cores of this machine divided among the shards of an experiment; on a cluster one for each shard."""
    if workflow.non_local_exec or workflow.remote_exec:
        return 1
    try:
        return max(1, workflow.cores // len(ESTIMATES[wildcards.experiment].shards))
    except WorkflowError:  # a dry run need not say how many
        return 1


def groups(wanted):
    """Group the experiments by their protocol and their wanted analyses, since one rule can serve each group.

    wanted : from an analysis to whether it counts
    Returns {name of the group: (analyses, names of the experiments)}; the name leaves out implied analyses.
    """
    sets = {}
    for name, experiment in EXPERIMENTS.items():
        chosen = [analysis for analysis in ANALYSES[name] if wanted(analysis)]
        words = [experiment.protocol.kind, *(analysis.name for analysis in chosen if not analysis.implied)]
        sets.setdefault("_".join(words), (chosen, []))[1].append(name)
    return {name: chosen for name, chosen in sets.items() if chosen[0]}


def late_analyses():
    """The analyses of the config with rules of their own: {name: ([analysis], names of the experiments)}."""
    late = {}
    for name, experiment_analyses in ANALYSES.items():
        for analysis in [one for one in experiment_analyses if one.late]:
            late.setdefault(analysis.name, ([analysis], []))[1].append(name)
    return late


def analysis_of(wildcards, name):
    """An analysis of an experiment."""
    return next(analysis for analysis in ANALYSES[wildcards.experiment] if analysis.name == name)


def of_experiment(function):
    """A function of wildcards from one of an experiment."""
    return lambda wildcards: function(EXPERIMENTS[wildcards.experiment])


def times_attempt(amount):
    """Memory or time: `amount` (a number, or a function of wildcards), twice that after a failure, and so on."""
    return lambda wildcards, attempt: attempt * (amount(wildcards) if callable(amount) else amount)


CAPTIONS = Path(workflow.current_basedir, "../report").resolve()  # known while the file is read only


def captions(name):
    """The file of one of the workflow's own captions."""
    return CAPTIONS / name


def results(name):
    """Every file of an experiment for the user to open."""
    tables = [table.name for analysis in ANALYSES[name] for table in analysis.tables]
    figures = [figure.name for analysis in ANALYSES[name] for figure in analysis.figures]
    return [
        f"results/{name}/summary.html",
        *expand("results/{name}/{table}.parquet", name=name, table=tables),
        *expand("results/{name}/figures/{figure}.{kind}", name=name, figure=figures, kind=["svg", "png"]),
    ]


def all_captions():
    """The files of all captions in the report."""
    own = CAPTIONS.glob("*.rst")
    items = [item for members in ANALYSES.values() for a in members for item in (*a.tables, *a.figures)]
    return sorted({*own, *(item.caption for item in items if item.caption)})


def entry(path, caption, subcategory, **labels):
    """A file in the report."""
    return report(path, caption=str(caption), category="{experiment}", subcategory=subcategory, labels=labels)


def table_outputs(members):
    """The tables of a group of analyses by name; in the report too, unless they are large in one of the experiments."""
    outputs = {}
    for table in (table for analysis in members for table in analysis.tables):
        path = f"results/{{experiment}}/{table.name}.parquet"
        reported = table.caption and ROWS[table.name] <= REPORTED_ROWS
        outputs[table.name] = entry(path, table.caption, "Tables", table=table.label) if reported else path
    return outputs


def figure_outputs(members):
    """The figures of a group of analyses: each as SVG, in the report, and as PNG."""
    outputs = []
    for figure in (figure for analysis in members for figure in analysis.figures):
        path = f"results/{{experiment}}/figures/{figure.name}"
        outputs += [entry(f"{path}.svg", figure.caption, "Figures", figure=figure.label), f"{path}.png"]
    return outputs


def tables_read(wildcards, name):
    """The tables that those of an analysis are made from."""
    tables = analysis_of(wildcards, name).reads
    return expand("results/{experiment}/{table}.parquet", experiment=wildcards.experiment, table=tables)


def figure_groups():
    """Group the analyses for the rules of figures; each late analysis has a group of its own."""
    return groups(lambda analysis: analysis.figures and not analysis.late) | late_analyses()


def drawn_tables(members):
    """The tables that the figures of a group of analyses are made from."""
    names = dict.fromkeys(table for analysis in members for table in analysis.drawn)
    return expand("results/{{experiment}}/{table}.parquet", table=names)


def storage_arguments():
    """Arguments that tell a Snakemake started from this one where the results are; none if they are in this folder."""
    settings, jobs = workflow.storage_settings, workflow.spawned_job_args_factory  # as Snakemake does for its own jobs
    if settings.default_storage_provider is None:
        return []
    usage = [usage.item_to_choice() for usage in settings.shared_fs_usage] or ["none"]
    arguments = [jobs.get_default_storage_provider_args(), *jobs.get_storage_provider_args()]
    return [*shlex.split(" ".join(arguments)), "--shared-fs-usage", *usage]


def time_shares():
    """How long the run took, and its seconds of work by rule."""
    seconds = {}
    for path in Path("results/benchmarks").rglob("*.tsv"):
        if path.stat().st_mtime >= STARTED:
            stage = path.stem.split("-")[0]
            seconds[stage] = seconds.get(stage, 0.0) + pd.read_csv(path, sep="\t")["s"].sum()
    total = sum(seconds.values())
    shares = [f"{stage} {s:.1f} s ({s / total:.0%})" for stage, s in sorted(seconds.items(), key=lambda x: -x[1])]
    work = f" Work: {', '.join(shares)}" if shares else ""
    return f"Finished in {time.time() - STARTED:.0f} s.{work}"


def files_to_open():
    """What the user opens next."""
    prefix = f"{workflow.storage_settings.default_storage_prefix}/" if storage_arguments() else ""
    lines = [f"Open {prefix}results/report.html in a browser. For your own analysis:"]
    return "\n".join(lines + [f"  {prefix}results/{name}/features.parquet" for name in EXPERIMENTS])
