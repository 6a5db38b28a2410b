"""Compiled sweeps of conductance-based neuron models."""

from importlib import import_module

__version__ = "0.1.0"

_HOMES = {
    "FromFile": "simulation.stimuli.file",
    "Model": "model.model",
    "PulseTrain": "simulation.stimuli.pulse_train",
    "Result": "simulation.result",
    "Step": "simulation.stimuli.step",
    "UserError": "base.errors",
    "load_model": "model.model",
    "models": "model.model",
    "run": "interface.run",
    "simulate": "simulation.simulate",
    "trace": "simulation.simulate",
    "variants": "model.model",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str):
    """Import a public name when it is first used: a job that draws figures need not load the compiler."""
    if name not in _HOMES:
        raise AttributeError(f"module 'hhcore' has no attribute {name!r}")
    return getattr(import_module(f"hhcore.{_HOMES[name]}"), name)
