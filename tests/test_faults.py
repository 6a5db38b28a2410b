"""Faults of the machine: full and read-only disks, damaged files, no memory, failed neurons. Nothing is lost."""

import errno
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from sweeps import calm_run, check_kept, counted, finished, sweep
from test_workflow import Folder

from hhcore.base.errors import one_message
from hhcore.protocols.current_clamp import CurrentClamp
from hhcore.sweep.columns import shard_schema


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def calm(tmp_path_factory, cache) -> Folder:
    return calm_run(tmp_path_factory.mktemp("calm"), cache)


def test_damaged_shards_are_simulated_again(calm, cache, tmp_path):
    """At once, if a look at their ends tells; else they are set aside by the job that reads them."""
    folder = sweep(tmp_path / "damaged", cache)
    shutil.copytree(calm.path / "results", folder.path / "results")
    truncated, corrupted, table, empty = sorted((folder.path / "results/e/shards").glob("*.parquet"))
    truncated.write_bytes(truncated.read_bytes()[:5000])
    middle = bytearray(corrupted.read_bytes())
    middle[len(middle) // 2] ^= 0xFF
    corrupted.write_bytes(middle)
    shutil.copy(folder.path / "results/e/features.parquet", table)
    empty.write_bytes(b"")
    stopped = folder.snakemake("--cores", "2")
    assert stopped.returncode != 0
    said = rf"Error\. .*1 shard .*\({corrupted.name}\).* set aside.*run the same command again"
    assert re.search(said, stopped.stderr), stopped.stderr
    folder.run("--cores", "2")
    assert folder.bytes("e") == calm.bytes("e") and sum(n for _, n in counted(folder)) == 40 * 40
    assert [path.stem for path in (folder.path / "results/e/shards").glob("*.damaged")] == [corrupted.stem]


def test_a_shard_of_another_version_is_simulated_again_and_no_other(calm, cache, tmp_path):
    folder = sweep(tmp_path / "another", cache)
    shutil.copytree(calm.path / "results", folder.path / "results")
    others = sorted((folder.path / "results/e/shards").glob("*.parquet"))
    bad = others.pop(2)
    rows = pq.read_table(bad)
    assert rows.schema.equals(shard_schema(CurrentClamp()))
    pq.write_table(rows.replace_schema_metadata({"hhcore.context": "of another version"}), bad)
    kept = {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in others}
    folder.run("--cores", "2")
    check_kept(kept)
    assert counted(folder) == [(bad.stem, rows.num_rows)]
    assert folder.bytes("e") == calm.bytes("e")


def shift(folder: Folder, files: str, seconds: float) -> None:
    for file in (folder.path / "results").glob(files):
        moment = file.stat().st_mtime_ns + int(seconds * 1e9)
        os.utime(file, ns=(moment, moment))


def test_a_clock_set_back_is_said_and_costs_nothing(calm, cache, tmp_path):
    """Files from the future stop no run that makes nothing of them, and are refused as inputs."""
    folder = sweep(tmp_path / "clock", cache)
    shutil.copytree(calm.path / "results", folder.path / "results")
    shift(folder, "**/*.*", 3600)
    assert "Nothing to be done" in folder.run("--cores", "2")
    (folder.path / "results/e/features.parquet").unlink()
    stopped = folder.snakemake("--cores", "2")
    assert stopped.returncode != 0 and "Traceback" not in stopped.stderr
    assert re.search(r"features\.parquet has older modification time .* than input results/e/\S+", stopped.stderr)
    advice = "touch now; find results -exec touch -r now {} +"
    assert re.search(rf"The clock was set back.*`{re.escape(advice)}`.*The same command", stopped.stderr)
    subprocess.run(advice, shell=True, cwd=folder.path, check=True)
    folder.run("--cores", "2")
    assert folder.bytes("e") == calm.bytes("e") and not any(n for _, n in counted(folder))


def test_shards_older_than_what_they_were_made_from_are_looked_at_again(calm, cache, tmp_path):
    """As after a copy that keeps no times, or where the nodes of a cluster disagree."""
    folder = sweep(tmp_path / "old", cache)
    shutil.copytree(calm.path / "results", folder.path / "results")
    shift(folder, "e/shards/*", -(10**8))
    folder.run("--cores", "2")
    assert folder.bytes("e") == calm.bytes("e") and not any(n for _, n in counted(folder))


@contextmanager
def mounted(place: Path, *options: str) -> Iterator[None]:
    """Something mounted at a folder, until the block ends."""
    place.mkdir(exist_ok=True)
    if os.geteuid() != 0 or subprocess.run(["mount", *options, str(place)], capture_output=True).returncode:
        pytest.skip("only root can mount a small disk, and not in every container")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def disk(tmp_path) -> Iterator[Path]:
    """The folder of a disk of its own, of 60 MB."""
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=60m", "tmpfs"):
        yield tmp_path / "disk"


def fill(disk: Path, room: int) -> Path:
    """A file that takes all of a disk but so many bytes."""
    filled = disk / "filled"
    filled.write_bytes(bytes(shutil.disk_usage(disk).free - room))
    return filled


def test_a_full_disk_is_said_and_when_there_is_space_the_run_goes_on(calm, cache, disk):
    """All of the working folder is on it, what Snakemake notes there too."""
    folder = sweep(disk / "full", cache)
    (folder.path / ".snakemake").mkdir()
    filled = fill(disk, 90_000)
    stopped = folder.snakemake("--cores", "2")
    assert re.search(
        r"Error\. cannot write /.*/full \(No space.*free space.*run the same command again", stopped.stderr
    )
    assert stopped.returncode != 0 and "Traceback" not in stopped.stdout + stopped.stderr
    filled.unlink()
    fill(disk, 280_000)
    # On one core: beside a job that fills the disk, Snakemake may be writing the script of the next.
    stopped = folder.snakemake("--cores", "1")
    said = stopped.stdout + stopped.stderr
    assert stopped.returncode != 0 and "Traceback" not in said
    assert re.search(r"Error\. cannot write results/e/.*\(No space.*free space.*run the same command again", said), said
    assert not list(disk.rglob(".*.parquet.*")), "no half files"
    before = finished(folder)
    assert any(file.suffix == ".parquet" for file in before)
    filled.unlink()
    folder.run("--cores", "2")
    check_kept(before)
    assert folder.bytes("e") == calm.bytes("e")


@pytest.mark.parametrize("which", ["results", pytest.param(".", marks=pytest.mark.slow)])
def test_what_cannot_be_written_is_said_and_when_it_can_the_run_goes_on(calm, cache, tmp_path, which):
    """The whole folder, or results/ alone, becomes read-only when half of the shards are there."""
    folder = sweep(tmp_path / "fixed", cache)
    folder.run("--cores", "2", "results/e/shards/00.parquet", "results/e/shards/10.parquet")
    before = finished(folder)
    assert len(before) == 2, "two shards"
    place = str(folder.path / which)
    with mounted(Path(place), "--bind", place):
        subprocess.run(["mount", "-o", "remount,bind,ro", place], check=True)
        stopped = folder.snakemake("--cores", "2")
    said = stopped.stdout + stopped.stderr
    assert stopped.returncode != 0 and "Read-only file system" in said and "Traceback" not in said, said
    assert finished(folder) == before
    folder.run("--cores", "2")
    check_kept(before)
    assert folder.bytes("e") == calm.bytes("e")


@pytest.mark.slow
def test_temporary_files_of_the_tables_on_a_full_disk(calm, cache, disk, tmp_path, monkeypatch):
    folder = sweep(tmp_path / "temporary", cache)
    fill(disk, 300_000)
    monkeypatch.setenv("TMPDIR", str(disk))
    stopped = folder.snakemake("--cores", "2", "--default-resources", f"tmpdir='{disk}'")
    said = stopped.stdout + stopped.stderr
    assert re.search(r"Error\. cannot write.*No space left on device.*TMPDIR", said), said[-3000:]
    assert stopped.returncode != 0 and "Traceback" not in said
    monkeypatch.undo()
    folder.run("--cores", "2")
    assert folder.bytes("e") == calm.bytes("e")


# Python that runs out of memory in an import says anything; so what jobs import is there before.
ALMOST_ALL = """
import re, resource
from hhcore.experiments.analysis import all_analyses
from hhcore.experiments.protocol import protocols
all_analyses(), protocols()
used = 1024 * int(re.search(r"VmData:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
resource.setrlimit(resource.RLIMIT_DATA, (used + {room}, resource.RLIM_INFINITY))

with one_message("""


def starve(folder: Folder, job: str, room: int) -> None:
    """A run in which a job has `room` bytes more than it begins with says so in one sentence."""
    script, limited = f"workflow/scripts/{job}.py", ALMOST_ALL.format(room=room)
    folder.edit(script, "\nwith one_message(", limited)
    stopped = folder.snakemake("--cores", "2")
    said = stopped.stdout + stopped.stderr
    assert stopped.returncode != 0 and re.search(r"Error\. out of memory.*; .*--set-resources", said), said[-3000:]
    assert "Traceback" not in said and not list((folder.path / "results").rglob(".*.parquet.*"))
    folder.edit(script, limited, "\nwith one_message(")


limits_memory = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="only Linux tells and limits memory so"
)


