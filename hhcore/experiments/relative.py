"""Currents as shares of each neuron's rheobase, like `150 %`: from the points of a grid to the currents themselves.

A point has shares, in percent; so its key, its place on an axis and its column do not depend on what is searched.
Before neurons are simulated, their points go through here once: what comes out has currents instead.
"""

from collections.abc import Callable, Mapping

import numpy as np

from hhcore.base.units import column_name
from hhcore.experiments.experiment import Experiment
from hhcore.simulation import rheobase as searched
from hhcore.simulation.initial import read_start
from hhcore.simulation.result import NO_RHEOBASE, Result
from hhcore.simulation.rheobase import current

MEANING = (
    "least current of a step as long as the run that makes a spike, searched; 0 of a neuron that fires without a "
    "stimulus, null without a rheobase"
)


def rheobases(
    experiment: Experiment,
    points: np.ndarray,
    *,
    threads: int = 1,
    progress: Callable[[int], None] | None = None,
) -> np.ndarray:
    """The rheobase of rows of `Experiment.points`, float64 (n,), as hhcore.simulation.rheobase defines it.

    NaN where no current is a share of it.
    """
    e = experiment
    if not e.stimulus.shares:
        return np.full(len(points), np.nan)
    rows, start = e.parts(points)
    parameters = rows[:, : len(e.model.parameters)]
    settings = {"threads": threads} | ({"progress": progress} if progress else {})
    spike = e.threshold, e.rearm
    return searched.rheobases(e.model, parameters, read_start(e.model, start), e.duration, spike, **settings)


def injected(experiment: Experiment, points: np.ndarray, rheobase: np.ndarray) -> np.ndarray:
    """Rows of `Experiment.points` with currents in the place of shares; NaN where there is no rheobase."""
    points = points.copy()
    for name in experiment.stimulus.shares:
        column = experiment.quantities.index(name)
        points[:, column] = current(points[:, column], rheobase)
    return points


def with_currents(experiment: Experiment, points: np.ndarray, threads: int = 1) -> np.ndarray:
    """The same, of neurons whose rheobase is searched here."""
    return injected(experiment, points, rheobases(experiment, points, threads=threads))


def marked(experiment: Experiment, result: Result, rheobase: np.ndarray) -> Result:
    """The result with the rheobase of each neuron. One without has a status of its own, and has not begun."""
    if not experiment.stimulus.shares:
        return result
    without = ~(rheobase > 0)
    status = np.where(without, NO_RHEOBASE, result.status).astype(np.int8)
    return result.adding(rheobase=rheobase, status=status, ended=np.where(without, np.nan, result.ended))


def definitions(experiment: Experiment) -> dict[str, tuple[str, str]]:
    """Unit and definition of `columns`; none where no current is a share."""
    e, unit = experiment, experiment.model.current.unit
    if not e.stimulus.shares:
        return {}
    kind = e.stimulus.in_currents()
    found = {column_name("rheobase", unit): (unit, MEANING)}
    return found | {column_name(name, unit): (unit, kind.fields[name].meaning) for name in e.stimulus.shares}


def columns(experiment: Experiment, axes: Mapping[str, np.ndarray], rheobase: np.ndarray) -> dict[str, np.ndarray]:
    """The rheobase of n neurons and the currents that are shares of it, float64 (n,), by the names of `definitions`.

    axes : the swept quantities, by column name
    """
    e = experiment
    shares = (axes.get(e.column(name), e.defaults[name]) for name in e.stimulus.shares)
    return dict(zip(definitions(e), [rheobase, *(current(share, rheobase) for share in shares)], strict=False))
