"""What a user sees: a few lines and a bar on a terminal, plain lines in a file, errors whole."""

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from test_workflow import SMALL, Folder

from hhcore.base import board, tables
from hhcore.base.board import FOLDER, Board
from hhcore.base.progress import Progress
from hhcore.config.reader import read_experiments
from hhcore.schemes.solver import Solver
from hhcore.sweep import held as held_module
from hhcore.sweep.estimate import Held, estimate, estimates_text
from hhcore.sweep.hashing import config_digest
from hhcore.sweep.held import changed_choice, held
from hhcore.sweep.store import update_shard

MODEL = Path(__file__).parents[1] / "hhcore/models/hodgkin_huxley_1952.mmt"
GRID = {"stimulus": {"kind": "step", "amplitude": {"linspace": [0, 20, 9]}}, "duration": 5}


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


def on_a_terminal(folder: Folder, *arguments: str) -> str:
    """What Snakemake writes to a terminal of 200 columns."""
    env = {"PYTHONPATH": str(folder.path), "HHCORE_CACHE": str(folder.cache), "TERM": "xterm"}
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
    command = [sys.executable, "-m", "snakemake", *arguments]
    run = subprocess.Popen(command, cwd=folder.path, env=os.environ | env, stdout=theirs, stderr=theirs)
    os.close(theirs)
    parts = []
    try:
        while part := os.read(ours, 1 << 16):
            parts.append(part)
    except OSError:  # Linux says so that the other end is closed
        pass
    assert run.wait() == 0
    return b"".join(parts).decode()


def screen(written: str) -> list[str]:
    """The lines that stay on the terminal: a carriage return begins a line anew."""
    lines = []
    for line in written.replace("\r\n", "\n").split("\n"):
        seen = ""
        for part in line.split("\r"):
            seen = part + seen[len(part) :]
        lines.append(seen.rstrip())
    return lines


def test_a_terminal_shows_a_bar_that_moves_in_a_job_and_leaves_few_lines(cache, tmp_path):
    folder = Folder(tmp_path / "folder", cache)
    folder.config(duration=10_000)  # some seconds
    written = on_a_terminal(folder, "--cores", "1", "results/e/shards/all.parquet")
    lines = [line for line in screen(written) if line]
    assert re.fullmatch(r"e: 6 neurons to simulate, about \d+ s on one core", lines[1])
    assert re.fullmatch(r"\d+ jobs on 1 core, about \d+ s", lines[2])
    assert lines[3].startswith("Finished in ") and len(lines) == 4, "there is nothing to open yet"
    parts = [int(part) for part in re.findall(r"(\d+)%\|", written)]
    assert parts == sorted(parts) and len(set(parts)) > 10, "it moves within two jobs"
    assert "e: simulate shard all" in written and re.search("solvers? tried", written)


def test_a_dry_run_ends_with_what_is_new_and_what_is_kept(cache, tmp_path):
    folder = Folder(tmp_path / "folder", cache)
    folder.config()
    dry = folder.snakemake("-n").stdout
    assert "Reason" not in dry and len(dry.splitlines()) < 20
    assert dry.splitlines()[-1] == "e: 6 neurons to simulate, about 1 s on one core"
    verbose = folder.run("-n", "--verbose")
    assert "Reason: Missing output files" in verbose and "e: 6 neurons to simulate, about 1 s on one core" in verbose
    ran = folder.run("--cores", "1", "results/e/shards/all.parquet")
    assert not re.search(r"[\r\033]", ran) and "Reason" not in ran
    assert re.search(r"^\[ *\d+%\] e: simulate shard all, [\d.]+ s$", ran, re.MULTILINE)
    dry = folder.snakemake("-n", "results/e/shards/all.parquet").stdout
    assert "Nothing to be done" in dry and "neurons" not in dry and "Open" not in dry, "nor is there a report to open"
    folder.config(parameters={"sodium.g": {"values": [110, 120, 130]}})
    dry = folder.snakemake("-n").stdout
    assert dry.splitlines()[-1] == "e: 9 neurons, 6 in the store, 3 to simulate, about 1 s on one core"


