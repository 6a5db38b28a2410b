"""This project: all cells in one search on one thread, without a bracket."""

import numpy as np

from benchmarks.thresholds_problem import DURATION_MS, POTASSIUM, SODIUM, WITHIN, core_seconds, serve
from hhcore.config.reader import read_experiment
from hhcore.experiments.experiment import Experiment


def experiment(side: int, local_error: float) -> Experiment:
    """The task as a user writes it."""
    body = {
        "model": "hodgkin_huxley_1952",
        "protocol": {"kind": "rheobase", "within": WITHIN},
        "stimulus": {"kind": "step"},
        "parameters": {"sodium.g": {"linspace": [*SODIUM, side]}, "potassium.g": {"linspace": [*POTASSIUM, side]}},
        "initial_state": "rest",
        "duration": DURATION_MS,
        "solver": {"method": "tsit5", "local_error": local_error},
    }
    return read_experiment({"experiments": {"cells": body}}, "cells")


def search(side: int, local_error: float) -> tuple[np.ndarray, float]:
    """In one call."""
    e = experiment(side, local_error)
    points = e.points(np.arange(e.n_points))
    e.protocol.begun(e, e.solver, points[:1])  # compiles
    started = core_seconds()
    result = e.protocol.measure(e, e.solver, points)
    return e.protocol.columns(result)["threshold_uA_cm2"], core_seconds() - started


if __name__ == "__main__":
    serve(search)
