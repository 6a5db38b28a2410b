"""The figures: of each cell, restitution and block, the Web Lab's and ours."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hhcore import Run
from hhcore.figures import style

from .cells import RESTITUTION, S1S2, Cell, known
from .experiments import CYCLE_LENGTHS, name

THEIRS = {"linestyle": "none", "marker": "o", "markersize": 3.2, "markerfacecolor": "white", "markeredgewidth": 0.8}
OURS = {"linewidth": 0.9}
COLUMNS = 4  # panels of block in a row
NOTHING = "The Web Lab has no such table of this cell here."


@style.styled
def figure_restitution(run: Run, part: Path) -> Figure:
    """Restitution at steady state, and after S2. Circles: the Web Lab. Lines: ours."""
    cell = Cell(part)
    steady, premature = cell.table(RESTITUTION, "APD"), cell.table(S1S2, "APD90")
    if not known(steady) and not known(premature):
        return style.text_figure(part.name, [NOTHING])
    figure = style.new_figure(style.TWO_COLUMNS, 2.6, part.name, [])
    panels = figure.subplots(1, 2)
    if known(steady):
        draw_steady(panels[0], run[name(cell, RESTITUTION)].restitution, steady)
    if known(premature):
        draw_premature(panels[1], run[name(cell, S1S2)].restitution, premature, cell.table(S1S2, "DI"))
    return figure


@style.styled
def figure_block(run: Run, part: Path) -> Figure:
    """APD90 under block of one current, in % of that without. Circles: the Web Lab. Lines: ours."""
    cell = Cell(part)
    drawn = [current for current, term in cell.blocks.items() if term is not None]
    if not drawn:
        return style.text_figure(part.name, [NOTHING])
    rows, width = -(-len(drawn) // COLUMNS), min(len(drawn), COLUMNS)
    figure = style.new_figure(style.TWO_COLUMNS, 0.6 + 1.7 * rows, part.name, [])
    panels = figure.subplots(rows, width, squeeze=False)
    for axes, current in zip(panels.flat, drawn, strict=False):
        ours = run[name(cell, current)].features["apd90_ms"].to_numpy()
        block = np.linspace(100, 0, len(ours))
        axes.plot(block, 100 * ours / ours[-1], color=style.VERMILLION, **OURS)
        axes.plot(block, cell.scaled(current), color=style.BLUE, **THEIRS)
        axes.set(title=current, xlabel="Block (%)", ylabel="APD90 (%)" if axes in panels[:, 0] else "")
    for axes in panels.flat[len(drawn) :]:
        axes.remove()
    return figure


def draw_steady(axes: Axes, ours: object, theirs: np.ndarray) -> None:
    """Against the cycle length: both beats of theirs, the last beats of ours."""
    lengths = CYCLE_LENGTHS[: len(theirs)]
    last = ours.groupby("cycle_length_ms", sort=False)["apd90_ms"].last()
    axes.plot(last.index, last, color=style.VERMILLION, label="ours", **OURS)
    axes.plot(lengths, theirs[:, 0], color=style.BLUE, label="Web Lab, first beat", **THEIRS)
    axes.plot(lengths, theirs[:, -1], color=style.GREEN, label="Web Lab, second beat", **THEIRS)
    axes.set(xlabel="Cycle length (ms)", ylabel="APD90 (ms)", title="Steady state")
    axes.legend(loc="lower right")


def draw_premature(axes: Axes, ours: object, theirs: np.ndarray, intervals: np.ndarray) -> None:
    """Against the diastolic interval before."""
    axes.plot(ours["diastolic_interval_ms"], ours["apd90_ms"], color=style.VERMILLION, label="ours", **OURS)
    axes.plot(intervals, theirs, color=style.BLUE, label="Web Lab", **THEIRS)
    axes.set(xlabel="Diastolic interval (ms)", ylabel="", title="S1-S2")
    axes.legend(loc="lower right")
