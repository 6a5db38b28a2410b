"""The same bytes of all tables: any threads, shards, order of the grid, kind of CPU, and after an interruption."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from test_workflow import SMALL, Folder

from hhcore.certify.calibration import calibrate
from hhcore.certify.certificate import write_numerics
from hhcore.compile.cache import cache_directory
from hhcore.config.reader import read_experiments
from hhcore.results.write import write_tables
from hhcore.sweep import store
from hhcore.sweep.keys import in_shard, point_keys

COMMON = ("features.parquet", "spikes.parquet", "failures.parquet", "summary.html")
OF_STEPS, OF_PULSES = (*COMMON, "fi_curves.parquet", "fi_summary.parquet"), (*COMMON, "beats.parquet")
SOLVERS = {
    "tsit5": {"method": "tsit5", "local_error": 1e-6},
    "dop853": {"method": "dop853", "local_error": 1e-7},
    "rk4": {"method": "rk4", "dt": 0.025},
    "rodas5p": {"method": "rodas5p", "local_error": 1e-6},
}


def experiment(method="tsit5", order=1):
    """A grid; of tsit5 and rodas5p some neurons fail, and rodas5p has a stiff cell to pace."""
    return read((stiff if method == "rodas5p" else squid)(SOLVERS[method], order))


def read(config):
    return read_experiments({"experiments": {"e": config}})["e"]


def squid(solver, order=1):
    capacitances = [1e-4 if solver == SOLVERS["tsit5"] else 0.9, 1.0, 1.1]  # tsit5 stalls with the first
    axes = {"sodium.g": {"values": [100, 110, 120, 133][::order]}, "membrane.C": {"values": capacitances[::order]}}
    return {
        "model": "hodgkin_huxley_1952",
        "stimulus": {"kind": "step", "amplitude": {"values": [0, 4, 6.3, 10, 17, 30, 64][::order]}, "start": 3.3},
        "parameters": dict(list(axes.items())[::order]),
        "initial_state": "rest",
        "duration": 150,
        "analysis_window": [20, 140],
        "solver": solver,
    }


def stiff(solver, order=1):
    entry = [1e-7, 1.2e-7, -1e-5]  # of calcium: with the last one its concentration becomes negative
    return {
        "model": "beeler_reuter_1977",
        "stimulus": {"kind": "pulse_train", "amplitude": {"values": [10, 20, 40][::order]}, "width": 2, "period": 430},
        "parameters": {"sodium.g": {"values": [3, 3.5, 4][::order]}, "calcium.entry": {"values": entry[::order]}},
        "initial_state": "rest",
        "duration": 1000,
        "solver": solver,
    }


def write_evidence(e, path: Path) -> Path:
    write_numerics(e, calibrate(e, progress=lambda *_: None), path)
    return path


def write(e, numerics: Path, folder: Path, threads=1, shards=("all",)) -> dict[str, bytes]:
    """All files that are made of the shards, by name."""
    files = [folder / "shards" / f"{shard}.parquet" for shard in shards]
    for shard, file in zip(shards, files, strict=True):
        store.update_shard(e, shard, file, threads=threads, progress=lambda *_: None)
    write_tables(e, files, numerics, folder)
    return written(e, folder)


def written(e, folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in (OF_STEPS if e.stimulus.kind == "step" else OF_PULSES)}


@pytest.fixture(scope="module")
def bases(tmp_path_factory) -> dict[str, tuple[Path, dict[str, bytes]]]:
    """By method, numerics.parquet and the bytes of all files, on one thread in one shard."""
    found = {}
    for method in SOLVERS:
        e, folder = experiment(method), tmp_path_factory.mktemp(method)
        numerics = write_evidence(e, folder / "numerics.parquet")
        found[method] = numerics, write(e, numerics, folder)
        assert {path.name for path in folder.iterdir()} == {*found[method][1], "numerics.parquet", "shards"}
        failed = pq.read_metadata(folder / "failures.parquet").num_rows
        assert failed == {"tsit5": 28, "rodas5p": 9}.get(method, 0)
    return found


@pytest.mark.parametrize("method", SOLVERS)
@pytest.mark.parametrize("threads", [1, 2, 4])
def test_threads(bases, tmp_path, method, threads):
    numerics, base = bases[method]
    assert write(experiment(method), numerics, tmp_path, threads=threads) == base


@pytest.mark.parametrize("method", SOLVERS)
@pytest.mark.parametrize("bits", [1, 2, 3, 4, 6])
def test_sizes_of_shards(bases, tmp_path, method, bits):
    numerics, base = bases[method]
    shards = [format(i, f"0{bits}b") for i in range(2**bits)]
    assert write(experiment(method), numerics, tmp_path, shards=shards) == base


@pytest.mark.parametrize("method", SOLVERS)
def test_sizes_of_calls_of_the_kernel(bases, tmp_path, monkeypatch, method):
    numerics, base = bases[method]
    for size in (16, 48, 1024):
        monkeypatch.setattr("hhcore.simulation.threads.CHUNK", size)
        assert write(experiment(method), numerics, tmp_path / str(size), threads=2) == base


def test_a_permuted_grid_has_the_same_rows(bases, tmp_path):
    e = experiment(order=-1)
    write(e, write_evidence(e, tmp_path / "numerics.parquet"), tmp_path)
    axes = ["sodium_g_mS_cm2", "membrane_C_uF_cm2", "amplitude_uA_cm2"]
    tables = []
    for folder in (bases["tsit5"][0].parent, tmp_path):
        read = {name: pd.read_parquet(folder / name) for name in bases["tsit5"][1] if name.endswith("parquet")}
        for name in ("spikes.parquet", "failures.parquet"):
            read[name] = read[name].join(read["features.parquet"][axes], on="neuron").drop(columns="neuron")
        for name, table in read.items():
            order = [column for column in (*axes, "time_ms") if column in table]
            table = table.drop(columns=[column for column in ("curve",) if column in table])
            read[name] = table[sorted(table.columns)].sort_values(order, ignore_index=True)
        tables.append(read)
    for name, table in tables[0].items():
        pd.testing.assert_frame_equal(table, tables[1][name], check_exact=True)
        assert len(table) > 300 or len(table) == {"fi_summary.parquet": 12, "failures.parquet": 28}.get(name, 84)


SCRIPT = """
import sys
from pathlib import Path
from test_bytes import ELSEWHERE, TOLERANCE, experiment, read, squid, write, write_evidence
folder = Path(sys.argv[1])
for method, numerics in zip(ELSEWHERE, sys.argv[2:], strict=True):
    write(experiment(method), Path(numerics), folder / method)
