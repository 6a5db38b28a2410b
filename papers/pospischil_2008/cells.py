"""The cells of the paper: cylinders as long as they are thick, started as in Open Source Brain's copy."""

from collections.abc import Mapping
from functools import cache
from math import pi

import numpy as np

from hhcore import Result, Step, Trace, load_model, simulate, trace
from hhcore.simulation.reference import derivative
from hhcore.simulation.stimuli.segments import Segments

MODEL = load_model("pospischil_2008")
DIAMETERS = {"rs": 96.0, "fs": 67.0, "ib": 96.0, "ibr": 96.0, "lts": 96.0}  # um
NERNST = 120.2577  # mV, of the L current in the copy, from 2 mM of calcium outside and 0.24 uM inside
DRAWN = {"method": "dop853", "local_error": 1e-8}  # what figures show

Solver = Mapping[str, object]
# nA, from and to (ms), the potential at which a cell has stood before (mV)
DEMONSTRATIONS = {
    "rs": (0.75, 300.0, 700.0, -70.0),
    "fs": (0.5, 300.0, 700.0, -70.0),
    "ib": (0.15, 500.0, 1000.0, -84.0),
    "ibr": (0.15, 500.0, 1000.0, -84.0),
    "lts": (0.15, 400.0, 800.0, -84.0),
}
FIGURE_1C = (0.84, 200.0, 690.0, -70.0)


def density(cell: str, current: float | np.ndarray) -> float | np.ndarray:
    """The current through each area of a cell (uA/cm^2), from nA."""
    return current * 1e-3 / (pi * (DIAMETERS[cell] * 1e-4) ** 2)


@cache
def held(V: float) -> tuple[float, ...]:
    """The states of a cell that has stood at a potential (mV) for long."""
    return tuple(simulate(MODEL, {}, Segments(holding=V, held=(V, 0.01)), duration=0.01).final[0])


def point(cell: str) -> dict[str, float]:
    """A cell as parameters of one model, so that all share a kernel; with the calcium potential of the copy."""
    values = {name: q.value for name, q in load_model(f"pospischil_2008:{cell}").parameters.items()}
    return values | {"calcium_L.E": NERNST}


def fired(
    cell: str, pulse: tuple[float, float, float, float | str], solver: Solver, duration: float = 1000.0
) -> Result:
    """What a pulse of current makes a cell do; its potential before may be "rest", that of the cell itself."""
    current, start, stop, before = pulse
    state = before if before == "rest" else np.array(held(before))
    stimulus = Step(density(cell, current), start, stop)
    return simulate(MODEL, point(cell), stimulus, duration=duration, initial_state=state, **solver)


def holding(cell: str, V: float) -> float:
    """The current (uA/cm^2) that holds a cell at a potential (mV)."""
    return -derivative(MODEL, dict(zip(MODEL.states, held(V), strict=True)), point(cell))[MODEL.potential]


def course(
    cell: str, pulse: tuple[float, float, float, float | str], duration: float = 1000.0, still: bool = False
) -> Trace:
    """The same as a time course; `still` : the cell is held at its potential by a current, beside the pulse."""
    current, start, stop, before = pulse
    state = before if before == "rest" else np.array(held(before))
    stimulus = Step(density(cell, current), start, stop, holding=holding(cell, before) if still else 0.0)
    return trace(MODEL, point(cell), stimulus, duration=duration, initial_state=state, interval=0.1, **DRAWN)
