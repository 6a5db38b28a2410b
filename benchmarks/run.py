"""Speed at equal spike-time error, against the simulators that a user could take instead, on one core in the same run.

`make benchmark` runs every method of every peer in a process of its own, with the packages of .venv-benchmark, and
writes docs/benchmarks.json, docs/benchmarks.md and the work-precision figure. `python -m benchmarks.run neuron_ jax_`
measures these peers anew and keeps the others; the page says which rows were not measured in the same run.
"""

import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import threading
import uuid
from pathlib import Path

import llvmlite.binding as llvm
import numpy as np
from scipy.optimize import brentq

import hhcore
from benchmarks import page
from benchmarks.problem import AMPLITUDES, DURATION_MS, PULSES, START, STATES, WIDTH_MS, resting
from hhcore.base.tables import software
from hhcore.simulation.reference import reference

ROOT = Path(__file__).parents[1]
PEERS_PYTHON = ROOT / ".venv-benchmark" / "bin" / "python"
METHODS = {
    "hhcore_": ("tsit5", "dop853", "rk4", "rodas5p"),
    "ventricle_": ("tsit5", "dop853", "rk4", "rodas5p"),
    "scipy_": ("odeint", "lsoda"),
    "neuron_": ("fixed", "tables", "cvode", "core"),
    "brian2_": ("rk4", "rk4_tuned", "exponential_euler", "exponential_euler_tuned"),
    "jax_": ("rk4", "tsit5", "dopri8"),
    "myokit_": ("cvodes",),
    "arbor_": ("hh",),
}
OURS = ("hhcore_", "ventricle_")
BUDGET_S = 30.0  # of the search of one method; its timed runs come on top
LIMIT_S = 240.0  # after which its process is ended
ONE_THREAD = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "JAX_PLATFORMS": "cpu",
    "PYTHONPATH": str(ROOT),
}


def write_references(path: Path) -> None:
    """The spike times of every amplitude from both starts, and the times of every beat."""
    model = hhcore.load_model("hodgkin_huxley_1952")
    trains = {}
    for name, start in (("textbook", START), ("resting", resting())):
        state = dict(zip(STATES, map(float, start), strict=True))
        for i, amplitude in enumerate(AMPLITUDES):
            exact = reference(model, {"amplitude": amplitude}, duration=DURATION_MS, initial_state=state)
            trains[f"{name}{i}"] = exact.spike_times
    trains |= {f"beat{i}": beat(amplitude) for i, amplitude in enumerate(PULSES)}
    np.savez(path, **trains)


def beat(amplitude: float) -> np.ndarray:
    """The ventricular cell's upstroke and 90 % repolarisation after a pulse [ms], by SciPy's LSODA at 1e-12."""
    model = hhcore.load_model("ten_tusscher_panfilov_2006")
    point = {"amplitude": amplitude, "width": WIDTH_MS, "period": DURATION_MS}
    run = reference(model, point, duration=DURATION_MS, stimulus="pulse_train", initial_state="model", method="LSODA")
    potential = list(model.states).index(model.potential)
    before = run.at(0.0)[potential]
    level = before + 0.1 * (run.peaks.max() - before)
    after = run.t[run.y[potential] > level].max()
    fall = brentq(lambda t: run.at(t)[potential] - level, after, after + 1.0, xtol=1e-12)
    return np.array([*run.spike_times, fall])


def measured(module: str, method: str, references: Path) -> dict[str, object]:
    """The row of one method; where it fails, a row that says why."""
    python = sys.executable if module in OURS else str(PEERS_PYTHON)
    command = [python, "-m", "benchmarks.worker", module, method, str(references), str(BUDGET_S)]
    with tempfile.TemporaryDirectory() as scratch:
        environment = os.environ | ONE_THREAD | {"TMPDIR": scratch}
        errors = Path(scratch, "stderr")
        with errors.open("w") as stderr:
            process = subprocess.Popen(
                command, cwd=scratch, env=environment, stdout=subprocess.PIPE, stderr=stderr, text=True
            )
            row = follow(process)
        lines = errors.read_text(errors="replace").strip().splitlines()
    if row is None:
        why = lines[-1] if lines and process.returncode != -9 else f"no result after {LIMIT_S:g} s"
        row = {"label": f"{module.rstrip('_')} {method}", "failed": re.sub(r"(/[\w.+-]+){2,}/", "", why)[:200]}
        print(f"    failed: {why}", flush=True)
    return row | {"module": module, "method": method}


def follow(process: subprocess.Popen) -> dict[str, object] | None:
    """Show the progress of a worker, and return its row, if there is one."""
    row = None
    limit = threading.Timer(LIMIT_S, process.kill)
    limit.start()
    for line in process.stdout:
        message = json.loads(line)
        row = message.get("row", row)
        if "progress" in message:
            print(message["progress"], flush=True)
    process.wait()
    limit.cancel()
    return row


def versions() -> dict[str, str]:
    """Of everything that was measured."""
    names = ["scipy", "neuron", "brian2", "jax", "diffrax", "myokit", "arbor", "numpy"]
    ask = (
        f"import importlib.metadata as m, json, platform; "
        f"print(json.dumps({{n: m.version(n) for n in {names}}} | {{'Python': platform.python_version()}}))"
    )
    answer = subprocess.run([PEERS_PYTHON, "-c", ask], capture_output=True, text=True, check=True)
    return json.loads(answer.stdout)


def main() -> None:
    """Measure, and write the page."""
    chosen = {module: METHODS[module] for module in (sys.argv[1:] or METHODS)}
    count = sum(map(len, chosen.values()))
    print(f"==> {count} methods on one core, about {count} minutes", flush=True)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    run = uuid.uuid4().hex[:8]
    rows = {(row["module"], row["method"]): row for row in page.load().get("rows", [])}
    with tempfile.TemporaryDirectory() as folder:
        references = Path(folder, "references.npz")
        write_references(references)
        for module, methods in chosen.items():
            for method in methods:
                print(f"==> {module.rstrip('_')}, {method}", flush=True)
                rows[module, method] = measured(module, method, references) | {"run": run}
    results = page.load()
    results["rows"] = [rows[m, name] for m, names in METHODS.items() for name in names if (m, name) in rows]
    results["machine"] = {"cpu": llvm.get_host_cpu_name(), "system": platform.system()}
    results["versions"] = {"hhcore": software() | {"Python": platform.python_version()}, "peers": versions()}
    page.save(results)
    print(page.summary(results))


if __name__ == "__main__":
    main()
