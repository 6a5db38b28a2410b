"""`hhcore.run`: from a config to tables as data frames, in one process, without Snakemake."""

import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from hhcore.base.checks import check_threads, mapping
from hhcore.base.errors import UserError, collected
from hhcore.base.lock import locked
from hhcore.base.tables import read
from hhcore.config.file import read_config
from hhcore.config.reader import read_experiments
from hhcore.experiments.experiment import Experiment
from hhcore.grid.axes import DISTRIBUTIONS, FORMS
from hhcore.interface.bar import watch
from hhcore.interface.outcome import Outcome, Run
from hhcore.model.model import Model
from hhcore.results.failed import check_none_failed
from hhcore.results.steps import make_tables
from hhcore.results.summary import rest_advice
from hhcore.simulation.result import NO_STABLE_REST, STATUSES
from hhcore.simulation.stimuli.stimulus import Stimulus

AXES = ("stimulus", "clamp", "parameters", "drugs", "block", "initial_state")  # keys whose lists are axes


def run(
    config: str | os.PathLike[str] | Mapping[str, object] | None = None,
    *,
    results: str | os.PathLike[str] | None = None,
    threads: int | None = None,
    progress: bool = True,
    name: str | None = None,
    **experiment: object,
) -> Run:
    """Run the experiments of a config, and return their tables as data frames.

    config     : a YAML file, or the same as a mapping; or give the keys of one experiment as keyword arguments:
                 model, stimulus, duration, solver and so on (config/README.md explains all). In a mapping and in
                 keyword arguments a stimulus may be an object, like hhcore.Step(10), and a list or an array of values
                 of a parameter, a field of the stimulus, a concentration or a block is an axis
    results    : a folder to keep the results in, as Snakemake does in `results`; what is there and current is not made
                 again. Without one, everything is gone with the object that is returned
    threads    : by default all cores
    progress   : whether to show a bar, or lines in a log file
    name       : of the experiment given by keyword arguments, "experiment" by default; its `initial_state` is "rest" if
                 none is given

    The tables are those of Snakemake to the last bit, and so is what is made again; `snakemake` goes on in a folder of
    results where this has ended, and the other way round. After Ctrl-C the same call goes on, if there is a folder.

    Raises UserError for a mistake in the config, and as the jobs of the workflow do: for a tolerance that no solver
    keeps, say.

    >>> import hhcore
    >>> squid = hhcore.run(
    ...     model="hodgkin_huxley_1952",
    ...     stimulus=hhcore.Step([5, 10]),
    ...     duration="50 ms",
    ...     solver={"method": "tsit5", "local_error": 1e-6},
    ... )
    >>> squid.features.spike_count.tolist()
    [1, 4]
    """
    experiments = _experiments(config, name, experiment)
    threads = _cores() if threads is None else threads
    check_threads(threads)
    temporary = None
    if results is None:
        temporary = TemporaryDirectory(prefix="hhcore-")
        results = temporary.name
    folder = Path(results)
    made = {key: _made(e, folder / key, threads, progress) for key, e in experiments.items()}
    with collected() as noted:
        for key, e in experiments.items():
            if e.failed_neurons == "fail":
                with noted():
                    check_none_failed(key, folder / key / "failures.parquet", kept=temporary is None)
    return Run({key: Outcome(e, folder / key, simulated, threads, temporary) for key, (e, simulated) in made.items()})


def _made(experiment: Experiment, folder: Path, threads: int, progress: bool) -> tuple[Experiment, int]:
    """Make the tables of an experiment. Returns it with its solver, and the number of neurons simulated."""
    shown = watch(experiment.name, progress)
    try:
        for note in experiment.notes:
            shown.write(note)
        with locked(folder, lambda: shown.write(f"{folder} is in use by another process; waiting until that ends")):
            made = make_tables(experiment, folder, threads, shown)
            status = read(folder / "features.parquet", ["status"])["status"].to_numpy()
        for note in rest_advice(experiment, np.sum(status == STATUSES[NO_STABLE_REST])):
            shown.write(note)
    except OSError as error:
        reason = f"{error.filename or folder} cannot be read or written ({error.strerror})"
        raise UserError(f"results: {reason}; give a folder for which you have the rights and the space") from error
    finally:
        shown.close()
    return made


def _experiments(
    config: str | os.PathLike[str] | Mapping[str, object] | None, name: str | None, experiment: dict[str, object]
) -> dict[str, Experiment]:
    """The experiments of a config, or the one of keyword arguments."""
    if (config is None) == (not experiment):
        raise UserError("run: give a config, or the keys of one experiment: model=..., stimulus=..., and so on")
    if config is not None and name is not None:
        raise UserError(f"run: name={name!r} is given beside a config, which names its experiments; leave it out")
    if isinstance(config, str | os.PathLike):
        return read_experiments(read_config(Path(config)))
    if config is None:
        config = {"experiments": {name or "experiment": {"initial_state": "rest", **experiment}}}
    config = mapping(_plain(config), "config")
    if isinstance(bodies := config.get("experiments"), dict):
        config["experiments"] = {key: _with_axes(body) for key, body in bodies.items()}
    return read_experiments(config)


def _with_axes(body: object) -> object:
    """An experiment in which each list of values is an axis: of the stimulus, parameters, doses, initial states."""
    if not isinstance(body, dict):
        return body
    parts = {key: body[key] for key in AXES if key in body}
    whole = {key: part for key, part in parts.items() if isinstance(part, dict)}
    return body | {key: {name: _axis(value) for name, value in part.items()} for key, part in whole.items()}


def _axis(value: object) -> object:
    """A list of values as an axis, also inside the parts of a stimulus."""
    if isinstance(value, list):
        return [_axis(part) for part in value] if any(isinstance(part, dict) for part in value) else {"values": value}
    if isinstance(value, dict) and not (len(value) == 1 and {*value} <= {*FORMS, *DISTRIBUTIONS, "scale"}):
        return {name: _axis(inner) for name, inner in value.items()}
    return value


def _plain(value: object) -> object:
    """A config as YAML would give it: stimuli are mappings, arrays are lists, paths are texts."""
    if isinstance(value, Model):
        raise UserError(f"run: {value!r} is a loaded model; give its name, or the path of its file")
    if isinstance(value, Stimulus):
        value = value.written()
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, list | tuple | range):
        return [_plain(inner) for inner in value]
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
