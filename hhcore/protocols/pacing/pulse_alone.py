"""Where the charge of a pulse on the membrane capacitance reaches the spike threshold, with no channel's help."""

import numpy as np

from hhcore.experiments.experiment import Experiment
from hhcore.experiments.relative import injected
from hhcore.simulation.capacitance import per_charge


def rise(e: Experiment, rows: np.ndarray, rheobase: np.ndarray) -> np.ndarray:
    """What a pulse alone adds to the potential of some neurons, float64 (n,), in the model's unit.

    rows     : int64 (n,), in the grid
    rheobase : float64 (n,), that their pulses may be shares of
    Returns NaN for a stimulus whose pulses have no amplitude and width.
    """
    points = dict(zip(e.quantities, injected(e, e.points(rows), rheobase).T, strict=True))
    if not {"amplitude", "width"} <= points.keys():
        return np.full(len(rows), np.nan)
    return points["amplitude"] * points["width"] * per_charge(e.model, e.parameters(points))


def pulse_alone(e: Experiment, count: int, onset: str) -> tuple[str, str]:
    """The line for the page on so many neurons. `onset` : of which beat, in words"""
    unit = e.model.states[e.model.potential].unit
    return (
        "pulse alone",
        f"{count:,} are taken from the potential at {onset} to {e.threshold:g} {unit} by the charge of a pulse on the "
        "membrane capacitance: a spike there does not show that the cell is excited. Give a smaller amplitude, or "
        "spikes: {threshold: ..., rearm: ...} above the response to the pulse",
    )
