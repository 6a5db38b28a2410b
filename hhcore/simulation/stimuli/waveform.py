"""A recorded waveform, linear between its samples; as the command of a clamp it is the action potential clamp."""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from functools import lru_cache
from math import inf
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from hhcore.base.checks import Key, text
from hhcore.base.errors import UserError
from hhcore.base.units import Quantities
from hhcore.compile.parts import COMMAND
from hhcore.simulation.stimuli.samples import Samples, converts, read_samples, samples_of
from hhcore.simulation.stimuli.stimulus import FIRST, Field, Stimulus, Values

MOST_EDGES = 10**7  # samples of a neuron's run, with all repetitions
UNITS = {"unit": "column", "time_unit": "file"}  # fields that say what 1 in the file is, and where a config has that


class Waveform(Stimulus):
    """The samples of a file, linear between them: Waveform("recording.csv", "current_uA_cm2", scale=[1, 2]).

    source : the path of a CSV or Parquet file; or the columns of a table, like {"time_ms": [...], "current_nA": [...]}
    column : the one that is played, if there are several beside the time
    scale  : multiplies the samples
    offset : is added to them, in the unit of the model's injected current (uA/cm^2), or of the potential in a clamp
    start  : is added to the times of the file, in the model's unit of time (ms)
    period : from one repetition to the next; 0, the default, without repetition

    Before the first sample, and after the last one, its value is held. Two samples of one time are a jump.

    >>> import hhcore
    >>> ramp = hhcore.Waveform({"time_ms": [0, 50], "current_uA_cm2": [0, 40]})
    >>> hhcore.simulate("hodgkin_huxley_1952", {}, ramp, duration=50).spike_counts.tolist()
    [5]
    """

    kind = "waveform"
    title = "a waveform from a file"
    example = "{kind: waveform, file: recording.csv}"
    axis = "scale"
    elsewhere = ("playback", "play", "arbitrary", "TimedArray", "TimeSeriesProtocol")
    fields = {
        "scale": Field("1", "Waveform, its samples multiplied by", 1.0, elsewhere={"factor": "`scale`"}),
        "offset": Field("current", "Waveform, added to its samples", 0.0),
        "start": Field("time", "Waveform, added to its times", 0.0, elsewhere={"delay": "`start`", "onset": "`start`"}),
        "period": Field("time", "Waveform, from one repetition to the next", 0.0, elsewhere={"bcl": "`period`"}),
        "unit": Field("current", "Waveform, what 1 in the file is", swept=False),
        "time_unit": Field("time", "Waveform, what 1 in the times of the file is", swept=False),
    }
    derived = (FIRST, "rows")
    quiet = {
        **dict.fromkeys(("scale", "offset", "start", "period", "unit", FIRST), 0.0),
        **dict.fromkeys(("time_unit", "rows"), 1.0),
    }
    segment = '''
def segment(k, table, first, rows, scale, offset, start, period, unit, time_unit):
    """(end, level, rise) of segment k: up to the first sample, from sample to sample, up to those of the next round."""
    played = float(k) - 1.0
    done = floor(played / rows)
    i = played - done * rows
    head = bits_of(first + 4503599627370496.0) - bits_of(4503599627370496.0)
    row = bits_of(first + i + 4503599627370496.0) - bits_of(4503599627370496.0)
    gain = scale * unit
    if i + 1.0 == rows:
        begin = start + (done + 1.0) * period if period > 0.0 or k == 0 else inf
        return begin + table[head, 0] * time_unit, table[head if k == 0 else row, 1] * gain + offset, 0.0
    end = start + done * period + table[row + 1, 0] * time_unit
    length = (table[row + 1, 0] - table[row, 0]) * time_unit
    rise = (table[row + 1, 1] - table[row, 1]) * gain / length if length > 0.0 else 0.0
    return end, table[row, 1] * gain + offset, rise
'''
    expression = "level + rise * (time - onset)"
    restarts = False
    settled = ("file", "column")
    internal = (*UNITS,)
    samples: ClassVar[Samples]

    def __new__(
        cls, source: str | Path | Mapping[str, Any] = "", column: str | None = None, **given: Quantities
    ) -> Self:
        """Raises UserError for a file that is not a table of samples, and for a keyword that is no field."""
        kind: Any = cls.of(_samples(source, column, "Waveform")) if not hasattr(cls, "samples") else cls
        return super().__new__(kind, **given)

    def __init__(self, source: str | Path | Mapping[str, Any] = "", column: str | None = None, **given: Quantities):
        defaults = {name: field.default for name, field in self.fields.items()}
        own = defaults | self.samples.units | given
        object.__setattr__(self, "given", {name: own[name] for name in self.fields})

    def __repr__(self) -> str:
        return f"Waveform({', '.join(f'{k}={v!r}' for k, v in self.written().items() if k != 'kind')})"

    @property
    def values(self) -> dict[str, Quantities]:
        return vars(self)["given"]

    def written(self) -> dict[str, object]:
        """Raises UserError for a table that is not in a file."""
        own = {name: value for name, value in super().written().items() if name not in UNITS}
        return {**own, **self.samples.written}

    @classmethod
    def of(cls, samples: Samples) -> type["Waveform"]:
        """The class for samples."""
        return _class(cls, samples)

    @classmethod
    def command(cls) -> type[Stimulus]:
        """Potentials are absolute."""
        made = super().command()
        made.absolute = True
        return made

    @classmethod
    def specialised(cls, body: dict[str, Any], where: str, base: Path) -> tuple[type[Stimulus], dict[str, Any]]:
        file = text(body.get("file"), f"{where}.file", "file: recording.csv")
        column = text(body["column"], f"{where}.column", "column: current_nA") if "column" in body else None
        samples = read_samples(base / file, column, where)
        rest = {name: value for name, value in body.items() if name not in ("file", "column")}
        return cls.of(samples), rest | samples.units

    @classmethod
    def keys(cls) -> dict[str, Key]:
        """Its keys in a config: the file, and the fields that it does not set."""
        own = {name: key for name, key in super().keys().items() if name not in UNITS}
        own["file"] = Key("a CSV or Parquet file with a column of times", "file: recording.csv", required=True)
        own["column"] = Key("the column that is played", "column: current_nA", otherwise="the only one beside the time")
        return own

    @classmethod
    def place(cls, name: str) -> str:
        return UNITS.get(name, name)

    @classmethod
    def check_written(cls, name: str, value: object, unit: str, where: str) -> None:
        """Potentials are not played as a current, nor currents as a potential."""
        super().check_written(name, value, unit, where)
        own = value.removeprefix("1 ") if isinstance(value, str) else ""
        if name == "unit" and own and unit and converts(own, "mV") != converts(unit, "mV"):
            source, what = Path(cls.samples.file).name, "potential" if cls.acts == COMMAND else "current"
            place = f"{where.rpartition('.')[0]}: {source}{': ' if source else ''}"
            raise UserError(f"{place}column {cls.samples.column} is in {own}; a {what} in {unit} is needed")

    @classmethod
    def check(cls, values: Values, duration: float, where: str) -> None:
        """No sample is before time 0, no round longer than the period, and a run has not too many samples."""
        times = cls.data[:, 0]
        begin = values["start"] + times[0] * values["time_unit"]
        if begin.min() < 0:
            raise UserError(
                f"{where}.start: the first sample would be at {float(begin.min())!r}, before the simulation, which "
                f"begins at 0; give a start from {float((values['start'] - begin).max())!r} on"
            )
        span, period = (times[-1] - times[0]) * values["time_unit"], values["period"]
        short = (period != 0) & (period < span)
        if short.any():
            raise UserError(
                f"{where}.period: {float(period[short][0])!r} is shorter than the waveform, "
                f"{float(span[short][0])!r}; give a longer one, or leave it out to play it once"
            )
        if duration < inf and (most := cls.edge_counts(values, duration).max()) > MOST_EDGES:
            raise UserError(
                f"{where}: a run has {most:.3g} samples, {MOST_EDGES:.0e} are legal at most; give a longer period, or "
                "fewer samples"
            )

    @classmethod
    def edge_counts(cls, values: Values, duration: float) -> np.ndarray:
        """One for each sample of each round that has begun."""
        period = values["period"]
        rounds = np.where(period > 0, np.ceil(duration / np.where(period > 0, period, 1.0)) + 1, 1)
        return (len(cls.data) * rounds).astype(np.int64)

    @classmethod
    def resolve(cls, values: Values, duration: float, ms: float, parameters: np.ndarray) -> dict[str, np.ndarray]:
        """Where the samples are in the table."""
        like = np.ones(len(values["scale"]))
        return {**values, FIRST: 0.0 * like, "rows": len(cls.data) * like}

    @classmethod
    def twin(
        cls, values: Mapping[str, float], duration: float, ms: float
    ) -> tuple[list[float], Callable[[float], float]]:
        """The last sample that has begun, and the next one of the same round."""
        times = [values["start"] + time * values["time_unit"] for time in cls.data[:, 0].tolist()]
        levels = [values["scale"] * values["unit"] * x + values["offset"] for x in cls.data[:, 1].tolist()]
        period = values["period"]
        rounds = range(int((duration - times[0]) / period) + 1 if period and duration > times[0] else 1)

        def current(t: float) -> float:
            since = t - max(0, int((t - times[0]) / period)) * period if period else t
            i = bisect_right(times, since) - 1
            if not 0 <= i < len(times) - 1:
                return levels[min(max(i, 0), len(times) - 1)]
            part = (since - times[i]) / (times[i + 1] - times[i])
            return (1 - part) * levels[i] + part * levels[i + 1]

        return [time + i * period for i in rounds for time in times], current


def _samples(source: object, column: str | None, where: str) -> Samples:
    if isinstance(source, Mapping):
        return samples_of(source, column, where)
    if not isinstance(source, str | Path):
        raise UserError(f"{where}: {source!r} is neither the path of a file nor a mapping of columns")
    return read_samples(Path(source), column, where)


@lru_cache(maxsize=64)
def _class(cls: type[Waveform], samples: Samples) -> type[Waveform]:
    own = {"title": samples.title, "samples": samples, "data": samples.table, "settings": samples.digest}
    return type(cls.__name__, (cls,), {"__module__": cls.__module__, **own})
