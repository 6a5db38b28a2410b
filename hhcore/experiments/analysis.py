"""Analysis: tables and figures made from the records of neurons.

An analysis is a class in a room of its own: a folder in hhcore/protocols/, or an entry point of the group
`hhcore.protocols`. The registry finds it by its class; edit nothing else. An object of it belongs to one experiment.

1.  `name` is its word in rules of the workflow. `order` sorts analyses: one that reads tables of another comes later.
    `implied` says that the protocol alone decides whether it applies.
2.  `applies` says whether an experiment has it.
3.  `source` says what its tables are made from: "neurons" (in one pass over the grid, a row block at a time), "tables"
    (of other analyses, named by `reads`), "model" (it simulates by itself), "sample" (calibration writes them), or
    None: it has no tables.
4.  `tables` and `figures` list what it makes for its experiment, with label and caption for the report and the number
    of rows. Apart from these numbers, they depend only on the protocol and on the analyses that apply.
5.  With source "neurons", `block` makes the tables of a row block. Blocks come in grid order and begin at multiples of
    `alignment` rows; `block_s` is what they take besides a few us a neuron. With other sources, `write` makes the
    tables, `minutes` and `megabytes` say what that takes, and `settings` is the text of all that they depend on besides
    the tables read and the experiment's context.
6.  Every column of a table has a unit and a definition in `fields`; missing values are null.
7.  `draw` makes the figures from the tables that `drawn` names, with the rows to read: "grid" (a row per neuron or
    curve, of which those that a figure may show), "neurons" (rows of the neurons shown), or "all".
8.  `facts` are lines for the page on what was run, asked for after the last block.
9.  Captions are files beside the class, in captions/. docs/results.md has a section for each table.
10. `code` names the files that its tables depend on, besides those of all analyses; `figure_code` those of its figures.
    By default that is the folder of the class without its answers.py, for tables without its figures.py too.
11. `answers` are lines for the report: what its tables come down to, a label and a few words each. Longer ones lie in
    answers.py beside the class, on which neither tables nor figures depend.
12. `needs` names packages that hhcore works without, each with what to install. A config is refused if one is missing.
"""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import pyarrow as pa

from hhcore.base.errors import UserError
from hhcore.base.registry import discover
from hhcore.experiments.answers import Answer, Results
from hhcore.experiments.experiment import Experiment
from hhcore.simulation.result import Result

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Rows = Literal["grid", "neurons", "all"]


@dataclass(frozen=True)
class TableFile:
    """A table of an analysis, NAME.parquet.

    label, caption : its name in reports, and the file of its caption; without them `snakemake --report` leaves it out
    rows           : about how many it has
    """

    name: str
    rows: int
    label: str = ""
    caption: Path | None = None


@dataclass(frozen=True)
class FigureFile:
    """A figure of an analysis, NAME.svg and NAME.png; `label` and `caption` as for a table."""

    name: str
    label: str
    caption: Path


@dataclass(frozen=True)
class RowBlock:
    """Successive neurons of the grid.

    rows    : their rows in the grid
    axes    : the swept quantities, float64 (n,) by column
    result  : their record
    columns : their features, as the protocol makes them, (n,) each
    """

    rows: range
    axes: dict[str, np.ndarray]
    result: Result
    columns: dict[str, np.ndarray]


class Analysis:
    """What every analysis has; see the head of this file."""

    name: ClassVar[str]
    order: ClassVar[int] = 50
    implied: ClassVar[bool] = False
    source: ClassVar[Literal["neurons", "tables", "model", "sample"] | None] = "neurons"
    needs: ClassVar[Mapping[str, str]] = {}

    def __init__(self, experiment: Experiment):
        self.experiment = experiment

    @classmethod
    def applies(cls, experiment: Experiment) -> bool:
        """Whether an experiment has this analysis (rule 2)."""
        raise NotImplementedError

    @property
    def tables(self) -> tuple[TableFile, ...]:
        """The tables it makes (rule 4)."""
        return ()

    @property
    def figures(self) -> tuple[FigureFile, ...]:
        """The figures it makes (rule 4)."""
        return ()

    @property
    def late(self) -> bool:
        """Whether its tables are made by itself, after the pass over all neurons (rule 3)."""
        return self.source in ("tables", "model")

    @property
    def reads(self) -> tuple[str, ...]:
        """The tables that its own are made from, besides numerics (rule 3)."""
        return ()

    @property
    def drawn(self) -> dict[str, Rows]:
        """The tables that its figures are made from, and the rows to read (rule 7)."""
        return {table.name: "all" for table in self.tables}

    @property
    def alignment(self) -> int:
        """Row blocks begin at multiples of this number (rule 5)."""
        return 1

    def block(self, block: RowBlock) -> dict[str, pa.Table]:
        """The tables of a row block, by name (rule 5)."""
        return {}

    @property
    def block_s(self) -> float:
        """About how many seconds all row blocks take on one core, besides some us a neuron (rule 5)."""
        return 0.0

    def write(self, folder: Path, metadata: Mapping[str, str]) -> None:
        """Write the tables with `metadata` into `folder`, which has those that it reads and numerics (rule 5)."""
        raise NotImplementedError

    @property
    def settings(self) -> str:
        """What else the tables of `write` depend on (rule 5)."""
        return ""

    def minutes(self) -> int:
        """Time of `write` on one core, with a margin [min] (rule 5)."""
        return 10

    def megabytes(self) -> int:
        """Memory of `write` [MB] (rule 5)."""
        return 1500

    def facts(self) -> Iterable[tuple[str, str]]:
        """Lines on the neurons, a word and a sentence each (rule 8)."""
        return ()

    def answers(self, results: Results) -> Iterable[Answer]:
        """What its tables come down to (rule 11)."""
        return ()

    def draw(self, tables: Mapping[str, "pd.DataFrame"], context: object) -> dict[str, "Figure"]:
        """The figures by name, from rows of the tables `drawn` (rule 7). `context` : a FigureContext"""
        return {}

    @classmethod
    def caption(cls, name: str) -> Path:
        """The file of a caption (rule 9)."""
        return cls.folder() / "captions" / f"{name}.rst"

    @classmethod
    def folder(cls) -> Path:
        """The room of the analysis."""
        return Path(sys.modules[cls.__module__].__file__).parent

    @classmethod
    def code(cls) -> tuple[Path | str, ...]:
        """What its tables depend on (rule 10)."""
        if cls.source is None:
            return ()
        return tuple(sorted(p for p in cls.folder().glob("*.py") if p.name not in ("figures.py", "answers.py")))

    @classmethod
    def figure_code(cls) -> tuple[Path | str, ...]:
        """What its figures depend on (rule 10)."""
        return tuple(sorted(path for path in cls.folder().glob("*.py") if path.name != "answers.py"))


@lru_cache
def all_analyses() -> tuple[type[Analysis], ...]:
    """All analyses, in their order."""
    return tuple(sorted(discover("hhcore.protocols", "hhcore.protocols", Analysis), key=lambda a: (a.order, a.name)))


def analyses(experiment: Experiment) -> list[Analysis]:
    """The analyses of an experiment, in their order."""
    return [cls(experiment) for cls in all_analyses() if cls.applies(experiment)]


def check_installed(experiment: Experiment) -> None:
    """Raise UserError if a package is missing that an analysis of the experiment needs."""
    for analysis in analyses(experiment):
        for package, install in analysis.needs.items():
            if find_spec(package) is None:
                raise UserError(
                    f"experiments.{experiment.name}: the analysis {analysis.name!r} needs {package}, which is missing; "
                    f"pip install '{install}'"
                )
