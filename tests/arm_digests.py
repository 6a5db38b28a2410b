"""What hhcore computes, a digest a line: `python arm_digests.py ARGUMENTS`, run by test_arm.py on two kinds of CPU.

ARGUMENTS is the file of `write_arguments`: both CPUs get the same ones, since NumPy's own `exp` differs between them.
"""

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import test_primitives as primitives
from test_bytes import read

import hhcore
from hhcore.sweep.keys import point_keys

LANES = 21  # more than one register of every CPU, and some left over
SQUID = {"sodium.g": np.linspace(96, 144, LANES), "temperature.T": np.linspace(279.45, 285.0, LANES)}
STEPS = hhcore.Step(np.linspace(2, 40, LANES), start=np.linspace(0, 5, LANES), stop=61.7)
WEAK = hhcore.Step(np.linspace(0, 3, LANES), start=3.3)
PULSES = hhcore.PulseTrain(np.linspace(10, 40, LANES), 2, np.linspace(300, 430, LANES))
SINES = hhcore.Sine(np.linspace(2, 20, LANES), np.linspace(10, 150, LANES), phase=0.3)
NOISE = hhcore.Noise(np.linspace(0, 15, LANES), 4, 3, 0.3, seed=1)
RUNS = [
    ("hodgkin_huxley_1952", "rk4", SQUID, STEPS, 80),
    ("hodgkin_huxley_1952", "tsit5", SQUID, STEPS, 80),
    ("hodgkin_huxley_1952", "dop853", SQUID, STEPS, 80),
    ("hodgkin_huxley_1952", "rodas5p", SQUID, STEPS, 80),
    ("hodgkin_huxley_1952", "tsit5", SQUID, NOISE, 80),
    ("hodgkin_huxley_1952", "rodas5p", SQUID, SINES, 80),
    ("morris_lecar_1981", "rk4", {}, hhcore.Step(np.linspace(60, 120, LANES)), 300),
    ("wang_buzsaki_1996", "tsit5", {}, WEAK, 80),
    ("prinz_2003", "dop853", {}, WEAK, 100),
    ("beeler_reuter_1977", "rodas5p", {"sodium.g": np.linspace(3, 5, LANES)}, PULSES, 700),
    ("ten_tusscher_panfilov_2006", "rodas5p", {}, PULSES, 700),
]  # the last two are stiff
KEPT = ("spike_times", "offsets", "beats", "peak", "trough", "final", "ended", "steps", "status")
FORMS = {
    "uniform": {"sodium.g": {"uniform": [100, 140]}, "leak.g": {"scale": {"uniform": [0.9, 1.1]}}},
    "normal": {"sodium.g": {"normal": [120, 9]}, "leak.g": {"scale": {"normal": [1, 0.1]}}},
    "lognormal": {"sodium.g": {"lognormal": [120, 1.1]}, "leak.g": {"scale": {"lognormal": [1, 1.2]}}},
}
MIXTURE = {
    "sodium.g": {"uniform": [100, 140]},
    "leak.g": {"normal": [0.3, 0.02]},
    "potassium.g": {"lognormal": [36, 2]},
}
DESIGNS = {**FORMS, **dict.fromkeys(("sobol", "saltelli", "latin_hypercube"), MIXTURE)}
AXES = {"sodium.g": {"logspace": [50, 200, 33]}, "leak.g": {"scale": {"linspace": [0.1, 3, 33]}}}
GRIDS = [
    {"parameters": AXES},
    *({"parameters": forms, "sample": {"kind": kind, "n": 64, "seed": 1}} for kind, forms in DESIGNS.items()),
]


def write_arguments(path: Path) -> None:
    """Arguments of each elementary function: where its error is measured, special values, and both ends of doubles."""
    everywhere = [primitives.SPECIAL, primitives.CRITICAL, primitives.spread(5e-324, 1e308, 2000)]
    columns = {name: np.concatenate([*everywhere, *primitives.ARGUMENTS.get(name, [])]) for name in FUNCTIONS}
    for name in primitives.QUOTIENTS:
        columns[name] = np.concatenate([columns["exp"], primitives.uniform(0.06, 0.08, 3000)])
    bases = np.concatenate([primitives.SPECIAL, primitives.spread(1e-3, 1e3, 60), primitives.CRITICAL])
    exponents = np.concatenate([primitives.SPECIAL, primitives.uniform(-90, 90, 60), np.arange(-40, 40) / 4])
    np.savez(path, **columns, bases=np.repeat(bases, len(exponents)), exponents=np.tile(exponents, len(bases)))


FUNCTIONS = [name for name in primitives.FUNCTIONS if name != "pow"]


def functions(path: str) -> Iterator[tuple[str, np.ndarray]]:
    """Results of every elementary function; NaN is NaN, whatever its sign and payload."""
    with np.load(path) as columns:
        for name in FUNCTIONS:
            yield name, _one_nan(primitives.evaluate(name, columns[name]))
        yield "pow", _one_nan(primitives.evaluate("pow", columns["bases"], columns["exponents"]))


def _one_nan(values: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(values), np.nan, values)


def runs() -> Iterator[tuple[str, np.ndarray]]:
    """What is kept of each neuron, and the course of one from its rest on."""
    for model, method, points, stimulus, duration in RUNS:
        solver = {"method": method} | ({"dt": 0.025} if method == "rk4" else {})
        found = hhcore.simulate(model, points, stimulus, duration=duration, **solver)
        assert len(found.spike_times) > LANES / 2, (model, method, len(found.spike_times))
        for name in KEPT:
            yield f"{model} {method} {name}", getattr(found, name)
        for name, values in hhcore.trace(model, {}, hhcore.Step(5, 1), duration=5, **solver).items():
            yield f"{model} {method} trace {name}", values


def grids() -> Iterator[tuple[str, np.ndarray]]:
    """Points of grids and sampled designs, and the keys under which they are stored."""
    for i, grid in enumerate(GRIDS):
        base = {"model": "hodgkin_huxley_1952", "stimulus": {"kind": "step", "amplitude": {"linspace": [0, 7, 8]}}}
        e = read(base | {"initial_state": "rest", "duration": 10, "solver": {"method": "rk4", "dt": 0.01}} | grid)
        points = e.points(np.arange(e.n_points))
        yield f"grid {i} points", points
        yield f"grid {i} keys", point_keys(points)


def digest(values: np.ndarray) -> str:
    return f"{values.dtype} {values.shape} {hashlib.blake2b(values.tobytes(), digest_size=16).hexdigest()}"


if __name__ == "__main__":
    for part in (functions(sys.argv[1]), grids(), runs()):
        for name, values in part:
            print(f"{name}\t{digest(values)}", flush=True)
