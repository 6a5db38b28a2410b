"""A noisy current: an Ornstein-Uhlenbeck process."""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import cos, exp, inf, log, pi, sqrt

import numpy as np

from hhcore.base.checks import Key
from hhcore.base.errors import UserError
from hhcore.base.hashing import mix64
from hhcore.base.units import Quantities
from hhcore.compile.parts import LEVEL
from hhcore.simulation.stimuli.checks import check_positive, check_times
from hhcore.simulation.stimuli.stimulus import CURRENT_ELSEWHERE, Field, Values
from hhcore.simulation.stimuli.worded import Worded, word

MOST_SAMPLES = 10_000_000
SEEDS = 2**32
STEP = np.uint64(0x9E3779B97F4A7C15)  # the golden ratio, so that equal numbers one after the other are mixed otherwise
HELD, LINEAR, OWN, SHARED = "held", "linear", "own", "shared"
_HELD = '''
def segment(k, level, mean, sd, correlation_time, interval, seed, start, stop, samples, stream):
    """(end, level) of segment k: before the noise, sample k - 1, after it."""
    n = k - 1
    if k == 0:
        return start, 0.0
    if float(n) >= samples:
        return inf, 0.0
    end = start + float(k) * interval if float(k) < samples else stop
    return end, ornstein_uhlenbeck(level, n, mean, sd, correlation_time, interval, seed, stream)
'''
_LINEAR = '''
def segment(k, level, rise, mean, sd, correlation_time, interval, seed, start, stop, samples, stream):
    """(end, level, rise) of segment k: before the noise, from sample k - 1 to sample k, after it."""
    n = k - 1
    if k == 0:
        return start, 0.0, 0.0
    if float(n) >= samples:
        return inf, 0.0, 0.0
    end = start + float(k) * interval if float(k) < samples else stop
    first = level + rise * interval
    if n == 0:
        first = ornstein_uhlenbeck(0.0, 0, mean, sd, correlation_time, interval, seed, stream)
    last = ornstein_uhlenbeck(first, k, mean, sd, correlation_time, interval, seed, stream)
    return end, first, (last - first) / interval
'''


