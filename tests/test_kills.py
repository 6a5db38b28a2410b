"""kill -9 of Snakemake, of its jobs, of both; two runs at once; locks of the dead. Nothing is lost or done twice."""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest
from sweeps import SHARDS, calm_run, check_kept, counted, finished, sweep
from test_workflow import Folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def timed(tmp_path_factory, cache) -> tuple[Folder, float]:
    """A run that nothing disturbs, and how many seconds it took."""
    started = time.monotonic()
    return calm_run(tmp_path_factory.mktemp("calm"), cache), time.monotonic() - started


@pytest.fixture(scope="module")
def calm(timed) -> Folder:
    return timed[0]


def begin(folder: Folder, *arguments: str) -> subprocess.Popen:
    env = os.environ | {"PYTHONPATH": str(folder.path), "HHCORE_CACHE": str(folder.cache)}
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
    with (folder.path / "printed").open("a") as printed:
        return subprocess.Popen(command, cwd=folder.path, env=env, stdout=printed, stderr=subprocess.STDOUT)


def living(folder: Folder) -> list[psutil.Process]:
    """Processes that work in the folder, orphans of a killed Snakemake too."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(folder.path) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:  # it has ended meanwhile, or is not ours
            continue
    return found


def kill(run: subprocess.Popen, what: str, rng: random.Random) -> bool:
    """kill -9 of Snakemake, of one process of its jobs, or of everything; whether a living one was hit."""
    if run.poll() is not None:
        return False
    jobs = psutil.Process(run.pid).children(recursive=True)
    victims = {"snakemake": [], "job": rng.sample(jobs, min(1, len(jobs))), "both": jobs}[what]
    victims = [*([psutil.Process(run.pid)] if what != "job" else []), *victims]
    hit = False
    for process in victims:
        try:
            process.send_signal(signal.SIGKILL)
            hit = True
        except psutil.NoSuchProcess:
            continue
    run.wait(300)
    return hit


def check_all_readable(folder: Folder, calm: Folder) -> None:
    """Every Parquet file is whole and the one of a calm run, those of jobs that run on too."""
    for file in (folder.path / "results").rglob("*.parquet"):
        pq.read_table(file, page_checksum_verification=True)
        assert file.read_bytes() == (calm.path / file.relative_to(folder.path)).read_bytes(), file


def check_complete(folder: Folder, calm: Folder, kills: int) -> None:
    """A run has ended by itself: its results are those of a calm run, and each kill cost two shards at most."""
    assert folder.bytes("e") == calm.bytes("e") and (folder.path / "results/report.html").exists()
    simulated = [shard for shard, n in counted(folder) if n]
    assert set(simulated) == {shard for shard, _ in counted(calm)}
    assert len(simulated) <= SHARDS + 2 * kills, "two are simulated at a time"


def storm(folder: Folder, timed: tuple[Folder, float], kills: int, seed: int) -> None:
    """Kill at random moments, each time run the same command again, and all anew when it has ended by itself."""
    (calm, took), rng, hits, since = timed, random.Random(seed), 0, 0
    while hits < kills:
        alone, before, begun = not living(folder), finished(folder), len(counted(folder))
        shards = {file.stem for file in (folder.path / "results/e/shards").glob("*.parquet")}
        run = begin(folder)
        try:
            code = run.wait(rng.uniform(0.5, took))
        except subprocess.TimeoutExpired:
            hit = kill(run, ("snakemake", "job", "both")[hits % 3], rng)
            hits, since, code = hits + hit, since + hit, None
        check_all_readable(folder, calm)
        check_kept(before, alone)
        again = [(shard, n) for shard, n in counted(folder)[begun:] if shard in shards and n]
        assert not again, "a shard that was there is not simulated again"
        if code is not None:
            assert code == 0, (folder.path / "printed").read_text()[-5000:]
            psutil.wait_procs(living(folder), 60)
            check_complete(folder, calm, since)
            shutil.rmtree(folder.path / "results")
            (folder.path / "counted").unlink()
            since = 0
    folder.run("--cores", "2")
    check_complete(folder, calm, since)


DEADLY = """
{indent}if "shards" in str(path) and os.path.exists("deadly"):
{indent}    try:
{indent}        os.kill(int(open("deadly").read()), 9)
{indent}    finally:  # another job may have killed it already
{indent}        os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize(
    ("file", "after", "there"),
    [("seals", 'over its `UNSEALED` digits."""\n', 0), ("files", "    os.replace(temporary, path)\n", 1)],
    ids=["a half-written shard", "a shard that Snakemake did not see finish"],
)
def test_killed_at_the_worst_moments_it_goes_on_by_the_same_command(calm, cache, tmp_path, file, after, there):
    folder = sweep(tmp_path / "worst", cache)
    folder.edit(f"hhcore/base/{file}.py", after, after + DEADLY.format(indent=" " * (8 if there else 4)))
    run = begin(folder)
    (folder.path / "deadly").write_text(str(run.pid))
    assert run.wait(300) == -signal.SIGKILL
    psutil.wait_procs(living(folder), 60)
    check_all_readable(folder, calm)
    shards = {path.stem for path in (folder.path / "results/e/shards").glob("*.parquet")}
    assert there <= len(shards) <= 2 * there and (folder.path / "results/e").exists()
    (folder.path / "deadly").unlink()
    begun = len(counted(folder))
    folder.run("--cores", "2")
    again = {shard: n for shard, n in counted(folder)[begun:] if shard in shards}
    assert set(again) == shards and not any(again.values()), "they run again, and find their neurons"
    check_complete(folder, calm, kills=1)


