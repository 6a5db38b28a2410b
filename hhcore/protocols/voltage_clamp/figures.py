"""Figures of voltage clamp: families of currents, current-voltage curves, fitted curves, time constants, the window."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hhcore.base.units import column_name
from hhcore.figures import style
from hhcore.figures.context import FigureContext, Variable, balanced, numbers, quantity, select, some_of, with_unit
from hhcore.figures.family import y_limits
from hhcore.figures.limits import MAX_COLOURS, MAX_FACETS
from hhcore.model.variables import TOTAL
from hhcore.protocols.voltage_clamp.current_voltage import jumping
from hhcore.protocols.voltage_clamp.fits import FITTED
from hhcore.protocols.voltage_clamp.protocol import potential_of

if TYPE_CHECKING:
    from hhcore.protocols.voltage_clamp.decays import Decays
    from hhcore.protocols.voltage_clamp.families import Families
    from hhcore.protocols.voltage_clamp.fitted import Fitted
    from hhcore.protocols.voltage_clamp.iv import CurrentVoltage
    from hhcore.protocols.voltage_clamp.protocol import VoltageClamp
    from hhcore.protocols.voltage_clamp.window import WindowCurrent

MAX_SEGMENTS, MAX_CURRENTS = 4, 4  # columns and rows of panels of a family
SETTLED = 0.01  # of its largest change: a current that is as near to its value at the end does not change any more
SAMPLED = 40  # curves of a sampled design, drawn one by one
POTENTIAL = "Membrane potential (mV)"
ZERO = {"color": style.GREY, "linewidth": 0.4, "zorder": 0}


@dataclass(frozen=True, eq=False)
class Layout:
    """How curves of a grid share panels: which axis has the colours, which the panels; the rows that are drawn."""

    table: pd.DataFrame
    colour: Variable | None
    facet: Variable | None
    notes: list[str]

    @property
    def facets(self) -> Sequence[float | None]:
        return list(self.facet.spread(MAX_FACETS)) if self.facet else [None]

    @property
    def titles(self) -> list[str]:
        facet = self.facet
        return [facet.marked(value, facet.at(value)) for value in self.facets] if facet else [""]

    @property
    def levels(self) -> np.ndarray:
        return self.colour.spread(MAX_COLOURS) if self.colour else np.zeros(1)

    def shade(self, level: float) -> object:
        return style.level_colours(self.levels).mappable.to_rgba(level) if self.colour else style.BLUE

    def bar(self, figure: Figure) -> list:
        """The colour bar, or entries for the legend."""
        return style.level_colours(self.levels).bar(figure, self.colour) if self.colour else []


def layout(table: pd.DataFrame, context: FigureContext, along: Sequence[str], panels: bool = True) -> Layout:
    """Curves along the columns `along`: further axes make colours and, if wanted, panels, or are at middle values."""
    along_axes = [axis for axis in context.free if axis.column in along]
    others = [] if context.zipped else [axis for axis in context.free if axis.column not in along]
    colour, facet = (*others[: 2 if panels else 1], None, None)[:2]
    table, notes = context.hold(table, [*along_axes, colour, facet])
    for axis, most in ((colour, MAX_COLOURS), (facet, MAX_FACETS)):
        notes += axis.few(most) if axis else []
    return Layout(table, colour, facet, notes)


@style.styled
def family_of_currents(table: pd.DataFrame, context: FigureContext, analysis: "Families") -> Figure:
    """The command below, currents above, a column for each segment, coloured by the potential that varies.

    The segments are those that analyses are about, or whose potential varies. Each is shown until the current that the
    config names has settled.

    table : currents, of one family of neurons
    """
    p, x = analysis.protocol, _axis(context, analysis.curves.column)
    segments = _segments(table, p)
    sizes = {name: numbers(table, column_name(name, p.unit)) for name in p.currents}
    shown = _most_of(sizes, p.current, MAX_CURRENTS)
    title, notes = context.title, some_of(len(segments), len(p.segments), "segments")
    notes += some_of(len(shown), len(p.currents), "currents")
    _, held = context.hold(table, [axis for axis in context.free if axis.column == analysis.curves.column])
    heights = [*[1.2] * len(shown), 0.8]
    figure = style.new_figure(style.TWO_COLUMNS, 0.85 * sum(heights) + 0.5, title, [*held, *notes])
    grid = figure.subplots(len(heights), len(segments), sharex="col", squeeze=False, height_ratios=heights)
    neurons = table["neuron"].unique()
    values = table.groupby("neuron", sort=False)[x.column].first().to_numpy() if x else np.zeros(len(neurons))
    colours = style.value_colours(values, continuous=True)
    for panels, segment in zip(grid.T, segments, strict=True):
        part = table[table["segment"] == segment]
        panels[0].set_title(segment)
        for neuron, value in zip(neurons, values, strict=True):
            course = part[part["neuron"] == neuron]
            look = {"color": colours.mappable.to_rgba(value) if x else style.BLUE, "linewidth": 0.7}
            for panel, name in zip(panels, shown, strict=False):
                panel.plot(course["segment_time_ms"], course[column_name(name, p.unit)], **look)
            panels[-1].plot(course["segment_time_ms"], course["potential_mV"], **look)
        for panel in panels[:-1]:
            panel.axhline(0.0, **ZERO)
        panels[-1].set(xlabel="Time in segment (ms)", xlim=(0.0, _until(part, column_name(p.current, p.unit))))
        panels[-1].sharey(grid[-1, 0])
    for panel, name in zip(grid[:, 0], [*shown, ""], strict=True):
        panel.set_ylabel(with_unit(name, p.unit).replace(" (", "\n(") if name else "Potential\n(mV)")
    handles = colours.bar(figure, x) if x else []
    style.legend_below(figure, handles)
    return figure


@style.styled
def current_voltage(
    table: pd.DataFrame, summary: pd.DataFrame, context: FigureContext, analysis: "CurrentVoltage"
) -> Figure:
    """Peak and last current against the potential, for each segment whose potential varies.

    table, summary : iv and iv_summary

    A further axis has the colours; without one, every current has its own, and those that the config does not name
    have a panel of their own, since they may be far larger. Further axes are at their middle values.
    """
    p, e = analysis.protocol, analysis.experiment
    plan = layout(table, context, [e.column(name) for name in analysis.curves.shared], panels=False)
    segments = [name for name in p.segments if (summary["segment"] == name).any()] or [p.test]
    own = plan.colour is None and not context.sampled
    sizes = {name: numbers(part, column_name("peak", p.unit)) for name, part in plan.table.groupby("current")}
    currents = _most_of(sizes, p.current, len(style.CATEGORIES)) if own else [p.current]
    shades = dict(zip(currents, (style.BLACK, *style.CATEGORIES), strict=False))
    notes = [*plan.notes, *(some_of(len(currents), len(p.currents), "currents") if own else [])]
    apart = own and p.current != TOTAL and len(currents) > 1
    drawn = [(name, group) for name in segments for group in ((currents[:1], currents[1:]) if apart else (currents,))]
    titles = [f"segment {name}" if p.named else "" for name, _ in drawn]
    if apart:
        words = (group[0] if p.current in group else "other currents" for _, group in drawn)
        titles = [", ".join(filter(None, pair)) for pair in zip(titles, words, strict=True)]
    figure, grid = style.panels(context.title, notes, titles, POTENTIAL, with_unit("Current", p.unit), alike=not apart)
    for panel, (segment, group) in zip(grid, drawn, strict=True):
        part = plan.table[plan.table["segment"] == segment]
        for current in group:
            for level in plan.levels:
                shade = shades[current] if own else plan.shade(level)
                for curve in _curves(select(part[part["current"] == current], plan.colour, level), context):
                    V, last = (numbers(curve, name) for name in ("potential_mV", column_name("last", p.unit)))
                    peak = numbers(curve, column_name("peak", p.unit))
                    gaps = np.flatnonzero(jumping(peak, curve["both_ways"].to_numpy(bool))) + 1
                    panel.plot(*(np.insert(values, gaps, np.nan) for values in (V, peak)), color=shade, marker="o")
                    panel.plot(V, last, color=shade, **style.DASHED)
        panel.axhline(0.0, **ZERO)
    handles = [Line2D([], [], color=shades[name], label=name) for name in currents] if own else plan.bar(figure)
    handles += [Line2D([], [], color=style.GREY, marker="o", label="peak" if own else f"{p.current}, peak")]
    handles += [Line2D([], [], color=style.GREY, **style.DASHED, label="at the end")]
    style.legend_below(figure, handles)
    return figure


@style.styled
def fitted_curves(table: pd.DataFrame, fits: pd.DataFrame, context: FigureContext, analysis: "Fitted") -> Figure:
    """Points and the function fitted to them, coloured by one further axis, in panels by the next one.

    table, fits : the points and the fits of an analysis; of a sampled design, some curves
    """
    curves = analysis.curves
    e = curves.experiment
    x = _axis(context, curves.column) or quantity(e, curves.quantity)
    plan = layout(table, context, [e.column(name) for name in curves.shared])
    table, notes = plan.table, [*plan.notes]
    if context.sampled:
        chosen = table["curve"].unique()[:SAMPLED]
        notes += some_of(len(chosen), context.points, "curves")
        table = table[table["curve"].isin(chosen)]
    alone = table["curve"].nunique() == 1
    notes += [analysis.words(fits.loc[fits["curve"] == table["curve"].iloc[0]].iloc[0])] if alone else []
    figure, grid = style.panels(context.title, notes, plan.titles, x.label, balanced(analysis.label, 30))
    fits = fits.set_index("curve")
    for panel, value in zip(grid, plan.facets, strict=True):
        for level in plan.levels:
            part = select(select(table, plan.facet, value), plan.colour, level)
            for number, curve in part.groupby("curve", sort=False):
                _points_and_fit(panel, curve, fits.loc[number], x, plan.shade(level), analysis)
    y_limits(grid[0], numbers(table, analysis.fitted), analysis.from_zero)
    style.legend_below(figure, plan.bar(figure))
    return figure


def _points_and_fit(
    panel: Axes, curve: pd.DataFrame, fit: pd.Series, x: Variable, shade: object, analysis: "Fitted"
) -> None:
    at = numbers(curve, x.column)
    panel.plot(at, numbers(curve, analysis.fitted), "o", color=shade)
    if fit["fit_status"] == FITTED:
        dense = np.linspace(at.min(), at.max(), 200)
        panel.plot(dense, analysis.function(fit, dense), color=shade)


@style.styled
def decays(table: pd.DataFrame, context: FigureContext, analysis: "Decays") -> Figure:
    """Time constants with standard errors against the potential, a panel for each segment; before them tail currents.

    table : time_constants or deactivation

    A further axis has the colours. Of two time constants, that with the smaller amplitude is an open circle.
    """
    along = {name: _axis(context, analysis.along(name)) for name in analysis.segments}
    plan = layout(table, context, [axis.column for axis in along.values() if axis], panels=False)
    tails = list(analysis.segments) if analysis.tails else []
    count = len(tails) + len(analysis.segments)
    figure = style.new_figure(style.TWO_COLUMNS if count > 1 else style.ONE_COLUMN, 2.6, context.title, plan.notes)
    grid = figure.subplots(1, count, squeeze=False)[0]
    draw = [_tail_currents] * len(tails) + [_time_constants] * len(analysis.segments)
    for panel, drawn, segment in zip(grid, draw, [*tails, *analysis.segments], strict=True):
        x = along[segment]
        of_segment = x is None or x.name == potential_of(analysis.experiment.stimulus, segment)
        x = Variable("potential_mV", "Membrane potential", "mV") if of_segment else x
        for level in plan.levels:
            part = select(plan.table[plan.table["segment"] == segment], plan.colour, level)
            for curve in _curves(part, context, x.column):
                drawn(panel, curve, x.column, plan.shade(level), analysis)
        panel.set_xlabel(x.label)
        panel.set_title(f"segment {segment}")
    style.letter(grid)
    handles = plan.bar(figure)
    if (plan.table["tau_second_ms"].notna()).any():
        dot = {"color": style.GREY, "marker": "o", "linestyle": "none"}
        handles += [Line2D([], [], **dot, label="time constant, of two that of the larger component")]
        handles += [Line2D([], [], **dot, markerfacecolor="white", label="smaller component")]
    style.legend_below(figure, handles)
    return figure


def _tail_currents(panel: Axes, part: pd.DataFrame, x: str, shade: object, analysis: "Decays") -> None:
    p = analysis.protocol
    panel.plot(numbers(part, x), numbers(part, column_name("first_current", p.unit)), marker="o", color=shade)
    panel.axhline(0.0, **ZERO)
    panel.set_ylabel(with_unit(f"Tail current {p.current}", p.unit))


def _time_constants(panel: Axes, part: pd.DataFrame, x: str, shade: object, analysis: "Decays") -> None:
    for name, face in (("tau", shade), ("tau_second", "white")):
        values, errors = numbers(part, f"{name}_ms"), numbers(part, f"{name}_error_ms")
        look = {"marker": "o", "markerfacecolor": face, "linewidth": 0.8 if name == "tau" else 0, "elinewidth": 0.6}
        panel.errorbar(numbers(part, x), values, np.nan_to_num(errors), color=shade, **look)
    panel.set_ylabel("Time constant (ms)")
    panel.set_ylim(bottom=0.0)


@style.styled
def window(table: pd.DataFrame, peaks: pd.DataFrame, context: FigureContext, analysis: "WindowCurrent") -> Figure:
    """Activation, inactivation and their product, enlarged in a second panel, coloured by a further axis.

    table, peaks : window and window_peaks
    """
    if not len(table):
        return style.text_figure(context.title, ["No window: activation or inactivation has no fit."])
    shown = [axis.column for axis in context.axes if axis.column not in table]
    plan = layout(table, context, shown, panels=False)
    figure = style.new_figure(style.TWO_COLUMNS, 2.6, context.title, plan.notes)
    grid = figure.subplots(1, 2)
    for level in plan.levels:
        part = select(plan.table, plan.colour, level)
        for _, pair in part.groupby("pair", sort=False):
            V, shade = numbers(pair, "potential_mV"), plan.shade(level)
            grid[0].plot(V, numbers(pair, "activation"), color=shade)
            grid[0].plot(V, numbers(pair, "inactivation"), color=shade, **style.DASHED)
            grid[1].plot(V, 100.0 * numbers(pair, "open_probability"), color=shade)
    changes = np.maximum(*(table[name] * (1.0 - table[name]) for name in ("activation", "inactivation"))) > 1e-3
    ends = table["potential_mV"][changes].agg(["min", "max"])
    for panel, label in zip(grid, ("Normalised", "Open probability (%)"), strict=True):
        panel.set(xlabel=POTENTIAL, ylabel=label, xlim=ends)
    style.letter(grid)
    curves = [Line2D([], [], color=style.GREY, label="activation")]
    curves += [Line2D([], [], color=style.GREY, **style.DASHED, label="inactivation")]
    style.legend_below(figure, [*plan.bar(figure), *curves])
    return figure


def _curves(part: pd.DataFrame, context: FigureContext, x: str = "potential_mV") -> list[pd.DataFrame]:
    """The rows of each curve in increasing x: one curve, or some of the points of a sampled design."""
    part, columns = part.sort_values(x), [variable.column for variable in context.sampled]
    return [curve for _, curve in part.groupby(columns, sort=False)][:SAMPLED] if columns else [part]


def _most_of(sizes: Mapping[str, np.ndarray], first: str, most: int) -> list[str]:
    """The names of the most currents that are largest, by their values; `first` comes first."""
    size = {name: np.nanmax(np.abs(values), initial=0.0) for name, values in sizes.items()}
    return sorted(sizes, key=lambda name: (name != first, -size[name]))[:most]


def _axis(context: FigureContext, column: str) -> Variable | None:
    """The axis of a column, None if it is not swept."""
    return next((axis for axis in context.free if axis.column == column), None)


def _segments(table: pd.DataFrame, protocol: "VoltageClamp") -> list[str]:
    """The segments that analyses are about, and those whose potential varies between neurons or along a ramp."""
    spans = table.groupby("segment")["potential_mV"].agg(np.ptp)
    return [name for name in protocol.segments if name in protocol.shown or spans.get(name, 0.0) > 0][:MAX_SEGMENTS]


def _until(course: pd.DataFrame, column: str) -> float:
    """The time in a segment [ms] up to which some neuron's current changes, and a quarter more; at most all of it.

    course : rows of one segment; column : the current
    """
    away = (course[column] - course.groupby("neuron")[column].transform("last")).abs()
    settled, end = course["segment_time_ms"][away > SETTLED * away.max()].max(), course["segment_time_ms"].max()
    return float(min(1.25 * settled, end)) if settled > 0 else float(end)
