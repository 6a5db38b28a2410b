"""Currents of one clamped neuron by SciPy, straight from the model's equations."""

from contextlib import suppress

import numpy as np

from hhcore.experiments.experiment import Experiment
from hhcore.simulation.reference import evaluate, reference


def by_scipy(
    experiment: Experiment, point: np.ndarray, times: np.ndarray, scipy: tuple[str, float]
) -> np.ndarray | None:
    """Membrane currents and their sum at times, float64 (k,): float64 (k, currents + 1). At an edge, before it.

    scipy : method of scipy.integrate.solve_ivp, and its tolerance

    Returns None if SciPy fails, as it may for extreme parameters.
    """
    e, (method, tolerance) = experiment, scipy
    values = dict(zip(e.quantities, point.tolist(), strict=True))
    parameters = e.parameters(values)
    with suppress(ArithmeticError, ValueError):  # LinAlgError is a ValueError
        settings = {"duration": e.duration, "stimulus": e.stimulus, "initial_state": e.start(values)}
        own = parameters | {name: values[name] for name in e.stimulus.fields}
        run = reference(e.model, own, **settings, method=method, rtol=tolerance, atol=tolerance)
        rows = []
        for t in times.tolist():
            state = dict(zip(e.model.states, run.at(t).tolist(), strict=True))
            found = evaluate(e.model, state, parameters, time=t)
            rows.append([found[name] for name in e.model.currents])
        currents = np.array(rows)
        return np.column_stack([currents, currents.sum(axis=1)])
    return None
