"""A page for every model of the catalogue, docs/models/, from the model files and a few runs.

python -m benchmarks.model_pages [NAME ...]
"""

import json
import sys
from functools import reduce
from operator import getitem
from pathlib import Path

import myokit
import numpy as np
import yaml
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from myokit.formats.latex import LatexExpressionWriter

import hhcore
from hhcore.base.units import pretty_unit
from hhcore.figures import style
from hhcore.figures.family import plot_with_jumps
from hhcore.model.model import CATALOGUE, Model
from hhcore.model.units import written_unit
from hhcore.model.variants import read_variants

FOLDER = Path(__file__).parents[1] / "docs" / "models"
DATA = Path(__file__).parents[1] / "tests" / "data"
FEW = 4  # variants in a figure

# Stimulus and duration of the trace, largest amplitude of the F-I curve; a paced cell has none.
STEPS = {
    "connor_stevens_1971": (10.0, 200.0, 40.0),
    "destexhe_1996": (1.0, 600.0, 10.0),
    "fitzhugh_nagumo_1961": (0.5, 200.0, 2.0),
    "hindmarsh_rose_1984": (2.0, 1500.0, 5.0),
    "hodgkin_huxley_1952": (10.0, 60.0, 70.0),
    "morris_lecar_1981": (100.0, 500.0, 230.0),
    "pinsky_rinzel_1994": (0.75, 1000.0, 2.5),
    "pospischil_2008": (3.0, 500.0, 10.0),
    "prinz_2003": (0.0, 3000.0, 5.0),
    "traub_miles_1991": (3.0, 100.0, 20.0),
    "wang_buzsaki_1996": (1.0, 200.0, 10.0),
}
PULSES = {
    "beeler_reuter_1977": hhcore.PulseTrain(30.0, 2.0, 1000.0, start=50.0),
    "luo_rudy_1991": hhcore.PulseTrain(80.0, 0.5, 1000.0, start=50.0),
    "noble_1962": hhcore.Step(0.0),
    "ten_tusscher_panfilov_2006": hhcore.PulseTrain(52.0, 1.0, 1000.0, start=50.0),
}


@style.styled
def draw(name: str) -> Figure:
    """Potential over time, and the firing rate over the current, a line for each variant."""
    model = hhcore.load_model(name)
    variants = list(read_variants(model.myokit, name).values())[:FEW]
    sets = [(v.name, {k: x for k, x in v.values.items() if k in model.parameters}) for v in variants] or [("", {})]
    figure = style.new_figure(style.TWO_COLUMNS, 2.2, "", [])
    axes = figure.subplots(1, 2 if name in STEPS else 1, squeeze=False)[0]
    for i, ((label, values), colour) in enumerate(zip(sets, style.CATEGORIES, strict=False)):
        if i == 0 or name in PULSES:  # trains of spikes hide each other
            trace_curve(axes[0], model, values, colour, label)
        if name in STEPS:
            rate_curve(axes[1], model, values, colour, label)
    axes[0].set(xlabel="Time (ms)", ylabel=potential_label(model))
    if name in STEPS:
        unit = pretty_unit(model.current.unit)
        axes[1].set(xlabel="Stimulus" + (f" ({unit})" if unit != "1" else ""), ylim=(0, None))
        axes[1].set(ylabel="Steady firing rate (Hz)")
    if len(sets) > 1:
        axes[-1].legend(frameon=False, fontsize=6)
    return figure


def potential_label(model: Model) -> str:
    """The label of the axis of the potential."""
    unit = model.states[model.potential].unit
    return f"Membrane potential ({unit})" if unit != "1" else model.potential.rsplit(".", 1)[-1]


def trace_curve(axes: Axes, model: Model, values: dict[str, float], colour: str, label: str) -> None:
    """Potential over time."""
    if model.name in STEPS:
        amplitude, duration, _ = STEPS[model.name]
        step = hhcore.Step(amplitude, 0.1 * duration)
        run = hhcore.trace(model, values, step, duration=duration, interval=duration / 4000)
    else:
        settings = {"initial_state": "model", "method": "rodas5p", "interval": 0.25}
        run = hhcore.trace(model, values, PULSES[model.name], duration=1500.0, **settings)
    axes.plot(run["time"], run[model.potential], color=colour, linewidth=0.6, label=label)


def rate_curve(axes: Axes, model: Model, values: dict[str, float], colour: str, label: str) -> None:
    """Rate of the last ten intervals of 2 s from rest."""
    amplitudes = np.linspace(0, STEPS[model.name][2], 81)
    threshold = 0.0 if model.states[model.potential].unit == "1" else -10.0
    run = hhcore.simulate(model, values, hhcore.Step(amplitudes), duration=2000.0, threshold=threshold)
    trains = np.split(run.spike_times, run.offsets[1:-1])
    rates = [1000 / np.diff(t)[-10:].mean() if len(t) > 11 and t[-1] > 1500 else 0.0 for t in trains]
    look = {"color": colour, "marker": ".", "markersize": 2, "linewidth": 0.6, "label": label}
    plot_with_jumps(axes, amplitudes, np.array(rates), **look)


