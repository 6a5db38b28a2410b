"""The workflow used from elsewhere: as a module of another one, and from a folder of one's own. With real Snakemake."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import test_workflow
import yaml

ROOT = Path(__file__).parents[1]
EXPERIMENT = {
    "model": "hodgkin_huxley_1952",
    "stimulus": {"kind": "step", "amplitude": 10},
    "initial_state": "rest",
    "duration": 100,
    "solver": {"method": "rk4", "dt": 0.05},
}
ME = ("-c", "user.name=me", "-c", "user.email=me@example.org")
CAPTION = "that which 99 % of the neurons"  # of the work of solvers against their errors
PAGE = (ROOT / "docs/snakemake.md").read_text()
SNAKEFILE = re.search(r"^```snakemake\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)[1]
PREFIX = '    prefix:\n        "neurons"\n'


def snakemake(folder: Path, cache: Path, *arguments: str, **env: str) -> str:
    """What Snakemake prints. The command itself adds no folder to the paths of Python, unlike `-m snakemake`."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    env = kept | {"HHCORE_CACHE": str(cache)} | env
    command = [str(Path(sys.executable).with_name("snakemake")), "--cores", "1", *arguments]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


class Folder:
    """Somebody's own folder, with the workflow that the page shows."""

    def __init__(self, path: Path, cache: Path):
        self.path, self.cache = path, cache
        (path / "config").mkdir(parents=True)
        self.config(EXPERIMENT)
        (path / "Snakefile").write_text(SNAKEFILE)
        self.edit('"../hhcore/workflow/Snakefile"', repr(str(ROOT / "workflow/Snakefile")))

    def config(self, experiment: dict) -> None:
        """A config that has more in it than the neurons."""
        text = yaml.safe_dump({"neurons": {"experiments": {"single": experiment}}})
        (self.path / "config/config.yaml").write_text(f"paired: yes\n{text}")

    def edit(self, old: str, new: str) -> str:
        """Change the Snakefile; what it was before."""
        before = (self.path / "Snakefile").read_text()
        assert old in before
        (self.path / "Snakefile").write_text(before.replace(old, new))
        return before

    def run(self, *arguments: str, **env: str) -> str:
        """What Snakemake prints."""
        return snakemake(self.path, self.cache, *arguments, **env)

    def planned(self, *arguments: str, **env: str) -> set[str]:
        """Rules that would run now."""
        return set(re.findall(r"^(\w+) +\d+$", self.run("-n", *arguments, **env), re.MULTILINE)) - {"total"}


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def prefixed(tmp_path_factory, cache) -> tuple[Folder, str]:
    """A finished run, and what it printed."""
    folder = Folder(tmp_path_factory.mktemp("modules") / "prefixed", cache)
    return folder, folder.run()


def test_all_results_lie_below_the_prefix_and_the_own_rule_reads_them(prefixed):
    folder, printed = prefixed
    assert {path.name for path in folder.path.iterdir()} == {
        "Snakefile",
        "config",
        "neurons",
        ".snakemake",
        "count.txt",
    }
    features = pd.read_parquet(folder.path / "neurons/results/single/features.parquet")
    assert int((folder.path / "count.txt").read_text()) == features.spike_count.sum() > 0
    assert "localrules directive" not in printed and "Nothing to be done" in folder.run()


def test_the_report_is_that_of_the_neurons(prefixed):
    results = prefixed[0].path / "neurons/results"
    report = (results / "report.html").read_text()
    assert CAPTION in report and "single/features.parquet" in report and "count.txt" not in report


def test_the_report_of_the_outer_workflow_has_captions_and_labels_of_the_module(prefixed):
    folder, _ = prefixed
    folder.run("--report", "mine.html")
    report = (folder.path / "mine.html").read_text()
    (folder.path / "mine.html").unlink()
    assert "count.txt" in report and CAPTION in report and "What was run" in report


def test_files_of_another_recipe_are_made_again_without_any_record(prefixed):
    folder, _ = prefixed
    records = folder.path / ".snakemake/metadata"
    shutil.move(records, folder.path / "kept")
    folder.config(EXPERIMENT | {"duration": 120})
    planned = folder.planned()
    folder.config(EXPERIMENT)
    shutil.move(folder.path / "kept", records)
    made = ("experiment_current_clamp_fi", "report")
    assert planned == {*(f"hhcore_{rule}" for rule in made), "count"}


