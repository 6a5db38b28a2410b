"""Faults of the machine: kills, full and read-only disks, damaged files, two runs at once. Nothing is lost."""

import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from test_workflow import Folder

from hhcore.errors import one_message

GRID = {
    "stimulus": {"kind": "step", "amplitude": {"linspace": [0, 30, 40]}},
    "parameters": {"sodium.g": {"linspace": [100, 140, 40]}},
    "duration": 200,
    "solver": {"method": "tsit5", "local_error": 1e-9},
}
SHARDS = 4


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


def sweep(path: Path, cache: Path) -> Folder:
    """A folder with an experiment of four shards, of a second or so each."""
    folder = Folder(path, cache)
    folder.edit("hhcore/sweep.py", "STEPS_PER_SHARD = 3e9", "STEPS_PER_SHARD = 2.2e6")
    folder.config(**GRID)
    return folder


@pytest.fixture(scope="module")
def calm(tmp_path_factory, cache) -> Folder:
    """A run that nothing disturbs."""
    folder = sweep(tmp_path_factory.mktemp("calm"), cache)
    folder.run("--cores", "2")
    assert len(list((folder.path / "results/e/shards").glob("*.parquet"))) == SHARDS
    return folder


def begin(folder: Folder, *arguments: str) -> subprocess.Popen:
    env = os.environ | {"PYTHONPATH": str(folder.path), "HHCORE_CACHE": str(folder.cache)}
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, cwd=folder.path, env=env, **quiet)


def kill(run: subprocess.Popen, what: str) -> None:
    """kill -9 of Snakemake, of one of its jobs, or of everything."""
    jobs = psutil.Process(run.pid).children(recursive=True)
    victims = {"snakemake": [], "job": jobs[-1:], "both": jobs}[what]
    for process in [*victims, *([psutil.Process(run.pid)] if what != "job" else [])]:
        try:
            process.send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            continue
    run.wait()


def simulated(folder: Folder) -> int:
    """Neurons that all finished simulations of the folder had to simulate, from their logs."""
    logs = [log.read_text() for log in (folder.path / "results/logs/e").glob("simulate_*.log")]
    return sum(int(n.replace(",", "")) for log in logs for n in re.findall(r"^0 of ([\d,]+) new neurons", log, re.M))


def storm(folder: Folder, calm: Folder, kills: int, seed: int) -> None:
    """Kill at random moments, each time run the same command again; at last the results are those of a calm run."""
    rng, longest, total = random.Random(seed), 12.0, 40 * 40
    for number in range(kills):
        run = begin(folder)
        try:
            run.wait(rng.uniform(1.0, longest))
        except subprocess.TimeoutExpired:
            kill(run, rng.choice(["snakemake", "job", "both"]))
        shards = list((folder.path / "results/e/shards").glob("[01]*.parquet"))
        assert all(folder_readable(shard) for shard in shards), number
    folder.run("--cores", "2")
    assert folder.bytes("e") == calm.bytes("e")
    # each kill costs at most the shards that were being simulated: two at a time, and those an orphan simulates twice
    assert total <= simulated(folder) <= total + kills * 3 * total // SHARDS


def folder_readable(shard: Path) -> bool:
    import pyarrow.parquet as pq

    return pq.read_table(shard, page_checksum_verification=True).num_rows > 0


def test_killed_at_random_moments_it_goes_on_by_the_same_command(calm, cache, tmp_path):
    storm(sweep(tmp_path / "storm", cache), calm, kills=3, seed=1)


@pytest.mark.slow
def test_killed_thirty_times(calm, cache, tmp_path):
    storm(sweep(tmp_path / "storm", cache), calm, kills=30, seed=2)