def page(name: str) -> str:
    """The page in Markdown."""
    model = hhcore.load_model(name)
    parsed = myokit.parse_model(myokit.split((CATALOGUE / f"{name}.mmt").read_text())[0])
    lines = [f"# {model.title}", "", "Written by `make model-pages` from the model file.", "", f"`model: {name}`", ""]
    lines += [parsed.meta["desc"].strip(), "", model.source, "", f"![Membrane potential over time]({name}.png)", ""]
    for key, variant in read_variants(parsed, name).items():
        values = ", ".join(f"`{variable}` = {value:g}" for variable, value in variant.values.items())
        lines += [f"- `{name}:{key}`: {variant.description}: {values}"]
    lines += ["", "## Verified numbers and comparisons", "", "Not ours; the tests hold the model to them.", ""]
    lines += ["| quantity | number | unit | within | origin |", "|---|---|---|---|---|", *verified_numbers(name)]
    lines += ["", "## Equations", ""]
    for component in parsed.components():
        equations = [equation(v) for v in component.variables(const=False, bound=False, deep=True, sort=False)]
        if equations:
            lines += [f"**{component.name()}**", "", *(line for e in equations for line in (e, ""))]
    lines += ["## Parameters", "", "| name | value | unit | | source |", "|---|---:|---|---|---|"]
    lines += [
        f"| `{q.name}` | {q.value!r} | {q.unit} | {q.description} | {q.source} |" for q in model.parameters.values()
    ]
    lines += ["", "## States", "", "| name | initial value | unit | |", "|---|---:|---|---|"]
    lines += [f"| `{q.name}` | {q.value!r} | {q.unit} | {q.description} |" for q in model.states.values()]
    return "\n".join(lines) + "\n"


def verified_numbers(name: str) -> list[str]:
    """Rows of the table: what others computed or measured."""
    rows = []
    for entry in yaml.safe_load((DATA / "verified_numbers.yaml").read_text())[name].values():
        value = entry.get("value", "")
        if "at" in entry:
            value = reduce(getitem, entry["at"].split("."), json.loads((DATA / f"{name}.json").read_text()))
        number = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        rows.append(f"| {entry['what']} | {number} | {entry.get('unit', '')} | {entry['within']} | {entry['origin']} |")
    return rows


def escaped(name: str) -> str:
    """A name in LaTeX."""
    return name.replace("_", r"\_")


class Latex(LatexExpressionWriter):
    """Myokit's own, with numbers as one writes them."""

    def _ex_number(self, e, b):
        b.append(f"{e.eval():.15g}")
        if (unit := written_unit(e.unit())) != "1":
            b.append(rf"\,\mathrm{{{unit}}}".replace("*", r"\,"))

    def _ex_power(self, e, b):
        plain = isinstance(e[0], myokit.Name | myokit.Number)
        b.append(self.ex(e[0]) if plain else rf"\left({self.ex(e[0])}\right)")
        b.append(f"^{{{self.ex(e[1])}}}")


def equation(variable: myokit.Variable) -> str:
    """A line of mathematics; a nested variable has the path to it, one of another component has that as an index."""
    home = variable.parent(myokit.Component)

    def symbol(other: myokit.Variable) -> str:
        where = other.parent(myokit.Component)
        name = rf"\mathrm{{{escaped(other.qname().partition('.')[2])}}}"
        return name if where is home else rf"{name}_{{\mathrm{{{escaped(where.name())}}}}}"

    writer = Latex()
    writer.set_lhs_function(lambda lhs: symbol(lhs.var()))
    left = rf"\frac{{d\,{symbol(variable)}}}{{dt}}" if variable.is_state() else symbol(variable)
    return f"$${left} = {writer.ex(variable.rhs())}$$"


def main() -> None:
    """All pages, or those named."""
    FOLDER.mkdir(exist_ok=True)
    names = sys.argv[1:] or hhcore.models()
    print(f"==> Pages of {len(names)} models, half a minute each where kernels are not compiled yet", flush=True)
    for name in names:
        draw(name).savefig(FOLDER / f"{name}.png", dpi=110)
        (FOLDER / f"{name}.md").write_text(page(name), encoding="utf-8")
        print(f"    {name}", flush=True)
    index = ["# Models", "", "Each by its name in a config: `model: NAME`, or `model: NAME:VARIANT`.", ""]
    for name in hhcore.models():
        sets = ", ".join(f"`{key}`" for key in hhcore.variants(name))
        model = hhcore.load_model(name)
        index.append(f"- [`{name}`]({name}.md): {model.title}, {len(model.states)} states{f'; {sets}' if sets else ''}")
    (FOLDER / "README.md").write_text("\n".join(index) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
