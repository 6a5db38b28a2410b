"""Myokit's table of events: level, start, length, period and multiplier of each."""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from math import inf
from pathlib import Path
from typing import Any, Self

import numpy as np

from hhcore.base.checks import Key, fields, items, mapping, text
from hhcore.base.errors import UserError, collected
from hhcore.base.units import Quantities
from hhcore.compile.parts import HOLDING, PartText
from hhcore.simulation.stimuli.protocol_file import events_in
from hhcore.simulation.stimuli.stimulus import CURRENT_ELSEWHERE, Field, Stimulus, Values

EXAMPLE = "events: [{level: 80, start: 10, length: 0.5, period: 1000}]"
MOST = 64  # events
MOST_ONSETS = 10_000  # of all events of a neuron
CLOSE = 1e-12  # an end and the next onset this close are one time: the end is computed, so it is rounded
FIELDS = {
    "level": Field("current", "level", elsewhere=CURRENT_ELSEWHERE | {"amplitude": "`level`"}),
    "start": Field("time", "first start", elsewhere=dict.fromkeys(("delay", "del", "onset", "offset"), "`start`")),
    "length": Field(
        "time", "length", elsewhere=dict.fromkeys(("duration", "dur", "width"), "`length`, how long it lasts")
    ),
    "period": Field("time", "period, 0 without repetition", 0.0, elsewhere={"bcl": "`period`", "cl": "`period`"}),
    "multiplier": Field("1", "how often it happens, 0 without end", 0.0, elsewhere={"number": "`multiplier`"}),
}
Table = Sequence[Mapping[str, Quantities]] | str | Path
NUMBER = "number"  # derived: how often an event begins within the run


