"""Check every result file: that no bit has changed since it was written, and that the tables of a folder agree."""

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
    for done, path in enumerate(files, 1):
        try:
            if path.suffix == ".png":
                check_image(path)
            else:
                check_seal(path)
            if path.suffix == ".parquet":
                yield from _differences(path)
        except (UserError, OSError) as error:
            yield str(error)
        progress(done, len(files))


def _differences(path: Path) -> Iterator[str]:
    """Compare a table's name with the file's, and its origin with that of numerics.parquet beside it."""
    metadata, numerics = tables.metadata(path), path.with_name("numerics.parquet")
    if metadata.get("table") != path.stem:
        yield f"{path} is the table {metadata.get('table')} under another name; delete it and run the experiment again"
        return
    for key, wanted in tables.metadata(numerics).items() if numerics.exists() else ():
        if key in ORIGIN and metadata.get(key) != wanted:
            yield (
                f"{path}: its {key} is {metadata.get(key)}, that of {numerics.name} beside it {wanted}; "
                "run the experiment, or delete it if the config does not ask for it any more"
            )
            return