@pytest.mark.parametrize(("machine", "stays"), [(socket.gethostname(), False), ("another-login-node", True)])
def test_the_lock_of_a_run_on_another_machine_stays(cache, tmp_path, machine, stays):
    """A shared file system may grant the kernel's lock on each machine, while that of Snakemake is there for all."""
    folder = sweep(tmp_path / "shared", cache)
    lock = folder.path / ".snakemake/locks/0.output.lock"
    lock.parent.mkdir(parents=True)
    lock.write_text("results/report.html\n")
    (folder.path / ".snakemake/hhcore.lock").write_text(machine)
    for _ in range(2):  # a look from here does not make it one of this machine
        folder.run("-n")
        assert lock.exists() == stays


def test_a_second_run_in_the_same_folder_is_refused_and_disturbs_nothing(calm, cache, tmp_path):
    folder = sweep(tmp_path / "two", cache)
    first = begin(folder)
    deadline = time.monotonic() + 60
    while not list((folder.path / ".snakemake").glob("locks/*")) and time.monotonic() < deadline:
        time.sleep(0.1)
    second = folder.snakemake("--cores", "1")
    assert second.returncode != 0 and "cannot be locked" in second.stdout + second.stderr
    assert first.wait(300) == 0
    assert folder.bytes("e") == calm.bytes("e")


def test_damaged_shards_are_simulated_again(calm, cache, tmp_path):
    folder = sweep(tmp_path / "damaged", cache)
    shutil.copytree(calm.path / "results", folder.path / "results")
    truncated, corrupted, foreign, empty = sorted((folder.path / "results/e/shards").glob("*.parquet"))
    truncated.write_bytes(truncated.read_bytes()[:5000])
    middle = bytearray(corrupted.read_bytes())
    middle[len(middle) // 2] ^= 0xFF
    corrupted.write_bytes(middle)
    shutil.copy(folder.path / "results/e/features.parquet", foreign)
    empty.write_bytes(b"")
    stopped = folder.snakemake("--cores", "2")
    assert stopped.returncode != 0
    assert re.search(r"Error\. .*4 shards.* set aside.*run the same command again", stopped.stderr), stopped.stderr
    folder.run("--cores", "2")
    assert folder.bytes("e") == calm.bytes("e") and simulated(folder) == 40 * 40
    assert len(list((folder.path / "results/e/shards").glob("*.damaged"))) == SHARDS


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [-(10**8), 3600])
def test_clocks_that_go_wrong_change_no_result(calm, cache, tmp_path, seconds):
    """Files from long ago, as after a copy; and files from the future, as where the clock has been set back."""
    folder = sweep(tmp_path / "clock", cache)
    shutil.copytree(calm.path / "results", folder.path / "results")
    for number, file in enumerate(sorted((folder.path / "results").rglob("*.*"))):
        moment = time.time() + seconds + number
        os.utime(file, (moment, moment))
    done = folder.snakemake("--cores", "2")
    if done.returncode:
        assert seconds > 0 and "older modification time" in done.stderr and "Traceback" not in done.stderr
        for file in (folder.path / "results").rglob("*.*"):
            os.utime(file)
        folder.run("--cores", "2")
    assert folder.bytes("e") == calm.bytes("e")


