"""Thresholds at equal error, against simulators that bisect, and against a grid of amplitudes.

`make benchmark-thresholds` runs each program in a process of its own. What counts is the time of a processor that it
takes, so other load matters little; wall time is given of Snakemake alone. Writes the section of docs/benchmarks.md;
`python -m benchmarks.thresholds workflow` measures this part anew and keeps the other.
"""

import sys
from statistics import median

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import root

from benchmarks import page
from benchmarks.problem import START, slope
from benchmarks.program import Program
from benchmarks.run import PEERS_PYTHON
from benchmarks.thresholds_problem import BRACKET, DURATION_MS, WITHIN, cells, worst
from benchmarks.thresholds_workflow import workflow

CHECKED = 3  # values of each conductance with which the error is measured
REPEATS = 3
CLOSE = 1e-5  # of a threshold: where the reference begins to look, if it lies within
PROGRAMS = {  # label, accuracies from the finest to the coarsest, values of each conductance that are timed
    "hhcore_": ("hhcore", (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3), 100),
    "neuron_": ("NEURON, CVODE", (1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4), 10),
    "myokit_": ("Myokit, CVODES", (1e-10, 1e-9, 1e-8, 1e-7, 1e-6), 10),
    "brian2_": ("Brian2, RK4", (0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1), 20),
}


def exact(sodium: float, potassium: float, near: float) -> float:
    """The threshold of one cell, by SciPy's DOP853 at 1e-12, to a hundredth of WITHIN [uA/cm^2]."""
    conductances = sodium, potassium
    rest = root(lambda y: slope(y, 0.0, 0.0, *conductances), START, tol=1e-13).x

    def crossing(t: float, y: np.ndarray) -> float:
        return y[0]

    crossing.terminal, crossing.direction = True, 1

    def fires(current: float) -> bool:
        def f(t: float, y: np.ndarray) -> list[float]:
            return slope(y, t, current, *conductances)

        run = solve_ivp(f, (0.0, DURATION_MS), rest, "DOP853", events=crossing, rtol=1e-12, atol=1e-12)
        return run.status == 1

    silent, firing = (1 - CLOSE) * near, (1 + CLOSE) * near
    if fires(silent) or not fires(firing):
        silent, firing = BRACKET
    while firing - silent > WITHIN / 100 * firing:
        middle = (silent + firing) / 2
        silent, firing = (silent, middle) if fires(middle) else (middle, firing)
    return (silent + firing) / 2


def coarsest(program: Program, accuracies: tuple[float, ...], thresholds: np.ndarray) -> tuple[float, float]:
    """The coarsest accuracy that finds thresholds to WITHIN, as all finer ones do, and its error."""
    found = None
    for accuracy in accuracies:
        error = worst(np.array(program.ask(CHECKED, accuracy)["thresholds"]), thresholds)
        print(f"    {accuracy:g}: {error:.2g}", flush=True)
        if error > WITHIN:
            break
        found = accuracy, error
    return found or sys.exit(f"no accuracy meets {WITHIN:g}")


def peers() -> list[dict]:
    """A row for each program: its accuracy and error, and the core seconds of a cell."""
    rows, thresholds = [], None
    for module, (label, accuracies, side) in PROGRAMS.items():
        print(f"==> {label}", flush=True)
        python = sys.executable if module == "hhcore_" else str(PEERS_PYTHON)
        program = Program(python, f"benchmarks.peers.threshold_{module}")
        if thresholds is None:
            near = program.ask(CHECKED, accuracies[0])["thresholds"]
            thresholds = np.array([exact(*cell, x) for cell, x in zip(cells(CHECKED), near, strict=True)])
        accuracy, error = coarsest(program, accuracies, thresholds)
        seconds = median(program.ask(side, accuracy)["seconds"] for _ in range(REPEATS)) / side**2
        program.end()
        rows.append({"label": label, "accuracy": accuracy, "error": error, "cells": side**2, "seconds": seconds})
        print(rows[-1], flush=True)
    return rows


PARTS = {"peers": peers, "workflow": workflow}


def main() -> None:
    """Measure, and write the page."""
    for name in sys.argv[1:] or PARTS:
        found = PARTS[name]()
        results = page.load()
        page.save(results | {"thresholds": results.get("thresholds", {}) | {name: found}})


if __name__ == "__main__":
    main()
