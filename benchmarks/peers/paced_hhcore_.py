"""This project: all cells, and all intervals, in one call on one thread."""

import time

import numpy as np

from benchmarks.pacing_problem import (
    AFTER_MS,
    LEVEL_MV,
    LONGEST_MS,
    MOST_BEATS,
    PERIOD_MS,
    PREBEATS,
    TOLERANCE,
    Answer,
    Task,
)
from hhcore.config.reader import read_experiment
from hhcore.experiments.experiment import Experiment
from hhcore.simulation.result import Result


def experiment(task: Task, local_error: float, by: str) -> Experiment:
    """The task as a user writes it."""
    protocol = {"kind": "steady_state", "tolerance": TOLERANCE, "most_beats": MOST_BEATS, "by": by}
    duration, shares = PERIOD_MS, {name: task.left.tolist() for name in task.cell.blocked}
    if task.kind == "s1s2":
        protocol = {"kind": "s1s2", "prebeats": PREBEATS, "intervals": task.between.tolist()}
        duration, shares = LONGEST_MS + AFTER_MS, {task.cell.blocked[1]: task.left.tolist()}
    body = {
        "model": task.model,
        "protocol": protocol | {"apd_to": LEVEL_MV},
        "stimulus": {
            "kind": "pulse_train",
            "amplitude": task.cell.amplitude,
            "width": task.cell.width,
            "period": PERIOD_MS,
        },
        "parameters": {name: {"scale": {"values": values}} for name, values in shares.items()},
        "initial_state": "model",
        "duration": duration,
        "solver": {"method": "rodas5p", "local_error": local_error},
    }
    return read_experiment({"experiments": {"paced": body}}, "paced")


def run(task: Task, local_error: float, by: str) -> Answer:
    """One call."""
    e = experiment(task, local_error, by)
    points = e.points(np.arange(e.n_points))
    e.protocol.begun(e, e.solver, points[:1])  # compiles
    started = time.process_time()
    if task.kind == "s1s2":
        result = e.protocol.measure(e, e.solver, points)
        return Answer(crossings(e.protocol.runs(result)[0], last=True), time.process_time() - started, PREBEATS)
    result = super(type(e.protocol), e.protocol).measure(e, e.solver, points)  # without the check by the other way
    return Answer(crossings(result), time.process_time() - started, float(result.record["paced"].mean()))


def crossings(result: Result, last: bool = False) -> np.ndarray:
    """Of the first beat of each run, or the last one."""
    beats = dict(zip(result.measured.columns, result.beat_values.T, strict=True))
    rows = result.beat_offsets[1:] - 1 if last else result.beat_offsets[:-1]
    return np.column_stack([beats[name][rows] - beats["onset"][rows] for name in ("level_rise", "level_fall")])
