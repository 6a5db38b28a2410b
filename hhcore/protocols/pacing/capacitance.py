"""What injected charge adds to the membrane potential."""

from collections.abc import Mapping

import numpy as np

from hhcore.experiments.experiment import Experiment

LARGE = 2.0**60  # a current beside which those of the membrane are lost in rounding


def per_charge(e: Experiment, points: Mapping[str, np.ndarray]) -> np.ndarray:
    """The potential that a unit of injected charge adds, 1 / capacitance in most models: float64 (n,) or ().

    points : float64 (n,) for each of the quantities of the experiment
    """
    from hhcore.simulation.reference import evaluate_with

    model, given = e.model, e.parameters(points)
    alike = {name: float(x[0]) for name, x in given.items() if np.ptp(x) == 0}  # conditions on them have one answer
    states = {name: state.value for name, state in model.states.items()}
    values = {**states, **points, **given, **alike, model.myokit.time().qname(): 0.0, model.current.name: LARGE}
    with np.errstate(all="ignore"):
        return evaluate_with(np, model, values)[f"dot({model.potential})"] / LARGE
