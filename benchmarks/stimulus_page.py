"""The table and the figure of docs/stimuli.md, from what the kinds of stimuli declare.

python -m benchmarks.stimulus_page
"""

import re
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hhcore.base.checks import Key
from hhcore.base.units import pretty_unit
from hhcore.compile.parts import HOLDING
from hhcore.figures import style
from hhcore.simulation.stimuli import kinds
from hhcore.simulation.stimuli.stimulus import Stimulus

DOCS = Path(__file__).parents[1] / "docs"
PAGE, FIGURE = DOCS / "stimuli.md", DOCS / "figures" / "stimuli.png"
TABLE = re.compile(r"(?<=<!-- kinds -->\n).*?(?=<!-- end -->)", re.DOTALL)
COLUMNS = 4

# Of each kind: its fields; lengths to be shown, from, to, and at which height; until 100 ms.
DRAWN: dict[str, tuple[dict[str, float], dict[str, tuple[float, float, float]]]] = {
    "step": ({"amplitude": 10, "start": 20, "stop": 80}, {}),
    "pulse": ({"amplitude": 10, "width": 30, "start": 30}, {"width": (30, 60, 12)}),
    "pulse_train": (
        {"amplitude": 10, "width": 12, "period": 28, "start": 10},
        {"width": (38, 50, 12), "period": (10, 38, -2)},
    ),
    "ramp": ({"amplitude": 10, "start_amplitude": 2, "start": 20, "stop": 80}, {}),
    "triangle": ({"amplitude": 10, "start": 20, "stop": 80}, {}),
    "paired_pulses": (
        {"amplitude": 10, "width": 12, "interval": 45, "amplitude_ratio": 0.7, "start": 20},
        {"width": (65, 77, 9), "interval": (20, 65, -2)},
    ),
    "biphasic": (
        {"amplitude": 10, "width": 14, "gap": 16, "width_ratio": 2.0, "start": 20},
        {"width": (20, 34, 12), "gap": (34, 50, 2)},
    ),
    "staircase": (
        {"amplitude": 2, "increment": 2, "width": 14, "number": 5, "start": 15},
        {"width": (29, 43, 7)},
    ),
    "sine": ({"amplitude": 10, "frequency": 50, "start": 20, "stop": 80}, {}),
    "chirp": ({"amplitude": 10, "start_frequency": 10, "stop_frequency": 120, "start": 10, "stop": 95}, {}),
    "noise": (
        {"mean": 5, "sd": 2, "correlation_time": 5, "interval": 0.5, "seed": 3, "start": 10, "stop": 90},
        {},
    ),
    "sahp": ({"amplitude": 10, "long_amplitude": 4, "start": 12, "tmid": 37, "tmid2": 64, "stop": 92}, {}),
    "hyper_depol": ({"hyper_amplitude": -5, "depol_amplitude": 10, "start": 20, "tmid": 50, "stop": 80}, {}),
}
DURATION = 100.0
UNITS = {"1": "", "frequency": "Hz"}
DIFFERENCES = ("increment", "sd")  # currents that are no level
TICKS = ("start", "tmid", "tmid2", "stop")
NOT_DRAWN = {
    "events": "a table",
    "waveform": "what a file has",
    "file": "the formula of the model file",
    "sum": "made of others",
    "shock": "no current",
}


def table() -> str:
    """The kinds, a row for each, in Markdown."""
    rows = ["| `kind` | its fields | elsewhere |", "|---|---|---|"]
    known = kinds()
    for kind in (known[name] for name in [*DRAWN, *NOT_DRAWN]):
        keys = {name: key for name, key in kind.keys().items() if name not in ("kind", HOLDING)}
        fields = "<br>".join(_field(name, key) for name, key in keys.items())
        elsewhere = ", ".join(f"`{name}`" for name in kind.elsewhere)
        rows.append(f"| **`{kind.kind}`**<br>{kind.title} | {fields} | {elsewhere} |")
    return "\n".join(rows) + "\n"


def _field(name: str, key: Key) -> str:
    """A field or a setting with its unit or its words, and its default."""
    values = UNITS.get(key.unit, pretty_unit(key.unit)) or " or ".join(f"`{word}`" for word in key.legal)
    notes = ", ".join(filter(None, [values, f"by default {key.otherwise}" if key.otherwise else ""]))
    return f"`{name}`: {key.meaning}" + (f" ({notes})" if notes else "")


@style.styled
def draw() -> Figure:
    """Current over time of each kind."""
    rows = -(-len(DRAWN) // COLUMNS)
    figure = style.new_figure(style.TWO_COLUMNS, 1.35 * rows, "", [])
    panels = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for axes, name in zip(panels, DRAWN, strict=False):
        _draw_kind(axes, name)
    for empty in panels[len(DRAWN) :]:
        empty.remove()
    return figure


def _draw_kind(axes: Axes, name: str) -> None:
    """A panel, with the names of fields where their values are."""
    kind, (fields, lengths) = kinds()[name], DRAWN[name]
    values = kind.defaults(DURATION) | fields
    axes.axhline(0, color="0.8", linewidth=0.5)
    axes.plot(*course(kind, values, DURATION), color=style.BLUE, linewidth=0.9)
    times = {field: values[field] for field in TICKS if 0 < values.get(field, 0) < DURATION}
    levels = {n: v for n, v in fields.items() if kind.fields[n].unit == "current" and n not in DIFFERENCES}
    axes.set_xticks(list(times.values()), list(times))
    axes.set_yticks([0, *levels.values()], ["0", *levels])
    axes.set_title(name)
    low, high = axes.get_ylim()
    heights = [height for *_, height in lengths.values()]
    axes.set_ylim(min([low, *(h - 2.5 for h in heights)]), max([high, *(h + 2.5 for h in heights)]))
    for label, (begin, end, height) in lengths.items():
        look = {"arrowstyle": "<->", "linewidth": 0.5, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 4}
        axes.annotate("", (begin, height), (end, height), arrowprops=look)
        above = height >= 0
        axes.annotate(
            label, ((begin + end) / 2, height), (0, 2 if above else -2), textcoords="offset points", fontsize=5.5,
            ha="center", va="bottom" if above else "top",
        )  # fmt: skip


def course(kind: type[Stimulus], values: dict[str, float], duration: float) -> tuple[np.ndarray, np.ndarray]:
    """Times (n,) and the current (n,) at them, with both values where it jumps."""
    fields = np.array([[values[name] for name in kind.fields]])
    (numbers,) = kind.table(fields, duration, 1.0, np.empty((1, 0)))
    edges, current = kind.twin(dict(zip(kind.numbers(), numbers, strict=True)) | values, duration, 1.0)
    beside = [t for edge in edges for t in (np.nextafter(edge, 0.0), edge)]
    times = np.sort([*np.linspace(0, duration, 2000, endpoint=False), *(t for t in beside if 0 <= t < duration)])
    return times, np.array([current(t) for t in times])


def main() -> None:
    """Write both."""
    draw().savefig(FIGURE, dpi=110)
    PAGE.write_text(TABLE.sub(lambda _: table(), PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
