"""The library as it is installed: sdist and wheel, built and used without a network, and without the extras."""

import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BUILD = "import sys; from flit_core import buildapi; print(getattr(buildapi, sys.argv[1])(sys.argv[2]))"
EXTRAS = ("snakemake", "sqlalchemy", "SALib", "pulp", "snakemake_interface_common", "snakemake_executor_plugin_slurm")

USE = f"""
import sys
sys.modules.update(dict.fromkeys({EXTRAS!r}))  # None: an import of it fails
import hhcore
from hhcore.figures import context, family, maps, style
run = hhcore.simulate("hodgkin_huxley_1952", {{}}, hhcore.Step(10), duration="50 ms", tolerance="1 us")
course = hhcore.trace("hodgkin_huxley_1952", {{}}, hhcore.Step(10), duration="5 ms")
assert len(run.features) == 1 and len(course.frame) == 201 and len(hhcore.models()) == 15
assert hhcore.load_model("pospischil_2008:fs").parameters and "matplotlib.figure" in sys.modules
print(hhcore.__file__, run.spike_counts.tolist())
"""


def built(kind: str, source: Path, folder: Path) -> Path:
    """The file that flit makes of a source tree: `sdist` or `wheel`."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-c", BUILD, f"build_{kind}", str(folder)]
    return folder / subprocess.run(command, cwd=source, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    return built("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as file:
        return {name: file.read(name) for name in file.namelist()}


def test_a_wheel_holds_every_file_of_the_library(wheel):
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "hhcore"]
    tracked = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True)
    if tracked.returncode:
        pytest.skip("not a git checkout")
    found = {name for name in contents(wheel) if name.startswith("hhcore/")}
    assert found == {name for name in tracked.stdout.split() if (ROOT / name).exists()}
    endings = {".py", ".in", ".mmt", ".rst", ".txt", ".typed", ".js", ".css", ".j2"}
    assert {Path(name).suffix for name in found} == endings


def test_an_sdist_makes_the_same_wheel(wheel, tmp_path):
    sdist = built("sdist", ROOT, tmp_path / "sdist")
    with tarfile.open(sdist) as file:
        file.extractall(tmp_path, filter="data")
    tree = tmp_path / sdist.name.removesuffix(".tar.gz")
    assert contents(built("wheel", tree, tmp_path / "wheel")) == contents(wheel)


def test_the_library_works_in_a_fresh_environment_without_extras(wheel, tmp_path):
    """Packages that it needs are those of this environment; hhcore itself is the wheel's."""
    venv.create(tmp_path / "fresh", with_pip=False)
    python = tmp_path / "fresh/bin/python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", "--no-compile"]
    subprocess.run([*pip, "-qq", "--disable-pip-version-check", str(wheel)], check=True)
    (site,) = (tmp_path / "fresh").rglob("site-packages")
    (site / "others.pth").write_text(sysconfig.get_path("purelib"))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    said = subprocess.run(
        [python, "-c", USE], cwd=tmp_path, env=environment, check=True, capture_output=True, text=True
    ).stdout.split(maxsplit=1)
    assert Path(said[0]).is_relative_to(site) and said[1] == "[4]\n"
