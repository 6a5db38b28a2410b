"""The textbook neuron: a stimulus and a duration with which any model shows what it does.

They are found by a few simulations: a pacemaker needs no current, a heart cell a short pulse, a neuron a current step
at which it fires again and again.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from hhcore.model.model import FILE, NOTHING, Model
from hhcore.simulation.default_scheme import default_scheme
from hhcore.simulation.result import Result
from hhcore.simulation.simulate import simulate
from hhcore.simulation.stimuli.pulse_train import PulseTrain
from hhcore.simulation.stimuli.step import Step

AMPLITUDES = [0.0, *(float(f"{digit}e{power}") for power in range(-2, 3) for digit in (1, 2, 5))]
TRIAL_MS = 2000.0
DURATIONS_MS = 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, TRIAL_MS
SHOWN, REPEATED, PACED = 5, 3, 2  # spikes: in the time that is shown, of repetitive firing, of a pacemaker
WIDTH_MS, PERIOD_MS, BEFORE_MS = 1.0, 1000.0, 20.0  # of pulses, and what is seen before the first
LONG_MS = 50.0  # an action potential of a heart lasts longer
BEGIN, END = 0.1, 0.8  # of a step, as shares of the duration


@dataclass(frozen=True)
class Textbook:
    """What a model is shown with.

    stimulus : as in a config
    duration : in the model's unit of time
    reach    : the lowest and the highest amplitude to try, in the unit of the injected current
    """

    stimulus: dict[str, object] = field(default_factory=dict)
    duration: float = TRIAL_MS
    initial_state: str = "rest"
    reach: tuple[float, float] | None = None

    def lasting(self, duration: float) -> "Textbook":
        """The same for another duration, in the model's unit of time: a step keeps its place in it."""
        step = self.stimulus.get("kind") == "step" and "start" in self.stimulus
        stimulus = _step(self.stimulus["amplitude"], duration) if step else self.stimulus
        return replace(self, stimulus=stimulus, duration=duration)


def textbook(model: Model) -> Textbook:
    """What suits a model. Raises UserError as `simulate` does."""
    if model.current.name in model.paced_by:
        return _paced_by_file(model)
    if model.current.name == NOTHING:
        return Textbook({"kind": "step", "amplitude": 0.0}, TRIAL_MS / model.ms, "model")
    duration = TRIAL_MS / model.ms
    steps = _tried(model, Step(AMPLITUDES, stop=duration), duration)
    firing = [_spikes(steps, i) for i in range(len(AMPLITUDES))]
    most = max((a for a, times in zip(AMPLITUDES, firing, strict=True) if len(times) >= REPEATED), default=1.0)
    if steps.status[0] != "ok" and len(firing[0]) >= PACED:
        return Textbook(_step(0.0, duration), duration, "model", (-most / 2, most / 2))
    return _heart(model) or _repetitive(model, firing)


def _paced_by_file(model: Model) -> Textbook:
    """The pulses of the model file, one period of them."""
    pulses = model.pulses
    period = PERIOD_MS / model.ms if np.isnan(pulses.period) else pulses.period
    stimulus = {"kind": "pulse_train", "from": FILE, "start": pulses.start, "period": period}
    return Textbook(stimulus, pulses.start + period, "model")


def _heart(model: Model) -> Textbook | None:
    """The weakest pulse that makes an action potential as long as those of a heart, None if none does."""
    period, width = PERIOD_MS / model.ms, WIDTH_MS / model.ms
    beats = _tried(model, PulseTrain(AMPLITUDES, width, period), period).beats
    long = beats["neuron"][beats["apd90_ms"] > LONG_MS]
    if not len(long):
        return None
    amplitude, begin = AMPLITUDES[int(long.min())], BEFORE_MS / model.ms
    pulses = {"kind": "pulse_train", "amplitude": amplitude, "width": width, "period": period, "start": begin}
    return Textbook(pulses, period, "rest", (0.0, 4 * amplitude))


def _repetitive(model: Model, firing: list[np.ndarray]) -> Textbook:
    """The weakest step with repetitive firing, or else with a spike; a step of 1 if there is none."""
    last_third = TRIAL_MS * 2 / 3
    steady = [i for i, times in enumerate(firing) if len(times) >= REPEATED and times[-1] > last_third]
    some = steady or [i for i, times in enumerate(firing) if len(times)]
    amplitude, times = (AMPLITUDES[some[0]], firing[some[0]]) if some else (1.0, np.empty(0))
    enough = [time for time in DURATIONS_MS if np.count_nonzero(times < time) >= SHOWN]
    duration = (enough[0] if enough else DURATIONS_MS[2] if not steady else TRIAL_MS) / model.ms
    return Textbook(_step(amplitude, duration), duration, "rest", (-2 * amplitude, 4 * amplitude))


def _step(amplitude: float, duration: float) -> dict[str, object]:
    return {"kind": "step", "amplitude": amplitude, "start": BEGIN * duration, "stop": END * duration}


def _tried(model: Model, stimulus: Step | PulseTrain, duration: float) -> Result:
    method = default_scheme(model, type(stimulus))
    return simulate(model, {}, stimulus, duration=duration, method=method)


def _spikes(result: Result, neuron: int) -> np.ndarray:
    """Spike times of a neuron [ms]."""
    return result.spike_times[result.offsets[neuron] : result.offsets[neuron + 1]]
