"""Brian2: C++ standalone, compiled once for a grid and run again with other values; all cells at once, by bisection.

The equations are those rewritten for its compiler (`tuned` in benchmarks/peers/brian2_.py), by RK4. A run ends for all
cells together, so that each takes the whole duration.
"""

import functools
import os
import tempfile

import brian2
import numpy as np

from benchmarks.peers.brian2_ import EQUATIONS as SQUID
from benchmarks.peers.brian2_ import FORMS
from benchmarks.thresholds_problem import BRACKET, DURATION_MS, WITHIN, cells, core_seconds, serve

FORM = FORMS["tuned"] | {"sodium": "sodium * m * m * m * h", "potassium": "potassium * n * n * n * n"}
EQUATIONS = SQUID.format(**FORM) + "sodium : 1 (constant)\npotassium : 1 (constant)\nhighest : 1"
START = {"v": -65.0, "m": 0.05, "h": 0.6, "n": 0.32}


@functools.cache
def program(n: int) -> brian2.NeuronGroup:
    """The compiled run of n cells; it takes its time step [s] from the environment."""
    brian2.device.reinit()
    brian2.set_device("cpp_standalone", build_on_run=False)
    brian2.device.activate(build_on_run=False)
    neurons = brian2.NeuronGroup(n, EQUATIONS, method="rk4", namespace={}, name="cells")
    neurons.run_regularly("highest = clip(highest, v, 1000)", when="end")
    brian2.device.insert_code("main", '_array_defaultclock_dt[0] = std::atof(std::getenv("TIME_STEP"));')
    brian2.Network(neurons).run(DURATION_MS * brian2.ms, namespace={})
    brian2.device.build(directory=tempfile.mkdtemp(prefix="brian2-"), compile=True, run=False, with_output=False)
    return neurons


def run(neurons: brian2.NeuronGroup, **values: np.ndarray) -> None:
    """From these values on."""
    given = {getattr(neurons, name): value for name, value in values.items()}
    brian2.device.run(run_args=given | {neurons.highest: -1000.0}, with_output=False)


def search(side: int, dt: float) -> tuple[np.ndarray, float]:
    """All cells at once, from rest, which a run without a current leads to."""
    sodium, potassium = np.ascontiguousarray(cells(side).T)
    neurons = program(len(sodium))
    os.environ["TIME_STEP"] = repr(dt / 1000)
    started = core_seconds()
    given = {"sodium": sodium, "potassium": potassium}
    run(neurons, current=0.0, **START, **given)
    given |= {name: np.array(getattr(neurons, name)[:]) for name in START}
    silent, firing = (np.full(len(sodium), end) for end in BRACKET)
    while (firing - silent > WITHIN * firing).any():
        middle = (silent + firing) / 2
        run(neurons, current=middle, **given)
        fires = np.array(neurons.highest[:]) > 0
        silent, firing = np.where(fires, silent, middle), np.where(fires, middle, firing)
    return (silent + firing) / 2, core_seconds() - started


if __name__ == "__main__":
    serve(search)
