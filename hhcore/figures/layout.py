"""Where the parts of a figure lie: heading, panels in a grid, a colour bar right of them, a legend below.

Texts are measured once, and panels get the room that is left. (matplotlib's constrained layout measures every artist
twice, and its last bits differ from run to run.) Lengths are in inches.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from hhcore.figures.ticks import fix_ticks

BAR = "<colorbar>"  # matplotlib's label of the axes of a colour bar
EDGE, GAP, BAR_WIDTH = 0.06, 0.08, 0.1  # around the figure, between its parts, of a colour bar
TICK, PAD = 2.5 / 72, 3 / 72  # length of a tick, from its number to a label


def lay_out(figure: Figure) -> None:
    """Fix the ticks of a figure, and place its panels, labels, colour bar, heading and legend.

    figure : its panels lie in one grid; it has at most one colour bar and one legend
    """
    renderer = figure.canvas.get_renderer()
    everything = [_Panel(axes, renderer) for axes in figure.axes]
    panels, bars = ([p for p in everything if (p.axes.get_label() == BAR) == is_bar] for is_bar in (False, True))
    for name in ("x", "y"):  # labels are aligned
        reach = max((panel.reach(name) for panel in panels if panel.label[name]), default=0.0)
        for panel in panels:
            panel.label_at[name] = reach + PAD
    top, bottom = _place_heading(figure, renderer), _place_legend(figure, renderer)
    right = figure.get_figwidth() - EDGE - sum(GAP + BAR_WIDTH + bar.margin("right") for bar in bars)
    grid = panels[0].axes.get_subplotspec().get_gridspec()
    across = [[(p.margin("left"), p.margin("right")) for p in panels if p.column == i] for i in range(grid.ncols)]
    upward = [[(p.margin("bottom"), p.margin("top")) for p in panels if p.row == i] for i in range(grid.nrows)][::-1]
    columns = _cells(EDGE, right, across, np.ones(grid.ncols))
    rows = _cells(bottom, top, upward, np.array(grid.get_height_ratios()[::-1]))[::-1]
    for panel in panels:
        panel.place(*columns[panel.column], *rows[panel.row])
    for bar in bars:
        bar.place(right + GAP, right + GAP + BAR_WIDTH, rows[-1][0], rows[0][1])


def _place_heading(figure: Figure, renderer: RendererBase) -> float:
    """Put the heading at the top left; returns where the room below it ends."""
    width, height = figure.get_size_inches()
    heading = figure._suptitle
    heading.set(x=EDGE / width, y=1 - EDGE / height, verticalalignment="top")
    return height - EDGE - GAP - heading.get_window_extent(renderer).height / figure.dpi


def _place_legend(figure: Figure, renderer: RendererBase) -> float:
    """Put the legend at the foot; returns where the room above it begins."""
    for legend in figure.legends:
        legend.set_loc("lower center")
        legend.set_bbox_to_anchor((0.5, EDGE / figure.get_figheight()), figure.transFigure)
        return EDGE + GAP + legend.get_window_extent(renderer).height / figure.dpi
    return EDGE


def _cells(
    low: float, high: float, margins: Sequence[Sequence[tuple[float, float]]], shares: np.ndarray
) -> list[tuple[float, float]]:
    """Where the panels of each column begin and end, between low and high, or those of each row.

    margins : those of all panels of a column, before and after the panel; shares : the columns' shares of the room
    """
    before, after = np.array([np.max(cell, axis=0) for cell in margins]).T
    room = high - low - before.sum() - after.sum() - GAP * (len(margins) - 1)
    sizes = room * shares / shares.sum()
    starts = low + np.cumsum(before + np.append(0.0, (sizes + after + GAP)[:-1]))
    return list(zip(starts, starts + sizes, strict=True))


class _Panel:
    """What lies around a panel or a colour bar: numbers at ticks, labels, titles, legend."""

    def __init__(self, axes: Axes, renderer: RendererBase):
        fix_ticks(axes)
        self.axes, self.frame, self.dpi = axes, axes.bbox.frozen(), axes.figure.dpi
        self.axis = {"x": axes.xaxis, "y": axes.yaxis}
        self.numbers = {name: _numbers(axis, renderer) for name, axis in self.axis.items() if axes.axison}
        self.label_at = {name: self.reach(name) + PAD for name in self.axis}
        self.label = {name: _thickness(axis, renderer) / self.dpi for name, axis in self.axis.items()}
        titles = [text for text in (axes.title, axes._left_title) if text.get_text()]
        parts = [*titles, *([axes.get_legend()] if axes.get_legend() else [])]
        self.parts = [part.get_window_extent(renderer) for part in parts]
        spec = axes.get_subplotspec()
        self.row, self.column = (spec.rowspan.start, spec.colspan.start) if spec else (0, 0)

    def reach(self, name: str) -> float:
        """How far the ticks of an axis and their numbers reach out, on the side of its label."""
        side = self.axis[name].get_label_position()
        return max(TICK, self._out(self.numbers[name], side)) if name in self.numbers else 0.0

    def margin(self, side: str) -> float:
        """The room that is needed on a side."""
        out = [self._out(box, side) for box in (*self.numbers.values(), *self.parts)]
        own = [name for name, axis in self.axis.items() if axis.get_label_position() == side]
        out += [self.label_at[name] + self.label[name] if self.label[name] else self.reach(name) for name in own]
        return max(out, default=0.0)

    def _out(self, box: Bbox | None, side: str) -> float:
        if box is None:
            return 0.0
        frame = self.frame
        out = {"left": frame.x0 - box.x0, "right": box.x1 - frame.x1, "bottom": frame.y0 - box.y0}
        return max(0.0, {**out, "top": box.y1 - frame.y1}[side] / self.dpi)

    def place(self, left: float, right: float, below: float, above: float) -> None:
        """Put the panel between these lines, its labels beside it."""
        width, height = self.axes.figure.get_size_inches()
        place = [left / width, below / height, (right - left) / width, (above - below) / height]
        self.axes.set_position(np.round(place, 5))
        away = {"x": self.label_at["x"] / (above - below), "y": self.label_at["y"] / (right - left)}
        self.axis["x"].set_label_coords(0.5, -round(away["x"], 4))
        outside = 1 + away["y"] if self.axis["y"].get_label_position() == "right" else -away["y"]
        self.axis["y"].set_label_coords(round(outside, 4), 0.5)


def _numbers(axis: Axis, renderer: RendererBase) -> Bbox | None:
    """The box around the numbers at the ticks of an axis [pixel]; its label waits for its place."""
    axis.set_label_coords(0.5, 0.5)
    axis.offsetText.set_visible(bool(axis.get_major_formatter().get_offset()))
    return axis.get_tightbbox(renderer)


def _thickness(axis: Axis, renderer: RendererBase) -> float:
    """Height of the label of an x axis, width of that of a y axis [pixel]."""
    if not axis.label.get_text():
        return 0.0
    box = axis.label.get_window_extent(renderer)
    return box.height if axis.axis_name == "x" else box.width
