"""The shift by a kick by SciPy, straight from the model's equations."""

from contextlib import suppress

import numpy as np

from hhcore.experiments.experiment import Experiment
from hhcore.protocols.phase_response.cycle import latest
from hhcore.protocols.phase_response.kicks import cycle_starts
from hhcore.simulation.reference import reference
from hhcore.simulation.result import Ragged

CYCLES = 7  # after a kick
LONGEST_MS = 2000.0  # of all that SciPy integrates
SETTLED = 1e-8  # cycles: a shift that changes by more in SciPy's last cycle is not compared


def shift(
    experiment: Experiment,
    point: np.ndarray,
    begun: np.ndarray,
    phase: float,
    period: float,
    spikes: int,
    kick: float,
    scipy: tuple[str, float],
) -> float | None:
    """The shift of one neuron's cycle by a kick at a phase, in cycles.

    begun  : float64 (N,), the states at phase 0; period : in the model's unit of time; spikes : of a cycle
    scipy  : method of scipy.integrate.solve_ivp, and its tolerance
    Returns None if the cycle is long, if SciPy fails, and if the shift has not settled after a few cycles.
    """
    e, (method, tolerance), length = experiment, scipy, (CYCLES + 1) * period
    if (2 * length + period) * e.model.ms > LONGEST_MS:
        return None
    values = dict(zip(e.quantities, point.tolist(), strict=True))
    own = e.parameters(values) | {name: values[name] for name in e.stimulus.fields}
    settings = {"stimulus": e.stimulus, "threshold": e.threshold, "rearm": e.rearm, "method": method}
    settings |= {"rtol": tolerance, "atol": tolerance}

    def run(states: dict[str, float], duration: float) -> object:
        lasting = own | {"start": 0.0, "stop": duration}
        return reference(e.model, lasting, duration=duration, initial_state=states, **settings)

    with suppress(ArithmeticError, ValueError):  # LinAlgError is a ValueError
        states = dict(zip(e.model.states, begun.tolist(), strict=True))
        if phase:
            states = run(states, phase * period).final
        kicked = states | {e.model.potential: states[e.model.potential] + kick}
        starts = [_starts(run(begin, length).spike_times, spikes) for begin in (states, kicked)]
        shifts = [(ours - theirs) / period % 1.0 for ours, theirs in zip(*starts, strict=True)]
        if abs(shifts[1] - shifts[0]) < SETTLED:
            return shifts[1]
    return None


def _starts(times: np.ndarray, spikes: int) -> list[float]:
    """The spikes that begin the last cycle and the one before."""
    train = Ragged(times, np.array([0, len(times)]))
    return [float(part[0]) for part in cycle_starts(latest(train, 2 * spikes + 1), spikes)]
