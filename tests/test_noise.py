"""Ornstein-Uhlenbeck noise: its statistics against closed forms, and the same noise whatever else is simulated."""

import math
from functools import lru_cache
from importlib import resources

import numpy as np
import pytest

import hhcore
from hhcore.compile.language import machine
from hhcore.simulation.stimuli.noise import Noise
from hhcore.simulation.stimuli.step import Step
from hhcore.simulation.stimuli.sum import Sum

HH = hhcore.load_model("hodgkin_huxley_1952")
RUNTIME = resources.files("hhcore") / "compile" / "runtime"
ENTRY = '''

def levels(interval: "f8", stream: "f8", out: "f8[:]"):
    """Samples of noise with mean 3, sd 2 and a correlation time of 5."""
    level, rise = 0.0, 0.0
    samples = float(len(out))
    for k in range(len(out) + 1):
        end, LEVELS = segment(k, ARGUMENTS)
        if k > 0:
            out[k - 1] = level
'''


@lru_cache
def compiled(kind: type[Noise]):
    linear = kind.expression != "level"
    numbers = f"level, {'rise, ' if linear else ''}3.0, 2.0, 5.0, interval, 17.0, 0.0, 1e9, samples, stream"
    entry = ENTRY.replace("LEVELS", "level, rise" if linear else "level").replace("ARGUMENTS", numbers)
    text = "".join((RUNTIME / name).read_text(encoding="utf-8") for name in ("primitives.py.in", "random.py.in"))
    return machine.load(machine.compiled(text + kind.segment + entry))


def ensemble(kind: type[Noise], interval: float, neurons: int, samples: int) -> np.ndarray:
    """Of independent neurons: (neurons, samples)."""
    found = np.empty((neurons, samples))
    for stream, row in enumerate(found):
        compiled(kind).levels(interval, float(stream), row)
    return found


LINEAR = Noise.of({"interpolation": "linear"}, "")


@pytest.mark.parametrize("kind", [Noise, LINEAR])
@pytest.mark.parametrize("interval", [0.1, 4.0])
def test_noise_is_stationary_with_its_mean_sd_and_autocorrelation(kind, interval):
    """Over independent neurons: a covariance of correlation r has the standard error sd^2 sqrt((1 + r^2) / neurons)."""
    neurons, samples = 20_000, 60
    x = (ensemble(kind, interval, neurons, samples) - 3.0) / 2.0
    for n in (0, 1, 7, samples - 1):
        assert abs(x[:, n].mean()) < 4 / math.sqrt(neurons)
        for lag in (0, 1, 5, 50):
            if n >= lag:
                expected = math.exp(-lag * interval / 5.0)
                error = math.sqrt((1 + expected**2) / neurons)
                assert abs((x[:, n] * x[:, n - lag]).mean() - expected) < 4 * error, (n, lag)


def test_a_long_run_of_one_neuron_has_the_mean_of_the_process():
    """The variance of a mean of n samples of correlation r is sd^2 / n (1 + r) / (1 - r), for large n."""
    n, kept = 200_000, math.exp(-0.5 / 5.0)
    (x,) = ensemble(Noise, 0.5, 1, n)
    assert abs(x.mean() - 3.0) < 4 * 2.0 * math.sqrt((1 + kept) / (1 - kept) / n)
    assert abs(x.var() - 4.0) < 4 * 4.0 * math.sqrt(2 * (1 + kept**2) / (1 - kept**2) / n)


# --- the same noise


def injected(stimulus: hhcore.Noise, duration: float = 20.0) -> np.ndarray:
    """What flows each millisecond into one neuron."""
    settings = {"duration": duration, "interval": 1.0, "initial_state": "model", "method": "rk4", "dt": 0.5}
    traced = hhcore.trace(HH, {"sodium.g": 0.0}, stimulus, **settings)
    last = np.append(np.diff(traced["time"]) > 0, True)  # of two rows at a time, the second
    return traced["stimulus"][last]


@pytest.mark.parametrize("interpolation", ["held", "linear"])
def test_a_neuron_has_the_same_noise_in_any_company(interpolation):
    """Bits, for any order, shard, number of threads, and in a longer run up to its end."""
    means = np.linspace(8.0, 16.0, 37)
    given = {"sd": 3.0, "correlation_time": 2.0, "interval": 0.3, "seed": 5, "interpolation": interpolation}
    settings = {"duration": 60.0, "initial_state": "model", "method": "tsit5", "local_error": 1e-6}
    one, many = (hhcore.simulate(HH, {}, Noise(means, **given), threads=n, **settings) for n in (1, 2))
    mixed = np.random.default_rng(0).permutation(37)
    other = hhcore.simulate(HH, {}, Noise(means[mixed], **given), **settings)
    alone = hhcore.simulate(HH, {}, Noise(means[17], **given), **settings)
    longer = hhcore.simulate(HH, {}, Noise(means[17], **given), **settings | {"duration": 90.0})
    assert len(alone.spike_times) > 2
    assert one.final.tobytes() == many.final.tobytes() == other.final[np.argsort(mixed)].tobytes()
    assert one.final[17].tobytes() == alone.final[0].tobytes()
    assert longer.spike_times[: len(alone.spike_times)].tobytes() == alone.spike_times.tobytes()


