"""Ctrl-C and SIGTERM end what computes, within seconds, and leave nothing running."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from test_kills import living
from test_workflow import Folder

SOON = 15  # seconds, on a busy machine; each of the runs would take hours
RUNS = {
    "simulate": "hhcore.simulate(*squid, duration=1e10, threads=2)",
    "trace": "hhcore.trace(*squid[:1], {}, hhcore.Step(10), duration=1e10, interval=1e9)",
}


def heed_interrupts() -> None:
    """In a child: the shell that started the tests may have ignored Ctrl-C for all that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("call", RUNS.values(), ids=RUNS)
def test_an_interrupt_ends_a_run(call):
    program = f"""
import hhcore
squid = "hodgkin_huxley_1952", {{"sodium.g": [120.0] * 64}}, hhcore.Step(10)
hhcore.simulate(*squid, duration=1)  # the kernel is compiled
print("ready", flush=True)
{call}
"""
    run = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_interrupts,
    )
    try:
        assert run.stdout.readline() == "ready\n"
        time.sleep(1)
        assert run.poll() is None
        run.send_signal(signal.SIGINT)
        _, printed = run.communicate(timeout=SOON)
    finally:
        run.kill()
    assert printed.rstrip().endswith("KeyboardInterrupt") and run.returncode == -signal.SIGINT


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


def integrates(log: Path) -> bool:
    """Whether the job of a shard that is not empty has begun."""
    return re.match("0 of [1-9]", log.read_text()) is not None


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM], ids=lambda sent: sent.name)
def test_a_signal_leaves_no_job_running(sent, cache, tmp_path):
    """Ctrl-C in a terminal, and the end of a batch job, reach Snakemake and its jobs at once: the process group."""
    folder = Folder(tmp_path / "folder", cache)
    folder.config(duration=1e9, solver={"method": "tsit5", "local_error": 1e-6})
    env = os.environ | {"PYTHONPATH": str(folder.path), "HHCORE_CACHE": str(cache)}
    command = [sys.executable, "-m", "snakemake", "--cores", "2"]
    with (folder.path / "printed").open("w") as printed:
        run = subprocess.Popen(
            command, cwd=folder.path, env=env, stderr=printed, start_new_session=True, preexec_fn=heed_interrupts
        )
    try:
        logs = folder.path / "results/logs/e"
        while run.poll() is None and not any(map(integrates, logs.glob("simulate_*.log"))):
            time.sleep(0.2)
        time.sleep(1)
        assert run.poll() is None and len(living(folder)) > 1, (folder.path / "printed").read_text()
        os.killpg(run.pid, sent)
        assert run.wait(SOON) != 0
        _, left = psutil.wait_procs(living(folder), SOON)
        assert left == []
        printed = (folder.path / "printed").read_text()
        assert sent == signal.SIGTERM or "Traceback" not in printed and "interrupted; the same command" in printed
    finally:
        for process in living(folder):
            process.kill()
