"""Check every result file: that no bit has changed since it was written, and that the tables of a folder agree."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from hhcore.base import tables
from hhcore.base.errors import UserError
from hhcore.base.seals import SEALED, check_image, check_seal

ORIGIN = ("experiment", "config_digest")  # the metadata that all tables of an experiment share; shards have none


def result_files(folder: Path) -> list[Path]:
    """The files below a folder that can be checked: tables, figures, pages; a file stands for itself.

    Raises UserError if there is no such folder, or nothing in it to check.
    """
    if not folder.exists():
        raise UserError(f"{folder} does not exist; give the folder of results, such as results/")
    inside = [folder] if folder.is_file() else sorted(folder.rglob("*"))
    found = [path for path in inside if path.suffix in (*SEALED, ".png") and not path.name.startswith(".")]
    if not found:
        raise UserError(f"{folder} holds no tables, figures or pages of hhcore")
    return found


def problems(files: list[Path], progress: Callable[[int, int], None]) -> Iterator[str]:
    """What is wrong with result files, a sentence each; `progress` is called with (done, total)."""
    origins: dict[Path, tuple[Path, list[str | None]]] = {}
    for done, path in enumerate(files, 1):
        try:
            if path.suffix == ".png":
                check_image(path)
            else:
                check_seal(path)
            if path.suffix == ".parquet":
                yield from _differences(path, origins)
        except (UserError, OSError) as error:
            yield str(error)
        progress(done, len(files))


def _differences(path: Path, origins: dict[Path, tuple[Path, list[str | None]]]) -> Iterator[str]:
    """Compare a table's name with the file's, and its origin with that of the first table of its folder."""
    metadata = tables.metadata(path)
    if metadata.get("table") != path.stem:
        yield f"{path} is the table {metadata.get('table')} under another name; delete it and run snakemake again"
        return
    origin = [metadata.get(key) for key in ORIGIN]
    first, wanted = origins.setdefault(path.parent, (path, origin))
    for key, own, other in zip(ORIGIN, origin, wanted, strict=True):
        if own != other:
            yield f"{path}: its {key} is {own}, that of {first.name} beside it {other}; snakemake makes it again"
            return


class Counter:
    """A line about the files so far, every five seconds."""

    def __init__(self, say: Callable[[str], None]):
        self.say, self.shown = say, time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """Report that `done` of `total` files are checked."""
        if time.monotonic() - self.shown > 5:
            self.shown = time.monotonic()
            self.say(f"{done:,} of {total:,} files")
