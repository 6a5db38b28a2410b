"""Speed at a known accuracy, against SciPy's odeint as a textbook uses it, on one core in the same run.

`make benchmark` prints the table and writes it to docs/benchmarks.md, which says what is measured.
"""

import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Template

import llvmlite.binding as llvm
import numpy as np
from scipy.integrate import odeint

import hhcore
from hhcore.compile.module import load_kernel
from hhcore.reference import reference
from hhcore.tables import software

MODEL = hhcore.load_model("hodgkin_huxley_1952")
DURATION_MS = 1000.0
AMPLITUDES = np.array([7.0, 8.5, 10.0, 15.0, 20.0, 30.0, 40.0])
START = {"membrane.V": -65.0, "sodium.m": 0.05, "sodium.h": 0.6, "potassium.n": 0.32}
EXAMPLE_MS = 50.0
GOAL_MS = 1e-3
NEURONS = 1024
STEPS = {"rk4": [0.1, 0.08, 0.06, 0.05, 0.0475, 0.04, 0.025], "strang": [0.1, 0.05, 0.025, 0.005, 0.001, 0.0005]}


def textbook(state, t, current):
    """The right-hand side as a textbook writes it."""
    V, m, h, n = state
    alpha_m = 0.1 * (V + 40) / (1 - np.exp(-(V + 40) / 10))
    beta_m = 4 * np.exp(-(V + 65) / 18)
    alpha_h = 0.07 * np.exp(-(V + 65) / 20)
    beta_h = 1 / (1 + np.exp(-(V + 35) / 10))
    alpha_n = 0.01 * (V + 55) / (1 - np.exp(-(V + 55) / 10))
    beta_n = 0.125 * np.exp(-(V + 65) / 80)
    ionic = 120 * m**3 * h * (V - 50) + 36 * n**4 * (V + 77) + 0.3 * (V + 54.387)
    rates = [alpha_m * (1 - m) - beta_m * m, alpha_h * (1 - h) - beta_h * h, alpha_n * (1 - n) - beta_n * n]
    return [current - ionic, *rates]


def odeint_spikes(current: float) -> np.ndarray:
    """Spike times of odeint at its default tolerances, sampled every 0.01 ms, interpolated linearly."""
    times = np.arange(0, DURATION_MS + 0.005, 0.01)
    V = odeint(textbook, list(START.values()), times, args=(current,))[:, 0]
    i = np.flatnonzero((V[:-1] < 0) & (V[1:] >= 0))
    return times[i] - V[i] / (V[i + 1] - V[i]) * 0.01


def worst(trains: list[np.ndarray], exact: list[np.ndarray]) -> float:
    """Largest spike-time error, infinite where the number of spikes differs [ms]."""
    if any(len(a) != len(b) for a, b in zip(trains, exact, strict=True)):
        return np.inf
    return max(np.abs(a - b).max() for a, b in zip(trains, exact, strict=True))


def simulated(method: str, dt: float, amplitudes: np.ndarray) -> hhcore.Result:
    """One call on one thread."""
    stimulus = hhcore.Step(amplitudes)
    return hhcore.simulate(MODEL, {}, stimulus, duration=DURATION_MS, method=method, dt=dt, initial_state=START)


