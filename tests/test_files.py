"""Files that appear whole, whoever else writes them at the same time."""

import pytest

from hhcore.base.files import atomic_write


def test_two_machines_with_the_same_process_number_write_one_file(tmp_path):
    path = tmp_path / "kernel.py"
    with atomic_write(path) as mine:
        mine.write_text("mine")
        with atomic_write(path) as other:  # the same process, hence the same number
            other.write_text("other")
        assert path.read_text() == "other"
    assert path.read_text() == "mine" and list(tmp_path.iterdir()) == [path]


def test_a_writer_that_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / "table.parquet"
    path.write_text("before")
    with pytest.raises(KeyError), atomic_write(path) as temporary:
        temporary.write_text("half")
        raise KeyError
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]
