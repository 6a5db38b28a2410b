"""Tasks in forked processes: all are done, and what goes wrong in one is raised here."""

import os
import signal
from functools import partial
from pathlib import Path

import pytest

from hhcore.base.errors import UserError
from hhcore.base.forked import side_by_side


@pytest.mark.parametrize("processes", [1, 3])
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


def test_a_process_that_is_killed_is_an_error(tmp_path: Path):
    with pytest.raises(MemoryError, match="killed"):
        side_by_side([lambda: os.kill(os.getpid(), signal.SIGKILL), os.getpid], 2)
