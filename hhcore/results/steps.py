"""The steps of an experiment, one after the other in this process: calibration, shards, tables, figures.

A file is made again if it is missing, carries another recipe, or is older than a file that it is made from. So what
Snakemake has made is kept here, and the other way round.
"""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from hhcore.base.watch import Watch
from hhcore.certify.certificate import resolved, waits
from hhcore.certify.expected import calibration_s
from hhcore.certify.step import KERNEL, make_numerics
from hhcore.experiments.analysis import Analysis, analyses
from hhcore.experiments.experiment import Experiment
from hhcore.results.late import write_late
from hhcore.results.recipes import recipes, stale
from hhcore.results.write import write_tables
from hhcore.sweep.estimate import cost_text, estimate, work_s
from hhcore.sweep.gather import DamageError
from hhcore.sweep.hashing import config_digest
from hhcore.sweep.held import held
from hhcore.sweep.store import update_shard

SAID_FROM = 3.0  # seconds of work: from here on the cost is said before it


def make_tables(experiment: Experiment, folder: Path, threads: int, watch: Watch) -> tuple[Experiment, int]:
    """Make the tables of an experiment in `folder`, with all that they need; what is there and current is kept.

    Returns the experiment with its solver, and the number of neurons simulated. Raises UserError as the steps do.
    """
    wanted, numerics = recipes(experiment), folder / "numerics.parquet"
    shards = [folder / f"shards/{shard}.parquet" for shard in estimate(experiment).shards]
    _say_cost(experiment, folder, threads, watch)
    if due([numerics], recipe := wanted[numerics.name]) or not numerics.with_name(KERNEL).exists():
        make_numerics(experiment, numerics, recipe, threads, watch)
    experiment = resolved(experiment, numerics)
    try:
        simulated = _make_neurons(experiment, shards, numerics, wanted["summary.html"], threads, watch)
    except DamageError as damage:
        watch.write(str(damage))
        simulated = _make_neurons(experiment, shards, numerics, wanted["summary.html"], threads, watch)
    members = analyses(experiment)
    for analysis in (one for one in members if one.late):
        own, read = _tables(folder, [analysis]), [folder / f"{name}.parquet" for name in analysis.reads]
        if due(own, recipe := wanted[own[0].name], [numerics, *read]):
            watch.step(analysis.name)
            write_late(experiment, analysis.name, folder, recipe)
    return experiment, simulated


def _make_neurons(
    experiment: Experiment, shards: list[Path], numerics: Path, recipe: str, threads: int, watch: Watch
) -> int:
    """Simulate, and write the tables from the pass over all neurons. Returns the number of neurons simulated."""
    simulated = _simulate(experiment, shards, [numerics] if waits(experiment) else [], threads, watch)
    members = [one for one in analyses(experiment) if one.source == "neurons"]
    if due([*_tables(numerics.parent, members), numerics.with_name("summary.html")], recipe, [*shards, numerics]):
        watch.step("tables")
        write_tables(experiment, shards, numerics, numerics.parent, recipe)
    return simulated


def make_figures(experiment: Experiment, folder: Path, threads: int, watch: Watch) -> None:
    """Draw those figures of an experiment that are not there, or not current. Raises UserError as the steps do."""
    wanted, names = recipes(experiment), []
    for analysis in (one for one in analyses(experiment) if one.figures):
        files = [folder / f"figures/{figure.name}.{kind}" for figure in analysis.figures for kind in ("svg", "png")]
        recipe = wanted[f"figures/{files[0].name}"]
        if due(files, recipe, [folder / f"{table}.parquet" for table in analysis.drawn]):
            names.append(analysis.name)
    if names:
        from hhcore.results.draw import draw  # loads pandas and Matplotlib

        watch.step("figures")
        draw(experiment, names, folder, wanted, threads)


def due(files: Iterable[Path], recipe: str, sources: Iterable[Path] = ()) -> bool:
    """Whether one of the files of a step is missing, of another recipe, or older than one of its sources."""
    if not all(file.exists() for file in files) or any(stale((str(file), recipe) for file in files)):
        return True
    newest = max((file.stat().st_mtime_ns for file in sources), default=0)
    return min(file.stat().st_mtime_ns for file in files) < newest


def _say_cost(experiment: Experiment, folder: Path, threads: int, watch: Watch) -> None:
    """Say what a run will take, unless that is short."""
    cost, trials_s = estimate(experiment), calibration_s(experiment)
    if cost.core_s + trials_s > SAID_FROM * threads:
        kept = held(experiment, cost.shards, folder)
        if work_s(cost, trials_s, kept) > SAID_FROM * threads:
            watch.write(cost_text(cost, trials_s, kept))


def _simulate(experiment: Experiment, shards: list[Path], sources: list[Path], threads: int, watch: Watch) -> int:
    """Simulate what shards lack; returns the number of neurons."""
    new, recipe = 0, config_digest(experiment)
    waiting = [shard for shard in shards if due([shard], recipe, sources)]
    said = {"note": watch.write_log, "remark": cache(watch.write)}  # the same of all shards, so once
    for number, path in enumerate(waiting):
        progress = watch.part(number, len(waiting))
        new += update_shard(experiment, path.stem, path, threads=threads, progress=progress, **said)
    return new


def _tables(folder: Path, members: Iterable[Analysis]) -> list[Path]:
    return [folder / f"{table.name}.parquet" for analysis in members for table in analysis.tables]
