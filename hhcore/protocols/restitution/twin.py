"""The end of an action potential by SciPy, straight from the model's equations."""

from contextlib import suppress

import numpy as np

from hhcore.experiments.experiment import Experiment
from hhcore.simulation.reference import reference
from hhcore.simulation.result import Result

LEFT = 0.1  # of the height of an action potential, where APD90 ends
BEFORE = 0.01  # ms, over which the slope of the potential is taken there


def end_error(
    experiment: Experiment, point: np.ndarray, begun: np.ndarray, runs: Result, scipy: tuple[str, float]
) -> float | None:
    """How far off the end of APD90 is in the last beat, of the last of `runs` that has one, in the unit of time.

    The potential of SciPy at that time says so, by its slope there.

    begun : the state in which all runs begin, float64 (N,)
    scipy : method of scipy.integrate.solve_ivp, and its tolerance
    Returns None if SciPy fails, as it may for extreme parameters, and if no run has an end.
    """
    e, (method, tolerance), length = experiment, scipy, len(runs.beat_values) // max(len(runs.status), 1)
    last = runs.beat_values[length - 1 :: length or 1]
    rows = np.flatnonzero(np.isfinite(last[:, runs.measured.columns.index("ninety_time")]))
    if not len(rows):
        return None
    beat = dict(zip(runs.measured.columns, last[rows[-1]].tolist(), strict=True))
    train = {"period": float(runs.record["interval"][rows[-1]]), "number": length, "start": 0.0}
    values = dict(zip(e.quantities, point.tolist(), strict=True))
    own = e.parameters(values) | {name: values[name] for name in e.stimulus.fields} | train
    start, end = dict(zip(e.model.states, begun.tolist(), strict=True)), beat["ninety_time"]
    with suppress(ArithmeticError, ValueError):  # LinAlgError is a ValueError
        settings = {"method": method, "rtol": tolerance, "atol": tolerance, "initial_state": start}
        twin = reference(e.model, own, duration=end, stimulus=e.stimulus, **settings)
        potential, before = list(e.model.states).index(e.model.potential), BEFORE / e.model.ms
        late, early = twin.at(end)[potential], twin.at(end - before)[potential]
        level = beat["rest"] + LEFT * (beat["peak"] - beat["rest"])
        return abs(level - late) * before / abs(late - early)
    return None
