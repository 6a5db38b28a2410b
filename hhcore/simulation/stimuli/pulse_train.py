"""Equal current pulses, for pacing."""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf, isnan
from pathlib import Path
from typing import Self

import numpy as np

from hhcore.base.checks import Key, choice
from hhcore.base.errors import UserError
from hhcore.base.units import Quantities
from hhcore.compile.parts import COMMAND
from hhcore.model.model import FILE, Model
from hhcore.simulation.stimuli.checks import (
    as_many_as_fit,
    check_begin,
    check_last,
    check_most,
    check_number,
    check_positive,
    check_resolved,
)
from hhcore.simulation.stimuli.stimulus import CURRENT_ELSEWHERE, FROM, Field, Stimulus, Values


@dataclass(frozen=True)
class PulseTrain(Stimulus):
    """Equal current pulses: pulse i = 0, 1, ... flows while onset <= t < onset + width, with onset = start + i period.

    amplitude : in the unit of the model's injected current (uA/cm^2)
    width, period, start : in the model's unit of time (ms)
    number    : of pulses; by default all that end within the run

    Each is a number, text with a unit, or a list with a value for each neuron: PulseTrain(25, "0.5 ms", [10, 20]).
    Each pulse begins a beat, which lasts to the next onset or to the end of the run. Times need not lie on the
    integration grid: steps of the integration end exactly at the edges.

    >>> import hhcore
    >>> run = hhcore.simulate("hodgkin_huxley_1952", {}, hhcore.PulseTrain(25, 0.5, [10, 20]), duration=60)
    >>> run.beats.groupby("neuron").apd90_ms.count().tolist()
    [3, 3]
    """

    amplitude: Quantities
    width: Quantities
    period: Quantities
    number: Quantities = inf
    start: Quantities = 0.0

    kind = "pulse_train"
    title = "current pulses"
    example = "{kind: pulse_train, amplitude: 80, width: 0.5, period: 1000}"
    axis = "period"
    elsewhere = ("pulses", "train", "NetStim", "periodic", "pace")
    fields = {
        "amplitude": Field(
            "current",
            "Injected current, amplitude of the stimulus",
            elsewhere=CURRENT_ELSEWHERE | {"level": "`amplitude`"},
        ),
        "width": Field(
            "time", "Pulse, how long each lasts", elsewhere=dict.fromkeys(("dur", "duration", "length"), "`width`")
        ),
        "period": Field(
            "time",
            "Pacing, time from onset to onset",
            elsewhere=dict.fromkeys(("bcl", "pcl", "cycle_length", "interval", "pace", "S1"), "`period`")
            | dict.fromkeys(("freq", "frequency", "rate"), "`period`, from onset to onset: 1000 ms for 1 Hz"),
        ),
        "number": Field(
            "1",
            "Pulses, how many",
            inf,
            whole=True,
            elsewhere=dict.fromkeys(("count", "n", "n_pulses", "multiplier"), "`number`"),
        ),
        "start": Field(
            "time",
            "Pulses, when the first begins",
            0.0,
            elsewhere=dict.fromkeys(("delay", "del", "onset", "offset"), "`start`"),
        ),
    }
    settled = (FROM,)
    quiet = {"amplitude": 0.0, "width": 1.0, "period": 2.0, "number": 0.0, "start": 0.0}
    segment = '''
def segment(k, amplitude, width, period, number, start):
    """(end, level) of segment k: before pulse i = 0, 1, ... for even k = 2 i, the pulse itself for k = 2 i + 1."""
    i = float(k >> 1)
    onset = start + i * period if i < number else inf
    if k & 1 == 0:
        return onset, 0.0
    return onset + width, amplitude
'''
    beat = '''
def beat(k):
    """The number of the beat that begins with segment k, that of the pulse, or -1."""
    return k >> 1 if k & 1 == 1 else -1
'''

    @classmethod
    def from_file(cls, model: Model, **fields: Quantities) -> Self:
        """The train that the file of a model paces itself by: its amplitude, width and period, begun at time 0.

        fields : what is to be otherwise, and what the file does not state

        The formula is replaced, so that constants of it have no effect. Raises UserError if the injected current has no
        formula of time, or one that makes other than equal pulses, or a single one and no period is given.

        >>> import hhcore
        >>> model = hhcore.load_model("cell.cellml", current="file")  # doctest: +SKIP
        >>> hhcore.PulseTrain.from_file(model, period=[300, 1000])    # doctest: +SKIP
        PulseTrain(amplitude=-25.5, width=2.0, period=[300, 1000], number=inf, start=0.0)
        """
        own = cls.stated(model)
        if not {"period"} & {*own, *fields}:
            raise UserError(f"{model.name}: the file states one pulse and no period; give one, like period=1000")
        return cls(**own | fields)

    @classmethod
    def stated(cls, model: Model) -> dict[str, float]:
        """Amplitude, width and period that the file of a model states; no period if there is one pulse alone."""
        pulses = model.pulses
        own = {"amplitude": pulses.amplitude, "width": pulses.width, "period": pulses.period}
        return {name: value for name, value in own.items() if not isnan(value)}

    @classmethod
    def specialised(cls, body: dict[str, object], where: str, base: Path) -> tuple[type[Stimulus], dict[str, object]]:
        """The fields without the word `from`, which `stated` has taken care of."""
        if cls.acts == COMMAND:
            return cls, body
        choice(body.get(FROM, FILE), (FILE,), f"{where}.{FROM}")
        return cls, {name: value for name, value in body.items() if name != FROM}

    @classmethod
    def keys(cls) -> dict[str, Key]:
        """Those of its fields; and `from: file`, which stands for amplitude, width and period."""
        words = "where those of amplitude, width and period come from that are not written: the model file"
        own = {} if cls.acts == COMMAND else {FROM: Key(words, f"{FROM}: {FILE}", legal=(FILE,))}
        return super().keys() | own

    @classmethod
    def check(cls, values: Values, duration: float, where: str) -> None:
        """0 < width <= period, 0 <= start, and every pulse, one at least, ends within the run."""
        width, period, number, start = (values[name] for name in ("width", "period", "number", "start"))
        check_positive(values, ("width", "period"), where)
        check_begin(start, where)
        check_number(number, where, "pulses")
        worst = (width - period).argmax()
        if width[worst] > period[worst]:
            raise UserError(
                f"{where}: width {float(width[worst])!r} is above period {float(period[worst])!r}; "
                f"pulses must not overlap, so give a longer period or shorter pulses"
            )
        known = np.where(np.isfinite(number), number, 1)
        check_last(start + (known - 1) * period + width, known, duration, where, "pulse")
        if duration < inf:
            pulses = cls._numbers(values, duration)
            check_most(pulses, where, "pulses")
            check_resolved(width, start + (pulses - 1) * period, where)

    @classmethod
    def edge_counts(cls, values: Values, duration: float) -> np.ndarray:
        """Two for each pulse: its onset and its end."""
        return 2 * cls.beat_counts(values, duration)

    @classmethod
    def beat_counts(cls, values: Values, duration: float) -> np.ndarray:
        """One for each pulse."""
        return cls._numbers(values, duration).astype(np.int64)

    @classmethod
    def resolve(cls, values: Values, duration: float, ms: float, parameters: np.ndarray) -> dict[str, np.ndarray]:
        """Fill in the number of pulses of each neuron."""
        return {**values, "number": cls._numbers(values, duration)}

    @classmethod
    def twin(
        cls, values: Mapping[str, float], duration: float, ms: float
    ) -> tuple[list[float], Callable[[float], float]]:
        """All pulses that end within the run, up to rounding; each half-open."""
        amplitude, width, period, number, start = (
            values[name] for name in ("amplitude", "width", "period", "number", "start")
        )
        onsets: list[float] = []
        while len(onsets) < number and start + len(onsets) * period + width <= duration * (1 + 1e-12):
            onsets.append(start + len(onsets) * period)

        def current(t: float) -> float:
            i = bisect_right(onsets, t) - 1
            return amplitude if i >= 0 and t < onsets[i] + width else 0.0

        return [*onsets, *(onset + width for onset in onsets)], current

    @classmethod
    def _numbers(cls, values: Values, duration: float) -> np.ndarray:
        room = duration - values["start"]
        return as_many_as_fit(values["number"], values["width"], values["period"], room)