@pytest.mark.slow
def test_killed_at_random_moments_it_goes_on_by_the_same_command(timed, cache, tmp_path):
    storm(sweep(tmp_path / "storm", cache), timed, kills=3, seed=1)


@pytest.mark.slow
def test_killed_thirty_times(timed, cache, tmp_path):
    storm(sweep(tmp_path / "storm", cache), timed, kills=30, seed=2)


@pytest.mark.parametrize(("machine", "stays"), [(socket.gethostname(), False), ("another-login-node", True)])
def test_the_lock_of_a_run_on_another_machine_stays(cache, tmp_path, machine, stays):
    """A shared file system may grant the kernel's lock on each machine, while that of Snakemake is there for all."""
    folder = sweep(tmp_path / "shared", cache)
    lock = folder.path / ".snakemake/locks/0.output.lock"
    lock.parent.mkdir(parents=True)
    lock.write_text("results/report.html\n")
    (folder.path / ".snakemake/hhcore.lock").write_text(machine)
    for _ in range(2):  # a look from here does not make it one of this machine
        done = folder.snakemake("--cores", "1", "--until", "calibrate")
        assert lock.exists() == stays and (done.returncode != 0) == stays, done.stderr


PAUSE = """
if workflow.output_settings.dryrun:
    Path("parsing").touch()
    while Path("pause").exists():
        time.sleep(0.05)

onstart:  # with its lock held
    while Path("held").exists():
        time.sleep(0.05)
"""


def test_dry_runs_take_no_lock_and_delete_none(cache, tmp_path):
    """Also one that was there before the run, and is still reading the Snakefile."""
    folder = sweep(tmp_path / "dry", cache)
    with (folder.path / "workflow/Snakefile").open("a") as file:
        file.write(PAUSE)
    (folder.path / "pause").touch()
    (folder.path / "held").touch()
    look = begin(folder, "-n")
    wait_for(folder.path / "parsing")
    run = begin(folder)
    locks = folder.path / ".snakemake/locks"
    wait_for(locks / "0.input.lock", locks / "0.output.lock")
    (folder.path / "pause").unlink()
    assert look.wait(60) == 0
    printed = folder.run("-n")
    assert "cannot be locked" not in printed and "simulate" in printed
    assert len(list(locks.iterdir())) == 2 and run.poll() is None, "else the test says nothing"
    second = folder.snakemake("--cores", "1")
    assert second.returncode != 0 and "cannot be locked" in second.stdout + second.stderr
    kill(run, "both", random.Random(0))
    (folder.path / "held").unlink()
    folder.run("--cores", "1", "--until", "calibrate")


def wait_for(*files: Path) -> None:
    """Wait until these files are there."""
    deadline = time.monotonic() + 60
    while not all(file.exists() for file in files):
        assert time.monotonic() < deadline, files
        time.sleep(0.05)


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