def test_what_a_user_asks_of_snakemake_is_left_as_it_is(cache, tmp_path):
    folder = Folder(tmp_path / "folder", cache)
    folder.config()
    said = folder.run("-n", "--quiet", "host")
    assert "Reason: Missing output files" in said and "SNAKEMAKE" not in said
    assert "e: 6 neurons" not in folder.run("-n", "--quiet", "all")
    module = 'module h:\n    snakefile: "workflow/Snakefile"\n    config: config\n\nuse rule * from h\n'
    (folder.path / "outer.smk").write_text(f'configfile: "config/config.yaml"\n\n{module}')
    inner = folder.run("-n", "--snakefile", "outer.smk")
    assert "Reason: Missing output files" in inner and "e: 6 neurons to simulate, about 1 s on one core" in inner


def test_a_job_that_fails_shows_its_rule_its_log_and_one_sentence(cache, tmp_path):
    folder = Folder(tmp_path / "folder", cache)
    folder.config(parameters={"membrane.C": {"values": [0.0001, 1]}})
    stopped = folder.snakemake("--cores", "1")
    assert stopped.returncode == 1
    said = r"Error in rule calibrate \(e: .*\), log results/logs/e/calibrate.log\n  Error\. "
    assert re.search(said, stopped.stderr), stopped.stderr
    assert stopped.stderr.count("is unstable") == 1 and "RuleException" not in stopped.stderr


def test_a_job_that_fails_says_nothing_of_results_that_it_was_to_replace(cache, tmp_path):
    folder = Folder(tmp_path / "folder", cache, steps=False)
    folder.config(parameters={"membrane.C": {"values": [0.0001, 1]}})
    stopped = folder.snakemake("--cores", "1")
    assert "is unstable" in stopped.stderr and "estore" not in stopped.stderr, stopped.stderr


def test_an_error_that_nobody_foresaw_shows_the_end_of_its_traceback(cache, tmp_path):
    folder = Folder(tmp_path / "folder", cache)
    folder.config()
    folder.edit("hhcore/sweep/store.py", "    progress(0, total)\n", "    progress(0, total)\n    1 / 0\n")
    stopped = folder.snakemake("--cores", "1", "results/e/shards/all.parquet")
    assert stopped.returncode == 1 and stopped.stderr.count("ZeroDivisionError") == 1
    assert "ZeroDivisionError" in (folder.path / "results/logs/e/simulate_all.log").read_text()


def until(condition) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_lines_of_a_file_count_jobs_by_the_work_expected_of_them(tmp_path, monkeypatch):
    monkeypatch.setattr(board, "EVERY_S", 0.0)
    monkeypatch.setenv(FOLDER, str(tmp_path))
    stream = io.StringIO()
    run = Board({1: 30.0, 2: 10.0}, 40.0, stream)
    run.start(1, "long", "a/long.log")
    progress = Progress("long", None)
    progress.note_file = board.note_file("a/long.log")
    progress(15, 30)
    until(lambda: "[ 38%] 0 of 2 jobs, about " in stream.getvalue())
    assert "long, 15 of 30 new neurons" in stream.getvalue()
    progress.write("a remark")
    run.finish(1)
    assert "long: a remark\n[ 75%] long, " in stream.getvalue()
    run.start(2, "short")
    run.finish(2)
    assert "[100%] short, " in stream.getvalue()
    run.thread.join(5)
    assert not run.thread.is_alive(), "a board closes by itself"


def experiment(**changes):
    config = SMALL | GRID | {"model": str(MODEL)} | changes
    return read_experiments({"experiments": {"e": config}})["e"]


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Path:
    """A store of 18 neurons of a grid of 9 x 2."""
    folder = tmp_path_factory.mktemp("store")
    update_shard(experiment(), "all", folder / "shards/all.parquet", progress=lambda done, total: None)
    return folder


@pytest.mark.parametrize(
    "changes, kept",
    [
        ({}, 18),
        ({"parameters": {"sodium.g": {"values": [110, 115, 120]}}}, 18),
        ({"parameters": {"sodium.g": {"values": [120, 125]}}}, 9),
        ({"stimulus": {"kind": "step", "amplitude": {"linspace": [0, 20, 17]}}}, 18),
        ({"duration": 6}, 0),
        ({"solver": {"tolerance": "1 us"}}, 0),
    ],
)
def test_neurons_in_the_store_are_counted(store, changes, kept):
    asked = experiment(**changes)
    assert held(asked, ["all"], store) == Held(kept)
    assert held(asked, ["0", "1"], store) == Held(kept), "a grid that grew may have more shards than its store"


