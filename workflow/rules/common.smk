import re
import shlex
import sys
import time
from pathlib import Path

import pandas as pd
from snakemake.exceptions import WorkflowError

from hhcore.base.digests import code_digest
from hhcore.base.errors import UserError
from hhcore.config.file import read_config
from hhcore.config.reader import read_experiments
from hhcore.experiments.analysis import analyses
from hhcore.experiments.experiment import solvers_needed
from hhcore.results import dependencies, resources
from hhcore.sweep.estimate import estimate, estimates_text, notes
from hhcore.sweep.hashing import context_digest, grid_digest

STARTED = time.time()
REPORTED_ROWS = 100_000  # of a table that is inside of the report, at the most: some megabytes


def checked_experiments():
    """The experiments of the config; a mistake in it ends Snakemake with one message, before any job."""
    try:
        for path in workflow.configfiles:
            read_config(path)
        return read_experiments(config)
    except UserError as error:
        sys.exit(f"Config error. {error}")


EXPERIMENTS = checked_experiments()
ESTIMATES = {name: estimate(experiment) for name, experiment in EXPERIMENTS.items()}
ANALYSES = {name: analyses(experiment) for name, experiment in EXPERIMENTS.items()}
ROWS = {}  # of each table, in the experiment where it is longest
for e in EXPERIMENTS.values():
    for table, rows in resources.rows(e).items():
        ROWS[table] = max(rows, ROWS.get(table, 0))
KERNELS = {
    name: [experiment.kernel_name(method) for method in solvers_needed(experiment)]
    for name, experiment in EXPERIMENTS.items()
}

if workflow.is_main_process:
    print(*filter(None, [notes(EXPERIMENTS.values()), estimates_text(ESTIMATES)]), sep="\n", file=sys.stderr)


def kernels(wildcards):
    """The kernels that an experiment may need, compiled."""
    return expand("results/kernels/{kernel}.py", kernel=KERNELS[wildcards.experiment])


