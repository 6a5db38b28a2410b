"""Current clamp that keeps the shape of each action potential and the response to the stimulus, as in eFEL."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from hhcore.base.checks import Key, quoted
from hhcore.base.errors import UserError
from hhcore.base.units import to_unit
from hhcore.experiments.experiment import Experiment
from hhcore.experiments.protocol import Height, schema_of
from hhcore.model.model import Model
from hhcore.protocols.current_clamp.protocol import SPIKE_TIMES, SPIKES_HZ, CurrentClamp
from hhcore.simulation.heights import Errors, shape_errors
from hhcore.simulation.observers import BEGIN_V_S, END_V_S, Observer, shape_observers
from hhcore.simulation.observers.extremes import Extremes
from hhcore.simulation.observers.response import Response
from hhcore.simulation.observers.shapes import SHAPE
from hhcore.simulation.observers.shapes import Shapes as SpikeShapes
from hhcore.simulation.observers.spikes import Spikes
from hhcore.simulation.result import Result
from hhcore.simulation.shapes import OF_NEURONS

OVER_SPIKES = "the largest over the spikes that have it in both runs"
SHAPE_HEIGHTS = (
    Height("ap_begin_error_mV", "mV", f"error of ap_begin_mV, {OVER_SPIKES}"),
    Height("ap_peak_error_mV", "mV", f"error of ap_peak_mV, {OVER_SPIKES}"),
    Height("ap_half_width_error_ms", "ms", f"error of ap_half_width_ms, {OVER_SPIKES}"),
    Height("ap_upstroke_error_V_s", "V/s", f"error of ap_upstroke_V_s, {OVER_SPIKES}", share=1e-2),
    Height("ap_downstroke_error_V_s", "V/s", f"error of ap_downstroke_V_s, {OVER_SPIKES}", share=1e-2),
    Height("ahp_error_mV", "mV", f"error of ahp_mV, {OVER_SPIKES}"),
    Height("steady_voltage_error_mV", "mV", "error of steady_voltage_mV"),
    Height("minimum_voltage_error_mV", "mV", "error of minimum_voltage_mV"),
)


@dataclass(frozen=True)
class Shapes(CurrentClamp):
    """Current clamp with shapes.

    begin_slope, end_slope : dV/dt at which an action potential begins and ends [V/s]
    """

    begin_slope: float = BEGIN_V_S
    end_slope: float = END_V_S

    kind = "shapes"
    title = "current clamp, shapes of action potentials"
    keys = {
        "begin_slope": Key(
            "dV/dt from which on an action potential begins",
            "begin_slope: 10 V/s",
            otherwise=f"{BEGIN_V_S:g} V/s, as in eFEL",
            unit="V/s",
            elsewhere=dict.fromkeys(("DerivativeThreshold", "dvdt_threshold"), "`begin_slope: 10 V/s`"),
        ),
        "end_slope": Key(
            "dV/dt, below 0, at which it ends",
            "end_slope: -12 V/s",
            otherwise=f"{END_V_S:g} V/s, as in eFEL",
            unit="V/s",
            elsewhere=dict.fromkeys(("DownDerivativeThreshold",), "`end_slope: -12 V/s`"),
        ),
    }
    schema = schema_of(Spikes, Extremes, SpikeShapes, Response)
    accuracy = replace(SPIKE_TIMES, heights=(*SPIKE_TIMES.heights, *SHAPE_HEIGHTS))
    definitions = CurrentClamp.definitions | OF_NEURONS
    headline = ("mean_ap_half_width_ms", "Mean half-width", "ms")

    @classmethod
    def default_for(cls, stimulus: type) -> bool:
        """No: it is named in a config."""
        return False

    @classmethod
    def read(cls, body: Mapping[str, object], model: Model, duration: float, where: str) -> "Shapes":
        """Raises UserError unless begin_slope is above 0 and end_slope below."""
        slopes = {name: to_unit(body.get(name, getattr(cls, name)), "V/s", f"{where}.{name}") for name in cls.keys}
        for name, side, sign in (("begin_slope", "above", 1.0), ("end_slope", "below", -1.0)):
            if not sign * slopes[name] > 0.0:
                example = cls.keys[name].example
                raise UserError(f"{where}.{name}: {quoted(body[name])} is not {side} 0 V/s; give it, like `{example}`")
        return cls(**slopes)

    @property
    def settings(self) -> tuple:
        """The slopes, and the outputs."""
        return self.begin_slope, self.end_slope, *super().settings

    def observers(self, experiment: Experiment) -> tuple[Observer, ...]:
        e, units = experiment, (experiment.model.ms, experiment.model.mV)
        own = shape_observers(e.threshold, e.rearm, self.begin_slope, self.end_slope, *units)
        return *super().observers(e), *own

    def heights(self, run: Result, exact: Result, experiment: Experiment) -> dict[str, Errors]:
        """Errors of extremes, of the shapes of spikes, and of the response."""
        of_shapes = zip(SHAPE_HEIGHTS, shape_errors(run, exact).values(), strict=True)
        return super().heights(run, exact, experiment) | {height.column: errors for height, errors in of_shapes}

    def height_of(self, feature: str) -> Height | None:
        """Of spikes, the largest error bounds that of the first and of the mean."""
        return super().height_of(feature.removeprefix("first_").removeprefix("mean_"))

    def numbers(self, experiment: Experiment) -> float:
        return super().numbers(experiment) + len(SHAPE) * SPIKES_HZ * self.simulated_ms(experiment) / 1000.0
