"""Stimuli: the injected current as a function of time, constant in each of a few stretches.

A kind of stimulus is one class here: its fields with their units, what it demands of their values, and the protocol
that it makes of them. KINDS names those that a config may ask for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import ClassVar

import numpy as np

from hhcore.base.errors import UserError

MAX_PULSES = 10_000


@dataclass(frozen=True)
class Field:
    """One number of a stimulus.

    unit    : "current" or "time" for the unit that the model has for it, or "1"
    meaning : in words; those before a comma are the label
    default : None where it must be given; a time of infinity is the end of the run
    swept   : whether it may be an axis
    """

    unit: str
    meaning: str
    default: float | None = None
    swept: bool = True


@dataclass(frozen=True)
class Protocol:
    """What happens to n neurons in each of up to k stretches of time, which end at `edges`; empty ones are skipped.

    edges    : float64 (n, k), increasing, the last one the end of the run
    currents : float64 (n, k), the injected current
    watched  : bool (n, k), whether peak and trough of the potential are taken
    beats    : int64 (n, k), number of the beat that begins with the stretch, counted for each neuron, or -1;
               (n, 0) without beats
    """

    edges: np.ndarray
    currents: np.ndarray
    watched: np.ndarray
    beats: np.ndarray

    @property
    def beat_counts(self) -> np.ndarray:
        """Beats of each neuron, int64 (n,)."""
        return self.beats.max(axis=1, initial=-1) + 1


class Stimulus:
    """What every kind has."""

    kind: ClassVar[str]
    title: ClassVar[str]
    example: ClassVar[str]  # of how a config gives it
    axis: ClassVar[str]  # the field that curves are drawn against
    fields: ClassVar[dict[str, Field]]
    paces: ClassVar[bool] = False  # whether it begins beats

    def columns(self, duration: float) -> dict[str, np.ndarray]:
        """The value of each field, a number or float64 (n,); no time that defaults to the end of the run is later."""
        values = {name: np.asarray(getattr(self, name), dtype=np.float64) for name in self.fields}
        lasting = [name for name, field in self.fields.items() if field.unit == "time" and field.default == inf]
        return values | {name: np.minimum(values[name], duration) for name in lasting}

    @classmethod
    def required(cls) -> list[str]:
        """Names of the fields without a default."""
        return [name for name, field in cls.fields.items() if field.default is None]

    @classmethod
    def units(cls, current: str, time: str) -> dict[str, str]:
        """Unit of each field, for a model's units of the injected current and of time."""
        return {name: {"current": current, "time": time}.get(f.unit, f.unit) for name, f in cls.fields.items()}

    @classmethod
    def defaults(cls, duration: float) -> dict[str, float]:
        """Value of each field that is not given, NaN where there is none."""
        values = {name: np.nan if f.default is None else f.default for name, f in cls.fields.items()}
        return {name: min(v, duration) if cls.fields[name].unit == "time" else v for name, v in values.items()}

    @classmethod
    def check(cls, values: Mapping[str, np.ndarray], duration: float, where: str) -> None:
        """Raise UserError for values, float64 (m,) of each field, that are no stimulus. `where` begins the message."""
        raise NotImplementedError

    @classmethod
    def edges(cls, values: Mapping[str, np.ndarray], duration: float) -> np.ndarray:
        """When the current may change or a beat begin: float64 (n, m), for values float64 (n, 1)."""
        raise NotImplementedError

    @classmethod
    def current(cls, values: Mapping[str, np.ndarray], times: np.ndarray, duration: float) -> np.ndarray:
        """What flows from each of the times on, up to the next edge: float64 (n, k), for values float64 (n, 1)."""
        raise NotImplementedError

    @classmethod
    def beats(cls, values: Mapping[str, np.ndarray], times: np.ndarray, duration: float) -> np.ndarray:
        """Number of the beat that begins at each of the times, or -1: int64 (n, k), or (n, 0) without beats."""
        return np.empty((len(times), 0), dtype=np.int64)