@pytest.fixture
def disk(tmp_path):
    """A small disk of its own, ended with the test: (its folder, how to make it read-only and writable again)."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(*options: str) -> bool:
        command = ["mount", *options, str(place)]
        return subprocess.run(command, capture_output=True).returncode == 0

    if os.geteuid() != 0 or not mount("-t", "tmpfs", "-o", "size=400k", "tmpfs"):
        pytest.skip("only root can mount a small disk, and not in every container")
    yield place, mount
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_full_disk_is_said_and_when_there_is_space_the_run_goes_on(calm, cache, disk, tmp_path):
    place, mount = disk
    folder = sweep(tmp_path / "full", cache)
    (folder.path / "results").symlink_to(place)
    stopped = folder.snakemake("--cores", "2")
    said = stopped.stdout + stopped.stderr
    assert stopped.returncode != 0
    assert re.search(r"Error\. cannot write.*No space left on device.*free space.*run the same command again", said)
    assert not list(place.rglob(".*.parquet.*")), "no half files"
    assert mount("-o", "remount,size=40m")
    folder.run("--cores", "2")
    assert folder.bytes("e") == calm.bytes("e")


def test_results_that_cannot_be_written_are_said(cache, disk, tmp_path):
    place, mount = disk
    folder = sweep(tmp_path / "fixed", cache)
    (folder.path / "results").symlink_to(place)
    assert mount("-o", "remount,ro")
    stopped = folder.snakemake("--cores", "2")
    said = stopped.stdout + stopped.stderr
    assert stopped.returncode != 0 and "Read-only file system" in said
    assert said.count("Traceback") == 0, said


@pytest.mark.slow
def test_temporary_files_of_the_tables_on_a_full_disk(calm, cache, disk, tmp_path, monkeypatch):
    folder = sweep(tmp_path / "temporary", cache)
    (disk[0] / "filled").write_bytes(bytes(380_000))
    monkeypatch.setenv("TMPDIR", str(disk[0]))
    stopped = folder.snakemake("--cores", "2", "--default-resources", f"tmpdir='{disk[0]}'")
    said = stopped.stdout + stopped.stderr
    assert re.search(r"Error\. cannot write.*No space left on device.*TMPDIR", said), said[-3000:]
    monkeypatch.undo()
    folder.run("--cores", "2")
    assert folder.bytes("e") == calm.bytes("e")


ALMOST_ALL = """
import re, resource
used = 1024 * int(re.search(r"VmData:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
resource.setrlimit(resource.RLIMIT_DATA, (used + {room}, resource.RLIM_INFINITY))

with one_message("""


def starve(folder: Folder, job: str, room: int) -> None:
    """A run in which a job has `room` bytes more than it begins with says so in one sentence."""
    script, limited = f"workflow/scripts/{job}.py", ALMOST_ALL.format(room=room)
    folder.edit(script, "\nwith one_message(", limited)
    stopped = folder.snakemake("--cores", "2")
    said = stopped.stdout + stopped.stderr
    assert stopped.returncode != 0 and re.search(r"Error\. out of memory .*--set-resources", said), said[-3000:]
    assert "Traceback" not in said and not list((folder.path / "results").rglob(".*.parquet.*"))
    folder.edit(script, limited, "\nwith one_message(")


limits_memory = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="only Linux tells and limits memory so"
)


@limits_memory
def test_jobs_without_memory_say_so_and_go_on_when_they_have_it(calm, cache, tmp_path):
    """No room even for a thread."""
    folder = sweep(tmp_path / "starved", cache)
    shutil.copytree(calm.path / "results", folder.path / "results")
    (folder.path / "results/e/features.parquet").unlink()
    starve(folder, "tables", 1_000_000)
    next((folder.path / "results/e/shards").glob("*.parquet")).unlink()
    starve(folder, "simulate", 1_000_000)
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


def test_a_neuron_that_fails_can_fail_the_run_when_all_is_written(cache, tmp_path):
    folder = Folder(tmp_path / "failing", cache)
    settings = {"parameters": {"membrane.C": {"values": [0.0001, 1]}}}
    settings |= {"solver": {"method": "tsit5", "local_error": 1e-6}}
    folder.config(**settings, failed_neurons="fail")
    done = folder.snakemake()
    assert done.returncode != 0
    assert re.search(r"Error\. experiments\.e: 3 neurons failed.*results/e/failures\.parquet says when", done.stderr)
    assert (folder.path / "results/report.html").exists() and (folder.path / "results/e/features.parquet").exists()
    folder.config(**settings)
    folder.run()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device", "results/x"), r"cannot write results/x \(No space left.*free space"),
        (PermissionError(13, "Permission denied", "results/x"), r"Permission denied\); make it writable"),
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
