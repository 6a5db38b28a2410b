"""A 64-bit ARM computer: Debian's Python for it, the locked packages, and an emulator that runs them here.

Everything is unpacked into a folder of the user's cache, once for each requirements.lock. This machine's apt and dpkg
do not learn of it: apt-get has folders and a list of installed packages of its own, and checks signatures as always.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from hhcore.base.digests import digest

ROOT = Path(__file__).parents[1]
SYSTEM = ("python3-minimal", "libpython3-stdlib", "libstdc++6", "zlib1g")  # what runs Python and the wheels
EMULATOR = "qemu-user-static:amd64"  # needs nothing of the machine it runs on
WHEELS = {  # what hhcore and the imports of the tests need
    *(
        "configparser",
        "duckdb",
        "flexcache",
        "flexparser",
        "iniconfig",
        "llvmlite",
        "lxml",
        "mpmath",
        "myokit",
        "numpy",
    ),
    *("packaging", "pandas", "pint", "platformdirs", "pluggy", "polars", "polars-runtime-32", "pyarrow", "pygments"),
    *("pytest", "python-dateutil", "pyyaml", "scipy", "setuptools", "sympy", "typing-extensions"),
}
APT = """
APT::Architecture "arm64";
APT::Architectures {{ "arm64"; "amd64"; }};
APT::Install-Recommends "false";
APT::Sandbox::User "";
Dir::State "{0}/state";
Dir::State::status "{0}/status";
Dir::Cache "{0}/cache";
Dir::Log "{0}";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
"""


class UnavailableError(Exception):
    """Why there is no such computer here, in one sentence."""


@dataclass(frozen=True)
class Arm:
    """The computer as a folder: its `emulator`, the `root` of its system, the `site` of its packages."""

    folder: Path

    def command(self, *arguments: str) -> list[str]:
        """What runs Python on it, with low priority."""
        root = self.folder / "root"
        return ["nice", str(self.folder / "emulator"), "-L", str(root), str(root / "usr/bin/python3"), *arguments]

    def environment(self, *paths: Path) -> dict[str, str]:
        """The process's, where Python finds the packages and `paths`."""
        search = os.pathsep.join(map(str, [*paths, self.folder / "site"]))
        return os.environ | {"PYTHONPATH": search, "PYTHONDONTWRITEBYTECODE": "1"}


def arm() -> Arm:
    """The computer, from the cache or downloaded. Raises UnavailableError where it cannot be had."""
    _check_machine()
    folder = platformdirs.user_cache_path("hhcore-tests") / f"arm_{digest(_locked(), *SYSTEM, EMULATOR, APT)}"
    if not folder.exists():
        being_made = folder.with_name(f"{folder.name}.{os.getpid()}")
        shutil.rmtree(being_made, ignore_errors=True)
        try:
            _unpack_system(being_made)
            _unpack_wheels(being_made)
            being_made.rename(folder)
        finally:
            shutil.rmtree(being_made, ignore_errors=True)
    return Arm(folder)


def _check_machine() -> None:
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise UnavailableError("ARM is emulated on x86-64 Linux only")
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            raise UnavailableError(f"{program} is missing: the system for ARM is made of Debian's packages")


def _locked() -> str:
    """The lines of requirements.lock on the wheels: versions and hashes."""
    blocks = re.split(r"\n(?=\S)", (ROOT / "requirements.lock").read_text())
    return "\n".join(block for block in blocks if block.split("==")[0] in WHEELS) + "\n"


def _unpack_system(folder: Path) -> None:
    own = folder / "apt"
    for name in ("state/lists/partial", "cache/archives/partial"):
        (own / name).mkdir(parents=True)
    (own / "status").touch()
    (own / "apt.conf").write_text(APT.format(own))
    apt = ["apt-get", "-q", "-c", str(own / "apt.conf")]
    _run("Debian's lists of packages", *apt, "update")  # succeeds without a network too
    _run(
        "Debian's packages for arm64, by network and from this machine's sources,",
        *apt,
        "install",
        "--yes",
        "--download-only",
        *SYSTEM,
        EMULATOR,
    )
    for package in (own / "cache/archives").glob("*.deb"):
        _run(package.name, "dpkg-deb", "--extract", str(package), str(folder / "root"))
    shutil.rmtree(own)
    _keep_emulator(folder)


def _keep_emulator(folder: Path) -> None:
    """That of 64-bit ARM; the package has those of thirty CPUs, 300 MB."""
    emulators = {path.name.removesuffix("-static"): path for path in (folder / "root/usr/bin").glob("qemu-*")}
    if "qemu-aarch64" not in emulators:
        raise UnavailableError(f"Debian's package {EMULATOR} has no qemu-aarch64")
    shutil.copy(emulators["qemu-aarch64"], folder / "emulator")
    for path in emulators.values():
        path.unlink()


def _unpack_wheels(folder: Path) -> None:
    """Those of the lock alone, checked against its hashes, for the Python that Debian has."""
    minor = re.search(r"\d+\.\d+$", os.readlink(folder / "root/usr/bin/python3"))[0]
    (folder / "requirements.txt").write_text(_locked())
    kinds = [f"--platform=manylinux_2_{n}_aarch64" for n in (28, 17)]
    kinds += [f"--python-version={minor}", "--implementation=cp", "--only-binary=:all:"]
    given = ["--no-deps", "--require-hashes", "--requirement", str(folder / "requirements.txt")]
    place = ["--no-compile", "--target", str(folder / "site")]
    _run("the wheels for aarch64", sys.executable, "-m", "pip", "install", "--quiet", *kinds, *given, *place)


def _run(what: str, *command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"LC_ALL": "C"})
    if "DO NOT MATCH THE HASHES" in done.stderr:
        raise ValueError(done.stderr)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()] or ["nothing"]
        raise UnavailableError(f"{what} cannot be had: {Path(command[0]).name} says {said[-1]!r}")
