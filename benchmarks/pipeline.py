"""The whole pipeline at several sizes: neurons of one second through Snakemake on two cores, in an empty folder.

    python -m benchmarks.pipeline [neurons ...]

Measures wall time, the kernel's share of it, memory and size, queries of the tables, and the time that Snakemake takes
to plan a hundred million neurons, and writes them into docs/scaling.md. The kernel's share is the core time that the
shards spent in it, in that of all cores.
"""

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import llvmlite.binding as llvm
import pandas as pd
import polars as pl
import psutil
import pyarrow.parquet as pq
import yaml

from benchmarks import page
from benchmarks.problem import DURATION_MS

ROOT = Path(__file__).parents[1]
CORES = 2
NAME = "million"
AMPLITUDES = 100
AMPLITUDE, CONDUCTANCE = "amplitude_uA_cm2", "sodium_g_mS_cm2"
SIZES = [20_000, 100_000, 1_000_000]  # the first is not small: each step has a job
PLANNED = 100_000_000
EVERY_S = 0.1  # between two looks at the memory
SOLVER = {"method": "tsit5", "local_error": 1e-6}  # what a tolerance of 1 us chooses for such a grid


def config(neurons: int) -> dict[str, object]:
    """A grid of about that many neurons: 100 amplitudes, and two conductances with equally many values."""
    side = max(1, round((neurons / AMPLITUDES) ** 0.5))
    experiment = {
        "model": "hodgkin_huxley_1952",
        "stimulus": {"kind": "step", "amplitude": {"linspace": [0, 40, AMPLITUDES]}},
        "parameters": {
            "sodium.g": {"linspace": [96, 144, side]},
            "potassium.g": {"scale": {"linspace": [0.8, 1.2, side]}},
        },
        "initial_state": "rest",
        "duration": DURATION_MS,
        "analysis_window": [200, DURATION_MS],
        "solver": SOLVER,
    }
    return {"experiments": {NAME: experiment}}