def test_a_workflow_that_begins_with_a_rule_of_its_own_keeps_it_as_its_target(prefixed):
    folder, _ = prefixed
    before = folder.edit("    default_target: True\n", "")
    folder.edit("module hhcore:", 'rule mine:\n    output:\n        touch("mine")\n\n\nmodule hhcore:')
    planned = folder.planned()
    (folder.path / "Snakefile").write_text(before)
    assert planned == {"mine"}


def test_without_a_prefix_results_lie_as_by_themselves(prefixed, cache, tmp_path):
    folder = Folder(tmp_path / "plain", cache)
    folder.edit(PREFIX, "")
    folder.edit("neurons/results", "results")
    shutil.copytree(prefixed[0].path / "neurons/results", folder.path / "results")
    (folder.path / "results/report.html").unlink()
    assert folder.planned() == {"hhcore_report", "count"}  # what was moved is known by its content
    folder.run()
    assert CAPTION in (folder.path / "results/report.html").read_text()
    assert {path.name for path in folder.path.iterdir()} == {
        "Snakefile",
        "config",
        "results",
        ".snakemake",
        "count.txt",
    }


@pytest.mark.skipif(not shutil.which("git"), reason="no git")
def test_the_module_may_come_from_a_repository(prefixed, tmp_path):
    """Of which Snakemake fetches files one by one; the library is installed."""
    folder, _ = prefixed
    for name in ("workflow", "hhcore"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for command in (["init", "-q"], ["add", "."], [*ME, "commit", "-qm", "all"], ["tag", "v1"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    there = f'gitfile({str(tmp_path)!r}, path="workflow/Snakefile", tag="v1")'
    before = folder.edit(repr(str(ROOT / "workflow/Snakefile")), there)
    # Snakemake 9.27.1 cannot tell whether the script of a rule from `gitfile` has changed
    content = ("--rerun-triggers", "mtime", "params", "input")
    env = {"PYTHONPATH": str(ROOT)}
    planned = folder.planned(*content, **env)
    folder.run("hhcore_report", "--forcerun", "hhcore_report", *content, **env)
    (folder.path / "Snakefile").write_text(before)
    assert planned <= {"hhcore_report", "count"}  # all results are those of the other Snakefile
    report = (folder.path / "neurons/results/report.html").read_text()
    assert CAPTION in report and "The answer in numbers" in report


def test_workflow_config_and_results_may_be_in_three_folders(cache, tmp_path):
    clone, other, work = (tmp_path / name for name in ("a {clone} here", "other {x}", "my {work}"))
    test_workflow.Folder(clone, cache)
    other.mkdir()
    shutil.copy(ROOT / "hhcore/models/hodgkin_huxley_1952.mmt", other)
    experiment = EXPERIMENT | {"model": "hodgkin_huxley_1952.mmt"}
    (other / "my.yaml").write_text(yaml.safe_dump({"experiments": {"single": experiment}}))
    far = ("-s", f"{clone.name}/Snakefile", "--configfile", f"{other.name}/my.yaml", "--directory", work.name)
    snakemake(tmp_path, cache, *far)
    assert CAPTION in (work / "results/report.html").read_text()
    assert {path.name for path in other.iterdir()} == {"my.yaml", "hodgkin_huxley_1952.mmt"}
    near = ("-s", f"../{clone.name}/Snakefile")
    assert "Nothing to be done" in snakemake(work, cache, *near, "--configfile", f"../{other.name}/my.yaml")
    shutil.copytree(other, work / "config")
    (work / "config/my.yaml").rename(work / "config/config.yaml")
    assert "Nothing to be done" in snakemake(work, cache, *near)  # contents count, not paths
    longer = snakemake(work, cache, "-n", *near, "--config", "experiments={single: {duration: 120 ms}}")
    assert re.search(r"^simulate +1$", longer, re.MULTILINE)  # it changes config/config.yaml
    typed = '--config=experiments={single: {model: "config/hodgkin_huxley_1952.mmt"}}'  # from the working folder
    assert "Nothing to be done" in snakemake(work, cache, *near, "--configfile", "config/config.yaml", typed)
    touched = snakemake(work, cache, "--touch", *near, "--config", "experiments={single: {duration: 120 ms}}")
    assert "Their files count as new" in touched and "Finished" not in touched and "measure the error" not in touched


def test_a_folder_without_a_config_is_told_what_to_do(cache, tmp_path):
    with pytest.raises(AssertionError, match="Config error.*has no config/config.yaml; write one, or .*--configfile"):
        snakemake(tmp_path, cache, "-n", "-s", str(ROOT / "Snakefile"))
