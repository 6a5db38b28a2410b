"""The workflow on a SLURM cluster: jobs on two nodes, a node that dies, and the bytes of a local run."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import cluster
import pytest
from cluster import Cluster, missing
from test_workflow import Folder

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"no SLURM: {missing()}")

TOLERANT = "small_grid"  # its shard waits for its calibration: where that is there, Snakemake has seen the other finish
TARGETS = [f"results/{name}/summary.html" for name in (TOLERANT, "paced")]
# A cluster without accounting. States are asked for after 5 s, then after 15, 25, ... more, until a job has ended.
HERE = ["--slurm-status-command", "squeue", "--slurm-no-account", "--slurm-init-seconds-before-status-checks", "5"]
HERE += ["--latency-wait", "20"]


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def local(tmp_path_factory, cache) -> Folder:
    """What a run on this machine gives."""
    folder = Folder(tmp_path_factory.mktemp("local"), cache)
    folder.run(*TARGETS, "--configfile", "config/test.yaml", "--cores", "2")
    return folder


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    with cluster.cluster(tmp_path_factory.mktemp("cluster")) as made:
        yield made


@contextmanager
def started(folder: Folder, nodes: Cluster, targets: Sequence[str] = TARGETS) -> Iterator[subprocess.Popen]:
    """`snakemake --workflow-profile profiles/slurm` as a user types it on the login node; ended with the block."""
    command = [sys.executable, "-m", "snakemake", *targets, "--workflow-profile", "profiles/slurm", *HERE]
    command += ["--configfile", "config/test.yaml"]
    env = nodes.environment | {"PYTHONPATH": str(folder.path), "HHCORE_CACHE": str(folder.cache)}
    with (folder.path / "printed").open("w") as printed:
        run = subprocess.Popen(command, cwd=folder.path, env=env, stdout=printed, stderr=subprocess.STDOUT)
    try:
        yield run
    finally:
        run.kill()
        run.wait()


def wait_for(condition, run: subprocess.Popen, folder: Folder):
    """What the condition gives as soon as it is true, in mid-run."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and run.poll() is None:
        if found := condition():
            return found
        time.sleep(0.5)
    raise AssertionError((folder.path / "printed").read_text()[-5000:])


def until(condition) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.5)


def calibrated(folder: Folder) -> list[Path]:
    """The first results of a run."""
    return list((folder.path / "results").glob("*/numerics.parquet"))


def finish(run: subprocess.Popen, folder: Folder) -> None:
    code = run.wait(1200)
    logs = "\n".join(log.read_text()[-2000:] for log in (folder.path / "results/logs/slurm").rglob("*.log"))
    assert code == 0, (folder.path / "printed").read_text()[-5000:] + logs


def assert_same_tables(folder: Folder, local: Folder) -> None:
    for target in TARGETS:
        ours, theirs = (sorted((f.path / target).parent.rglob("*.parquet")) for f in (folder, local))
        assert [path.name for path in ours] == [path.name for path in theirs] and len(ours) >= 6
        for mine, other in zip(ours, theirs, strict=True):
            assert mine.read_bytes() == other.read_bytes(), mine


def test_jobs_run_on_both_nodes_and_give_the_bytes_of_a_local_run(local, nodes, tmp_path):
    folder = Folder(tmp_path / "shared", local.cache)
    before = {job for job, *_ in nodes.jobs()}
    with started(folder, nodes) as run:
        finish(run, folder)
    ran = [job for job in nodes.jobs() if job[0] not in before]
    assert {node for _, _, node, _ in ran} == set(nodes.nodes) and {state for *_, state in ran} == {"COMPLETED"}
    assert len(ran) >= 6, "for each experiment a calibration, a shard, the tables"
    assert_same_tables(folder, local)


