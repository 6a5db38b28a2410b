"""A paper as a folder: its experiments, the numbers that it states, the code that finds ours, its figures.

Rules of a folder, `papers/NAME/`:

1. `config.yaml` has experiments, as any config. Their tables are made first, in the folder of the results.
2. `published.yaml` has the numbers: under `published` those that the paper or a public code of it states, under
   `reference` those that others computed from its equations. Each has a name, and the keys of `KEYS`.
3. `numbers.py` has the function `numbers(run)`, from the `hhcore.Run` of the config to `Measured` by name. A `Measured`
   may have a reason of its own, which stands instead of that in `published.yaml`.
4. `figures.py` has a function `figure_...(run)` for each figure. The first line of its docstring is the caption.
5. `README.md` says what the paper is, and what differs. It opens the page.
6. What follows from other files of the folder may be made instead of written: `experiments.py` with a function
   `experiments()` stands for `config.yaml`, and `published.py` with `published()` for `published.yaml`. Both return the
   mapping that the YAML file would have.
7. A folder inside that of the paper is a part of it, such as one of several models. A function `figure_...(run, part)`
   draws a figure for each, and gets the path of its folder.

Nothing else names a paper: a folder with a `published.yaml` or a `published.py` is one.
"""

import ast
import importlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from hhcore.base import tables
from hhcore.base.checks import Key, fields, mapping, numbers, quoted, text
from hhcore.base.digests import digest, files_digest
from hhcore.base.errors import UserError
from hhcore.base.units import check_unit
from hhcore.config.file import read_config

STATED, STATED_BY = "published.yaml", "published.py"
EXPERIMENTS, EXPERIMENTS_BY = "config.yaml", "experiments.py"
FIGURE = "figure_"  # how the names of functions that draw one begin
KINDS = {"published": "the paper, or a public code of it", "reference": "its equations, computed by others"}
KEYS = {
    "quantity": Key("what it is, in words", "quantity: Threshold", required=True),
    "value": Key("the number, or a list of numbers", "value: 6.5", required=True),
    "unit": Key("its unit, 1 if it has none", "unit: mV", required=True),
    "within": Key(
        "how far off ours may be: half of the last digit, or the error of what made it; a list for a list of numbers",
        "within: 0.05",
        required=True,
    ),
    "place": Key("where it is stated: page, figure, table, or file of a public code", "place: Fig. 12", required=True),
    "reason": Key("why ours is another, or why there is none", "reason: It travels along an axon"),
}


@dataclass(frozen=True)
class Number:
    """A stated number.

    name   : of the entry; of one in a list, with its place in the list from 1
    kind   : a word of KINDS
    within : largest difference that agrees [unit]
    reason : why ours differs or is missing, "" if that is not to be expected
    """

    name: str
    kind: str
    quantity: str
    value: float
    unit: str
    within: float
    place: str
    reason: str = ""


class PaperFigure(NamedTuple):
    """A figure: the function that draws it, its caption, and the part of the paper that it is of."""

    function: str
    caption: str
    part: Path | None = None


