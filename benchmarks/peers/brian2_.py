"""Brian2: C++ standalone with native flags, all neurons of a batch in one group, parameters as constants.

Written twice. `documented` is how its documentation writes this model: exprel, refractory while above threshold.
`tuned` is what its compiler can vectorise: rates as plain quotients (0/0 if a potential is ever exactly -40 or
-55 mV), products for powers, and the last potential kept in a variable of its own to see a crossing.
"""

import functools
import os
import subprocess
import tempfile
from pathlib import Path

import brian2
import numpy as np

from benchmarks.problem import DURATION_MS, FINER_US, START, TARGETS_US, Method, crossings

FLAGS = ["-O3", "-march=native", "-ffast-math", "-std=c++11", "-w"]
EQUATIONS = """
dv/dt = (current - {sodium} * (v - 50) - {potassium} * (v + 77) - 0.3 * (v + 54.387)) / ms : 1
dm/dt = (alpha_m * (1 - m) - beta_m * m) / ms : 1
dh/dt = (alpha_h * (1 - h) - beta_h * h) / ms : 1
dn/dt = (alpha_n * (1 - n) - beta_n * n) / ms : 1
alpha_m = {alpha_m} : 1
beta_m = 4 * exp(-(v + 65) / 18) : 1
alpha_h = 0.07 * exp(-(v + 65) / 20) : 1
beta_h = 1 / (1 + exp(-(v + 35) / 10)) : 1
alpha_n = {alpha_n} : 1
beta_n = 0.125 * exp(-(v + 65) / 80) : 1
current : 1 (constant)
"""
FORMS = {
    "documented": {
        "sodium": "120 * m**3 * h",
        "potassium": "36 * n**4",
        "alpha_m": "1 / exprel(-(v + 40) / 10)",
        "alpha_n": "0.1 / exprel(-(v + 55) / 10)",
    },
    "tuned": {
        "sodium": "120 * m * m * m * h",
        "potassium": "36 * n * n * n * n",
        "alpha_m": "0.1 * (v + 40) / (1 - exp(-(v + 40) / 10))",
        "alpha_n": "0.01 * (v + 55) / (1 - exp(-(v + 55) / 10))",
    },
}

brian2.prefs.codegen.cpp.extra_compile_args_gcc = FLAGS
brian2.BrianLogger.suppress_hierarchy("brian2")


def group(form: str, integrator: str, amplitudes: np.ndarray) -> brian2.NeuronGroup:
    """The neurons, with their threshold and initial state."""
    equations = EQUATIONS.format(**FORMS[form])
    if form == "documented":
        neurons = brian2.NeuronGroup(
            len(amplitudes), equations, method=integrator, threshold="v > 0", refractory="v > 0", namespace={}
        )
    else:
        neurons = brian2.NeuronGroup(
            len(amplitudes), equations + "last : 1", method=integrator, threshold="v > 0 and last <= 0", namespace={}
        )
        neurons.last = START[0]
        neurons.run_regularly("last = v", when="start")
    neurons.v, neurons.m, neurons.h, neurons.n = START
    neurons.current = amplitudes
    return neurons


@functools.cache
def program(form: str, integrator: str, amplitudes: tuple[float, ...], record: bool) -> Path:
    """Folder of the compiled program, which takes its time step [s] from the environment."""
    folder = Path(tempfile.mkdtemp(prefix="brian2-"))
    brian2.device.reinit()
    brian2.set_device("cpp_standalone", build_on_run=False)
    brian2.device.activate(build_on_run=False)
    neurons = group(form, integrator, np.array(amplitudes))
    parts = [neurons, brian2.SpikeMonitor(neurons)]
    if record:
        parts.append(brian2.StateMonitor(neurons, "v", record=True, name="potential"))
    brian2.device.insert_code("main", '_array_defaultclock_dt[0] = std::atof(std::getenv("TIME_STEP"));')
    brian2.Network(parts).run(DURATION_MS * brian2.ms, namespace={})
    brian2.device.build(directory=str(folder), compile=True, run=False, with_output=False)
    return folder


def run(folder: Path, dt: float) -> float:
    """Wall time of the simulation, as the program measures it, without start and end of the process [s]."""
    subprocess.run(["./main"], cwd=folder, env=os.environ | {"TIME_STEP": repr(dt / 1000)}, check=True)
    return float((folder / "results" / "last_run_info.txt").read_text().split()[0])


def method(form: str, integrator: str, ladder: tuple[float, ...]) -> Method:
    """One form with one integrator."""

    def spikes(dt: float, amplitudes: np.ndarray) -> list[np.ndarray]:
        folder = program(form, integrator, tuple(amplitudes), True)
        run(folder, dt)
        (file,) = (folder / "results").glob("_dynamic_array_potential_v_*")
        return [crossings(v, dt) for v in np.fromfile(file).reshape(-1, len(amplitudes)).T]

    def seconds(dt: float, amplitudes: np.ndarray) -> float:
        return run(program(form, integrator, tuple(amplitudes), False), dt)

    written = "equations as documented" if form == "documented" else "equations rewritten so that gcc vectorises them"
    how = f"C++ standalone, `{' '.join(FLAGS[:3])}`, {written}; timed with SpikeMonitor, error from the potential"
    targets = FINER_US if integrator == "rk4" else TARGETS_US
    label = f"Brian2 {integrator}, {form}"
    return Method(label, how, "dt", ladder, (256, 1024), spikes, seconds, targets=targets)


FOURTH_ORDER = (0.1, 0.08, 0.06, 0.05, 0.04, 0.03, 0.02)
FIRST_ORDER = (0.05, 0.02, 0.01, 0.004, 0.0016, 0.0008, 0.0004)
METHODS = {
    "rk4": method("documented", "rk4", FOURTH_ORDER),
    "rk4_tuned": method("tuned", "rk4", FOURTH_ORDER),
    "exponential_euler": method("documented", "exponential_euler", FIRST_ORDER),
    "exponential_euler_tuned": method("tuned", "exponential_euler", FIRST_ORDER),
}