@dataclass(frozen=True)
class Step(Stimulus):
    """A current step: `amplitude` while start <= t < stop, zero otherwise.

    amplitude : float or float64 (n,), in the unit of the model's injected current (uA/cm^2)
    start, stop : float or float64 (n,), in the model's unit of time (ms); stop defaults to the end of the run

    Times need not lie on the integration grid: steps of the integration end exactly at the edges.
    """

    amplitude: float | np.ndarray
    start: float | np.ndarray = 0.0
    stop: float | np.ndarray = inf

    kind = "step"
    title = "current step"
    example = "{kind: step, amplitude: 10}"
    axis = "amplitude"
    fields = {
        "amplitude": Field("current", "Injected current, amplitude of the stimulus"),
        "start": Field("time", "Step, when it begins", 0.0),
        "stop": Field("time", "Step, when it ends", inf),
    }

    @classmethod
    def check(cls, values: Mapping[str, np.ndarray], duration: float, where: str) -> None:
        """0 <= start < stop <= duration."""
        start, stop = values["start"], values["stop"]
        if start.min() < 0:
            raise UserError(f"{where}.start: {float(start.min())!r} is before the simulation, which begins at 0")
        if stop.max() > duration:
            raise UserError(
                f"{where}.stop: {float(stop.max())!r} is after the end of the simulation, {duration!r}; "
                "give an earlier stop or a longer duration"
            )
        worst = (start - stop).argmax()
        if start[worst] >= stop[worst]:
            raise UserError(
                f"{where}: start {float(start[worst])!r} is not before stop {float(stop[worst])!r} "
                f"(a stop that is left out is the duration); every step needs start < stop"
            )

    @classmethod
    def edges(cls, values: Mapping[str, np.ndarray], duration: float) -> np.ndarray:
        """Both ends of the step."""
        return np.hstack([values["start"], values["stop"]])

    @classmethod
    def current(cls, values: Mapping[str, np.ndarray], times: np.ndarray, duration: float) -> np.ndarray:
        """Half-open."""
        return np.where((values["start"] <= times) & (times < values["stop"]), values["amplitude"], 0.0)


