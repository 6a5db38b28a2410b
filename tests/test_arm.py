"""The same bits on x86-64 and on 64-bit ARM, emulated: `make test-arm`. Where it cannot run, it says why.

The emulator computes as IEEE 754 says, and LLVM makes other instructions, of other registers, for ARM: all that the
source leaves open to a compiler or a library would show.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from arm_digests import RUNS, write_arguments
from arm_system import ROOT, Arm, UnavailableError, arm
from test_bytes import ELSEWHERE, SCRIPT, experiment, write_evidence
from test_primitives import FUNCTIONS

from hhcore.schemes.solver import SCHEMES

pytestmark = pytest.mark.arm
TESTS = Path(__file__).parent


class Both:
    """Runs the same Python on this machine and on the emulated one; each has its own folder, and kernels in it."""

    def __init__(self, path: Path, arm: Arm):
        self.here, self.there = path / "here", path / "there"
        self.arm = arm

    def run(self, *arguments: str) -> tuple[str, str]:
        """What it prints, here and there."""
        here = _printed(self.here, [sys.executable, *arguments], os.environ | {"PYTHONPATH": f"{ROOT}:{TESTS}"})
        return here, _printed(self.there, self.arm.command(*arguments), self.arm.environment(ROOT, TESTS))

    def files(self, pattern: str) -> tuple[dict[str, bytes], ...]:
        """Contents of files by their path, here and there."""
        folders = self.here, self.there
        return tuple({str(p.relative_to(f)): p.read_bytes() for p in f.glob(pattern) if p.is_file()} for f in folders)


def _printed(folder: Path, command: list[str], environment: dict[str, str]) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    environment = environment | {"HHCORE_CACHE": str(folder / "kernels")}
    environment.pop("HHCORE_CPU", None)
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def both(tmp_path_factory) -> Both:
    try:
        return Both(tmp_path_factory.mktemp("both"), arm())
    except UnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def digests(both) -> list[dict[str, str]]:
    """By name, here and there."""
    arguments = both.here.with_name("arguments.npz")
    write_arguments(arguments)
    printed = both.run(str(TESTS / "arm_digests.py"), str(arguments))
    return [dict(line.split("\t") for line in lines.splitlines()) for lines in printed]


def test_the_other_machine_is_an_arm(both):
    script = "import platform, llvmlite.binding as llvm; print(platform.machine(), llvm.get_process_triple())"
    here, there = (printed.split() for printed in both.run("-c", script))
    assert here[0] == "x86_64" and here[1].startswith("x86_64")
    assert there[0] == "aarch64" and there[1].startswith("aarch64")


def differing(digests: list[dict[str, str]], first_words: set[str]) -> list[str]:
    """Names whose digests are not equal, of those that begin with one of the words."""
    here, there = digests
    assert list(here) == list(there)
    names = [name for name in here if name.split()[0] in first_words]
    assert {name.split()[0] for name in names} == first_words
    return [name for name in names if here[name] != there[name]]


def test_elementary_functions(digests):
    assert differing(digests, set(FUNCTIONS)) == []


def test_points_of_grids_and_designs_and_their_keys(digests):
    assert differing(digests, {"grid"}) == []


def test_every_scheme_and_stiff_models(digests):
    assert {method for _, method, *_ in RUNS} == set(SCHEMES)
    assert differing(digests, {model for model, *_ in RUNS}) == []


def test_texts_of_kernels(both, digests):
    here, there = both.files("kernels/*.py")
    assert len(here) >= len(RUNS) and here == there


def test_tables(both):
    """Of grids in which neurons fail, and the solver that is chosen for a tolerance."""
    inputs = both.here.parent
    numerics = [str(write_evidence(experiment(method), inputs / f"{method}.parquet")) for method in ELSEWHERE]
    both.run("-c", SCRIPT, "written", *numerics)
    here, there = both.files("written/**/*")
    assert {
        "written/chosen/numerics.parquet",
        "written/given/numerics.parquet",
        "written/tsit5/features.parquet",
    } < set(here)
    assert here == there