@dataclass(frozen=True)
class Paper:
    """A paper in a folder. Its properties raise UserError for what is missing or wrong there."""

    folder: Path

    @property
    def name(self) -> str:
        """Of the folder."""
        return self.folder.name

    @property
    def config(self) -> Path | Mapping[str, object]:
        """The file of its experiments, or what would be in it."""
        if (self.folder / EXPERIMENTS_BY).exists():
            return self.code("experiments").experiments()
        return self.folder / EXPERIMENTS

    @property
    def parts(self) -> tuple[Path, ...]:
        """The folders inside its own."""
        found = sorted(path for path in self.folder.iterdir() if path.is_dir())
        return tuple(path for path in found if path.name[0] not in "._")

    @cached_property
    def text(self) -> str:
        """What README.md says."""
        return _text(self.folder / "README.md")

    @property
    def title(self) -> str:
        """The heading of README.md."""
        return self.text.partition("\n")[0].lstrip("# ")

    @cached_property
    def stated(self) -> tuple[Number, ...]:
        """The numbers in published.yaml, or those of published.py, those of a list one by one."""
        file = self.folder / (STATED_BY if (self.folder / STATED_BY).exists() else STATED)
        written = read_config(file) if file.name == STATED else self.code("published").published()
        content = fields(written, str(file), dict.fromkeys(KINDS, Key("")))
        found: dict[str, Number] = {}
        entries = [(kind, *item) for kind, group in content.items() for item in mapping(group, kind).items()]
        for kind, name, entry in entries:
            where = f"{file}, {kind}.{name}"
            for number in _numbers(name, kind, fields(entry, where, KEYS), where):
                if other := found.get(number.name):
                    raise UserError(f"{where}: {other.name!r} stands under {other.kind}, too; rename one")
                found[number.name] = number
        return tuple(found.values())

    @cached_property
    def figures(self) -> dict[str, PaperFigure]:
        """Its figures by name, in the order of figures.py, which is read and not run; those of one part together."""
        path = self.folder / "figures.py"
        try:
            found = ast.parse(_text(path)).body
        except SyntaxError as error:
            raise UserError(f"{path}, line {error.lineno}: {error.msg}") from error
        functions = [node for node in found if isinstance(node, ast.FunctionDef) and node.name.startswith(FIGURE)]
        captions = {f.name: (ast.get_docstring(f) or f.name).partition("\n")[0] for f in functions}
        whole = {f.name: PaperFigure(f.name, captions[f.name]) for f in functions if len(f.args.args) < 2}
        of_parts = [(part, f.name) for part in self.parts for f in functions if len(f.args.args) > 1]
        return whole | {
            f"{name}_{part.name}": PaperFigure(name, f"{part.name}: {captions[name]}", part) for part, name in of_parts
        }

    @property
    def files(self) -> tuple[str, ...]:
        """What is made of it, by the path in its folder of results: numbers, figures, and the page of all."""
        drawn = [f"figures/{name}.{kind}" for name in self.figures for kind in ("svg", "png")]
        return ("numbers.parquet", *drawn, "page.html")

    @cached_property
    def recipe(self) -> str:
        """Digest of what its results are made from: its folder, and all of hhcore, which its code may use."""
        return digest(files_digest(self.folder), _library(), *tables.software().items())

    def code(self, name: str) -> ModuleType:
        """A module of the folder, whose modules import each other relatively."""
        package = f"hhcore_paper_{digest(str(self.folder.resolve()))}"
        if package not in sys.modules:
            sys.modules[package] = ModuleType(package)
            sys.modules[package].__path__ = [str(self.folder)]
        return importlib.import_module(f"{package}.{name}")


def papers(*folders: Path) -> dict[str, Paper]:
    """The papers in some folders by name; of two of one name, that in the first folder."""
    found = [path for folder in reversed(folders) for path in sorted(folder.glob("*")) if _is_paper(path)]
    return {folder.name: Paper(folder) for folder in sorted(found, key=lambda folder: folder.name)}


def _is_paper(folder: Path) -> bool:
    return any((folder / name).is_file() for name in (STATED, STATED_BY))


@cache
def _library() -> str:
    return files_digest(Path(__file__).parents[1])


def _numbers(name: str, kind: str, entry: Mapping[str, object], where: str) -> list[Number]:
    """The numbers of an entry. Raises UserError for values that are not legal."""
    listed, value, within = isinstance(entry["value"], list), entry["value"], entry["within"]
    values = numbers(value if listed else [value], f"{where}.value")
    allowed = numbers(within if isinstance(within, list) else [within] * len(values), f"{where}.within")
    words = {key: " ".join(str(entry.get(key, "")).split()) for key in ("quantity", "unit", "place", "reason")}
    text(entry["quantity"], f"{where}.quantity", "Threshold")
    check_unit(words["unit"], f"{where}.unit")
    if not len(values):
        raise UserError(f"{where}.value: the list is empty; write the numbers that are stated")
    if len(allowed) != len(values) or not (allowed >= 0).all():
        raise UserError(
            f"{where}.within: {quoted(within)} is not a difference; write a number from 0 on, or a list of as many as "
            f"`value` has"
        )
    found = [
        Number(name, kind, value=v, within=w, **words) for v, w in zip(values.tolist(), allowed.tolist(), strict=True)
    ]
    if not listed:
        return found
    return [
        replace(number, name=f"{name}_{i}", quantity=f"{number.quantity}, {i} of {len(found)}")
        for i, number in enumerate(found, 1)
    ]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist; a paper has one, as docs/papers.md says") from error
