"""What was asked of an experiment, in a few sentences."""

from collections.abc import Iterator, Sequence

import numpy as np

from hhcore.base.units import ZERO_CELSIUS_K, pretty_unit
from hhcore.base.words import counted, number
from hhcore.certify.evidence import MOST
from hhcore.experiments.experiment import Experiment


def asked(e: Experiment) -> list[str]:
    """The sentences: neurons and stimulus, what varies, how they start and how long they run, the accuracy."""
    return [_what(e), *_varied(e), _run(e), _accuracy(e)]


def _what(e: Experiment) -> str:
    neurons = counted(e.n_points, "neuron")
    return f"{neurons} of {e.model.title}. Protocol: {e.protocol.title}; stimulus: {e.stimulus.title}."


def _varied(e: Experiment) -> Iterator[str]:
    if e.sample is not None:
        spread = [f"{s.name} {s.words}" for s in e.sample.distributions]
        points = f"{len(e.sample.points):,} points of a {e.sample.kind.replace('_', ' ')} design"
        yield f"Sampled: {_listed(spread)}; {points}, seed {e.sample.seed}."
    axes = [_axis(e, axis.name, axis.values) for axis in e.axes if axis.values.size > 1]
    if axes:
        how = ", in step with each other" if e.combine == "zip" and len(axes) > 1 else ""
        yield f"{'Varied: ' if e.sample is None else 'Varied besides: '}{_listed(axes)}{how}."


def _axis(e: Experiment, name: str, values: np.ndarray) -> str:
    zero, unit = (ZERO_CELSIUS_K, "degC") if name in e.celsius else (0.0, e.unit(name))
    low, high = (number(value - zero, 6) for value in (values.min(), values.max()))
    ends = f"{low} to {high}" + ("" if unit == "1" else f" {pretty_unit(unit)}")
    return f"{name}, {ends} in {values.size:,} values"


def _run(e: Experiment) -> str:
    start = {
        "rest": "its own stable equilibrium at the holding potential" if e.clamped else "its own stable equilibrium",
        "model": "the state in the model file",
    }[e.initial_state]
    if e.stated:
        whole = len(e.stated) == len(e.model.states)
        start = "the state that the config gives" if whole else f"{start}, but for {_listed(e.stated)}"
    words = f"{'It' if e.n_points == 1 else 'Each'} starts from {start}"
    time = "" if e.model.time_unit == "1" else f" {pretty_unit(e.model.time_unit)}"
    if "duration" not in e.protocol.ignores:
        words += f" and runs for {number(e.duration, 6)}{time}"
    if "analysis_window" not in e.protocol.ignores and e.analysis_window != (0.0, e.duration):
        begin, end = (number(edge, 6) for edge in e.analysis_window)
        words += f"; rates are those from {begin} to {end}{time}"
    return f"{words}."


def _accuracy(e: Experiment) -> str:
    accuracy = e.protocol.accuracy
    if e.tolerance is None:
        return "No accuracy was asked for: the config names the solver, whose error is measured on a sample."
    bound = f"{number(e.tolerance * accuracy.factor)} {pretty_unit(accuracy.unit)}"
    label = accuracy.label[:1].lower() + accuracy.label[1:]
    most = "" if e.n_points == 1 else f" in {MOST} of the neurons"
    return f"Accuracy asked for: {label} at most {bound}{most}; the solver was chosen by that."


def _listed(parts: Sequence[str]) -> str:
    """`a; b; and c`."""
    return parts[0] if len(parts) == 1 else f"{'; '.join(parts[:-1])}; and {parts[-1]}"
