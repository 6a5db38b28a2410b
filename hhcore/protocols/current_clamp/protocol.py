"""Current clamp: inject a current, starting from the initial state; keep spike times and the range of the potential."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass

import numpy as np
import pyarrow as pa

from hhcore.base.errors import UserError
from hhcore.compile.parts import COMMAND
from hhcore.experiments.experiment import Experiment
from hhcore.experiments.protocol import Accuracy, Begun, Height, Protocol, schema_of
from hhcore.simulation.features import DEFINITIONS
from hhcore.simulation.heights import Errors, extreme_errors
from hhcore.simulation.initial import InitialState
from hhcore.simulation.observers import Extremes, Observer, Spikes
from hhcore.simulation.outputs import Output, observers_of, output_columns, output_definitions, output_errors
from hhcore.simulation.result import Result
from hhcore.simulation.spike_errors import spike_time_errors
from hhcore.simulation.stimuli.stimulus import Stimulus

CHECKED_MS, CHECKED_SPIKES = 300.0, 5  # of a run, simulated by SciPy: whichever ends first
SPIKES_HZ = 150.0  # of a fast neuron, to estimate memory and time

SPIKE_TIMES = Accuracy(
    label="Spike-time error",
    column="spike_time_error_us",
    unit="us",
    tolerance=("ms", 1e-6, 1.0, "between 1 ns and 1 ms; it is the largest error of a spike time, such as 1 us"),
    factor=1000.0,
    meaning="largest difference of a spike time from the reference, a lost or added spike as if it came at the end of "
    "the run; null without spikes and where it or the reference failed",
    outcome="spike_count",
    outcome_meaning="spikes in the whole run",
    reference_meaning="spikes of the reference",
    fragile_meaning="whether its spike count depends on the accuracy of the chosen scheme, or it cannot be certified",
    missing="does not fire",
    none="none fires",
    nothing="No neuron of the sample fires: no spike times to judge solvers by.",
    heights=(
        Height("peak_error_mV", "mV", "error of peak_mV; null where the neuron or the reference failed"),
        Height("trough_error_mV", "mV", "error of trough_mV; null where the neuron or the reference failed"),
    ),
)


@dataclass(frozen=True)
class CurrentClamp(Protocol):
    """Current clamp; its errors are those of spike times.

    outputs : what is noted of other variables than the potential; each is a column of features
    """

    outputs: tuple[Output, ...] = ()

    kind = "current_clamp"
    title = "current clamp"
    schema = schema_of(Spikes, Extremes)
    accuracy = SPIKE_TIMES
    definitions = DEFINITIONS
    headline = ("firing_rate_Hz", "Firing rate", "Hz")
    error_code = ("simulation/spike_errors.py", "simulation/spike_errors.py.in")

    def __post_init__(self) -> None:
        """With outputs, what its class declares has more columns."""
        if not self.outputs:
            return
        declared = {
            "schema": pa.unify_schemas([self.schema, schema_of(*observers_of(self.outputs))]),
            "accuracy": self.accuracy.judging(self.outputs),
            "definitions": {**self.definitions, **output_definitions(self.outputs)},
        }
        for name, value in declared.items():
            object.__setattr__(self, name, value)

    @property
    def settings(self) -> tuple:
        """The variables and windows of the outputs; what they are called, and what is measured, comes later."""
        return tuple(setting for observer in observers_of(self.outputs) for setting in astuple(observer))

    def observers(self, experiment: Experiment) -> tuple[Observer, ...]:
        """The standard ones, and those of outputs."""
        return (*super().observers(experiment), *observers_of(self.outputs))

    @classmethod
    def default_for(cls, stimulus: type[Stimulus]) -> bool:
        return cls.takes(stimulus) and not stimulus.beat

    @classmethod
    def takes(cls, stimulus: type[Stimulus]) -> bool:
        """It takes any stimulus but the command of a clamp."""
        return stimulus.acts != COMMAND

    def errors(self, run: Result, exact: Result, experiment: Experiment) -> np.ndarray:
        """Largest error of the spike times; NaN without spikes, and if the neuron fails in either run."""
        error = spike_time_errors(run.spike_times, run.offsets, exact.spike_times, exact.offsets, experiment.duration)
        return np.where(run.failed | exact.failed, np.nan, error)

    def heights(self, run: Result, exact: Result, experiment: Experiment) -> dict[str, Errors]:
        """Errors of peak and trough, and of outputs."""
        errors = {f"{name}_error_mV": found for name, found in extreme_errors(run, exact).items()}
        return errors | output_errors(self.outputs, run, exact)

    def outcome(self, run: Result) -> np.ndarray:
        return run.spike_counts

    def check(
        self, experiment: Experiment, point: np.ndarray, run: Result, row: int, scipy: tuple[str, float]
    ) -> float | None:
        """Compare the first 300 ms, or five spikes, with SciPy, straight from the model's equations."""
        duration = min(experiment.duration, CHECKED_MS / experiment.model.ms)
        ours = run.spike_times[run.offsets[row] : run.offsets[row + 1]]
        ours = ours[ours <= duration]
        if len(ours) > CHECKED_SPIKES:
            duration = float(ours[CHECKED_SPIKES - 1 : CHECKED_SPIKES + 1].mean())
            ours = ours[:CHECKED_SPIKES]
        theirs = _by_scipy(experiment, self.begun(experiment, run.solver, point[None]), point, duration, scipy)
        if theirs is None:
            return None
        ends = np.array([0, len(ours)]), np.array([0, len(theirs)])
        difference = float(spike_time_errors(ours, ends[0], theirs, ends[1], duration)[0])
        return None if np.isnan(difference) else difference  # neither has a spike so early

    def columns(self, result: Result) -> dict[str, np.ndarray]:
        return result.columns | output_columns(self.outputs, result)

    def numbers(self, experiment: Experiment) -> float:
        spikes = SPIKES_HZ * experiment.duration * experiment.model.ms / 1000.0
        return spikes + sum(observer.numbers for observer in observers_of(self.outputs))


def _by_scipy(
    e: Experiment, begun: Begun, point: np.ndarray, duration: float, scipy: tuple[str, float]
) -> np.ndarray | None:
    """Spike times of one neuron; None if SciPy fails, as it may for extreme parameters."""
    from hhcore.simulation.reference import reference  # here, since jobs that only simulate do without SciPy

    method, tolerance = scipy
    values = dict(zip(e.quantities, point.tolist(), strict=True))
    train = {name: float(x.ravel()[0]) for name, x in begun.stimulus.columns(e.model, e.duration).items()}
    try:
        return reference(
            e.model,
            e.parameters(values) | train,
            duration=duration,
            stimulus=e.stimulus,
            initial_state=_start_of_one(e, begun.start),
            threshold=e.threshold,
            rearm=e.rearm,
            method=method,
            rtol=tolerance,
            atol=tolerance,
        ).spike_times
    except UserError:  # a ValueError too, and no failure of SciPy's
        raise
    except (ArithmeticError, ValueError):  # LinAlgError is a ValueError
        return None


def _start_of_one(e: Experiment, start: InitialState) -> str | dict[str, float | str]:
    """Where the one neuron of a run starts, as the reference takes it."""
    if isinstance(start, str):
        return start
    if isinstance(start, Mapping):
        return {name: x if isinstance(x, str) else float(np.ravel(x)[0]) for name, x in start.items()}
    return dict(zip(e.model.states, np.asarray(start, dtype=float).reshape(-1).tolist(), strict=True))
