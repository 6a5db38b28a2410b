"""The space-clamped axon of the paper, on which a shock is a displacement of the potential."""

from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
import pandas as pd

from hhcore import Result, Step, Trace, load_model, simulate, trace
from hhcore.simulation.observers.outputs import OUTPUT, Outputs
from hhcore.simulation.reference import evaluate_with
from hhcore.simulation.stimuli.segments import Segments

MODEL = load_model("hodgkin_huxley_1952")
ZERO = -65.0  # mV, the zero of the paper; with its rounded constants the axon rests 0.0036 mV above
COLD, WARM = 6.3, 18.5  # degC
FIRST = 15.0  # mV, of the shock before a second one
HYPERPOLARISED = 30.0  # mV below rest, before an anode break
SPIKE = ZERO + 50  # mV; what crosses it upwards is an action potential
FARADAY = 96485.33212  # C/mol

Solver = Mapping[str, object]
DRAWN: Solver = {"method": "dop853", "local_error": 1e-9}  # what figures show


def rates(V: np.ndarray) -> dict[str, np.ndarray]:
    """alpha and beta of m, h and n (1/ms) at potentials (mV) other than -40 and -55, where one is 0/0."""
    values: dict = {name: q.value for name, q in (MODEL.states | MODEL.parameters).items()}
    found = evaluate_with(np, MODEL, values | {MODEL.potential: V, MODEL.current.name: 0.0, "engine.time": 0.0})
    return {name.rpartition(".")[2]: x for name, x in found.items() if ".alpha_" in name or ".beta_" in name}


def steady(V: np.ndarray) -> dict[str, np.ndarray]:
    """The steady states of m, h and n at potentials (mV)."""
    found = rates(V)
    return {gate: found[f"alpha_{gate}"] / (found[f"alpha_{gate}"] + found[f"beta_{gate}"]) for gate in "mhn"}


def held(V: float) -> np.ndarray:
    """The states of an axon that was held at a potential (mV) for long."""
    return simulate(MODEL, {}, Segments(holding=V, held=(V, 0.01)), duration=0.01).final[0]


@cache
def rest() -> np.ndarray:
    """The states at rest, the same at every temperature."""
    return simulate(MODEL, {}, Step(0), duration=0.01, method="dop853", local_error=1e-12).final[0]


def shocked(displacement: float | np.ndarray, start: np.ndarray | None = None) -> np.ndarray:
    """States (n, 4) right after shocks that displace the potential (mV), of an axon at rest or in another state."""
    states = np.tile(rest() if start is None else start, (np.size(displacement), 1))
    states[:, 0] += displacement
    return states


def released(states: np.ndarray, celsius: float, duration: float, solver: Solver) -> Result:
    """What follows from states (n, 4) without stimulus, for a duration (ms)."""
    settings = {"duration": duration, "threshold": SPIKE, **solver}
    return simulate(MODEL, {"temperature.T": f"{celsius} degC"}, Step(0), initial_state=states, **settings)


def course(state: np.ndarray, celsius: float, duration: float, solver: Solver) -> Trace:
    """The time course that follows from a state (4,) without stimulus."""
    settings = {"duration": duration, "interval": 0.01, **solver}
    return trace(MODEL, {"temperature.T": f"{celsius} degC"}, Step(0), initial_state=state, **settings)


def conductances(found: pd.DataFrame) -> dict[str, pd.Series]:
    """Of sodium and potassium (mS/cm^2) along a trace."""
    sodium, potassium = (MODEL.parameters[f"{ion}.g"].value for ion in ("sodium", "potassium"))
    return {
        "sodium": sodium * found["sodium_m"] ** 3 * found["sodium_h"],
        "potassium": potassium * found["potassium_n"] ** 4,
    }


def outputs(
    names: tuple[str, ...], states: np.ndarray, celsius: float, duration: float, solver: Solver, start: float = 0.0
) -> dict[str, np.ndarray]:
    """What variables do from `start` to the end of what follows from states (n, 4).

    Returns float64 (n, names) by the words of OUTPUT: max, max_time, integral and so on.
    """
    settings = {"duration": duration, "observers": [Outputs(names, start)], **solver}
    stimulus, point = Step(np.zeros(len(states))), {"temperature.T": f"{celsius} degC"}
    return _by_word(simulate(MODEL, point, stimulus, initial_state=states, **settings), len(names))


def clamped_outputs(names: tuple[str, ...], V: np.ndarray, duration: float, solver: Solver) -> dict[str, np.ndarray]:
    """The same of steps of a voltage clamp, from V = 0 of the paper to potentials (n,)."""
    stimulus = Segments(holding=ZERO, test=(V, duration))
    return _by_word(simulate(MODEL, {}, stimulus, duration=duration, observers=[Outputs(names)], **solver), len(names))


def _by_word(found: Result, names: int) -> dict[str, np.ndarray]:
    table = found.record["outputs"].values.reshape(-1, names, len(OUTPUT))
    return dict(zip(OUTPUT, np.moveaxis(table, 2, 0), strict=True))


def threshold(fires: Callable[[np.ndarray], np.ndarray], low: float, high: float) -> float:
    """The least value that fires, by eight searches in 32 parts.

    fires : from values (33,) to whether each of them fires. Raises ValueError unless high fires and low does not
    """
    for _ in range(8):
        values = np.linspace(low, high, 33)
        if not (first := int(np.argmax(fires(values)))):
            raise ValueError(f"no threshold between {low} and {high}")
        low, high = values[first - 1], values[first]
    return float(high)