@limits_memory
def test_jobs_without_memory_say_so_and_go_on_when_they_have_it(calm, cache, tmp_path):
    """No room even for a thread or a figure."""
    folder = sweep(tmp_path / "starved", cache)
    shutil.copytree(calm.path / "results", folder.path / "results")
    shard = next((folder.path / "results/e/shards").glob("*.parquet")).relative_to(folder.path / "results")
    last_first = {"figures": ("e/figures/accuracy_map.svg", 1_000_000), "tables": ("e/features.parquet", 1_000_000)}
    last_first |= {"simulate": (shard, 1_000_000), "calibrate": ("e/numerics.parquet", 1_000_000)}
    for job, (made, room) in last_first.items():
        (folder.path / "results" / made).unlink()
        starve(folder, job, room)
    folder.run("--cores", "2")
    assert folder.bytes("e") == calm.bytes("e")


@pytest.mark.slow
@limits_memory
def test_jobs_that_run_out_of_memory_on_the_way(cache, tmp_path):
    folder = Folder(tmp_path / "little", cache)
    axis = {"linspace": [100, 140, 300]}
    settings = {"stimulus": {"kind": "step", "amplitude": {"linspace": [0, 30, 300]}}, "parameters": {"sodium.g": axis}}
    folder.config(**settings, duration=1)
    starve(folder, "simulate", 24_000_000)
    starve(folder, "tables", 24_000_000)
    folder.run("--cores", "2")
    assert folder.simulated() == 300 * 300


