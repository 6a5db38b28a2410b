"""How a feature depends on each quantity: of sampled designs, and of large grids."""

from hhcore.protocols.sensitivity.effects import Effects
from hhcore.protocols.sensitivity.sampling import Sampling
from hhcore.protocols.sensitivity.sobol import Sobol

__all__ = ["Effects", "Sampling", "Sobol"]