@pytest.mark.slow
def test_all_experiments_of_the_test_config_and_their_report(nodes, cache, tmp_path, capsys):
    here, folder = (Folder(tmp_path / name, cache, steps=False) for name in ("here", "shared"))
    took = [time.monotonic()]
    here.run("--configfile", "config/test.yaml", "--cores", "2")
    took.append(time.monotonic())
    before = {job for job, *_ in nodes.jobs()}
    with started(folder, nodes, targets=()) as run:
        finish(run, folder)
    took.append(time.monotonic())
    ran = [job for job in nodes.jobs() if job[0] not in before]
    with capsys.disabled():
        seconds = f"{took[2] - took[1]:.0f} s on two nodes of one core, {took[1] - took[0]:.0f} s without, on two cores"
        print(f"\nconfig/test.yaml: {len(ran)} jobs, {seconds}")
    names = [{file.relative_to(f.path) for file in (f.path / "results").rglob("*.parquet")} for f in (here, folder)]
    assert names[0] == names[1] and len({name.parts[1] for name in names[0]}) == 6
    for name in names[0]:
        assert (folder.path / name).read_bytes() == (here.path / name).read_bytes(), name
    assert (folder.path / "results/report.html").stat().st_size > 1_000_000


@pytest.mark.slow
def test_after_snakemake_is_killed_the_commands_of_the_page_finish_the_run(local, nodes, tmp_path):
    folder = Folder(tmp_path / "shared", local.cache)
    with started(folder, nodes) as run:
        running = wait_for(lambda: TOLERANT in simulated(folder) and live(nodes), run, folder)
        run.send_signal(signal.SIGKILL)
        run.wait()
    seen = (folder.path / f"results/{TOLERANT}/numerics.parquet").stat().st_mtime_ns
    assert live(nodes).keys() & running.keys(), "jobs outlive the Snakemake that sent them"
    (name,) = set(running.values())
    until(lambda: not running.keys() <= live(nodes).keys())
    nodes.ask("scancel", "--name", name)
    until(lambda: not live(nodes))
    there = simulated(folder)
    assert there, "a shard was finished that Snakemake did not see"
    for experiment in there:
        (folder.path / f"results/logs/{experiment}/simulate_all.log").unlink()
    with started(folder, nodes) as run:
        finish(run, folder)
    again = (folder.path / f"results/{TOLERANT}/numerics.parquet").stat().st_mtime_ns
    assert again == seen, "what Snakemake saw finish is not computed again"
    for experiment in there:  # a job that finished unseen runs again, and finds its neurons in the store
        log = folder.path / f"results/logs/{experiment}/simulate_all.log"
        assert not log.exists() or folder.simulated(experiment) == 0
    assert_same_tables(folder, local)


def simulated(folder: Folder) -> list[str]:
    """Experiments whose shard is there."""
    return [path.parts[-3] for path in (folder.path / "results").glob("*/shards/all.parquet")]


def live(nodes: Cluster) -> dict[str, str]:
    """Job and name of the jobs that run or wait, as `squeue --me` tells the user."""
    lines = nodes.ask("squeue", "--me", "--noheader", "--format", "%i %j").splitlines()
    return dict(line.split() for line in lines)


@pytest.mark.slow
def test_a_node_that_dies_in_mid_run_costs_time_alone(local, nodes, tmp_path):
    folder = Folder(tmp_path / "shared", local.cache)
    with started(folder, nodes) as run:
        busy = wait_for(
            lambda: calibrated(folder) and [node for _, _, node, state in nodes.jobs() if state == "RUNNING"],
            run,
            folder,
        )
        nodes.kill(busy[0])
        finish(run, folder)
    lost = [state for _, _, node, state in nodes.jobs() if node == busy[0] and state in ("NODE_FAIL", "FAILED")]
    assert lost and "Trying to restart job" in (folder.path / "printed").read_text()
    assert_same_tables(folder, local)


@pytest.mark.parametrize("name", ["slurm.conf", "cgroup.conf"])
def test_a_machine_with_a_slurm_of_its_own_is_left_alone(tmp_path, monkeypatch, name):
    monkeypatch.setattr(cluster, "SYSTEM", tmp_path)
    assert missing() == ""
    (tmp_path / name).symlink_to(tmp_path / "gone")
    assert f"{name} is there" in missing()