def test_a_job_that_is_killed_brings_a_word_on_memory(calm, cache, tmp_path):
    folder = sweep(tmp_path / "killed", cache)
    shutil.copytree(calm.path / "results", folder.path / "results")
    (folder.path / "results/e/features.parquet").unlink()
    folder.edit(
        "workflow/scripts/tables.py", "\nwith one_message(", "\nimport os\n\nos.kill(os.getpid(), 9)\nwith one_message("
    )
    stopped = folder.snakemake("--cores", "2")
    assert stopped.returncode != 0
    assert re.search(r"A job was killed\. Most often it ran out of memory: .*--set-resources", stopped.stderr)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("OUT_OF_MEMORY", r"A job was killed\. Most often it ran out of memory: .*--set-resources RULE:mem_mb"),
        ("TIMEOUT", r"A job exceeded its time limit: .*--set-resources RULE:runtime"),
    ],
)
def test_what_slurm_ends_a_job_for_brings_a_word_on_it(cache, tmp_path, monkeypatch, state, said):
    """The words of Snakemake's plugin for SLURM, to which programs of the same names say that each job ended so."""
    pytest.importorskip("snakemake_executor_plugin_slurm")
    programs = {"sbatch": "echo 1", "squeue": f"echo '1|{state}'", "sinfo": "echo 'PARTITION\nmain*'"}
    programs |= {"scontrol": "echo 'MinJobAge = 300 sec'", "sacct": "exit 1"}
    (tmp_path / "bin").mkdir()
    for name, text in programs.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    folder = Folder(tmp_path / "slurm", cache)
    folder.config()
    profile = ["--workflow-profile", "profiles/slurm", "--retries", "0", "--latency-wait", "1", "--slurm-no-account"]
    profile += ["--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "1"]
    stopped = folder.snakemake(*profile)
    assert stopped.returncode != 0 and re.search(said, stopped.stderr), stopped.stderr
    assert "Traceback" not in stopped.stderr


@pytest.mark.parametrize(("capacitances", "failed"), [([0.0001, 1], 3), ([0.0001, 0.00005], 6)])
def test_neurons_that_fail_can_fail_the_run_when_all_is_written(cache, tmp_path, capacitances, failed):
    """Half of the neurons, or every one."""
    folder = Folder(tmp_path / "failing", cache)
    settings = {"parameters": {"membrane.C": {"values": capacitances}}}
    settings |= {"solver": {"method": "tsit5", "local_error": 1e-6}}
    settings |= {"traces": [{"amplitude": 10, "membrane.C": 0.0001}]}
    folder.config(**settings, failed_neurons="fail")
    done = folder.snakemake()
    said = rf"Error\. experiments\.e: {failed} neurons failed.*results/e/failures\.parquet says when.*All results are"
    assert done.returncode != 0 and re.search(said, done.stderr) and "Traceback" not in done.stderr
    results = folder.path / "results/e"
    status = pd.read_parquet(results / "features.parquet").status
    assert len(status) == 6 and (status != "ok").sum() == failed
    assert len(pd.read_parquet(results / "failures.parquet")) == failed
    assert len(pd.read_parquet(results / "fi_curves.parquet")) == 6
    assert f"{failed} failed" in (results / "summary.html").read_text()
    assert (results.parent / "report.html").exists() and len(list((results / "figures").glob("*.svg"))) == 7
    folder.config(**settings)
    folder.run()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device", "results/x"), r"cannot write results/x \(No space left.*free space"),
        (OSError(27, "File too large", "results/x"), r"cannot write results/x \(File too large\); .*`ulimit -f`"),
        (PermissionError(13, "Permission denied", "x"), r"cannot read or write x \(Permission denied\); allow it"),
        (OSError(24, "Too many open files", "x"), r"cannot open x \(Too many open files\); .*`ulimit -n 4096`"),
        (OSError(23, "Too many open files in system", "x"), r"cannot open x \(Too many open files in system\)"),
        (OSError(5, "Input/output error", "x"), r"cannot read or write x \(Input/output error\); the disk"),
        (OSError(errno.ESTALE, "Stale", "x"), r"cannot read or write x \(Stale file handle\); the file server"),
        (MemoryError(), r"out of memory; give the job more"),
        (ImportError("x.so: failed to map segment"), r"out of memory \(x.so: failed to map segment\); give the job"),
        (MemoryError("Unable to allocate 2 GiB"), r"out of memory \(Unable to allocate 2 GiB\); give the job more"),
    ],
)
def test_what_the_machine_lacks_is_one_sentence_in_a_job(tmp_path, error, said):
    with pytest.raises(SystemExit, match=said), one_message(tmp_path / "job.log"):
        raise error
    assert re.fullmatch(f"Error. .*{said}.*what is complete is kept", (tmp_path / "job.log").read_text().strip())


def test_other_errors_of_a_job_keep_their_traceback(tmp_path):
    with pytest.raises(FileNotFoundError), one_message(tmp_path / "job.log"):
        raise FileNotFoundError(2, "No such file or directory", "x")
