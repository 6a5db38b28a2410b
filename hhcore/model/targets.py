"""What a drug or a block acts on: a parameter by its name, or a channel by that of its current or its gene."""

from hhcore.base.errors import UserError, closest
from hhcore.model.elsewhere import GENES, channel_parameters, no_parameter
from hhcore.model.model import Model, Quantity
from hhcore.model.roles import converts, is_a

CHANNELS = ("conductance", "permeability")
NOT_TARGETS = ("capacitance", "temperature", "reversal potential")


def target(name: str, model: Model, where: str) -> Quantity:
    """The parameter that a word means: its own name, or a current (IKr) or gene (hERG, SCN5A) of one channel.

    Raises UserError if there is none or several, and for one that no drug lowers, such as a reversal potential.
    """
    found = [model.parameters[name]] if name in model.parameters else channel_parameters(_channel(name), model)
    if len(found) > 1:
        names = " and ".join(q.name for q in found)
        raise UserError(f"{where}: {name!r} may mean {names} in model {model.name!r}; name one of them")
    if not found and _channel(name):
        channels = [q.name for q in model.parameters.values() if any(is_a(role, q) for role in CHANNELS)]
        raise UserError(f"{where}: model {model.name!r} has no one channel {name!r}; {closest(name, channels)}")
    if not found:
        raise UserError(f"{where}: {no_parameter(name, model)}")
    (quantity,) = found
    what = next((role for role in NOT_TARGETS if is_a(role, quantity)), "potential" if _is_potential(quantity) else "")
    if what:
        raise UserError(
            f"{where}: {quantity.name} is a {what}, which a drug or a block does not lower; name a conductance, a "
            "permeability, a rate or the like, or set it in `parameters`"
        )
    return quantity


def _channel(name: str) -> str:
    """The channel of a current or a gene, as components of models call it: `kr` of IKr, I_Kr and hERG; "" of others."""
    word = name.lower()
    if word in GENES:
        return GENES[word].removeprefix("g")
    return word[1:].removeprefix("_") if word.startswith("i") and len(word) > 1 and "." not in word else ""


def _is_potential(quantity: Quantity) -> bool:
    return converts(quantity.unit, "V")
