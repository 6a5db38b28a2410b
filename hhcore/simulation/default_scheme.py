"""The scheme where no solver is given."""

from collections.abc import Sequence

from hhcore.model.model import Model
from hhcore.simulation.engine import engine
from hhcore.simulation.observers import Observer
from hhcore.simulation.stiffness import model_is_stiff
from hhcore.simulation.stimuli.stimulus import Stimulus

SCHEME, STIFF_SCHEME = "tsit5", "rodas5p"


def default_scheme(model: Model, kind: type[Stimulus], observers: Sequence[Observer] | None = None) -> str:
    """The scheme that suits a model, whatever the neurons: a row must not depend on the others."""
    return STIFF_SCHEME if model_is_stiff(engine(model, SCHEME, kind, observers)) else SCHEME