class Events(Stimulus):
    """Myokit's events: Events([{"level": 80, "start": 10, "length": 0.5, "period": 1000}, ...]), or those of a file.

    events : a mapping for each event, with values in the units of the model, or lists of them, one for each neuron; or
             the path of a .mmt file with a `[[protocol]]`, which may also be given as `file`

    An event flows while start <= t < start + length. With a `period` it happens again, `multiplier` times, or without
    end if that is 0. An event that begins while another one lasts ends it. Nothing flows between events.
    """

    kind = "events"
    title = "events of a protocol"
    example = "{kind: events, " + EXAMPLE + "}"
    axis = "event1.level"
    elsewhere = ("protocol", "schedule", "mmt")
    fields = {}
    quiet = {}
    segment = ""
    settled = ("events", "file")
    count = 0  # of the events

    def __new__(cls, events: Table = (), *, file: str | Path = "", **given: Quantities) -> Self:
        """Raises UserError for a file without events, and for what is not a table of them."""
        kind: Any = cls.of(len(_table(file or events, "Events")), "Events") if not cls.count else cls
        return super().__new__(kind, **given)

    def __init__(self, events: Table = (), *, file: str | Path = "", **given: Quantities):
        defaults = {name: field.default for name, field in self.fields.items()}
        object.__setattr__(self, "given", {**defaults, **_flat(_table(file or events, "Events")), **given})

    def __repr__(self) -> str:
        return f"Events({self.written()['events']!r})"

    @property
    def values(self) -> dict[str, Quantities]:
        return vars(self)["given"]

    def written(self) -> dict[str, object]:
        flat = super().written()
        events = [{key: flat[_field(i, key)] for key in FIELDS if _field(i, key) in flat} for i in range(self.count)]
        return {name: value for name, value in flat.items() if "." not in name} | {"events": events}

    @classmethod
    def of(cls, count: int, where: str) -> type["Events"]:
        """The class for so many events. Raises UserError for none of them, and for too many."""
        if not 0 < count <= MOST:
            raise UserError(f"{where}: {count} events; give from 1 to {MOST}, like `{EXAMPLE}`")
        return _class(cls, count)

    @classmethod
    def specialised(cls, body: dict[str, Any], where: str, base: Path) -> tuple[type[Stimulus], dict[str, Any]]:
        """Events of a file are overridden by those that are written, the first by the first, and so on."""
        file = text(body["file"], f"{where}.file", "file: model.mmt") if "file" in body else ""
        table: list[dict[str, Any]] = list(map(dict, events_in(base / file, f"{where}.file"))) if file else []
        written = items(body.get("events", []), f"{where}.events", "[{level: ..., start: ..., length: ...}, ...]")
        keys = cls.event_keys()
        with collected() as noted:
            for i, own in enumerate(written):
                with noted():
                    event = mapping(own, f"{where}.events[{i}]")
                    table[i : i + 1] = [{**(table[i] if i < len(table) else {}), **event}]
                    fields(table[i], f"{where}.events[{i}]", keys)
        if not table:
            raise UserError(f"{where}: no events; write them, like `{EXAMPLE}`, or name a file, like `file: model.mmt`")
        rest = {name: value for name, value in body.items() if name not in ("file", "events")}
        return cls.of(len(table), f"{where}.events"), rest | _flat(table)

    @classmethod
    def keys(cls) -> dict[str, Key]:
        """Its keys in a config: those of all events are in one list."""
        own = {name: key for name, key in super().keys().items() if "." not in name}
        own["events"] = Key("the events, a mapping for each", EXAMPLE, otherwise="those of the file")
        own["file"] = Key("a .mmt file with events in its [[protocol]]", "file: model.mmt", otherwise="none")
        return own

    @classmethod
    def event_keys(cls) -> dict[str, Key]:
        """The keys of one event."""
        return {name: field.key(EXAMPLE) for name, field in FIELDS.items()}

    @classmethod
    def place(cls, name: str) -> str:
        event, _, key = name.partition(".")
        return f"events[{int(event.removeprefix('event')) - 1}].{key}" if key else name

    @classmethod
    def parts(cls) -> tuple[PartText, ...]:
        numbers = tuple((name.replace(".", "_"), name) for name in cls.numbers() if name != HOLDING)
        return (PartText("", numbers, cls.segment),)

    @classmethod
    def check(cls, values: Values, duration: float, where: str) -> None:
        """As Myokit has it: times from 0 on, an event no longer than its period, no two that begin at once."""
        for i in range(cls.count):
            _check_event({key: values[_field(i, key)] for key in FIELDS}, f"{where}.events[{i}]")
        for i in range(cls.count):
            for j in range(i):
                same = values[_field(i, "start")] == values[_field(j, "start")]
                if same.any():
                    raise UserError(
                        f"{where}: events {j} and {i} both begin at {float(values[_field(i, 'start')][same][0])!r}; "
                        "only one can flow, so leave one of them out or let it begin at another time"
                    )
        if duration < inf and (most := cls._onsets(values, duration).max()) > MOST_ONSETS:
            raise UserError(
                f"{where}: events begin {most:.6g} times, which is too often for one neuron; at most {MOST_ONSETS} are "
                "legal, so give longer periods or multipliers"
            )

    @classmethod
    def edge_counts(cls, values: Values, duration: float) -> np.ndarray:
        """Two for each onset."""
        return 2 * cls._onsets(values, duration).astype(np.int64)

    @classmethod
    def resolve(cls, values: Values, duration: float, ms: float, parameters: np.ndarray) -> dict[str, np.ndarray]:
        """Count the onsets of each event."""
        return {**values, **{_field(i, NUMBER): cls._begun(values, i, duration) for i in range(cls.count)}}

    @classmethod
    def twin(
        cls, values: Mapping[str, float], duration: float, ms: float
    ) -> tuple[list[float], Callable[[float], float]]:
        """All onsets in their order; each event flows until the next one begins, if it does not end before."""
        begun = []
        for i in range(cls.count):
            level, start, length, period, multiplier = (values[_field(i, key)] for key in FIELDS)
            number = multiplier or inf if period else 1
            times = 0
            while times < number and start + times * period < duration:
                begun.append((start + times * period, i, length, level))
                times += 1
        begun.sort()
        onsets = [onset for onset, *_ in begun]
        ends = [onset + length for onset, _, length, _ in begun]
        ends = [
            after if abs(after - end) < CLOSE * after else min(end, after)
            for end, after in zip(ends, [*onsets[1:], inf], strict=True)
        ]

        def current(t: float) -> float:
            i = bisect_right(onsets, t) - 1
            return begun[i][-1] if i >= 0 and t < ends[i] else 0.0

        return [*onsets, *ends], current

    @classmethod
    def _begun(cls, values: Values, i: int, duration: float) -> np.ndarray:
        """How often event i begins before the end of the run, float64 (n,)."""
        start, period, multiplier = (values[_field(i, key)] for key in ("start", "period", "multiplier"))
        with np.errstate(divide="ignore", invalid="ignore"):
            fitting = np.where(period > 0, np.ceil((duration - start) / period), 1.0)
        return np.where(start < duration, np.where(multiplier > 0, np.minimum(multiplier, fitting), fitting), 0.0)

    @classmethod
    def _onsets(cls, values: Values, duration: float) -> np.ndarray:
        """How often events begin in each neuron, float64 (n,)."""
        first, *others = (cls._begun(values, i, duration) for i in range(cls.count))
        return sum(others, first)


