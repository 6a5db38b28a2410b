"""What a drug or a block acts on: a parameter by its name, or a channel by that of its current or its gene.

Annotations of a file say which conductance is that of a current, names of variables and components which others are
conductances of it too. A current of several is refused: which of them a drug lowers is the user's to say.
"""

import re
from collections.abc import Iterable

from hhcore.base.errors import UserError, closest
from hhcore.model.elsewhere import GENES, LONGEST, channel_parameters, no_parameter
from hhcore.model.model import Model, Quantity
from hhcore.model.roles import converts, is_a

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
PARTS = {"to": ("fast_transient_outward", "slow_transient_outward")}  # terms for conductances of a part of a current
OTHER_IONS = "p_?(na|k)"  # permeabilities to what passes a calcium channel besides calcium
IN_WORDS = {"nal": "late sodium", "cal": "L-type calcium"}  # where the field's words are not those of the term
PERMEABILITIES = ("L/F/s", "L/s", "m/s")
BEFORE, AFTER = (
    "(?:g|p)?(?:bar|max)?_?i?_?",
    "_?(?:max|bar|const|0)?",
)  # around the channel in `g_Kr_max`, `G_IKr_const`
NOT_TARGETS = ("capacitance", "temperature", "reversal potential")


def target(name: str, model: Model, where: str) -> Quantity:
    """The parameter that a word means: its own name, or a current (IKr) or gene (hERG, SCN5A) of one channel.

    Raises UserError if there is none or several, and for one that no drug lowers, such as a reversal potential.
    """
    channel = _channel(name)
    found = [model.parameters[name]] if name in model.parameters else _of_channel(channel, model) if channel else []
    if len(found) > 1:
        names = f"{', '.join(q.name for q in found[:-1])} and {found[-1].name}"
        raise UserError(f"{where}: {name!r} may mean {names} in model {model.name!r}; name each that is meant")
    if not found:
        raise UserError(f"{where}: {_no_channel(name, channel, model) if channel else no_parameter(name, model)}")
    (quantity,) = found
    what = next((role for role in NOT_TARGETS if is_a(role, quantity)), "potential" if _is_potential(quantity) else "")
    if what:
        raise UserError(
            f"{where}: {quantity.name} is a {what}, which a drug or a block does not lower; name a conductance, a "
            "permeability, a rate or the like, or set it in `parameters`"
        )
    return quantity


def _of_channel(channel: str, model: Model) -> list[Quantity]:
    """All conductances of a channel: annotated ones, those named after it, else those of a component like `sodium`.

    An annotated number without a unit scales the whole current, and so is the only one.
    """
    term = ANNOTATED.get(channel, channel)
    whole = _annotated((f"{term}_current_conductance_scaling_factor", f"{term}_current_conductance"), model)
    if whole and whole[0].unit == "1":
        return whole[:1]
    annotated = whole + _annotated((f"{part}_current_conductance" for part in PARTS.get(channel, ())), model)
    alike = [q for q in model.parameters.values() if _conducts(q) and all(converts(q.unit, a.unit) for a in annotated)]
    named = [q for q in alike if _is_named(channel, q) or any(_is_of_the_same(a, q) for a in annotated)]
    found = {q.name: q for q in (*annotated, *named)}
    return [*found.values()] or [q for q in channel_parameters(channel, model) if not _names_a_channel(q)]


def _annotated(terms: Iterable[str], model: Model) -> list[Quantity]:
    """The parameters that the file annotates with these terms of its membrane."""
    names = (model.annotations.get(f"membrane_{term}") for term in terms)
    return [model.parameters[name] for name in names if name in model.parameters]


def _is_named(channel: str, quantity: Quantity) -> bool:
    """Whether a variable or its component has the name of a channel or a part of it: `GKr_max`, `Itof.G_tof`."""
    component, _, variable = quantity.name.lower().rpartition(".")
    letters = "_?".join(map(re.escape, channel))
    part = (
        f"k?_?{letters}_?(?:1|f|s)?" if channel == "to" else f"{letters}_?(?:1|2|junc|sl)?" if channel[1:] else letters
    )
    return bool(re.fullmatch(f"{BEFORE}{part}{AFTER}", variable) or re.fullmatch(f"i_?{part}", component))


def _is_of_the_same(annotated: Quantity, quantity: Quantity) -> bool:
    """Whether a parameter is the permeability of an annotated channel to another ion: `P_K` beside `P_Ca`."""
    (own, _, _), (component, _, variable) = annotated.name.rpartition("."), quantity.name.lower().rpartition(".")
    return component == own.lower() and bool(re.fullmatch(OTHER_IONS, variable))


def _conducts(quantity: Quantity) -> bool:
    """Whether a parameter is a conductance or a permeability."""
    is_permeability = quantity.name.rpartition(".")[2][0] in "pP" and any(
        converts(quantity.unit, unit) for unit in PERMEABILITIES
    )
    return is_permeability or is_a("conductance", quantity) or is_a("permeability", quantity)


def _names_a_channel(quantity: Quantity) -> bool:
    """Whether a variable's own name abbreviates a channel, as `g_b_Na` does; `g` and `g_inward` do not."""
    word = re.fullmatch(f"{BEFORE}(.*?){AFTER}", quantity.name.rpartition(".")[2].lower())[1].replace("_", "")
    return 0 < len(word) <= LONGEST


def _no_channel(name: str, channel: str, model: Model) -> str:
    """Why a model lacks a channel; of one that the field knows no other is suggested, since it would be a wrong one."""
    channels = [q.name for q in model.parameters.values() if _conducts(q)] or [*model.parameters]
    if channel not in ANNOTATED:
        return f"model {model.name!r} has no channel {name!r}; {closest(name, channels)}"
    current = IN_WORDS.get(channel, ANNOTATED[channel].replace("_", " "))
    return f"model {model.name!r} has no {current} current, by name or annotation ({name}); {closest('', channels)}"


def _channel(name: str) -> str:
    """The channel of a current or a gene, as components of models call it: `kr` of IKr, I_Kr and hERG; "" of others."""
    word = name.lower()
    if word in GENES:
        return GENES[word].removeprefix("g")
    return word[1:].removeprefix("_") if word.startswith("i") and len(word) > 1 and "." not in word else ""


def _is_potential(quantity: Quantity) -> bool:
    return converts(quantity.unit, "V")
