"""Tasks in forked processes: all are done, and what goes wrong in one is raised here."""

import os
import re
import signal
import time
from functools import partial
from pathlib import Path

import pytest

from hhcore.base.errors import UserError
from hhcore.base.forked import side_by_side


@pytest.mark.parametrize("processes", [0, 1, 3])
def test_every_task_is_done(tmp_path, processes):
    side_by_side((partial((tmp_path / str(i)).write_text, str(i)) for i in range(7)), processes)
    assert sorted(path.read_text() for path in tmp_path.iterdir()) == list("0123456")


def fail(error: Exception) -> None:
    raise error


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("error", [UserError("no"), OSError(28, "full", "file"), KeyError("x")])
def test_the_error_of_a_task_is_raised(error, processes):
    with pytest.raises(type(error)) as found:
        side_by_side([partial(fail, error), os.getpid], processes)
    assert found.value.args == error.args


class TalkativeError(Exception):
    """Its pickle has one argument, and it takes two."""

    def __init__(self, where: str, what: str):
        super().__init__(f"{what} in {where}")


class LocalError(Exception):
    """It holds what has no pickle."""

    def __init__(self):
        super().__init__(lambda: None)


@pytest.mark.parametrize("error", [TalkativeError("here", "a hole"), LocalError()])
def test_an_error_without_a_pickle_is_told_in_words(error):
    with pytest.raises(RuntimeError, match=f"(?s)Traceback.*{type(error).__name__}: {re.escape(str(error))}"):
        side_by_side([partial(fail, error), os.getpid], 2)


def test_nobody_works_on_after_an_error(tmp_path):
    """Folders of temporary results are deleted then."""
    reader, writer = os.pipe()

    def slow() -> None:
        os.read(reader, 1)  # until the other task is about to fail
        time.sleep(0.2)
        (tmp_path / "done").touch()

    def wrong() -> None:
        os.write(writer, b".")
        raise KeyError

    with pytest.raises(KeyError):
        side_by_side([wrong, slow], 2)
    assert (tmp_path / "done").exists()


def test_a_process_that_ends_silently_is_no_lack_of_memory():
    with pytest.raises(RuntimeError, match="without a word"):
        side_by_side([lambda: os._exit(0), os.getpid], 2)


def test_a_process_that_is_killed_is_an_error(tmp_path: Path):
    with pytest.raises(MemoryError, match="killed"):
        side_by_side([lambda: os.kill(os.getpid(), signal.SIGKILL), os.getpid], 2)
