"""Pacing: current clamp with pulses, each of which starts a beat; keep the action potential of every beat."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from hhcore.base.checks import Key, choice, items, quoted
from hhcore.base.errors import UserError, collected
from hhcore.base.units import to_unit
from hhcore.experiments.experiment import Experiment
from hhcore.experiments.protocol import Height, schema_of
from hhcore.model.model import Model
from hhcore.protocols.current_clamp.protocol import SPIKE_TIMES, CurrentClamp
from hhcore.simulation.action_potentials import USUAL, ActionPotentials
from hhcore.simulation.beats import ALTERNANS, FROM, durations, last_beat_definitions
from hhcore.simulation.heights import Errors, beat_errors
from hhcore.simulation.observers.beats import Beats
from hhcore.simulation.observers.extremes import Extremes
from hhcore.simulation.observers.spikes import Spikes
from hhcore.simulation.outputs import observers_of
from hhcore.simulation.result import Result
from hhcore.simulation.stimuli.stimulus import Stimulus

OVER_BEATS = "the largest over the beats with an action potential in both runs"
ELSEWHERE = {
    **dict.fromkeys(("max_dvdt", "dvdt_max", "max_upstroke", "activation"), "upstroke"),
    **dict.fromkeys(("stimulus", "pulse", "start"), "onset"),
}
OF_ENDS = ("diastolic_interval_ms", "diastolic_interval_after_ms", ALTERNANS)
KEYS = {
    "apd": Key(
        "percentages of repolarisation, from 1 to 99, at which action potential durations are measured; 90 always is",
        "apd: [30, 50, 90]",
        otherwise="[50, 90]",
        elsewhere=dict.fromkeys(("apds", "APD", "repolarisation", "percent"), "`apd: [30, 50, 90]`"),
    ),
    "apd_from": Key(
        "from when durations count: the largest dV/dt, or the onset of the pulse",
        "apd_from: onset",
        otherwise="upstroke",
        legal=tuple(FROM),
    ),
    "apd_to": Key(
        "a fixed potential: `apd_level_ms` is the time above it",
        "apd_to: -70 mV",
        otherwise="no such column",
        unit="potential",
    ),
    "drawn": Key(
        "states and membrane currents, drawn below the potential in the last beat of each trace: calcium, for one",
        "drawn: [calcium.c, calcium.i, potassium.i]",
        otherwise="no such figure",
    ),
}


def beat_heights(measured: ActionPotentials) -> tuple[Height, ...]:
    """What solvers are judged by besides spike times: peak, upstroke and durations of action potentials."""
    found = [
        Height("ap_peak_error_mV", "mV", f"error of ap_peak_mV, {OVER_BEATS}"),
        Height("max_upstroke_error_V_s", "V/s", f"error of max_upstroke_V_s, {OVER_BEATS}", share=1e-2),
    ]
    for name in durations(measured):
        found.append(Height(f"{name.removesuffix('_ms')}_error_ms", "ms", f"error of {name}, {OVER_BEATS}"))
    return tuple(found)


@dataclass(frozen=True)
class Pacing(CurrentClamp):
    """Pacing; errors are those of spike times.

    apd, apd_from, apd_to : percentages, beginning, and fixed level of durations, as in ActionPotentials; `apd_to` is in
                            the model's unit of the potential, of which one is `mV` millivolts
    drawn                 : states and currents, in the figure of the last beat of traces
    """

    apd: tuple[int, ...] = USUAL.percentages
    apd_from: str = USUAL.begin
    apd_to: float | None = None
    mV: float = 1.0
    drawn: tuple[str, ...] = ()

    kind = "pacing"
    title = "pacing"
    keys = KEYS
    of_traces = ("drawn",)
    schema = schema_of(Spikes, Extremes, Beats())
    accuracy = replace(SPIKE_TIMES, heights=(*SPIKE_TIMES.heights, *beat_heights(USUAL)))
    definitions = CurrentClamp.definitions | last_beat_definitions()
    headline = ("apd90_ms", "APD90", "ms")

    def __post_init__(self) -> None:
        """What its class declares is that of the default durations."""
        measured = self.measured
        declared = {
            "schema": schema_of(Spikes, Extremes, Beats(measured)),
            "accuracy": replace(SPIKE_TIMES, heights=(*SPIKE_TIMES.heights, *beat_heights(measured))),
            "definitions": {**CurrentClamp.definitions, **last_beat_definitions(measured, self.mV)},
        }
        for name, value in declared.items():
            object.__setattr__(self, name, value)
        super().__post_init__()

    @property
    def measured(self) -> ActionPotentials:
        """What is measured of each action potential."""
        return ActionPotentials(self.apd, self.apd_from, self.apd_to)

    @property
    def settings(self) -> tuple:
        """The levels of durations, and the outputs; from when durations count, and what is drawn, comes later."""
        return self.apd, self.apd_to, *super().settings

    @classmethod
    def read(cls, body: Mapping[str, object], model: Model, duration: float, where: str) -> "Pacing":
        """Raises UserError for what is not a percentage, a beginning, or a potential."""
        return cls(**read_durations(body, model, where))

    @classmethod
    def default_for(cls, stimulus: type[Stimulus]) -> bool:
        return cls.takes(stimulus)

    @classmethod
    def takes(cls, stimulus: type[Stimulus]) -> bool:
        """It takes a stimulus with beats."""
        return super().takes(stimulus) and bool(stimulus.beat)

    def heights(self, run: Result, exact: Result, experiment: Experiment) -> dict[str, Errors]:
        """Errors of extremes and of action potentials."""
        errors = super().heights(run, exact, experiment)
        of_beats = zip(beat_heights(self.measured), beat_errors(run, exact).values(), strict=True)
        return errors | {height.column: found for height, found in of_beats}

    def height_of(self, feature: str) -> Height | None:
        """Diastolic intervals and alternans are differences of the ends of apd90."""
        return super().height_of("apd90_ms" if feature in OF_ENDS else feature)

    def numbers(self, experiment: Experiment) -> float:
        of_beats = [observer for observer in observers_of(self.outputs) if not observer.numbers]
        width = len(self.measured.columns) + sum(observer.numbers_of_beat for observer in of_beats)
        return super().numbers(experiment) + width * most_beats(experiment)


def read_durations(body: Mapping[str, object], model: Model, where: str) -> dict[str, object]:
    """The fields of `Pacing` from its keys in a config, for protocols built on it too. Raises UserError like `read`."""
    found = {"mV": model.mV}
    with collected() as noted:
        with noted():
            if "apd" in body:
                found["apd"] = _percentages(body["apd"], f"{where}.apd")
        with noted():
            if "apd_from" in body:
                found["apd_from"] = choice(body["apd_from"], FROM, f"{where}.apd_from", ELSEWHERE)
        with noted():
            if "apd_to" in body:
                unit = model.states[model.potential].unit
                found["apd_to"] = to_unit(body["apd_to"], unit, f"{where}.apd_to")
        with noted():
            if "drawn" in body:
                legal = [name for name in (*model.states, *model.currents) if name != model.potential]
                names = items(body["drawn"], f"{where}.drawn", "[state or membrane current, ...]")
                found["drawn"] = tuple(dict.fromkeys(choice(name, legal, f"{where}.drawn") for name in names))
    return found


def _percentages(written: object, where: str) -> tuple[int, ...]:
    """Percentages of repolarisation, increasing, 90 among them."""
    found = items(written, where, "[30, 50, 90]")
    if not found:
        raise UserError(f"{where}: [] has no percentages; give some, as in [30, 50, 90], or leave it out")
    for value in found:
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 99:
            raise UserError(f"{where}: {quoted(value)} is not a whole percentage from 1 to 99, as in [30, 50, 90]")
    return tuple(sorted({*found, 90}))


def most_beats(experiment: Experiment) -> int:
    """The largest number of beats of a neuron: at a corner of the grid, since it is monotone in each field."""
    e = experiment
    corners = dict(zip(e.stimulus.fields, np.array(list(product(*ends(e).values()))).T, strict=True))
    return int(e.stimulus.beat_counts(corners, e.duration).max())


def ends(experiment: Experiment) -> dict[str, tuple[float, float]]:
    """The smallest and the largest value of each field of the stimulus in the grid."""
    e = experiment
    found = {name: (float(e.defaults[name]),) * 2 for name in e.stimulus.fields}
    for factor in e.factors:
        swept = zip(factor.names, factor.values.min(axis=0), factor.values.max(axis=0), strict=True)
        found |= {name: (low, high) for name, low, high in swept if name in found}
    return found