def _field(i: int, key: str) -> str:
    """The name of a field of event i, from 0 on."""
    return f"event{i + 1}.{key}"


def _flat(table: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {_field(i, key): value for i, event in enumerate(table) for key, value in event.items()}


def _table(events: object, where: str) -> list[Mapping[str, Any]]:
    """The table of events, of a file or as it is. Raises UserError."""
    if isinstance(events, str | Path):
        return list(events_in(Path(events), where))
    keys = Events.event_keys()
    return [fields(event, f"{where}: event {i}", keys) for i, event in enumerate(items(events, where, EXAMPLE))]


def _check_event(event: Values, where: str) -> None:
    for name in ("start", "length", "period", "multiplier"):
        if event[name].min() < 0:
            raise UserError(f"{where}.{name}: {float(event[name].min())!r} is below 0; give 0 or more")
    odd = np.floor(event["multiplier"]) != event["multiplier"]
    if odd.any():
        raise UserError(f"{where}.multiplier: {event['multiplier'][odd][0]:g} is not a whole number; give one, or 0")
    if ((event["multiplier"] > 0) & (event["period"] == 0)).any():
        raise UserError(f"{where}.multiplier: an event without a period happens once; give a period, or leave it out")
    long = (event["period"] > 0) & (event["length"] > event["period"])
    if long.any():
        length, period = (float(event[name][long][0]) for name in ("length", "period"))
        raise UserError(f"{where}: length {length!r} is longer than period {period!r}; give a longer period")


@lru_cache
def _class(cls: type[Events], count: int) -> type[Events]:
    own = {
        _field(i, key): Field(f.unit, f"Event {i + 1}, {f.meaning}", f.default, elsewhere=f.elsewhere)
        for i in range(count)
        for key, f in FIELDS.items()
    }
    derived = tuple(_field(i, NUMBER) for i in range(count))
    texts = {
        "count": count,
        "fields": own,
        "derived": derived,
        "quiet": dict.fromkeys((*own, *derived), 0.0),
        "segment": _text(count),
    }
    return type(cls.__name__, (cls,), {"__module__": cls.__module__, **texts})


COLUMNS = ("start", "period", NUMBER, "length", "level")  # of the array in the text


def _text(count: int) -> str:
    """The function `segment` for so many events."""
    names = [f"event{i + 1}_{column}" for i in range(count) for column in COLUMNS]
    rows = [f"    events[{i}, {j}] = event{i + 1}_{column}" for i in range(count) for j, column in enumerate(COLUMNS)]
    text = _TEXT.replace("COUNT", str(count)).replace("CLOSE", repr(CLOSE))
    return text.replace("NAMES", ", ".join(names)).replace("    ROWS", "\n".join(rows))


_TEXT = '''
def events_before_COUNT(events, event, i):
    """How many onsets come before onset i of an event; of two at one time, that of the event listed first."""
    before, time = i, events[event, 0] + i * events[event, 1]
    for other in range(COUNT):
        if other != event:
            start, period, number = events[other, 0], events[other, 1], events[other, 2]
            n = ceil((time - start) / period) if period > 0.0 else 1.0
            n = max(0.0, min(number, n))
            while n < number and start + n * period < time:
                n += 1.0
            while n > 0.0 and start + (n - 1.0) * period >= time:
                n -= 1.0
            if other < event and n < number and start + n * period == time:
                n += 1.0
            before += n
    return before


def events_onset_COUNT(events, k):
    """(time, length, level) of onset k of all events, from 0 on; inf after the last one."""
    for event in range(COUNT):
        i, above, number = 0.0, min(k + 1.0, events[event, 2]), events[event, 2]
        while i < above:
            middle = floor(0.5 * (i + above))
            if events_before_COUNT(events, event, middle) < k:
                i = middle + 1.0
            else:
                above = middle
        if i < number and events_before_COUNT(events, event, i) == k:
            return events[event, 0] + i * events[event, 1], events[event, 3], events[event, 4]
    return inf, 0.0, 0.0


def segment(k, NAMES):
    """(end, level) of segment k: before onset i of all events for k = 2 i, the event that begins there for 2 i + 1."""
    events = empty((COUNT, 5))
    ROWS
    i = float(k >> 1)
    onset, length, level = events_onset_COUNT(events, i)
    if k & 1 == 0:
        return onset, 0.0
    after, _, _ = events_onset_COUNT(events, i + 1.0)
    end = onset + length
    return after if end >= (1.0 - CLOSE) * after else end, level
'''
