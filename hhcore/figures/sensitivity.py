"""Sampled designs: a feature against each sampled quantity, F-I curves of all neurons together, Sobol indices."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from hhcore.figures import style
from hhcore.figures.context import Plan, Variable, numbers, some_of
from hhcore.figures.family import limits
from hhcore.figures.fi import RATE, STEADY
from hhcore.figures.style import BLUE, GREY, ORANGE

APD, FIRING = Variable("apd90_ms", "APD90", "ms"), Variable("firing_rate_Hz", "Firing rate", "Hz")
CURVES = 40  # drawn one by one
MOST_QUANTITIES = 12  # with bars
MOST_PANELS = 9  # of a scatter
SHOWN = (-0.25, 1.25)  # indices beyond are cut off: only an estimate from too few points is there
BARS = (("first_order", BLUE, "first order", 0.2), ("total", ORANGE, "total", -0.2))


@style.styled
def sample_scatter(table: pd.DataFrame, plan: Plan) -> Figure:
    """Firing rate, or of paced cells APD90, against each sampled quantity: a point for each point of the design.

    table : features: one row per neuron with the columns of what varies, firing_rate_Hz and, of paced cells, apd90_ms

    Axes are held at their middle values; the heading says so. Neurons without a value are crossed.
    """
    y = APD if APD.column in table else FIRING
    table, notes = _hold(table, plan)
    notes += some_of(len(table), plan.points, "points of the design")
    shown = plan.sampled[:MOST_PANELS]
    if len(shown) < len(plan.sampled):
        notes.append(f"the first {len(shown)} of {len(plan.sampled)} sampled quantities")
    columns = min(3, len(shown))
    rows = -(-len(shown) // columns)
    width = style.ONE_COLUMN if columns == 1 else style.TWO_COLUMNS
    figure = style.new_figure(width, 2.2 * rows + 0.3, plan.title, notes)
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
    for empty in grid[len(shown) :]:
        empty.remove()
    up, gaps = numbers(table, y.column), 0
    for i, (panel, x) in enumerate(zip(grid, shown, strict=False)):
        along = numbers(table, x.column)
        size = 10.0 if len(along) < 300 else 4.0
        panel.scatter(along, up, s=size, color=BLUE, alpha=0.6, linewidth=0, rasterized=True)
        gaps = style.mark_gaps(panel, along, up, style.VERMILLION)
        panel.set_xlabel(x.label)
        if i % columns == 0:
            panel.set_ylabel(f"{y.name} ({y.unit})")
    limits(grid[0], up)
    look = {"marker": "x", "linestyle": "none", "color": style.VERMILLION}
    style.legend_below(figure, [Line2D([], [], label=f"no value ({gaps:,})", **look)] if gaps else [])
    return figure


@style.styled
def sampled_curves(table: pd.DataFrame, plan: Plan) -> Figure:
    """Steady firing rate against amplitude of all neurons of a design: median, middle nine tenths, and some curves.

    table : fi_curves: one row per (curve, amplitude) with the columns of what varies and steady_rate_Hz

    Further axes are held at their middle values; the heading says so.
    """
    (x,) = (axis for axis in plan.axes if axis.column == plan.along)
    table, notes = plan.hold(table, [x])
    table = table.assign(rate=numbers(table, STEADY.column)).drop_duplicates(["curve", x.column])
    rates = table.pivot(index="curve", columns=x.column, values="rate")
    along, known = rates.columns.to_numpy(), rates.notna().any().to_numpy()
    count = some_of(len(rates), plan.points, "neurons") or [f"{len(rates):,} neurons"]
    figure, [panel] = style.panels(plan.title, [*count, *notes], [""], x.label, RATE)
    marker = "o" if len(along) == 1 else ""
    for rate in rates.to_numpy()[:CURVES]:
        panel.plot(along, rate, color=GREY, linewidth=0.3, alpha=0.5, marker=marker)
    low, median, high = np.full((3, len(along)), np.nan)
    low[known], median[known], high[known] = np.nanpercentile(rates.to_numpy()[:, known], [5, 50, 95], axis=0)
    panel.fill_between(along, low, high, color=BLUE, alpha=0.25, linewidth=0)
    panel.plot(along, median, color=BLUE, marker=marker)
    if len(along) > 1:
        style.scale_axis(panel, "x", x)
    limits(panel, rates.to_numpy())
    single = f"single neurons ({min(CURVES, len(rates))} of {len(rates):,})"
    handles = [
        Line2D([], [], color=BLUE, label="median"),
        Patch(color=BLUE, alpha=0.25, linewidth=0, label="5 to 95 %"),
    ]
    style.legend_below(figure, [*handles, Line2D([], [], color=GREY, linewidth=0.5, label=single)])
    return figure


@style.styled
def sobol_indices(table: pd.DataFrame, plan: Plan) -> Figure:
    """First-order and total indices of every feature as bars with their 95 % confidence intervals, a panel for each.

    table : sobol_indices: one row per values of the axes, feature and sampled quantity

    Features of single neurons are those at the middle values of the axes; the heading says so, and names the features
    that have no indices. Of many quantities, those with the largest total index are shown.
    """
    own, notes = _hold(table, plan)
    if plan.along in table:
        whole = table[table[plan.along].isna()]
        for axis in plan.axes:
            whole = whole[(whole[axis.column] == axis.middle) | (axis.column == plan.along)]
        own = pd.concat([whole, own])
        notes = [f"features of single neurons {note}" for note in notes]
    defined = own[own["total"].notna()]
    notes += _undefined(own[own["total"].isna()].drop_duplicates("feature"))
    features = defined["feature"].unique()
    if not len(features):
        return style.text_figure(plan.title, ["No feature has Sobol indices.", *notes])
    largest = defined.groupby("parameter")["total"].max().sort_values(ascending=False, kind="stable")
    shown = [q.name for q in plan.sampled if q.name in largest.index[:MOST_QUANTITIES]]
    if len(shown) < len(largest):
        notes.append(f"the {len(shown)} of {len(largest)} quantities with the largest total index")
    figure, grid = style.panels(plan.title, notes, list(features), "Share of the variance", "")
    for panel, feature in zip(grid, features, strict=True):
        _bars(panel, defined[defined["feature"] == feature].set_index("parameter").loc[shown])
    ends = [(defined[name] + side * defined[f"{name}_ci95"]) for name, *_ in BARS for side in (-1, 1)]
    least, most = min(0.0, *(end.min() for end in ends)), max(1.0, *(end.max() for end in ends))
    grid[0].set(yticks=range(len(shown)), yticklabels=shown, ylim=(len(shown) - 0.5, -0.5))
    grid[0].set_xlim(max(SHOWN[0], least - 0.02), min(SHOWN[1], most + 0.02))
    handles = [Patch(color=colour, linewidth=0, label=label) for _, colour, label, _ in BARS]
    interval = Line2D([], [], color=style.BLACK, linewidth=0.7, label="95 % confidence interval")
    style.legend_below(figure, [*handles, interval])
    return figure


def _bars(panel: Axes, part: pd.DataFrame) -> None:
    place = np.arange(len(part))
    whiskers = {"ecolor": style.BLACK, "elinewidth": 0.7, "capsize": 1.5, "capthick": 0.7}
    for name, colour, _, shift in BARS:
        values, error = numbers(part, name), numbers(part, f"{name}_ci95")
        panel.barh(place - shift, values, height=0.38, color=colour, xerr=error, error_kw=whiskers)
    panel.axvline(0.0, color=style.BLACK, linewidth=0.5)


def _undefined(features: pd.DataFrame) -> list[str]:
    """A note that names features without indices, and why."""
    words = [
        f"{row.feature} ({f'{row.undefined:,} of {row.points:,} points lack it' if row.undefined else 'constant'})"
        for row in features.itertuples()
    ]
    return [f"no indices: {', '.join(words)}"] if words else []


def _hold(table: pd.DataFrame, plan: Plan) -> tuple[pd.DataFrame, list[str]]:
    """The rows in which all axes have their middle values, of zipped ones those of the middle point; and notes."""
    if not plan.zipped:
        return plan.hold(table, [])
    middle = plan.middle(plan.axes)
    for axis, value in middle:
        table = table[table[axis.column] == value]
    return table, [f"at {', '.join(axis.at(value) for axis, value in middle)}"]
