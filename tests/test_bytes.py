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
import pytest
from test_workflow import SMALL, Folder

from hhcore import store, sweep
from hhcore.certificate import write_numerics
from hhcore.compile.module import cache_directory
from hhcore.experiment import read_experiments
from hhcore.numerics import calibrate
from hhcore.results import write_tables

TABLES = ("features.parquet", "spikes.parquet", "fi_curves.parquet")
AMPLITUDES, SODIUM, POTASSIUM = [0, 4, 6.3, 10, 17, 30, 64], [100, 110, 120, 133], [30, 36, 41]


def experiment(order=1):
    axes = {"sodium.g": {"values": SODIUM[::order]}, "potassium.g": {"values": POTASSIUM[::order]}}
    config = {
        "model": "hodgkin_huxley_1952",
        "stimulus": {"kind": "step", "amplitude": {"values": AMPLITUDES[::order]}, "start": 3.3},
        "parameters": dict(list(axes.items())[::order]),
        "initial_state": "rest",
        "duration": 150,
        "analysis_window": [20, 140],
        "solver": {"method": "tsit5", "local_error": 1e-6},
    }
    return read_experiments({"experiments": {"e": config}})["e"]


def write(e, numerics: Path, folder: Path, threads=1, shards=("all",)) -> list[bytes]:
    files = [folder / "shards" / f"{shard}.parquet" for shard in shards]
    for shard, file in zip(shards, files, strict=True):
        store.update_shard(e, shard, file, threads=threads, progress=lambda *_: None)
    write_tables(e, files, numerics, folder)
    return [(folder / name).read_bytes() for name in TABLES]


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> tuple[Path, list[bytes]]:
    """numerics.parquet and the bytes of the tables, on one thread in one shard."""
    folder = tmp_path_factory.mktemp("base")
    write_numerics(experiment(), calibrate(experiment(), progress=lambda *_: None), folder / "numerics.parquet")
    return folder / "numerics.parquet", write(experiment(), folder / "numerics.parquet", folder)


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_threads(base, tmp_path, threads):
    assert write(experiment(), base[0], tmp_path, threads=threads) == base[1]


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 6])
def test_sizes_of_shards(base, tmp_path, bits):
    shards = [format(i, f"0{bits}b") for i in range(2**bits)]
    assert write(experiment(), base[0], tmp_path, shards=shards) == base[1]


def test_sizes_of_calls_of_the_kernel(base, tmp_path, monkeypatch):
    for size in (16, 48, 1024):
        monkeypatch.setattr("hhcore.simulation.CHUNK", size)
        assert write(experiment(), base[0], tmp_path / str(size), threads=2) == base[1]


def test_a_permuted_grid_has_the_same_rows(base, tmp_path):
    e = experiment(order=-1)
    write_numerics(e, calibrate(e, progress=lambda *_: None), tmp_path / "numerics.parquet")
    write(e, tmp_path / "numerics.parquet", tmp_path)
    axes = ["amplitude_uA_cm2", "sodium_g_mS_cm2", "potassium_g_mS_cm2"]
    tables = []
    for folder in (base[0].parent, tmp_path):
        features = pd.read_parquet(folder / "features.parquet")
        features = features[sorted(features.columns)]
        spikes = pd.read_parquet(folder / "spikes.parquet").join(features[axes], on="neuron")
        tables.append(
            [
                features.sort_values(axes, ignore_index=True),
                spikes.drop(columns="neuron").sort_values([*axes, "time_ms"], ignore_index=True),
            ]
        )
    for one, other in zip(*tables, strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)
    assert len(tables[0][1]) > 500


SCRIPT = """
import sys
from pathlib import Path
from test_bytes import experiment, write
write(experiment(), Path(sys.argv[1]), Path(sys.argv[2]))
"""


@pytest.fixture(scope="module")
def shared_cache(tmp_path_factory) -> Path:
    """One cache of kernels for all kinds of CPU, as in the home folder of a cluster."""
    return tmp_path_factory.mktemp("shared_cache")


def machine_code(cache: Path) -> dict[Path, bytes]:
    """All files of machine code."""
    return {path: path.read_bytes() for path in cache.rglob("*.bin")}


@pytest.mark.parametrize("target", ["haswell", "skylake-avx512"])
def test_kinds_of_cpu(base, tmp_path, shared_cache, target):
    import llvmlite.binding as llvm

    if target == "skylake-avx512" and not llvm.get_host_cpu_features().get("avx512f"):
        pytest.skip("this CPU has no AVX-512")
    env = os.environ | {"HHCORE_CPU": target, "HHCORE_CACHE": str(shared_cache)}
    others = machine_code(shared_cache)
    command = [sys.executable, "-c", SCRIPT, str(base[0]), str(tmp_path)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, cwd=Path(__file__).parent)
    assert done.returncode == 0, done.stderr
    assert [(tmp_path / name).read_bytes() for name in TABLES] == base[1]
    here = machine_code(shared_cache)
    assert len(here) > len(others) and all(here[path] == code for path, code in others.items())


def test_interrupted_and_resumed(tmp_path):
    """Four shards; Snakemake and all its jobs are killed once one is there, and the same command goes on."""
    grid = {"kind": "step", "amplitude": {"linspace": [0, 40, 100]}}
    runs = {}
    for name in ("whole", "interrupted"):
        folder = Folder(tmp_path / name, cache_directory())
        folder.edit("hhcore/sweep.py", "STEPS_PER_SHARD = 3e9", "STEPS_PER_SHARD = 1e6")
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


def test_shards_of_a_plan_partition_the_grid():
    e = experiment()
    keys = sweep.point_keys(e.points(np.arange(e.n_points)))
    for bits in (1, 3):
        inside = np.array([sweep.in_shard(keys[:, 0], format(i, f"0{bits}b")) for i in range(2**bits)])
        assert inside.sum(axis=0).tolist() == [1] * e.n_points
