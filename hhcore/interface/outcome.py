"""What `hhcore.run` returns: the tables of experiments as data frames, how exact they are, and their figures."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from copy import copy, deepcopy
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from hhcore.base import tables
from hhcore.base.errors import UserError, closest
from hhcore.base.lock import locked
from hhcore.base.units import pretty_unit
from hhcore.base.watch import Watch
from hhcore.base.words import counted
from hhcore.certify.certificate import NONE, certificate
from hhcore.certify.evidence import MOST, QUANTILE
from hhcore.experiments.analysis import Analysis, analyses
from hhcore.experiments.experiment import Experiment
from hhcore.interface.bar import in_notebook
from hhcore.results.recipes import recipes, report_recipe
from hhcore.results.steps import make_figures
from hhcore.schemes.solver import setting_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

SCREEN_DPI = 110  # of a figure that is shown, not saved


class Outcome:
    """The results of one experiment. Its tables are attributes, read when they are first asked for.

    name       : of the experiment
    folder     : where its files are
    experiment : what was run, with the solver that was taken
    simulated  : number of neurons that this run had to simulate
    tables     : names of the tables: `.features`, `.spikes` and so on; docs/results.md defines all columns

    A data frame is as `pandas.read_parquet` reads the file. Its `attrs` say what the file says of itself (solver,
    certificate, digests, versions), and hold the `units` and `definitions` of its columns.
    """

    def __init__(
        self,
        experiment: Experiment,
        folder: Path,
        simulated: int,
        threads: int,
        temporary: TemporaryDirectory | None = None,
    ):
        self.name, self.experiment, self.folder, self.simulated = experiment.name, experiment, folder, simulated
        self._threads = threads
        self._analyses = analyses(experiment)
        self._frames: dict[str, pd.DataFrame] = {}
        self._temporary = temporary  # the folder is there as long as this object
        self.tables = tuple(table.name for analysis in self._analyses for table in analysis.tables)

    def __getattr__(self, name: str) -> "pd.DataFrame":
        if name.startswith("_") or "tables" not in self.__dict__:  # copy and pickle ask before __init__
            raise AttributeError(name)
        if name not in self.tables:
            raise AttributeError(f"experiment {self.name!r} has no table {name!r}; {closest(name, self.tables)}")
        if name not in self._frames:
            self._frames[name] = read_frame(self.folder / f"{name}.parquet")
        return self._frames[name]

    def __deepcopy__(self, memo: dict) -> "Outcome":
        twin = copy(self)  # with the same temporary folder, not another one of its name
        twin._frames = deepcopy(self._frames, memo)
        return twin

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.tables]

    @property
    def numbers(self) -> dict[str, str]:
        """The certificate of the solver: every entry that all tables carry, as text."""
        return certificate(self.folder / "numerics.parquet")

    @property
    def certificate(self) -> str:
        """How exact the results are, in a sentence: first what matters most, if its error is known."""
        accuracy, said = self.experiment.protocol.accuracy, self.numbers
        worst, most, median = (
            said[f"{accuracy.name}_{which}_{accuracy.suffix}"]
            for which in ("worst", f"{100 * QUANTILE:.0f}_percent", "median")
        )
        unit, runs = pretty_unit(accuracy.unit), int(said["reference_runs"])
        sample = counted(runs, "sampled neuron")
        errors = f"at most {most} {unit} in {MOST} of {sample} (worst {worst} {unit}, median {median} {unit})"
        if runs == 1:
            errors = f"{worst} {unit} in {sample}"
        if not worst[0].isdigit():  # a reason
            errors = f"not measured in {sample}: {worst}"
        method, setting = said["solver_method"], float(said["solver_accuracy"])
        how = f"{method} with {setting_of(method)} {setting:.3g}"
        return f"{how}; {self._headline_error()}{accuracy.label.lower()} {errors}, against {said['reference']}"

    def _headline_error(self) -> str:
        """The largest error of the feature that matters most, in words; empty if there is none."""
        protocol = self.experiment.protocol
        height = protocol.height_of(protocol.headline[0])
        if height is None:
            return ""
        worst = self.numbers[height.worst_key]
        return "" if worst == NONE else f"error of {height.name} at most {worst} {pretty_unit(height.unit)}, "

    def figures(self) -> dict[str, "Figure"]:
        """All figures by name, drawn now."""
        return self._drawn(self._analyses)

    def figure(self, name: str) -> "Figure":
        """One of the figures, drawn now. Raises UserError for an unknown name."""
        for analysis in self._analyses:
            if name in (figure.name for figure in analysis.figures):
                return self._drawn([analysis])[name]
        names = [figure.name for analysis in self._analyses for figure in analysis.figures]
        raise UserError(f"experiment {self.name!r} has no figure {name!r}; {closest(name, names)}")

    def save_figures(self) -> list[Path]:
        """Write all figures into the folder, each as SVG and PNG, as Snakemake does. Returns their paths.

        Those that are there and current are kept. As many processes write as the run had threads.
        """
        with locked(self.folder, lambda: None):
            make_figures(self.experiment, self.folder, self._threads, Watch())
        return [self.folder / file for file in recipes(self.experiment) if file.startswith("figures/")]

    def __repr__(self) -> str:
        return f"{self._headline()}\n{self.certificate}\ntables: {', '.join(self.tables)}"

    def _repr_html_(self) -> str:
        rows = [f"<tr><td><code>{name}</code></td><td>{count:,}</td></tr>" for name, count in self._rows().items()]
        table = f"<table><tr><th>table</th><th>rows</th></tr>{''.join(rows)}</table>"
        return f"<p><b>{escape(self._headline())}</b><br>{escape(self.certificate)}</p>{table}"

    def _headline(self) -> str:
        e, failed = self.experiment, self._rows()["failures"]
        neurons = f"{counted(e.n_points, 'neuron')} of {e.model.name}"
        return f"{self.name}: {neurons}, {self.simulated:,} simulated now, {failed:,} failed"

    def _rows(self) -> dict[str, int]:
        return {name: pq.read_metadata(self.folder / f"{name}.parquet").num_rows for name in self.tables}

    def _drawn(self, members: list[Analysis]) -> dict[str, "Figure"]:
        if in_notebook():
            with suppress(ImportError):
                import matplotlib_inline.backend_inline  # noqa: F401  shows figures as images, as pyplot would
        drawn = dict(self._drawings(members))
        for figure in drawn.values():
            figure.set_dpi(SCREEN_DPI)
        return drawn

    def _drawings(self, members: list[Analysis]) -> Iterator[tuple[str, "Figure"]]:
        from hhcore.results.draw import drawn_figures

        return drawn_figures(self.experiment, [analysis.name for analysis in members], self.folder)


class Run(Mapping[str, Outcome]):
    """The results of a config: an `Outcome` for each experiment. With one experiment alone, its attributes are here.

    name, folder, experiment, simulated, tables, numbers, certificate, figures, figure, save_figures : as of `Outcome`
    features, spikes, ...                                                                           : its tables
    """

    name: str
    folder: Path
    experiment: Experiment
    simulated: int
    tables: tuple[str, ...]
    numbers: dict[str, str]
    certificate: str
    figures: Callable[[], dict[str, "Figure"]]
    figure: Callable[[str], "Figure"]
    save_figures: Callable[[], list[Path]]

    def __init__(self, outcomes: dict[str, Outcome]):
        self._outcomes = outcomes

    def __getitem__(self, name: str) -> Outcome:
        return self._outcomes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._outcomes)

    def __len__(self) -> int:
        return len(self._outcomes)

    def __getattr__(self, name: str) -> "pd.DataFrame":
        if name.startswith("_"):
            raise AttributeError(name)
        if len(self) == 1:
            (only,) = self.values()
            return getattr(only, name)
        raise AttributeError(f"the run has {len(self)} experiments; name one, like run[{next(iter(self))!r}].{name}")

    def __dir__(self) -> list[str]:
        inside = [name for outcome in self.values() for name in dir(outcome) if not name.startswith("_")]
        return [*super().__dir__(), *(inside if len(self) == 1 else [])]

    def __repr__(self) -> str:
        return "\n\n".join(map(repr, self.values()))

    def _repr_html_(self) -> str:
        return "".join(outcome._repr_html_() for outcome in self.values())

    def save_report(self) -> Path:
        """Write report.html into the folder of results, and the figures in it, as Snakemake does. Returns its path.

        The page is one file, and needs no network. Raises UserError if the run has no folder of results.
        """
        from hhcore.report.page import write_report  # loads pandas

        if any(outcome._temporary for outcome in self.values()):
            raise UserError("save_report: the results of this run are temporary; run with `results`, a folder")
        for outcome in self.values():
            outcome.save_figures()
        folder = next(iter(self.values())).folder.parent
        made = [recipes(outcome.experiment) for outcome in self.values()]
        members = [analysis for outcome in self.values() for analysis in outcome._analyses]
        experiments = {name: outcome.experiment for name, outcome in self.items()}
        write_report(experiments, folder, folder / "report.html", report_recipe(made, members))
        return folder / "report.html"

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)


def read_frame(path: Path) -> "pd.DataFrame":
    """A table as a data frame; what the file says of itself, and of its columns, is in `attrs`."""
    content = tables.read(path)
    frame, attributes = content.to_pandas(), dict[str, object](tables.metadata(path))
    for key, entry in (("units", b"unit"), ("definitions", b"definition")):
        attributes[key] = {field.name: (field.metadata or {}).get(entry, b"").decode() for field in content.schema}
    frame.attrs = attributes
    return frame
