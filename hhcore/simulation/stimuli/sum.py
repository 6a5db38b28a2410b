"""Several stimuli at once: their currents are added up."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np

from hhcore.base.checks import fields, mapping
from hhcore.base.errors import UserError, collected
from hhcore.base.units import Quantities
from hhcore.compile.parts import COMMAND, HOLDING, PartText
from hhcore.model.model import Model
from hhcore.simulation.stimuli import commands, kind_of, kinds
from hhcore.simulation.stimuli.named import Named, check_name, part_field
from hhcore.simulation.stimuli.stimulus import FIRST, Stimulus, Values

EXAMPLE = "parts: {pulse: {kind: step, amplitude: 10}, background: {kind: sine, amplitude: 1, frequency: 8}}"


class Sum(Named):
    """The sum of named stimuli: Sum(pulse=Step(10), background=Sine(1, 8)).

    Its fields are theirs, each with the name of its part: `pulse.amplitude`. At most one part may have beats.
    """

    kind = "sum"
    title = "sum of stimuli"
    example = "{kind: sum, " + EXAMPLE + "}"
    axis = ""
    fields = {}
    quiet = {}
    setting = "parts"
    settled = ("parts",)
    form = EXAMPLE
    kinds: tuple[tuple[str, type[Stimulus]], ...] = ()  # the parts

    def __new__(cls, **given: Any) -> Self:
        """Raises UserError for a part that is not a stimulus, or of a name that is not legal."""
        kind: Any = cls
        if not cls.kinds:
            cls.check_held(given)
            kind = cls.of({name: cls._kind(name, part) for name, part in given.items() if name != HOLDING}, "Sum")
        return object.__new__(kind)

    def __init__(self, **given: Any):
        super().__init__(**given)
        parts = {name: part for name, part in given.items() if isinstance(part, Stimulus)}
        object.__setattr__(self, "summed", parts)

    @classmethod
    def _kind(cls, name: str, part: object) -> type[Stimulus]:
        """The kind of a part; in a command it is a command too. Raises UserError for what can be no part."""
        if not isinstance(part, Stimulus):
            raise UserError(f"Sum: {name} is not a stimulus: {part!r}; give one, like {name}=hhcore.Step(10)")
        if part.acts == COMMAND or (cls.acts == COMMAND and not part.clamps):
            what = "a command of its own" if part.acts == COMMAND else "no command of a clamp"
            raise UserError(f"Sum: {name} is {what}; give a stimulus that is added up, like {name}=hhcore.Step(10)")
        if np.any(np.asarray(part.values[HOLDING]) != 0):
            raise UserError(f"Sum: {name} has a holding level of its own; give it to the sum as `holding`")
        return type(part).command() if cls.acts == COMMAND else type(part)

    def written(self) -> dict[str, object]:
        """The parts as they are written, without holding levels of their own, which are 0."""
        parts = {name: part.written() for name, part in vars(self)["summed"].items()}
        own = {name: {key: x for key, x in part.items() if key != HOLDING} for name, part in parts.items()}
        flat = {name: value for name, value in super().written().items() if name in ("kind", HOLDING)}
        return flat | {self.setting: own}

    @staticmethod
    def flattened(given: Mapping[str, Any]) -> dict[str, Quantities]:
        """The values of all parts."""
        flat = {}
        for name, value in given.items():
            parts = value.values.items() if isinstance(value, Stimulus) else ()
            flat |= {f"{name}.{field}": x for field, x in parts if field != HOLDING}
            flat |= {} if isinstance(value, Stimulus) else {name: value}
        return flat

    @classmethod
    def of(cls, parts: Mapping[str, type[Stimulus]], where: str) -> type["Sum"]:
        """The class for named kinds. Raises UserError if they cannot be added up."""
        if not parts:
            raise UserError(f"{where}: a sum without parts; name at least one, like `{EXAMPLE}`")
        beating = [name for name, kind in parts.items() if kind.beat]
        if len(beating) > 1:
            raise UserError(
                f"{where}: {' and '.join(beating)} both have pulses that begin beats, and a beat has one onset; "
                "leave one of them out, or make one train of all pulses"
            )
        for name in parts:
            check_name(name, where)
        return _class(cls, tuple(parts.items()))

    @classmethod
    def specialised(cls, body: dict[str, Any], where: str, base: Path) -> tuple[type[Stimulus], dict[str, Any]]:
        written = mapping(body.get("parts", {}), f"{where}.parts")
        legal = {name: kind for name, kind in commands().items() if kind.injects} if cls.acts == COMMAND else kinds()
        parts, flat = {}, {name: value for name, value in body.items() if name != "parts"}
        with collected() as noted:
            for name, own in written.items():
                with noted():
                    place = f"{where}.parts.{name}"
                    parts[name], values = kind_of(mapping(own, place), place, base, legal)
                    flat |= {f"{name}.{field}": value for field, value in values.items()}
                    fields(own, place, {key: k for key, k in parts[name].keys().items() if key != HOLDING})
        return cls.of(parts, f"{where}.parts"), flat

    @classmethod
    def place(cls, name: str) -> str:
        part, _, field = name.partition(".")
        return f"parts.{part}.{dict(cls.kinds)[part].place(field)}" if field else name

    @classmethod
    def parts(cls) -> tuple[PartText, ...]:
        def named(part: PartText, name: str) -> PartText:
            numbers = tuple((own, f"{name}.{field}") for own, field in part.numbers)
            return replace(part, name=f"{name} {part.name}".rstrip(), numbers=numbers)

        return tuple(named(part, name) for name, kind in cls.kinds for part in kind.parts())

    @classmethod
    def check_written(cls, name: str, value: object, unit: str, where: str) -> None:
        """What each part checks."""
        part, _, field = name.partition(".")
        if field and name not in cls.shares:
            dict(cls.kinds)[part].check_written(field, value, unit, where)
        else:
            super().check_written(name, value, unit, where)

    @classmethod
    def check(cls, values: Values, duration: float, where: str) -> None:
        """What each part checks."""
        for name, kind in cls.kinds:
            kind.check(_own(name, kind.fields, values), duration, f"{where}.parts.{name}")

    @classmethod
    def check_model(cls, model: Model, where: str) -> None:
        super().check_model(model, where)
        for name, kind in cls.kinds:
            kind.check_model(model, f"{where}.parts.{name}")

    @classmethod
    def twin(
        cls, values: Mapping[str, float], duration: float, ms: float
    ) -> tuple[list[float], Callable[[float], float]]:
        """All edges, and the sum."""
        twins = [kind.twin(_own(name, kind.numbers(), values), duration, ms) for name, kind in cls.kinds]
        return [edge for edges, _ in twins for edge in edges], lambda t: sum(current(t) for _, current in twins)

    @classmethod
    def shocks(cls, values: Mapping[str, float], duration: float) -> list[tuple[float, float]]:
        return [s for name, kind in cls.kinds for s in kind.shocks(_own(name, kind.fields, values), duration)]

    @classmethod
    def edge_counts(cls, values: Values, duration: float) -> np.ndarray:
        counts = [kind.edge_counts(_own(name, kind.numbers(), values), duration) for name, kind in cls.kinds]
        return np.asarray(np.sum(counts, axis=0, dtype=np.int64))

    @classmethod
    def beat_counts(cls, values: Values, duration: float) -> np.ndarray:
        counts = [kind.beat_counts(_own(name, kind.numbers(), values), duration) for name, kind in cls.kinds]
        return np.asarray(np.sum(counts, axis=0, dtype=np.int64))

    @classmethod
    def resolve(cls, values: Values, duration: float, ms: float, parameters: np.ndarray) -> dict[str, np.ndarray]:
        found, first = {HOLDING: values[HOLDING]}, 0
        for name, kind in cls.kinds:
            own = kind.resolve(_own(name, kind.fields, values), duration, ms, parameters)
            own |= {FIRST: own[FIRST] + first} if FIRST in own else {}
            found |= {f"{name}.{number}": column for number, column in own.items()}
            first += len(kind.data)
        return found


def _own(name: str, numbers: Mapping[str, object] | tuple[str, ...], values: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of one part; its holding level is that of the sum."""
    return {number: values[HOLDING if number == HOLDING else f"{name}.{number}"] for number in numbers}


