"""Stimuli at a prompt whose currents are shares of rheobase, like hhcore.Step("150 %"), and the currents in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from hhcore.base.units import Quantities, column_name, to_array
from hhcore.model.model import Model
from hhcore.simulation.arguments import read_conditions, read_neurons
from hhcore.simulation.initial import InitialState, read_start
from hhcore.simulation.result import NO_RHEOBASE, STATUSES, Result, Trace
from hhcore.simulation.rheobase import current, rheobases
from hhcore.simulation.stimuli.shares import PERCENT
from hhcore.simulation.stimuli.stimulus import Stimulus


@dataclass(frozen=True)
class Relative:
    """n neurons whose currents may be shares of rheobase.

    stimulus : theirs, in currents; NaN where there is no rheobase
    rheobase : float64 (n,), None where no current is a share
    given    : the shares and the rheobase, float64 (n,) by column name
    """

    stimulus: Stimulus
    rheobase: np.ndarray | None = None
    given: Mapping[str, np.ndarray] = field(default_factory=dict)

    def mark(self, result: Result) -> Result:
        """The result with what was given, and the status of neurons without a rheobase."""
        if self.rheobase is None:
            return result
        status = np.where(self.rheobase > 0, result.status, NO_RHEOBASE).astype(np.int8)
        marked = result.adding(status=status, rheobase=self.rheobase)
        return replace(marked, given={**self.given, **result.given})

    def mark_trace(self, course: Trace) -> Trace:
        """The trace with that status."""
        if self.rheobase is not None and not self.rheobase[0] > 0:
            course.status = STATUSES[NO_RHEOBASE]
        return course


def relative(
    model: Model,
    points: Mapping[str, Quantities],
    stimulus: Stimulus,
    conditions: tuple,
    initial_state: InitialState,
    threads: int = 1,
) -> Relative:
    """The neurons of `simulate`; where a current is a share of rheobase, that is searched.

    conditions : what `read_conditions` takes
    Raises UserError for arguments that are not legal.
    """
    kind = type(stimulus).relative(stimulus.values) if isinstance(stimulus, Stimulus) else Stimulus
    if not kind.shares:
        return Relative(stimulus)
    run = read_conditions(model, *conditions)
    for name in kind.shares:
        kind.check_written(name, stimulus.values[name], PERCENT, f"stimulus.{name}")
    written = {name: to_array(stimulus.values[name], PERCENT, f"stimulus.{name}") for name in kind.shares}
    start = read_start(model, initial_state, stimulus)
    table, _ = read_neurons(model, points, type(stimulus)(**stimulus.values | written), run.duration, start)
    parameters, fields = np.split(table, [len(model.parameters)], axis=1)
    spike = run.threshold, run.rearm
    found = rheobases(model, parameters, start, run.duration, spike, threads=threads)
    shares = {name: fields[:, list(kind.fields).index(name)] for name in kind.shares}
    currents = {name: current(share, found) for name, share in shares.items()}
    given = {column_name(name, PERCENT): share for name, share in shares.items()}
    given[column_name("rheobase", model.current.unit)] = found
    return Relative(type(stimulus)(**stimulus.values | currents), found, given)
