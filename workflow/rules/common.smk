import re
import shlex
import sys
import time
from pathlib import Path

import pandas as pd
from snakemake.exceptions import WorkflowError

from hhcore.sweep import resources
from hhcore.compile.module import kernel_name
from hhcore.config.file import read_config
from hhcore.base.digests import code_digest
from hhcore.base.errors import UserError
from hhcore.config.experiment import read_experiments, solvers_needed
from hhcore.simulation.engine import kernel_parts
from hhcore.sweep.plan import SPIKE_ERRORS, context_digest, estimate, grid_digest, notes, plan

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
PLANS = {name: plan(experiment) for name, experiment in EXPERIMENTS.items()}
KERNELS = {
    name: [kernel_name(experiment.model, method, *kernel_parts(experiment.stimulus)) for method in solvers_needed(experiment)]
    for name, experiment in EXPERIMENTS.items()
}

# What each protocol has beside the tables of all, and the grids of each kind of stimulus beside the figures of all.
OWN_TABLES = {"step": ["fi_curves", "fi_summary"], "pulse_train": ["beats"], "sampled_step": []}
OWN_FIGURES = {
    "step": ["fi_curves", "spike_count_map", "rheobase_map", "oscillation_range"],
    "pulse_train": ["restitution", "apd_map"],
}

if workflow.is_main_process:
    print(*filter(None, [notes(EXPERIMENTS.values()), estimate(PLANS)]), sep="\n", file=sys.stderr)


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
        shard=PLANS[wildcards.experiment].shards,
    )


def shard_threads(wildcards):
    """The cores of this machine shared among the shards of an experiment; on a cluster each shard has one."""
    if workflow.non_local_exec or workflow.remote_exec:
        return 1
    try:
        return max(1, workflow.cores // len(PLANS[wildcards.experiment].shards))
    except WorkflowError:  # a dry run need not say how many
        return 1


def experiments_where(has):
    """What matches the experiments of which this is true, and nothing where there is none."""
    return "|".join(name for name, experiment in EXPERIMENTS.items() if has(experiment)) or "(?!)"


def times_attempt(needed):
    """Of memory or time: so much, twice as much after a failure, and so on. `needed` : a number, or told an experiment."""

    def amount(wildcards, attempt):
        return attempt * (needed(EXPERIMENTS[wildcards.experiment]) if callable(needed) else needed)

    return amount


def of_protocol(protocol):
    """What matches the experiments with the tables of a protocol."""
    return experiments_where(lambda experiment: experiment.protocol == protocol)


def grids_of(kind):
    """What matches the experiments with this kind of stimulus and no sample."""
    return experiments_where(lambda experiment: experiment.sample is None and experiment.stimulus.kind == kind)


def is_saltelli(experiment):
    """Whether an experiment has Sobol indices."""
    return experiment.sample is not None and experiment.sample.kind == "saltelli"


def results(name):
    """Every file of an experiment that a user is meant to open."""
    experiment = EXPERIMENTS[name]
    files = ["features", "spikes", "failures", "numerics", *OWN_TABLES[experiment.protocol]]
    figures = ["work_precision", "accuracy_map"]
    if experiment.sample is None:
        figures += OWN_FIGURES[experiment.stimulus.kind]
    else:
        figures += ["sample_scatter", *(["fi_curves"] if experiment.protocol == "step" else [])]
    for there, both in ((is_saltelli(experiment), "sobol_indices"), (experiment.traces, "traces")):
        if there:
            files.append(both)
            figures.append(both)
    return [
        f"results/{name}/summary.html",
        *expand("results/{name}/{file}.parquet", name=name, file=files),
        *expand("results/{name}/figures/{figure}.{kind}", name=name, figure=figures, kind=["svg", "png"]),
    ]


def figure(name, caption, label):
    """A figure as SVG, shown in the report, and as PNG."""
    svg = report(
        f"results/{{experiment}}/figures/{name}.svg",
        caption=f"../report/{caption}.rst",
        category="{experiment}",
        subcategory="Figures",
        labels={"figure": label},
    )
    return [svg, f"results/{{experiment}}/figures/{name}.png"]


def table(name, caption, label):
    """A table, which is inside of the report too, unless it is large in one of the experiments."""
    path = f"results/{{experiment}}/{name}.parquet"
    if max(resources.rows(experiment)[name] for experiment in EXPERIMENTS.values()) > REPORTED_ROWS:
        return path
    return report(
        path,
        caption=f"../report/{caption}.rst",
        category="{experiment}",
        subcategory="Tables",
        labels={"table": label},
    )


def summary_page():
    """What was run, as a page of the report."""
    return report(
        "results/{experiment}/summary.html",
        caption="../report/summary.rst",
        category="{experiment}",
        subcategory="What was run",
        labels={"table": "Model, grid, solver, versions, counts"},
    )


def storage_arguments():
    """Where the results are, for a Snakemake that is started from within this one; nothing if they are in this folder."""
    settings, jobs = workflow.storage_settings, workflow.spawned_job_args_factory  # what Snakemake tells its own jobs
    if settings.default_storage_provider is None:
        return []
    usage = [usage.item_to_choice() for usage in settings.shared_fs_usage] or ["none"]
    told = [jobs.get_default_storage_provider_args(), *jobs.get_storage_provider_args()]
    return [*shlex.split(" ".join(told)), "--shared-fs-usage", *usage]


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


# What the log says of jobs that were ended for what they lacked, here or by SLURM, and what helps.
HELP = {
    "SIGKILL|SIGABRT|'OUT_OF_MEMORY'": "A job was killed. Most often it ran out of memory: give it more, on a cluster by "
    "`--set-resources RULE:mem_mb=...`, or run fewer at a time by `--cores`",
    "'TIMEOUT'": "A job took longer than it was given: give it more minutes by `--set-resources RULE:runtime=...`",
    "Errno 28|Errno 122": "The disk of this folder is full, or your quota is used up: free space",
    "older modification time": "The clock was set back, or those of two machines disagree: set them right, then "
    "`touch now; find results -exec touch -r now {} +` makes all files as old as each other; no result depends on times",
}


onerror:
    said = "".join(Path(file).read_text() for file in ([log] if isinstance(log, str) else log))
    for sign, advice in HELP.items():
        if re.search(sign, said):
            print(f"{advice}. The same command goes on from here.", file=sys.stderr)


onsuccess:
    print(time_shares(), files_to_open(), sep="\n", file=sys.stderr)
