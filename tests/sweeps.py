"""An experiment of four shards in a folder of its own, and what of it is done."""

import base64
from pathlib import Path

from test_workflow import Folder

GRID = {
    "stimulus": {"kind": "step", "amplitude": {"linspace": [0, 30, 40]}},
    "parameters": {"sodium.g": {"linspace": [100, 140, 40]}},
    "duration": 200,
    "solver": {"method": "tsit5", "local_error": 1e-9},
}
SHARDS = 4


def sweep(path: Path, cache: Path) -> Folder:
    """A folder with an experiment of four shards, of a second or so each; every simulation is noted in `counted`."""
    folder = Folder(path, cache)
    folder.edit("hhcore/sweep/estimate.py", "STEPS_PER_SHARD = 3e9", "STEPS_PER_SHARD = 2.2e6")
    # not in a log of the workflow: Snakemake deletes a job's log before it runs again
    noted = (
        '    with open("counted", "a") as file:\n        file.write(f"{shard} {total}\\n")\n    progress(0, total)\n'
    )
    folder.edit("hhcore/sweep/store.py", "    progress(0, total)\n", noted)
    folder.config(**GRID)
    return folder


def counted(folder: Folder) -> list[tuple[str, int]]:
    """(shard, neurons to simulate) of each simulation that was begun in the folder."""
    lines = (folder.path / "counted").read_text().splitlines() if (folder.path / "counted").exists() else []
    return [(shard, int(n)) for shard, n in map(str.split, lines)]


def calm_run(path: Path, cache: Path) -> Folder:
    """A run that nothing disturbs."""
    folder = sweep(path, cache)
    folder.run("--cores", "2")
    assert len(list((folder.path / "results/e/shards").glob("*.parquet"))) == SHARDS
    assert sum(n for _, n in counted(folder)) == 40 * 40
    return folder


def finished(folder: Folder) -> dict[Path, tuple[int, bytes]]:
    """Time and content of all files of jobs that Snakemake saw finish."""
    marks = (folder.path / ".snakemake/incomplete").glob("*")
    unseen = {job(folder.path / base64.b64decode(mark.name, altchars=b"-_").decode()) for mark in marks}
    files = (folder.path / "results/e").rglob("[!.]*.*")
    return {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in files if job(file) not in unseen}


def job(file: Path) -> Path:
    """The same for all files of a job: a shard is one, the tables are one, the figures are one."""
    if file.stem in ("numerics", "kernel"):
        return file.with_name("calibrate")
    return file if file.parent.name == "shards" else file.parent


def check_kept(before: dict[Path, tuple[int, bytes]], alone: bool = True) -> None:
    """What was finished is still there, not written again unless by a job left over from an earlier run."""
    for file, (moment, content) in before.items():
        assert file.read_bytes() == content, file
        assert file.stat().st_mtime_ns == moment or not alone, file
