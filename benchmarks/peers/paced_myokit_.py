"""Myokit with CVODES: the same .mmt file, compiled once; one cell and one interval after the other."""

import time
from functools import lru_cache
from itertools import product
from pathlib import Path

import myokit
import numpy as np

from benchmarks.pacing_problem import AFTER_MS, LEVEL_MV, MOST_BEATS, PERIOD_MS, PREBEATS, TOLERANCE, Answer, Task

MODELS = Path(__file__).parents[2] / "hhcore" / "models"


@lru_cache
def compiled(name: str) -> tuple[myokit.Model, myokit.Simulation]:
    """A model of the catalogue."""
    model = myokit.load_model(MODELS / f"{name}.mmt")
    return model, myokit.Simulation(model)


def run(task: Task, tolerance: float, by: str) -> Answer:
    """One cell after the other."""
    model, simulation = compiled(task.model)
    simulation.set_tolerance(tolerance, tolerance)
    steady = task.kind == "block"
    names = task.cell.blocked if steady else task.cell.blocked[1:]
    started, times, beats = time.process_time(), [], []
    for shares in product(task.left, repeat=len(names)):
        for name, share in zip(names, shares, strict=True):
            simulation.set_constant(name, share * model.get(name).eval())
        simulation.reset()
        beats.append(until_steady(simulation, task) if steady else settle(simulation, task))
        times += [beat(simulation, task, 0.0, PERIOD_MS)] if steady else s2(simulation, task)
    return Answer(np.array(times), time.process_time() - started, float(np.mean(beats)))


def settle(simulation: myokit.Simulation, task: Task) -> int:
    """The beats of S1."""
    simulation.set_protocol(pulses(task, PERIOD_MS, PREBEATS))
    simulation.run(PREBEATS * PERIOD_MS, log=myokit.LOG_NONE)
    return PREBEATS


def until_steady(simulation: myokit.Simulation, task: Task) -> int:
    """Pace until the state changes by less in a beat; the number of beats."""
    simulation.set_protocol(pulses(task, PERIOD_MS, 1))
    change, beats, after = np.inf, 0, np.array(simulation.state())
    while change >= TOLERANCE and beats < MOST_BEATS:
        before = after
        simulation.set_time(0)
        simulation.run(PERIOD_MS, log=myokit.LOG_NONE)
        after, beats = np.array(simulation.state()), beats + 1
        change = np.abs(after - before).sum()
    return beats


def s2(simulation: myokit.Simulation, task: Task) -> list[tuple[float, float]]:
    """S2 after each interval, each from the state after the beats of S1."""
    begun, found = simulation.state(), []
    for interval in task.between:
        simulation.set_state(begun)
        found.append(beat(simulation, task, interval, interval + AFTER_MS))
    return found


def beat(simulation: myokit.Simulation, task: Task, onset: float, duration: float) -> tuple[float, float]:
    """The crossings of the last action potential, which begins at `onset`."""
    simulation.set_time(0)
    simulation.set_protocol(pulses(task, onset or PERIOD_MS, 2 if onset else 1))
    watched = {"apd_variable": "membrane.V", "apd_threshold": LEVEL_MV}
    _, found = simulation.run(duration, log=myokit.LOG_NONE, **watched)
    rise = found["start"][-1] - onset
    return rise, rise + found["duration"][-1]


def pulses(task: Task, period: float, number: int) -> myokit.Protocol:
    """From an onset on."""
    made = myokit.Protocol()
    made.schedule(task.cell.amplitude, 0, task.cell.width, period, number)
    return made
