"""What must hold of the repository itself."""

import ast
import os
import re
import subprocess
import tomllib
from pathlib import Path

import myokit
import pytest
import yaml
from packaging.requirements import Requirement

from hhcore.model.model import load_model, models

ROOT = Path(__file__).parents[1]
TOP_LEVEL = {
    *("Snakefile", "Makefile", "pyproject.toml", "requirements.lock", "config", "workflow", "profiles", "hhcore"),
    *("papers", "tests", "benchmarks", "docs", "results", "README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff"),
    *("CONTRIBUTING.md", ".ci", ".gitignore", ".gitattributes", ".snakemake-workflow-catalog.yml"),
}
MACHINE_PATH = re.compile(r"(?<![\w.~}$-])/(?:home|root|Users|work|tmp|opt|srv|mnt)/\w")
REGISTRY = re.compile(r"https?://\S*(?:pypi|python[h]osted|/simple)|^\s*--(?:extra-)?index-url", re.MULTILINE)
MAX_LINES = {"hhcore/**/*.py": 420, "workflow/scripts/*.py": 40}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def tracked() -> list[Path]:
    """Files under version control, or about to be."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [path for path in map(ROOT.joinpath, listed.stdout.splitlines()) if path.is_file()]


def texts() -> dict[str, str]:
    """Every tracked text file, by its path from the root."""
    found = {}
    for path in tracked():
        content = path.read_bytes()
        if b"\0" not in content:
            found[str(path.relative_to(ROOT))] = content.decode("utf-8")
    return found


def test_top_level_holds_nothing_else():
    assert {path.relative_to(ROOT).parts[0] for path in tracked()} <= TOP_LEVEL


@pytest.mark.parametrize("pattern", [MACHINE_PATH, REGISTRY], ids=["machine path", "package registry"])
def test_no_file_names_a_machine(pattern):
    found = {name: match[0] for name, text in texts().items() if (match := pattern.search(text))}
    assert found == {}


@pytest.mark.parametrize(
    "pattern, text",
    [
        (MACHINE_PATH, "cache = '" + "/".join(["", "home", "ada", "cache'"])),
        (REGISTRY, "--extra-" + "index-url somewhere"),
        (REGISTRY, "https://" + "files.python" + "hosted" + ".org/x"),
    ],
)
def test_the_patterns_find_what_they_should(pattern, text):
    assert pattern.search(text)


@pytest.mark.parametrize("pattern, limit", MAX_LINES.items())
def test_files_stay_short(pattern, limit):
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in ROOT.glob(pattern)}
    assert {name: length for name, length in lengths.items() if length > limit} == {}


def test_the_package_does_not_know_snakemake():
    for path in (ROOT / "hhcore").rglob("*.py"):
        assert "snakemake" not in imported(path), path.name


def imported(path: Path) -> set[str]:
    """Top-level packages that a file imports."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.split(".")[0] for name in names}


def sourced(variable: myokit.Variable) -> bool:
    """Whether it has a source, or a nested variable has that of the one it belongs to."""
    parent = variable.parent()
    return bool(variable.meta.get("source") or (variable.is_nested() and sourced(parent)))


@pytest.mark.parametrize("name", models())
def test_every_number_of_a_model_has_a_source(name):
    model = load_model(name)
    assert model.source, "the paper"
    without = [v.qname() for v in model.myokit.variables(deep=True) if holds_data(v) and not sourced(v)]
    assert without == []


def holds_data(variable: myokit.Variable) -> bool:
    """A literal constant, or a function of the states with measured numbers in it: a rate, a time constant."""
    if variable.is_bound() or variable.is_literal():
        return not variable.is_bound()
    equation = variable.rhs()
    measured = any(number.unit() is not None for number in equation.walk(myokit.Number))
    return measured and any(reference.is_state_value() for reference in equation.references())


def test_versions_agree():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    latest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[1]
    assert citation["version"] == latest == PROJECT["version"]


def test_every_version_says_which_numbers_changed():
    versions = (ROOT / "CHANGELOG.md").read_text().split("\n## ")[1:]
    assert all("### Numbers changed" in version for version in versions)


def test_lock_pins_every_dependency_with_hashes():
    blocks = re.split(r"\n(?=\S)", (ROOT / "requirements.lock").read_text().strip())
    locked = {}
    for block in (block for block in blocks if not block.startswith("#")):
        name, version = re.match(r"(\S+)==(\S+)", block).groups()
        assert "--hash=sha256:" in block, name
        locked[name] = version
    for text in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]:
        requirement = Requirement(text)
        assert requirement.specifier.contains(locked[requirement.name.lower().replace("_", "-")]), text


def test_ci_runs_the_tests():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text().rstrip().endswith("make test")


def test_conda_environment_has_the_versions_of_the_lock():
    lock = dict(re.findall(r"^(\S+?)==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    environment = (ROOT / "workflow/envs/hhcore.yaml").read_text()
    pinned = re.findall(r"^ +- (\w+) ?==?([\d.]+)$", environment, re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    dependencies = project["dependencies"] + project["optional-dependencies"]["sensitivity"]
    needed = {re.match(r"[\w-]+", dependency)[0].lower() for dependency in dependencies}
    assert needed == {name for name, _ in pinned}
    for name, number in pinned:
        assert lock[name] == number, name
