"""The cache of kernels: machine code that somebody else could have put there is not run."""

import grp
import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import hhcore
from hhcore import Step, load_model
from hhcore.base.errors import UserError
from hhcore.compile import module
from hhcore.compile.cache import cache_directory, check_private, keep, kept
from hhcore.compile.language import machine
from hhcore.simulation.engine import engine

MODEL = load_model("morris_lecar_1981")
NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act for others")


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A cache of its own, that does not exist yet."""
    monkeypatch.setenv("HHCORE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def filled(folder, monkeypatch) -> Path:
    """A cache with a kernel of one state too many, which another text's machine code passes for."""
    monkeypatch.setattr(module, "_loaded", {})
    kernel = engine(MODEL, "rk4", Step).kernel
    (code,) = folder.glob("*/*.bin")
    planted = code.read_bytes().partition(b"\n")[2].replace(b'"N": 2', b'"N": 3')
    code.write_bytes(machine._hash(planted) + b"\n" + planted)
    monkeypatch.setattr(module, "_loaded", {})
    assert kernel.N == 2
    return folder


def states() -> int:
    """Of the model, as the kernel says."""
    return engine(MODEL, "rk4", Step).kernel.N


def test_a_new_cache_is_private(folder):
    before = os.umask(0o002)
    try:
        keep(cache_directory() / "cpu" / "kernel.bin", b"code")
    finally:
        os.umask(before)
    places = [folder, folder / "cpu", folder / "cpu/kernel.bin"]
    assert [place.stat().st_mode & 0o777 for place in places] == [0o700, 0o700, 0o600]
    check_private(folder / "cpu")
    assert kept(folder / "cpu/kernel.bin") == b"code"


def test_what_this_user_keeps_is_loaded(filled):
    assert states() == 3, "else the tests below say nothing"


@pytest.mark.parametrize("place", ["cache", "cpu", "above"])
def test_nothing_is_loaded_from_a_folder_that_others_can_write(filled, place):
    (cpu,) = (path for path in filled.iterdir() if path.is_dir())
    open_one = {"cache": filled, "cpu": cpu, "above": filled.parent}[place]
    for mode in (0o777, 0o770)[: 2 if os.geteuid() == 0 else 1]:
        open_one.chmod(mode)
        if mode == 0o770:
            os.chown(open_one, -1, NOBODY)
        with pytest.raises(UserError) as error:
            states()
        assert f"others can write in {open_one}" in str(error.value) and "HHCORE_SHARED_CACHE" in str(error.value)
        assert "\n" not in str(error.value)
    open_one.chmod(0o755)
    assert states() == 3


def test_the_group_of_the_user_alone_is_the_user(filled, monkeypatch):
    """Where each user has a group, files are often writable for it, unless an access control list grants that."""
    user = pwd.getpwuid(os.geteuid())
    for group, members, trusted in ((user.pw_name, [], True), ("lab", [], False), (user.pw_name, ["eve"], False)):
        entry = grp.struct_group((group, "x", user.pw_gid, members))
        monkeypatch.setattr(grp, "getgrgid", lambda _, entry=entry: entry)
        assert is_private(filled, user.pw_gid) == trusted, (group, members)
    monkeypatch.setattr(grp, "getgrgid", lambda _: grp.struct_group((user.pw_name, "x", user.pw_gid, [])))
    monkeypatch.setattr(os, "getxattr", lambda *_: b"entries", raising=False)
    assert not is_private(filled, user.pw_gid)


def is_private(folder: Path, group: int) -> bool:
    os.chown(folder, -1, group)
    folder.chmod(0o770)
    try:
        check_private(folder)
    except UserError:
        return False
    return True


def test_a_sticky_folder_above_is_no_harm_but_no_cache(filled, monkeypatch):
    filled.parent.chmod(0o1777)
    assert states() == 3
    filled.chmod(0o1777)
    monkeypatch.setattr(module, "_loaded", {})
    with pytest.raises(UserError, match="others can write in"):
        states()


def test_a_link_is_followed_before_anything_is_asked(filled, tmp_path, monkeypatch):
    (tmp_path / "link").symlink_to(filled)
    monkeypatch.setenv("HHCORE_CACHE", str(tmp_path / "link"))
    filled.chmod(0o777)
    with pytest.raises(UserError, match=f"others can write in {filled}"):
        states()


def test_a_file_that_others_can_write_is_made_again(filled):
    (code,) = filled.glob("*/*.bin")
    code.chmod(0o666)
    assert states() == 2 and code.stat().st_mode & 0o077 == 0


@as_root
def test_what_belongs_to_another_user_is_not_loaded(filled, monkeypatch):
    (code,) = filled.glob("*/*.bin")
    os.chown(code, NOBODY, -1)
    assert states() == 2 and code.stat().st_uid == 0
    os.chown(filled, NOBODY, -1)
    monkeypatch.setattr(module, "_loaded", {})
    with pytest.raises(UserError, match=f"{filled} belongs to "):
        states()


def test_a_shared_cache_is_an_explicit_choice(filled, monkeypatch):
    filled.chmod(0o2770)
    monkeypatch.setenv("HHCORE_SHARED_CACHE", "1")
    assert states() == 3
    keep(cache_directory() / "another cpu" / "kernel.bin", b"code")
    made = filled / "another cpu"
    assert made.stat().st_mode & 0o7777 == 0o2770 and (made / "kernel.bin").stat().st_mode & 0o777 == 0o640


RUN = "import hhcore; print(*hhcore.simulate('morris_lecar_1981', {}, hhcore.Step(100.0), duration=10).status)"


def run_by(user: int, program: str = RUN, **env: str) -> subprocess.CompletedProcess:
    """A program of another user, who may read everything but writes only what is his, and has no home set."""
    rights = [f"--{kind}=-all,+dac_read_search" for kind in ("inh-caps", "ambient-caps", "bounding-set")]
    other = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *rights]
    env |= {"PYTHONPATH": str(Path(hhcore.__file__).parents[1])}
    return subprocess.run([*other, sys.executable, "-c", program], env=env, cwd="/", capture_output=True, text=True)


@as_root
def test_a_user_who_is_not_root(tmp_path):
    home, unknown = tmp_path / "home", 54321
    if not shutil.which("setpriv") or run_by(unknown, "pass").returncode:
        pytest.skip("root of this machine cannot lend the right to read alone")
    home.mkdir()
    os.chown(home, unknown, unknown)
    done = run_by(unknown, HOME=str(home))
    assert (done.stdout, done.returncode) == ("0\n", 0), done.stderr
    assert {path.stat().st_uid for path in home.rglob("*")} == {unknown}
    home.chmod(0o500)
    cached = run_by(unknown, HHCORE_CACHE=str(home / ".cache/hhcore"))
    assert cached.stdout == "0\n", cached.stderr
    for env, said in (
        ({}, "this user has no home folder"),
        ({"HOME": str(tmp_path)}, f"cannot keep kernels in {tmp_path}"),
        ({"HHCORE_CACHE": str(tmp_path / "mine")}, f"cannot keep kernels in {tmp_path / 'mine'}"),
    ):
        done = run_by(unknown, **env)
        last = done.stderr.splitlines()[-1]
        assert done.returncode and said in last and "set HHCORE_CACHE" in last, done.stderr