def test_neurons_have_noise_of_their_own_or_that_of_their_seed():
    def spikes(points, **fields):
        noise = Noise(**{"mean": 10.0, "sd": 5.0, "correlation_time": 2.0, "interval": 0.5} | fields)
        run = hhcore.simulate(HH, points, noise, duration=40.0, method="rk4", dt=0.05, initial_state="model")
        return [train.tobytes() for train in np.split(run.spike_times, run.offsets[1:-1])]

    leaks = {"leak.g": [0.3, 0.3, 0.3 + 1e-12]}  # too little to move a spike by itself
    own, shared = spikes(leaks), spikes(leaks, realisation="shared")
    assert own[0] == own[1] != own[2]
    assert len({len(train) for train in shared}) == 1
    assert len(set(spikes({}, mean=[0.0, -0.0], start=[-0.0, 0.0], sd=25.0))) == 1
    assert len(set(spikes({}, seed=[0, 1, 2, 2**32 - 1]))) == 4


def test_shared_noise_is_the_same_deviates():
    """With twice the sd it is twice as far from the mean."""
    given = {"correlation_time": 4.0, "interval": 1.0, "realisation": "shared", "seed": 3}
    once, twice = injected(Noise(5.0, 1.0, **given)), injected(Noise(5.0, 2.0, **given))
    assert np.ptp(once[:-1]) > 1 and twice[:-1] - 5.0 == pytest.approx(2 * (once[:-1] - 5.0), rel=1e-12)


def test_white_noise_has_no_correlation_time():
    x = injected(Noise(0.0, 1.0, 0.0, 1.0), duration=2000.0)[:-1]
    assert abs(np.mean(x[1:] * x[:-1])) < 4 / math.sqrt(len(x)) and abs(x.var() - 1) < 4 * math.sqrt(2 / len(x))


def test_steps_do_not_start_anew_at_each_sample():
    """Where a step by itself is longer than the interval, spikes included, there is one a sample."""
    noise, settings = Noise(2.0, 5.0, 5.0, 0.05), {"duration": 100.0, "method": "tsit5", "local_error": 1e-4}
    for stimulus in (noise, Sum(step=Step(1.0, 10.0, 90.0), noise=noise)):
        steps = hhcore.simulate(HH, {}, stimulus, **settings).steps[0]
        assert 2000 <= steps < 2050, steps


def test_the_class_of_a_setting_keeps_it():
    own = {"mean": 0, "sd": 1, "correlation_time": 1, "interval": 1}
    both = LINEAR.of({"realisation": "shared"}, "")
    assert type(LINEAR(**own)) is LINEAR and LINEAR(**own, interpolation="held").expression == "level"
    assert both(**own).written() == {"kind": "noise", **own, "interpolation": "linear", "realisation": "shared"}


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"sd": -1}, r"stimulus.sd: -1.0 is below 0"),
        ({"interval": 0}, "stimulus.interval: 0.0 is not above 0"),
        ({"seed": 0.5}, "stimulus.seed: 0.5 is not a whole number from 0 to 4294967295"),
        ({"seed": -1}, "stimulus.seed: -1 is not a whole number"),
        ({"interval": 1e-7}, "1e\\+08 samples are too many for one neuron; at most 10000000 are legal"),
        ({"interpolation": "liner"}, "Noise.interpolation: 'liner' is not a choice here; .* did you mean 'linear'"),
        ({"realisation": "frozen"}, "Noise.realisation: 'frozen' is not a choice here; legal: own, shared"),
        ({"sigma": 1}, "Noise: there is no field 'sigma'; .* write `sd`"),
    ],
)
def test_noise_that_is_none_is_one_sentence(fields, sentence):
    with pytest.raises(hhcore.UserError, match=sentence):
        given = {"mean": 0, "sd": 1, "correlation_time": 1, "interval": 1} | fields
        hhcore.simulate(HH, {}, Noise(**given), duration=10.0, method="rk4", dt=0.1)
