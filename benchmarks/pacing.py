"""Restitution and steady states at equal error, against Myokit, on one core in the same run: `make benchmark-pacing`.

Each program runs in a process of its own and does the same task in turn. What counts is the time of a processor that
it takes, so other load matters little. Writes the section of docs/benchmarks.md; `python -m benchmarks.pacing steady`
measures this part anew and keeps the other.
"""

import sys
from dataclasses import asdict, replace
from statistics import median

import numpy as np

from benchmarks import page
from benchmarks.pacing_problem import TIMED, Answer, Task, worst
from benchmarks.program import Program
from benchmarks.run import PEERS_PYTHON

TARGETS_US = (10.0, 1.0)
PAIRS = 3
OURS, MYOKIT = (1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6, 3e-7, 1e-7), (1e-4, 3e-5, 1e-5, 3e-6, 1e-6, 3e-7, 1e-7, 3e-8)
STEADY_OURS, STEADY_MYOKIT = 1e-4, (1e-7, 1e-8)  # coarser ones of Myokit never repeat within the tolerance
LR, TT = "luo_rudy_1991", "ten_tusscher_panfilov_2006"
RESTITUTION = [Task("s1s2", model, *shape) for model in (LR, TT) for shape in ((1, 1000), (10, 100))]
BLOCKS = [Task("block", model, 10) for model in (LR, TT)]
EXACT_MYOKIT, EXACT_OURS = 1e-11, 1e-9


class Paced(Program):
    """One that paces cells."""

    def run(self, task: Task, accuracy: float, by: str = "pacing") -> Answer:
        """Its answer."""
        found = self.ask(asdict(task), accuracy, by)
        return Answer(np.array(found["times"]), found["seconds"], found["beats"])


def coarsest(program: Paced, task: Task, ladder: tuple[float, ...], exact: np.ndarray) -> dict[float, dict]:
    """For each target the coarsest accuracy that meets it, as all finer ones do, and its error [us]."""
    found, open_ = {}, set(TARGETS_US)
    for accuracy in reversed(ladder):
        error = worst(program.run(task, accuracy).times, exact)
        open_ -= {target for target in open_ if error > target}
        found |= {target: {"accuracy": accuracy, "error_us": error} for target in open_}
        if not open_:
            break
    return found


def restitution(ours: Paced, myokit: Paced, task: Task) -> list[dict]:
    """A row for each target: accuracies, seconds, and how many times as fast, the median of some pairs."""
    exact = myokit.run(task, EXACT_MYOKIT).times
    settings = [coarsest(ours, task, OURS, exact), coarsest(myokit, task, MYOKIT, exact)]
    rows = []
    for target in TARGETS_US:
        chosen = [setting[target] for setting in settings]
        pairs = [
            [p.run(task, s["accuracy"]) for p, s in zip((ours, myokit), chosen, strict=True)] for _ in range(PAIRS)
        ]
        row = {
            "model": task.model,
            "cells": task.cells,
            "intervals": task.intervals,
            "target_us": target,
            "ours": chosen[0] | {"seconds": min(a.seconds for a, _ in pairs)},
            "myokit": chosen[1] | {"seconds": min(b.seconds for _, b in pairs)},
            "ratio": median(b.seconds / a.seconds for a, b in pairs),
        }
        print(row, flush=True)
        rows.append(row)
    return rows


def steady(ours: Paced, myokit: Paced, task: Task) -> list[dict]:
    """A row for each way of ours; Myokit is timed on some cells of the grid."""
    few = replace(task, cells=TIMED)
    exact = ours.run(few, EXACT_OURS, "newton").times
    for tolerance in STEADY_MYOKIT:
        theirs = myokit.run(few, tolerance)
        if worst(theirs.times, exact) <= max(TARGETS_US):
            break
    rows = []
    for by in ("pacing", "newton"):
        error = worst(ours.run(few, STEADY_OURS, by).times, exact)
        answers = [ours.run(task, STEADY_OURS, by) for _ in range(PAIRS)]
        seconds = median(a.seconds for a in answers) / task.cells**2
        row = {
            "model": task.model,
            "cells": task.cells**2,
            "by": by,
            "ours": {"accuracy": STEADY_OURS, "error_us": error, "beats": answers[0].beats, "seconds": seconds},
            "myokit": {
                "accuracy": tolerance,
                "error_us": worst(theirs.times, exact),
                "beats": theirs.beats,
                "seconds": theirs.seconds / TIMED**2,
            },
            "ratio": theirs.seconds / TIMED**2 / seconds,
        }
        print(row, flush=True)
        rows.append(row)
    return rows


def main() -> None:
    """Measure, and write the page."""
    worker = "benchmarks.pacing_worker"
    ours, myokit = Paced(sys.executable, worker, "paced_hhcore_"), Paced(str(PEERS_PYTHON), worker, "paced_myokit_")
    for name in sys.argv[1:] or PARTS:
        measured, tasks = PARTS[name]
        rows = [row for task in tasks for row in measured(ours, myokit, task)]
        results = page.load()
        page.save(results | {"pacing": results.get("pacing", {}) | {name: rows}})
    ours.end()
    myokit.end()


PARTS = {"restitution": (restitution, RESTITUTION), "steady": (steady, BLOCKS)}

if __name__ == "__main__":
    main()
