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
__all__ = [
    "Biphasic",
    "Chirp",
    "Events",
    "FromFile",
    "HyperDepol",
    "Model",
    "Noise",
    "PairedPulses",
    "PulseTrain",
    "Ramp",
    "Result",
    "Run",
    "SAHP",
    "Segments",
    "Shock",
    "Sine",
    "Staircase",
    "Step",
    "Sum",
    "Trace",
    "Triangle",
    "UserError",
    "Waveform",
    "load_model",
    "models",
    "run",
    "simulate",
    "trace",
    "variants",
]
_HOMES = {
    "Biphasic": "simulation.stimuli.biphasic",
    "Chirp": "simulation.stimuli.chirp",
    "Events": "simulation.stimuli.events",
    "FromFile": "simulation.stimuli.file",
    "HyperDepol": "simulation.stimuli.hyper_depol",
    "Model": "model.model",
    "Noise": "simulation.stimuli.noise",
    "PairedPulses": "simulation.stimuli.paired_pulses",
    "PulseTrain": "simulation.stimuli.pulse_train",
    "Ramp": "simulation.stimuli.ramp",
    "Result": "simulation.result",
    "Run": "interface.outcome",
    "SAHP": "simulation.stimuli.sahp",
    "Segments": "simulation.stimuli.segments",
    "Shock": "simulation.stimuli.shock",
    "Sine": "simulation.stimuli.sine",
    "Staircase": "simulation.stimuli.staircase",
    "Step": "simulation.stimuli.step",
    "Sum": "simulation.stimuli.sum",
    "Trace": "simulation.result",
    "Triangle": "simulation.stimuli.triangle",
    "UserError": "base.errors",
    "Waveform": "simulation.stimuli.waveform",
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
        if name not in _HOMES:
            raise AttributeError(f"module 'hhcore' has no attribute {name!r}")
        return getattr(import_module(f"hhcore.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
