"""NEURON: single compartments on one thread, all neurons of a batch in one simulation.

`hh` is the mechanism that comes with NEURON; the current enters through the reversal potential of its leak, which costs
less than an electrode: g (V - E) - I = g (V - (E + I / g)). `squid` is the same equations without ions and tables,
in benchmarks/peers/squid.mod, compiled with the flags below; CoreNEURON runs it.
"""

import functools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import neuron
import numpy as np
from neuron import coreneuron, h

from benchmarks.problem import DURATION_MS, FINER_US, START, Method, V, crossings, slope

FLAGS = "-O3 -march=native -ffast-math"
SIDE_UM = 100 / np.sqrt(np.pi)  # of a cylinder as long as wide; a space-clamped membrane has no size
PARALLEL, CVODE = h.ParallelContext(), h.CVode()


@dataclass
class Batch:
    """One compartment per amplitude, ready to run: sections and detectors, which live as long as this does."""

    sections: list
    detectors: list
    times: list
    current: np.ndarray

    def states(self, gates_at: float) -> None:
        """Initial values; the gates of the staggered scheme of second order belong half a step after t = 0."""
        h.finitialize(V)
        for section, current in zip(self.sections, self.current, strict=True):
            mechanism = section(0.5).hh if hasattr(section(0.5), "hh") else section(0.5).squid
            mechanism.m, mechanism.h, mechanism.n = advanced(current, gates_at)[1:]


def advanced(current: float, t: float, steps: int = 4) -> np.ndarray:
    """The state a short time after the start, by RK4."""
    y, k = np.array(START), t / steps

    def f(y):
        return np.array(slope(y, 0.0, current))

    for _ in range(steps if t else 0):
        a = f(y)
        b = f(y + k / 2 * a)
        c = f(y + k / 2 * b)
        y = y + k / 6 * (a + 2 * b + 2 * c + f(y + k * c))
    return y


def section(current: float, mechanism: str):
    """A compartment with its current."""
    new = h.Section()
    new.L = new.diam = SIDE_UM
    new.cm = 1
    new.insert(mechanism)
    if mechanism == "hh":
        new.ena, new.ek, new(0.5).hh.el = 50, -77, -54.387 + current / 0.3
    else:
        new(0.5).squid.current = current
    return new


def build(amplitudes: np.ndarray, mechanism: str) -> Batch:
    """Sections, and a detector each that records threshold crossings."""
    sections = [section(current, mechanism) for current in amplitudes]
    detectors = [h.NetCon(s(0.5)._ref_v, None, sec=s) for s in sections]
    times = [h.Vector() for _ in sections]
    PARALLEL.gid_clear()
    for gid, (detector, train) in enumerate(zip(detectors, times, strict=True)):
        detector.threshold = 0
        PARALLEL.set_gid2node(gid, 0)
        PARALLEL.cell(gid, detector)
        PARALLEL.spike_record(gid, train, h.Vector())
    PARALLEL.set_maxstep(10)
    return Batch(sections, detectors, times, amplitudes)


def solve() -> float:
    """Wall time of one second of all neurons [s]."""
    started = time.perf_counter()
    PARALLEL.psolve(DURATION_MS)
    return time.perf_counter() - started


@dataclass(frozen=True)
class FixedStep:
    """The staggered Crank-Nicolson scheme of second order, `secondorder = 2`."""

    mechanism: str = "hh"
    tables: bool = False
    core: bool = False

    def ready(self, dt: float, amplitudes: np.ndarray) -> Batch:
        if self.mechanism == "squid":
            compile_squid()
        CVODE.active(0)
        CVODE.cache_efficient(1)
        h.celsius, h.secondorder, h.usetable_hh, h.dt = 6.3, 2, int(self.tables), dt
        coreneuron.enable, coreneuron.verbose = self.core, 0
        return build(amplitudes, self.mechanism)

    def spikes(self, dt: float, amplitudes: np.ndarray) -> list[np.ndarray]:
        """From the potential of every step: its detectors know the time of a crossing only to a step or so."""
        batch = self.ready(dt, amplitudes)
        potentials = [h.Vector().record(s(0.5)._ref_v) for s in batch.sections]
        batch.states(gates_at=dt / 2)
        solve()
        return [crossings(np.array(potential), dt) for potential in potentials]

    def seconds(self, dt: float, amplitudes: np.ndarray) -> float:
        """With its detectors alone."""
        batch = self.ready(dt, amplitudes)
        batch.states(gates_at=dt / 2)
        return solve()


def variable_step(atol: float, amplitudes: np.ndarray) -> tuple[Batch, float]:
    """CVODE, each neuron with its own step, crossings located to the tolerance (`condition_order(2)`)."""
    coreneuron.enable, h.celsius, h.usetable_hh = False, 6.3, 0
    CVODE.active(1)
    CVODE.use_local_dt(1)
    CVODE.condition_order(2)
    CVODE.atol(atol)
    batch = build(amplitudes, "hh")
    batch.states(gates_at=0.0)
    CVODE.re_init()
    return batch, solve()


@functools.cache
def compile_squid() -> None:
    """squid.mod for NEURON and CoreNEURON, in a temporary folder."""
    folder = Path(tempfile.mkdtemp(prefix="squid-"))
    shutil.copy(Path(__file__).with_name("squid.mod"), folder)
    tools = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    command = ["nrnivmodl", "-coreneuron", "-incflags", FLAGS, "."]
    done = subprocess.run(command, cwd=folder, env=os.environ | {"PATH": tools}, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"nrnivmodl: {(done.stdout + done.stderr).strip()[-300:]}")
    os.environ["CORENEURONLIB"] = str(next(folder.glob("*/libcorenrnmech.so")))
    neuron.load_mechanisms(str(folder))


def fixed(label: str, how: str, scheme: FixedStep, batches: tuple[int, ...], finest: float = 0.001) -> Method:
    """A method of fixed step."""
    ladder = tuple(dt for dt in (0.05, 0.025, 0.01, 0.005, 0.0025, 0.00175, 0.001) if dt >= finest)
    timing = "timed with its spike detectors, error from the recorded potential"
    return Method(label, f"{how}; {timing}", "dt", ladder, batches, scheme.spikes, scheme.seconds)


def detected(batch: Batch) -> list[np.ndarray]:
    return [np.array(train) for train in batch.times]


SECOND_ORDER = "second order (`secondorder = 2`, gates started half a step late as it expects)"
METHODS: dict[str, Method] = {
    "fixed": fixed("NEURON, fixed step", f"`hh`, {SECOND_ORDER}, exact rates", FixedStep(), (8, 64)),
    "tables": fixed(
        "NEURON, fixed step, rate tables",
        f"`hh`, {SECOND_ORDER}, rates interpolated in tables of 1 mV (`usetable_hh`)",
        FixedStep(tables=True),
        (8, 64),
        finest=0.005,
    ),
    "cvode": Method(
        "NEURON, CVODE",
        "`hh`, exact rates, a step of its own for each neuron, spikes located by `condition_order(2)`",
        "atol",
        (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6),
        (1, 16),
        lambda atol, amplitudes: detected(variable_step(atol, amplitudes)[0]),
        lambda atol, amplitudes: variable_step(atol, amplitudes)[1],
        targets=FINER_US,
    ),
    "core": fixed(
        "NEURON, CoreNEURON",
        f"own mechanism with constant parameters, `{FLAGS}`, {SECOND_ORDER}",
        FixedStep(mechanism="squid", core=True),
        (256, 1024),
    ),
}
