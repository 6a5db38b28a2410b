"""The contract of a kind of stimulus: an injected current as text in the kernel.

A kind is one class, in a file of its own in this folder; nothing else names it. Its rules:

1. A stimulus is a row of segments, k = 0, 1, 2, ..., from time 0 on. Within a segment its current is smooth in time; it
   may jump from one to the next. Steps of the integration end exactly where a segment ends.
2. `segment` is the text of a function that returns (end, level): when segment k ends, and a number that is its own. Its
   arguments are, by their names, any of: `k`; the fields of the kind and the numbers `derived` from them; `level` and
   `rise` of the segment before, 0.0 before the first; `table`, rows of two numbers that all neurons share, the `data`
   of the kind from row `first` on, a derived number, which a sum moves. Ends never decrease with k; a segment that ends
   before it begins is skipped; the last one ends at `inf`. Compute an end from k, not from the end before, so that
   errors of rounding do not add up.
3. `expression` is the current inside a segment in Myokit's language: of `time`, `level`, `onset` (when the segment
   began), and the same numbers. It is compiled like the equations of the model, and differentiated where a scheme needs
   that. Where the current is constant in each segment, the expression is `level`, and costs nothing. If it has `rise`,
   the change of the current in a unit of time, `segment` returns (end, level, rise). `formula` stands for what the
   model itself has for the injected current. `restarts` is False for a kind whose current hardly jumps where a segment
   begins: steps of the integration then go on with the length that they have.
4. Every kind has a field `holding`, a level under all of it, which is added to its current: a kind neither declares nor
   adds it. If its levels count from zero, it is `absolute`; then `holding` is the level before time 0 alone.
5. `beat`, if there are beats, is the text of a function `beat(k)`: the number of the beat that begins with segment k,
   from 0 on, or -1. `beat_counts` are the beats of each neuron, and `edge_counts` at most how many segments end within
   the run: both from formulas, since arrays of them all may be too large.
6. Texts are in the kernels' language (hhcore.compile.language.translate), a part of Python: they run as Python too.
   Functions besides `segment` and `beat` have names that no other kind has.
7. `quiet` has a value for each field and each derived number; with them no current flows and everything is finite,
   also where `level`, `rise`, `onset` and the time are 0, as they are where no segment has begun. Rest is found so.
8. `check` refuses fields that make no stimulus, `check_model` a model that does not go with it. `resolve` puts numbers
   in the place of what stands for the end of the run, and computes the derived ones, before a kernel sees them: by
   operations of arrays alone, without a branch on a value, so that a report can do the same. So that
   all mistakes of a config are listed, `check` also sees NaN for a field that is itself wrong, and inf for a duration
   that is: neither is a mistake.
9. `twin` says in plain Python when the current may jump, and what it is (with a `formula`, what that is multiplied by),
   from the fields of a neuron and, where it cannot do without, the derived numbers. SciPy integrates with it, in
   hhcore.simulation.reference. It is written independently of the texts, so that one checks the other.
10. A kind `acts` on the current, or gives shocks: where a segment begins, the potential jumps by its level, and no
   current flows. `shocks` is its twin.
11. A kind with settings that are no numbers of a neuron, such as the file of a waveform, makes a class for them:
   `specialised` reads them from a config, and `Worded` does it for words. `settings` is the text of all that determines
   a result besides the texts. `clamps` says whether the kind may be the command of a voltage clamp, `injects` whether
   it may be a current.
12. A kind whose fields a model file may state has the key `from`; `stated` reads them from a model.
13. Currents may be written as shares of each neuron's rheobase. `relative` makes the class whose `shares` are these
   fields, in percent: it reads a config, and names columns. Nothing else knows it: `in_currents` is the kind that
   kernels get, with the currents themselves (hhcore.experiments.relative).
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import inf
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from hhcore.base.checks import Key, in_other_words
from hhcore.base.errors import UserError, closest
from hhcore.base.units import Quantities, to_array
from hhcore.compile.parts import COMMAND, CURRENT, HOLDING, LEVEL, SHOCK, PartText, StimulusText
from hhcore.model.model import Model
from hhcore.simulation.stimuli.shares import PERCENT, current_in, share_in

CURRENT_ELSEWHERE = dict.fromkeys(  # what other programs call an amplitude
    ("amp", "I", "I_ext", "Iext", "I_app", "Iapp", "I_inj", "I_stim", "stim_amplitude"),
    "`amplitude`, mostly a density: 1 nA on 1000 um^2 is 100 uA/cm^2",
)
FROM = "from"  # the key that says where fields come from
FIRST = "first"  # the derived number that says where in `table` the rows of a kind begin
Values = Mapping[str, np.ndarray]  # float64 (n,) of each field


@dataclass(frozen=True)
class Field:
    """One number of a stimulus.

    unit      : "current", "time" or "potential" for the unit that the model has for it; "frequency" for Hz; or a unit
    meaning   : in words; those before a comma are the label
    default   : None if the field is required; a time of infinity is the end of the run
    swept     : whether it may be an axis
    whole     : whether it is a whole number, of pulses or so
    spelled   : whether the label stands for the name of the field, and needs no name beside it
    elsewhere : what other programs call it, and how that is written here
    """

    unit: str
    meaning: str
    default: float | None = None
    swept: bool = True
    whole: bool = False
    elsewhere: Mapping[Any, str] = dataclasses.field(default_factory=dict)
    spelled: bool = False

    def key(self, example: str) -> Key:
        """The field as a key of a config."""
        endless = {"time": "the end of the run"}.get(self.unit, "as many as fit into the run")
        otherwise = "" if self.default is None else endless if self.default == inf else f"{self.default:g}"
        return Key(self.meaning, example, self.default is None, otherwise, self.unit, elsewhere=self.elsewhere)

    @property
    def commanded(self) -> "Field":
        """The field in a command, where a current is a potential."""
        if self.unit != "current":
            return self
        hints = {theirs: here.partition(", mostly a density")[0] for theirs, here in self.elsewhere.items()}
        meaning = self.meaning.replace("Injected current", "Command potential")
        return dataclasses.replace(self, unit="potential", meaning=meaning, elsewhere=hints)

    def in_percent(self, name: str) -> "Field":
        """The field in percent of rheobase; `name` : its own, which the label has beside `relative to rheobase`."""
        label, comma, rest = self.meaning.partition(",")
        words = label if self.spelled or name in label.lower() else f"{label} {name.replace('_', ' ')}"
        meaning = f"{words} relative to rheobase{comma}{rest}"
        return dataclasses.replace(self, unit=PERCENT, meaning=meaning, spelled=True)


HOLDS = Field("current", "Holding current", 0.0, elsewhere=dict.fromkeys(("I_hold", "bias", "offset"), "`holding`"))
COMMANDS = Field("potential", "Holding potential", elsewhere=dict.fromkeys(("V_hold", "vhold", "v_init"), "`holding`"))


@dataclass(frozen=True)
class Stimulus:
    """A kind of stimulus; the rules are at the head of this file."""

    holding: Quantities = dataclasses.field(default=0.0, kw_only=True)

    kind: ClassVar[str]
    title: ClassVar[str]
    example: ClassVar[str]  # as written in a config
    axis: ClassVar[str]  # the field that curves are drawn against
    fields: ClassVar[dict[str, Field]]
    derived: ClassVar[tuple[str, ...]] = ()
    quiet: ClassVar[dict[str, float]]
    elsewhere: ClassVar[tuple[str, ...]] = ()  # what other programs call the kind
    segment: ClassVar[str]
    expression: ClassVar[str] = LEVEL
    restarts: ClassVar[bool] = True
    beat: ClassVar[str] = ""
    acts: ClassVar[str] = CURRENT
    absolute: ClassVar[bool] = False
    injects: ClassVar[bool] = True
    clamps: ClassVar[bool] = True
    data: ClassVar[np.ndarray] = np.empty((0, 2))  # what texts call `table`
    settings: ClassVar[str] = ""
    settled: ClassVar[tuple[str, ...]] = ()  # the keys of a config that `specialised` reads
    internal: ClassVar[tuple[str, ...]] = ()  # the fields that it sets, and no config names
    shares: ClassVar[tuple[str, ...]] = ()  # the fields in percent of rheobase

    def __init_subclass__(cls, **given: object) -> None:
        super().__init_subclass__(**given)
        if "fields" in vars(cls) and not cls.shares:
            cls.fields = {**cls.fields, HOLDING: HOLDS}
            if cls.acts == COMMAND:
                cls.fields = {**{name: field.commanded for name, field in cls.fields.items()}, HOLDING: COMMANDS}
            cls.quiet = {**cls.quiet, HOLDING: 0.0}

    def __new__(cls, *_: object, **given: object) -> Self:
        """Raises UserError for a keyword that is no field, and for a command without `holding`."""
        cls.check_held(given)
        keys = {name: declared.key("") for name, declared in cls.fields.items() if name not in cls.internal}
        for name in given:
            if name not in cls.fields:
                hint = in_other_words(name, keys)[1]
                raise UserError(f"{cls.__name__}: there is no field {name!r}; {closest(name, keys, hint)}")
        return super().__new__(cls)

    @classmethod
    def check_held(cls, given: Mapping[str, object]) -> None:
        """Raise UserError for keywords of a command without `holding`."""
        if cls.fields[HOLDING].default is None and HOLDING not in given:
            raise UserError(
                f"{cls.__name__}: the command of a clamp needs a `holding` potential, the one before time 0; give it, "
                "like holding=-80"
            )

    @classmethod
    def check_written(cls, name: str, value: object, unit: str, where: str) -> None:
        """Raise UserError for a share of rheobase in a field of currents, and for a current in one of shares.

        unit : that of the field in the model
        """
        shares, share = name in cls.shares, share_in(value)
        if cls.fields[name].unit == "current" and share:
            raise UserError(
                f"{where}: {share!r} is a share of rheobase, but elsewhere this field has currents; write all of its "
                f"values as shares, or this one in {unit}"
            )
        if shares and (current := current_in(value)):
            raise UserError(
                f"{where}: {current} is not a share of rheobase; where one value of a field is a share, all are; write "
                "it like 150 % or 1.5 rheobase"
            )

    @classmethod
    def specialised(cls, body: dict[str, object], where: str, base: Path) -> tuple[type["Stimulus"], dict[str, object]]:
        """The class for the settings in a config, and what is written for its fields (rule 11).

        body : what is written; base : the folder that relative paths start from. Raises UserError.
        """
        return cls, body

    @classmethod
    def stated(cls, model: Model) -> dict[str, float]:
        """The fields that the file of a model states, in its units (rule 12). Raises UserError."""
        return {}

    @classmethod
    def command(cls) -> type["Stimulus"]:
        """The kind as the command of a voltage clamp: what is a current in it is a potential there.

        >>> import hhcore
        >>> hhcore.Ramp.command()(100, holding=-80).units_in(hhcore.load_model("hodgkin_huxley_1952"))["amplitude"]
        'mV'
        """
        return cls if cls.acts == COMMAND else _commanding(cls)

    @classmethod
    def relative(cls, written: Mapping[str, object]) -> type["Stimulus"]:
        """The kind for what is written for its fields: those with shares of rheobase, like `150 %`, are in percent.

        >>> import hhcore
        >>> hhcore.Step.relative({"amplitude": "150 %"}).shares
        ('amplitude',)
        """
        shares = (name for name, field in cls.fields.items() if field.unit == "current")
        return _relative(cls, tuple(name for name in shares if share_in(written.get(name))))

    @classmethod
    def in_currents(cls) -> type["Stimulus"]:
        """The kind whose fields are all currents, as kernels take it."""
        return cls.mro()[1] if cls.shares else cls

    @classmethod
    def check(cls, values: Values, duration: float, where: str) -> None:
        """Raise UserError if values, float64 (m,) of each field, are not legal. `where` begins the message."""
        raise NotImplementedError

    @classmethod
    def check_model(cls, model: Model, where: str) -> None:
        """Raise UserError if the kind does not go with a model; by default any model does."""

    @classmethod
    def twin(
        cls, values: Mapping[str, float], duration: float, ms: float
    ) -> tuple[list[float], Callable[[float], float]]:
        """Of one neuron: times at which the current may jump, and the current as a function of time.

        ms : milliseconds in the unit of time
        """
        raise NotImplementedError

    @classmethod
    def shocks(cls, values: Mapping[str, float], duration: float) -> list[tuple[float, float]]:
        """Of one neuron: times at which the potential jumps, and by how much (rule 10)."""
        return []

    @classmethod
    def edge_counts(cls, values: Values, duration: float) -> np.ndarray:
        """The most segments of each neuron that end within the run: int64 (n,)."""
        raise NotImplementedError

    @classmethod
    def beat_counts(cls, values: Values, duration: float) -> np.ndarray:
        """Beats of each neuron, int64 (n,)."""
        return np.zeros(len(next(iter(values.values()))), dtype=np.int64)

    @classmethod
    def resolve(cls, values: Values, duration: float, ms: float, parameters: np.ndarray) -> dict[str, np.ndarray]:
        """The values and the derived numbers as kernels take them.

        ms : milliseconds in the unit of time; parameters : float64 (n, p), those of the model
        """
        return dict(values)

    @classmethod
    def numbers(cls) -> tuple[str, ...]:
        """What a kernel takes of a neuron's stimulus: the fields, then the numbers derived from them."""
        return (*cls.fields, *cls.derived)

    @classmethod
    def parts(cls) -> tuple[PartText, ...]:
        """The texts: one part, of all numbers."""
        numbers = tuple((name, name) for name in cls.numbers() if name != HOLDING)
        acts = SHOCK if cls.acts == SHOCK else CURRENT
        return (PartText("", numbers, cls.segment, cls.expression, cls.restarts, cls.beat, acts),)

    @classmethod
    def text(cls) -> StimulusText:
        """The kind as a kernel knows it."""
        quiet = tuple(float(cls.quiet[name]) for name in cls.numbers())
        return StimulusText(cls.kind, cls.numbers(), quiet, cls.parts(), cls.acts == COMMAND, cls.absolute)

    @classmethod
    def keys(cls) -> dict[str, Key]:
        """Its keys in a config: its kind and its fields."""
        kind = Key(cls.title, f"kind: {cls.kind}", required=True, legal=(cls.kind,))
        return {"kind": kind, **{name: declared.key(cls.example) for name, declared in cls.fields.items()}}

    @classmethod
    def units(cls, current: str, time: str, potential: str) -> dict[str, str]:
        """Unit of each field, for a model's units of the injected current, of time and of the membrane potential."""
        own = {"current": current, "time": time, "potential": potential, "frequency": "Hz"}
        return {name: own.get(field.unit, field.unit) for name, field in cls.fields.items()}

    @classmethod
    def units_in(cls, model: Model) -> dict[str, str]:
        """Unit of each field in a model."""
        return cls.units(model.current.unit, model.time_unit, model.states[model.potential].unit)

    @classmethod
    def defaults(cls, duration: float) -> dict[str, float]:
        """The default of each field, NaN if it is required."""
        values = {name: np.nan if f.default is None else f.default for name, f in cls.fields.items()}
        return {name: min(v, duration) if cls.fields[name].unit == "time" else v for name, v in values.items()}

    @classmethod
    def table(cls, stimuli: np.ndarray, duration: float, ms: float, parameters: np.ndarray) -> np.ndarray:
        """The numbers that kernels take, (n, k), from fields, float64 (n, f), and parameters, float64 (n, p)."""
        values = cls.resolve(dict(zip(cls.fields, stimuli.T, strict=True)), duration, ms, parameters)
        return np.column_stack([values[name] for name in cls.numbers()])

    @classmethod
    def place(cls, name: str) -> str:
        """Where a field stands in the mapping of a config."""
        return name

    @property
    def values(self) -> dict[str, Quantities]:
        """What is given for each field."""
        return {name: getattr(self, name) for name in self.fields}

    def written(self) -> dict[str, object]:
        """The stimulus as a mapping of a config: its kind, and the fields that do not have their default."""
        values = self.values
        default = {name for name, value in values.items() if np.ndim(value) == 0 and value == self.fields[name].default}
        return {"kind": self.kind, **{name: value for name, value in values.items() if name not in default}}

    def columns(self, model: Model, duration: float) -> dict[str, np.ndarray]:
        """The value of each field, float64 () or (n,), in the units that `model` has for it.

        A time that defaults to the end of the run is that instead of infinite. Raises UserError for a field that is
        neither a quantity nor a list of them, for a time that is not finite, and for NaN; but a current or a potential
        may be NaN, with which its own neuron fails.
        """
        units = self.units_in(model)
        for name, value in self.values.items():
            self.check_written(name, value, units[name], f"stimulus.{name}")
        values = {name: to_array(value, units[name], f"stimulus.{name}") for name, value in self.values.items()}
        for name, field in self.fields.items():
            if field.unit not in ("current", "potential") and np.isnan(values[name]).any():
                what = "time" if field.unit == "time" else "number"
                raise UserError(f"stimulus.{name}: nan is not a {what}; give a finite number")
            endless = ~np.isfinite(values[name])
            if field.unit == "time" and field.default != inf and endless.any():
                raise UserError(f"stimulus.{name}: {values[name][endless].flat[0]} is not a time; give a finite number")
        lasting = [name for name, field in self.fields.items() if field.unit == "time" and field.default == inf]
        return values | {name: np.where(np.isposinf(values[name]), duration, values[name]) for name in lasting}


@lru_cache
def _relative(kind: type[Stimulus], shares: tuple[str, ...]) -> type[Stimulus]:
    if not shares:
        return kind
    fields = {name: field.in_percent(name) if name in shares else field for name, field in kind.fields.items()}
    return type(kind.__name__, (kind,), {"__module__": kind.__module__, "fields": fields, "shares": shares})


@lru_cache
def _commanding(kind: type[Stimulus]) -> type[Stimulus]:
    own = {"acts": COMMAND, "fields": kind.fields, "title": kind.title.replace("current", "potential")}
    own["example"] = f"{kind.example.removesuffix('}')}, {HOLDING}: -80}}"
    return type(kind.__name__, (kind,), {"__module__": kind.__module__, **own})
