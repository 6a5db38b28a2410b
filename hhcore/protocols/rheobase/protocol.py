"""Rheobase: for each neuron, the least amplitude of the stimulus with which it fires."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from hhcore.base.units import column_name
from hhcore.experiments.experiment import Experiment
from hhcore.experiments.protocol import Begun
from hhcore.protocols.rheobase.searching import (
    STATUS,
    Searching,
    found_in,
    found_schema,
    record_of,
    status_of,
    threshold_columns,
    threshold_definitions,
)
from hhcore.schemes.solver import Solver
from hhcore.simulation.result import Column, Result
from hhcore.simulation.search.thresholds import continued, search
from hhcore.simulation.search.trials import Tested
from hhcore.simulation.stimuli.stimulus import Stimulus


@dataclass(frozen=True)
class Rheobase(Searching):
    """A search of one threshold for each neuron."""

    kind = "rheobase"
    title = "rheobase"
    schema = found_schema()
    definitions = threshold_definitions("") | STATUS
    headline = ("threshold", "Threshold", "1")

    def suited(self, stimulus: type[Stimulus], swept: tuple[str, ...], where: str) -> "Rheobase":
        """With the columns of what is searched."""
        found = super().suited(stimulus, swept, where)
        definitions = threshold_definitions(found.unit, found.field) | STATUS
        label = "Rheobase" if stimulus.kind == "step" else "Threshold"
        own = {"definitions": definitions, "headline": (next(iter(definitions)), label, found.unit)}
        for name, value in own.items():
            object.__setattr__(found, name, value)
        return found

    @property
    def supplied_from(self) -> dict[str, str]:
        """The upper end of the bracket, with which it fires."""
        return {self.field: column_name("threshold_high", self.unit)}

    def searched_of(
        self,
        experiment: Experiment,
        tested: Tested,
        status: np.ndarray,
        known: Mapping[str, Column] | None,
        progress: Callable[[int], None] | None,
    ) -> Result:
        """One threshold of each."""
        e = experiment
        if known is None:
            found = search(tested, self.within, self.sign, progress=progress)
        else:
            found = continued(tested, found_in(known), self.within, progress)
        record = record_of(found) | {
            "status": status_of(found, status),
            "ended": found.ended,
            "steps": found.steps,
            "final": tested.states,
        }
        return Result(record, e.analysis_window, e.model.ms, sum(tested.seconds), mV=e.model.mV)

    def unfinished(self, record: Mapping[str, np.ndarray]) -> np.ndarray:
        """Where brackets are too wide."""
        return found_in(record).wide(self.within)

    def columns(self, result: Result) -> dict[str, np.ndarray]:
        """As a search with `within` finds them, though the store may know more."""
        return threshold_columns(found_in(result.record), self.unit, result.ms, self.within) | self.numerics(result)

    def begun(self, experiment: Experiment, solver: Solver, points: np.ndarray, *, threads: int = 1) -> Begun:
        """A trace shows the response at the upper end of the bracket; without a threshold, no stimulus."""
        tested, status = self.tested(experiment, solver, points, threads)
        found = search(tested, self.within, self.sign)
        columns = dict(zip(experiment.quantities, points.T, strict=True))
        values = {self.field: np.nan_to_num(found.high)}
        stimulus = replace(experiment.stimuli(columns), **values)
        return Begun(stimulus, tested.states, {"status": status_of(found, status)})
