"""Compiled sweeps of conductance-based neuron models.

simulate    neurons of a model, one for each value of its parameters, of the stimulus or of initial states
trace       the time course of one neuron
run         experiments as a config describes them: their tables as data frames
models, variants, load_model    the catalogue, published parameter sets, your own model file
Step, Ramp, Sine, PulseTrain, ...    stimuli: docs/stimuli.md lists them
Segments    the command of a voltage clamp
Result, Trace, Run              what simulate, trace and run return

>>> import hhcore
>>> hhcore.simulate("hodgkin_huxley_1952", {}, hhcore.Step("10 uA/cm^2"), duration="50 ms").spike_counts.tolist()
[4]
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hhcore.base.errors import UserError
    from hhcore.interface.outcome import Run
    from hhcore.interface.run import run
    from hhcore.interface.simulate import simulate, trace
    from hhcore.model.model import Model, load_model, models, variants
    from hhcore.simulation.result import Result, Trace
    from hhcore.simulation.stimuli.biphasic import Biphasic
    from hhcore.simulation.stimuli.chirp import Chirp
    from hhcore.simulation.stimuli.events import Events
    from hhcore.simulation.stimuli.file import FromFile
    from hhcore.simulation.stimuli.hyper_depol import HyperDepol
    from hhcore.simulation.stimuli.noise import Noise
    from hhcore.simulation.stimuli.paired_pulses import PairedPulses
    from hhcore.simulation.stimuli.pulse import Pulse
    from hhcore.simulation.stimuli.pulse_train import PulseTrain
    from hhcore.simulation.stimuli.ramp import Ramp
    from hhcore.simulation.stimuli.sahp import SAHP
    from hhcore.simulation.stimuli.segments import Segments
    from hhcore.simulation.stimuli.shock import Shock
    from hhcore.simulation.stimuli.sine import Sine
    from hhcore.simulation.stimuli.staircase import Staircase
    from hhcore.simulation.stimuli.step import Step
    from hhcore.simulation.stimuli.sum import Sum
    from hhcore.simulation.stimuli.triangle import Triangle
    from hhcore.simulation.stimuli.waveform import Waveform

__version__ = "0.1.0"
_HOMES = {
    "Model": "model.model",
    "Result": "simulation.result",
    "Run": "interface.outcome",
    "Trace": "simulation.result",
    "UserError": "base.errors",
    "load_model": "model.model",
    "models": "model.model",
    "run": "interface.run",
    "simulate": "interface.simulate",
    "trace": "interface.simulate",
    "variants": "model.model",
}


if not TYPE_CHECKING:  # a checker would believe that there is every name

    def __getattr__(name: str):
        """Import a public name when it is first used: a job that draws figures need not load the compiler."""
        if name == "__all__":
            return sorted([*_HOMES, *_stimuli()])
        if name in _HOMES:
            return getattr(import_module(f"hhcore.{_HOMES[name]}"), name)
        if name[:1].isupper() and name in (stimuli := _stimuli()):
            return stimuli[name]
        raise AttributeError(f"module 'hhcore' has no attribute {name!r}")


def _stimuli() -> dict[str, type]:
    """The stimuli of the registry, by the name of their class; for checkers of types those of hhcore stand above."""
    return {kind.__name__: kind for kind in import_module("hhcore.simulation.stimuli").classes()}


def __dir__() -> list[str]:
    return [*_HOMES, *_stimuli(), "__version__"]
