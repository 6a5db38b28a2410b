"""Variants: the published parameter sets of a model, kept in the header of its file.

    variants: \"\"\"
    hopf: Hopf onset; Rinzel and Ermentrout 1998, table 7.1
        calcium.g = 4.4
        membrane.V = -60
    \"\"\"

Each begins with a line `name: description`. The indented lines below set literal constants, in the units of the model,
and initial values of states.
"""

import math
import re
from dataclasses import dataclass

import myokit

from hhcore.base.errors import UserError, closest


@dataclass(frozen=True)
class Variant:
    """A parameter set. `values` : the constants and states that it sets, by qualified name"""

    name: str
    description: str
    values: dict[str, float]


def read_variants(model: myokit.Model, file: str) -> dict[str, Variant]:
    """The variants of a model by name. Raises UserError for a line of another form, or a name unknown to the model."""
    variants: dict[str, Variant] = {}
    current: Variant | None = None
    for line in model.meta.get("variants", "").splitlines():
        where = f"{file}: variants: {line.strip()!r}"
        if not line.strip():
            continue
        if head := re.fullmatch(r"(\w+):\s+(\S.*)", line):
            if head[1] in variants:
                raise UserError(f"{where}: two variants have this name; rename one")
            current = variants[head[1]] = Variant(head[1], head[2].strip(), {})
        elif current is not None and (entry := re.fullmatch(r"\s+(\S+)\s*=\s*(\S+)", line)):
            current.values[_known(model, entry[1], where)] = _number(entry[2], where)
        elif current is not None and line[0].isspace():
            raise UserError(f"{where}: write `component.variable = number`, indented")
        else:
            raise UserError(f"{where}: a variant begins with a line `name: description`")
    return variants


def apply_variant(model: myokit.Model, name: str, file: str) -> Variant:
    """Set the values of a variant in the model. Raises UserError if there is no such variant."""
    variants = read_variants(model, file)
    if name not in variants:
        raise UserError(f"{file}: the model has no variant {name!r}; " + closest(name, variants))
    for variable, value in variants[name].values.items():
        target = model.get(variable)
        if target.is_state():
            target.set_initial_value(value)
        else:
            target.set_rhs(myokit.Number(value, target.unit()))
    return variants[name]


def _known(model: myokit.Model, name: str, where: str) -> str:
    legal = [v.qname() for v in model.variables(deep=True) if v.is_literal() or v.is_state()]
    if name not in legal:
        raise UserError(f"{where}: the model has no constant or state {name!r}; " + closest(name, legal))
    return name


def _number(text: str, where: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UserError(f"{where}: {text!r} is not a finite number")
    return number