def best_time(call, repeats: int) -> float:
    """Shortest of several runs [s]: other load on the machine only adds."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return min(times)


@dataclass(frozen=True)
class Row:
    """One way of integrating: worst spike-time errors [ms], neuron-seconds per core-second."""

    how: str
    step: str
    error_example: float
    error_second: float
    speed: float


def measure(exact: list[np.ndarray]) -> Iterator[Row]:
    """The textbook script, then every scheme at every step."""
    example = exact[list(AMPLITUDES).index(10.0)]
    early = example[example < EXAMPLE_MS]

    def errors(trains: list[np.ndarray]) -> tuple[float, float]:
        train = trains[list(AMPLITUDES).index(10.0)]
        return worst([train[train < EXAMPLE_MS]], [early]), worst(trains, exact)

    started = time.perf_counter()
    trains = [odeint_spikes(current) for current in AMPLITUDES]
    speed = len(AMPLITUDES) * DURATION_MS / 1000 / (time.perf_counter() - started)
    yield Row("SciPy odeint, textbook script", "default tolerances", *errors(trains), speed)
    amplitudes = np.linspace(7, 40, NEURONS)
    for method, steps in STEPS.items():
        for dt in steps:
            run = simulated(method, dt, AMPLITUDES)
            seconds = best_time(lambda m=method, h=dt: simulated(m, h, amplitudes), 5 if dt > 0.01 else 1)
            trains = np.split(run.spike_times, run.offsets[1:-1])
            yield Row(f"hhcore {method}", f"dt = {dt:g} ms", *errors(trains), NEURONS * DURATION_MS / 1000 / seconds)


PAGE = Template("""# Benchmarks

Written by `make benchmark` (`benchmarks/run.py`): one core, Hodgkin-Huxley 1952, constant current from the textbook's
initial state. Errors are the worst difference of any spike time from DOP853 at rtol 1e-12: of the four spikes of the
textbook example ($example ms at 10 µA/cm²), and of all spikes of $duration ms at $amplitudes amplitudes from $low to
$high µA/cm², where the error of the period adds up. Speed: $neurons neurons of $duration ms between the same
amplitudes in one call on one thread, best of five; `odeint` runs one neuron after the other, sampled every 0.01 ms.

| with at most 1 µs of error | fastest | neuron-seconds per second | times the textbook script |
|---|---|---:|---:|
$best

| how | step | error, example (µs) | error, one second (µs) | neuron-seconds per second | times odeint |
|---|---|---:|---:|---:|---:|
$rows

CPU target `$cpu`, Python $python, $versions.
""")


def page(table: list[Row]) -> str:
    """docs/benchmarks.md."""
    base = table[0].speed
    best = []
    for label, error in (("in the example", "error_example"), ("over one second", "error_second")):
        row = max((r for r in table if getattr(r, error) <= GOAL_MS), key=lambda r: r.speed)
        best.append(f"| {label} | {row.how}, {row.step} | {row.speed:,.0f} | {row.speed / base:,.0f} |")
    lines = [
        f"| {r.how} | {r.step} | {microseconds(r.error_example)} | {microseconds(r.error_second)} "
        f"| {r.speed:,.4g} | {r.speed / base:,.0f} |"
        for r in table
    ]
    return PAGE.substitute(
        example=f"{EXAMPLE_MS:g}",
        duration=f"{DURATION_MS:g}",
        amplitudes=len(AMPLITUDES),
        low=f"{AMPLITUDES[0]:g}",
        high=f"{AMPLITUDES[-1]:g}",
        neurons=f"{NEURONS:,}",
        best="\n".join(best),
        rows="\n".join(lines),
        cpu=llvm.get_host_cpu_name(),
        python=platform.python_version(),
        versions=", ".join(f"{name} {number}" for name, number in software().items()),
    )


def microseconds(error: float) -> str:
    """An error in µs, or what an infinite one means."""
    return f"{error * 1000:,.2g}" if np.isfinite(error) else "spikes lost or added"


def main() -> None:
    """Measure and write the page."""
    print("==> about two minutes, on one core", flush=True)
    for method in STEPS:
        load_kernel(MODEL, method)
    points = [{"amplitude": a} for a in AMPLITUDES]
    exact = [reference(MODEL, p, duration=DURATION_MS, initial_state=START).spike_times for p in points]
    table = []
    for row in measure(exact):
        print(f"    {row.how}, {row.step}: {row.speed:,.4g} neuron-seconds per second", flush=True)
        table.append(row)
    text = page(table)
    Path(__file__).parents[1].joinpath("docs", "benchmarks.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
