"""Hold a neuron by the stimulus for the duration, then watch it without stimulus."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from hhcore import Step, simulate
from hhcore.base.checks import Key
from hhcore.base.errors import UserError
from hhcore.base.units import to_unit
from hhcore.experiments.protocol import Accuracy, Protocol
from hhcore.simulation.features import FAILED
from hhcore.simulation.result import STATUSES, Result


@dataclass(frozen=True)
class AnodeBreak(Protocol):
    """watched : how long the neuron is watched after its release, in the model's unit of time."""

    watched: float

    kind = "anode_break"
    title = "anode break"
    keys = {
        "watched": Key("time for which it is watched after its release", "watched: 20 ms", required=True, unit="time")
    }
    keeps_final = True
    schema = pa.schema([("rebound", pa.float64()), ("rebound_spikes", pa.int64())])
    accuracy = Accuracy(
        label="Rebound error",
        column="rebound_error_mV",
        unit="mV",
        tolerance=("mV", 1e-9, 1.0, "between 1e-9 and 1 mV; it is the largest error of a rebound"),
        factor=1.0,
        meaning="difference of the rebound from the reference",
        outcome="rebound_spike_count",
        outcome_meaning="spikes after the release",
        reference_meaning="spikes of the reference",
        fragile_meaning="whether its spike count depends on the accuracy, or it cannot be certified",
        missing="failed",
        none="all failed",
        nothing="Every neuron of the sample failed.",
    )
    definitions = {
        "rebound_mV": ("mV", "highest membrane potential after the release"),
        "rebound_spike_count": ("1", "spikes after the release"),
        "status": ("1", "how the neuron ended"),
        "failed_ms": ("ms", "time at which a neuron diverged or stalled"),
        "rebound_error_mV": ("mV", "estimated error of the rebound; null where it was not estimated"),
        "fragile": ("1", "whether the spike count depends on the accuracy; null where it was not tested"),
    }
    headline = ("rebound_mV", "Rebound", "mV")

    @classmethod
    def takes(cls, stimulus):
        """A current that can last for the whole duration, at the end of which the neuron is released."""
        return stimulus is Step

    @classmethod
    def read(cls, body, model, duration, where):
        """Raises UserError unless `watched` is a time above 0."""
        watched = to_unit(body["watched"], model.time_unit, f"{where}.watched")
        if watched <= 0:
            raise UserError(f"{where}.watched: {watched:g} {model.time_unit} is not above 0; give a time")
        return cls(watched)

    def measure(self, experiment, solver, points, *, threads=1, progress=None):
        """Two runs; the second begins where the first ended, for each neuron in its own state."""
        e, columns = experiment, dict(zip(experiment.quantities, points.T, strict=True))
        parameters = e.parameters(columns)
        settings = {"method": solver.method, solver.setting: solver.accuracy, "threads": threads}
        settings |= {"threshold": e.threshold, "rearm": e.rearm}
        start = {"duration": e.duration, "initial_state": e.start(columns)}
        held = simulate(e.model, parameters, e.stimuli(columns), **start, **settings, progress=progress)
        start = {"duration": self.watched, "initial_state": held.final}
        free = simulate(e.model, parameters, Step(np.zeros(len(points))), **start, **settings)
        record = {
            "status": np.maximum(held.status, free.status),
            "ended": np.where(held.failed, held.ended, e.duration + free.ended),
            "final": free.final,
            "steps": held.steps + free.steps,
            "rebound": free.peak,
            "rebound_spikes": free.spike_counts,
        }
        window, seconds = (e.duration, e.duration + self.watched), held.kernel_s + free.kernel_s
        return Result(record, window, e.model.ms, seconds, mV=e.model.mV)

    def errors(self, run, exact, experiment):
        """Of the rebound."""
        difference = np.abs(run.record["rebound"] - exact.record["rebound"])
        return np.where(run.failed | exact.failed, np.nan, difference)

    def outcome(self, run):
        """Spikes after the release."""
        return run.record["rebound_spikes"]

    def columns(self, result):
        """A neuron that failed has no rebound."""
        status = np.array(STATUSES, dtype=object)[result.status]
        failed = np.isin(status, FAILED)
        return {
            "rebound_mV": np.where(failed, np.nan, result.record["rebound"] * result.mV),
            "rebound_spike_count": np.ma.masked_array(result.record["rebound_spikes"], failed),
            "status": status,
            "failed_ms": np.where(failed, result.ended * result.ms, np.nan),
            "rebound_error_mV": result.error * result.mV,
            "fragile": np.ma.masked_array(result.fragile == 1, np.isnan(result.fragile)),
        }

    def simulated_ms(self, experiment):
        """Both runs."""
        return (experiment.duration + self.watched) * experiment.model.ms
