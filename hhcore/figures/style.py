"""The look of all figures: fonts, colours, panels, colour bars, legends."""

import functools
import math
import string
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import matplotlib
import matplotlib.style
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.colors import BoundaryNorm, ListedColormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from hhcore.figures.context import Variable, balanced, texts
from hhcore.figures.layout import BAR, lay_out
from hhcore.figures.limits import MAX_COLOURS
from hhcore.figures.titles import after_number, minus

ONE_COLUMN, TWO_COLUMNS = 3.5, 7.2  # journal widths [inch]
DPI = 300
FEW_TICKS = 5

# Okabe and Ito (2008), by contrast on white; their yellow and sky blue are too light for thin lines.
BLUE, VERMILLION, GREEN, PURPLE, ORANGE, BLACK = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#000000"
CATEGORIES = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, BLACK)
GREY = "0.45"
DASHED, DOTTED = {"linestyle": (0, (4, 1.5))}, {"linestyle": (0, (1, 1))}
THRESHOLD = {"color": GREY, "linewidth": 0.6, "linestyle": (0, (4, 2)), "label": "spike threshold"}
DIVERGED = "failed"
NO_VALUE = {"facecolor": "0.94", "edgecolor": "0.7", "hatch": "/////", "linewidth": 0}
FAILED = {"marker": "X", "markersize": 4.5, "color": BLACK, "markeredgecolor": "white", "markeredgewidth": 0.5}

_STYLE = {
    "font.family": "sans-serif",
    # The first comes with matplotlib, so that layouts are the same on every machine. SVG names all: the others have
    # nearly its widths.
    "font.sans-serif": ["DejaVu Sans", "Bitstream Vera Sans", "Verdana", "Geneva"],
    "font.size": 7,
    "axes.titlesize": 7,
    "axes.labelsize": 7,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "legend.fontsize": 6.5,
    "figure.titlesize": 7.5,
    "figure.dpi": DPI,
    "axes.linewidth": 0.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titley": 1.0,  # the same for all, without a search for what may be in the way
    "axes.unicode_minus": True,
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
    "xtick.minor.width": 0.3,
    "ytick.minor.width": 0.3,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.size": 1.5,
    "ytick.minor.size": 1.5,
    "lines.linewidth": 1.0,
    "lines.markersize": 3,
    "hatch.linewidth": 0.4,
    "legend.frameon": False,
    "svg.fonttype": "none",  # text stays text, which can be searched and edited
    "text.parse_math": False,  # a $ in a text of the user is a $
    "svg.hashsalt": "hhcore",
}


def look() -> AbstractContextManager[None]:
    """Our settings of matplotlib, whatever the user's matplotlibrc says, to draw and to save."""
    return matplotlib.style.context(["default", _STYLE])


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Decorate a function that draws a figure: it gets our look and a final layout."""

    @functools.wraps(draw)
    def wrapped(*args: object, **options: object) -> Figure:
        with look():
            figure = draw(*args, **options)
            lay_out(figure)
        return figure

    return wrapped


class Canvas(FigureCanvasAgg):
    """What a user saves has our look too, by `savefig` or in a notebook: in an SVG, text stays text."""

    def print_figure(self, *args: object, **options: object) -> object:
        """As matplotlib's, in our look, with what the user has set for files."""
        own = {name: value for name, value in matplotlib.rcParams.items() if name.startswith("savefig.")}
        with look(), matplotlib.rc_context(own):
            return super().print_figure(*args, **options)


def new_figure(width: float, height: float, title: str, notes: Sequence[str]) -> Figure:
    """An empty figure, `height` [inch] high below its heading, which is the title and the notes."""
    lines = [line for text in (title, *notes) for line in balanced(minus(text), int(16 * width)).splitlines()]
    figure = Figure(figsize=(width, height + 0.16 * len(lines)))
    Canvas(figure)
    figure.suptitle("\n".join(lines), ha="left", linespacing=1.3)
    return figure


def panels(
    title: str, notes: Sequence[str], titles: Sequence[str], x: str, y: str, alike: bool = True
) -> tuple[Figure, list[Axes]]:
    """A figure of equal panels, one per title, that share both axes; `x` and `y` label the outer ones.

    alike : whether they share the y axis too
    """
    count = len(titles)
    columns = {1: 1, 2: 2, 4: 2}.get(count, 3)
    rows = math.ceil(count / columns)
    figure = new_figure(TWO_COLUMNS if count > 1 else ONE_COLUMN, 2.1 * rows + 0.5, title, notes)
    grid = figure.subplots(rows, columns, sharex=True, sharey=alike, squeeze=False).ravel()
    for empty in grid[count:]:
        empty.remove()
    for i, (axes, text) in enumerate(zip(grid, titles, strict=False)):
        axes.set_title(balanced(minus(text), 32))
        if i + columns >= count:
            axes.set_xlabel(x)
            axes.tick_params(labelbottom=True)
        if i % columns == 0:
            axes.set_ylabel(y)
    letter(grid[:count])
    return figure, list(grid[:count])


def letter(panels: Sequence[Axes]) -> None:
    """Call the panels of a figure a, b, c, …, if there are several."""
    if len(panels) > 1:
        for axes, name in zip(panels, string.ascii_lowercase, strict=False):
            axes.set_title(name, loc="left", x=-0.02, ha="right", fontweight="bold")


