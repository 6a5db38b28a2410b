"""What figures and their traces are called: authors and variant of a model, what distinguishes a trace."""

import re

import numpy as np

from hhcore.base.units import ZERO_CELSIUS_K, pretty_unit
from hhcore.experiments.experiment import Experiment
from hhcore.model.model import Model
from hhcore.simulation.initial import initial_value


def after_number(unit: str) -> str:
    """The unit after a number: ` µA/cm²`, or nothing if the unit is `1`."""
    return "" if unit == "1" else f" {pretty_unit(unit)}"


def minus(text: str) -> str:
    """The text with a minus sign before numbers, as ticks have it, in the place of a hyphen."""
    return re.sub(r"(?<!\S)-(?=\d)", "\N{MINUS SIGN}", text)


def with_error(value: float, error: float) -> str:
    """A number and its standard error, to the digits that the error leaves: `-38.2 ± 0.4`."""
    digits = int(np.clip(1 - np.floor(np.log10(error)), 0, 6)) if error > 0 else 6
    return f"{value:.{digits}f} \N{PLUS-MINUS SIGN} {error:.{digits}f}"


def authors(model: Model) -> str:
    """`Hodgkin and Huxley 1952` of `Hodgkin and Huxley 1952, squid giant axon`; a title without a year stays whole.

    The name of a variant follows in brackets.
    """
    title = (model.base or model).title
    found = re.match(r".*?\b(?:1[89]|20)\d\d\b", title)
    variant = model.name.partition(":")[2] if model.base else ""
    return (found[0] if found else title) + (f" ({variant})" if variant else "")


def trace_titles(e: Experiment) -> tuple[str, ...]:
    """What distinguishes each trace, in as few digits as keep different traces apart, at least six."""
    different = len({tuple(point.items()) for point in e.traces})
    for digits in range(6, 18):
        titles = tuple(_trace_title(e, point, digits) for point in e.traces)
        if len(set(titles)) == different:
            break
    return titles


def _trace_title(e: Experiment, point: dict[str, float], digits: int) -> str:
    """What is swept, the stimulus without what has its default, changed parameters, treatments and initial values.

    Fields of the stimulus that the protocol sets itself are not among them: they need not be those of the trace.
    Of a clamp, which may have many segments, only fields that are swept, or that the trace has of its own.
    """
    initial = {name: e.defaults[name] for name in map(initial_value, e.stated)}
    fields = {name: e.defaults[name] for name in e.stimulus.fields} if e.clamped else e.stimulus.defaults(e.duration)
    amounts = {treatment.amount.name: 0.0 for treatment in e.treatments}
    usual = fields | {name: q.value for name, q in e.model.parameters.items()} | amounts | initial
    names = [name for name in e.stimulus.fields if name not in {*e.stimulus.internal, *e.protocol.supplies}]
    names += [*e.model.parameters, *amounts, *initial]
    shown = [name for name in names if name in e.swept or point[name] != usual.get(name)]
    return ", ".join(f"{name} = {_value(e, name, point[name], digits)}" for name in shown)


def _value(e: Experiment, name: str, value: float, digits: int) -> str:
    if name in e.celsius:
        return f"{value - ZERO_CELSIUS_K:.{digits}g}{after_number('degC')}"
    return f"{value:.{digits}g}{after_number(e.unit(name))}"
