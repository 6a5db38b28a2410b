"""One method of one peer, in a process of its own: the search for its steps, then its speed. Prints JSON lines.

    python -m benchmarks.worker <module> <method> <references.npz> <budget in seconds>

Lines are {"progress": text}, and at the end {"row": {...}}: what benchmarks.page draws.
"""

import importlib
import json
import math
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from benchmarks.problem import PROBLEMS, Method, worst

# A setting is found when one that failed is within this factor.
CLOSE = {"dt": 1.06, "rtol": 1.5, "atol": 1.5, "local_error": 1.5}
REPEATS = 3
REPORT = os.dup(1)
LONG_S = 8.0  # a timed run should take no longer; then the batch is a smaller one


def tell(**line: object) -> None:
    """To the process that started this one, on its standard output; what peers print goes to standard error."""
    os.write(REPORT, (json.dumps(line) + "\n").encode())


@dataclass
class Search:
    """Errors [us] of the settings tried so far, and the time that is left for more."""

    error: Callable[[float], float]
    deadline: float
    close: float
    errors: dict[float, float] = field(default_factory=dict)
    longest: float = 0.0

    def affordable(self) -> bool:
        """Whether one more try, as long as the longest so far, ends in time."""
        return time.perf_counter() + self.longest < self.deadline

    def attempt(self, setting: float) -> float:
        """The error at a setting, measured once."""
        if setting not in self.errors:
            started = time.perf_counter()
            self.errors[setting] = self.error(setting)
            self.longest = max(self.longest, time.perf_counter() - started)
            tell(progress=f"    {setting:.4g}: {self.errors[setting]:.3g} us")
        return self.errors[setting]

    def walk(self, ladder: tuple[float, ...], target: float) -> None:
        """From the coarsest setting until the target is met."""
        for setting in ladder:
            if not self.affordable() or self.attempt(setting) <= target:
                return

    def largest(self, target: float) -> float | None:
        """The largest setting that meets the target, and all finer ones too, by geometric bisection."""
        while True:
            settings = sorted(self.errors)
            failed = next((s for s in settings if self.errors[s] > target), None)
            met = [s for s in settings if failed is None or s < failed]
            if not met:
                return None
            if failed is None or failed / met[-1] <= self.close or not self.affordable():
                return met[-1]
            self.attempt(math.sqrt(failed * met[-1]))


def best_batch(method: Method, setting: float) -> int:
    """The number of neurons that gives the most neuron-seconds per second."""
    if len(method.batches) == 1:
        return method.batches[0]
    return max(method.batches, key=lambda n: n / method.seconds(setting, method.grid(n)))


def speed(method: Method, setting: float, batch: int, repeats: int) -> tuple[float, int]:
    """Neuron-seconds per second, the best of some runs (other load only slows), and the neurons in one."""
    smallest = min(method.batches)
    times = [method.seconds(setting, method.grid(smallest))]
    n = batch if times[0] * batch / smallest <= LONG_S else smallest
    if n != smallest:
        times = [method.seconds(setting, method.grid(n))]
    while len(times) < repeats and sum(times) < LONG_S:
        times.append(method.seconds(setting, method.grid(n)))
    return n / min(times), n


def measure(method: Method, exact: list[np.ndarray], budget: float) -> dict[str, object]:
    """One row: the largest setting for each target, with error and speed; and all points for the figure."""
    amplitudes = PROBLEMS[method.problem]
    method.spikes(method.ladder[0], amplitudes)  # compiles what is compiled
    deadline = time.perf_counter() + budget
    search = Search(lambda s: worst(method.spikes(s, amplitudes), exact), deadline, CLOSE[method.setting])
    search.walk(method.ladder, min(method.targets))
    found = {target: search.largest(target) for target in method.targets}
    finite = sorted((s for s, error in search.errors.items() if math.isfinite(error)), reverse=True)
    batch = best_batch(method, finite[0]) if finite else 0
    speeds = {s: speed(method, s, batch, REPEATS) for s in {*found.values(), *finite[-1:]} - {None}}
    for setting in finite:
        if setting in method.ladder and setting not in speeds and time.perf_counter() < deadline:
            speeds[setting] = speed(method, setting, batch, 1)
    points = [
        {"setting": s, "error_us": search.errors[s], "speed": value, "batch": n}
        for s, (value, n) in sorted(speeds.items(), reverse=True)
    ]
    return {
        "label": method.label,
        "how": method.how,
        "setting": method.setting,
        "found": {f"{target:g}": setting for target, setting in found.items()},
        "points": points,
        "python": platform.python_version(),
    }


def main() -> None:
    """What the command line says."""
    os.dup2(2, 1)
    module, name, references, budget = sys.argv[1:]
    method = importlib.import_module(f"benchmarks.peers.{module}").METHODS[name]
    with np.load(references) as file:
        exact = [file[f"{method.problem}{i}"] for i in range(len(PROBLEMS[method.problem]))]
    tell(row=measure(method, exact, float(budget)))


if __name__ == "__main__":
    main()