@dataclass(frozen=True)
class PulseTrain(Stimulus):
    """Equal current pulses: pulse i = 0, 1, ... flows while onset <= t < onset + width, with onset = start + i period.

    amplitude : float or float64 (n,), in the unit of the model's injected current (uA/cm^2)
    width, period, start : float or float64 (n,), in the model's unit of time (ms)
    number    : of pulses; by default as many as end within the run

    Each pulse begins a beat, which lasts to the next onset or to the end of the run. Times need not lie on the
    integration grid: steps of the integration end exactly at the edges.

    >>> import hhcore
    >>> run = hhcore.simulate("hodgkin_huxley_1952", {}, hhcore.PulseTrain(25, 0.5, [10, 20]), duration=60)
    >>> run.beat_table.groupby("neuron").apd90_ms.count().tolist()
    [3, 3]
    """

    amplitude: float | np.ndarray
    width: float | np.ndarray
    period: float | np.ndarray
    number: float | np.ndarray = inf
    start: float | np.ndarray = 0.0

    kind = "pulse_train"
    title = "current pulses"
    example = "{kind: pulse_train, amplitude: 80, width: 0.5, period: 1000}"
    axis = "period"
    paces = True
    fields = {
        "amplitude": Field("current", "Injected current, amplitude of the stimulus"),
        "width": Field("time", "Pulse, how long each lasts"),
        "period": Field("time", "Pacing, time from onset to onset"),
        "number": Field("1", "Pulses, how many", inf, swept=False),
        "start": Field("time", "Pulses, when the first begins", 0.0),
    }

    @classmethod
    def check(cls, values: Mapping[str, np.ndarray], duration: float, where: str) -> None:
        """0 < width < period, 0 <= start, and every pulse, one at least, ends within the run."""
        width, period, number, start = (values[name] for name in ("width", "period", "number", "start"))
        for name in ("width", "period"):
            if values[name].min() <= 0:
                raise UserError(f"{where}.{name}: {float(values[name].min())!r} is not above 0; give a length of time")
        if start.min() < 0:
            raise UserError(f"{where}.start: {float(start.min())!r} is before the simulation, which begins at 0")
        strange = ~np.isposinf(number) & ((number < 1) | (np.floor(number) != number))
        if strange.any():
            raise UserError(
                f"{where}.number: {number[strange][0]:g} is no number of pulses; give a whole number from 1 on, "
                f"or leave it out for as many as fit into the duration"
            )
        worst = (width - period).argmax()
        if width[worst] >= period[worst]:
            raise UserError(
                f"{where}: width {float(width[worst])!r} is not below period {float(period[worst])!r}; "
                f"pulses must not touch, so give a longer period or shorter pulses"
            )
        last = start + (np.where(np.isfinite(number), number, 1) - 1) * period + width
        worst = last.argmax()
        if last[worst] > duration:
            pulse = "first" if not 1 < number[worst] < inf else f"{number[worst]:g}th"
            raise UserError(
                f"{where}: the {pulse} pulse ends at {float(last[worst])!r}, after the end of the simulation, "
                f"{duration!r}; give a longer duration or fewer pulses"
            )
        most = cls._numbers(values, duration).max()
        if most > MAX_PULSES:
            raise UserError(
                f"{where}: {most:.6g} pulses are too many for one neuron; at most {MAX_PULSES} are legal, "
                f"so give a number or a longer period"
            )

    @classmethod
    def edges(cls, values: Mapping[str, np.ndarray], duration: float) -> np.ndarray:
        """Both ends of each pulse."""
        number = cls._numbers(values, duration)
        i = np.arange(number.max(initial=0))
        onsets = np.where(i < number, values["start"] + i * values["period"], inf)
        return np.hstack([onsets, onsets + values["width"]])

    @classmethod
    def current(cls, values: Mapping[str, np.ndarray], times: np.ndarray, duration: float) -> np.ndarray:
        """Half-open, with the very onsets of `edges`."""
        i = np.floor((times - values["start"]) / values["period"])
        number, flows = cls._numbers(values, duration), np.zeros(times.shape, dtype=bool)
        for k in (i, i + 1):  # the quotient may be rounded to the wrong side
            onset = values["start"] + k * values["period"]
            flows |= (k >= 0) & (k < number) & (onset <= times) & (times < onset + values["width"])
        return np.where(flows, values["amplitude"], 0.0)

    @classmethod
    def beats(cls, values: Mapping[str, np.ndarray], times: np.ndarray, duration: float) -> np.ndarray:
        """The number of the pulse whose onset it is."""
        i = np.rint((times - values["start"]) / values["period"])
        begins = (i >= 0) & (i < cls._numbers(values, duration)) & (times == values["start"] + i * values["period"])
        return np.where(begins, i, -1).astype(np.int64)

    @classmethod
    def _numbers(cls, values: Mapping[str, np.ndarray], duration: float) -> np.ndarray:
        """Pulses of each neuron: those that are asked for, or those that end within the run."""
        fitting = np.floor((duration - values["width"] - values["start"]) / values["period"] * (1 + 1e-12)) + 1
        return np.where(np.isfinite(values["number"]), values["number"], fitting)


KINDS: dict[str, type[Stimulus]] = {cls.kind: cls for cls in (Step, PulseTrain)}


def protocol(
    kind: type[Stimulus], stimuli: np.ndarray, duration: float, window: tuple[float, float], samples: np.ndarray
) -> Protocol:
    """The stretches between the edges of the stimulus and of the analysis window.

    stimuli : float64 (n, fields), a column for each field of the kind
    samples : further times at which a stretch ends
    """
    n = len(stimuli)
    values = {name: stimuli[:, i, None] for i, name in enumerate(kind.fields)}
    common = np.r_[samples, window, duration]
    edges = np.hstack([kind.edges(values, duration), np.broadcast_to(common, (n, len(common)))])
    edges = np.sort(np.clip(edges, 0.0, duration), axis=1)
    begins = np.column_stack([np.zeros(n), edges[:, :-1]])
    watched = (window[0] <= begins) & (begins < window[1])
    return Protocol(edges, kind.current(values, begins, duration), watched, kind.beats(values, begins, duration))
