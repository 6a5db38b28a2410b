"""The workflow inside of another one, as a module: real Snakemake in somebody's own folder."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

ROOT = Path(__file__).parents[1]
EXPERIMENT = {
    "model": "hodgkin_huxley_1952",
    "stimulus": {"kind": "step", "amplitude": 10},
    "initial_state": "rest",
    "duration": 100,
    "solver": {"method": "rk4", "dt": 0.05},
}
CAPTION = "that which 99 % of the neurons"  # of the work of solvers against their errors
SNAKEFILE = """
configfile: "my.yaml"


module hhcore:
    snakefile:
        {snakefile!r}
    config:
        config["neurons"]
    {prefix}


use rule * from hhcore as hhcore_*


rule count:
    default_target: True
    input:
        features="{folder}results/single/features.parquet",
        rest=rules.hhcore_all.input,
    output:
        report("count.txt", category="Mine"),
    run:
        import pandas

        print(pandas.read_parquet(input.features).spike_count.sum(), file=open(output[0], "w"))
"""


class Folder:
    """Somebody's own folder, with a workflow that uses this one."""

    def __init__(self, path: Path, cache: Path, prefix: str | None = None):
        self.path, self.cache = path, cache
        path.mkdir()
        self.config(EXPERIMENT)
        folder, line = (f"{prefix}/", f"prefix: {prefix!r}") if prefix else ("", "")
        text = SNAKEFILE.format(snakefile=str(ROOT / "workflow/Snakefile"), prefix=line, folder=folder)
        (path / "Snakefile").write_text(text)

    def config(self, experiment: dict) -> None:
        """A config that has more in it than the neurons."""
        text = yaml.safe_dump({"neurons": {"experiments": {"single": experiment}}})
        (self.path / "my.yaml").write_text(f"paired: yes\n{text}")

    def run(self, *arguments: str) -> str:
        """What Snakemake prints. The command itself adds no folder to the paths of Python, unlike `-m snakemake`."""
        env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        command = [str(Path(sys.executable).with_name("snakemake")), "--cores", "1", *arguments]
        env |= {"HHCORE_CACHE": str(self.cache)}
        done = subprocess.run(command, cwd=self.path, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def planned(self, *arguments: str) -> set[str]:
        """Rules that would run now."""
        return set(re.findall(r"^(\w+) +\d+$", self.run("-n", *arguments), re.MULTILINE)) - {"total"}


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def prefixed(tmp_path_factory, cache) -> tuple[Folder, str]:
    """A finished run with `prefix: "hh"`, and what it printed."""
    folder = Folder(tmp_path_factory.mktemp("modules") / "prefixed", cache, prefix="hh")
    return folder, folder.run()


def test_all_results_lie_below_the_prefix_and_the_own_rule_reads_them(prefixed):
    folder, printed = prefixed
    assert {path.name for path in folder.path.iterdir()} == {"Snakefile", "my.yaml", "hh", ".snakemake", "count.txt"}
    features = pd.read_parquet(folder.path / "hh/results/single/features.parquet")
    assert int((folder.path / "count.txt").read_text()) == features.spike_count.sum() > 0
    assert "localrules directive" not in printed and "Nothing to be done" in folder.run()


def test_the_report_is_that_of_the_neurons_and_knows_its_jobs(prefixed):
    results = prefixed[0].path / "hh/results"
    report = (results / "report.html").read_text()
    assert CAPTION in report and "What was run" in report and "count.txt" not in report
    assert "Missing metadata for file hh/results/single" not in (results / "logs/report.log").read_text()


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
    made = ("calibrate", "simulate", "tables_current_clamp_fi", "figures_current_clamp_fi", "report")
    assert planned == {*(f"hhcore_{rule}" for rule in made), "count"}


def test_a_workflow_that_begins_with_a_rule_of_its_own_keeps_it_as_its_target(prefixed):
    folder, _ = prefixed
    snakefile = folder.path / "Snakefile"
    before = snakefile.read_text()
    first = 'rule mine:\n    output:\n        touch("mine")\n\n\n'
    snakefile.write_text(first + before.replace("    default_target: True\n", ""))
    planned = folder.planned()
    snakefile.write_text(before)
    assert planned == {"mine"}
