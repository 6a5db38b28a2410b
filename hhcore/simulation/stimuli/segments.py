"""The command of a voltage clamp as a row of segments, each at a potential or along a ramp."""

import dataclasses
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any, Self

import numpy as np

from hhcore.base.checks import Key, fields, mapping
from hhcore.base.errors import UserError, closest, collected
from hhcore.base.units import Quantities
from hhcore.compile.parts import COMMAND, HOLDING, LEVEL, PartText
from hhcore.simulation.stimuli.named import NAME, Named, check_name, part_field
from hhcore.simulation.stimuli.stimulus import Field, Stimulus, Values

EXAMPLE = "segments: {before: {potential: -80, duration: 100}, test: {potential: 0, duration: 500}}"
POTENTIAL = Field(
    "potential", "potential", elsewhere=dict.fromkeys(("V", "v", "level", "amp", "amplitude", "from"), "`potential`")
)
TO = Field("potential", "potential at the end of the ramp", elsewhere={"end": "`to`, where the ramp ends"})
DURATION = Field(
    "time", "duration", elsewhere=dict.fromkeys(("dur", "length", "width", "t"), "`duration`, how long it lasts")
)
WORDS = {"to": "end potential"}  # in labels, where the key says less
MOST = 64  # segments


class Segments(Named):
    """Segments one after the other, the last one held: Segments(holding=-80, before=(-80, 100), test=(0, 500)).

    Each is (potential, duration) or, for a ramp, (potential, potential at its end, duration). Potentials are absolute;
    the name of another segment is the potential of that one.
    `holding` is the potential before time 0, at which a neuron that begins at rest has settled.
    """

    kind = "segments"
    title = "segments of potential"
    example = "{kind: segments, holding: -80, " + EXAMPLE + "}"
    axis = ""
    acts = COMMAND
    absolute = True
    injects = False
    fields = {}
    quiet = {}
    segment = ""
    setting = "segments"
    settled = ("segments",)
    named_by = ("potential",)
    form = EXAMPLE
    ramps: tuple[tuple[str, bool], ...] = ()  # the names of the segments, and whether each is a ramp
    same: tuple[tuple[str, str], ...] = ()  # segments that have the potential of another one, and of which

    def __new__(cls, **given: Any) -> Self:
        """Raises UserError for a segment that is not a potential and a duration, or of a name that is not legal."""
        kind: Any = cls
        if cls is Segments:
            for name, segment in given.items():
                if name != HOLDING and not (isinstance(segment, tuple) and len(segment) in (2, 3)):
                    raise UserError(f"Segments: {name}={segment!r} is not a segment; write (potential, duration)")
            ramps = {name: len(given[name]) == 3 for name in given if name != HOLDING}
            potentials = {name: given[name][0] for name in ramps}
            _check_named(potentials, "Segments: ")
            kind = cls.of(ramps, _same(potentials), "Segments")
            kind.check_held(given)
        return object.__new__(kind)

    @staticmethod
    def flattened(given: Mapping[str, Any]) -> dict[str, Quantities]:
        flat = {}
        for name, value in given.items():
            names = ("potential", "to", "duration") if isinstance(value, tuple) and len(value) == 3 else _STEP
            flat |= {f"{name}.{n}": x for n, x in zip(names, value, strict=True)} if isinstance(value, tuple) else {}
            flat |= {} if isinstance(value, tuple) else {name: value}
        potentials = {name: value[0] for name, value in given.items() if isinstance(value, tuple)}
        return {name: value for name, value in flat.items() if name not in _unwritten(_same(potentials))}

    @classmethod
    def of(cls, ramps: Mapping[str, bool], same: Mapping[str, str], where: str) -> type["Segments"]:
        """The class for named segments, whether each is a ramp, and which have the potential of another one.

        Raises UserError for names that are not legal.
        """
        if not 0 < len(ramps) <= MOST:
            raise UserError(f"{where}: {len(ramps)} segments; give from 1 to {MOST}, like `{EXAMPLE}`")
        for name in ramps:
            check_name(name, where)
        for name, other in same.items():
            if other in same:
                do = f"name {same[other]!r}" if same[other] != name else f"give {name!r} or {other!r} a number"
                raise UserError(f"{where}.{name}.potential: {other!r} has none of its own; {do}")
        return _class(cls, tuple(ramps.items()), tuple(same.items()))

    @classmethod
    def specialised(cls, body: dict[str, Any], where: str, base: Path) -> tuple[type[Stimulus], dict[str, Any]]:
        written = mapping(body.get("segments", {}), f"{where}.segments")
        flat, ramps = {name: value for name, value in body.items() if name != "segments"}, {}
        with collected() as noted:
            for name, segment in written.items():
                with noted():
                    own = mapping(segment, f"{where}.segments.{name}")
                    keys = {key: field.key("duration: 100") for key, field in _known(own)}
                    fields(own, f"{where}.segments.{name}", keys)
                    ramps[name] = "to" in own
                    flat |= {f"{name}.{field}": value for field, value in own.items()}
        potentials = {name: flat.get(f"{name}.potential") for name in ramps}
        _check_named(potentials, f"{where}.segments.")
        same = _same(potentials)
        kind = cls.of(ramps, same, f"{where}.segments")
        return kind, {name: value for name, value in flat.items() if name not in _unwritten(same)}

    @classmethod
    def part_keys(cls) -> dict[str, Key]:
        keys = {name: field.key("duration: 100") for name, field in _known({"to": ...})}
        return keys | {"to": dataclasses.replace(keys["to"], required=False, otherwise="a step, not a ramp")}

    @classmethod
    def parts(cls) -> tuple[PartText, ...]:
        numbers = tuple((name.replace(".", "_"), name) for name in cls.fields if name != HOLDING)
        return (PartText("", numbers, cls.segment, cls.expression),)

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """The names of the segments, in order."""
        return tuple(name for name, _ in cls.ramps)

    @classmethod
    def lasting(cls, values: Values) -> np.ndarray:
        """How long all segments last together, float64 (n,)."""
        return np.sum([values[f"{name}.duration"] for name in cls.names()], axis=0)

    @classmethod
    def check(cls, values: Values, duration: float, where: str) -> None:
        """Durations are above 0, and what is to be seen fits into the run."""
        for name in cls.names():
            lasting = values[f"{name}.duration"]
            if lasting.min() <= 0:
                raise UserError(
                    f"{where}.segments.{name}.duration: {float(lasting.min())!r} is not above 0; give a time above 0"
                )
        if (longest := cls.lasting(values).max()) > duration * (1 + 1e-12):
            raise UserError(
                f"{where}: the segments last {float(longest)!r}, longer than the simulation, {duration!r}; leave "
                "`duration` out, or give a longer one"
            )

    @classmethod
    def edge_counts(cls, values: Values, duration: float) -> np.ndarray:
        """One for each segment."""
        return np.full(len(values[HOLDING]), len(cls.ramps), dtype=np.int64)

    @classmethod
    def twin(
        cls, values: Mapping[str, float], duration: float, ms: float
    ) -> tuple[list[float], Callable[[float], float]]:
        """Half-open segments, the last without end."""
        ends = list(accumulate(values[f"{name}.duration"] for name in cls.names()))
        begins = [0.0, *ends[:-1]]

        def potential(t: float) -> float:
            i = max(0, bisect_right(begins, t) - 1)
            name = cls.names()[i]
            source = dict(cls.same).get(name, name)
            from_, to = values[f"{source}.potential"], values.get(f"{name}.to")
            part = min(1.0, (t - begins[i]) / values[f"{name}.duration"])
            return from_ if to is None else from_ + (to - from_) * part

        return ends, potential