write_evidence(read(squid(TOLERANCE)), folder / "chosen" / "numerics.parquet")
write_evidence(experiment("rodas5p"), folder / "given" / "numerics.parquet")
"""
ELSEWHERE = ("tsit5", "rodas5p")  # on other kinds of CPU; the others' spikes are compared in test_simulation.py
TOLERANCE = {"tolerance": "1 us"}


@pytest.fixture(scope="module")
def chosen(tmp_path_factory) -> bytes:
    """numerics.parquet of a grid whose solver is chosen."""
    return write_evidence(read(squid(TOLERANCE)), tmp_path_factory.mktemp("chosen") / "numerics.parquet").read_bytes()


@pytest.fixture(scope="module")
def shared_cache(tmp_path_factory) -> Path:
    """One cache of kernels for all kinds of CPU, as in the home folder of a cluster."""
    return tmp_path_factory.mktemp("shared_cache")


def machine_code(cache: Path) -> dict[Path, bytes]:
    """All files of machine code."""
    return {path: path.read_bytes() for path in cache.rglob("*.bin")}


@pytest.mark.parametrize("target", ["haswell", pytest.param("skylake-avx512", marks=pytest.mark.slow)])
def test_kinds_of_cpu(bases, chosen, tmp_path, shared_cache, target):
    import llvmlite.binding as llvm

    if target == "skylake-avx512" and not llvm.get_host_cpu_features().get("avx512f"):
        pytest.skip("this CPU has no AVX-512")
    env = os.environ | {"HHCORE_CPU": target, "HHCORE_CACHE": str(shared_cache)}
    others = machine_code(shared_cache)
    command = [sys.executable, "-c", SCRIPT, str(tmp_path), *(str(bases[method][0]) for method in ELSEWHERE)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, cwd=Path(__file__).parent)
    assert done.returncode == 0, done.stderr
    for method in ELSEWHERE:
        assert written(experiment(method), tmp_path / method) == bases[method][1], method
    assert (tmp_path / "chosen/numerics.parquet").read_bytes() == chosen
    assert (tmp_path / "given/numerics.parquet").read_bytes() == bases["rodas5p"][0].read_bytes()
    here = machine_code(shared_cache)
    assert len(here) > len(others) and all(here[path] == code for path, code in others.items())


def test_interrupted_and_resumed(tmp_path):
    """Four shards; Snakemake and all its jobs are killed once one is there, and the same command goes on."""
    grid = {"kind": "step", "amplitude": {"linspace": [0, 40, 100]}}
    runs = {}
    for name in ("whole", "interrupted"):
        folder = Folder(tmp_path / name, cache_directory())
        folder.edit("hhcore/sweep/estimate.py", "STEPS_PER_SHARD = 3e9", "STEPS_PER_SHARD = 1e6")
        folder.config(model="hodgkin_huxley_1952", stimulus=grid, duration=500, solver=SMALL["solver"] | {"dt": 0.03})
        if name == "interrupted":
            kill_after_shards(folder, 1)
            folder.run("--unlock")
        runs[name] = (folder.run(), folder.bytes("e"))
    assert runs["whole"][1] == runs["interrupted"][1]
    assert 0 < new_neurons(tmp_path / "interrupted") < new_neurons(tmp_path / "whole") == 200


def new_neurons(folder: Path) -> int:
    """Neurons that the last jobs of all shards had to simulate."""
    logs = [log.read_text() for log in folder.glob("results/logs/e/simulate_*.log")]
    return sum(int(re.findall(r"of ([\d,]+) new neurons", log)[-1].replace(",", "")) for log in logs)


def kill_after_shards(folder: Folder, count: int) -> None:
    env = os.environ | {"PYTHONPATH": str(folder.path), "HHCORE_CACHE": str(folder.cache)}
    process = subprocess.Popen(
        [sys.executable, "-m", "snakemake"],
        cwd=folder.path,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while process.poll() is None and len(list(folder.path.glob("results/e/shards/*.parquet"))) < count:
        time.sleep(0.02)
    assert process.poll() is None, "the run was over before it could be killed"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_shards_partition_the_grid():
    e = experiment()
    keys = point_keys(e.points(np.arange(e.n_points)))
    for bits in (1, 3):
        inside = np.array([in_shard(keys[:, 0], format(i, f"0{bits}b")) for i in range(2**bits)])
        assert inside.sum(axis=0).tolist() == [1] * e.n_points
