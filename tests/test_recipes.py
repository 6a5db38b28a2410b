"""Results are what they were made from, not what Snakemake remembers: lost records, changed configs, moved files."""

import re
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from test_workflow import SMALL, Folder

TWO = {name: SMALL | {"solver": {"tolerance": tolerance}} for name, tolerance in (("e", "1 us"), ("loose", "100 us"))}


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Folder:
    """A finished run of two experiments that differ in their tolerance."""
    folder = Folder(tmp_path_factory.mktemp("run"), tmp_path_factory.mktemp("cache"))
    configured(folder, TWO)
    folder.run("--cores", "2")
    assert folder.planned() == set()
    return folder


def configured(folder: Folder, experiments: dict) -> None:
    (folder.path / "config/config.yaml").write_text(yaml.safe_dump({"experiments": experiments}))


@pytest.fixture
def folder(run: Folder, tmp_path: Path) -> Folder:
    """A copy of it that may be changed."""
    copied = Folder(tmp_path / "copy", run.cache)
    for name in ("results", ".snakemake", "config"):
        shutil.copytree(run.path / name, copied.path / name, dirs_exist_ok=True)
    return copied


def experiments_planned(folder: Folder) -> set[str]:
    """The experiments that jobs of a dry run would work on."""
    return set(re.findall(r"^Job \d+: (\w+): ", folder.run("-n", "--verbose"), re.MULTILINE))


@pytest.mark.slow
def test_without_records_a_changed_config_makes_again_what_it_would_with_them(folder):
    configured(folder, TWO | {"e": TWO["e"] | {"duration": 41}})
    expected = folder.planned()
    assert expected > {"calibrate", "simulate", "tables_current_clamp_fi", "figures_current_clamp_fi", "report"}
    for record in (folder.path / ".snakemake/metadata").rglob("*"):
        if record.is_file():
            record.write_bytes(record.read_bytes()[:20])
    assert folder.planned() == expected, "records cut short"
    shutil.rmtree(folder.path / ".snakemake")
    assert folder.planned() == expected and experiments_planned(folder) == {"e"}, "no records"
    assert folder.planned("results/loose/features.parquet") == set(), "a target of the other experiment"
    before = (folder.path / "results/loose/features.parquet").read_bytes()
    folder.run("--cores", "2")
    assert folder.planned() == set()
    assert (folder.path / "results/loose/features.parquet").read_bytes() == before
    assert "41 ms" in (folder.path / "results/e/summary.html").read_text()


def test_lost_records_alone_make_nothing_again(folder):
    shutil.rmtree(folder.path / ".snakemake")
    assert folder.planned() == set()


def test_a_folder_under_another_name_keeps_its_neurons_only(folder):
    """The tables inside still name the other experiment."""
    (folder.path / "results/e").rename(folder.path / "results/b")
    configured(folder, {"b": TWO["e"]})
    folder.run("--cores", "2")
    assert folder.simulated("b") == 0
    for table in (folder.path / "results/b").glob("*.parquet"):
        assert pq.read_schema(table).metadata[b"hhcore.experiment"] == b"b", table


@pytest.mark.parametrize(
    "file", ["numerics.parquet", "shards/all.parquet", "figures/fi_curves.svg", "figures/fi_curves.png", "summary.html"]
)
def test_files_swapped_between_experiments_are_made_again(folder, file):
    one, other = (folder.path / "results" / name / file for name in TWO)
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)
    assert experiments_planned(folder) == {*TWO}


def test_a_table_that_is_swapped_during_a_run_is_refused(folder):
    """As from a storage, whose files are not looked at beforehand: the job that reads the table compares."""
    one, other = (folder.path / "results" / name / "numerics.parquet" for name in TWO)
    folder.edit("workflow/rules/recipes.smk", "workflow.is_main_process and", "False and")
    one.write_bytes(other.read_bytes())
    (folder.path / "results/e/features.parquet").unlink()
    stopped = folder.snakemake("--cores", "2")
    assert stopped.returncode != 0 and "Traceback" not in stopped.stderr
    assert "Error. results/e/numerics.parquet is of another experiment or config: its experiment is" in stopped.stderr
