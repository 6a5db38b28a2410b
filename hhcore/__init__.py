"""Compiled sweeps of conductance-based neuron models."""

__version__ = "0.1.0"

from hhcore.errors import UserError
from hhcore.model import Model, load_model, models
from hhcore.simulate import Result, simulate, trace
from hhcore.stimulus import Step

__all__ = ["Model", "Result", "Step", "UserError", "load_model", "models", "simulate", "trace"]