def numerics_before(wildcards):
    """What the shards of an experiment wait for: that a solver is chosen, or that a fixed step is found to be stable."""
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
    """The cores of this machine shared among the shards of an experiment; on a cluster each shard has one."""
    if workflow.non_local_exec or workflow.remote_exec:
        return 1
    try:
        return max(1, workflow.cores // len(ESTIMATES[wildcards.experiment].shards))
    except WorkflowError:  # a dry run need not say how many
        return 1


def is_late(analysis):
    """Whether the tables of an analysis are not made in the pass over all neurons, but by a rule of their own."""
    return analysis.source in ("tables", "model")


def groups(wanted):
    """Experiments with the same protocol and the same of the wanted analyses, which one rule can serve.

    wanted : of an analysis, whether it counts
    Returns {a name: (analyses, names of the experiments)}; an analysis that the protocol implies is not in the name.
    """
    sets = {}
    for name, experiment in EXPERIMENTS.items():
        chosen = [analysis for analysis in ANALYSES[name] if wanted(analysis)]
        words = [experiment.protocol.kind, *(analysis.name for analysis in chosen if not analysis.implied)]
        sets.setdefault("_".join(words), (chosen, []))[1].append(name)
    return {name: chosen for name, chosen in sets.items() if chosen[0]}


def late_analyses():
    """The analyses with rules of their own that occur in the config: {name: (analysis, names of the experiments)}."""
    late = {}
    for name, found in ANALYSES.items():
        for analysis in filter(is_late, found):
            late.setdefault(analysis.name, ([analysis], []))[1].append(name)
    return late


def analysis_of(wildcards, name):
    """An analysis of an experiment."""
    return next(analysis for analysis in ANALYSES[wildcards.experiment] if analysis.name == name)


def of_experiment(function):
    """A function of an experiment as one of wildcards."""
    return lambda wildcards: function(EXPERIMENTS[wildcards.experiment])


def times_attempt(amount):
    """Of memory or time: so much, twice as much after a failure, and so on. `amount` : a number, or of wildcards."""
    return lambda wildcards, attempt: attempt * (amount(wildcards) if callable(amount) else amount)


def model_texts(experiment):
    """Digest of what tables and figures say of a model."""
    return experiment.model.text_digest


def captions(name):
    """The file of a caption of the workflow's own."""
    return Path(workflow.current_basedir, "../report", name).resolve()


def results(name):
    """Every file of an experiment that a user is meant to open."""
    found = ANALYSES[name]
    tables = [table.name for analysis in found for table in analysis.tables]
    figures = [figure.name for analysis in found for figure in analysis.figures]
    return [
        f"results/{name}/summary.html",
        *expand("results/{name}/{table}.parquet", name=name, table=tables),
        *expand("results/{name}/figures/{figure}.{kind}", name=name, figure=figures, kind=["svg", "png"]),
    ]


def all_captions():
    """The files of all captions in the report."""
    own = Path(workflow.current_basedir, "../report").resolve().glob("*.rst")
    made = [item for found in ANALYSES.values() for a in found for item in (*a.tables, *a.figures)]
    return sorted({*own, *(item.caption for item in made if item.caption)})


def entry(path, caption, subcategory, **labels):
    """A file that is shown in the report."""
    return report(path, caption=str(caption), category="{experiment}", subcategory=subcategory, labels=labels)


def table_outputs(found):
    """The tables of analyses by name, inside of the report too unless they are large in one of the experiments."""
    outputs = {}
    for table in (table for analysis in found for table in analysis.tables):
        path = f"results/{{experiment}}/{table.name}.parquet"
        shown = table.caption and ROWS[table.name] <= REPORTED_ROWS
        outputs[table.name] = entry(path, table.caption, "Tables", table=table.label) if shown else path
    return outputs


def figure_outputs(found):
    """The figures of analyses: each as SVG, shown in the report, and as PNG."""
    outputs = []
    for figure in (figure for analysis in found for figure in analysis.figures):
        path = f"results/{{experiment}}/figures/{figure.name}"
        outputs += [entry(f"{path}.svg", figure.caption, "Figures", figure=figure.label), f"{path}.png"]
    return outputs


def tables_read(wildcards, name):
    """The tables that those of an analysis are made of."""
    tables = analysis_of(wildcards, name).reads
    return expand("results/{experiment}/{table}.parquet", experiment=wildcards.experiment, table=tables)


def figure_groups():
    """Analyses whose figures are drawn by one rule, those of early tables together, those of late tables each alone."""
    return groups(lambda analysis: analysis.figures and not is_late(analysis)) | late_analyses()


def drawn_tables(found):
    """The tables that the figures of analyses are made of."""
    names = dict.fromkeys(table for analysis in found for table in analysis.drawn)
    return expand("results/{{experiment}}/{table}.parquet", table=names)


def storage_arguments():
    """Where the results are, for a Snakemake that is started from within this one; nothing if they are in this folder."""
    settings, jobs = workflow.storage_settings, workflow.spawned_job_args_factory  # what Snakemake tells its own jobs
    if settings.default_storage_provider is None:
        return []
    usage = [usage.item_to_choice() for usage in settings.shared_fs_usage] or ["none"]
    arguments = [jobs.get_default_storage_provider_args(), *jobs.get_storage_provider_args()]
    return [*shlex.split(" ".join(arguments)), "--shared-fs-usage", *usage]


def time_shares():
    """How the run's time was spent: seconds of work by rule, of all that lie under results/."""
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
    """Where a user goes on from here."""
    place = f"{workflow.storage_settings.default_storage_prefix}/" if storage_arguments() else ""
    lines = [f"Open {place}results/report.html in a browser. For your own analysis:"]
    return "\n".join(lines + [f"  {place}results/{name}/features.parquet" for name in EXPERIMENTS])