def run(folder: Path) -> tuple[float, float, float]:
    """Wall time [s], and the largest memory (resident) of any process and of all together [MB]."""
    command = [sys.executable, "-m", "snakemake", "--cores", str(CORES)]
    command += ["--directory", str(folder), "--configfile", str(folder / "config.yaml")]
    started = time.monotonic()
    with (folder / "snakemake.log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
        largest = total = 0.0
        while process.poll() is None:
            sizes = memory(psutil.Process(process.pid))
            largest, total = max([largest, *sizes]), max(total, sum(sizes))
            time.sleep(EVERY_S)
    wall = time.monotonic() - started
    if process.returncode:
        sys.exit((folder / "snakemake.log").read_text()[-3000:])
    return wall, largest, total


def memory(root: psutil.Process) -> list[float]:
    """Resident memory of a process and of all that it started [MB]."""
    sizes = []
    try:
        for process in [root, *root.children(recursive=True)]:
            sizes.append(process.memory_info().rss / 1e6)
    except psutil.NoSuchProcess:  # it ended while we looked
        pass
    return sizes


def seconds_by_rule(printed: str) -> dict[str, float]:
    """Wall time of the jobs of each stage, as the run prints it in the end [s]."""
    (work,) = re.findall(r"^Finished in .* Work: (.*)$", printed, re.MULTILINE)
    return {stage: float(seconds) for stage, seconds in re.findall(r"(\w+) ([\d.]+) s", work)}


def size(folder: Path) -> float:
    """Of all files below a folder [MB]."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def kernel_seconds(results: Path) -> float:
    """Core time of the kernel in all shards, from their logs [s]."""
    logs = [log.read_text() for log in (results / "logs" / NAME).glob("simulate_*.log")]
    return sum(float(re.findall(r"^([\d.]+) core seconds in the kernel$", log, re.MULTILINE)[-1]) for log in logs)


def measure(neurons: int, folder: Path) -> dict[str, object]:
    """Run the workflow in a folder, and look at what it left there."""
    (folder / "config.yaml").write_text(yaml.safe_dump(config(neurons)))
    wall, largest, total = run(folder)
    results = folder / "results"
    rules = seconds_by_rule((folder / "snakemake.log").read_text())
    print(f"==> {wall:.1f} s; seconds of work: {rules}", flush=True)
    return {
        "neurons": pq.read_metadata(results / NAME / "features.parquet").num_rows,
        "cores": CORES,
        "cpu": llvm.get_host_cpu_name(),
        "wall_s": wall,
        "kernel_share": kernel_seconds(results) / (CORES * wall),
        "rules_s": rules,
        "peak_process_MB": largest,
        "peak_total_MB": total,
        "shards_MB": size(results / NAME / "shards"),
        "output_MB": size(results) - size(results / NAME / "shards"),
        "queries_s": queries(results / NAME),
        "solver": ", ".join(f"{key} {value}" for key, value in SOLVER.items()),
    }


def queries(folder: Path) -> dict[str, dict[str, float]]:
    """Seconds that each query takes, the first time, in each of the three readers.

    One passes over all neurons, one over all spikes, one asks for the F-I curves at one sodium conductance.
    """
    features, spikes = (str(folder / f"{name}.parquet") for name in ("features", "spikes"))
    rate, first = "firing_rate_Hz", "time_ms"
    at = pq.ParquetFile(features).read_row_group(0, [CONDUCTANCE])[CONDUCTANCE][0].as_py()
    tasks = {
        "mean rate at each current": {
            "pandas": lambda: pd.read_parquet(features, columns=[AMPLITUDE, rate]).groupby(AMPLITUDE)[rate].mean(),
            "polars": lambda: pl.scan_parquet(features).group_by(AMPLITUDE).agg(pl.col(rate).mean()).collect(),
            "DuckDB": lambda: duckdb.sql(f"select {AMPLITUDE}, avg({rate}) from '{features}' group by all").fetchall(),
        },
        "F-I curves at one conductance": {
            "pandas": lambda: pd.read_parquet(features, columns=[AMPLITUDE, rate], filters=[(CONDUCTANCE, "==", at)]),
            "polars": lambda: (
                pl.scan_parquet(features).filter(pl.col(CONDUCTANCE) == at).select(AMPLITUDE, rate).collect()
            ),
            "DuckDB": lambda: duckdb.sql(
                f"select {AMPLITUDE}, {rate} from '{features}' where {CONDUCTANCE} = {at!r}"
            ).fetchnumpy(),
        },
        "first spike of each neuron": {
            "pandas": lambda: pd.read_parquet(spikes).groupby("neuron")[first].min(),
            "polars": lambda: pl.scan_parquet(spikes).group_by("neuron").agg(pl.col(first).min()).collect(),
            "DuckDB": lambda: duckdb.sql(f"select neuron, min({first}) from '{spikes}' group by neuron").fetchnumpy(),
        },
    }
    return {query: {reader: seconds(task) for reader, task in readers.items()} for query, readers in tasks.items()}


def seconds(task: Callable[[], object]) -> float:
    """Wall time of a task."""
    started = time.perf_counter()
    task()
    return time.perf_counter() - started


def planning_seconds(neurons: int, folder: Path) -> float:
    """Wall time of a dry run."""
    (folder / "config.yaml").write_text(yaml.safe_dump(config(neurons)))
    command = [sys.executable, "-m", "snakemake", "-n", "--quiet", "--directory", str(folder)]
    command += ["--configfile", str(folder / "config.yaml")]
    return seconds(lambda: subprocess.run(command, cwd=ROOT, check=True, capture_output=True))


def main() -> None:
    """Measure, and write the page."""
    sizes = [int(neurons) for neurons in sys.argv[1:]] or SIZES
    print(
        f"==> {', '.join(f'{n:,}' for n in sizes)} neurons of one second through Snakemake on {CORES} cores", flush=True
    )
    results = page.load()
    found = {}
    for neurons in sizes:
        with tempfile.TemporaryDirectory() as folder:
            found[str(neurons)] = measure(neurons, Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        planning = {str(n): planning_seconds(n, Path(folder)) for n in (*sizes, PLANNED)}
    results["scaling"] = {"runs": found, "planning_s": planning}
    page.save(results)
    print(page.scaling(results["scaling"]))


if __name__ == "__main__":
    main()
