"""The keys that both restitution protocols have in a config, and how they are read."""

from collections.abc import Mapping

from hhcore.base.errors import collected
from hhcore.model.model import Model
from hhcore.protocols.pacing.protocol import Pacing, read_durations
from hhcore.protocols.steady_state.settling import read_settling
from hhcore.simulation.settle import Settling


def read_common(body: Mapping[str, object], model: Model, way: str, where: str) -> tuple[Settling, Pacing]:
    """How cells are paced, by which `way` if it is left out, and what is measured of beats.

    Raises UserError for values that are not legal.
    """
    with collected() as noted:
        with noted():
            settling = read_settling(body, model, way, where)
        with noted():
            pacing = Pacing(**read_durations(body, model, where))
    return settling, pacing