@lru_cache
def _class(cls: type[Sum], parts: tuple[tuple[str, type[Stimulus]], ...]) -> type[Sum]:
    def prefixed(of: Callable[[type[Stimulus]], Mapping[str, Any]]) -> dict[str, Any]:
        return {f"{name}.{key}": value for name, kind in parts for key, value in of(kind).items() if key != HOLDING}

    texts = {
        "kinds": parts,
        "fields": {
            f"{name}.{key}": part_field(name, key, field, f"{field.meaning[:1].lower()}{field.meaning[1:]}")
            for name, kind in parts
            for key, field in kind.fields.items()
            if key != HOLDING
        },
        "quiet": prefixed(lambda kind: kind.quiet),
        "derived": tuple(f"{name}.{number}" for name, kind in parts for number in kind.derived),
        "axis": next(f"{name}.{kind.axis}" for name, kind in parts),
        "title": " + ".join(f"{kind.title} ({name})" for name, kind in parts),
        "beat": next((kind.beat for _, kind in parts if kind.beat), ""),
        "data": np.concatenate([kind.data for _, kind in parts]),
        "internal": tuple(f"{name}.{field}" for name, kind in parts for field in kind.internal),
        "settings": "\n".join(f"{name} {kind.kind} {kind.settings}" for name, kind in parts),
        "clamps": all(kind.clamps for _, kind in parts),
    }
    return type(cls.__name__, (cls,), {"__module__": cls.__module__, **texts})
