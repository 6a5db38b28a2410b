"""Parameters by the names that other programs have for them: gnabar_hh, g_Na, ENa, celsius.

Such a word says what is meant, a conductance, say, and of which channel. The parameter of that dimension is looked for
whose component, or description, speaks of the channel. So it is found in any model.
"""

import re
from collections.abc import Iterable

from hhcore.base.errors import closest
from hhcore.base.units import ZERO_CELSIUS_K, to_unit
from hhcore.model.annotations import PREFIX, annotations
from hhcore.model.model import POTENTIALS, Model, Quantity
from hhcore.model.roles import converts, is_a

WORD = re.compile(r"(gbar|gmax|g|erev|e|vrev|v)(\w+?)(?:bar|max|rev)?")
MEANT = {"g": "conductance", "e": "reversal potential", "v": "reversal potential"}  # by the first letter
WHOLE = dict.fromkeys(("celsius", "t", "temp", "temperature"), "temperature")
WHOLE |= dict.fromkeys(("c", "cm", "cap", "capacitance"), "capacitance")
OUTSIDE = re.compile(r"(na|k|ca|cl)_?(?:o|out|ext)")  # Ko, K_o
PERMEABILITY = re.compile(r"p_?(na|k|ca|cl)_?\w?")  # PCa, P_CaL
GENES = {"herg": "gkr", "kcnh2": "gkr", "kcnq1": "gks", "scn5a": "gna", "cacna1c": "gcal", "kcnj2": "gk1"}
GENES |= dict.fromkeys(("kcnd2", "kcnd3"), "gto")
IONS = {"na": "sodium", "ca": "calcium", "cl": "chloride", "k": "potassium"}
IONS |= dict.fromkeys(("leak", "pas", "lk", "l"), "leak")
LONGEST = 4  # of an abbreviation: `kdr`, but not `cation`
USUAL = {"sodium": ("f", "t", "v"), "potassium": ("v", "dr", "d")}  # Naf, Nat, Kdr, ...: channels that make the spike
IN_WORDS = {"dr": "delayed rectifier", "f": "fast", "s": "slow", "p": "persistent"}
NEURON = re.compile("[a-z]+_(hh|pas)|e(na|k|ca)|cm|g(na|k)bar")
NEURON_UNITS = {"conductance": "S/cm^2", "reversal potential": "mV", "capacitance": "uF/cm^2"}


def no_parameter(name: str, model: Model, fields: Iterable[str] = (), hint: str = "") -> str:
    """Why a model has no parameter of this name, what is legal, and what is meant: `hint` if there is one.

    fields : of a stimulus, which are legal too
    """
    fields, (meant, channel) = tuple(fields), _meant(name)
    what = f"{' and its stimulus have no quantity' if fields else ' has no parameter'} {name!r}"
    if not hint and name in (terms := annotations(model.myokit)):
        hint = f"write {PREFIX + name!r}, which {terms[name]!r} is annotated as"
    found = [] if hint else _best(meant, channel, model)
    known = meant and (not channel or _split(channel)[0])
    if found:
        hint = f"did you mean {' or '.join(f'{q.name!r} [{q.unit}]' for q in found)}?{_in_units(name, meant, found[0])}"
    elif known and not hint:
        hint = f"none of them is a {' '.join(filter(None, [_split(channel)[0], meant]))}"
    return f"model {model.name!r}{what}; {closest(name, [*fields, *model.parameters], hint)}"


def parameter_meant(name: str, model: Model) -> Quantity | None:
    """The one parameter of this name, or with another name for the same; None if there is none."""
    found = [model.parameters[name]] if name in model.parameters else _best(*_meant(name), model)
    return found[0] if len(found) == 1 else None


def channel_parameters(channel: str, model: Model) -> list[Quantity]:
    """The conductances, or else permeabilities, of a channel such as `kr` or `na`; none if there is no such channel."""
    return (_best("conductance", channel, model) or _best("permeability", channel, model)) if channel else []


def no_state(name: str, model: Model) -> str:
    """Why a model has no state of this name, what is legal, and what is meant."""
    hint = f"did you mean {model.potential!r}?" if name.lower() in (*POTENTIALS, "v_init", "v0") else ""
    return f"model {model.name!r} has no state {name!r}; {closest(name, model.states, hint)}"


def _meant(name: str) -> tuple[str, str]:
    """What a word means, such as a conductance, and of which channel, "" each if it does not say."""
    bare = re.sub(r"_hh\w*$", "", GENES.get(name.lower(), name.lower()))
    if outside := OUTSIDE.fullmatch(bare):
        return "extracellular concentration", outside[1]
    if permeability := PERMEABILITY.fullmatch(bare):
        return "permeability", permeability[1]
    word = "".join(re.sub(r"[^a-z0-9]", "", part) for part in reversed(bare.split(".")))
    parts = WORD.fullmatch(word)
    if "." in bare and bare.rpartition(".")[2] in WHOLE:
        return WHOLE[bare.rpartition(".")[2]], ""
    if word in WHOLE or word in POTENTIALS or not parts:
        return WHOLE.get(word, ""), ""
    return MEANT[word[0]], parts[2]


def _best(meant: str, channel: str, model: Model) -> list[Quantity]:
    """The parameters that fit best, none if none does."""
    scores = {name: _score(channel, q) for name, q in model.parameters.items() if meant and is_a(meant, q)}
    best = max(scores.values(), default=0)
    return [model.parameters[name] for name, score in scores.items() if score == best > 0]


def _score(channel: str, quantity: Quantity) -> float:
    """How well the component of a parameter fits a channel; 0 if it is another one."""
    component, variable = quantity.name.lower().rpartition(".")[::2]
    text = quantity.description.lower()
    if variable == channel and is_a("extracellular concentration", quantity):
        return 4
    if channel in ("", component, re.sub("^i_?", "", component)):
        return 4
    ion, kind = _split(channel)
    own, own_kind = _split(re.sub("^i_?", "", component))
    if not ion:
        return 3 if component.split("_")[-1] == channel.removeprefix("i") or f"({channel})" in text else 0
    if ion not in (own, *component.split("_")):
        return 0
    if ion == own and kind == own_kind:
        return 4
    if kind and (IN_WORDS.get(kind, f"({kind})") in text or f"_{kind}" in component):
        return 3
    return 2 if not kind else 1 if kind in USUAL.get(ion, ()) and ion == own and not own_kind else 0


def _split(channel: str) -> tuple[str, str]:
    """The ion of a channel in words, and the rest: `kdr` and `potassium_dr` are ("potassium", "dr")."""
    for short, ion in IONS.items():
        if channel.startswith(ion):
            return ion, channel.removeprefix(ion).strip("_")
        if channel.startswith(short) and len(channel.split("_")[0]) <= LONGEST:
            return ion, channel.removeprefix(short).strip("_")
    return "", channel


def _in_units(name: str, meant: str, quantity: Quantity) -> str:
    """How to write a value in the unit of the other program, if that is known to be another one."""
    if meant == "temperature":
        return f" Write degrees Celsius with their unit, like '{quantity.value - ZERO_CELSIUS_K:g} degC'"
    theirs = NEURON_UNITS.get(meant, quantity.unit)
    if not NEURON.fullmatch(name) or theirs == quantity.unit:
        return ""
    if not converts(quantity.unit, theirs):
        return f" NEURON has it in {theirs}"
    own = to_unit(f"{quantity.value!r} {quantity.unit}", theirs, "")
    return f" NEURON has it in {theirs}: write the unit, like '{own or 0.001:g} {theirs}'"
