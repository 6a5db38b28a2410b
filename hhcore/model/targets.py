"""What a drug or a block acts on: a parameter by its name, or a channel by that of its current or its gene.

Annotations of a file say which conductance is that of a current; where there are none, names of components do.
"""

from hhcore.base.errors import UserError, closest
from hhcore.model.elsewhere import GENES, channel_parameters, no_parameter
from hhcore.model.model import Model, Quantity
from hhcore.model.roles import converts, is_a

CHANNELS = ("conductance", "permeability")
ANNOTATED = {  # channels by the terms that files of the Web Lab have for their conductances
    "na": "fast_sodium",
    "nal": "persistent_sodium",
    "cal": "L_type_calcium",
    "kr": "rapid_delayed_rectifier_potassium",
    "ks": "slow_delayed_rectifier_potassium",
    "k1": "inward_rectifier_potassium",
    "to": "transient_outward",
    "kur": "ultrarapid_delayed_rectifier_potassium",
}
NOT_TARGETS = ("capacitance", "temperature", "reversal potential")


def target(name: str, model: Model, where: str) -> Quantity:
    """The parameter that a word means: its own name, or a current (IKr) or gene (hERG, SCN5A) of one channel.

    Raises UserError if there is none or several, and for one that no drug lowers, such as a reversal potential.
    """
    found = [model.parameters[name]] if name in model.parameters else _of_channel(_channel(name), model)
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


def _of_channel(channel: str, model: Model) -> list[Quantity]:
    """The parameter that the file annotates as the conductance of a channel, or those that are one by their names."""
    term = f"membrane_{ANNOTATED.get(channel, channel)}_current_conductance"
    annotated = [model.annotations.get(name) for name in (term, f"{term}_scaling_factor")]
    known = [model.parameters[name] for name in annotated if name in model.parameters]
    return known[:1] or channel_parameters(channel, model)


def _channel(name: str) -> str:
    """The channel of a current or a gene, as components of models call it: `kr` of IKr, I_Kr and hERG; "" of others."""
    word = name.lower()
    if word in GENES:
        return GENES[word].removeprefix("g")
    return word[1:].removeprefix("_") if word.startswith("i") and len(word) > 1 and "." not in word else ""


def _is_potential(quantity: Quantity) -> bool:
    return converts(quantity.unit, "V")
