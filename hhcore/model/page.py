"""What a notebook shows of a model: its equations, states and parameters, with units and sources."""

from collections.abc import Iterable, Iterator
from html import escape
from typing import TYPE_CHECKING

import myokit

from hhcore.base.units import pretty_unit
from hhcore.model.mathml import Typesetter

if TYPE_CHECKING:
    from hhcore.model.model import Model, Quantity

# Colours are those of the page around, light or dark.
STYLE = """
.hhcore-model table {border-collapse: collapse; margin: 0.3em 0 0.8em}
.hhcore-model th, .hhcore-model td {text-align: left; padding: 0.15em 0.8em 0.15em 0; vertical-align: top}
.hhcore-model th {border-bottom: 1px solid; font-weight: 600}
.hhcore-model td.number {text-align: right; font-variant-numeric: tabular-nums}
.hhcore-model td.note, .hhcore-model p.note {opacity: 0.75}
.hhcore-model summary {cursor: pointer; font-weight: 600}
.hhcore-model .wide {overflow-x: auto}
.hhcore-model math {margin: 0.15em 0}
"""
HEADS = ("name", "value", "unit", "what it is", "source")


def page(model: "Model") -> str:
    """An HTML fragment that needs no network and no script; every text of the model file is escaped."""
    e = escape
    current = f"injected current {model.current.name}" if model.current.unit != "1" else "no injected current"
    notes = "".join(f'<p class="note">{e(note)}</p>' for note in model.notes)
    return (
        f'<div class="hhcore-model"><style>{STYLE}</style>'
        f'<p><b>{e(model.title)}</b> ({e(model.name)})</p><p class="note">{e(model.source)}</p>'
        f"<p>Membrane potential {e(model.potential)}, {e(current)}, time in {e(model.time_unit)}.</p>{notes}"
        + _section("Equations", len([*_computed(model.myokit)]), _equations(model.myokit), opened=True)
        + _section("States", len(model.states), _table(model.states.values()))
        + _section("Parameters", len(model.parameters), _table(model.parameters.values()))
        + "</div>"
    )


def _section(title: str, count: int, body: str, opened: bool = False) -> str:
    start = '<details open="">' if opened else "<details>"
    return f'{start}<summary>{title} ({count})</summary><div class="wide">{body}</div></details>'


def _computed(model: myokit.Model) -> Iterator[myokit.Variable]:
    """The variables that have an equation."""
    return (v for v in model.variables(deep=True) if not v.is_literal() and not v.is_bound())


def _equations(model: myokit.Model) -> str:
    typesetter = Typesetter(model)
    rows = "".join(
        f"<tr><td>{typesetter.equation(v)}</td>{_note(v.meta.get('desc', ''))}{_note(v.meta.get('source', ''))}</tr>"
        for v in _computed(model)
    )
    return f"<table>{rows}</table>"


def _table(quantities: Iterable["Quantity"]) -> str:
    head = "".join(f"<th>{text}</th>" for text in HEADS)
    rows = "".join(
        f'<tr><td>{escape(q.name)}</td><td class="number">{q.value:.10g}</td>'
        f"<td>{escape(pretty_unit(q.unit))}</td>{_note(q.description)}{_note(q.source)}</tr>"
        for q in quantities
    )
    return f"<table><tr>{head}</tr>{rows}</table>"


def _note(text: str) -> str:
    return f'<td class="note">{escape(" ".join(text.split()))}</td>'
