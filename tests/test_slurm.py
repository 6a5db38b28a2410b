"""The workflow on a SLURM cluster: jobs on two nodes, a node that dies, and the bytes of a local run."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from cluster import Cluster, cluster, missing
from test_workflow import Folder

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"no SLURM: {missing()}")

TARGETS = [f"results/{name}/summary.html" for name in ("small_grid", "paced")]
# A cluster without accounting, and so few jobs that it is worthwhile to ask for them often.
HERE = ["--slurm-status-command", "squeue", "--slurm-no-account", "--slurm-init-seconds-before-status-checks", "2"]
HERE += ["--seconds-between-status-checks", "2", "--latency-wait", "20"]


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
    with cluster(tmp_path_factory.mktemp("cluster")) as made:
        yield made


def start(folder: Folder, nodes: Cluster) -> subprocess.Popen:
    """`snakemake --workflow-profile profiles/slurm` as a user types it on the login node."""
    command = [sys.executable, "-m", "snakemake", *TARGETS, "--workflow-profile", "profiles/slurm", *HERE]
    command += ["--configfile", "config/test.yaml"]
    env = nodes.environment | {"PYTHONPATH": str(folder.path), "HHCORE_CACHE": str(folder.cache)}
    with (folder.path / "printed").open("w") as printed:
        return subprocess.Popen(command, cwd=folder.path, env=env, stdout=printed, stderr=subprocess.STDOUT)


def finish(run: subprocess.Popen, folder: Folder) -> None:
    code = run.wait(600)
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
    finish(start(folder, nodes), folder)
    ran = [job for job in nodes.jobs() if job[0] not in before]
    assert {node for _, _, node, _ in ran} == set(nodes.nodes) and {state for *_, state in ran} == {"COMPLETED"}
    assert len(ran) >= 8, "kernels, and for each experiment a calibration, a shard, the tables"
    assert_same_tables(folder, local)


@pytest.mark.slow
def test_a_node_that_dies_in_mid_run_costs_time_alone(local, nodes, tmp_path):
    folder = Folder(tmp_path / "shared", local.cache)
    run = start(folder, nodes)
    deadline, victim = time.monotonic() + 300, None
    while victim is None and time.monotonic() < deadline:
        done = len(list((folder.path / "results").glob("*/numerics.parquet")))
        busy = [node for _, _, node, state in nodes.jobs() if state == "RUNNING"]
        victim = busy[0] if done and busy else None
        time.sleep(0.5)
    assert victim is not None and run.poll() is None, (folder.path / "printed").read_text()
    nodes.kill(victim)
    finish(run, folder)
    lost = [state for _, _, node, state in nodes.jobs() if node == victim and state in ("NODE_FAIL", "FAILED")]
    assert lost and "Trying to restart job" in (folder.path / "printed").read_text()
    assert_same_tables(folder, local)
