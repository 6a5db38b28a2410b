"""How far a charge takes the membrane potential, with no channel's help."""

from collections.abc import Mapping

import numpy as np

from hhcore.model.model import Model

LARGE = 2.0**60  # a current beside which those of the membrane are lost in rounding


def per_charge(model: Model, parameters: Mapping[str, float | np.ndarray]) -> np.ndarray:
    """The potential that a unit of injected charge adds, 1 / capacitance in most models: float64 (n,) or ().

    parameters : a number, or float64 (n,), for each parameter of the model
    """
    from hhcore.simulation.reference import evaluate_with  # here, since it loads SciPy

    states = {name: state.value for name, state in model.states.items()}
    alike = {name: float(x[0]) for name, x in parameters.items() if np.ndim(x) and np.ptp(x) == 0}  # one condition each
    values = {**states, **parameters, **alike, model.myokit.time().qname(): 0.0, model.current.name: LARGE}
    with np.errstate(all="ignore"):
        return evaluate_with(np, model, values)[f"dot({model.potential})"] / LARGE