def text_figure(title: str, lines: Sequence[str]) -> Figure:
    """A figure in words, when there is nothing to plot; its label has the lines, which `save` keeps as the title."""
    wrapped = [part for line in lines for part in balanced(minus(line), 60).splitlines()]
    figure = new_figure(ONE_COLUMN, 0.2 + 0.18 * len(wrapped), title, [])
    figure.set_label("\n".join(minus(line) for line in lines))
    axes = figure.subplots()
    axes.axis("off")
    axes.text(0.0, 1.0, "\n".join(wrapped), transform=axes.transAxes, va="top", linespacing=1.5)
    return figure


def legend_below(figure: Figure, handles: Sequence[Artist]) -> None:
    """Put the legend of a figure under all panels, where it cannot cover data."""
    if handles:
        widest = 0.4 + 0.055 * max(len(handle.get_label()) for handle in handles)  # inch
        columns = max(1, int(figure.get_figwidth() / widest))
        figure.legend(handles=handles, ncols=min(len(handles), columns))


def scale_axis(axes: Axes, which: str, axis: Variable, margin: float = 0.04) -> None:
    """Scale x or y to all values of an axis, with data or without; logarithmic if the values are so spaced."""
    ends = axis.values.min(), axis.values.max()
    low, high = np.log(ends) if axis.is_logarithmic else ends
    space = margin * (high - low)
    limits = np.array([low - space, high + space])
    if axis.is_logarithmic:
        axes.set(**{f"{which}scale": "log"})
        limits = np.exp(limits)
    axes.set(**{f"{which}lim": limits})


def mark_gaps(axes: Axes, x: np.ndarray, values: np.ndarray, colour: object, label: str = "") -> int:
    """Put a cross at the foot of the panel for each NaN in `values`; returns their number."""
    gaps = x[np.isnan(values)]
    cross = {"marker": "x", "linestyle": "none", "color": colour, "markeredgewidth": 0.7}
    if gaps.size:
        axes.plot(gaps, np.full(gaps.size, 0.03), transform=axes.get_xaxis_transform(), label=label, **cross)
    return gaps.size


def value_ticks(axes: Axes, which: str, axis: Variable) -> None:
    """Put ticks at the values of an axis if these are few and far enough apart."""
    values = np.sort(axis.values)
    if (
        not axis.is_logarithmic
        and values.size <= FEW_TICKS
        and np.diff(values).min() >= np.ptp(values) / (2 * FEW_TICKS)
    ):
        axes.set(**{f"{which}ticks": values, f"{which}ticklabels": [minus(text) for text in texts(values)]})


def edges(values: np.ndarray, logarithmic: bool = False) -> np.ndarray:
    """Borders (n + 1,) of cells around sorted values (n,), half way between neighbours."""
    if logarithmic:
        return np.exp(edges(np.log(values)))
    if values.size == 1:
        return values + np.array([-0.5, 0.5])
    between = (values[1:] + values[:-1]) / 2
    return np.concatenate([[2 * values[0] - between[0]], between, [2 * values[-1] - between[-1]]])


def colour_bar(figure: Figure, mappable: ScalarMappable, label: str) -> Colorbar:
    """A colour bar, right of all panels."""
    bar = figure.colorbar(mappable, cax=figure.add_axes((0.9, 0.1, 0.02, 0.8), label=BAR), label=label)
    bar.outline.set_linewidth(0.5)
    return bar


@dataclass(frozen=True, eq=False)
class Colours:
    """Numbers as colours of viridis: one for each of the sorted `levels`, or continuous if that is None."""

    mappable: ScalarMappable
    levels: np.ndarray | None

    def bar(self, figure: Figure, value: Variable) -> list[Patch]:
        """Draw the colour bar, right of all panels, with a mark at the model's own value.

        Returns entries for the legend: that of a single number, which has no bar.
        """
        if self.levels is not None and self.levels.size < 2:
            look = {"color": self.mappable.to_rgba(self.levels), "linewidth": 0}
            label = f"{value.name}: {{:.6g}}{after_number(value.unit)}"
            return [Patch(**look, label=minus(label.format(level))) for level in self.levels]
        bar = colour_bar(figure, self.mappable, value.label)
        if self.levels is not None:
            borders = self.mappable.norm.boundaries
            pairs = zip(self.levels, texts(self.levels), strict=True)
            bar.set_ticks((borders[1:] + borders[:-1]) / 2, labels=[minus(value.marked(*pair)) for pair in pairs])
            bar.ax.tick_params(length=0)
            bar.ax.minorticks_off()
        return []


def level_colours(levels: np.ndarray) -> Colours:
    """One colour for each of the sorted values, without the lightest of viridis, which is lost on white."""
    colours = ListedColormap(matplotlib.colormaps["viridis"](np.linspace(0, 0.9, levels.size)))
    return Colours(ScalarMappable(BoundaryNorm(edges(levels), levels.size), colours), levels)


def value_colours(values: np.ndarray, logarithmic: bool = False, continuous: bool = False) -> Colours:
    """Colours for any values: one for each if they are few, else continuous from the smallest to the largest.

    continuous  : whether few values too have colours that follow their size
    logarithmic : whether colours follow the logarithm, if the values are positive and span a decade
    """
    finite = np.unique(values[np.isfinite(values)])
    if finite.size == 1 or (0 < finite.size <= MAX_COLOURS and not continuous):
        return level_colours(finite)
    if not finite.size:
        return Colours(ScalarMappable(Normalize(0, 1), "viridis"), finite)
    decades = logarithmic and 0 < finite[0] <= finite[-1] / 10
    return Colours(ScalarMappable((LogNorm if decades else Normalize)(finite[0], finite[-1]), "viridis"), None)
