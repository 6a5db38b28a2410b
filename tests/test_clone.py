"""A clone that was copied or moved runs its own code, not that of the folder it comes from."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from test_workflow import Folder

from hhcore.base.errors import one_message

ROOT = Path(__file__).parents[1]


@pytest.fixture
def copy(tmp_path) -> Folder:
    """A clone whose jobs would import hhcore from another folder, where it is installed by its path."""
    folder = Folder(tmp_path / "copy", tmp_path / "cache")
    folder.config()
    return folder


def run(copy: Folder, *arguments: str) -> None:
    """Snakemake in the copy, without a word in the environment on where hhcore is."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    env |= {"HHCORE_CACHE": str(copy.cache)}
    command = [sys.executable, "-m", "snakemake", "--cores", "1", *arguments]
    done = subprocess.run(command, cwd=copy.path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_jobs_of_a_copy_run_its_own_library(copy):
    copy.edit(
        "hhcore/certify/calibration.py",
        "    candidates = candidates_for(",
        '    open("mark", "w").write(__file__)\n    candidates = candidates_for(',
    )
    run(copy, "--until", "calibrate")
    assert (copy.path / "mark").read_text() == str(copy.path / "hhcore/certify/calibration.py")


@pytest.mark.parametrize("snakefile", ["Snakefile", "workflow/Snakefile"])
def test_the_snakefile_of_a_copy_reads_its_own_library(copy, snakefile):
    copy.edit("hhcore/__init__.py", "__version__ =", 'open("mark", "w").write(__file__)\n__version__ =')
    run(copy, "--dry-run", "--snakefile", snakefile)
    assert (copy.path / "mark").read_text() == str(copy.path / "hhcore/__init__.py")


def test_a_clone_and_its_environment_may_lie_in_a_folder_with_a_space_in_its_name(tmp_path):
    folder = Folder(tmp_path / "my clone", tmp_path / "cache")
    folder.config()
    venv.create(folder.path / ".venv", symlinks=True)
    (packages,) = folder.path.glob(".venv/lib/python*/site-packages")
    (packages / "others.pth").write_text(sysconfig.get_path("purelib"))
    command = [str(folder.path / ".venv/bin/python"), "-m", "snakemake", "--cores", "1", "results/e/shards/all.parquet"]
    env = os.environ | {"PYTHONPATH": str(folder.path), "HHCORE_CACHE": str(folder.cache)}
    done = subprocess.run(command, cwd=folder.path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    blocked = env | {"HHCORE_CACHE": str(tmp_path / "my cache")}
    done = subprocess.run([*command, "-n"], cwd=folder.path, env=blocked, capture_output=True, text=True)
    assert done.returncode and "Error. " in done.stderr and "set HHCORE_CACHE to a folder without" in done.stderr


def test_a_job_with_another_library_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("HHCORE_LIBRARY", str(tmp_path / "hhcore"))
    said = f"imports hhcore from {ROOT / 'hhcore'}, the Snakefile from {tmp_path / 'hhcore'}"
    with pytest.raises(SystemExit, match=said), one_message(tmp_path / "job.log"):
        pytest.fail("it must not begin")


def test_every_script_of_a_job_is_inside_one_message():
    for script in (ROOT / "workflow/scripts").glob("*.py"):
        assert "\nwith one_message(" in script.read_text(), script.name


def planned(folder: Path) -> str:
    """What `make setup` would do in a folder."""
    return subprocess.run(["make", "--dry-run", "setup"], cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif(not shutil.which("make"), reason="no make")
def test_an_environment_that_comes_from_another_folder_is_made_again(tmp_path):
    clone = tmp_path / "a clone, with a name"
    clone.mkdir()
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, clone)
    assert "-m venv" in planned(clone)
    (clone / ".venv").mkdir()
    (clone / ".venv/.packages").write_text(f"{clone}\n")  # what the rules leave
    (clone / ".venv/.ready").touch()
    assert "-m venv" not in planned(clone)
    shutil.copytree(clone, tmp_path / "copy")
    assert "-m venv" in planned(tmp_path / "copy")
    clone.rename(tmp_path / "moved")
    assert "-m venv" in planned(tmp_path / "moved")