@dataclass(frozen=True)
class Noise(Worded):
    """An Ornstein-Uhlenbeck process, sampled at intervals: normal, of autocorrelation exp(-t / correlation_time).

    mean, sd         : in the unit of the model's injected current (uA/cm^2)
    correlation_time : in the model's unit of time (ms); with 0, samples are independent
    interval         : from sample to sample, in the same unit
    seed             : a whole number
    start, stop      : in the model's unit of time; stop defaults to the end of the run
    interpolation    : "held" or "linear" between samples
    realisation      : "own": neurons that differ in a parameter of the model or in a field but `seed` and `stop` have
                       independent noise; "shared": all neurons of one seed have the same deviates (frozen noise)

    It depends on nothing else, so a neuron has the same noise in any grid, on any machine, and in a longer run.
    """

    mean: Quantities
    sd: Quantities
    correlation_time: Quantities
    interval: Quantities
    seed: Quantities = 0
    start: Quantities = 0.0
    stop: Quantities = inf
    interpolation: str = word(HELD)
    realisation: str = word(OWN)

    kind = "noise"
    title = "Ornstein-Uhlenbeck noise"
    example = "{kind: noise, mean: 5, sd: 3, correlation_time: 3, interval: 0.1, seed: 1}"
    axis = "mean"
    elsewhere = ("ou", "OU", "ornstein_uhlenbeck", "NoiseOU3", "white_noise", "WhiteNoise", "noise_generator", "Gfluct")
    fields = {
        "mean": Field(
            "current",
            "Injected current, mean of the noise",
            elsewhere=CURRENT_ELSEWHERE | dict.fromkeys(("mu", "amplitude", "I0"), "`mean`"),
        ),
        "sd": Field(
            "current",
            "Noise, its standard deviation",
            elsewhere=dict.fromkeys(("sigma", "std", "stdev"), "`sd`, of the current, not of its increments"),
        ),
        "correlation_time": Field(
            "time",
            "Noise, its correlation time",
            elsewhere=dict.fromkeys(("tau", "tau_c", "theta"), "`correlation_time`"),
        ),
        "interval": Field(
            "time", "Noise, time from sample to sample", elsewhere=dict.fromkeys(("dt", "sampling"), "`interval`")
        ),
        "seed": Field(
            "1", "Noise, its seed", 0.0, whole=True, elsewhere=dict.fromkeys(("rng_seed", "random_seed"), "`seed`")
        ),
        "start": Field(
            "time", "Noise, when it begins", 0.0, elsewhere=dict.fromkeys(("delay", "del", "onset"), "`start`")
        ),
        "stop": Field(
            "time",
            "Noise, when it ends",
            inf,
            elsewhere=dict.fromkeys(("dur", "duration"), "`stop`, when the noise ends: delay + duration")
            | dict.fromkeys(("end", "toff"), "`stop`"),
        ),
    }
    derived = ("samples", "stream")  # how many there are, and which of the independent streams of a seed they are
    quiet = dict.fromkeys((*fields, *derived), 0.0) | {"interval": 1.0, "correlation_time": 1.0}
    segment = _HELD
    restarts = False
    words = {
        "interpolation": Key(
            "Noise between two samples", f"interpolation: {LINEAR}", otherwise=f"`{HELD}`", legal=(HELD, LINEAR)
        ),
        "realisation": Key(
            "Neurons with noise of their own, or with that of their seed",
            f"realisation: {SHARED}",
            otherwise=f"`{OWN}`",
            legal=(OWN, SHARED),
            elsewhere={"frozen": f"`realisation: {SHARED}`", "shared": f"`realisation: {SHARED}`"},
        ),
    }

    @classmethod
    def variants(cls, *chosen: str) -> dict[str, object]:
        if LINEAR in chosen:
            return {"segment": _LINEAR, "expression": "level + rise * (time - onset)"}
        return {"segment": _HELD, "expression": LEVEL}

    @classmethod
    def check(cls, values: Values, duration: float, where: str) -> None:
        """0 <= start < stop <= duration, nothing below 0, a whole seed, and no more than 10 million samples."""
        check_times(values, ("start", "stop"), duration, where)
        check_positive(values, ("interval",), where)
        for name in ("sd", "correlation_time"):
            if values[name].min() < 0:
                raise UserError(f"{where}.{name}: {float(values[name].min())!r} is below 0; give 0, or more")
        seed = values["seed"]
        illegal = (seed < 0) | (seed >= SEEDS) | (np.floor(seed) < seed)
        if illegal.any():
            raise UserError(f"{where}.seed: {seed[illegal][0]:.15g} is not a whole number from 0 to {SEEDS - 1}")
        most = cls._samples(values).max()
        if most > MOST_SAMPLES and duration < inf:
            raise UserError(
                f"{where}: {most:.6g} samples are too many for one neuron; at most {MOST_SAMPLES} are legal, so give a "
                f"longer interval"
            )

    @classmethod
    def edge_counts(cls, values: Values, duration: float) -> np.ndarray:
        """One for each sample, and the start."""
        return 1 + cls._samples(values).astype(np.int64)

    @classmethod
    def resolve(cls, values: Values, duration: float, ms: float, parameters: np.ndarray) -> dict[str, np.ndarray]:
        """With the number of samples and the stream of each neuron."""
        streams = np.zeros(len(values["mean"]))
        if cls.settings.endswith(OWN):
            streams = _streams([*parameters.T, *(values[name] for name in cls.fields if name not in ("seed", "stop"))])
        return {**values, "samples": cls._samples(values), "stream": streams}

    @classmethod
    def twin(
        cls, values: Mapping[str, float], duration: float, ms: float
    ) -> tuple[list[float], Callable[[float], float]]:
        """All samples, one after the other."""
        start, stop, mean, interval = values["start"], min(values["stop"], duration), values["mean"], values["interval"]
        kept = exp(-interval / values["correlation_time"]) if values["correlation_time"] else 0.0
        fresh = values["sd"] * sqrt(1 - kept**2)
        samples, onsets = [mean + values["sd"] * _deviate(0, values)], [start]
        while onsets[-1] + 1e-9 * interval < stop:
            samples.append(mean + kept * (samples[-1] - mean) + fresh * _deviate(len(samples), values))
            onsets.append(start + len(onsets) * interval)
        onsets[-1] = stop

        def current(t: float) -> float:
            if not start <= t < stop:
                return 0.0
            n = bisect_right(onsets, t) - 1
            later = (t - onsets[n]) / interval if cls.settings.startswith(LINEAR) else 0.0
            return samples[n] + later * (samples[n + 1] - samples[n])

        return onsets, current

    @staticmethod
    def _samples(values: Values) -> np.ndarray:
        """The samples of each neuron: one for each interval that begins before the stop, up to rounding."""
        return np.ceil((values["stop"] - values["start"]) / values["interval"] * (1 - 1e-12))


def _streams(columns: list[np.ndarray]) -> np.ndarray:
    """A whole number below 2^52 of each row, float64 (n,), made of all its numbers; -0.0 is 0.0."""
    mixed = np.zeros(len(columns[0]), dtype=np.uint64)
    for column in columns:
        mixed = mix64((mixed + STEP) ^ (column + 0.0).view(np.uint64))
    return (mixed >> np.uint64(12)).astype(np.float64)


def _deviate(sample: int, values: Mapping[str, float]) -> float:
    """A standard normal deviate by Philox4x32-10 and Box & Muller, with Python's integers and libm."""
    stream = int(values["stream"])
    counter, key = [sample, 0, stream % 2**32, stream // 2**32], [int(values["seed"]), 0]
    for _ in range(10):
        (high0, low0), (high2, low2) = divmod(0xD2511F53 * counter[0], 2**32), divmod(0xCD9E8D57 * counter[2], 2**32)
        counter = [high2 ^ counter[1] ^ key[0], low2, high0 ^ counter[3] ^ key[1], low0]
        key = [(key[0] + 0x9E3779B9) % 2**32, (key[1] + 0xBB67AE85) % 2**32]
    radius, angle = ((high * 2**21 + low // 2**11) / 2**53 for high, low in (counter[:2], counter[2:]))
    return sqrt(-2 * log(1 - radius)) * cos(2 * pi * angle)
