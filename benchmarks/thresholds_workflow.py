"""Thresholds through Snakemake on two cores, from the config to the report; and the same by a grid of amplitudes."""

import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import llvmlite.binding as llvm
import numpy as np
import pyarrow.parquet as pq
import yaml

from benchmarks.pipeline import CORES, ROOT
from benchmarks.thresholds_problem import core_seconds
from hhcore.certify.certificate import certificate
from hhcore.config.reader import read_experiment
from hhcore.schemes.solver import Solver

CONFIG = ROOT / "config" / "rheobase.yaml"
NAME = "rheobase"
SIDE = 100  # of the grid of that config
AMPLITUDES = 200
REPEATS = 3
PART = 7  # of so many neurons one is simulated once more, to take the time
BLOCK = 65_536  # neurons in memory then


def workflow() -> dict[str, object]:
    """Seconds of the search with an empty cache of kernels and with a full one, of a grid, of a search as coarse."""
    body = yaml.safe_load(CONFIG.read_text())["experiments"][NAME]
    found = {"cores": CORES, "cpu": llvm.get_host_cpu_name(), "cells": SIDE**2, "amplitudes": AMPLITUDES}
    found["cold"] = fastest(lambda: uncached(body))
    lowest, highest = found["cold"]["span"]
    ends = 0.95 * lowest, 1.05 * highest
    spacing = (ends[1] - ends[0]) / (AMPLITUDES - 1)
    found |= {"spacing": spacing, "within": spacing / highest}
    with tempfile.TemporaryDirectory() as cache:
        run(body, cache)  # compiles
        found["warm"] = fastest(lambda: run(body, cache))
        found["coarse"] = fastest(lambda: run(searched(body, spacing / highest), cache))
        found["grid"] = run(swept(body, ends), cache)
    return found


def fastest(measure: Callable[[], dict[str, object]]) -> dict[str, object]:
    """Of some runs: other load only slows."""
    return min((measure() for _ in range(REPEATS)), key=lambda found: found["wall_s"])


def uncached(body: dict) -> dict[str, object]:
    """A run that compiles its kernels."""
    with tempfile.TemporaryDirectory() as cache:
        return run(body, cache)


def searched(body: dict, within: float) -> dict:
    """The search to no less than the spacing of a grid, with a solver as coarse."""
    return body | {"protocol": body["protocol"] | {"within": within}, "solver": {"tolerance": within / 10}}


def swept(body: dict, ends: tuple[float, float]) -> dict:
    """The same neurons with so many amplitudes each; the solver is the one that a tolerance of 100 us chooses."""
    others = {key: value for key, value in body.items() if key != "protocol"}
    stimulus = body["stimulus"] | {"amplitude": {"linspace": [*ends, AMPLITUDES]}}
    return others | {"stimulus": stimulus, "solver": {"tolerance": "100 us"}}


def run(body: dict, cache: str) -> dict[str, object]:
    """One run in a folder of its own: wall time, core seconds, and from where to where thresholds go."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "config.yaml").write_text(yaml.safe_dump({"experiments": {NAME: body}}))
        command = [sys.executable, "-m", "snakemake", "--cores", str(CORES), "--directory", scratch]
        started, used = time.monotonic(), core_seconds()
        with (folder / "log").open("w") as log:
            done = subprocess.run(
                [*command, "--configfile", str(folder / "config.yaml")],
                cwd=ROOT,
                env=os.environ | {"HHCORE_CACHE": cache},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        if done.returncode:
            sys.exit((folder / "log").read_text()[-3000:])
        found = {"wall_s": time.monotonic() - started, "core_s": core_seconds() - used}
        found |= {"simulation_s": simulation_seconds(body, folder / "results" / NAME / "numerics.parquet")}
        print(f"==> {found}", flush=True)
        return found | {"span": span(folder / "results" / NAME / "features.parquet")}


def simulation_seconds(body: dict, numerics: Path) -> float:
    """Core time to simulate all neurons by the solver that was chosen, from a part of them [s]."""
    e, chosen = read_experiment({"experiments": {NAME: body}}, NAME), certificate(numerics)
    solver = Solver(chosen["solver_method"], float(chosen["solver_accuracy"]))
    rows = np.arange(0, e.n_points, PART)
    e.protocol.measure(e, solver, e.points(rows[:1]))  # loads the kernel
    started = core_seconds()
    for block in np.array_split(rows, math.ceil(len(rows) / BLOCK)):
        e.protocol.measure(e, solver, e.points(block))
    return (core_seconds() - started) * e.n_points / len(rows)


def span(features: Path) -> tuple[float, float] | None:
    """The lowest and the highest threshold, of a search [uA/cm^2]."""
    column = "threshold_uA_cm2"
    if column not in pq.read_schema(features).names:
        return None
    values = pq.read_table(features, columns=[column])[column].to_numpy()
    return float(values.min()), float(values.max())