_STEP = ("potential", "duration")


def _known(own: Mapping[str, object]) -> list[tuple[str, Field]]:
    """The fields of a segment as it is written."""
    return [("potential", POTENTIAL), *([("to", TO)] if "to" in own else []), ("duration", DURATION)]


def _same(potentials: Mapping[str, object]) -> dict[str, str]:
    """The segments whose potential is the name of another one, and that name."""
    found = {name: value for name, value in potentials.items() if isinstance(value, str)}
    return {name: other for name, other in found.items() if other in potentials and other != name}


def _check_named(potentials: Mapping[str, object], where: str) -> None:
    """Raise UserError for a potential that is a name, and not that of another segment."""
    for name, value in potentials.items():
        if isinstance(value, str) and NAME.fullmatch(value) and (value == name or value not in potentials):
            others = [other for other in potentials if other != name]
            raise UserError(
                f"{where}{name}.potential: {value!r} is neither a quantity, like -80 or '-80 mV', nor another segment; "
                f"{closest(value, others)}"
            )


def _unwritten(same: Mapping[str, str]) -> set[str]:
    """The fields that segments with the potential of another one do not have."""
    return {f"{name}.potential" for name in same}


@lru_cache
def _class(
    cls: type[Segments], ramps: tuple[tuple[str, bool], ...], same: tuple[tuple[str, str], ...]
) -> type[Segments]:
    own = {
        f"{name}.{key}": part_field(name, WORDS.get(key, key), f, f"{f.meaning} of the segment {name}")
        for name, ramp in ramps
        for key, f in _known({"to": ...} if ramp else {})
        if f"{name}.{key}" not in _unwritten(dict(same))
    }
    swept = next(iter(own))
    texts = {
        "ramps": ramps,
        "same": same,
        "fields": own,
        "quiet": {name: 1.0 if name.endswith(".duration") else 0.0 for name in own},
        "segment": _text(ramps, dict(same), own),
        "expression": "level + rise * (time - onset)" if any(ramp for _, ramp in ramps) else LEVEL,
        "axis": swept,
    }
    return type(cls.__name__, (cls,), {"__module__": cls.__module__, **texts})


def _text(ramps: tuple[tuple[str, bool], ...], same: Mapping[str, str], own: Iterable[str]) -> str:
    """The function `segment`; the ends are added up from the first segment on."""
    rises, lines, arguments, end = any(ramp for _, ramp in ramps), [], [name.replace(".", "_") for name in own], []
    for i, (name, ramp) in enumerate(ramps):
        end.append(f"{name}_duration")
        level = f"{same.get(name, name)}_potential"
        rise = f"({name}_to - {level}) / {name}_duration" if ramp else "0.0"
        rise = f", {rise}" if rises else ""
        lines += [f"    if k == {i}:", f"        return {' + '.join(end)}, {level}{rise}"]
    name, ramp = ramps[-1]
    last = f"{name}_to" if ramp else f"{same.get(name, name)}_potential"
    lines.append(f"    return inf, {last}{', 0.0' if rises else ''}")
    head = [f"def segment({', '.join(['k', *arguments])}):", '    """(end, level) of segment k."""']
    return "\n".join([*head, *lines])
