"""The figure of dose-response curves."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, NullFormatter

from hhcore.experiments.treatments import PERCENT
from hhcore.figures import style
from hhcore.figures.context import FigureContext, Variable, column_label, numbers, select, some_of
from hhcore.figures.family import y_limits
from hhcore.figures.limits import MAX_COLOURS, MAX_FACETS
from hhcore.figures.ticks import log_ticks, number
from hhcore.figures.titles import after_number, minus, with_error
from hhcore.protocols.dose_response.hill import FITTED, SHORT, Hill

PLATEAUS = ("at_zero", "at_zero_error", "at_infinity")
WRITTEN = 4  # curves whose IC50 is written
HALF = 50.0  # percent of the control: an effect that goes below is drawn from 0 on
FINE = 200  # points of a curve
GAP = 3.0  # the control stands by this factor below the lowest dose


@style.styled
def dose_response(
    table: pd.DataFrame,
    fits: pd.DataFrame,
    context: FigureContext,
    along: str,
    column: str,
    units: Mapping[str, str],
    alone: bool,
) -> Figure:
    """Each feature, up to six, against the dose of a treatment, coloured by one further axis.

    table  : dose_response, fits : dose_response_fits
    along  : name of the treatment, column : of its dose
    units  : of the features, by their columns
    alone  : whether it is the only treatment, so that dose 0 is the control

    Doses are on a logarithmic axis, the control left of them; blocks are on a linear one. Further axes are held at
    their middle values; the heading says so.
    """
    x = next(axis for axis in context.axes if axis.column == column)
    colour = None if context.zipped else next((a for a in context.free if a.column != column), None)
    table, notes = context.hold(table[table["along"] == along], [x, colour])
    notes += colour.few(MAX_COLOURS) if colour else []
    shown = [*units][:MAX_FACETS]
    notes += some_of(len(shown), len(units), "features")
    levels = colour.spread(MAX_COLOURS) if colour else np.zeros(1)
    colours = style.level_colours(levels)
    labels = [column_label(name, units[name]) for name in shown]
    figure, grid = style.panels(context.title, notes, labels if len(labels) > 1 else [""], x.label, "", alike=False)
    handles, reasons, gaps = [], Counter(), 0
    total = levels.size * len(shown)
    each = levels.size <= WRITTEN and len(shown) == 1
    whole = "control" if alone else f"that without {_words(along)}"
    for panel, name, label in zip(grid, shown, labels, strict=True):
        part = table[table["feature"] == name]
        relative = bool(np.isfinite(numbers(part, "relative")).any())
        panel.set_ylabel(_share(label, whole) if relative else label)
        drawn, halves = [], []
        for level in levels:
            curve = select(part, colour, level).sort_values(column)
            shade = colours.mappable.to_rgba(level) if colour else style.BLUE
            fit = fits[fits["curve"].isin(curve["curve"])].iloc[:1]
            scale = 100.0 / float(fit["control"].iloc[0]) if relative and len(fit) else 1.0
            drawn.append(_draw(panel, curve, _hill(fit), x, shade, scale))
            halves.append((_hill(fit), shade, scale))
            gaps += style.mark_gaps(panel, _places(numbers(curve, column), x), numbers(curve, "value"), shade)
            if each:
                handles.append(_handle(fit, shade, x, colour, level))
            elif _hill(fit) is None and len(fit):
                reasons[_why(fit)] += 1
        values = np.concatenate(drawn)
        y_limits(panel, values, zero=relative and values[np.isfinite(values)].min(initial=HALF) < HALF)
        _mark_halves(panel, halves)
        _scale(panel, x)
    if colour:
        colours.bar(figure, colour)
    handles += [
        Line2D([], [], color=style.GREY, marker="o", linewidth=0.6, label=f"{n} of {total} without a Hill curve: {why}")
        for why, n in reasons.items()
    ]
    cross = Line2D([], [], color=style.GREY, marker="x", linestyle="none", label="no value")
    style.legend_below(figure, [*handles, *([cross] if gaps else [])])
    return figure


def _share(label: str, whole: str) -> str:
    """`Peak (% of control)` of `Peak (mV)`"""
    return f"{label.partition(' (')[0]} (% of {whole})"


def _words(treatment: str) -> str:
    """`block of IKs` of `block.IKs`; a drug is called by its name."""
    return treatment.replace("block.", "block of ", 1) if treatment.startswith("block.") else treatment


def _draw(panel: Axes, curve: pd.DataFrame, found: Hill | None, x: Variable, shade: object, scale: float) -> np.ndarray:
    """Draw the points of one curve and its Hill curve, or thin lines without one; returns the values as drawn."""
    doses, values = numbers(curve, x.column), scale * numbers(curve, "value")
    panel.plot(_places(doses, x), values, marker="o", linestyle="none", color=shade, zorder=3)
    if found is None:
        panel.plot(_places(doses, x), values, color=shade, linewidth=0.6)
        return values
    fine = _fine(doses, x)
    panel.plot(fine, scale * found(fine), color=shade)
    if _is_log(x) and (doses == 0).any():  # the plateau before the first dose
        ends = np.array([_control_place(x), fine[0]])
        panel.plot(ends, scale * np.array([found.at_zero, found(fine[:1])[0]]), color=shade, **style.DOTTED)
    return values


def _mark_halves(panel: Axes, curves: Sequence[tuple[Hill | None, object, float]]) -> None:
    """A line from the foot of the panel to half of each effect; of each curve the fit, the colour and the scale."""
    foot = panel.get_ylim()[0]
    for found, shade, scale in curves:
        if found is not None:
            middle = 0.5 * scale * (found.at_zero + found.at_infinity)
            panel.plot([found.half] * 2, [foot, middle], color=shade, linewidth=0.6, **style.DOTTED)


def _hill(fit: pd.DataFrame) -> Hill | None:
    """The curve from the columns of its fit, None without one."""
    if not len(fit) or fit["fit_status"].iloc[0] != FITTED:
        return None
    half, slope = ("ic50", "ic50_error"), ("hill", "hill_error")
    return Hill(FITTED, *(float(fit[name].iloc[0]) for name in (*half, *slope, *PLATEAUS)))


def _handle(fit: pd.DataFrame, shade: object, x: Variable, colour: Variable | None, level: float) -> Line2D:
    """What the legend says of one curve: its IC50 and Hill coefficient, or why there are none."""
    found, at = _hill(fit), f"{level:g}{after_number(colour.unit)}: " if colour else ""
    if found is None:
        return Line2D([], [], color=shade, marker="o", label=minus(f"{at}no Hill curve: {_why(fit)}"))
    words = f"IC50 {_written(found.half, found.half_error)}{after_number(x.unit)}"
    words += "" if colour else f", Hill coefficient {_written(found.slope, found.slope_error)}"
    return Line2D([], [], color=shade, marker="o", label=minus(f"{at}{words}"))


def _why(fit: pd.DataFrame) -> str:
    """Why a curve has no fit, in a few words."""
    status = str(fit["fit_status"].iloc[0])
    return SHORT["few without a control" if status == "few" and fit["control"].isna().iloc[0] else status]


def _written(value: float, error: float) -> str:
    """A number with its standard error, or in four digits if that is smaller."""
    return f"{value:.4g}" if error < 1e-4 * value else with_error(value, error)


def _is_log(x: Variable) -> bool:
    """Whether doses are concentrations, which span decades, not blocks."""
    return x.unit != PERCENT


def _lowest(x: Variable) -> float:
    return float(x.values[x.values > 0].min())


def _control_place(x: Variable) -> float:
    """Where the control stands on a logarithmic axis."""
    return _lowest(x) / GAP


def _places(doses: np.ndarray, x: Variable) -> np.ndarray:
    return np.where(doses > 0, doses, _control_place(x)) if _is_log(x) else doses


def _fine(doses: np.ndarray, x: Variable) -> np.ndarray:
    """Doses of a smooth curve."""
    low, high = _lowest(x), float(x.values.max())
    return np.geomspace(low, high, FINE) if _is_log(x) else np.linspace(float(doses.min()), high, FINE)


def _scale(panel: Axes, x: Variable) -> None:
    """The axis of doses; a logarithmic one with the control at its left, behind a break."""
    if not _is_log(x):
        style.scale_axis(panel, "x", x)
        return
    low, high = _lowest(x), float(x.values.max())
    has_control = bool((x.values == 0).any())
    begin = _control_place(x) if has_control else low
    panel.set(xscale="log", xlim=(begin / 1.3, high * 1.3))
    labelled, others = log_ticks(low / 1.001, high * 1.001)
    places = [*([begin] if has_control else []), *labelled]
    panel.xaxis.set_major_locator(FixedLocator(places))
    panel.xaxis.set_major_formatter(FixedFormatter([*(["0"] if has_control else []), *map(number, labelled)]))
    panel.xaxis.set_minor_locator(FixedLocator(others))
    panel.xaxis.set_minor_formatter(NullFormatter())
    if has_control:
        middle = float(np.sqrt(begin * low))
        slashes = {"transform": panel.get_xaxis_transform(), "clip_on": False, "zorder": 4}
        panel.plot([middle], [0.0], marker="s", markersize=4, color="white", linestyle="none", **slashes)
        for factor in (0.93, 1.07):
            mark = {"marker": [(-0.4, -1), (0.4, 1)], "markersize": 5, "color": "black", "markeredgewidth": 0.5}
            panel.plot([middle * factor], [0.0], linestyle="none", **mark, **slashes)