def test_a_tolerance_counts_on_the_solver_of_the_last_run(store):
    asked = experiment(solver={"tolerance": "1 us", "method": "rk4"}, parameters={"sodium.g": {"values": [120, 125]}})
    chosen = {"solver_method": "rk4", "solver_accuracy": "0.05"}
    tables.write(store / "numerics.parquet", tables.table({}, {}), chosen)
    assert held(asked, ["all"], store) == Held(9, solver="rk4 at 0.05 ms")
    assert "takes rk4 at 0.1 ms, and the store has rk4 at 0.05 ms" in changed_choice(asked, Solver("rk4", 0.1), store)
    assert not changed_choice(asked, Solver("rk4", 0.05), store)
    assert not changed_choice(experiment(duration=6), Solver("rk4", 0.1), store), "these are new in any case"
    tables.write(store / "numerics.parquet", tables.table({}, {}), chosen | {"config_digest": config_digest(asked)})
    assert held(asked, ["all"], store) == Held(9, calibrated=True), "the choice is made"
    tables.write(store / "numerics.parquet", tables.table({}, {}), chosen | {"solver_accuracy": "0.025"})
    assert held(asked, ["all"], store) == Held(0)


def test_another_choice_of_a_tolerance_is_said(cache, tmp_path):
    folder = Folder(tmp_path / "folder", cache)
    tight, loose = {"method": "tsit5", "local_error": 1e-10}, {"tolerance": "1 ms"}
    files = ["results/e/shards/all.parquet", "results/e/numerics.parquet"]
    folder.config(solver=tight)
    folder.run("--cores", "1", *files)
    folder.config(solver=loose)
    assert "e: 6 neurons, all in the store, if the solver stays tsit5 at 1e-10\n" in folder.run("-n")
    said = "e: measure .*: for this grid 1000 us takes tsit5 at 0.001, and the store has tsit5 at 1e-10: all neurons "
    assert re.search(said, folder.run("--cores", "1", *files))


def test_neurons_in_a_large_store_are_estimated(store, monkeypatch):
    monkeypatch.setattr(held_module, "MOST_ROWS", 4096)
    asked = experiment(stimulus={"kind": "step", "amplitude": {"linspace": [0, 20, 9 * 512 - 511]}})
    assert not held(asked, ["all"], store).counted
    monkeypatch.setattr(held_module, "MOST_ROWS", 16)
    found = [held(experiment(parameters={"sodium.g": {"values": [120, 1.0]}}), ["0", "1"], store).neurons]
    assert 0 < found[0] < 18


def test_the_cost_says_what_is_new_and_what_is_kept():
    cost = {"e": estimate(experiment())}
    none = {"e": 0.0}
    whole = "e: 18 neurons, 0.09 s simulated, 1 shard; from scratch about 1 s on one"
    assert estimates_text(cost, none).startswith(whole)
    assert estimates_text(cost, none, {"e": Held(0)}) == "e: 18 neurons to simulate, about 1 s on one core"
    assert estimates_text(cost, none, {"e": Held(18)}) == "e: 18 neurons, all in the store"
    some = "18 neurons, 11 in the store, 7 to simulate, about 1 s on one core"
    assert estimates_text(cost, none, {"e": Held(11)}) == f"e: {some}"
    condition = ", if the solver stays tsit5 at 1e-6"
    assert estimates_text(cost, none, {"e": Held(11, solver="tsit5 at 1e-6")}) == f"e: {some}{condition}"
    most = "e: 18 neurons to simulate, about 3 min on one core, most of it to try solvers on a sample"
    assert estimates_text(cost, {"e": 180.0}, {"e": Held(0)}) == most
    assert estimates_text(cost, {"e": 180.0}, {"e": Held(11, calibrated=True)}) == f"e: {some}"
    about = "18 neurons, about 11 in the store, about 7 to simulate, about 1 s on one core"
    assert estimates_text(cost, none, {"e": Held(11, counted=False)}) == f"e: {about}"


@pytest.mark.parametrize(("rows", "columns"), [(0, 0), (0, 80), (24, 0), (24, 80)])
def test_a_terminal_without_a_size_gets_lines(rows, columns, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    with os.fdopen(ours, "rb"), os.fdopen(theirs, "w") as stream:
        assert board.is_terminal(stream) == (rows > 0 < columns)
